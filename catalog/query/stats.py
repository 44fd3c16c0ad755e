"""What a catalog holds, and how fresh it is. What is wrong with it: :mod:`catalog.query.health`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, or_, select

from catalog.query.failures import Reason, reasons
from catalog.storage import tables as t
from catalog.storage.frontier import FrontierCounts, count_frontier
from catalog.storage.relisting import waiting
from catalog.storage.runs import Run, get_run, latest_runs
from catalog.times import DAY, day_of

if TYPE_CHECKING:
    from sqlalchemy import Table

    from catalog.times import Micros

AGES: tuple[tuple[str, Micros], ...] = (
    ("1 day", DAY),
    ("7 days", 7 * DAY),
    ("30 days", 30 * DAY),
)


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """A catalog in numbers.

    Attributes:
        gpts: GPTs by status.
        documents: observations that are documents.
        absences: observations that say "no such GPT".
        payloads: distinct payloads.
        payload_bytes: their length.
        stored_bytes: what they take.
        authors: authors of current documents.
        revisions: stretches of unchanged content.
        changes: changes by class.
        mass_events: mass events.
        metric_points: points of ``vanity_metrics``.
        first_at: when the first observation was said.
        last_at: when the last one was.
    """

    gpts: dict[str, int]
    documents: int
    absences: int
    payloads: int
    payload_bytes: int
    stored_bytes: int
    authors: int
    revisions: int
    changes: dict[str, int]
    mass_events: int
    metric_points: int
    first_at: Micros | None
    last_at: Micros | None


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a source gave.

    Attributes:
        name: the source.
        dialect: how it is asked.
        documents: observations that are documents.
        last_document_at: when it last gave one.
        reserved_today: requests taken from its budget of the day.
        last_run: its last run, if it was ever asked.
        reasons: why ids of that run failed.
    """

    name: str
    dialect: str
    documents: int
    last_document_at: Micros | None
    reserved_today: int
    last_run: Run | None
    reasons: tuple[Reason, ...] = ()


class DriftRow(msgspec.Struct, frozen=True, kw_only=True):
    """A path or a type that appeared or vanished; see :class:`catalog.records.Drift`."""

    source: str
    wrapping: str
    path: str
    kind: str
    at: Micros
    first_seen_at: Micros
    last_seen_at: Micros
    example: str | None


class UnmappedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A path that no table knows, or a value that its column cannot take."""

    path: str
    first_seen_at: Micros
    last_seen_at: Micros
    count: int
    example: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Where a catalog stands.

    Attributes:
        now: the present moment.
        holdings: what it holds.
        seen: GPTs whose document was last seen within an age, the ages being those of
            :data:`AGES`, then all older ones.
        frontier: what is to be asked.
        runs: the runs that began last, latest first.
        sources: the sources, by name.
        unmapped: the most frequent first.
        drift: the latest first.
        unlisted: GPTs that no search finds as they are now, since an upgrade did not come to its
            end.
    """

    now: Micros
    holdings: Holdings
    seen: dict[str, int]
    frontier: FrontierCounts
    runs: tuple[Run, ...]
    sources: tuple[SourceHealth, ...]
    unmapped: tuple[UnmappedRow, ...]
    drift: tuple[DriftRow, ...]
    unlisted: int


def holdings(conn: Connection) -> Holdings:
    """What a catalog holds."""
    o, p = t.observations.c, t.payloads.c
    is_absence = o.payload_id == t.NOT_FOUND_PAYLOAD
    said = conn.execute(
        select(
            func.count().filter(~is_absence).label("documents"),
            func.count().filter(is_absence).label("absences"),
            func.min(o.observed_at).label("first_at"),
            func.max(o.observed_at).label("last_at"),
        ).select_from(t.observations)
    ).mappings()
    kept = conn.execute(
        select(
            func.count().label("payloads"),
            func.coalesce(func.sum(p.size), 0).label("payload_bytes"),
            func.coalesce(func.sum(func.length(p.data)), 0).label("stored_bytes"),
        ).where(p.payload_id != t.NOT_FOUND_PAYLOAD)
    ).mappings()
    return Holdings(
        gpts=_by(conn, t.gizmos, t.gizmos.c.status),
        **said.one(),
        **{name: int(number) for name, number in kept.one().items()},
        authors=_count(conn, t.authors),
        revisions=_count(conn, t.gizmo_revisions),
        changes=_by(conn, t.changes, t.changes.c.cls),
        mass_events=_count(conn, t.mass_events),
        metric_points=_count(conn, t.vanity_metrics),
    )


