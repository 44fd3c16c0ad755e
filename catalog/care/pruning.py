"""The work of the job ``prune``: retention, by written rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.alarms.kinds import STALE_GRACE
from catalog.decide.marks import FLAP_WINDOW
from catalog.derive import Derivation
from catalog.query.likeness import WINDOW
from catalog.storage.engine import read, write
from catalog.storage.prune import Pruned, prune, record
from catalog.storage.thinning import Plan, Thinned
from catalog.storage.thinning import thin as thin_out
from catalog.times import DAY, Micros, day_of
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

KEPT_DAYS = 90
"""Days that things stay, where nothing else is set."""
COMPARED: Micros = WINDOW + STALE_GRACE
"""Beyond the ceiling: the runs that are compared with those before, and what jitter adds."""
UNTHINNED: Micros = FLAP_WINDOW + DAY
"""Observations younger than this stay whatever is set: what comes next is compared with each of
them, and whether a value is back depends on how many there were (rule 8)."""
_REPORT = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})\.(?:md|html|json)")


def prune_all(
    engine: Engine,
    folder: Path,
    now: Micros,
    keep_days: float,
    *,
    ceiling_days: float = 0.0,
    thin: bool = False,
    dry_run: bool = False,
) -> list[Pruned]:
    """Apply every rule, to the catalog and to the reports beside it.

    Thinning comes last, in a transaction of its own: where it may not be done, the rest is.

    Args:
        engine: the catalog; only read in a dry run.
        folder: where reports are.
        now: the present moment.
        keep_days: what is older may go.
        ceiling_days: the longest time between two visits of a GPT; how they ended stays for longer,
            as the last two are compared.
        thin: drop observations that say again what others say, too.
        dry_run: only say what would go.

    Raises:
        StorageError: the catalog cannot be used, or cannot be thinned.
    """
    before = now - round(keep_days * DAY)
    asked_before = now - round(ceiling_days * DAY) - COMPARED
    files = _old_reports(folder, before)
    reports = Pruned(
        what="reports",
        removed=len(files),
        size=sum(path.stat().st_size for path in files),
    )
    if dry_run:
        with read(engine) as conn:
            would = [*prune(conn, before, asked_before=asked_before, dry_run=True), reports]
            if thin:
                plan = Plan(
                    conn,
                    Derivation(),
                    min(before, now - UNTHINNED),
                    outcomes_before=min(before, asked_before),
                )
                would.append(_thinned(plan.count()))
            return would
    with write(engine) as conn:
        done = [*prune(conn, before, asked_before=asked_before), reports]
        record(conn, now, done)
    # After the commit: a file that is still there is removed the next time.
    for path in files:
        path.unlink(missing_ok=True)
    if thin:
        with write(engine) as conn:
            thinned = _thinned(thin_out(conn, Derivation(), min(before, now - UNTHINNED)))
            record(conn, now, [thinned])
        done.append(thinned)
    return done


def _thinned(done: Thinned) -> Pruned:
    return Pruned(
        what="observations that say nothing new",
        removed=done.observations,
        size=done.size,
        note=f"with {done.payloads:,} payloads that no other names",
    )


def work(context: JobContext) -> JobResult:
    """Prune what is older than ``keep_days``; where ``thin`` is set, observations as well."""
    keep_days = float(context.options.get("keep_days") or KEPT_DAYS)
    folder = Path(context.settings.catalog.folder)
    with context.catalog(read_only=False) as engine:
        done = prune_all(
            engine,
            folder,
            context.clock.now(),
            keep_days,
            ceiling_days=context.settings.plan.ceiling_days,
            thin=bool(context.options.get("thin")),
        )
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
