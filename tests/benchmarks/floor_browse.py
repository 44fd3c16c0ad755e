# ruff: noqa: S608  statements are put together from this file's own words
"""The floor of browsing: bare SQL over tables made for one question each.

Wide rows with all that a page shows, a rank table for each order that is asked for, changes with
all that is shown of them in the order in which they are read. Nothing keeps them up to date, no
column is there for anything else, and what comes back are the driver's own rows. Words are looked
up in the catalog's own search index, by expressions that were written down beforehand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from catalog.storage.rows import PER_GPT
from tests.benchmarks.places import sqlite_path

PAGE = 50
MOST = 20_000
_SHOWN = """
    l.doc_id, l.gizmo_id, g.name, g.description, a.display_name, l.user_id, f.facets,
    l.conversations, l.conversations_exact, l.reviews, l.stars, g.created_at, g.updated_at,
    g.last_changed_at, g.first_seen_at, g.last_seen_at
"""
_GPTS = f"""
    SELECT {_SHOWN} FROM {{of}}listings l JOIN {{of}}gizmos g ON g.gizmo_id = l.gizmo_id
    JOIN {{of}}facet_sets f ON f.facet_id = l.facet_id
    LEFT JOIN {{of}}gizmo_authors a ON a.gizmo_id = l.gizmo_id AND a.valid_to IS NULL
    ORDER BY l.doc_id
"""
_CHANGES = """
    SELECT c.*, s.name AS source, g.name FROM {of}changes c
    JOIN {of}sources s ON s.source_id = c.source_id
    LEFT JOIN {of}gizmos g ON g.gizmo_id = c.gizmo_id WHERE c.class <> 'platform'
"""
_TABLES = {
    "gpts": _GPTS,
    "counted": "SELECT doc_id, facet_id, user_id FROM {of}listings ORDER BY doc_id",
    "orders": "SELECT doc_id, by_rating, gizmo_id FROM {of}listings ORDER BY doc_id",
    "ranks": "SELECT * FROM {of}category_ranks",
    "ratings": """
        SELECT r.category, l.by_rating, l.gizmo_id, l.doc_id
        FROM {of}category_ranks r JOIN {of}listings l ON l.doc_id = r.doc_id
    """,
    "told": _CHANGES,
}
_INDEXES = (
    "CREATE UNIQUE INDEX {in_}gpts_of ON gpts (doc_id)",
    "CREATE UNIQUE INDEX {in_}counted_of ON counted (doc_id, facet_id, user_id)",
    "CREATE UNIQUE INDEX {in_}orders_of ON orders (doc_id, by_rating, gizmo_id)",
    "CREATE UNIQUE INDEX {in_}ranks_of ON ranks (category, by_conversations, gizmo_id, doc_id)",
    "CREATE UNIQUE INDEX {in_}ratings_of ON ratings (category, by_rating, gizmo_id, doc_id)",
    "CREATE UNIQUE INDEX {in_}told_of ON told (observed_at, gizmo_id, field, element)",
    "CREATE INDEX {in_}facet_values_of ON facet_values (facet_id, facet, value)",
)
_HITS = "SELECT {number} AS doc_id FROM search_index WHERE {has} {order} LIMIT {limit}"
_COUNT = """
    WITH hits AS MATERIALIZED (
        SELECT c.facet_id, c.user_id FROM ({hits}) h JOIN counted c ON c.doc_id = h.doc_id
    )
    SELECT v.facet, v.value, sum(h.n)
    FROM (SELECT facet_id, count(*) AS n FROM hits GROUP BY facet_id) h
    JOIN facet_values v ON v.facet_id = h.facet_id GROUP BY v.facet, v.value
    UNION ALL
    SELECT * FROM (
        SELECT 'author', user_id, count(*) FROM hits GROUP BY user_id ORDER BY 3 DESC LIMIT 100
    ) AS authors
