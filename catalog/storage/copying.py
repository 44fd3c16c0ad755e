"""Copying all rows of a catalog into an empty one, from either engine to either.

Rows keep their numbers, so that nothing has to be translated. Listings and the search index, which
each engine holds in its own way, are made again from the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)

from catalog.storage import tables as t
from catalog.storage.relisting import make_listings, queue_listings
from catalog.storage.work_tables import job_states, paces, write_locks

if TYPE_CHECKING:
    from sqlalchemy import Connection

MADE_AGAIN = frozenset({t.listings.name, t.facet_sets.name, t.category_ranks.name})
"""Tables that follow from the others, and are not copied."""
PART = 1000
"""Rows read and written at a time: bounds memory; payloads are a few kB each."""
_OWN = frozenset({t.catalog_info.name, t.stage_queue.name})
"""Tables that a copy writes of its own accord when it makes listings, and that are not compared."""


class Copied(msgspec.Struct):
    """How far a copy is.

    Attributes:
        table: the table it is at.
        rows: rows copied, over all tables.
    """

    table: str = ""
    rows: int = 0


def copied_tables() -> list[Table]:
    """The tables that are copied, in an order in which each comes after those that it names."""
    left = {*MADE_AGAIN, paces.name, write_locks.name}
    return [table for table in t.metadata.sorted_tables if table.name not in left]


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
    clear(target)
    for table in copied_tables():
        done.table = table.name
        for part in parts(source, table):
            put(target, table, part)
            done.rows += len(part)
            report(done)
        go_on_counting(target, table)
    queue_listings(target)
    while make_listings(target):
        report(done)
    return done


def clear(target: Connection) -> None:
    """Empty every table, of the rows that every new catalog has too."""
    for table in reversed(t.metadata.sorted_tables):
        if table is not write_locks:
            target.execute(delete(table))


def parts(
    source: Connection, table: Table, after: Sequence[Any] | None = None
) -> Iterator[Sequence[Row[Any]]]:
    """A table's rows, :data:`PART` at a time, so that no row comes before one that it names.

    Args:
        source: in a transaction that sees one state.
        table: the table.
        after: begin behind the row of this place in the order; see :func:`last_place`.
    """
    order = _order(table)
    query = select(table).order_by(*order)
    if after is not None:
        place = [literal(value, each.type) for value, each in zip(after, order, strict=True)]
        query = query.where(tuple_(*order) > tuple_(*place))
    # Whoever reads may break off: the cursor is closed then, too.
    with source.execute(query.execution_options(yield_per=PART)) as rows:
        yield from rows.partitions()


def last_place(conn: Connection, table: Table) -> Sequence[Any] | None:
    """Where the last row of a table stands in the order of :func:`parts`; None if it is empty."""
    order = _order(table)
    query = select(*order).order_by(*(each.desc() for each in order)).limit(1)
    return conn.execute(query).first()


def put(target: Connection, table: Table, rows: Sequence[Row[Any]]) -> None:
    """Write rows as :func:`parts` gives them; on PostgreSQL by COPY, three times as fast."""
    keys = table.columns.keys()
    if target.dialect.name != "postgresql":
        target.execute(insert(table), [dict(zip(keys, row, strict=True)) for row in rows])
        return
    driver: Any = target.connection.driver_connection
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as to:
        for row in rows:
            to.write_row(row)


def drop_claims(conn: Connection) -> None:
    """Free what processes held where the rows come from: none of them works here.

    Args:
        conn: in a write transaction.
    """
    for table, owner in ((t.frontier, "lease_owner"), (job_states, "owner")):
        conn.execute(
            update(table)
            .where(table.c[owner].is_not(None))
            .values({owner: None, "lease_until": None})
        )
    conn.execute(update(t.runs).where(t.runs.c.owner.is_not(None)).values(owner=None))


def digest_of_rows(conn: Connection) -> str:
    """SHA-256 of all that is copied, in hex: equal for a catalog and its copy on either engine.

    Unlike the digest of the logical dump it names every value, numbers of rows and leases too, but
    neither facts about the catalog itself nor what it has still to settle.

    Args:
        conn: in a transaction that sees one state.
    """
    sha = hashlib.sha256()
    for table in copied_tables():
        if table.name in _OWN:
            continue
        sha.update(table.name.encode())
        for part in parts(conn, table):
            sha.update(msgspec.json.encode([tuple(row) for row in part]))
    return sha.hexdigest()


def _order(table: Table) -> list[ColumnElement[Any]]:
    """The order in which no row comes before one that it names: deltas after what stands alone."""
    key: list[ColumnElement[Any]] = list(table.primary_key.columns)
    return [t.payloads.c.base_id.is_not(None), *key] if table is t.payloads else key


def go_on_counting(conn: Connection, table: Table) -> None:
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
