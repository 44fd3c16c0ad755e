"""Rows that many GPTs share: gathered while a batch is derived, and written in one order.

On PostgreSQL a writer waits for another that has inserted the same row and not committed yet. Two
that meet in opposite orders would wait for each other; batches that write all of them once, sorted,
never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.storage import tables as t
from catalog.storage.relisting import redate, refresh
from catalog.storage.rows import insert_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Table

    from catalog.records import Row
    from catalog.times import Micros


class Shared:
    """What a batch wants to be there in ``mime_sets``, ``facet_sets`` and ``stage_queue``.

    And the GPTs whose listings it moved: from those follow the sets of facets.
    """

    def __init__(self) -> None:
        self._mime_types: set[tuple[str, str]] = set()
        self._listings: set[str] = set()
        self._updated: dict[str, Micros | None] = {}
        self._queue: set[tuple[str, str]] = set()

    def add_mime_sets(self, rows: Mapping[tuple[str, str], Row]) -> None:
        """Note members of MIME sets, by set and member."""
        self._mime_types.update(rows)

    def enqueue(self, kind: str, keys: Iterable[str]) -> None:
        """Note what stage 2 has to look at again.

        Args:
            kind: ``author``, ``day``, ``facets`` or ``shape``.
            keys: which.
        """
        self._queue.update((kind, key) for key in keys)

    def relist(self, gizmo_ids: Iterable[str]) -> None:
        """Note GPTs whose rows moved in what is browsed by."""
        self._listings.update(gizmo_ids)

    def redate(self, gizmo_id: str, updated_at: Micros | None) -> None:
        """Note a GPT of which nothing moved but ``updated_at``."""
        self._updated[gizmo_id] = updated_at

    def write(self, conn: Connection) -> None:
        """Write all that was noted: the last that a batch does to derived rows.

        Only who derives alone may go on afterwards.
        """
        _insert(conn, t.mime_sets, self._mime_types)
        self._write_listings(conn)
        _insert(conn, t.stage_queue, self._queue)
        self._mime_types.clear()
        self._queue.clear()

    def _write_listings(self, conn: Connection) -> None:
        redate(
            conn,
            {
                gizmo_id: at
                for gizmo_id, at in self._updated.items()
                if gizmo_id not in self._listings
            },
        )
        self.enqueue("facets", map(str, refresh(conn, self._listings)))
        self._listings.clear()
        self._updated.clear()


def _insert(conn: Connection, table: Table, keys: set[tuple[str, str]]) -> None:
    """Have rows there that are nothing but their keys."""
    names = [column.key for column in table.primary_key.columns]
    rows = [dict(zip(names, key, strict=True)) for key in sorted(keys)]
    insert_rows(conn, table, rows, if_new=True)
