"""SQL that people write: read-only by the engine's own means, within a time and a size.

What a person or a stranger's page writes runs on a connection of its own, on SQLite in a process of
its own, which cannot write whatever the text says; see :mod:`catalog.storage.sqlite_reading` and
:mod:`catalog.storage.postgres_reading`. The rows are those of the tables and views, as
``docs/data-dictionary.md`` describes them.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from types import TracebackType
from typing import Self

from catalog.errors import CatalogError, InvalidSql, Stopped
from catalog.query.schema import meant
from catalog.storage.reading import Parameter, SqlReading, Value, open_reading
from catalog.storage.row_sizes import width
from catalog.storage.sql_text import names_in
from catalog.times import Stopwatch

__all__ = ["ROWS", "SECONDS", "Parameter", "Result", "Stop", "Value", "run_sql"]

SECONDS = 30.0
"""How long a query may take, unless it is told otherwise."""
ROWS = 10_000
"""How many rows a query may give, unless it is told otherwise."""
MOST_BYTES = 64 * 2**20
"""Texts and bytes that a query with a limit of rows may give: then it is cut as well."""
LONGEST_TEXT = 1_000_000
"""Characters of a query, at most."""


class Stop:
    """Ends a query from another thread, be it at work already or not yet."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._reading: SqlReading | None = None
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether the query is to end, or was."""
        return self._is_set

    def set(self) -> None:
        """End the query: whoever runs it, or takes its rows, gets a :class:`Stopped`."""
        with self._guard:
            self._is_set = True
            if self._reading is not None:
                self._reading.stop()

    def attach(self, reading: SqlReading | None) -> None:
        """Say what would have to be ended; None: nothing any more."""
        with self._guard:
            self._reading = reading
            if reading is not None and self._is_set:
                reading.stop()


class Result:
    """What a query gives: rows while they come, in the order in which they come.

    Iterate over it once, best as a context manager: leaving it ends the query.

    Args:
        reading: the connection; closed with the result.
        columns: the names of the columns.
        found: the rows.
        rows: how many of them, at most.
        watch: started before the query.
        stop: ends it from another thread.

    Attributes:
        columns: the names of the columns, as the query gives them: they need not differ.
        truncated: whether rows were left out for a limit; known once the rows were taken.
        seconds: how long it took until its last row was taken, or takes until now.
    """

    def __init__(
        self,
        reading: SqlReading,
        columns: tuple[str, ...],
        found: Iterator[tuple[Value, ...]],
        *,
        rows: int | None,
        watch: Stopwatch,
        stop: Stop,
    ) -> None:
        self.columns = columns
        self.truncated = False
        self._reading = reading
        self._stop = stop
        self._rows = self._limited(found, rows)
        self._watch = watch

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self._watch.seconds

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the query and let go of its connection; a second time does nothing."""
        self._rows.close()
        self._end()

    def _limited(
        self, found: Iterator[tuple[Value, ...]], rows: int | None
    ) -> Generator[tuple[Value, ...], None, None]:
        taken, size = 0, 0
        try:
            for row in found:
                size += width(row)
                if rows is not None and (taken >= rows or (taken and size > MOST_BYTES)):
                    self.truncated = True
                    break
                taken += 1
                yield row
        except CatalogError:
            if self._stop.is_set:
                raise Stopped("the query was stopped") from None
            raise
        finally:
            self._end()

    def _end(self) -> None:
        self._stop.attach(None)
        self._reading.close()
        self._watch.stop()


def run_sql(
    url: str,
    text: str,
    *,
    seconds: float = SECONDS,
    rows: int | None = ROWS,
    parameters: Mapping[str, Parameter] | None = None,
    stop: Stop | None = None,
) -> Result:
    """Run one statement that reads.

    Args:
        url: the catalog; on PostgreSQL of a role that can only read, see
            :mod:`catalog.storage.roles`.
        text: the statement; ``:name`` in it stands for a parameter.
        seconds: how long it may take, its rows included.
        rows: how many rows, at most; None for all.
        parameters: their values, by name.
        stop: ends it from another thread.

    Raises:
        InvalidSql: the statement cannot be read, or does more than read.
        Stopped: it was ended by ``stop``.
        TimeUp: it takes too long.
        SettingsError: the role could write, or do worse.
        StorageError: the catalog cannot be used.
    """
    watch = Stopwatch()
    given = dict(parameters or {})
    _check(text, given)
    if rows is not None and rows < 0:
        raise InvalidSql(f"a limit of {rows} rows is none: name 0 or more")
    if not seconds > 0:
        raise InvalidSql(f"a limit of {seconds:g} seconds is none: name more than 0")
    stop = stop or Stop()
    reading = open_reading(url, seconds)
    try:
        stop.attach(reading)
        columns, found = reading.execute(text, given)
    except CatalogError as error:
        stop.attach(None)
        reading.close()
        if stop.is_set:
            raise Stopped("the query was stopped") from None
        if not isinstance(error, InvalidSql):
            raise
        # Not refused before it is tried: of PostgreSQL a slice, list[1:n], has a name like that.
        missing = sorted(names_in(text) - given.keys())
        hint = meant(str(error), text)
        if missing:
            hint = (
                f"nothing gives a value for :{missing[0]}: --param {missing[0]}=VALUE does, in"
                " Python parameters"
            )
        if not hint:
            raise
        raise InvalidSql(f"{error}; {hint}") from None
    except BaseException:
        stop.attach(None)
        reading.close()
        raise
    return Result(reading, columns, found, rows=rows, watch=watch, stop=stop)


def _check(text: str, given: Mapping[str, Parameter]) -> None:
    if len(text) > LONGEST_TEXT:
        raise InvalidSql(f"the query is longer than {LONGEST_TEXT:,} characters")
    if "\0" in text:
        raise InvalidSql("the query holds the character U+0000, which no SQL has")
    for what, said in (("the query", text), *((f":{name}", given[name]) for name in given)):
        try:
            str(said).encode()
        except UnicodeEncodeError as error:
            raise InvalidSql(f"{what} cannot be written in UTF-8 ({error.reason})") from None
    unknown = given.keys() - names_in(text)
    if unknown:
        names = ", ".join(f":{name}" for name in sorted(unknown))
        raise InvalidSql(f"the query has no parameter {names}: write it where its value goes")
