"""Opening an SQLite file with the driver alone: a process that only does this starts fast."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

BESIDE = ("-wal", "-journal")
"""What the names of the files end in that say more than the file they stand beside."""
_ANY_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def connect_sqlite(path: Path, mode: str, busy_timeout: float) -> sqlite3.Connection:
    """Open the file at ``path`` with the driver's own transactions switched off.

    Args:
        path: the file.
        mode: ``ro``, ``rw`` or ``rwc``, as SQLite's URIs have it, with further parameters.
        busy_timeout: seconds to wait for another process's lock.
    """
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
    )


def make_private(path: Path) -> None:
    """Make an empty file that its owner alone may read; one that is there stays as it is.

    SQLite gives the files beside it the same mode. What people write of themselves stands in a
    catalog and in its backups, and is no other user's of the machine.
    """
    # A place that cannot be written to is told by SQLite, when the file is opened.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def connect_reader(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open the file for reading, be it on a disk that cannot be written to.

    A file in WAL mode is read with another one beside it. Where that cannot be made since nobody
    may write there, and the catalog was closed cleanly, the file is read as one that stays as it
    is. What a killed writer left half-done in a file of another mode, such as a backup in use or
    a catalog that is being upgraded, is taken back first.
    """
    try:
        return _opened(path, "ro", busy_timeout)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK and not _is_frozen(path):
            # SQLite takes it back at the first look, but only for one who may write.
            _opened(path, "rw", busy_timeout).close()
            return _opened(path, "ro", busy_timeout)
        if not _is_frozen(path) or _is_half_done(path):
            raise
        return connect_sqlite(path, "ro&immutable=1", busy_timeout)


def _opened(path: Path, mode: str, busy_timeout: float) -> sqlite3.Connection:
    """A connection that has read."""
    connection = connect_sqlite(path, mode, busy_timeout)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_half_done(path: Path) -> bool:
    """Whether a log or a journal beside the file says more than it."""
    beside = [path.with_name(path.name + ending) for ending in BESIDE]
    return any(each.exists() and each.stat().st_size for each in beside)


def _is_frozen(path: Path) -> bool:
    """Whether nobody may write to the file: its disk is read-only, or it is write-protected."""
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return True
    return not any(each.stat().st_mode & _ANY_MAY_WRITE for each in (path, path.parent))
