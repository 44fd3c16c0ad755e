"""Keeping the table of listings, with their ranks and their places in the search index.

A listing is a function of its GPT's current rows (law 2): :func:`refresh` reads those, compares
what follows with what stands, and writes the difference. It is called at the end of whatever wrote
such rows, in the same transaction, so that a search never misses what is stored.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, delete, func, literal, select, true, update

from catalog.search.listing import Listing, order_columns
from catalog.search.terms import facet_key, terms_version
from catalog.storage import tables as t
from catalog.storage.dialects import insert_new, insert_or
from catalog.storage.facet_sets import count_facets, facet_ids
from catalog.storage.listings import Told, cut_key, load_listings
from catalog.storage.locks import own_derivation
from catalog.storage.rows import chunks, insert_rows
from catalog.storage.search_index import (
    LIMITS,
    OVERFLOW,
    Entry,
    Limits,
    clear_index,
    give_numbers,
    joined,
    order_lexemes,
    tidy_index,
    write_index,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from catalog.records import Row
    from catalog.times import Micros

PART = 5000
"""Listings made in one transaction after an upgrade."""

_CATEGORY = "category"
TERMS_KEY = "terms"
"""The fact of ``catalog_info`` that says what the terms of all listings were made by."""

_WRITTEN = tuple(
    column.name for column in t.listings.columns if column.name not in ("doc_id", "gizmo_id")
)


def refresh(
    conn: Connection,
    gizmo_ids: Collection[str],
    limits: Limits = LIMITS,
    *,
    anew: bool = False,
) -> set[int]:
    """Make the listings of some GPTs be what their rows say, touching only what differs.

    On PostgreSQL the caller holds the locks of these GPTs, or derives alone. What all writers
    share, the sets of facets, is written once and in one order.

    Args:
        conn: in a write transaction.
        gizmo_ids: the GPTs; the listing of one that has no rows any more goes.
        limits: what is indexed at most.
        anew: whether their terms are made again even where they say the same as before.

    Returns:
        The sets of facets that listings came to or left: stage 2 has to count them again.
    """
    ids = sorted(gizmo_ids)
    if not ids:
        return set()
    found = {gizmo_id: Told.of(each) for gizmo_id, each in load_listings(conn, ids).items()}
    numbers = facet_ids(conn, {told.facet_set for told in found.values()})
    work = _Refresh(conn, limits, anew=anew)
    for part in chunks(ids):
        work.take(
            {
                gizmo_id: (found[gizmo_id], numbers[found[gizmo_id].facet_set])
                for gizmo_id in part
                if gizmo_id in found
            },
            part,
        )
    return work.touched


class _Refresh:
    """A refresh under way.

    Args:
        conn: in a write transaction.
        limits: what is indexed at most.
        anew: see :func:`refresh`.

    Attributes:
        touched: the sets of facets that listings came to or left.
    """

    def __init__(self, conn: Connection, limits: Limits, *, anew: bool) -> None:
        self._conn = conn
        self._limits = limits
        self._anew = anew
        self.touched: set[int] = set()

    def take(self, wanted: Mapping[str, tuple[Told, int]], gizmo_ids: Sequence[str]) -> None:
        """Write the listings of some GPTs; those that are not wanted go."""
        standing = self._standing(gizmo_ids)
        rows = {gizmo_id: told.row(facet_id) for gizmo_id, (told, facet_id) in wanted.items()}
        placed = {
            gizmo_id
            for gizmo_id, row in rows.items()
            if gizmo_id not in standing or self._has_to_move(standing[gizmo_id], row)
        }
        leaving = [
            row for gizmo_id, row in standing.items() if gizmo_id in placed or gizmo_id not in rows
        ]
        if leaving:
            self._conn.execute(
                delete(t.listings).where(t.listings.c.doc_id == bindparam("number")),
                [{"number": row["doc_id"]} for row in leaving],
            )
        numbers = give_numbers(
            self._conn, {gizmo_id: rows[gizmo_id]["bucket"] for gizmo_id in placed}, self._limits
        )
        gone = {row["doc_id"] for row in leaving}
        entries: list[Entry] = []
        fresh: list[Row] = []
        moved: list[tuple[Row, Row]] = []
        for gizmo_id, row in rows.items():
            before = standing.get(gizmo_id)
            row["doc_id"] = (
                numbers[gizmo_id] if gizmo_id in placed else standing[gizmo_id]["doc_id"]
            )
            if before is None or gizmo_id in placed:
                self._index(wanted[gizmo_id][0], row, entries)
            elif self._says_the_same(before, row):
                row["unindexed"] = before["unindexed"]
            else:
                self._index(wanted[gizmo_id][0], row, entries)
                gone.add(row["doc_id"])
            if gizmo_id in placed:
                fresh.append(row)
            elif before is not None and before != row:
                moved.append((before, row))
        insert_rows(self._conn, t.listings, fresh)
        self._update(moved)
        self._rank(standing, rows)
        write_index(self._conn, gone, entries)
        self._touch(standing, rows)

    def _has_to_move(self, before: Row, row: Row) -> bool:
        """Whether a listing needs another number; one that found none in its group tries again."""
        is_outside = before["doc_id"] >= OVERFLOW and not self._says_the_same(before, row)
        return is_outside or before["bucket"] != row["bucket"]

    def _says_the_same(self, before: Row, row: Row) -> bool:
        """Whether the terms that stand are those that would be made."""
        return not self._anew and before["digest"] == row["digest"]

    def _standing(self, gizmo_ids: Sequence[str]) -> dict[str, Row]:
        names = t.listings.columns.keys()
        query = select(t.listings).where(t.listings.c.gizmo_id.in_(gizmo_ids))
        rows = (dict(zip(names, row, strict=True)) for row in self._conn.execute(query).all())
        return {row["gizmo_id"]: row for row in rows}

    def _index(self, told: Told, row: Row, entries: list[Entry]) -> None:
        """Have a listing indexed, if it can be."""
        terms = None if row["doc_id"] >= OVERFLOW else joined(told.terms(), self._limits)
        row["unindexed"] = terms is None
        if terms is not None:
            order = order_lexemes(row["bucket"], row["gizmo_id"])
            shown = (row["gizmo_id"], row["facet_id"], row["user_id"])
            entries.append(Entry(row["doc_id"], terms, order, *shown))

    def _update(self, moved: Sequence[tuple[Row, Row]]) -> None:
        """Set the columns that differ, and no others: each has an index to be kept."""
        groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for before, row in moved:
            names = tuple(name for name in _WRITTEN if before[name] != row[name])
            groups[names].append({name: row[name] for name in names} | {"number": row["doc_id"]})
        for names, batch in groups.items():
            self._conn.execute(
                update(t.listings)
                .where(t.listings.c.doc_id == bindparam("number"))
                .values({name: bindparam(name) for name in names}),
                batch,
            )

    def _rank(self, standing: Mapping[str, Row], rows: Mapping[str, Row]) -> None:
        """Write the ranks within categories."""
        moved = [
            gizmo_id
            for gizmo_id in standing.keys() | rows.keys()
            if _place(standing.get(gizmo_id)) != _place(rows.get(gizmo_id))
        ]
        if not moved:
            return
        known = [row[gizmo_id] for row in (standing, rows) for gizmo_id in moved if gizmo_id in row]
        categories = self._categories({row["facet_id"] for row in known})
        before, after = (
            {
                (category, row["by_conversations"], gizmo_id, row["doc_id"])
                for gizmo_id in moved
                if (row := some.get(gizmo_id)) is not None
                for category in categories[row["facet_id"]]
            }
            for some in (standing, rows)
        )
        c = t.category_ranks.c
        if before - after:
            self._conn.execute(
                delete(t.category_ranks).where(
                    c.category == bindparam("key"),
                    c.by_conversations == bindparam("rank"),
                    c.gizmo_id == bindparam("id"),
                ),
                [{"key": key, "rank": rank, "id": id_} for key, rank, id_, _ in before - after],
            )
        names = t.category_ranks.columns.keys()
        insert_rows(
            self._conn,
            t.category_ranks,
            [dict(zip(names, rank, strict=True)) for rank in sorted(after - before)],
        )

    def _categories(self, facet_ids: Collection[int]) -> dict[int, set[str]]:
        c = t.facet_sets.c
        found: dict[int, set[str]] = {}
        for part in chunks(sorted(facet_ids)):
            query = select(c.facet_id, c.facets).where(c.facet_id.in_(part))
            for facet_id, facets in self._conn.execute(query):
                values = msgspec.json.decode(facets).get(_CATEGORY, ())
                found[facet_id] = {cut_key(facet_key(value)) for value in values}
        return found

    def _touch(self, standing: Mapping[str, Row], rows: Mapping[str, Row]) -> None:
        for gizmo_id in standing.keys() | rows.keys():
            before, after = (
                some[gizmo_id]["facet_id"] if gizmo_id in some else None
                for some in (standing, rows)
            )
            if before != after:
                self.touched.update(each for each in (before, after) if each is not None)


def _place(row: Row | None) -> tuple[Any, ...] | None:
    """What a listing's ranks depend on."""
    return None if row is None else (row["doc_id"], row["by_conversations"], row["facet_id"])


