"""What changed, the latest first: a page after the other, as lists and feeds show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import tuple_

from catalog.query.changes import Change, ChangePage, Key, Wanted, records, selection
from catalog.query.limits import check_limit
from catalog.query.wanted import gpts_of
from catalog.search.cursors import decode, encode
from catalog.storage import tables as t

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.records import Row


def latest(
    conn: Connection, wanted: Wanted, *, after: Key | None = None, limit: int
) -> list[Change]:
    """The next changes, the latest first; of one moment in the reverse order of their keys.

    Args:
        conn: a reading transaction.
        wanted: which.
        after: the key of the last one that is known.
        limit: how many at most.
    """
    c = t.changes.c
    key = tuple_(c.observed_at, c.gizmo_id, c.field, c.element)
    query = selection(wanted).limit(limit)
    if after is not None:
        query = query.where(key < tuple_(*after))
    order = [column.desc() for column in key.clauses]
    gpts = None if wanted.gizmo_id is not None else gpts_of(conn, wanted)
    if wanted.gizmo_id is None and gpts is None:
        # Each class is read in the order of the index, as where the oldest come first.
        queries = [query.where(c.cls == cls).order_by(*order) for cls in wanted.classes]
    else:
        query = query.where(c.cls.in_(wanted.classes))
        if gpts is not None:
            query = query.where(c.gizmo_id.in_(gpts))
        # The sum keeps an engine from walking all changes for the sake of their order.
        queries = [query.order_by((c.observed_at + 0).desc(), *order[1:])]
    rows = [dict(row) for each in queries for row in conn.execute(each).mappings()]
    return records(conn, sorted(rows, key=_key, reverse=True)[:limit])


def latest_page(
    conn: Connection, wanted: Wanted, *, after: str | None = None, limit: int = 50
) -> ChangePage:
    """A page of changes, the latest first, and where the next one begins.

    Args:
        conn: a reading transaction.
        wanted: which.
        after: where the page before ended.
        limit: how many at most.

    Raises:
        InvalidCursor: ``after`` is damaged, or of other changes.
        UsageError: ``limit`` is no number of changes to be asked for at once.
    """
    check_limit(limit)
    question = ("latest changes", wanted)
    key = None if after is None else decode(after, question, Key)
    found = latest(conn, wanted, after=key, limit=limit + 1)
    items = tuple(found[:limit])
    more = len(found) > limit
    return ChangePage(items=items, after=encode(question, items[-1].key) if more else None)


def _key(row: Row) -> Key:
    return (row["observed_at"], row["gizmo_id"], row["field"], row["element"])
