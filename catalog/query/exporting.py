"""Rows for exports: each table as one statement, narrowed to GPTs, to a moment, or to what is new.

A statement's rows stand in an order that is named, by code point, on both engines: the same
rows are written in the same order, whatever the catalog's file looks like inside.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from catalog.decide.marks import FLAP_WINDOW
from catalog.fields import FLAPPING, of_table
from catalog.query import asof, orders
from catalog.query.exported import TABLES, ExportedTable
from catalog.query.naming import with_known_authors
from catalog.query.selecting import Selection
from catalog.search.filters import Filter, check, default_sort
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.dialects import one_of
from catalog.times import Micros, day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, FromClause

IDS = "ids"
"""The parameter that names the GPTs, or the authors, of one part of an export."""
BUT = "but"
"""The parameter that names the GPTs which are read apart."""
PAYLOAD = "payload_id"
"""The last column of statements whose rows have a payload: the number of its bytes."""
ROWS = 5000
"""Rows that are held at once."""
PAYLOADS = 200
"""Rows with payloads that are held at once: each is some kilobytes, and may be megabytes."""
PART = 2000
"""GPTs that are asked for at once where not all are."""


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """What of the catalog is read.

    Attributes:
        at: as it stood then, as it is known now; None: as it stands.
        since: what is new since then alone; None: everything.
        by_ids: whether :data:`IDS` names the GPTs; else all.
        but_ids: whether :data:`BUT` names GPTs that are not read.
        whole: with ``since``, all rows of the GPTs in question, whatever their age.
        fields: changes and mass events of these fields alone; None: of all.
    """

    at: Micros | None = None
    since: Micros | None = None
    by_ids: bool = False
    but_ids: bool = False
    whole: bool = False
    fields: tuple[str, ...] | None = None


class _Read:
    """A table as it is read: where from, its expressions by column, and its conditions.

    Args:
        table: the rows' table.
        postgres: whether the engine is PostgreSQL.
    """

    def __init__(self, table: Any, *, postgres: bool) -> None:
        self.table = table
        self.rows: FromClause = table
        self.postgres = postgres
        self.columns: dict[str, ColumnElement[Any]] = {c.name: c for c in table.c}
        self.where: list[ColumnElement[bool]] = []
        self.order: dict[str, ColumnElement[Any]] = {}
        self._name_the_source()

    def _name_the_source(self) -> None:
        c, said, by = self.table.c, t.observations.alias("said"), t.sources.alias("said_by")
        if self.table is t.sources:
            return
        if "source_id" in c:
            self.rows = self.rows.outerjoin(by, by.c.source_id == c.source_id)
        elif "observation_id" in c:
            self.rows = self.rows.outerjoin(
                said, said.c.observation_id == c.observation_id
            ).outerjoin(by, by.c.source_id == said.c.source_id)
            self.columns["said_at"] = said.c.observed_at
        else:
            return
        self.columns["source"] = by.c.name

    def with_payload(self) -> None:
        """Add what the archive's row says of the payload."""
        p = t.payloads
        self.rows = self.rows.join(p, p.c.payload_id == self.table.c.payload_id)
        is_said = self.table.c.payload_id != t.NOT_FOUND_PAYLOAD
        hexed = (
            func.encode(p.c.digest, "hex", type_=String)
            if self.postgres
            else func.lower(func.hex(p.c.digest, type_=String), type_=String)
        )
        self.columns["digest"] = case((is_said, hexed), else_=literal(""))
        self.order["digest"] = p.c.digest
        self.columns["redacted"] = p.c.redacted


def statement(
    name: str,
    columns: Sequence[str],
    narrowed: Narrowed,
    *,
    postgres: bool,
    order: Sequence[str] = (),
) -> Select[Any]:
    """The rows of a table.

    Args:
        name: the table.
        columns: which of its columns; of the payload's two neither or both, which are one here:
            :data:`PAYLOAD`, the last.
        narrowed: which rows.
        postgres: whether the engine is PostgreSQL.
        order: the columns in whose order rows stand; none: the table's key.
    """
    exported, table = TABLES[name], t.metadata.tables[name]
    read = _Read(table, postgres=postgres)
    if "payload_id" in table.c:
        read.with_payload()
    if narrowed.at is not None:
        _AS_OF[exported.shape](read, exported, narrowed.at)
    if narrowed.by_ids:
        key = "user_id" if name == "authors" else "gizmo_id"
        read.where.append(one_of(read.columns[key], IDS))
    if narrowed.but_ids and exported.per_gpt:
        read.where.append(not_(one_of(read.columns["gizmo_id"], BUT)))
    if narrowed.since is not None and not narrowed.whole:
        read.where.extend(_since(read, exported, narrowed.since))
    if narrowed.fields is not None and name in {"changes", "mass_events"}:
        read.where.append(table.c.field.in_(narrowed.fields))
    wanted = [read.columns[each].label(each) for each in columns if each not in _OF_PAYLOAD]
    if len(wanted) < len(columns):
        wanted.append(table.c.payload_id.label(PAYLOAD))
    by = [read.order.get(each, read.columns[each]) for each in order or exported.key]
    return select(*wanted).select_from(read.rows).where(*read.where).order_by(*by)