def redate(conn: Connection, updated: Mapping[str, Micros | None]) -> None:
    """Write that nothing moved of some GPTs but ``updated_at``, which moves almost daily.

    Args:
        conn: in a write transaction.
        updated: the new time of each.
    """
    c = t.listings.c
    rows = [
        {"id": gizmo_id, "new": order_columns(_dated(gizmo_id, at))[c.by_updated.name]}
        for gizmo_id, at in sorted(updated.items())
    ]
    if rows:
        conn.execute(
            update(t.listings)
            .where(c.gizmo_id == bindparam("id"), c.by_updated != bindparam("new"))
            .values(by_updated=bindparam("new")),
            rows,
        )


def _dated(gizmo_id: str, at: Micros | None) -> Listing:
    return Listing(gizmo_id=gizmo_id, updated_at=at)


# Stage 2.


def settle_listings(conn: Connection, listings: Sequence[str], facets: Collection[str]) -> None:
    """Do what ``stage_queue`` asks for of listings.

    Args:
        conn: in a write transaction that derives alone.
        listings: keys of its kind ``listing``: GPTs.
        facets: keys of its kind ``facets``: sets of facets.
    """
    touched = {int(key) for key in facets}
    for part in chunks(sorted(listings)):
        touched |= refresh(conn, part, anew=True)
    if touched:
        count_facets(conn, touched)
    if touched or listings:
        tidy_index(conn)


