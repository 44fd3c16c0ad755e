"""SQL that people write, on a SQLite file: a process of its own that can read and nothing else.

The process (:mod:`catalog.storage.sqlite_child`) opens the file for reading alone; an authorizer
refuses everything but SELECT and a few pragmas that only tell of tables; nothing can be attached;
a value, a row, a statement and a pattern have a size, the process a memory; one statement is taken.
When its time is up, or Ctrl-C is pressed, it is killed, whatever it is at.
"""

from __future__ import annotations

import errno
import json
import math
import os
import select
import signal
import sqlite3
import subprocess
import sys
import weakref
from binascii import a2b_base64
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import catalog
from catalog.errors import InvalidSql, StorageError, TimeUp
from catalog.storage.driver_errors import translate
from catalog.storage.engine import BUSY_TIMEOUT, missing
from catalog.storage.row_sizes import LONGEST_VALUE, TOO_WIDE
from catalog.storage.schema import check_revision
from catalog.storage.sql_text import first_word
from catalog.storage.urls import describe, sqlite_path
from catalog.times import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL

    from catalog.storage.reading import Parameter, Rows

HEAP = 512 * 2**20
"""Bytes that SQLite may take: sorts keep 64 MiB each in memory, and the rest in a file."""
MEMORY = 2 * HEAP
"""Bytes that the whole process may take, the interpreter and one row twice."""
TEMPORARY_FILE = 8 * 2**30
"""Bytes of a file that SQLite sorts in; it has no name, and is gone with the process."""

_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]);"
    " from catalog.storage.sqlite_child import main; main()"
)
_LONGEST_WAIT = 3600.0
"""Seconds of one look at the pipe: what is counted in milliseconds must fit 32 bits."""
_READ = 1 << 20
_READ_ONLY = "the catalog is opened for reading, one SELECT at a time"
_WRONG = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG})


class SqliteReading:
    """A process for one statement; see :class:`catalog.storage.reading.SqlReading`.

    Args:
        url: the file.
        seconds: how long the statement may take, the start of the process included.
    """

    def __init__(self, url: URL, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self._watch = Stopwatch()
        self._buffer = bytearray()
        self._path = sqlite_path(url)
        if not self._path.is_file():
            raise missing(url)
        self._process = _start()
        # What is forgotten is ended all the same, and leaves no zombie.
        self._end = weakref.finalize(self, _end, self._process)
        assert self._process.stdout is not None  # noqa: S101  (a pipe was asked for)
        self._pipe = self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def execute(
        self, text: str, parameters: Mapping[str, Parameter]
    ) -> tuple[tuple[str, ...], Rows]:
        """Run a statement."""
        if not first_word(text):
            raise InvalidSql("the query says nothing: write one SELECT")
        for value in parameters.values():
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise InvalidSql("a parameter is a number of more than 64 bits")
        self._ask(text, parameters)
        (revision,) = self._next()
        check_revision(revision, describe(self._url))
        (columns,) = self._next()
        return tuple(columns), self._rows()

    def stop(self) -> None:
        """Kill the process; whoever reads its pipe finds the end of it."""
        self._process.kill()

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._end()

    def _ask(self, text: str, parameters: Mapping[str, Parameter]) -> None:
        request = {
            "path": str(self._path.absolute()),
            "busy": min(self._seconds, BUSY_TIMEOUT),
            "heap": HEAP,
            "memory": MEMORY,
            "file": TEMPORARY_FILE,
            # For the case that nobody is left who looks at the clock.
            "processor": math.ceil(min(self._seconds, 2**30)) + 1,
            "text": text,
            "parameters": dict(parameters),
        }
        assert self._process.stdin is not None  # noqa: S101  (a pipe was asked for)
        # A process that ended before it read this is met when its answer is read.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode())
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def _rows(self) -> Rows:
        while (found := self._next()) is not None:
            for row in found[0]:
                yield tuple(row)

    def _next(self) -> Any:
        """What the process says next, without its first word; None at the end."""
        kind, *more = json.loads(self._line(), object_hook=_bytes)
        if kind == "end":
            return None
        if kind == "error":
            raise self._meaning(*more)
        if kind == "memory":
            raise InvalidSql(
                f"the query needs more memory than {HEAP // 2**20} MiB: narrow it, or take less"
                " of long values with substr()"
            )
        if kind == "wide":
            raise InvalidSql(TOO_WIDE)
        return more

    def _line(self) -> bytes:
        start = 0
        while (at := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            left = self._seconds - self._watch.seconds
            # What was said in time may be read late: a person reads a page before the next.
            if left <= 0 and self._process.poll() is None:
                raise self._time_up()
            wait = math.ceil(min(max(left, 0), _LONGEST_WAIT) * 1000)
            if not self._poll.poll(wait):
                continue
            data = os.read(self._pipe, _READ)
            if not data:
                raise self._died()
            self._buffer += data
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        return line

    def _died(self) -> Exception:
        status = self._process.wait()
        if status == -signal.SIGXCPU or self._watch.seconds >= self._seconds:
            return self._time_up()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return InvalidSql(
            f"the process that ran the query ended with {how}, as one that needs more memory than"
            " there is: narrow the query"
        )

    def _time_up(self) -> TimeUp:
        return TimeUp(
            f"the query took longer than {self._seconds:g} s: narrow it, or give it more time"
        )

    def _meaning(self, code: int | None, said: str, refused: str | None) -> Exception:
        kind = None if code is None else code & 0xFF
        if refused is not None:
            return InvalidSql(f"{refused} is not allowed: {_READ_ONLY}")
        if kind == sqlite3.SQLITE_TOOBIG:
            most = LONGEST_VALUE // 2**20
            return InvalidSql(f"a value is longer than {most} MiB: take a part of it with substr()")
        if code == sqlite3.SQLITE_IOERR_WRITE:
            # The catalog itself is not written to.
            return InvalidSql(
                f"the query sorts more than {TEMPORARY_FILE // 2**30} GiB, or its disk for"
                " temporary files fails: narrow it"
            )
        if kind is None and "one statement" in said:
            return InvalidSql(f"there is more than one statement: {_READ_ONLY}")
        if code is None or kind in _WRONG:
            return InvalidSql(f"SQLite cannot run the query: {said}")
        error = sqlite3.DatabaseError(said)
        error.sqlite_errorcode = code
        return translate(self._url, error) or InvalidSql(f"SQLite cannot run the query: {said}")


_NO_ROOM = frozenset({errno.EAGAIN, errno.ENOMEM})
"""The system's refusals of a process for want of room; the others are about the program."""


def _start() -> subprocess.Popen[bytes]:
    root = Path(catalog.__file__).parent.parent
    try:
        # Without the site's packages, of which it needs none, it starts in half the time.
        return subprocess.Popen(  # noqa: S603  (our own interpreter and program)
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for whoever reads the rows, and who then kills this process.
            start_new_session=True,
        )
    except OSError as error:
        advice = (
            "end others, then repeat"
            if error.errno in _NO_ROOM
            else f"see that whoever asks may run {sys.executable}"
        )
        raise StorageError(
            f"no process can be started for the query ({error.strerror}): {advice}"
        ) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in filter(None, (process.stdin, process.stdout)):
        with suppress(BrokenPipeError):
            pipe.close()
    process.wait()


def _bytes(found: dict[str, str]) -> bytes:
    return a2b_base64(found["b"])
