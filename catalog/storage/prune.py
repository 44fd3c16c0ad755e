"""Retention, by written rules (rule 14): what may go with age, and nothing else.

No observation goes, and no payload that one names: thinning is another matter, and asked for. Each
rule can be asked what it would remove before it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from catalog.storage import tables as t
from catalog.storage.dialects import insert_or
from catalog.storage.work_tables import alarms, job_runs, outcome_days, prunings
from catalog.times import DAY, day_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.times import Micros


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule removed, or would remove.

    Attributes:
        what: the rule.
        removed: rows, bodies or files.
        size: bytes of content; 0 where it is not known.
        note: for people.
    """

    what: str
    removed: int
    size: int = 0
    note: str = ""


def prune(
    conn: Connection, before: Micros, *, asked_before: Micros | None = None, dry_run: bool = False
) -> list[Pruned]:
    """Apply every rule to what is older than ``before``.

    Args:
        conn: in a write transaction; in any, for a dry run.
        before: what happened earlier may go.
        asked_before: outcomes stay unless they are older than this too: whether a source still says
            anything new is told by the visit before the last one, however long ago that was.
        dry_run: only say what would go.
    """
    rules: tuple[Callable[..., Pruned], ...] = (
        failure_bodies,
        outcomes,
        probe_answers,
        old_job_runs,
        old_alarms,
    )
    visits = before if asked_before is None else min(before, asked_before)
    return [rule(conn, visits if rule is outcomes else before, dry_run=dry_run) for rule in rules]


def record(conn: Connection, now: Micros, done: list[Pruned]) -> None:
    """Write down what was removed, and by which rule; rules that removed nothing leave no row."""
    # Two of one moment, where a clock stands still, are two.
    last = conn.execute(select(func.max(prunings.c.at)).where(prunings.c.at >= now)).scalar()
    at = now if last is None else last + 1
    rows = [
        {"at": at, "what": each.what, "removed": each.removed, "bytes": each.size}
        | {"note": each.note}
        for each in done
        if each.removed
    ]
    if rows:
        conn.execute(insert(prunings), rows)


def failure_bodies(conn: Connection, before: Micros, *, dry_run: bool) -> Pruned:
    """The bodies of answers that were no facts; that there was one, and why, stays."""
    f = t.fetch_failures.c
    old = (f.at < before, f.body.is_not(None))
    removed, size = _count(conn, func.sum(func.length(f.body)), *old)
    if not dry_run:
        conn.execute(update(t.fetch_failures).where(*old).values(body=None))
    return Pruned(what="bodies of failures", removed=removed, size=size)


def outcomes(conn: Connection, before: Micros, *, dry_run: bool) -> Pruned:
    """How ids ended in runs that are closed; the runs' totals and the daily sums stay."""
    o = t.outcomes.c
    old = (old_outcomes(before),)
    removed, _ = _count(conn, func.count(o.run_id), *old)
    if not dry_run and removed:
        day = o.at // DAY
        sums = conn.execute(
            select(day, o.source_id, o.verdict, func.count(), func.sum(o.requests))
            .where(*old)
            .group_by(day, o.source_id, o.verdict)
        ).all()
        statement = insert_or(conn, outcome_days)
        c, new = outcome_days.c, statement.excluded
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=[c.day, c.source_id, c.verdict],
                set_={"ids": c.ids + new.ids, "requests": c.requests + new.requests},
            ),
            [
                {
                    "day": day_of(int(number) * DAY),
                    "source_id": source_id,
                    "verdict": verdict,
                    "ids": ids,
                    "requests": int(requests),
                }
                for number, source_id, verdict, ids, requests in sums
            ],
        )
        conn.execute(delete(t.outcomes).where(*old))
    return Pruned(what="outcomes", removed=removed, note="of closed runs; their daily sums stay")


def old_outcomes(before: Micros) -> ColumnElement[bool]:
    """Those of runs that were closed before a moment, if they are older themselves."""
    o, r = t.outcomes.c, t.runs.c
    return and_(o.run_id.in_(select(r.run_id).where(r.finished_at < before)), o.at < before)


def probe_answers(conn: Connection, before: Micros, *, dry_run: bool) -> Pruned:
    """What GPTs answered; that they did, how fast and in how many tokens, stays."""
    p = t.probes.c
    old = (p.at < before, or_(p.answer.is_not(None), p.body.is_not(None)))
    sizes = (func.coalesce(func.length(each), 0) for each in (p.answer, p.body))
    removed, size = _count(conn, func.sum(sum(sizes)), *old)
    if not dry_run:
        conn.execute(update(t.probes).where(*old).values(answer=None, body=None))
    return Pruned(what="answers to probes", removed=removed, size=size)


def old_job_runs(conn: Connection, before: Micros, *, dry_run: bool) -> Pruned:
    """Executions of jobs, but the last of each job."""
    j = job_runs.c
    last = select(func.max(j.job_run_id)).group_by(j.job)
    old = (j.finished_at < before, j.job_run_id.not_in(last))
    removed, _ = _count(conn, func.count(j.job_run_id), *old)
    if not dry_run:
        conn.execute(delete(job_runs).where(*old))
    return Pruned(what="runs of jobs", removed=removed)


def old_alarms(conn: Connection, before: Micros, *, dry_run: bool) -> Pruned:
    """Alarms that are over."""
    a = alarms.c
    old = (a.cleared_at < before,)
    removed, _ = _count(conn, func.count(a.kind), *old)
    if not dry_run:
        conn.execute(delete(alarms).where(*old))
    return Pruned(what="alarms that are over", removed=removed)


def _count(
    conn: Connection, size: ColumnElement[int], *conditions: ColumnElement[bool]
) -> tuple[int, int]:
    """How many rows meet ``conditions``, and the sum of ``size`` over them."""
    removed, total = conn.execute(select(func.count(), size).where(*conditions)).one()
    return int(removed), int(total or 0)
