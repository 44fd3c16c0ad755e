"""A connection of its own for SQL that people write: it reads, whatever the SQL says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from catalog.storage.postgres_reading import PostgresReading
from catalog.storage.sqlite_reading import SqliteReading
from catalog.storage.urls import is_sqlite, parse_url

Value = None | bool | int | float | str | bytes | datetime
"""What a cell can be: moments of PostgreSQL are aware and UTC, SQLite has them as ISO text."""
Parameter = None | int | float | str
Rows = Iterator[tuple[Value, ...]]


class SqlReading(Protocol):
    """An open connection that runs one statement."""

    def execute(
        self, text: str, parameters: Mapping[str, Parameter]
    ) -> tuple[tuple[str, ...], Rows]:
        """Run a statement.

        Args:
            text: the statement, with ``:name`` for each parameter.
            parameters: their values.

        Returns:
            The names of the columns, and the rows as they come.

        Raises:
            InvalidSql: it cannot be read, or does more than read; the rows raise it too.
            TimeUp: it takes too long; the rows raise it too.
            StorageError: the catalog cannot be used.
        """
        ...

    def stop(self) -> None:
        """End what runs, from any thread: who waits for it is told by an error."""
        ...

    def close(self) -> None:
        """End what runs, and let go of the connection; a second time does nothing."""
        ...


def open_reading(url: str, seconds: float) -> SqlReading:
    """Open the catalog at ``url`` for one statement.

    Args:
        url: the catalog; on PostgreSQL of a role that can only read.
        seconds: how long the statement may take, its rows included.

    Raises:
        SettingsError: the URL names no catalog, or its role could write, or do worse.
        StorageError: the catalog cannot be used.
    """
    parsed = parse_url(url)
    if is_sqlite(parsed):
        return SqliteReading(parsed, seconds)
    return PostgresReading(parsed, seconds)
