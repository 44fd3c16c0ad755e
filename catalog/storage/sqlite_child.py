"""The process in which SQL that people write runs on an SQLite file: it can be killed at any time.

One call of a function is one step of SQLite's machine, and may take minutes: no clock looks in
between. So :mod:`catalog.storage.sqlite_reading` starts this in an interpreter of its own, and
kills it when its time is up. The system caps its memory, its time on the processor (should nobody
be left to kill it) and what it writes to sort.

It reads one request as JSON, opens the file for reading alone, and answers in lines of JSON, each
a list: ``["revision", of the catalog]``, ``["columns", names]``, ``["rows", rows]``, and at the end
``["end"]``, ``["error", code, text, what was refused]``, ``["memory"]`` or ``["wide"]``. Bytes are
``{"b": base64}``. The pipe makes it wait for whoever takes the rows.

It imports the standard library and two small modules alone, so that it starts in no time.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
from binascii import b2a_base64
from pathlib import Path
from typing import Any

from catalog.storage.row_sizes import LONGEST_VALUE, WIDEST_ROW, width
from catalog.storage.sqlite_files import connect_reader

_CACHE_KIB = 64 * 1024
"""Pages of the file kept in memory, for joins over large tables."""
_CHUNK_ROWS = 512
_CHUNK_BYTES = 256 * 1024
"""What goes into the pipe at once, at most, but for a single row that is longer."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 4_000_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_PRAGMAS = frozenset(
    {
        "collation_list",
        "compile_options",
        "data_version",  # the full-text index looks at it
        "foreign_key_list",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "table_info",
        "table_list",
        "table_xinfo",
    }
)
_FUNCTIONS = frozenset({"edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"})
_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_FUNCTION}
)
_WORDS = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_PRAGMA: "this PRAGMA",
    sqlite3.SQLITE_FUNCTION: "this function",
}


class Authorizer:
    """Says what a statement may do; SQLite asks while it compiles the statement.

    Attributes:
        refused: what it refused last, in words; None: nothing.
    """

    def __init__(self) -> None:
        self.refused: str | None = None

    def __call__(
        self, action: int, first: str | None, second: str | None, _db: str | None, _by: str | None
    ) -> int:
        """Whether the statement may do ``action``."""
        if action == sqlite3.SQLITE_PRAGMA:
            allowed = (first or "").lower() in _PRAGMAS
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").lower() not in _FUNCTIONS
        elif action == sqlite3.SQLITE_UPDATE:
            # What SQLite asks when it first meets a table that is a function, as json_each, or an
            # index of words. The schema itself cannot be changed: the pragma that lets is refused.
            allowed = first == "sqlite_master"
        else:
            allowed = action in _ALLOWED
        if not allowed:
            self.refused = _WORDS.get(action, "this statement")
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


class _TooWideError(Exception):
    """A row holds more than it may."""


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.buffer.read())
    _cap(request)
    authorizer = Authorizer()
    try:
        _answer(request, authorizer)
    except (sqlite3.Error, sqlite3.Warning) as error:
        code = getattr(error, "sqlite_errorcode", None)
        _send("error", code, str(error), authorizer.refused)
    except MemoryError:
        _send("memory")
    except _TooWideError:
        _send("wide")
    else:
        _send("end")


def _cap(request: dict[str, Any]) -> None:
    """Let the system end what nobody else ends."""
    for kind, most in (
        (resource.RLIMIT_AS, request["memory"]),
        (resource.RLIMIT_FSIZE, request["file"]),
        (resource.RLIMIT_CPU, request["processor"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        capped = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (capped, hard))
        except (OSError, ValueError):
            continue  # macOS knows some of them by name alone


def _answer(request: dict[str, Any], authorizer: Authorizer) -> None:
    connection = connect_reader(Path(request["path"]), request["busy"])
    for pragma in (
        "query_only = ON",
        # Nothing in a stranger's file may call a function with side effects.
        "trusted_schema = OFF",
        f"cache_size = -{_CACHE_KIB}",
        f"hard_heap_limit = {request['heap']}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    _send("revision", _revision(connection))
    # Bytes that a query turns into text need not be any.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    connection.set_authorizer(authorizer)
    cursor = connection.execute(request["text"], request["parameters"])
    _send("columns", [column[0] for column in cursor.description or ()])
    _send_rows(cursor)


def _revision(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        row = None
    return None if row is None else str(row[0])


def _send_rows(cursor: sqlite3.Cursor) -> None:
    rows: list[Any] = []
    size, most = 0, 1
    for row in cursor:
        wide = width(row)
        if wide > WIDEST_ROW:
            raise _TooWideError
        if rows and size + wide > _CHUNK_BYTES:
            _send("rows", rows)
            rows, size = [], 0
        rows.append(row)
        size += wide
        if len(rows) >= most:
            _send("rows", rows)
            rows, size = [], 0
            # The first rows come at once, be the others slow.
            most = min(2 * most, _CHUNK_ROWS)
    if rows:
        _send("rows", rows)


def _send(*line: Any) -> None:
    out = sys.stdout.buffer
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=_plain)
    out.write(text.encode("utf-8", "replace") + b"\n")
    out.flush()


def _plain(value: bytes) -> dict[str, str]:
    return {"b": b2a_base64(value, newline=False).decode()}
