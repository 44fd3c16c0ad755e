"""What the drivers' errors mean, as errors of ours that say what to do next."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import event

from catalog.errors import (
    CatalogAway,
    CatalogBusy,
    CatalogCorrupt,
    CatalogError,
    CatalogMissing,
    StorageError,
)
from catalog.storage.urls import describe, is_sqlite, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine, ExceptionContext

_Meaning = tuple[type[StorageError], str]

_BUSY: _Meaning = (
    CatalogBusy,
    "{place} is held by another process: wait until it has finished, then repeat",
)
_HALF_DONE: _Meaning = (
    CatalogAway,
    "whoever wrote to {place} was ended half-way; what they left is taken back first: repeat",
)
_READING: _Meaning = (
    StorageError,
    (
        "{place} is opened for reading, or write-protected ({said}): give the command as somebody"
        " who may write to it"
    ),
)
_NOT_READABLE: _Meaning = (
    StorageError,
    "{place} cannot be opened ({said}): give the command as somebody who may read it",
)
# Of the server's words only those without values: they are strangers' texts (law 11).
_CONTRADICTION: _Meaning = (
    StorageError,
    (
        "{place} refused a row that contradicts another ({said}): nothing of its batch was"
        " written; this is a mistake in gpts-catalog, please report it"
    ),
)
_UNFIT: _Meaning = (
    StorageError,
    (
        "{place} cannot take a value as it was given ({kind}): nothing of its batch was"
        " written; this is a mistake in gpts-catalog, please report it"
    ),
)

# https://www.sqlite.org/rescode.html; keys are the low byte, the kind without its cases.
_SQLITE: dict[int, _Meaning] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CORRUPT: (
        CatalogCorrupt,
        (
            "{place} is damaged ({said}): restore a backup, or save what can be saved of it with"
            " gpts-catalog recover"
        ),
    ),
    sqlite3.SQLITE_NOTADB: (CatalogCorrupt, "{place} is no SQLite file, or its start is damaged"),
    sqlite3.SQLITE_FULL: (
        StorageError,
        "no room to write {place}: make room on its disk, then repeat",
    ),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        "the disk failed under {place} ({said}): check the disk, then gpts-catalog verify",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StorageError,
        "{place} cannot be opened ({said}): check that you may write to its folder",
    ),
    sqlite3.SQLITE_READONLY: _READING,
    sqlite3.SQLITE_CONSTRAINT: _CONTRADICTION,
    sqlite3.SQLITE_MISMATCH: _UNFIT,
    sqlite3.SQLITE_TOOBIG: _UNFIT,
}

# Python's own finding, without a number of SQLite's; it quotes the bytes, which are a stranger's.
_UNREADABLE: _Meaning = (
    CatalogCorrupt,
    (
        "{place} is damaged (a text in it is none): restore a backup, or save what can be saved of"
        " it with gpts-catalog recover"
    ),
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html; whole states before classes.
_POSTGRES: dict[str, _Meaning] = {
    "40001": _BUSY,
    "40P01": _BUSY,
    "55P03": _BUSY,
    "57014": (StorageError, "a statement on {place} took too long and was ended ({said})"),
    "25006": _READING,
    # What people write as SQL is answered before this is asked.
    "42501": (
        StorageError,
        (
            "the role may not do this to {place} ({said}): log in as the owner of its tables, or,"
            " to change rows alone, as a role that gpts-catalog sql --writer-role NAME makes"
        ),
    ),
    "22": _UNFIT,
    "23": _CONTRADICTION,
    "3D000": (
        CatalogMissing,
        "there is no database {place}: create it, then gpts-catalog init ({said})",
    ),
    "08": (CatalogAway, "the connection to {place} was lost ({said}): repeat"),
    "57": (CatalogAway, "the connection to {place} was ended by the server ({said}): repeat"),
    "25P02": (
        StorageError,
        "a transaction on {place} was undone for an earlier error, and takes nothing more: repeat",
    ),
    "25P03": (CatalogAway, "a transaction on {place} was left idle and ended: repeat"),
    "54": (
        StorageError,
        (
            "a statement on {place} is larger than PostgreSQL can take ({said}): ask for less at"
            " once, or raise the limit that it names"
        ),
    ),
    "53300": (CatalogAway, "PostgreSQL has no connections left for {place} ({said}): repeat"),
    "53": (StorageError, "PostgreSQL has no room left for {place} ({said})"),
    "58": (StorageError, "PostgreSQL has trouble with the disk of {place} ({said})"),
    "XX": (CatalogCorrupt, "PostgreSQL found damage in {place} ({said}): restore a backup"),
}
_NO_ANSWER: _Meaning = (CatalogAway, "no connection to {place} ({said})")


def map_errors(engine: Engine) -> None:
    """Make every driver's error leave ``engine`` as one of ours, but for wrong SQL."""

    def handle(context: ExceptionContext) -> CatalogError | None:
        if is_half_done(context.original_exception):
            # The next connection takes it back, as it is opened.
            context.is_disconnect = True
        return translate(engine.url, context.original_exception)

    event.listen(engine, "handle_error", handle, retval=True)


def is_half_done(found: BaseException) -> bool:
    """Whether SQLite cannot read for what a killed writer left, since it must not write here."""
    return getattr(found, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK


def translate(url: URL, found: BaseException) -> CatalogError | None:
    """A driver's error as one of ours; None for wrong SQL.

    Args:
        url: the catalog.
        found: what the driver raised.
    """
    # Both drivers leave it to Python to refuse what cannot be written at all.
    unwritable = isinstance(found, UnicodeEncodeError | OverflowError)
    meaning_of = _sqlite_meaning if is_sqlite(url) else _postgres_meaning
    meaning = _UNFIT if unwritable else meaning_of(found)
    if meaning is None:
        return None
    if meaning is _SQLITE[sqlite3.SQLITE_CANTOPEN] and _is_hidden(url):
        meaning = _NOT_READABLE
    kind, message = meaning
    said = str(found).strip().partition("\n")[0]
    if url.password:
        said = said.replace(url.password, "***")
    return kind(message.format(place=describe(url), said=said, kind=type(found).__name__))


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Make what a driver raises leave the body as one of ours, but for wrong SQL.

    For the driver's own cursors and connections, before which no engine of SQLAlchemy stands.
    """
    try:
        yield
    except Exception as error:
        meant = translate(url, error)
        if meant is None:
            raise
        raise meant from None


def _sqlite_meaning(found: BaseException) -> _Meaning | None:
    if "decode to UTF-8" in str(found):
        return _UNREADABLE
    if is_half_done(found):
        return _HALF_DONE
    return _SQLITE.get(getattr(found, "sqlite_errorcode", 0) & 0xFF)


def _is_hidden(url: URL) -> bool:
    """Whether the file is there, and may not be read: then its folder is not what is wrong."""
    path = sqlite_path(url)
    return os.access(path, os.F_OK) and not os.access(path, os.R_OK)


def _postgres_meaning(found: BaseException) -> _Meaning | None:
    state = getattr(found, "sqlstate", None)
    if state:
        return _POSTGRES.get(state) or _POSTGRES.get(state[:2])
    if type(found).__name__ == "DataError":
        return _UNFIT
    if type(found).__name__ != "OperationalError":
        return None
    # A refused connection has no state, only the server's words.
    said = str(found)
    missing = 'database "' in said and "does not exist" in said
    return _POSTGRES["3D000"] if missing else _NO_ANSWER
