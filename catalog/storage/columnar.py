"""A second connection that reads whole columns, at the very moment that a first one reads.

Apache Arrow's driver for SQLite makes columns of rows in C, several times as fast as Python makes
tuples of them. It opens the file by itself, so its transaction has to be shown to see the state
that ours sees: nothing may have been committed between the beginnings of the two.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from catalog.errors import CatalogBusy, CatalogCorrupt
from catalog.storage.engine import BUSY_TIMEOUT, read
from catalog.storage.sqlite_files import connect_reader
from catalog.storage.urls import describe, is_sqlite, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Select

ROWS = 4096
"""Rows of a batch: an action's schema can be megabytes."""
TRIES = 200
"""Beginnings of two transactions, until none was committed between: writers commit twice a second,
and both begin within a millisecond."""
_LITERALS = {"string": "''", "integer": "0", "number": "0.0", "boolean": "0", "timestamp": "0"}


class ColumnReader:
    """Reads batches of columns.

    Args:
        manager: Arrow's driver manager.
        connection: of its driver for SQLite, in a transaction.
        place: what messages call the catalog.
    """

    def __init__(self, manager: Any, connection: Any, place: str) -> None:
        self._manager = manager
        self._connection = connection
        self._place = place

    def batches(self, query: Select[Any], kinds: Sequence[str]) -> Iterator[Any]:
        """The rows of a query as batches of Arrow arrays: texts, int64 and doubles.

        Args:
            query: without parameters of strangers.
            kinds: of its columns: ``string``, ``integer``, ``number``, ``boolean``, ``timestamp``.
                Others are texts.
        """
        sql = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        pa = import_module("pyarrow")
        try:
            with self._manager.AdbcStatement(self._connection) as statement:
                statement.set_options(**{"adbc.sqlite.query.batch_rows": str(ROWS)})
                statement.set_sql_query(_with_types(sql, kinds))
                handle, _ = statement.execute_query()
                with pa.RecordBatchReader._import_from_c(handle.address) as found:  # noqa: SLF001
                    # The row that tells the types is no row.
                    yield next(found).slice(1)
                    yield from found
        except (self._manager.Error, pa.ArrowException, OSError) as error:
            raise CatalogCorrupt(
                f"{self._place} cannot be read by columns ({error}): run gpts-catalog verify"
            ) from None


def _with_types(sql: str, kinds: Sequence[str]) -> str:
    """A query under a row that has no null: the driver takes types from the first rows it sees.

    The order of the whole has to be said, or it would be the engine's to choose.
    """
    typed = ", ".join(_LITERALS.get(kind, "''") for kind in kinds)
    return f"SELECT {typed} UNION ALL SELECT * FROM ({sql} LIMIT -1)"  # noqa: S608  (compiled)


@contextmanager
def read_columns(engine: Engine) -> Iterator[tuple[Connection, ColumnReader | None]]:
    """A reading transaction, and a reader of columns that sees the same state.

    Args:
        engine: the catalog.

    Yields:
        The transaction; and the reader, or None where only rows can be read: on PostgreSQL, without
        Arrow's driver, and of a file that nobody may write to.
    """
    found = _driver() if is_sqlite(engine.url) else None
    if found is None:
        with read(engine) as conn:
            yield conn, None
        return
    path = sqlite_path(engine.url)
    with ExitStack() as stack:
        watcher = stack.enter_context(closing(connect_reader(path, BUSY_TIMEOUT)))
        for _ in range(TRIES):
            both = stack.enter_context(ExitStack())
            before = watcher.execute("PRAGMA data_version").fetchone()
            conn = both.enter_context(read(engine))
            conn.execute(text("SELECT 1 FROM catalog_info")).first()
            opened = both.enter_context(_begun(*found, path))
            if opened is None:
                yield conn, None
                return
            if watcher.execute("PRAGMA data_version").fetchone() == before:
                yield conn, ColumnReader(found[0], opened, describe(engine.url))
                return
            both.close()
    raise CatalogBusy(f"{describe(engine.url)} is written to without a pause: try again")


def _driver() -> tuple[Any, Any] | None:
    """Arrow's driver manager and its driver for SQLite: without their slow face for people."""
    try:
        import_module("pyarrow")
        return import_module("adbc_driver_manager"), import_module("adbc_driver_sqlite")
    except ImportError:
        return None


@contextmanager
def _begun(manager: Any, driver: Any, path: Path) -> Iterator[Any]:
    """A connection of Arrow's driver in a transaction that has begun; None: it cannot be."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    with ExitStack() as stack:
        try:
            database = stack.enter_context(driver.connect(uri))
            connection = stack.enter_context(manager.AdbcConnection(database))
            for sql in ("BEGIN", "SELECT 1 FROM catalog_info"):
                with manager.AdbcStatement(connection) as statement:
                    statement.set_sql_query(sql)
                    _drain(statement.execute_query()[0])
        except manager.Error:
            connection = None
        yield connection


def _drain(handle: Any) -> None:
    """Read a result to its end: only then has its transaction begun to read."""
    pa = import_module("pyarrow")
    with pa.RecordBatchReader._import_from_c(handle.address) as found:  # noqa: SLF001
        for _ in found:
            pass