_OF_PAYLOAD = frozenset({"payload", "payload_base64"})


def _holds(table: Any, at: Micros) -> ColumnElement[bool]:
    return and_(table.c.valid_from <= at, or_(table.c.valid_to.is_(None), table.c.valid_to > at))


def _interval_at(read: _Read, _: ExportedTable, at: Micros) -> None:
    """History until then: what ended later holds still."""
    c = read.table.c
    read.where.append(c.valid_from <= at)
    read.columns["valid_to"] = case((c.valid_to <= at, c.valid_to), else_=null())


def _point_at(read: _Read, exported: ExportedTable, at: Micros) -> None:
    read.where.append(read.columns[exported.moment or ""] <= at)


_FIRST = {"drift": "at", "unmapped_fields": "first_seen_at"}


def _whole_at(read: _Read, exported: ExportedTable, at: Micros) -> None:
    c = read.table.c
    if exported.name == "authors":
        _authors_at(read, at)
    elif exported.name == "mass_events":
        read.where.append(c.first_day <= day_of(at))
    elif exported.name in _FIRST:
        read.where.append(c[_FIRST[exported.name]] <= at)


def _state_at(read: _Read, _: ExportedTable, at: Micros) -> None:
    """Each GPT by the revision, the author and the status of then.

    What only the latest value is kept of is not known of the past, and null.
    """
    g, r = t.gizmos, t.gizmo_revisions.alias("then")
    a, s = t.gizmo_authors.alias("author_then"), t.statuses.alias("status_then")
    said, by = t.observations.alias("said_then"), t.sources.alias("said_then_by")
    c = t.changes.c
    read.rows = (
        g.join(s, and_(s.c.gizmo_id == g.c.gizmo_id, _holds(s, at)))
        .outerjoin(r, and_(r.c.gizmo_id == g.c.gizmo_id, _holds(r, at)))
        .outerjoin(a, and_(a.c.gizmo_id == g.c.gizmo_id, _holds(a, at)))
        .outerjoin(
            said, said.c.observation_id == func.coalesce(r.c.observation_id, s.c.observation_id)
        )
        .outerjoin(by, by.c.source_id == said.c.source_id)
    )
    unknown = {field.column for field in of_table("gizmos")}
    unknown |= {"last_seen_at", "last_asked_at", "stale_copies"}
    for name in unknown:
        read.columns[name] = cast(null(), g.c[name].type)
    for field in of_table("gizmo_revisions"):
        read.columns[field.column] = r.c[field.column]
    read.columns |= {
        "user_id": a.c.user_id,
        "status": s.c.status,
        "source": by.c.name,
        "said_at": said.c.observed_at,
        "last_changed_at": select(func.max(c.observed_at))
        .where(
            c.gizmo_id == g.c.gizmo_id,
            c.observed_at <= at,
            c.cls == "content",
            c.field.not_in(sorted(FLAPPING)),
        )
        .scalar_subquery(),
    }


def _authors_at(read: _Read, at: Micros) -> None:
    """Rule 11, put to the rows that held then."""
    a: Any = t.gizmo_authors
    place = func.row_number().over(
        order_by=(a.c.display_name.is_(None), a.c.valid_from.desc(), a.c.gizmo_id),
        partition_by=a.c.user_id,
    )
    held = (
        select(
            a,
            place.label("place"),
            func.count().over(partition_by=a.c.user_id).label("gpt_count"),
        )
        .where(_holds(a, at), a.c.user_id.is_not(None))
        .subquery("held")
    )
    first = (
        select(a.c.user_id, func.min(a.c.valid_from).label("first_seen_at"))
        .where(a.c.user_id.is_not(None))
        .group_by(a.c.user_id)
        .subquery("first")
    )
    said, by = t.observations.alias("said_then"), t.sources.alias("said_then_by")
    read.rows = (
        held.join(first, first.c.user_id == held.c.user_id)
        .outerjoin(said, said.c.observation_id == held.c.observation_id)
        .outerjoin(by, by.c.source_id == said.c.source_id)
    )
    read.where.append(held.c.place == 1)
    read.columns = {
        **{each.name: held.c[each.name] for each in held.c},
        "first_seen_at": first.c.first_seen_at,
        "source": by.c.name,
        "said_at": said.c.observed_at,
    }


_AS_OF: dict[str, Callable[[_Read, ExportedTable, Micros], None]] = {
    "state": _state_at,
    "interval": _interval_at,
    "point": _point_at,
    "whole": _whole_at,
}


def _since(read: _Read, exported: ExportedTable, since: Micros) -> Iterator[ColumnElement[bool]]:
    """What newer observations brought; the GPTs of :func:`late_ids` are read whole, beside this."""
    c = read.table.c
    if exported.shape == "interval":
        yield or_(c.valid_from >= since, c.valid_to >= since)
    elif exported.shape == "state":
        yield c.last_asked_at >= since
    elif exported.name == "changes":
        # Marks reach back: what is new may show that an older change was a flap (rule 8).
        yield c.observed_at >= since - FLAP_WINDOW
    elif exported.name == "observations":
        yield _is_new(since)
    elif exported.shape == "point":
        yield read.columns[exported.moment or ""] >= since


