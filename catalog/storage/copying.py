"""Copying all rows of a catalog into an empty one, from either engine to either.

Rows keep their numbers, so that nothing has to be translated. Listings and the search index, which
each engine holds in its own way, are made again from the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    delete,
    func,
    insert,
    select,
    text,
)

from catalog.storage import tables as t
from catalog.storage.relisting import make_listings, queue_listings
from catalog.storage.work_tables import write_locks

if TYPE_CHECKING:
    from sqlalchemy import Connection

MADE_AGAIN = frozenset({t.listings.name, t.facet_sets.name, t.category_ranks.name})
"""Tables that follow from the others, and are not copied."""
PART = 1000
"""Rows read and written at a time: bounds memory; payloads are a few kB each."""


class Copied(msgspec.Struct):
    """How far a copy is.

    Attributes:
        table: the table it is at.
        rows: rows copied, over all tables.
    """

    table: str = ""
    rows: int = 0


def copy_rows(
    source: Connection, target: Connection, report: Callable[[Copied], None] = lambda _: None
) -> Copied:
    """Copy every row of every table; what ``target`` holds is replaced.

    Args:
        source: in a transaction that sees one state.
        target: in a write transaction, of a catalog of the same schema without anything in it.
        report: called as it goes on.
    """
    done = Copied()
    tables = [table for table in t.metadata.sorted_tables if table is not write_locks]
    for table in reversed(tables):
        # The rows that every new catalog has.
        target.execute(delete(table))
    for table in tables:
        if table.name in MADE_AGAIN:
            continue
        done.table = table.name
        query = select(table).order_by(*_order(table))
        statement = insert(table)
        keys = table.columns.keys()
        # The report may break off: the cursor is closed then, too.
        with source.execute(query.execution_options(yield_per=PART)) as rows:
            for part in rows.partitions():
                target.execute(statement, [dict(zip(keys, row, strict=True)) for row in part])
                done.rows += len(part)
                report(done)
        _go_on_counting(target, table)
    queue_listings(target)
    while make_listings(target):
        report(done)
    return done


def _order(table: Table) -> list[ColumnElement[Any]]:
    """The order in which no row comes before one that it names: deltas after what stands alone."""
    key: list[ColumnElement[Any]] = list(table.primary_key.columns)
    return [t.payloads.c.base_id.is_not(None), *key] if table is t.payloads else key


def _go_on_counting(conn: Connection, table: Table) -> None:
    """Let PostgreSQL's automatic keys go on after those that came; SQLite looks by itself."""
    key = table.autoincrement_column
    if conn.dialect.name != "postgresql" or key is None or not isinstance(key.type, Integer):
        return
    highest = conn.execute(select(func.max(key))).scalar()
    if highest:
        conn.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :key), :highest)"),
            {"table": table.name, "key": key.name, "highest": highest},
        )
