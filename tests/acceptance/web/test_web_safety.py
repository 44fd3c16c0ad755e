"""Who is answered, what browsers are told, and that nothing is changed by any request."""

from __future__ import annotations

import asyncio
import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import pytest
from starlette.requests import Request

from catalog.settings import load_settings
from catalog.times import FixedClock
from catalog.web.app import make_app
from catalog.web.failing import show_fault
from catalog.web.options import WebOptions
from catalog.web.rendering import edition
from catalog.web.safety import HEADERS
from tests.acceptance.web.conftest import Site, _serving

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "correct-horse-battery-staple"


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def _ask(url: str, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        found = connection.getresponse()
        named = {name.lower(): value for name, value in found.getheaders()}
        return Answer(found.status, named, found.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def guarded(site: Site) -> Iterator[str]:
    """The same catalog, served to those who have the token."""
    settings = load_settings(site.folder / "catalog.toml", {}, url=None)
    options = WebOptions(
        settings=settings,
        clock=FixedClock(site.now),
        token=TOKEN,
        hosts=frozenset({"catalog.example"}),
    )
    assert TOKEN not in repr(options)
    with _serving(make_app(options)) as url:
        yield url


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "[::1]evil.example",
        "localhost:80/evil",
    ],
)
def test_a_caller_by_another_name_is_refused(site: Site, host: str) -> None:
    assert _ask(site.url, "/", Host=host).status == 421


@pytest.mark.parametrize(
    ("origin", "wanted", "status"),
    [
        ("cross-site", "image", 403),
        ("same-site", "empty", 403),
        ("cross-site", "iframe", 403),
        ("cross-site", "document", 200),
        ("same-origin", "empty", 200),
        ("none", "document", 200),
    ],
)
def test_pages_of_others_may_link_here_and_not_ask_by_themselves(
    site: Site, origin: str, wanted: str, status: int
) -> None:
    asked = {"Sec-Fetch-Site": origin, "Sec-Fetch-Dest": wanted}
    assert _ask(site.url, "/api/sql?query=SELECT%201", **asked).status == status


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8000"])
def test_a_caller_by_address_or_localhost_is_answered(site: Site, host: str) -> None:
    assert _ask(site.url, "/", Host=host).status == 200


@pytest.mark.parametrize("path", ["/api/stats", "/api/gpts/g-1"])
def test_an_error_that_nobody_meant_is_marked_as_every_answer_is(path: str) -> None:
    request = Request({"type": "http", "method": "GET", "path": path, "headers": []})
    answer = asyncio.run(show_fault(request, ValueError("a secret")))
    assert answer.status_code == 500
    assert b"a secret" not in answer.body
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_name_that_was_given_is_answered(guarded: str) -> None:
    asked = {"Host": "catalog.example", "Authorization": f"Bearer {TOKEN}"}
    assert _ask(guarded, "/", **asked).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/gpts", "/sql", "/nowhere", "/static/x/app.js"])
def test_no_method_changes_anything(site: Site, method: str, path: str) -> None:
    found = _ask(site.url, path, method)
    assert found.status == 405
    assert found.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/gpts", "/nowhere", "/gpts?q=%22", "/sql?query=SELEC"])
def test_every_answer_carries_the_policy(site: Site, path: str) -> None:
    headers = _ask(site.url, path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "private, no-cache"


def test_no_page_has_inline_code_or_style(site: Site) -> None:
    for path in ("/", "/gpts", f"/gpts/{site.gizmo_id}", "/trends", "/runs", "/changes"):
        text = _ask(site.url, path).body.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert text.count("<script") == text.count("<script src=") + text.count(
            '<script type="module" src='
        )


def test_static_files_stay_under_their_address(site: Site) -> None:
    found = _ask(site.url, f"/static/{edition()}/app.css")
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = _ask(
        site.url, f"/static/{edition()}/app.css", **{"If-None-Match": found.headers["etag"]}
    )
    assert (again.status, again.body) == (304, b"")
    for path in ("/static/0123456789abcdef/app.css", f"/static/{edition()}/../app.py"):
        assert _ask(site.url, path).status == 404


def test_without_the_token_nothing_is_shown(guarded: str) -> None:
    for path in ("/", "/api/gpts", f"/static/{edition()}/app.css", "/?token=wrong"):
        found = _ask(guarded, path)
        assert found.status == 401
        assert b"GPTs catalog" not in found.body


def test_the_token_in_an_address_becomes_a_cookie(guarded: str) -> None:
    found = _ask(guarded, f"/gpts?q=a&token={TOKEN}")
    assert found.status == 303
    assert found.headers["location"] == "/gpts?q=a"
    cookie = found.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    shown = _ask(guarded, "/gpts?q=a", Cookie=cookie.partition(";")[0])
    assert shown.status == 200


def test_the_token_sends_nobody_elsewhere(guarded: str) -> None:
    found = _ask(guarded, f"//evil.example/?token={TOKEN}")
    assert found.headers["location"] == "/evil.example/"


def test_a_raw_document_is_never_a_page(site: Site) -> None:
    found = _ask(site.url, f"/gpts/{site.hostile['script']}/raw?download=1")
    assert found.status == 200, found.body.decode()
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"].startswith("attachment")
    assert b"<script>alert(1)</script>" in found.body
