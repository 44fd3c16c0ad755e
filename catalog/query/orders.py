"""Hits in the order that is wanted, from any place on, by the way that costs least.

*Relevance* reads the index tier by tier, which holds its hits in the order of rule 18. Every other
sort is an order of ``listings``: few hits of the index are fetched and sorted; of many, the first
come soon where the order is walked, and what the index holds is looked up. A category by
conversations has a table of its own.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    select,
    tuple_,
)

from catalog.query.candidates import MOST, index_of
from catalog.search.listing import KEY_LENGTH
from catalog.storage import tables as t
from catalog.storage.search_index import order_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.query.candidates import Hit
    from catalog.query.selecting import Key, Selection
    from catalog.search.filters import Sort
    from catalog.search.terms import Candidates, Expression

FEW = 3_000
"""Hits that are sorted as they are: beyond, walking the whole order finds a page sooner."""

_COLUMNS: dict[Sort, Column[Any]] = {
    "conversations": t.listings.c.by_conversations,
    "rating": t.listings.c.by_rating,
    "created": t.listings.c.by_created,
    "updated": t.listings.c.by_updated,
    "changed": t.listings.c.by_changed,
    "name": t.listings.c.name_key,
}
_BOUND = tuple_(bindparam("from_value"), bindparam("from_id"))
_SIZE: BindParameter[int] = bindparam("size")


def in_order(
    conn: Connection, selection: Selection, sort: Sort, after: Key | None, size: int
) -> Iterator[Key]:
    """The hits' places in the order, each once; the last member is the gizmo_id.

    Args:
        conn: a reading transaction.
        selection: which GPTs are wanted.
        sort: the order.
        after: the place of the last one that is known.
        size: how many will probably be read.
    """
    if sort == "relevance":
        return _by_relevance(conn, selection, after, size)
    found = selection.anywhere()
    keys = _verified(conn, selection, found, _walk(conn, selection, sort, after, size))
    if found is None or selection.only_category is not None:
        return keys
    return heapq.merge(keys, _beyond(after, selection.unindexed_keys(conn, sort)))


def _beyond(after: Key | None, keys: Iterable[Key]) -> Iterator[Key]:
    return (key for key in keys if after is None or key > after)


# By relevance.


def _by_relevance(
    conn: Connection, selection: Selection, after: Key | None, size: int
) -> Iterator[Key]:
    apart = selection.unindexed_keys(conn, "relevance")
    for tier in selection.tiers:
        if after is not None and tier < after[0]:
            continue
        low = 0
        if after is not None and tier == after[0]:
            low, _ = order_range(-after[1], after[2])
        keys = _of_tier(conn, selection, tier, low, size)
        beside = [key for key in apart if key[0] == tier]
        yield from _beyond(after, heapq.merge(keys, beside) if beside else keys)


def _of_tier(
    conn: Connection, selection: Selection, tier: int, low: int, size: int
) -> Iterator[Key]:
    found = selection.in_tier(tier)
    hits = index_of(conn).in_order(
        conn,
        None if found is None else found.expression,
        selection.conditions,
        low,
        size,
        selection.terms,
    )
    for part in hits:
        right: Sequence[Hit] = part
        if found is not None and not found.exact:
            verified = selection.verified_in(conn, [hit.gizmo_id for hit in part], tier)
            right = [hit for hit in part if hit.gizmo_id in verified]
        for hit in right:
            yield (tier, *hit.order)


# By a column.


def _verified(
    conn: Connection,
    selection: Selection,
    found: Candidates | None,
    parts: Iterator[list[Key]],
) -> Iterator[Key]:
    for part in parts:
        if found is None or found.exact:
            yield from part
        else:
            right = selection.verified(conn, [key[-1] for key in part])
            yield from (key for key in part if key[-1] in right)


def _walk(
    conn: Connection, selection: Selection, sort: Sort, after: Key | None, size: int
) -> Iterator[list[Key]]:
    """The candidates' places in their order, in parts that grow."""
    way = _way(conn, selection, sort)
    first = _ordered(way.query)
    later = _ordered(_behind(way.query))
    while True:
        if after is None:
            rows = conn.execute(first, {**way.asking, "size": size}).all()
        else:
            bound = {"from_value": after[0], "from_id": after[1]}
            rows = conn.execute(later, {**way.asking, **bound, "size": size}).all()
        if way.among is None:
            yield [tuple(row) for row in rows]
        else:
            held = index_of(conn).among(conn, way.among, [row[-1] for row in rows])
            yield [tuple(row[:-1]) for row in rows if row[-1] in held]
        if len(rows) < size:
            return
        after = tuple(rows[-1])
        size = min(2 * size, MOST)


class _Way(NamedTuple):
    """How candidates are found in their order.

    Attributes:
        query: their places, value and id; with ``among`` also their numbers.
        asking: its parameters.
        among: what the index holds of the candidates among these; None: all are.
    """

    query: Select[Any]
    asking: dict[str, Any]
    among: Expression | None = None


def _way(conn: Connection, selection: Selection, sort: Sort) -> _Way:
    category = selection.only_category
    if category is not None and sort == "conversations" and len(category) < KEY_LENGTH:
        return _Way(_RANKED, {"category": category})
    places = (_COLUMNS[sort], t.listings.c.gizmo_id)
    found = selection.anywhere()
    if found is None:
        return _Way(select(*places).where(*selection.conditions), {})
    index = index_of(conn)
    asking = index.asking(conn, found.expression, selection.terms)
    most = index.most_held or FEW
    number = index.count(conn, found.expression, most + 1, selection.terms)
    if number <= FEW:
        # The limit does not cut: it keeps PostgreSQL from reading in the wanted order after all.
        hits = (
            select(*places)
            .select_from(index.listed)
            .where(index.has, *selection.conditions)
            .limit(FEW)
            .subquery()
        )
        return _Way(select(*hits.c), asking)
    if index.most_held is not None and number > most:
        numbered = select(*places, t.listings.c.doc_id).where(*selection.conditions)
        return _Way(numbered, {}, found.expression)
    return _Way(select(*places).where(index.holds, *selection.conditions), asking)


def _behind(query: Select[Any]) -> Select[Any]:
    """Those behind a place."""
    return query.where(tuple_(*_places(query)) > _BOUND)


def _ordered(query: Select[Any]) -> Select[Any]:
    return query.order_by(*_places(query)).limit(_SIZE)


def _places(query: Select[Any]) -> Sequence[ColumnElement[Any]]:
    return list(query.selected_columns)[:2]


_RANKED = select(t.category_ranks.c.by_conversations, t.category_ranks.c.gizmo_id).where(
    t.category_ranks.c.category == bindparam("category")
)
