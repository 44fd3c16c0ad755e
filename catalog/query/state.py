"""The state that a catalog is in, as a short text: as long as it stays, every answer does.

Both engines know it without looking at a table. PostgreSQL numbers the transactions that write, and
a snapshot names those that it sees. SQLite tells a connection whether another one has committed.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog.storage.engine import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, PoolProxiedConnection

    from catalog.storage.engine import Engine


class State:
    """Watches the state of a catalog.

    It has to be asked before the question whose answer it is kept with: then an answer can be newer
    than its state, which is asked again for nothing, but never older, which would stay for ever.

    Args:
        engine: the catalog, opened for reading; on SQLite a connection of it is kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._kept: PoolProxiedConnection | None = None
        # Both engines count anew in another file or server: a browser may still know their names.
        self._opened = secrets.token_hex(8)

    def name(self) -> str:
        """The state's name: another one after every commit, of whatever process.

        It holds for this object alone.

        Raises:
            StorageError: the catalog cannot be used.
        """
        if self._engine.dialect.name == "postgresql":
            with read(self._engine) as conn:
                return self._snapshot(conn)
        with self._guard:
            if self._kept is None:
                # The driver's own: a transaction would show one state as long as it is open.
                self._kept = self._engine.raw_connection()
            cursor = self._kept.cursor()
            cursor.execute("PRAGMA data_version")
            (version,) = cursor.fetchone() or (0,)
            cursor.close()
            return f"{self._opened}.{version}"

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, str | None]]:
        """A reading transaction, and the name of the state that it sees.

        None is its name where others wrote as it began.

        Raises:
            StorageError: the catalog cannot be used.
        """
        if self._engine.dialect.name == "postgresql":
            with read(self._engine) as conn:
                yield conn, self._snapshot(conn)
            return
        before = self.name()
        with read(self._engine) as conn:
            # It sees the state of its first read.
            conn.exec_driver_sql("SELECT 1 FROM catalog_info LIMIT 1").close()
            yield conn, before if self.name() == before else None

    def close(self) -> None:
        """Let go of the connection; a second time does nothing."""
        with self._guard:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _snapshot(self, conn: Connection) -> str:
        query = "SELECT pg_current_snapshot()::text"
        return f"{self._opened}.{conn.exec_driver_sql(query).scalar_one()}"
