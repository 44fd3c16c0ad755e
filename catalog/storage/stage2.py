"""Stage 2: what follows from many GPTs together (design, section 4).

``authors``, mass events, drift and the counts of facets are made again for the authors, days,
sources and sets that batches left in ``stage_queue``. Each is a function of all that is stored, so
it does not matter how often or when it is done: settling after every batch ends where settling once
at the end does.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from catalog.records import Change, Deriver, Drift, MassEvent, Row
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.locks import own_derivation
from catalog.storage.relisting import settle_listings
from catalog.storage.rows import chunks
from catalog.text import sort_key
from catalog.times import DAY, Micros, day_of, parse_moment

NEIGHBOURHOOD = timedelta(days=3)
"""How far a day's mass events can reach: as far as equal ones may lie apart (rule 9)."""

STREAM = 5000
"""Rows fetched at a time from a long result."""

_CLASSES = ("content", "platform")


class Settled(msgspec.Struct, frozen=True):
    """What stage 2 did.

    Attributes:
        authors: authors looked at.
        days: days looked at for mass events.
        shapes: pairs of source and wrapping looked at for drift.
        events: the rows of ``mass_events`` that were not there before.
        drift: the rows of ``drift`` that were not there before, ``source`` naming the source.
    """

    authors: int
    days: int
    shapes: int
    events: tuple[Row, ...]
    drift: tuple[Row, ...]


def settle(conn: Connection, deriver: Deriver) -> Settled:
    """Do what ``stage_queue`` asks for, and empty it.

    It waits until no other writer derives anything, and keeps them waiting: best called in a
    transaction of its own, once a run and not once a batch.

    Args:
        conn: in a write transaction.
        deriver: the rules.
    """
    own_derivation(conn)
    c = t.stage_queue.c
    queued: dict[str, list[str]] = defaultdict(list)
    for kind, key in conn.execute(delete(t.stage_queue).returning(c.kind, c.key)):
        queued[kind].append(key)
    authors, days, shapes = (sorted(queued[kind]) for kind in ("author", "day", "shape"))
    settle_listings(conn, queued["listing"], queued["facets"])
    _settle_authors(conn, authors)
    return Settled(
        len(authors),
        len(days),
        len(shapes),
        tuple(_settle_days(conn, deriver, days)),
        tuple(_settle_shapes(conn, deriver, shapes)),
    )


def is_unsettled(conn: Connection) -> bool:
    """Whether stage 2 has something to look at again."""
    return conn.execute(select(t.stage_queue.c.kind).limit(1)).first() is not None


def _settle_authors(conn: Connection, user_ids: Sequence[str]) -> None:
    """Make some authors' rows again from the current rows that name them (rule 11)."""
    says = t.gizmo_authors.c
    quoted = [column for column in t.authors.columns if column.name in says]
    for part in chunks(user_ids):
        first = (
            select(says.user_id, func.min(says.valid_from).label("first_seen_at"))
            .where(says.user_id.in_(part))
            .group_by(says.user_id)
            .subquery()
        )
        order = (says.display_name.is_(None), says.valid_from.desc(), says.gizmo_id)
        ranked = (
            select(
                *(says[column.name] for column in quoted),
                func.row_number().over(partition_by=says.user_id, order_by=order).label("place"),
                func.count().over(partition_by=says.user_id).label("gpt_count"),
            )
            .where(says.user_id.in_(part), says.valid_to.is_(None))
            .subquery()
        )
        found = conn.execute(
            select(
                *(ranked.c[column.name] for column in quoted),
                ranked.c.gpt_count,
                first.c.first_seen_at,
            )
            .join(first, first.c.user_id == ranked.c.user_id)
            .where(ranked.c.place == 1)
        ).mappings()
        rows: list[Row] = []
        for author in found:
            name = author["display_name"]
            rows.append({**author, "name_key": None if name is None else sort_key(name)})
        conn.execute(delete(t.authors).where(t.authors.c.user_id.in_(part)))
        if rows:
            conn.execute(insert(t.authors), rows)


# Mass events.

Span = tuple[date, date]


