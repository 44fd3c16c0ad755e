"""Writing the rows that a fold yields, and comparing them with those that stand."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from catalog.storage import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.records import Row, Rows

T = TypeVar("T")

CHUNK = 500
"""Keys in one IN list: far below every engine's limit on parameters."""

PER_GPT: tuple[Table, ...] = (
    t.gizmos,
    t.gizmo_revisions,
    t.gizmo_authors,
    t.attachments,
    *t.CHILDREN.values(),
    t.statuses,
    t.vanity_metrics,
    t.source_stats,
    t.changes,
)
"""The tables that stage 1 derives, each row from one GPT's observations."""

_BY_NAME = {table.name: table for table in PER_GPT}
_STAGE_2 = frozenset({"event_id"})


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """``items`` in slices of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _stored(row: Row, source_ids: Mapping[str, int]) -> Row:
    """The row with its source's number in place of its name."""
    if "source" not in row:
        return row
    stored = dict(row)
    stored["source_id"] = source_ids[stored.pop("source")]
    return stored


def write_rows(conn: Connection, rows: Rows, source_ids: Mapping[str, int]) -> None:
    """Insert the new rows of a step."""
    for name, by_key in rows.items():
        stored = [_stored(row, source_ids) for row in by_key.values()]
        insert_rows(conn, _BY_NAME[name], stored)


def insert_rows(
    conn: Connection, table: Table, rows: Sequence[Row], *, if_new: bool = False
) -> None:
    """Insert many rows, which all have the same columns.

    PostgreSQL gets them as one array a column, SQLite without SQLAlchemy's work on each parameter:
    a tenth and a half of the time that a statement for each row takes.

    Args:
        conn: a writing transaction.
        table: where.
        rows: by name of column.
        if_new: those whose key is there already are passed over.

    Raises:
        ValueError: a row has another number of columns than the first.
        KeyError: a row lacks one of them.
    """
    if not rows:
        return
    names = tuple(name for name in table.columns.keys() if name in rows[0])  # noqa: SIM118
    if any(len(row) != len(names) for row in rows):
        raise ValueError(f"rows of {table.name} have other columns than {', '.join(names)}")
    if conn.dialect.name == "postgresql":
        arrays = {name: [row[name] for row in rows] for name in names}
        conn.execute(_from_arrays(table, names, if_new), arrays)
    else:
        values = [tuple(map(row.__getitem__, names)) for row in rows]
        conn.exec_driver_sql(_with_marks(table, names, if_new), values)


@cache
def _with_marks(table: Table, names: tuple[str, ...], if_new: bool) -> str:  # noqa: FBT001  (cached)
    """An INSERT of one row with a mark for each column, in the order of the table, on SQLite."""
    columns: dict[str, Any] = {name: bindparam(name) for name in names}
    statement = sqlite.insert(table).values(columns)
    if if_new:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=sqlite.dialect()))


@cache
def _from_arrays(table: Table, names: tuple[str, ...], if_new: bool) -> Any:  # noqa: FBT001
    """An INSERT of rows that are given as one array a column, on PostgreSQL."""
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  (slow, and for its users)

    columns = [table.c[name] for name in names]
    arrays = (
        # The columns know their collation; a type of arrays takes none.
        bindparam(c.key, type_=ARRAY(Text() if isinstance(c.type, Text) else c.type))
        for c in columns
    )
    given = func.unnest(*(cast(each, each.type) for each in arrays))
    statement = postgresql.insert(table).from_select(
        list(names), select(given.table_valued(*names).render_derived(name="given"))
    )
    return statement.on_conflict_do_nothing() if if_new else statement


def write_updates(conn: Connection, updates: Rows) -> None:
    """Set columns of rows that stand, by the leading columns of their primary keys."""
    groups: dict[tuple[str, int, tuple[str, ...]], list[Row]] = defaultdict(list)
    for name, by_key in updates.items():
        for key, columns in by_key.items():
            names = tuple(sorted(columns))
            values = {f"key_{i}": part for i, part in enumerate(key)}
            groups[name, len(key), names].append(values | columns)
    for (name, width, names), batch in groups.items():
        table = _BY_NAME[name]
        keys = list(table.primary_key.columns)[:width]
        conn.execute(
            update(table)
            .where(*(column == bindparam(f"key_{i}") for i, column in enumerate(keys)))
            .values({column: bindparam(column) for column in names}),
            batch,
        )


def replace_rows(
    conn: Connection, gizmo_ids: Sequence[str], rows: Rows, source_ids: Mapping[str, int]
) -> None:
    """Make the rows of some GPTs be exactly ``rows``, touching only those that differ.

    What stage 2 writes into them is left out of the comparison; it follows from the queue.
    """
    for table in PER_GPT:
        wanted = {
            _key(table, row): row
            for row in (_stored(row, source_ids) for row in rows.get(table.name, {}).values())
        }
        differing: list[tuple[Any, ...]] = []
        for part in chunks(gizmo_ids):
            for found in conn.execute(select(table).where(table.c.gizmo_id.in_(part))):
                row = dict(zip(table.columns.keys(), found, strict=True))
                key = _key(table, row)
                target = wanted.get(key)
                if target is not None and _equal(row, target):
                    del wanted[key]
                else:
                    differing.append(key)
        keys = list(table.primary_key.columns)
        if differing:
            conn.execute(
                delete(table).where(*(c == bindparam(f"key_{i}") for i, c in enumerate(keys))),
                [{f"key_{i}": part for i, part in enumerate(key)} for key in differing],
            )
        insert_rows(conn, table, list(wanted.values()))


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.key] for column in table.primary_key.columns)


def _equal(stored: Row, wanted: Row) -> bool:
    return all(stored[column] == wanted.get(column) for column in stored if column not in _STAGE_2)
