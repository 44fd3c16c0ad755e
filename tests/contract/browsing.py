"""What stands to browse by, without the numbers that are a catalog's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from catalog.storage import tables as t
from catalog.storage.search_index import held_terms

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Browsed(msgspec.Struct):
    """Everything that is derived to browse by.

    Attributes:
        listings: the columns of each listing, its facets in the place of their number.
        terms: what the index holds of each.
        ranks: the ranks in categories.
        sets: how many listings have each set of facets.
    """

    listings: dict[str, dict[str, Any]]
    terms: dict[str, tuple[str, ...]]
    ranks: set[tuple[str, int, str]]
    sets: dict[str, int]


def browsed(conn: Connection) -> Browsed:
    """Read it all."""
    sets = {row.facet_id: row for row in conn.execute(select(t.facet_sets))}
    listings, numbers = {}, {}
    for found in conn.execute(select(t.listings)).mappings():
        row = dict(found)
        numbers[row.pop("doc_id")] = row["gizmo_id"]
        row["facets"] = sets[row.pop("facet_id")].facets
        listings[row["gizmo_id"]] = row
    ranks = {tuple(row) for row in conn.execute(select(t.category_ranks))}
    assert all(numbers[number] == gizmo_id for _, _, gizmo_id, number in ranks)
    return Browsed(
        listings=listings,
        terms={
            numbers[number]: tuple(sorted(terms.split()))
            for number, terms in held_terms(conn, sorted(numbers)).items()
        },
        ranks={(category, order, gizmo_id) for category, order, gizmo_id, _ in ranks},
        sets={row.facets: row.gpts for row in sets.values()},
    )


def row_of(conn: Connection, gizmo_id: str) -> dict[str, Any]:
    """One row of ``listings``."""
    query = select(t.listings).where(t.listings.c.gizmo_id == gizmo_id)
    return dict(conn.execute(query).mappings().one())


def finds(conn: Connection, term: str) -> set[str]:
    """The GPTs that the index has a term for."""
    if conn.dialect.name == "postgresql":
        statement = "SELECT doc_id FROM search_index WHERE lexemes @@ CAST(%(term)s AS tsquery)"
        rows = conn.exec_driver_sql(statement, {"term": f"'{term}'"})
    else:
        statement = "SELECT rowid FROM search_index WHERE search_index MATCH ?"
        rows = conn.exec_driver_sql(statement, (f'"{term}"',))
    numbers = list(rows.scalars())
    query = select(t.listings.c.gizmo_id).where(t.listings.c.doc_id.in_(numbers))
    return set(conn.execute(query).scalars())
