"""Reports and feeds as files: each written beside its place, then renamed into it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.report.compose import compose
from catalog.report.feeds import to_atom, to_json_feed
from catalog.report.html import to_html
from catalog.report.markdown import to_markdown
from catalog.report.tojson import to_json_report
from catalog.times import DAY, day_of, from_iso, parse_moment

if TYPE_CHECKING:
    from collections.abc import Collection

    from catalog.report.feeds import Feed
    from catalog.report.model import Report
    from catalog.times import Micros

REPORTS = "reports"
FEEDS = "feeds"
LATEST = "latest.html"
CHANGES = "changes"
LAST = "last-"
"""What the names of files begin with that tell of the last run of a job."""
_FORMS = ("md", "html", "json")
_DAY = re.compile(rf"(?P<day>\d{{4}}-\d{{2}}-\d{{2}})\.(?:{'|'.join(_FORMS)})", re.ASCII)
_WATCH_FEED = re.compile(r"watch-(?P<name>.+)\.(?:atom|json)")


class _Window(msgspec.Struct, frozen=True):
    until: str


class _Written(msgspec.Struct, frozen=True):
    """What of a report's JSON is read again."""

    window: _Window


def write_report(folder: Path, report: Report, name: str | None = None) -> list[Path]:
    """Write a report in each form, the JSON last: where it is, the others are.

    Args:
        folder: where.
        report: the report.
        name: of the files; None: its window names them.
    """
    page = compose(report)
    forms = (
        ("md", to_markdown(page)),
        ("html", to_html(page)),
        ("json", to_json_report(report)),
    )
    return [put(folder / f"{name or report.window.name}.{form}", text) for form, text in forms]


def write_feed(folder: Path, name: str, feed: Feed) -> list[Path]:
    """Write a feed in each form.

    Args:
        folder: where.
        name: of the files.
        feed: the feed.
    """
    forms = (("atom", to_atom(feed)), ("json", to_json_feed(feed)))
    return [put(folder / f"{name}.{form}", text) for form, text in forms]


def watch_file(name: str) -> str:
    """The name of the files of a watch's feed."""
    return f"watch-{name}"


def remove_other_feeds(folder: Path, watches: Collection[str]) -> None:
    """Remove the feeds of watches that are no more: they would seem to tell that nothing happens.

    Args:
        folder: where feeds are.
        watches: the watches that there are.
    """
    for path in sorted(folder.glob("watch-*")):
        match = _WATCH_FEED.fullmatch(path.name)
        if match and match["name"] not in watches:
            path.unlink(missing_ok=True)


def last_reported(folder: Path) -> Micros | None:
    """Until when the days are reported in a folder; None: there is no report.

    A file that cannot be read counts as not there: its day is then reported again.
    """
    for path in sorted(folder.glob("*.json"), reverse=True):
        if _DAY.fullmatch(path.name) and (until := _until(path)) is not None:
            return until
    return None


def lacking_days(folder: Path, known_since: Micros | None, before: Micros) -> list[str]:
    """The UTC days whose report is not there or not whole, though those around them are.

    Files that were removed are written again so. What is older than all that is there was pruned.

    Args:
        folder: where reports are.
        known_since: days before this one are looked at only where something is there of them, as
            whoever writes the report of a day of long ago there does not want all since; None: so
            it is with all days.
        before: days that end before this moment.
    """
    there = {day for path in folder.glob("*") if (day := _day_of_file(path)) is not None}
    wanted = set(there)
    if there and known_since is not None:
        first = max(parse_moment(min(there)), known_since // DAY * DAY)
        wanted |= {day_of(start) for start in range(first, before, DAY)}
    return [
        day
        for day in sorted(wanted)
        if (end := parse_moment(day, end_of_day=True)) < before and not _is_whole(folder, day, end)
    ]


def remove_written(path: Path) -> None:
    """Remove a file that names somebody; the JSON of a day's report is left, without a word.

    By it :func:`lacking_days` sees which days were reported, were they the first of all.
    """
    path.unlink(missing_ok=True)
    day = _day_of_file(path)
    if day is not None and not (told := path.with_name(f"{day}.json")).exists():
        put(told, "")


def _day_of_file(path: Path) -> str | None:
    """The UTC day of whose report a file is, by its name; None: it is none."""
    match = _DAY.fullmatch(path.name)
    if match is None:
        return None
    try:
        parse_moment(match["day"])
    except ValueError:
        return None
    return match["day"]


def _is_whole(folder: Path, day: str, end: Micros) -> bool:
    until = _until(folder / f"{day}.json")
    return (
        until is not None
        and until >= end
        and all((folder / f"{day}.{form}").is_file() for form in _FORMS)
    )


def _until(path: Path) -> Micros | None:
    """Until when a report's JSON tells; None: it cannot be read."""
    try:
        return from_iso(msgspec.json.decode(path.read_bytes(), type=_Written).window.until)
    except (FileNotFoundError, msgspec.DecodeError, ValueError):
        return None


def put(path: Path, text: str) -> Path:
    """Write a file whole or not at all: who reads it meanwhile reads the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path
