"""An SQLite file of plain tables: a dataset that is no catalog, written once and read by anyone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from catalog.errors import CatalogCorrupt
from catalog.storage.sqlite_files import connect_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_TYPES = {"integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}
_WAIT = 5.0
_ROWS = 1000


class DatasetFile:
    """A new file, written in one transaction.

    Args:
        path: where; nothing may be there.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect_sqlite(path, "rwc", _WAIT)
        # Whoever ends half-way leaves no dataset at all: nothing has to be undone.
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("BEGIN")
        self._inserts: dict[str, str] = {}

    def create(self, table: str, columns: Mapping[str, str], key: Sequence[str]) -> None:
        """Make a table.

        Args:
            table: its name.
            columns: the type of each: integer, number, boolean; others are text.
            key: the columns that name a row.
        """
        members = [f"{_name(name)} {_TYPES.get(kind, 'TEXT')}" for name, kind in columns.items()]
        if key:
            members.append(f"PRIMARY KEY ({', '.join(map(_name, key))})")
        self._connection.execute(f"CREATE TABLE {_name(table)} ({', '.join(members)})")
        marks = ", ".join("?" * len(columns))
        self._inserts[table] = f"INSERT INTO {_name(table)} VALUES ({marks})"  # noqa: S608  (names)

    def insert(self, table: str, values: Sequence[Sequence[Any]]) -> None:
        """Add rows, given by columns."""
        self._connection.executemany(self._inserts[table], zip(*values, strict=True))

    def close(self) -> None:
        """End the transaction, and let go of the file."""
        self._connection.execute("COMMIT")
        self._connection.close()

    def discard(self) -> None:
        """Let go of a file that is not wanted."""
        self._connection.close()


def read_dataset(path: Path, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a table of such a file.

    Args:
        path: the file.
        table: the table.
        columns: which columns.

    Raises:
        CatalogCorrupt: it is no such file.
    """
    names = ", ".join(map(_name, columns))
    try:
        with closing(connect_sqlite(path, "ro", _WAIT)) as connection:
            cursor = connection.execute(f"SELECT {names} FROM {_name(table)}")  # noqa: S608
            while rows := cursor.fetchmany(_ROWS):
                yield from rows
    except sqlite3.Error as error:
        raise CatalogCorrupt(f"{path} cannot be read ({error}): take another copy of it") from None


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