def _is_new(since: Micros) -> ColumnElement[bool]:
    """Observations recorded since then, or judged since then as their run closed (rule 6)."""
    o, r = t.observations.c, t.runs.c
    judged = select(r.run_id).where(r.finished_at >= since)
    return or_(o.recorded_at >= since, and_(o.verdict != "", o.run_id.in_(judged)))


def late_ids(conn: Connection, since: Micros, at: Micros | None = None) -> list[str]:
    """The GPTs of which older things were told since a moment: any of their rows may have changed.

    Args:
        conn: a reading transaction.
        since: the moment.
        at: nothing told of later.

    Returns:
        Their ids, sorted.
    """
    o = t.observations.c
    until = true() if at is None else o.observed_at <= at
    query = select(o.gizmo_id).distinct().where(_is_new(since), o.observed_at < since, until)
    return sorted(conn.execute(query).scalars())


def count_query(name: str, narrowed: Narrowed, *, postgres: bool) -> Select[Any]:
    """How many rows :func:`statement` gives."""
    keys = TABLES[name].key
    rows = statement(name, keys, narrowed, postgres=postgres).order_by(None)
    return select(func.count()).select_from(rows.subquery())


def batches(
    conn: Connection, query: Select[Any], given: Mapping[str, Any], *, rows: int = ROWS
) -> Iterator[list[Sequence[Any]]]:
    """The rows of a query by columns, some at a time.

    Where its last column is :data:`PAYLOAD`, two stand in its place: the bytes as text where they
    are such, and those that are none in base64.

    Args:
        conn: a reading transaction.
        query: of :func:`statement`.
        given: its parameters.
        rows: at a time.
    """
    has_payload = query.selected_columns.keys()[-1] == PAYLOAD
    size = PAYLOADS if has_payload else rows
    # Closed at once where nobody reads on: PostgreSQL keeps a cursor for it.
    with closing(conn.execute(query.execution_options(yield_per=size), given)) as result:
        for part in result.partitions():
            columns: list[Sequence[Any]] = list(zip(*part, strict=True))
            if has_payload:
                columns[-1:] = _payloads(conn, columns[-1])
            yield columns


def _payloads(conn: Connection, numbers: Sequence[int]) -> tuple[list[Any], list[Any]]:
    found = get_payloads(conn, set(numbers) - {t.NOT_FOUND_PAYLOAD})
    texts: list[str | None] = []
    others: list[str | None] = []
    for number in numbers:
        text, other = _told(found.get(number))
        texts.append(text)
        others.append(other)
    return texts, others


def _told(payload: bytes | None) -> tuple[str | None, str | None]:
    if payload is None:
        return None, None
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        return None, b64encode(payload).decode()
    return text, None


def wanted_ids(conn: Connection, wanted: Filter, at: Micros | None) -> list[str]:
    """The ids of the GPTs that a filter wants, sorted.

    Raises:
        InvalidFilter: a condition makes no sense.
        InvalidQuery: its text cannot be understood.
    """
    check(wanted)
    sort = default_sort(wanted)
    keys = (
        orders.in_order(conn, Selection(with_known_authors(conn, wanted)), sort, None, PART)
        if at is None
        else asof.in_order(conn, Selection(wanted), sort, None, PART, at)
    )
    return sorted(key[-1] for key in keys)


def rows_of(conn: Connection, name: str) -> int:
    """How many rows a table has."""
    return int(conn.execute(select(func.count()).select_from(t.metadata.tables[name])).scalar_one())


def of_ids(ids: Sequence[str]) -> Select[Any]:
    """The GPTs of these ids, for conditions: however many there are, they are one parameter."""
    c = t.gizmos.c.gizmo_id
    return select(c).where(one_of(c, IDS)).params({IDS: list(ids)})


def user_ids(conn: Connection, gizmo_ids: Sequence[str], at: Micros | None) -> list[str]:
    """The authors of some GPTs, sorted."""
    a = t.gizmo_authors
    held = a.c.valid_to.is_(None) if at is None else _holds(a, at)
    query = (
        select(a.c.user_id)
        .distinct()
        .where(one_of(a.c.gizmo_id, IDS), held, a.c.user_id.is_not(None))
    )
    found: set[str] = set()
    for start in range(0, len(gizmo_ids), PART):
        found.update(conn.execute(query, {IDS: gizmo_ids[start : start + PART]}).scalars())
    return sorted(found)


def latest_moment(conn: Connection) -> Micros | None:
    """When the latest thing was recorded that an export can hold; None: there is none."""
    moments = [
        conn.execute(select(func.max(column))).scalar()
        for column in (
            t.observations.c.recorded_at,
            t.observations.c.observed_at,
            t.discoveries.c.at,
            t.probes.c.at,
        )
    ]
    return max((each for each in moments if each is not None), default=None)
