"""What this catalog itself did in a window of time: runs, jobs, money, alarms, surprises."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from catalog.query.failures import Reason, reasons
from catalog.query.stats import DriftRow, UnmappedRow
from catalog.query.windows import Some
from catalog.storage import tables as t
from catalog.storage.alarms import Standing
from catalog.storage.jobs import JobRun
from catalog.storage.runs import Run
from catalog.storage.work_tables import alarms, job_runs

if TYPE_CHECKING:
    from catalog.times import Micros

PROBING = "probe"
"""The command of runs whose cost stands with each probe: tokens are a part of it."""
_r, _j, _a, _p = t.runs.c, job_runs.c, alarms.c, t.probes.c


class RunFailures(msgspec.Struct, frozen=True, kw_only=True):
    """A run that did not bring all it should have.

    Attributes:
        run: the run.
        reasons: why ids of it failed, the most frequent first.
        more: reasons that are left out.
    """

    run: Run
    reasons: tuple[Reason, ...]
    more: int = 0


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a source took.

    Attributes:
        source: the source.
        requests: HTTP requests of runs.
        probes: questions to GPTs; their requests are among these.
        tokens: of probes, as far as the source counts them.
        cost: by the prices that were set; None: none was.
    """

    source: str
    requests: int
    probes: int = 0
    tokens: int = 0
    cost: float | None = None


def runs_in(conn: Connection, since: Micros, until: Micros) -> list[Run]:
    """The runs that began in a window, oldest first."""
    query = select(*(_r[name] for name in Run.__struct_fields__)).where(
        _r.started_at.between(since, until)
    )
    rows = conn.execute(query.order_by(_r.started_at, _r.run_id)).mappings()
    return [Run(**row) for row in rows]


def runs_at_work(conn: Connection, since: Micros, until: Micros) -> list[str]:
    """The runs that may have written something in a window."""
    over = or_(_r.finished_at.is_(None), _r.finished_at >= since)
    query = select(_r.run_id).where(_r.started_at <= until, over).order_by(_r.run_id)
    return list(conn.execute(query).scalars())


def failed_runs(conn: Connection, runs: list[Run], limit: int, each: int) -> Some[RunFailures]:
    """Those of some runs that failed, were stopped, or have ids that brought no fact.

    Args:
        conn: a reading transaction.
        runs: the runs.
        limit: how many at most: those with most failures.
        each: reasons of a run, at most.
    """
    failed = [run for run in runs if run.failed or run.status in {"failed", "stopped"}]
    failed.sort(key=lambda run: (-run.failed, run.run_id))
    items = []
    for run in failed[:limit]:
        why = reasons(conn, run.run_id, None)
        items.append(RunFailures(run=run, reasons=why[:each], more=len(why) - len(why[:each])))
    return Some(items=tuple(items), total=len(failed))


def failed_jobs(conn: Connection, since: Micros, until: Micros, limit: int) -> Some[JobRun]:
    """The runs of jobs that began in a window and did not end well, latest first."""
    query = select(job_runs).where(
        _j.started_at.between(since, until), _j.status.in_(("failed", "partly", "stopped", "lost"))
    )
    total = conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    rows = conn.execute(
        query.order_by(_j.started_at.desc(), _j.job_run_id.desc()).limit(limit)
    ).mappings()
    items = [JobRun(**{**row, "numbers": msgspec.json.decode(row["numbers"])}) for row in rows]
    return Some(items=tuple(items), total=total)


def spent(conn: Connection, runs: list[Run]) -> tuple[Spent, ...]:
    """What some runs took of each source, by name.

    Probes cost tokens too: their cost is what was written down with each.
    """
    sums: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for run in runs:
        if not run.requests:
            continue
        sums[run.source]["requests"] += run.requests
        if run.command != PROBING and run.cost is not None:
            sums[run.source]["cost"] += run.cost
    probing = [run.run_id for run in runs if run.command == PROBING]
    query = (
        select(
            t.sources.c.name,
            func.count().label("probes"),
            func.coalesce(
                func.sum(
                    func.coalesce(_p.prompt_tokens, 0) + func.coalesce(_p.completion_tokens, 0)
                ),
                0,
            ).label("tokens"),
            func.sum(_p.cost).label("cost"),
        )
        .join(t.sources, t.sources.c.source_id == _p.source_id)
        .where(_p.run_id.in_(probing))
        .group_by(t.sources.c.name)
    )
    for row in conn.execute(query) if probing else ():
        found = sums[row.name]
        found["probes"], found["tokens"] = row.probes, int(row.tokens)
        if row.cost is not None:
            found["cost"] += row.cost
    return tuple(
        Spent(
            source=source,
            requests=found["requests"],
            probes=found["probes"],
            tokens=found["tokens"],
            cost=found.get("cost"),
        )
        for source, found in sorted(sums.items())
    )


def alarms_at(conn: Connection, at: Micros) -> tuple[Standing, ...]:
    """The alarms that stood at a moment, alarms before warnings, oldest first."""
    stands = or_(_a.cleared_at.is_(None), _a.cleared_at > at)
    query = (
        select(*(_a[name] for name in Standing.__struct_fields__))
        .where(_a.raised_at <= at, stands)
        .order_by(_a.severity, _a.raised_at, _a.kind, _a.subject)
    )
    return tuple(Standing(**row) for row in conn.execute(query).mappings())


def drifted(conn: Connection, since: Micros, until: Micros, limit: int) -> Some[DriftRow]:
    """What appeared in documents, and vanished from them, in a window, the latest first."""
    c = t.drift.c
    here = c.at.between(since, until)
    query = (
        select(
            t.sources.c.name.label("source"),
            *(c[name] for name in DriftRow.__struct_fields__ if name != "source"),
        )
        .join(t.sources, t.sources.c.source_id == c.source_id)
        .where(here)
        .order_by(c.at.desc(), c.path, t.sources.c.name, c.wrapping, c.kind)
        .limit(limit)
    )
    total = conn.execute(select(func.count()).select_from(t.drift).where(here)).scalar_one()
    rows = conn.execute(query).mappings()
    return Some(items=tuple(DriftRow(**row) for row in rows), total=total)


def unknown_fields(conn: Connection, since: Micros, until: Micros, limit: int) -> Some[UnmappedRow]:
    """What no table knows and was first said in a window, the most frequent first."""
    c = t.unmapped_fields.c
    here = c.first_seen_at.between(since, until)
    query = select(t.unmapped_fields).where(here).order_by(c.count.desc(), c.path).limit(limit)
    total = conn.execute(
        select(func.count()).select_from(t.unmapped_fields).where(here)
    ).scalar_one()
    rows = conn.execute(query).mappings()
    return Some(items=tuple(UnmappedRow(**row) for row in rows), total=total)


def source_count(conn: Connection) -> int:
    """How many sources ever said something here."""
    return int(conn.execute(select(func.count()).select_from(t.sources)).scalar_one())
