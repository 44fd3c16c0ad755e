"""Browsing and searching GPTs, a page after the other: the same rows in the same order anywhere.

Which GPTs match and how they are ordered is defined in :mod:`catalog.search`; this finds them
without looking at each. Pages are keyset pages: a cursor says after which place the next page
begins, so that no row comes twice and none is left out while others are added.
"""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING

from catalog.errors import InvalidFilter
from catalog.query import asof
from catalog.query.counting import count
from catalog.query.found import Count, Found, Page, details, details_at
from catalog.query.limits import check_limit
from catalog.query.naming import with_known_authors
from catalog.query.orders import in_order
from catalog.query.selecting import Selection
from catalog.search.cursors import decode_cursor, encode_cursor
from catalog.search.filters import SORTS, Filter, Sort, check, default_sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from catalog.query.selecting import Key
    from catalog.times import Micros

__all__ = ["Count", "Found", "Page", "count", "iterate", "search"]

PAGE = 50
"""GPTs on a page, where nobody says otherwise."""
PART = 500
"""GPTs that an iteration reads at once."""


def search(
    conn: Connection,
    wanted: Filter,
    *,
    sort: Sort | None = None,
    limit: int = PAGE,
    after: str | None = None,
    at: Micros | None = None,
) -> Page:
    """A page of the GPTs that are wanted.

    Args:
        conn: a reading transaction.
        wanted: which.
        sort: the order; None: see :func:`catalog.search.filters.default_sort`.
        limit: how many at most.
        after: the cursor that the page before ended with.
        at: as of that moment; every GPT is then looked at, as no index knows the past.

    Raises:
        InvalidFilter: a condition or the order makes no sense.
        InvalidQuery: the text cannot be understood.
        InvalidCursor: ``after`` is damaged, or of another search.
        UsageError: ``limit`` is no number of GPTs to be asked for at once: :func:`iterate` goes on.
    """
    check_limit(limit)
    sort = _checked(wanted, sort)
    key = None if after is None else decode_cursor(after, wanted, sort, at=at)
    keys = list(islice(_keys(conn, wanted, sort, key, limit + 1, at), limit + 1))
    more = encode_cursor(wanted, sort, keys[limit - 1], at=at) if len(keys) > limit else None
    return Page(items=tuple(_details(conn, keys[:limit], at)), after=more, sort=sort)


def iterate(
    conn: Connection, wanted: Filter, *, sort: Sort | None = None, at: Micros | None = None
) -> Iterator[Found]:
    """All GPTs that are wanted, in their order, holding few of them at a time.

    Args:
        conn: a reading transaction.
        wanted: which.
        sort: the order; None: see :func:`catalog.search.filters.default_sort`.
        at: as of that moment.

    Raises:
        InvalidFilter: a condition or the order makes no sense.
        InvalidQuery: the text cannot be understood.
    """
    return _iterate(conn, _keys(conn, wanted, _checked(wanted, sort), None, PART, at), at)


def _iterate(conn: Connection, keys: Iterator[Key], at: Micros | None) -> Iterator[Found]:
    while part := list(islice(keys, PART)):
        yield from _details(conn, part, at)


def _checked(wanted: Filter, sort: Sort | None) -> Sort:
    check(wanted)
    if sort is None:
        return default_sort(wanted)
    if sort not in SORTS:
        near = difflib.get_close_matches(sort, SORTS, n=1, cutoff=0.4)
        raise InvalidFilter(
            "sort",
            f"there is no order {sort!r}: "
            + (f"did you mean {near[0]!r}?" if near else f"take one of {', '.join(SORTS)}"),
        )
    return sort


def _keys(
    conn: Connection, wanted: Filter, sort: Sort, after: Key | None, size: int, at: Micros | None
) -> Iterator[Key]:
    if at is not None:
        return asof.in_order(conn, Selection(wanted), sort, after, size, at)
    return in_order(conn, Selection(with_known_authors(conn, wanted)), sort, after, size)


def _details(conn: Connection, keys: list[Key], at: Micros | None) -> list[Found]:
    gizmo_ids = [key[-1] for key in keys]
    return details(conn, gizmo_ids) if at is None else details_at(conn, gizmo_ids, at)
