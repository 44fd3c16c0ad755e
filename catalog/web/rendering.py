"""Templates, and what they say values with.

Everything that a template is given is escaped where it is written; and what strangers wrote goes
through ``text`` before, which shows what would steer a terminal or turn the direction of a line.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import jinja2
from starlette.responses import HTMLResponse, Response

from catalog import __version__
from catalog.times import DAY, SECOND, day_of, to_datetime
from catalog.web.marks import mark
from catalog.wording.changes import label
from catalog.wording.text import (
    count,
    difference,
    duration,
    harmless,
    iso,
    moment,
    money,
    number,
    shorten,
    shown,
    size,
    to_json,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from catalog.times import Micros

LONGEST = 20_000
"""Characters of one text that a page shows: more is in the raw document."""
_PAGES = (
    ("/", "Overview"),
    ("/gpts", "GPTs"),
    ("/authors", "Authors"),
    ("/changes", "Changes"),
    ("/trends", "Trends"),
    ("/runs", "Runs"),
    ("/sql", "SQL"),
)


def render(
    request: Request,
    template: str,
    *,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page.

    Args:
        request: what is answered.
        template: its file.
        status_code: of HTTP.
        headers: more of HTTP's.
        values: what the template says.
    """
    path = request.url.path
    text = (
        _environment()
        .get_template(template)
        .render(
            path=path,
            pages=_PAGES,
            section=f"/{path.split('/')[1]}",
            now=request.app.state.reading.now,
            version=__version__,
            **values,
        )
    )
    return HTMLResponse(text, status_code, headers)


@cache
def static_files() -> dict[str, bytes]:
    """The static files, by name."""
    folder = files("catalog.web") / "static"
    return {
        entry.name: entry.read_bytes()
        for entry in sorted(folder.iterdir(), key=lambda each: each.name)
        if entry.is_file()
    }


@cache
def edition() -> str:
    """Names the static files together: an address with it never changes what it means."""
    digest = hashlib.sha256()
    for name, body in static_files().items():
        digest.update(f"{name}\0{len(body)}\0".encode())
        digest.update(body)
    return digest.hexdigest()[:16]


@cache
def _environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("catalog.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        ago=ago,
        bytes=size,
        clock=lambda at: f"{to_datetime(at):%H:%M}",
        count=count,
        day=lambda at: "–" if at is None else day_of(at),
        difference=difference,
        host=link_host,
        iso=iso,
        json=lambda value: to_json(value, lines=True),
        label=label,
        link=link,
        mark=mark,
        moment=moment,
        money=money,
        number=lambda value: "–" if value is None else number(value),
        percent=lambda value: f"{100 * value:.1f} %",
        quoted=lambda value: quote(str(value), safe=""),
        said=shown,
        seconds=duration,
        span=lambda length: duration(length / SECOND),
        stars=lambda value: "–" if value is None else f"{value:.2f}",
        text=text,
        url=url,
    )
    found.globals["static"] = lambda name: f"/static/{edition()}/{name}"
    return found


def text(value: str | None, longest: int = LONGEST, *, lines: bool = False) -> str:
    """What a stranger wrote, made harmless, and cut where it is longer than a page can bear."""
    return shorten(harmless(shorten(value or "", longest), lines=lines), longest)


def link(value: object) -> str | None:
    """An address that may be followed; None for any other: ``javascript:`` and its like."""
    if not isinstance(value, str):
        return None
    address = value.strip()
    try:
        parts = urlsplit(address)
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
            return None
        # What an address hides behind a name or a port is shown as it is, or not at all.
        if parts.username is not None or parts.password is not None:
            return None
    except ValueError:
        return None
    return address if address == harmless(address) and " " not in address else None


def link_host(value: str) -> str:
    """The host that an address names, as it is asked for: other alphabets in ASCII."""
    host = urlsplit(value.strip()).hostname or ""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return harmless(host)


def url(path: str, *pairs: tuple[str, object], **more: object) -> str:
    """An address of this server; what is None is left out."""
    given = [*pairs, *more.items()]
    query = urlencode([(key, str(value)) for key, value in given if value is not None])
    return f"{path}?{query}" if query else path


def ago(at: Micros | None, now: Micros) -> str:
    """How long ago, in one word: ``3 days ago``."""
    if at is None:
        return "never"
    length = now - at
    if length < 0:
        return f"in {_roughly(-length)}"
    return f"{_roughly(length)} ago"


def _roughly(length: Micros) -> str:
    for unit, word in (
        (365 * DAY, "year"),
        (DAY, "day"),
        (DAY // 24, "hour"),
        (60 * SECOND, "minute"),
    ):
        if length >= unit:
            return count(length // unit, word)
    return "a moment"
