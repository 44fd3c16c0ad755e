"""Hits in the order that is wanted, from any place on, by the way that costs least.

*Relevance* reads the index tier by tier, which holds its hits in the order of rule 18. Every other
sort is an order of ``listings``: few hits of the index are fetched and sorted; of many, the first
come soon where the order is walked, and what the index holds is looked up. A category by
conversations has a table of its own.
"""

from __future__ import annotations

import heapq
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Select,
    bindparam,
    select,
    tuple_,
)

from catalog.query.bounds import SHAPES, conditions
from catalog.query.candidates import FEW, MOST, Index, index_of
from catalog.search.listing import KEY_LENGTH
from catalog.search.matching import NAME_PREFIX
from catalog.storage import tables as t
from catalog.storage.prepared import Prepared
from catalog.storage.search_index import order_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.query.candidates import Hit
    from catalog.query.selecting import Key, Selection
    from catalog.search.filters import Sort
    from catalog.search.terms import Candidates, Expression

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
_FEW: BindParameter[int] = bindparam("few")


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
        selection.bounds,
        low,
        size,
        selection.memory,
        at_once=FEW if tier <= NAME_PREFIX else selection.probable,
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
    while True:
        asking = {**way.asking, "size": size}
        if after is not None:
            asking |= {"from_value": after[0], "from_id": after[1]}
        rows = way.query(after is not None).rows(conn, asking)
        if way.among is None:
            yield rows
        else:
            held = index_of(conn).among(conn, way.among, [row[-1] for row in rows])
            yield [row[:-1] for row in rows if row[-1] in held]
        if len(rows) < size:
            return
        after = rows[-1]
        size = min(2 * size, MOST)


class _Way(NamedTuple):
    """How candidates are found in their order.

    Attributes:
        form: what is read, see :func:`_query`.
        asking: its parameters.
        among: what the index holds of the candidates among these; None: all are.
    """

    form: tuple[Any, ...]
    asking: dict[str, Any]
    among: Expression | None = None

    def query(self, is_behind: bool) -> Prepared:  # noqa: FBT001  (of two queries, one)
        """Their places, value and id; with ``among`` also their numbers.

        Args:
            is_behind: whether only those behind a place are.
        """
        return _query(*self.form, is_behind)


def _way(conn: Connection, selection: Selection, sort: Sort) -> _Way:
    category = selection.only_category
    index, bounds = index_of(conn), selection.bounds
    if category is not None and sort == "conversations" and len(category) < KEY_LENGTH:
        return _Way((index, "ranked", sort, bounds.names), {"category": category})
    found = selection.anywhere()
    if found is None:
        return _Way((index, "every", sort, bounds.names), bounds.given)
    asking = index.asking(conn, found.expression, selection.memory)
    few = index.few(found.expression)
    most = index.most_held or few
    number = index.count(conn, found.expression, most + 1, selection.memory)
    asking |= bounds.given
    if number <= few:
        return _Way((index, "few", sort, bounds.names), asking | {"few": few})
    if index.most_held is not None and number > most:
        return _Way((index, "numbered", sort, bounds.names), bounds.given, found.expression)
    return _Way((index, "held", sort, bounds.names), asking)


@lru_cache(maxsize=SHAPES)
def _query(
    index: Index,
    kind: Literal["ranked", "every", "few", "numbered", "held"],
    sort: Sort,
    names: tuple[str, ...],
    is_behind: bool,  # noqa: FBT001  (of two queries, one)
) -> Prepared:
    """Candidates' places in their order.

    Args:
        index: of which engine.
        kind: those of one category; those that the index holds, where they are few or many; or all
            listings, with their numbers or without.
        sort: the order.
        names: the shape of what holds of the listings.
        is_behind: whether only those behind a place are wanted.
    """
    wanted = conditions(names)
    places = (_COLUMNS[sort], t.listings.c.gizmo_id)
    if kind == "ranked":
        query: Select[Any] = _RANKED
    elif kind == "few":
        # The limit does not cut: it keeps PostgreSQL from reading in the wanted order after all.
        hits = select(*places).select_from(index.listed).where(index.has, *wanted).limit(_FEW)
        query = select(*hits.subquery().c)
    elif kind == "held":
        query = select(*places).where(index.holds, *wanted)
    else:
        number = (t.listings.c.doc_id,) if kind == "numbered" else ()
        query = select(*places, *number).where(*wanted)
    in_order = list(query.selected_columns)[:2]
    if is_behind:
        query = query.where(tuple_(*in_order) > _BOUND)
    return Prepared(query.order_by(*in_order).limit(_SIZE))


_RANKED = select(t.category_ranks.c.by_conversations, t.category_ranks.c.gizmo_id).where(
    t.category_ranks.c.category == bindparam("category")
)