def _settle_days(conn: Connection, deriver: Deriver, days: Sequence[str]) -> Iterator[Row]:
    """Find the mass events around some days again. Returns the rows that are new."""
    e = t.mass_events.c
    standing = [
        (date.fromisoformat(first), date.fromisoformat(last))
        for first, last in conn.execute(select(e.first_day, e.last_day))
    ]
    touched = [date.fromisoformat(day) for day in days]
    around = [(day - NEIGHBOURHOOD, day + NEIGHBOURHOOD) for day in touched]
    for first, last in _widened(around, standing):
        within = (e.first_day >= first.isoformat(), e.last_day <= last.isoformat())
        before = set(conn.execute(select(e.event_id).where(*within)).scalars())
        changes = t.changes.c.observed_at.between(
            parse_moment(first.isoformat()), parse_moment(last.isoformat(), end_of_day=True)
        )
        events = deriver.mass_events(changes_by_day(conn, changes), _Compared(conn, first, last))
        conn.execute(delete(t.mass_events).where(*within))
        rows = [
            # A collection of columns iterates over columns, not over their keys.
            {name: getattr(event, name) for name in t.mass_events.columns.keys()}  # noqa: SIM118
            for event in events
        ]
        if rows:
            conn.execute(insert(t.mass_events), rows)
        _link(conn, changes, events)
        yield from (row for row in rows if row["event_id"] not in before)


def _widened(spans: Sequence[Span], standing: Sequence[Span]) -> list[Span]:
    """``spans``, joined where they meet, and none of them ending within a standing event."""
    merged = _merged(spans)
    while True:
        crossing = [
            event
            for event in standing
            if any(event[0] <= last and first <= event[1] for first, last in merged)
        ]
        wider = _merged([*merged, *crossing])
        if wider == merged:
            return merged
        merged = wider


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def changes_by_day(
    conn: Connection, within: ColumnElement[bool]
) -> Iterator[tuple[str, Iterator[Change]]]:
    """The changes of content and platform, day by day."""
    c = t.changes.c
    order = (c.observed_at, c.gizmo_id, c.field, c.element)
    query = select(c.gizmo_id, c.observed_at, c.field, c.element, c.old, c.new).where(within)
    # Each class is read in the order of its index, so that nothing is sorted.
    streams = (
        conn.execute(query.where(c.cls == cls).order_by(*order).execution_options(yield_per=STREAM))
        for cls in _CLASSES
    )
    found = heapq.merge(*streams, key=lambda row: (row[1], row[0], row[2], row[3]))
    changes = (Change(*row) for row in found)
    return itertools.groupby(changes, key=lambda change: day_of(change.observed_at))


