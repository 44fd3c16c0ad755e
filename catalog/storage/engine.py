"""Opening a catalog, on SQLite or PostgreSQL, and its two kinds of transaction.

:func:`read` sees one consistent state and cannot write. :func:`write` takes the write lock at once
on SQLite, so that it never fails half-way for another writer. Whatever the driver raises leaves
here as one of :mod:`catalog.errors`, without a password in it. Makes no tables: migrations do.

A server that was reached once is waited for while it restarts; and where the connection is lost
just as a transaction ends, the server is asked whether it was committed. So a transaction that
fails with :class:`CatalogBusy` or :class:`CatalogAway` has stored nothing, and may be tried again;
of one that fails with :class:`CommitUnknown` nobody can say, as the server stays away.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.errors import (
    CatalogAway,
    CatalogBusy,
    CatalogCorrupt,
    CatalogMissing,
    CommitUnknown,
    SettingsError,
)
from catalog.storage.driver_errors import map_errors
from catalog.storage.ledger import Ledger
from catalog.storage.sqlite_files import connect_reader, connect_sqlite
from catalog.storage.urls import describe, is_sqlite, parse_url, sqlite_path
from catalog.times import pause

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy.pool import ConnectionPoolEntry

# Those who own a transaction need its type, and may not know SQLAlchemy.
__all__ = [
    "BUSY_TIMEOUT",
    "LOCKS",
    "Connection",
    "Engine",
    "connect_reader",
    "connect_sqlite",
    "create_postgres",
    "ledger_of",
    "lock_keys",
    "lock_of",
    "missing",
    "open_engine",
    "read",
    "use_ledger",
    "write",
]

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's lock before :class:`CatalogBusy`."""
STATEMENT_TIMEOUT = 900.0
"""Seconds after which PostgreSQL ends a statement: none of ours should need them."""
IDLE_TIMEOUT = 300.0
"""Seconds after which PostgreSQL ends a transaction whose program sleeps."""
WRITE_IDLE_TIMEOUT = 60.0
"""The same of one that writes: others wait for its locks, and give up after
:data:`BUSY_TIMEOUT`, repeated."""
CONNECT_TIMEOUT = 10
"""Seconds in which a server takes a connection that is there."""
UNHEARD = (10, 5, 3)
"""A connection on which nothing came for so many seconds is asked for a sign of life, again after
so many, and so often; then it is lost. Both sides do so: else who is cut off waits for hours, and
what it has locked waits with it."""
SENT_TIMEOUT = 30.0
"""Seconds after which a connection is lost that does not take what was sent."""
RETURN_PAUSES = (0.1, 0.2, 0.5, 1.0, *[2.0] * 30)
"""Seconds between tries to reach a server that was there before: it may restart."""

READER_CACHE = 32 << 20
"""Bytes of pages that a connection for reading holds of an SQLite file at most: as many as the
inner pages of a million GPTs' indices take. SQLite's own 2 MB make a page of results take twice as
long there."""

LOCKS = 2048
"""How many locks stand for all keys on PostgreSQL: the rows of ``write_locks``. They are rows since
a role that may only read can lock none, while advisory locks are anybody's."""

_FOLDER = "data"
"""Where the ledger of a catalog is that is no file, unless somebody says where."""
_LEDGER = "catalog_ledger"
_MODE = "catalog_mode"
_REACH = "catalog_reach"
_FILE = "file"
"""The key, in a pooled connection's ``info``, of the file that was opened."""
_BEGIN_WRITING = (
    "SELECT CAST(pg_current_xact_id() AS text), CAST(pg_postmaster_start_time() AS text),"
    " set_config('idle_in_transaction_session_timeout',"
    f" '{round(WRITE_IDLE_TIMEOUT * 1000)}', true)"
)
"""By what it can be asked later what became of the transaction."""
_WHAT_BECAME = """
SELECT CASE
  WHEN pg_postmaster_start_time() = CAST(:started AS timestamptz)
    OR CAST(CAST(:number AS text) AS numeric) < split_part(next_xid, ':', 1)::numeric * 4294967296
      + split_part(next_xid, ':', 2)::numeric
  THEN pg_xact_status(CAST(CAST(:number AS text) AS xid8)) ELSE 'aborted' END
FROM pg_control_checkpoint()
"""
"""A server that was killed counts again from the last number that it had written down, which its
recovery ends with writing: from there on the numbers are those of others."""
_SET_UP = "set up"
"""The marker in a pooled connection's ``info`` for pragmas that are already set."""