def status(conn: Connection, now: Micros, *, runs: int = 5, rows: int = 10) -> Status:
    """Where a catalog stands.

    Args:
        conn: a reading transaction.
        now: the present moment.
        runs: how many runs, at most.
        rows: how many unmapped paths and drift rows, at most.
    """
    return Status(
        now=now,
        holdings=holdings(conn),
        seen=_seen(conn, now),
        frontier=count_frontier(conn, now),
        runs=tuple(latest_runs(conn, runs)),
        sources=_sources(conn, now),
        unmapped=unmapped(conn, rows),
        drift=drift(conn, rows),
        unlisted=waiting(conn),
    )


def _count(conn: Connection, table: Table) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def _by(conn: Connection, table: Table, column: ColumnElement[Any]) -> dict[str, int]:
    query = select(column, func.count()).select_from(table).group_by(column).order_by(column)
    return {str(value): int(count) for value, count in conn.execute(query)}


def _seen(conn: Connection, now: Micros) -> dict[str, int]:
    last = t.gizmos.c.last_seen_at
    columns, newer = [], None
    for name, age in AGES:
        within: ColumnElement[bool] = last > now - age
        if newer is not None:
            within = within & (last <= newer)
        columns.append(func.count().filter(within).label(name))
        newer = now - age
    columns.append(func.count().filter(last <= newer).label("older"))
    row = conn.execute(select(*columns).select_from(t.gizmos)).mappings().one()
    return {name: int(count) for name, count in row.items()}


def _sources(conn: Connection, now: Micros) -> tuple[SourceHealth, ...]:
    o, s, b, r = t.observations.c, t.sources.c, t.budgets.c, t.runs.c
    given = {
        source_id: (documents, last)
        for source_id, documents, last in conn.execute(
            select(o.source_id, func.count(), func.max(o.observed_at))
            .where(o.payload_id != t.NOT_FOUND_PAYLOAD)
            .group_by(o.source_id)
        )
    }
    today = select(b.source_id, b.reserved).where(b.day == day_of(now), b.kind == "requests")
    taken = {row.source_id: row.reserved for row in conn.execute(today)}
    found = []
    for row in conn.execute(select(t.sources).order_by(s.name)):
        last = conn.execute(
            select(r.run_id)
            .where(r.source == row.name, or_(r.requests > 0, r.status == "failed"))
            .order_by(r.started_at.desc())
            .limit(1)
        ).scalar()
        run = get_run(conn, last) if last else None
        documents, last_at = given.get(row.source_id, (0, None))
        found.append(
            SourceHealth(
                name=row.name,
                dialect=row.dialect,
                documents=documents,
                last_document_at=last_at,
                reserved_today=taken.get(row.source_id, 0),
                last_run=run,
                reasons=reasons(conn, run.run_id) if run and run.failed else (),
            )
        )
    return tuple(found)


def unmapped(conn: Connection, limit: int) -> tuple[UnmappedRow, ...]:
    """What no table knows, the most frequent first."""
    c = t.unmapped_fields.c
    query = select(t.unmapped_fields).order_by(c.count.desc(), c.path).limit(limit)
    return tuple(UnmappedRow(**row) for row in conn.execute(query).mappings())


def drift(conn: Connection, limit: int) -> tuple[DriftRow, ...]:
    """What appeared in documents, and vanished from them, the latest first."""
    c = t.drift.c
    query = (
        select(
            t.sources.c.name.label("source"),
            *(c[name] for name in DriftRow.__struct_fields__ if name != "source"),
        )
        .join(t.sources, t.sources.c.source_id == c.source_id)
        .order_by(c.at.desc(), c.path)
        .limit(limit)
    )
    return tuple(DriftRow(**row) for row in conn.execute(query).mappings())
