"""GPTs as they stood at a moment: every one is looked at, for the indexes know the present alone.

This is also the definition put to work as it stands, that the tests hold every faster way against.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.search.conditions import order_key
from catalog.storage import tables as t
from catalog.storage.listings import load_listings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from catalog.query.selecting import Key, Selection
    from catalog.search.filters import Sort
    from catalog.search.listing import Listing
    from catalog.times import Micros

PART = 500
"""GPTs that are looked at together."""
PASS = 50_000
"""Places that are held at once: an iteration over more looks at all GPTs again."""


def listings_at(conn: Connection, at: Micros | None) -> Iterator[Listing]:
    """Every GPT as it stood at a moment, in the order of their ids.

    Args:
        conn: a reading transaction.
        at: the moment; None: now.
    """
    c = t.gizmos.c.gizmo_id
    last = ""
    while True:
        gizmo_ids = conn.execute(select(c).where(c > last).order_by(c).limit(PART)).scalars().all()
        if not gizmo_ids:
            return
        yield from load_listings(conn, gizmo_ids, at).values()
        last = gizmo_ids[-1]


def in_order(
    conn: Connection,
    selection: Selection,
    sort: Sort,
    after: Key | None,
    size: int,
    at: Micros | None,
) -> Iterator[Key]:
    """The places of those that are wanted in the order, each once.

    Args:
        conn: a reading transaction.
        selection: which GPTs are wanted.
        sort: the order.
        after: the place of the last one that is known.
        size: how many will probably be read.
        at: the moment; None: now.
    """
    while True:
        part = heapq.nsmallest(size, _beyond(conn, selection, sort, after, at))
        yield from part
        if len(part) < size:
            return
        after = part[-1]
        size = PASS


def _beyond(
    conn: Connection, selection: Selection, sort: Sort, after: Key | None, at: Micros | None
) -> Iterator[Key]:
    for listing in listings_at(conn, at):
        tier = selection.tier(listing)
        if tier is None:
            continue
        key = order_key(sort, listing, tier)
        if after is None or key > after:
            yield key