def open_engine(
    url: str,
    *,
    read_only: bool = False,
    durable: bool = False,
    busy_timeout: float = BUSY_TIMEOUT,
    folder: str | Path | None = None,
    wait: Callable[[float], None] = pause,
) -> Engine:
    """Open the catalog at ``url``, which must exist.

    Args:
        url: ``sqlite:///path`` or ``postgresql://...``.
        read_only: opened so that the engine itself refuses every write.
        durable: what was committed survives a loss of power, not only of the process.
        busy_timeout: seconds to wait for another process's lock.
        folder: where the ledger of tombstones is, of a catalog on PostgreSQL; that of a file is
            beside it; None: where catalogs are by default.
        wait: waits so many seconds for a server that was there, and is away.

    Raises:
        SettingsError: ``url`` names no catalog, or its driver is not installed.
        CatalogMissing: there is no such file.
    """
    parsed = parse_url(url)
    if is_sqlite(parsed):
        path = sqlite_path(parsed)
        if not path.is_file():
            raise missing(parsed)
        engine = _sqlite(
            parsed, path, read_only=read_only, durable=durable, busy_timeout=busy_timeout
        )
        folder = path.absolute().parent
    else:
        engine = _postgres(parsed, read_only=read_only, durable=durable, busy_timeout=busy_timeout)
        if not read_only:
            # Who only reads is a person, who looks at the message and asks again.
            engine.update_execution_options(**{_REACH: _Reach(wait)})
    use_ledger(engine, Ledger(Path(folder or _FOLDER)))
    return engine


def use_ledger(engine: Engine, ledger: Ledger) -> None:
    """Have a catalog's tombstones understood by the keys of another folder."""
    engine.update_execution_options(**{_LEDGER: ledger})


def ledger_of(engine: Engine) -> Ledger:
    """Where the keys are that the tombstones of a catalog were made with."""
    ledger = engine.get_execution_options().get(_LEDGER)
    if not isinstance(ledger, Ledger):
        raise TypeError("a catalog is opened with open_engine")
    return ledger


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the catalog, whatever others write, and cannot write."""
    with _connect(engine) as connection:
        connection.execution_options(**{_MODE: "read"})
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write: committed at the end, undone by any exception.

    Raises:
        CatalogBusy: another process held the lock for too long, or won a conflict.
        CatalogAway: the connection was lost before it was committed.
        CommitUnknown: it was lost as it was committed, and the server cannot be asked.
    """
    number, started, ended = "", "", False
    try:
        with _connect(engine) as connection:
            connection.execution_options(**{_MODE: "write"})
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    number, started, _ = connection.exec_driver_sql(_BEGIN_WRITING).one()
                yield connection
                ended = True
    except CatalogAway:
        if not ended or not _was_committed(engine, number, started):
            raise


def lock_keys(connection: Connection, keys: Collection[str]) -> None:
    """Keep other writers from work on the same ``keys`` until this transaction ends.

    On SQLite :func:`write` holds the whole catalog anyway. On PostgreSQL they are taken in one
    order by all, so that two writers cannot wait for each other; some keys share a lock, so that
    any number of them may be held. Best called once a transaction, before anything is written.
    """
    if connection.dialect.name != "postgresql" or not keys:
        return
    numbers = sorted({lock_of(key) for key in keys})
    # Rows are locked as they come, and so in their order.
    held = connection.execute(
        text(
            "SELECT count(*) FROM (SELECT number FROM write_locks"
            " WHERE number = ANY(CAST(:numbers AS integer[])) ORDER BY number FOR UPDATE) AS held"
        ),
        {"numbers": numbers},
    ).scalar_one()
    if held != len(numbers):
        raise CatalogCorrupt(
            f"{describe(connection.engine.url)} has lost rows of write_locks, which writers lock:"
            f" insert the numbers from 0 to {LOCKS - 1} into it again"
        )


