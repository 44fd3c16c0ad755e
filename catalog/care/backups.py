"""The work of the job ``backup``: a checked copy each time, and no more of them than wanted."""

from __future__ import annotations

import re
from pathlib import Path

from catalog.storage.backup import PARTIAL, back_up
from catalog.storage.urls import is_sqlite, parse_url, sqlite_path
from catalog.times import to_datetime
from catalog.working import JobContext, JobResult

FOLDER = "backups"
KEPT = 7
"""Backups that stay, where nothing else is set."""
_MOMENT = "????????T??????Z"
_ODD = re.compile(r"[^\w.-]")


def name_of(url: str) -> str:
    """What backups of the catalog at ``url`` begin with: two catalogs may share a folder."""
    parsed = parse_url(url)
    name = sqlite_path(parsed).stem if is_sqlite(parsed) else parsed.database or ""
    return _ODD.sub("_", name)


def backups(folder: Path, name: str) -> list[Path]:
    """The backups that the job made of a catalog, the latest first."""
    return sorted((folder / FOLDER).glob(f"{name}-{_MOMENT}.db"), reverse=True)


def work(context: JobContext) -> JobResult:
    """Back up the catalog, then remove the oldest backups beyond ``keep``.

    Only after a new one is there and checked: a failing job never leaves fewer than before.
    """
    folder = Path(context.settings.catalog.folder)
    now, name = context.clock.now(), name_of(context.url)
    # The job has a lock: what a process that was killed left half done is nobody's.
    for path in (folder / FOLDER).glob(f"{name}-{_MOMENT}.db{PARTIAL}*"):
        path.unlink(missing_ok=True)

    def report(_: str) -> None:
        # A log needs none of the hundred lines that a person at a terminal is told.
        if context.stopping.is_set():
            raise _Stopped

    try:
        path = folder / FOLDER / f"{name}-{to_datetime(now):%Y%m%dT%H%M%SZ}.db"
        made = back_up(context.url, path, now, report, replace=True)
    except _Stopped:
        return JobResult(status="stopped", message="told to stop before the backup was whole")
    keep = int(context.options.get("keep") or KEPT)
    others = [path for path in backups(folder, name) if path != made.path]
    # What a clock that was ahead has dated is no news: it goes first.
    ranked = sorted(others, key=lambda path: (path.name > made.path.name, _backwards(path.name)))
    old = ranked[keep - 1 :]
    for path in old:
        path.unlink()
    return JobResult(
        numbers={"bytes": made.size, "checked": made.checked, "removed": len(old)},
        message=f"{made.path}, {made.size:,} bytes, checked",
    )


def _backwards(name: str) -> tuple[int, ...]:
    """Sorts names from the last to the first."""
    return tuple(-ord(letter) for letter in name)


class _Stopped(Exception):
    """The work was told to stop in the midst."""