class _Compared:
    """Counts GPTs with a neighbouring pair: with a document that is not their first.

    Observations have no index on their time, which would cost a tenth of the table for this one
    question: so the days of a span are all counted at once, and only if one is asked for.

    Args:
        conn: the catalog.
        first: the span's first day.
        last: its last.
    """

    def __init__(self, conn: Connection, first: date, last: date) -> None:
        self._conn = conn
        self._span = (first, last)
        self._counts: dict[str, int] | None = None

    def __call__(self, days: Sequence[str]) -> int:
        """How many GPTs have a neighbouring pair on one of ``days``."""
        if len(days) == 1:
            if self._counts is None:
                self._counts = self._count_days()
            return self._counts.get(days[0], 0)
        o = t.observations.c
        on_days = (o.observed_at // DAY).in_([parse_moment(day) // DAY for day in days])
        gpts = func.count(o.gizmo_id.distinct())
        return int(self._conn.execute(self._pairs(gpts).where(on_days)).scalar_one())

    def _count_days(self) -> dict[str, int]:
        first, last = (parse_moment(day.isoformat()) for day in self._span)
        o = t.observations.c
        day = o.observed_at // DAY
        found = self._conn.execute(
            self._pairs(day, func.count(o.gizmo_id.distinct()))
            .where(o.observed_at.between(first, last + DAY - 1))
            .group_by(day)
        )
        return {day_of(number * DAY): count for number, count in found}

    @staticmethod
    def _pairs(*columns: ColumnElement[Any]) -> Any:
        o, g = t.observations.c, t.gizmos.c
        return (
            select(*columns)
            .select_from(t.observations)
            .join(t.gizmos, g.gizmo_id == o.gizmo_id)
            .where(o.payload_id != t.NOT_FOUND_PAYLOAD, o.observed_at > g.first_seen_at)
        )


def _link(conn: Connection, within: ColumnElement[bool], events: Sequence[MassEvent]) -> None:
    """Have the changes name the events that they are part of, and no others."""
    c = t.changes.c
    wanted = {
        (gizmo_id, at, event.field): event.event_id
        for event in events
        for gizmo_id, at in event.members
    }
    linked = conn.execute(
        select(c.gizmo_id, c.observed_at, c.field)
        .distinct()
        .where(c.cls.in_(_CLASSES), within, c.event_id.is_not(None))
    )
    moved = [(*key, None) for key in {tuple(row) for row in linked} - wanted.keys()]
    moved += [(*key, event_id) for key, event_id in wanted.items()]
    if not moved:
        return
    conn.execute(
        update(t.changes)
        .where(
            c.gizmo_id == bindparam("gpt"),
            c.observed_at == bindparam("at"),
            c.field == bindparam("path"),
            c.event_id.is_distinct_from(bindparam("event")),
        )
        .values(event_id=bindparam("event")),
        [
            {"gpt": gizmo_id, "at": at, "path": field, "event": event_id}
            for gizmo_id, at, field, event_id in moved
        ],
    )


# Drift.


def _settle_shapes(conn: Connection, deriver: Deriver, keys: Sequence[str]) -> Iterator[Row]:
    """Find the drift of some sources' documents again. Returns the rows that are new."""
    if not keys:
        return
    s, d = t.shapes.c, t.drift.c
    shapes: dict[int, list[str]] = {
        shape_id: msgspec.json.decode(paths)
        for shape_id, paths in conn.execute(select(s.shape_id, s.paths))
    }
    n = t.sources.c
    numbers = {row.name: row.source_id for row in conn.execute(select(n.name, n.source_id))}
    for key in keys:
        source, wrapping = msgspec.json.decode(key)
        place = _Place(conn, deriver, numbers[source], wrapping, shapes)
        rows = [
            {
                "source_id": place.source_id,
                "wrapping": wrapping,
                "path": drift.path,
                "kind": drift.kind,
                "at": drift.at,
                "first_seen_at": drift.first_seen_at,
                "last_seen_at": drift.last_seen_at,
                "example": place.example(drift),
            }
            for drift in deriver.drift(place.documents(), shapes)
        ]
        of_place = (d.source_id == place.source_id, d.wrapping == wrapping)
        before = {tuple(row) for row in conn.execute(select(d.path, d.kind, d.at).where(*of_place))}
        conn.execute(delete(t.drift).where(*of_place))
        if rows:
            conn.execute(insert(t.drift), rows)
        for row in rows:
            if (row["path"], row["kind"], row["at"]) not in before:
                del row["source_id"]
                yield {"source": source, **row}


class _Place:
    """The documents of one source and wrapping.

    Args:
        conn: the catalog.
        deriver: the rules.
        source_id: the source.
        wrapping: where in its payloads the gizmo object lies.
        shapes: the paths of each shape.
    """

    def __init__(
        self,
        conn: Connection,
        deriver: Deriver,
        source_id: int,
        wrapping: str,
        shapes: dict[int, list[str]],
    ) -> None:
        self.source_id = source_id
        self._conn = conn
        self._deriver = deriver
        self._wrapping = wrapping
        self._shapes = shapes
        o = t.observations.c
        self._within = (
            o.source_id == source_id,
            o.wrapping == wrapping,
            o.shape_id.is_not(None),
        )

    def documents(self) -> Iterator[tuple[Micros, str, int]]:
        """``observed_at``, GPT and shape of each document, in the order of the first two."""
        o = t.observations.c
        found = self._conn.execute(
            select(o.observed_at, o.gizmo_id, o.shape_id)
            .where(*self._within)
            .order_by(o.observed_at, o.gizmo_id)
            .execution_options(yield_per=STREAM)
        )
        yield from found

    def example(self, drift: Drift) -> str | None:
        """The value at a path, in the document that the row is about."""
        o, p = t.observations.c, t.payloads.c
        found = self._conn.execute(
            select(o.payload_id, o.shape_id)
            .join(t.payloads, p.payload_id == o.payload_id)
            .where(*self._within, o.gizmo_id == drift.gizmo_id, o.observed_at == drift.at)
            .order_by(p.digest)
        )
        # Of several said at one moment, the smallest digest: numbers are this catalog's own.
        payload_id = next(row[0] for row in found if drift.path in self._shapes[row[1]])
        payload = get_payloads(self._conn, {payload_id})[payload_id]
        return self._deriver.example(payload, self._wrapping, drift.path)