def lock_of(key: str) -> int:
    """Which of the :data:`LOCKS` locks stands for ``key``."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % LOCKS


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Reach:
    """Whether a server was reached, and how it is waited for.

    Args:
        wait: waits so many seconds.
    """

    def __init__(self, wait: Callable[[float], None]) -> None:
        self.wait = wait
        self.reached = False


def _reach(engine: Engine) -> Connection:
    """A connection; to a server that was there before also while it restarts."""
    reach = engine.get_execution_options().get(_REACH)
    for seconds in RETURN_PAUSES:
        try:
            connection = engine.connect()
        except CatalogAway:
            if not isinstance(reach, _Reach) or not reach.reached:
                raise
            reach.wait(seconds)
        else:
            if isinstance(reach, _Reach):
                reach.reached = True
            return connection
    return engine.connect()


def _was_committed(engine: Engine, number: str, started: str) -> bool:
    """Whether a transaction was, whose connection was lost as it ended.

    Args:
        engine: the catalog.
        number: the transaction.
        started: when the server had started then.

    Raises:
        CommitUnknown: that cannot be learned, as the server is away.
    """
    reach = engine.get_execution_options().get(_REACH)
    try:
        for seconds in RETURN_PAUSES:
            with read(engine) as connection:
                status = connection.execute(
                    text(_WHAT_BECAME), {"number": number, "started": started}
                ).scalar_one()
            # The server may not have noticed yet that nobody is there any more.
            if status != "in progress" or not isinstance(reach, _Reach):
                break
            reach.wait(seconds)
    except CatalogAway as error:
        raise CommitUnknown(
            f"{error}; it was lost as the last rows were being stored, so they are stored whole or"
            " not at all. When the server is back, give the same command again: what is stored"
            " already is not stored twice"
        ) from None
    return bool(status == "committed")


@contextmanager
def _connect(engine: Engine) -> Iterator[Connection]:
    try:
        connection = _reach(engine)
    except PoolTimeout:
        raise CatalogBusy(
            f"all connections of this process to {describe(engine.url)} are in use: try again"
        ) from None
    with connection:
        yield connection


def missing(url: URL) -> CatalogMissing:
    """The error for a place without a catalog."""
    if is_sqlite(url) and sqlite_path(url).is_dir():
        return CatalogMissing(
            f"{describe(url)} is a folder: name the file of the catalog in it, as catalog.db"
        )
    return CatalogMissing(
        f"there is no catalog at {describe(url)}: go to the folder that has it, or name it with"
        " --catalog; gpts-catalog init makes one"
    )


def _sqlite(url: URL, path: Path, *, read_only: bool, durable: bool, busy_timeout: float) -> Engine:
    engine = create_engine(
        url,
        creator=lambda: (
            connect_reader(path, busy_timeout)
            if read_only
            else connect_sqlite(path, "rw", busy_timeout)
        ),
        # Parameters are strangers' texts, and no error shows them (law 11).
        hide_parameters=True,
    )
    map_errors(engine)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info[_FILE] = _identity(path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        if read_only:
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE >> 10}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_MODE) == "write" and not read_only
        # Only write() may write: a transaction that begins as a reader and then writes fails
        # for any other writer in between, without waiting.
        if writes and connection.info[_FILE] != _identity(path):
            # The system would go on writing to a file that has no name any more.
            raise CatalogMissing(
                f"{describe(url)} was removed or replaced while it was written to: put it back, or"
                " make a new one with gpts-catalog init; what was stored since is lost"
            )
        wanted = "OFF" if writes else "ON"
        if connection.info.get(_SET_UP) != wanted:
            connection.exec_driver_sql(f"PRAGMA query_only = {wanted}")
            connection.info[_SET_UP] = wanted
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL, *, read_only: bool, durable: bool, busy_timeout: float) -> Engine:
    settings: dict[str, Any] = {
        "TimeZone": "UTC",
        "statement_timeout": f"{round(STATEMENT_TIMEOUT * 1000)}",
        "idle_in_transaction_session_timeout": f"{round(IDLE_TIMEOUT * 1000)}",
        "lock_timeout": f"{round(busy_timeout * 1000)}",
        "tcp_keepalives_idle": f"{UNHEARD[0]}",
        "tcp_keepalives_interval": f"{UNHEARD[1]}",
        "tcp_keepalives_count": f"{UNHEARD[2]}",
        "tcp_user_timeout": f"{round(SENT_TIMEOUT * 1000)}",
        "synchronous_commit": "on" if durable else "off",
        "default_transaction_read_only": "on" if read_only else "off",
    }
    if read_only:
        # A page takes milliseconds, compiling its plan hundreds; and a plan without the words that
        # are searched takes a rare one for common.
        settings |= {"jit": "off", "plan_cache_mode": "force_custom_plan"}
        # What is browsed lies in memory, not on a turning disk; and workers take longer to start
        # than a page takes. Else a common term is sought by reading the table from its beginning.
        settings |= {"random_page_cost": "1.1", "parallel_setup_cost": "20000"}
        # The hits of a common term are noted row by row; in less room, block by block, and then
        # the terms of each row of a block are looked at again.
        settings["work_mem"] = f"{READER_CACHE >> 10}kB"
    engine = create_postgres(url, settings, pool_pre_ping=True)
    map_errors(engine)
    return engine


def create_postgres(url: URL, settings: dict[str, Any], **options: Any) -> Engine:
    """An engine whose sessions begin with ``settings``.

    Raises:
        SettingsError: psycopg is not installed.
    """
    try:
        engine = create_engine(
            url,
            connect_args={
                "application_name": "gpts-catalog",
                "connect_timeout": CONNECT_TIMEOUT,
                "keepalives_idle": UNHEARD[0],
                "keepalives_interval": UNHEARD[1],
                "keepalives_count": UNHEARD[2],
                "tcp_user_timeout": round(SENT_TIMEOUT * 1000),
                "autocommit": False,
            },
            hide_parameters=True,
            **options,
        )
    except ImportError:
        raise SettingsError(
            "a catalog on PostgreSQL needs psycopg, which is not installed:"
            " pip install 'gpts-catalog[postgres]'"
        ) from None

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()

    return engine
