"""The work of the job ``prune``: retention, by written rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.storage.engine import open_engine, read, write
from catalog.storage.prune import Pruned, prune, record
from catalog.times import DAY, day_of
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from catalog.storage.engine import Engine
    from catalog.times import Micros

KEPT_DAYS = 90
"""Days that things stay, where nothing else is set."""
_REPORT = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})\.(?:md|html|json)")


def prune_all(
    engine: Engine, folder: Path, now: Micros, keep_days: float, *, dry_run: bool = False
) -> list[Pruned]:
    """Apply every rule, to the catalog and to the reports beside it.

    Args:
        engine: the catalog; only read in a dry run.
        folder: where reports are.
        now: the present moment.
        keep_days: what is older may go.
        dry_run: only say what would go.
    """
    before = now - round(keep_days * DAY)
    files = _old_reports(folder, before)
    reports = Pruned(
        what="reports",
        removed=len(files),
        size=sum(path.stat().st_size for path in files),
    )
    if dry_run:
        with read(engine) as conn:
            return [*prune(conn, before, dry_run=True), reports]
    with write(engine) as conn:
        done = [*prune(conn, before), reports]
        record(conn, now, done)
    # After the commit: a file that is still there is removed the next time.
    for path in files:
        path.unlink(missing_ok=True)
    return done


def work(context: JobContext) -> JobResult:
    """Prune what is older than ``keep_days``."""
    keep_days = float(context.options.get("keep_days") or KEPT_DAYS)
    folder = Path(context.settings.catalog.folder)
    engine = open_engine(context.url, durable=True)
    try:
        done = prune_all(engine, folder, context.clock.now(), keep_days)
    finally:
        engine.dispose()
    return JobResult(
        numbers={"removed": sum(each.removed for each in done)},
        message=", ".join(f"{each.removed:,} {each.what}" for each in done if each.removed)
        or "nothing was old enough",
    )


def _old_reports(folder: Path, before: Micros) -> list[Path]:
    """The reports of days that ended before ``before``."""

    def found() -> Iterator[Path]:
        for path in sorted((folder / "reports").glob("*")):
            match = _REPORT.fullmatch(path.name)
            if match and match["day"] < day_of(before):
                yield path

    return list(found())
