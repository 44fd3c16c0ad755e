"""Writing the floor's rows: by the drivers themselves, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.benchmarks.floor import TABLES, Rows, import_lines
from tests.benchmarks.places import sqlite_path

_KEPT = ("payloads", "mime_sets")
_NUMBERS = frozenset(
    {"observed_at", "size", "created_at", "updated_at", "last_seen_at", "place"}
    | {"review_total", "review_count"}
)
_FLAGS = frozenset({"is_verified", "will_receive_support_emails"})
_BYTES = frozenset({"digest", "data"})


def _create(blob: str, flag: str) -> Iterator[str]:
    for table, (key, columns) in TABLES.items():
        typed = ", ".join(f"{column} {_type(column, blob, flag)}" for column in columns)
        yield f"CREATE TABLE {table} ({typed}, PRIMARY KEY ({key}))"


def _type(column: str, blob: str, flag: str) -> str:
    if column in _BYTES:
        return blob
    return "BIGINT" if column in _NUMBERS else flag if column in _FLAGS else "TEXT"


def _insert(table: str, otherwise: str, columns: int) -> str:
    marks = ", ".join("?" * columns)
    return f"INSERT OR {otherwise} INTO {table} VALUES ({marks})"  # noqa: S608  (names of our own)


class SqliteWriter:
    """``executemany`` in WAL, with the durability that an import has.

    Args:
        connection: without transactions of the driver's own.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._inserts = {
            table: _insert(table, "IGNORE" if table in _KEPT else "REPLACE", len(columns))
            for table, (_, columns) in TABLES.items()
        }
        self._deletes = [
            f"DELETE FROM {table} WHERE gizmo_id = ?"  # noqa: S608  (names of our own)
            for table, (key, _) in TABLES.items()
            if key.startswith("gizmo_id,") and table != "observations"
        ]

    def write(self, rows: Rows, gizmo_ids: list[str]) -> None:
        """Write one batch."""
        run = self._connection.executemany
        self._connection.execute("BEGIN IMMEDIATE")
        for statement in self._deletes:
            run(statement, [(gizmo_id,) for gizmo_id in gizmo_ids])
        for table, by_key in rows.items():
            run(self._inserts[table], by_key.values())
        self._connection.execute("COMMIT")


class PostgresWriter:
    """COPY, with the durability that an import has.

    Args:
        connection: to the floor's own database.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def write(self, rows: Rows, gizmo_ids: list[str]) -> None:
        """Write one batch: what is kept only where it is new, the rest in place of the old."""
        run = self._connection.execute
        with self._connection.transaction():
            for table, by_key in rows.items():
                key = TABLES[table][0].split(",", maxsplit=1)[0]
                if table in _KEPT:
                    held = {
                        row[0]
                        for row in run(
                            _SELECT[table], [list({values[0] for values in by_key.values()})]
                        )
                    }
                    self._copy(table, [row for row in by_key.values() if row[0] not in held])
                    continue
                if table != "observations":
                    run(_DELETE[table], [list(by_key) if key == "user_id" else gizmo_ids])
                self._copy(table, by_key.values())

    def _copy(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(_COPY[table]) as copy:
            for row in rows:
                copy.write_row(row)


def _per_table(statement: str) -> dict[str, sql.Composed]:
    return {
        table: sql.SQL(statement).format(
            table=sql.Identifier(table),
            key=sql.Identifier(key.split(",", maxsplit=1)[0]),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        )
        for table, (key, columns) in TABLES.items()
    }


_COPY = _per_table("COPY {table} ({columns}) FROM STDIN")
_DELETE = _per_table("DELETE FROM {table} WHERE {key} = ANY(%s)")
_SELECT = _per_table("SELECT DISTINCT {key} FROM {table} WHERE {key} = ANY(%s)")


def prepare(url: str) -> None:
    """Make the floor's tables at an empty place."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_path(url))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in _create("BLOB", "INTEGER"):
                connection.execute(statement)
        return
    with psycopg.connect(url) as connection:
        for statement in _create("BYTEA", "BOOLEAN"):
            connection.execute(statement.encode())


def run(url: str, path: Path) -> int:
    """Import the file into the floor's tables; how many documents it held."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            return import_lines(path, SqliteWriter(connection))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        return import_lines(path, PostgresWriter(connection))
