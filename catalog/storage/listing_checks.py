"""What is wrong with listings and with the search index, for :mod:`catalog.storage.verify`.

Reads only. Each function yields sentences about what it found, and numbers: how much more it has
looked at.
"""

from __future__ import annotations

import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, column, func, or_, select, table, text

from catalog.search.terms import facet_key
from catalog.storage import tables as t
from catalog.storage.listings import Told, cut_key, load_listings
from catalog.storage.rows import CHUNK
from catalog.storage.search_index import (
    LIMITS,
    OVERFLOW,
    held_terms,
    is_at_home,
    joined,
    order_lexemes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from catalog.records import Row
    from catalog.search.listing import Listing

_SAMPLE = 50
"""Of how many listings is one asked for by its terms: each costs one look-up a term."""


def find_odd_listings(conn: Connection) -> Iterator[str | int]:
    """Compare every listing with what the rows of its GPT say."""
    c = t.listings.c
    extra = (
        select(c.gizmo_id)
        .outerjoin(t.gizmos, t.gizmos.c.gizmo_id == c.gizmo_id)
        .where(t.gizmos.c.gizmo_id.is_(None))
    )
    for gizmo_id in conn.execute(extra).scalars():
        yield f"{gizmo_id} has a listing but no row in gizmos"
    ranked: Counter[str] = Counter()
    for ids in _parts(conn):
        yield len(ids)
        standing = _standing(conn, ids)
        sets = _facet_sets(conn, standing)
        for gizmo_id, listing in load_listings(conn, ids).items():
            row = standing.get(gizmo_id)
            if row is None:
                yield f"{gizmo_id} has no listing"
                continue
            told = Told.of(listing)
            differ = sorted(
                name for name, value in told.row(row["facet_id"]).items() if row[name] != value
            )
            if sets.get(row["facet_id"]) != told.facet_set:
                differ.append("facet_id")
            if row["doc_id"] < OVERFLOW and not is_at_home(row["doc_id"], row["bucket"], gizmo_id):
                differ.append("doc_id")
            if differ:
                yield f"the listing of {gizmo_id} differs from its rows in {', '.join(differ)}"
            ranked.update({cut_key(facet_key(each)) for each in listing.categories})
    yield from _odd_ranks(conn, ranked)


def find_odd_terms(conn: Connection) -> Iterator[str | int]:
    """Compare what the index holds with the terms of all listings.

    SQLite's index cannot be read row by row: how often it holds each term is compared as a sum over
    all, and some rows are looked for by their terms.
    """
    is_gin = conn.dialect.name == "postgresql"
    rows = total = looked_at = 0
    for ids in _parts(conn):
        standing = _standing(conn, ids)
        held = held_terms(conn, [row["doc_id"] for row in standing.values()])
        for gizmo_id, listing in load_listings(conn, ids).items():
            row = standing.get(gizmo_id)
            if row is None:
                continue
            rows += not row["unindexed"]
            found = held.get(row["doc_id"])
            if _terms(row, listing, is_gin=is_gin) != found:
                yield f"{gizmo_id} is not indexed by what its rows say"
            if is_gin or found is None:
                continue
            total += sum(map(_mark, found.split()))
            if looked_at % _SAMPLE == 0 and not _is_found(conn, row, found):
                yield f"{gizmo_id} is not found by its terms"
            looked_at += 1
    yield rows
    yield from _odd_totals(conn, rows, total, is_gin=is_gin)


def _terms(row: Row, listing: Listing, *, is_gin: bool) -> str | None:
    """What the index has to hold of a listing."""
    # What is not indexed need not be: every search looks at it.
    terms = None if row["unindexed"] else joined(Told.of(listing).terms(), LIMITS)
    if terms is None or not is_gin:
        return terms
    return " ".join(sorted([*terms.split(), *order_lexemes(row["bucket"], listing.gizmo_id)]))


def _odd_hits(name: str) -> tuple[Select[Any], Select[Any]]:
    """Counts what the index's table holds of listings, and those that it should show otherwise."""
    shown = ("gizmo_id", "facet_id", "user_id")
    c, h = t.listings.c, table(name, *(column(each) for each in ("doc_id", *shown)))
    differs = or_(*(c[each].is_distinct_from(h.c[each]) for each in shown))
    return (
        select(func.count()).select_from(h),
        select(func.count())
        .select_from(t.listings.outerjoin(h, h.c.doc_id == c.doc_id))
        .where(~c.unindexed, differs),
    )


_HITS = {
    is_gin: _odd_hits("search_index" if is_gin else "search_index_hits") for is_gin in (True, False)
}


def _odd_totals(conn: Connection, rows: int, total: int, *, is_gin: bool) -> Iterator[str]:
    held = table("search_index" if is_gin else "search_index_terms")
    counted, differ = _HITS[is_gin]
    for query in (select(func.count()).select_from(held), counted):
        count = conn.execute(query).scalar_one()
        if count != rows:
            yield f"the search index holds {count} listings, not {rows}"
            break
    if odd := conn.execute(differ).scalar_one():
        yield f"the search index names other facets, authors or ids of {odd} listings"
    if not is_gin and _sum(conn) != total:
        yield "the search index holds other terms than were put into it"


def find_odd_facets(conn: Connection) -> Iterator[str | int]:
    """Compare the counts of sets of facets with their listings, unless stage 2 has still to."""
    f, q = t.facet_sets.c, t.stage_queue.c
    if conn.execute(select(q.kind).where(q.kind.in_(("facets", "listing"))).limit(1)).first():
        return
    counted = (
        select(t.listings.c.facet_id, func.count().label("gpts"))
        .group_by(t.listings.c.facet_id)
        .subquery()
    )
    query = select(f.facet_id, f.gpts, func.coalesce(counted.c.gpts, 0)).outerjoin(
        counted, counted.c.facet_id == f.facet_id
    )
    for number, said, found in conn.execute(query):
        yield 1
        if said != found:
            yield f"set of facets {number} is said to have {said} listings, and has {found}"


def _parts(conn: Connection) -> Iterator[list[str]]:
    """The GPTs in parts, in the order of their ids."""
    c = t.gizmos.c
    after = ""
    while True:
        query = select(c.gizmo_id).where(c.gizmo_id > after).order_by(c.gizmo_id).limit(CHUNK)
        ids = list(conn.execute(query).scalars())
        if not ids:
            return
        yield ids
        after = ids[-1]


def _standing(conn: Connection, gizmo_ids: Sequence[str]) -> dict[str, Row]:
    query = select(t.listings).where(t.listings.c.gizmo_id.in_(gizmo_ids))
    return {row["gizmo_id"]: dict(row) for row in conn.execute(query).mappings()}


def _facet_sets(conn: Connection, standing: dict[str, Row]) -> dict[int, str]:
    f = t.facet_sets.c
    numbers = sorted({row["facet_id"] for row in standing.values()})
    query = select(f.facet_id, f.facets).where(f.facet_id.in_(numbers))
    return {row.facet_id: row.facets for row in conn.execute(query)}


def _odd_ranks(conn: Connection, ranked: Counter[str]) -> Iterator[str]:
    """Ranks that are not their listing's, and categories with too many or too few of them."""
    c, r = t.listings.c, t.category_ranks.c
    strange = (
        select(r.category, r.gizmo_id)
        .outerjoin(t.listings, c.doc_id == r.doc_id)
        .where(
            or_(
                c.gizmo_id.is_distinct_from(r.gizmo_id),
                c.by_conversations.is_distinct_from(r.by_conversations),
            )
        )
    )
    for category, gizmo_id in conn.execute(strange):
        yield f"the rank of {gizmo_id} in {category} is not that of its listing"
    counts = select(r.category, func.count()).group_by(r.category)
    found = {row[0]: row[1] for row in conn.execute(counts)}
    for category in sorted(found.keys() | ranked.keys()):
        if found.get(category, 0) != ranked[category]:
            yield f"{category} ranks {found.get(category, 0)} listings, not {ranked[category]}"


def _mark(term: str) -> int:
    return zlib.crc32(term.encode())


def _sum(conn: Connection) -> int:
    """What the terms of SQLite's index add up to, each as often as it stands there."""
    query = text("SELECT term, doc FROM search_index_counts")
    return sum(_mark(term) * count for term, count in conn.execute(query))


def _is_found(conn: Connection, row: Row, terms: str) -> bool:
    query = text(
        "SELECT count(*) FROM search_index WHERE search_index MATCH :term AND rowid = :number"
    )
    return all(
        conn.execute(query, {"term": f'"{term}"', "number": row["doc_id"]}).scalar_one()
        for term in terms.split()
    )