def make_listings(conn: Connection, most: int = PART) -> bool:
    """Make a part of the listings that a migration asks for; at the end count their facets.

    Args:
        conn: in a write transaction.
        most: how many.

    Returns:
        Whether there may be more to do.
    """
    own_derivation(conn)
    c = t.stage_queue.c
    asked = c.kind == "listing"
    keys = conn.execute(select(c.key).where(asked).order_by(c.key).limit(most)).scalars().all()
    if not keys:
        counted = conn.execute(delete(t.stage_queue).where(c.kind == "facets").returning(c.key))
        settle_listings(conn, (), counted.scalars().all())
        return False
    touched: set[int] = set()
    for part in chunks(keys):
        touched |= refresh(conn, part, anew=True)
    conn.execute(delete(t.stage_queue).where(asked, c.key <= keys[-1]))
    if touched:
        conn.execute(
            insert_new(conn, t.stage_queue),
            [{"kind": "facets", "key": str(number)} for number in sorted(touched)],
        )
    return True


def waiting(conn: Connection) -> int:
    """How many GPTs are still to be listed after an upgrade that did not come to its end.

    Until they are, no search finds what is new of them: ``upgrade`` goes on, and so does the next
    run that settles.
    """
    query = select(func.count()).where(t.stage_queue.c.kind == "listing")
    return conn.execute(query).scalar_one()


def is_outdated(conn: Connection) -> bool:
    """Whether the terms of listings were made by another version, of this program or of Unicode."""
    c = t.catalog_info.c
    made_by = conn.execute(select(c.value).where(c.key == TERMS_KEY)).scalar()
    return made_by != terms_version()


def queue_outdated(conn: Connection) -> None:
    """Ask for all listings anew, if their terms are outdated.

    Args:
        conn: in a write transaction.
    """
    if is_outdated(conn):
        own_derivation(conn)
        queue_listings(conn)


def queue_listings(conn: Connection) -> None:
    """Ask for the listings of all GPTs, for :func:`make_listings`.

    Args:
        conn: in a write transaction.
    """
    asked = select(literal("listing"), t.gizmos.c.gizmo_id)
    # SQLite takes the ON of ON CONFLICT for a join's, but after a WHERE.
    queue = insert_new(conn, t.stage_queue).from_select(["kind", "key"], asked.where(true()))
    conn.execute(queue)
    _note_version(conn)


def _note_version(conn: Connection) -> None:
    statement = insert_or(conn, t.catalog_info)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["key"], set_={"value": statement.excluded.value}
        ),
        {"key": TERMS_KEY, "value": terms_version()},
    )


def clear_listings(conn: Connection) -> None:
    """Empty everything about listings, be it damaged or not: they are made again from nothing."""
    for table in (t.listings, t.category_ranks, t.facet_sets):
        conn.execute(delete(table))
    clear_index(conn)
    _note_version(conn)
