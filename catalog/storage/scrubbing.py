"""Making what was erased unreadable: the engine keeps deleted rows until their place is used again.

SQLite's file is written anew and its write-ahead log emptied; PostgreSQL rewrites the tables, their
indexes and the statistics of its planner, which quote values. What PostgreSQL has in its own
write-ahead log and backups is its keeper's: see docs/forgetting.md.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import text

from catalog.errors import CatalogBusy
from catalog.storage import tables as t
from catalog.storage.driver_errors import translated
from catalog.storage.engine import BUSY_TIMEOUT, connect_sqlite
from catalog.storage.urls import describe, is_sqlite, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

AGAIN = "what was erased can still be found in its file until the same command is given again"
_OPTIMIZE = "INSERT INTO search_index (search_index) VALUES ('optimize')"
_LONG = "SET statement_timeout = 0"
# Old versions of its rows quote values of columns; the owner of the database may rewrite it.
_STATISTICS = "VACUUM (FULL) pg_catalog.pg_statistic"


def scrub(engine: Engine, busy_timeout: float = BUSY_TIMEOUT) -> None:
    """Have nothing of deleted rows left in the catalog's own files.

    It takes room for a second copy of the catalog, and nobody else can work meanwhile.

    Args:
        engine: the catalog, opened for writing, in no transaction.
        busy_timeout: seconds to wait for others.

    Raises:
        CatalogBusy: another process is at work in it.
        StorageError: there is no room, or the catalog cannot be written.
    """
    if is_sqlite(engine.url):
        # Connections of ours that idle in the pool would keep the log from being emptied.
        engine.dispose()
        _scrub_sqlite(engine, sqlite_path(engine.url), busy_timeout)
    else:
        _scrub_postgres(engine)


def _scrub_sqlite(engine: Engine, path: Path, busy_timeout: float) -> None:
    try:
        with (
            translated(engine.url),
            closing(connect_sqlite(path, "rw", busy_timeout)) as connection,
        ):
            # Deleted terms stand in the index's segments until those are merged.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(_OPTIMIZE)
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except CatalogBusy:
        raise _busy(engine) from None
    if busy:
        raise _busy(engine)


def _busy(engine: Engine) -> CatalogBusy:
    return CatalogBusy(
        f"{describe(engine.url)} is held by another process: {AGAIN}, when nobody else is at work"
    )


def _scrub_postgres(engine: Engine) -> None:
    tables = [*sorted(t.metadata.tables), "search_index"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(_LONG)
        for name in tables:
            _vacuum(connection, name)
        connection.exec_driver_sql(_STATISTICS)
        connection.exec_driver_sql("CHECKPOINT" if _may_checkpoint(connection) else "SELECT 1")


def _vacuum(connection: Connection, table: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote(table)
    connection.exec_driver_sql("VACUUM (FULL, ANALYZE) " + quoted)


def _may_checkpoint(connection: Connection) -> bool:
    found = connection.execute(
        text("SELECT pg_has_role(current_user, 'pg_checkpoint', 'USAGE')")
    ).scalar_one()
    return bool(found)
