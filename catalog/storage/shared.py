"""Rows that many GPTs share: gathered while a batch is derived, and written in one order.

On PostgreSQL a writer waits for another that has inserted the same row and not committed yet. Two
that meet in opposite orders would wait for each other; batches that write all of them once, sorted,
never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.storage import tables as t
from catalog.storage.dialects import insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from catalog.records import Row


class Shared:
    """What a batch wants to be there in ``mime_sets`` and ``stage_queue``."""

    def __init__(self) -> None:
        self._mime_types: set[tuple[str, str]] = set()
        self._queue: set[tuple[str, str]] = set()

    def add_mime_sets(self, rows: Mapping[tuple[str, str], Row]) -> None:
        """Note members of MIME sets, by set and member."""
        self._mime_types.update(rows)

    def enqueue(self, kind: str, keys: Iterable[str]) -> None:
        """Note what stage 2 has to look at again.

        Args:
            kind: ``author``, ``day`` or ``shape``.
            keys: which.
        """
        self._queue.update((kind, key) for key in keys)

    def write(self, conn: Connection) -> None:
        """Write it all: the last that a batch does to derived rows."""
        for table, keys in ((t.mime_sets, self._mime_types), (t.stage_queue, self._queue)):
            if keys:
                names = [column.key for column in table.primary_key.columns]
                conn.execute(
                    insert_new(conn, table),
                    [dict(zip(names, key, strict=True)) for key in sorted(keys)],
                )