"""


class Floor:
    """The bare SQL of one engine.

    Args:
        connection: to the floor's tables and the catalog's.
        is_postgres: whether it is PostgreSQL's.
    """

    def __init__(self, connection: _Connection, *, is_postgres: bool) -> None:
        self._connection = connection
        self._mark = "%s" if is_postgres else "?"
        number = "doc_id" if is_postgres else "rowid"
        has = "lexemes @@ CAST(%s AS tsquery)" if is_postgres else "search_index MATCH ?"
        self._all = f"SELECT {number} AS doc_id FROM search_index WHERE {has}"
        self._some = _HITS.format(number=number, has=has, order="", limit=MOST + 1)
        # The fence keeps PostgreSQL from walking all numbers, looking at the terms of each.
        fenced = f"SELECT doc_id FROM ({self._all} OFFSET 0) AS h ORDER BY doc_id LIMIT {PAGE}"
        ordered = _HITS.format(number=number, has=has, order=f"ORDER BY {number}", limit=PAGE)
        self._page = fenced if is_postgres else ordered
        self._is_postgres = is_postgres

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def gpt(self, gizmo_id: str) -> list[list[Any]]:
        """All rows of one GPT."""
        return [
            self._rows(f"SELECT * FROM {table.name} WHERE gizmo_id = ?", gizmo_id)
            for table in PER_GPT
        ]

    def page(self) -> list[Any]:
        """The most used."""
        return self._rows(f"SELECT * FROM gpts ORDER BY doc_id LIMIT {PAGE}")

    def category(self, category: str, after: tuple[int, str] | None) -> list[Any]:
        """A page of a category by conversations."""
        return self._ranked("ranks", "by_conversations", category, after)

    def category_by_rating(self, category: str) -> list[Any]:
        """The best rated of a category."""
        return self._ranked("ratings", "by_rating", category, None)

    def _ranked(
        self, table: str, order: str, category: str, after: tuple[float, str] | None
    ) -> list[Any]:
        behind = "" if after is None else f"AND (r.{order}, r.gizmo_id) > (?, ?)"
        return self._rows(
            f"SELECT g.* FROM {table} r JOIN gpts g ON g.doc_id = r.doc_id"
            f" WHERE r.category = ? {behind} ORDER BY r.{order}, r.gizmo_id LIMIT {PAGE}",
            category,
            *(after or ()),
        )

    def text(self, tiers: Sequence[str]) -> list[Any]:
        """The best of a search, tier by tier: the engines stop where there are enough.

        Args:
            tiers: what the index is asked for each, as the engine writes it.
        """
        each = " UNION ALL ".join(
            f"SELECT * FROM ({self._page}) AS t{n}" for n in range(len(tiers))
        )
        return self._rows(
            f"SELECT g.* FROM ({each}) h JOIN gpts g ON g.doc_id = h.doc_id LIMIT {PAGE}", *tiers
        )

    def text_by_rating(self, match: str) -> list[Any]:
        """The best rated hits of a search."""
        return self._rows(
            f"SELECT g.* FROM (SELECT o.* FROM ({self._all}) h JOIN orders o"
            f" ON o.doc_id = h.doc_id ORDER BY o.by_rating, o.gizmo_id LIMIT {PAGE}) b"
            " JOIN gpts g ON g.doc_id = b.doc_id ORDER BY b.by_rating, b.gizmo_id",
            match,
        )

    def facets(self, match: str) -> list[Any]:
        """The counts within a search, up to the limit."""
        return self._rows(_COUNT.format(hits=self._some), match)

    def changes(self, since: int, until: int) -> list[Any]:
        """The first changes of a day."""
        return self._rows(
            "SELECT * FROM told WHERE observed_at BETWEEN ? AND ?"
            f" ORDER BY observed_at, gizmo_id, field, element LIMIT {PAGE}",
            since,
            until,
        )

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        statement = statement.replace("?", self._mark)
        return list(self._connection.execute(statement, values).fetchall())


class _Connection(Protocol):
    def execute(self, statement: Any, values: Any, /) -> Any: ...

    def close(self) -> None: ...


def make_floor(url: str, place: Path) -> None:
    """Make the floor's tables of a catalog: on PostgreSQL in a schema beside it.

    Args:
        url: the catalog.
        place: a file for them on SQLite.
    """
    facets = (
        "CREATE TABLE facet_values AS SELECT f.facet_id, e.key AS facet, v.value"
        " FROM {of}facet_sets f, {each}(f.facets{cast}) e, {items}(e.value) v"
    )
    if not url.startswith("sqlite"):
        facets = facets.format(
            of="", each="json_each", cast="::json", items="json_array_elements_text"
        )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA floor")
            connection.execute("SET search_path = floor, public")
            for name, query in _TABLES.items():
                connection.execute(f"CREATE TABLE {name} AS {query.format(of='public.')}")
            connection.execute(facets)
            for index in _INDEXES:
                connection.execute(index.format(in_=""))
            connection.execute("CREATE INDEX search_index_of ON gpts (gizmo_id)")
            connection.execute("VACUUM ANALYZE")
        return
    connection_ = _attached(url, place)
    facets = facets.format(of="public.", each="json_each", cast="", items="json_each")
    for name, query in _TABLES.items():
        connection_.execute(f"CREATE TABLE {name} AS {query.format(of='public.')}")
    connection_.execute(facets)
    for index in _INDEXES:
        connection_.execute(index.format(in_=""))
    connection_.execute("ANALYZE main")
    connection_.close()


def open_floor(url: str, place: Path) -> Floor:
    """Open what :func:`make_floor` made."""
    if url.startswith("sqlite"):
        return Floor(_attached(url, place), is_postgres=False)
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET search_path = floor, public")
    # As the catalog's own readers have it.
    for setting in ("jit = off", "work_mem = '32MB'", "random_page_cost = 1.1"):
        connection.execute(f"SET {setting}".encode())
    return Floor(connection, is_postgres=True)


def _attached(url: str, place: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(place, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("ATTACH ? AS public", (str(sqlite_path(url)),))
    return connection
