"""The facts that alarms are judged by, gathered by indexes: no large table is read whole.

What grows with the catalog is counted up to a bound, or comes from what stage 2 has counted; what
grows with time, runs and outcomes, is read from its end.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, and_, exists, func, or_, select

from catalog.alarms import (
    Capped,
    Facts,
    GptFacts,
    PathFacts,
    PlaceFacts,
    RunFacts,
    SchedulerFacts,
    SourceFacts,
    Spent,
)
from catalog.alarms.kinds import (
    DEAD_LEAST,
    DRIFT_STANDS,
    MISSING_LEAST,
    MISSING_SHARE,
    OPEN_GRACE,
    STALE_GRACE,
    UNMAPPED_STANDS,
)
from catalog.query.job_health import job_facts
from catalog.query.likeness import RUNS, WINDOW, likeness
from catalog.query.sets import moved_sets
from catalog.storage import jobs as job_store
from catalog.storage import tables as t
from catalog.storage.owners import is_alive, is_at_work_here
from catalog.storage.runs import RESUMED_WITHIN, Run, has_outcomes, open_runs, stale_runs
from catalog.times import DAY, Micros, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from catalog.records import Deriver
    from catalog.settings import Settings, SourceSettings
    from catalog.working import PlannedJob

CAP = 100_000
"""What is counted is counted so far: beyond, how much more there is changes nothing."""
PATHS = 20
"""Paths of drift, and unmapped ones, at most."""
SECOND = "second opinion"
"""The command of runs that ask another source for what is known."""
TELLING = 10
"""The last runs among which one is looked for that tells of its source."""


def facts(
    conn: Connection,
    deriver: Deriver,
    settings: Settings,
    now: Micros,
    *,
    jobs: Iterable[PlannedJob] = (),
    places: Sequence[PlaceFacts] = (),
) -> Facts:
    """What the alarms of a catalog are judged by.

    Args:
        conn: a reading transaction.
        deriver: decodes documents.
        settings: the sources that are asked, their budgets and prices, and the ceiling.
        now: the present moment.
        jobs: the jobs as they are to run here.
        places: the folders that are written, looked at by the caller.
    """
    numbers = {row.name: row.source_id for row in conn.execute(select(t.sources))}
    able = [each for each in settings.sources.values() if each.dialect != "recorded"]
    scheduler = job_store.scheduler(conn)
    ceiling = int(settings.plan.ceiling_days * DAY)
    expired, expired_since = _expired(conn, now)
    at_work, cut_off = _under_way(conn, now)
    return Facts(
        gpts=_gpts(conn, now, ceiling),
        sources=tuple(
            _source(conn, deriver, each, numbers[each.name], now)
            for each in able
            if each.name in numbers
        ),
        jobs=job_facts(conn, jobs, settings, now),
        scheduler=None
        if scheduler is None or scheduler.slot_at is None or scheduler.owner is None
        else SchedulerFacts(
            owner=scheduler.owner,
            looked_at=scheduler.slot_at,
            until=scheduler.lease_until or scheduler.slot_at,
        ),
        open_runs=tuple(_run_facts(run) for run in stale_runs(conn, now - OPEN_GRACE)),
        at_work=at_work,
        cut_off=cut_off,
        expired=expired,
        expired_since=expired_since,
        unsettled=_capped(conn, select(t.stage_queue.c.kind)),
        written_at=_written_at(conn),
        places=tuple(places),
        drift=_drift(conn, now),
        unmapped=_unmapped(conn, now),
    )


def by_status(conn: Connection) -> dict[str, int]:
    """How many GPTs are listed, missing, gone; what stage 2 has still to count is counted now."""
    found: Counter[str] = Counter()
    s, moved = t.facet_sets.c, moved_sets(conn)
    counted = select(s.facet_id, s.facets, s.gpts)
    # Sets that no GPT has any more stay: only where some are still to be counted are they read.
    for number, facets, settled in conn.execute(counted if moved else counted.where(s.gpts > 0)):
        if gpts := moved.get(number, settled):
            found[_FACETS.decode(facets)["status"][0]] += gpts
    return dict(sorted(found.items()))


_FACETS = msgspec.json.Decoder(dict[str, tuple[str, ...]])


def _capped(conn: Connection, query: Select[Any]) -> Capped:
    """How many rows there are, counted up to :data:`CAP`; fast where an index has the columns."""
    counted = select(func.count()).select_from(query.limit(CAP + 1).subquery())
    number = int(conn.execute(counted).scalar_one())
    return Capped(min(number, CAP), number <= CAP)


def _written_at(conn: Connection) -> Micros | None:
    """When an observation was last written: the one with the highest number."""
    o = t.observations.c
    last = select(func.max(o.observation_id)).scalar_subquery()
    at: Micros | None = conn.execute(select(o.recorded_at).where(o.observation_id == last)).scalar()
    return at


def _gpts(conn: Connection, now: Micros, ceiling: Micros) -> GptFacts:
    f, g, o = t.frontier.c, t.gizmos.c, t.outcomes.c
    due_since = conn.execute(select(func.min(f.due_at)).where(f.due_at <= now)).scalar()
    # Later ones were asked by a clock that was ahead, and say nothing of what is asked now.
    last_asked_at = conn.execute(select(func.max(o.at)).where(o.at <= now)).scalar()
    if last_asked_at is None:
        # The ids that were first heard of are the first due.
        last_asked_at = due_since
    old = now - ceiling - STALE_GRACE
    return GptFacts(
        by_status=by_status(conn),
        oldest_confirmed_at=conn.execute(
            select(func.min(g.last_seen_at)).where(g.status == "listed")
        ).scalar(),
        stale=_capped(conn, select(g.status).where(g.status == "listed", g.last_seen_at < old)),
        due=_capped(conn, select(f.due_at).where(f.due_at <= now)),
        due_since=due_since,
        last_asked_at=last_asked_at,
    )


def _source(
    conn: Connection, deriver: Deriver, source: SourceSettings, number: int, now: Micros
) -> SourceFacts:
    latest = _latest_runs(conn, source.name, TELLING, now, _asked())
    telling = next((run for run in latest if _tells(run)), latest[0] if latest else None)
    r = t.runs.c
    gave = _latest_runs(conn, source.name, RUNS, now, r.documents > 0)
    moving = [run for run in gave if run.started_at >= gave[0].started_at - WINDOW]
    return SourceFacts(
        name=source.name,
        last_document_at=(gave[0].finished_at or gave[0].started_at) if gave else None,
        run=None if telling is None else _telling(conn, latest, telling),
        spent=spent(conn, source, number, now),
        likeness=likeness(
            conn,
            deriver,
            number,
            [run.run_id for run in moving],
            telling.run_id if telling is not None and telling.documents else None,
        ),
    )


def _telling(conn: Connection, latest: Sequence[Run], telling: Run) -> RunFacts:
    """What the last runs tell of their source: the last that is large enough, or small ones since.

    A source that is asked for a few second opinions a day has no large run at all.

    Args:
        conn: a reading transaction.
        latest: the runs, latest first.
        telling: the one of them that tells by itself.
    """
    since: list[Run] = []
    for run in latest:
        if _tells(run):
            break
        since.append(run)
        if sum(each.requested - each.left for each in since) >= DEAD_LEAST:
            # What was not found is told of one run alone: rule 6 judges each by itself.
            summed = {
                name: sum(getattr(each, name) for each in since)
                for name in ("requested", "documents", "mismatched", "failed", "left")
            }
            return _run_facts(msgspec.structs.replace(since[0], **summed, not_found=0))
    return _run_facts(telling, held=_held(conn, telling))


def _tells(run: Run) -> bool:
    """Whether a run says by itself how its source is."""
    return run.status == "failed" or run.requested - run.left >= DEAD_LEAST


def spent(conn: Connection, source: SourceSettings, number: int, now: Micros) -> tuple[Spent, ...]:
    """What was taken of a source's UTC day, by kind; what was never taken and is free left out.

    Args:
        conn: a reading transaction.
        source: its budgets and prices.
        number: its number.
        now: the present moment.
    """
    b = t.budgets.c
    rows = conn.execute(
        select(b.kind, b.reserved).where(b.source_id == number, b.day == day_of(now))
    )
    taken = {kind: int(reserved) for kind, reserved in rows}
    prices = {
        "requests": source.price_per_request,
        "probes": source.price_per_request,
        "tokens": None
        if source.price_per_1k_tokens is None
        else source.price_per_1k_tokens / _TOKENS,
    }
    limits = {
        "requests": source.requests_per_day,
        "probes": source.probes_per_day,
        "tokens": source.tokens_per_day,
    }
    return tuple(
        Spent(
            kind=kind,
            taken=taken.get(kind, 0),
            limit=limit,
            cost=None if (price := prices[kind]) is None else price * taken.get(kind, 0),
        )
        for kind, limit in limits.items()
        if kind == "requests" or taken.get(kind) or limit
    )


_TOKENS = 1000
"""Prices of tokens are set for so many."""


def _asked() -> ColumnElement[bool]:
    """What a run says of its source: it harvested there and asked, or was ended by the source.

    Probes and searches are answered by other parts of a source. One that confirms asks for GPTs
    that may be gone: it tells that the source answers, never that it does not.
    """
    r = t.runs.c
    # Second opinions are all that a source is asked for which stands by for another.
    asks = or_(r.command.like("harvest%"), r.command == SECOND)
    harvested = and_(asks, or_(r.requests > 0, r.status == "failed"))
    return or_(harvested, and_(r.command == "confirm", r.documents > 0))


def _latest_runs(
    conn: Connection, source: str, limit: int, now: Micros, condition: ColumnElement[bool]
) -> list[Run]:
    """A source's runs, latest first; those of a time to come were begun by a clock that was ahead.

    They would stand before all that came since it was set back.
    """
    r = t.runs.c
    query = (
        select(*(r[name] for name in Run.__struct_fields__))
        .where(r.source == source, r.started_at <= now, condition)
        .order_by(r.started_at.desc(), r.run_id.desc())
        .limit(limit)
    )
    return [Run(**row) for row in conn.execute(query).mappings()]


def _held(conn: Connection, run: Run) -> int:
    """Not-founds of a run about known GPTs that rule 6 holds back; not looked for in vain."""
    if run.not_found <= max(MISSING_LEAST, MISSING_SHARE * (run.documents + run.not_found)):
        return 0
    o = t.observations.c
    known = exists().where(t.gizmos.c.gizmo_id == o.gizmo_id)
    query = select(func.count()).where(o.run_id == run.run_id, o.verdict == "held", known)
    return int(conn.execute(query).scalar_one())


def _run_facts(run: Run, held: int = 0) -> RunFacts:
    names = RunFacts.__struct_fields__
    return RunFacts(**{name: getattr(run, name) for name in names if name != "held"}, held=held)


def _under_way(conn: Connection, now: Micros) -> tuple[tuple[RunFacts, ...], tuple[RunFacts, ...]]:
    """The runs that brought something and are not over, by whether their process is there."""
    at_work, cut_off = [], []
    # Of searches and probes nothing is to be counted, and nothing resumes them.
    found = [run for run in open_runs(conn) if run.owner and has_outcomes(conn, run.run_id)]
    # A run that several share names the last of them who took it up: any may be at work on it.
    is_shared = bool(found) and any(is_alive(each) for each in _holders(conn, now))
    for run in found:
        if is_shared or is_at_work_here(str(run.owner)):
            at_work.append(_run_facts(run))
        elif run.started_at > now - RESUMED_WITHIN:
            cut_off.append(_run_facts(run))
    return tuple(at_work), tuple(cut_off)


def _holders(conn: Connection, now: Micros) -> list[str]:
    """The processes that hold ids, by claims that have not ended: they renew them."""
    f = t.frontier.c
    query = select(f.lease_owner).where(f.lease_owner > "", f.lease_until > now).distinct()
    return list(conn.execute(query).scalars())


def _expired(conn: Connection, now: Micros) -> tuple[int, Micros | None]:
    """The ids whose worker did not give them back in time; few are held at any time."""
    f = t.frontier.c
    # Not "is not null": SQLite would read the whole table for that, index or not.
    held = f.lease_owner > ""
    row = conn.execute(
        select(func.count(), func.min(f.lease_until)).where(held, f.lease_until <= now)
    ).one()
    return int(row[0]), row[1]


def _drift(conn: Connection, now: Micros) -> tuple[PathFacts, ...]:
    d = t.drift.c
    query = (
        select(t.sources.c.name, d.path, d.kind, func.max(d.at))
        .join(t.sources, t.sources.c.source_id == d.source_id)
        .where(d.at >= now - DRIFT_STANDS)
        .group_by(t.sources.c.name, d.path, d.kind)
        .order_by(func.max(d.at).desc(), d.path)
        .limit(PATHS)
    )
    return tuple(
        PathFacts(source=source, path=path, kind=kind, at=at)
        for source, path, kind, at in conn.execute(query)
    )


def _unmapped(conn: Connection, now: Micros) -> tuple[PathFacts, ...]:
    u = t.unmapped_fields.c
    query = (
        select(u.path, u.first_seen_at)
        .where(u.first_seen_at >= now - UNMAPPED_STANDS)
        .order_by(u.first_seen_at.desc(), u.path)
        .limit(PATHS)
    )
    return tuple(PathFacts(path=path, at=at) for path, at in conn.execute(query))
