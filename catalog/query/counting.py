"""How many GPTs a filter has, counted as far as somebody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from catalog.query.asof import listings_at
from catalog.query.bounds import conditions
from catalog.query.candidates import UNINDEXED, index_of
from catalog.query.found import Count
from catalog.query.naming import with_known_authors
from catalog.query.selecting import Selection
from catalog.query.sets import wanted_sets
from catalog.search.filters import check
from catalog.storage import tables as t
from catalog.storage.relisting import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Select

    from catalog.search.filters import Filter
    from catalog.times import Micros

LIMIT = 20_000
"""Hits after which counting stops, where nobody wants to wait for the rest."""
VERIFIED = 2_000
"""Hits after which it stops where the texts of each have to be looked at."""
PART = 1_000
"""Hits that are read at once."""

Row = tuple[Any, ...]
"""What is counted of a hit: its set of facets, its author; and maybe which GPT it is."""
_COUNTED = (t.listings.c.facet_id, t.listings.c.user_id)


def count(
    conn: Connection, wanted: Filter, *, limit: int | None = LIMIT, at: Micros | None = None
) -> Count:
    """How many GPTs are wanted.

    Args:
        conn: a reading transaction.
        wanted: which.
        limit: where counting may stop; a tenth of it where texts have to be looked at. None: it
            goes to the end.
        at: as of that moment; every GPT is then looked at.

    Raises:
        InvalidFilter: a condition makes no sense.
        InvalidQuery: the text cannot be understood.
    """
    check(wanted)
    selection = Selection(with_known_authors(conn, wanted) if at is None else wanted)
    if at is not None:
        return Count(sum(1 for each in listings_at(conn, at) if selection.has(each)), exact=True)
    if selection.has_facets_alone:
        number = sum(gpts for _, gpts in wanted_sets(conn, selection))
        return as_listed(conn, Count(number, exact=True))
    found = selection.anywhere()
    if found is None or not found.exact or selection.bounds.names:
        return as_listed(conn, each_hit(conn, selection, limit, lambda _: None))
    most = None if limit is None else limit + 1
    number = index_of(conn).count(conn, found.expression, most, selection.memory)
    number += len(selection.unindexed(conn))
    return as_listed(conn, _capped(number, limit))


def as_listed(conn: Connection, counted: Count) -> Count:
    """A count of listings: it is not exact while some GPTs are still to be listed."""
    return Count(counted.number, exact=counted.exact and not waiting(conn))


def each_hit(
    conn: Connection,
    selection: Selection,
    limit: int | None,
    see: Callable[[Sequence[Row]], None],
) -> Count:
    """Show every hit once, in no order, up to a limit; how many they were.

    Args:
        conn: a reading transaction.
        selection: which GPTs are wanted.
        limit: see :func:`count`.
        see: takes hits.
    """
    found = selection.anywhere()
    is_exact = found is None or found.exact
    number = 0
    if found is None:
        asking: dict[str, Any] = {}
        query = select(*_COUNTED).where(*conditions(selection.bounds.names))
    else:
        index = index_of(conn)
        # Only what is verified has to be named: of thousands each column takes its time.
        query = (index.counted if is_exact else index.counted_named)(selection.bounds.names)
        asking = index.asking(conn, found.expression, selection.memory)
        apart = _unindexed(conn, selection)
        see(apart)
        number += len(apart)
    if limit is not None and not is_exact:
        limit = limit * VERIFIED // LIMIT or 1
    query = query.limit(None if limit is None else limit + 1)
    looked_at = number
    asking |= selection.bounds.given
    for rows in _parts(conn, query, asking, is_bounded=limit is not None):
        part = rows if limit is None else rows[: max(0, limit - looked_at)]
        looked_at += len(rows)
        right = part if is_exact else _verified(conn, selection, part)
        see(right)
        number += len(right)
    return Count(number, exact=limit is None or looked_at <= limit)


def _parts(
    conn: Connection, query: Select[Any], asking: dict[str, Any], *, is_bounded: bool
) -> Iterator[list[Row]]:
    """Rows as the driver has them: SQLAlchemy's take longer than all that the engine does."""
    # Without bounds, PostgreSQL is to keep the rows on its side.
    result = conn.execute(query, asking, execution_options={"stream_results": not is_bounded})
    # Not the cursor itself: of a result that streams, the first row has been taken from it.
    # Asked for each time: once the rows are all taken, it is another one, which gives none.
    while rows := _strategy(result).fetchmany(result, result.cursor, PART):
        yield rows
    result.close()


def _strategy(result: Any) -> Any:
    return result.cursor_strategy


def _unindexed(conn: Connection, selection: Selection) -> list[Row]:
    """The hits that the index does not hold."""
    hits = {listing.gizmo_id for listing in selection.unindexed(conn)}
    if not hits:
        return []
    query = select(*_COUNTED, t.listings.c.gizmo_id).where(UNINDEXED)
    return [tuple(row) for row in conn.execute(query) if row[-1] in hits]


def _verified(conn: Connection, selection: Selection, rows: Sequence[Row]) -> list[Row]:
    right = selection.verified(conn, [row[-1] for row in rows])
    return [row for row in rows if row[-1] in right]


def _capped(number: int, limit: int | None) -> Count:
    if limit is None or number <= limit:
        return Count(number, exact=True)
    return Count(limit, exact=False)
