"""SQL that people write, on PostgreSQL: a login role that can do no harm, and one statement.

A READ ONLY transaction alone keeps nobody from harm: a superuser's ``COPY … TO PROGRAM`` runs in
it. So the role that logs in is looked at first, with all roles that it can become, and refused
where one of them may write, read files or run programs. The statement then goes to the server by
the extended protocol, which takes no second one, in a READ ONLY transaction that is undone at its
end. Blocks of code (``DO``) are refused by their first word: they could catch the time limit.
"""

from __future__ import annotations

import json
import math
import os
import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

from catalog.errors import InvalidSql, SettingsError, TimeUp
from catalog.storage.driver_errors import translate
from catalog.storage.engine import BUSY_TIMEOUT
from catalog.storage.roles import faults_of
from catalog.storage.row_sizes import TOO_WIDE, WIDEST_ROW, width
from catalog.storage.schema import check_revision
from catalog.storage.sql_text import first_word, numbered
from catalog.storage.urls import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import URL

    from catalog.storage.reading import Parameter, Rows, Value

_READS = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "(", "EXPLAIN", "SHOW"})
_READ_ONLY = "the catalog is opened for reading, one SELECT at a time"
# https://www.postgresql.org/docs/current/errcodes-appendix.html: classes that blame the statement.
_WRONG = frozenset({"0A", "0L", "0P", "20", "21", "22", "23", "25", "26", "2F", "34", "38", "39",
                    "3D", "3F", "42", "44", "54", "P0"})  # fmt: skip


class PostgresReading:
    """A connection for one statement; see :class:`catalog.storage.reading.SqlReading`.

    Args:
        url: the database, and the role that logs in.
        seconds: how long the statement may take.
    """

    def __init__(self, url: URL, seconds: float) -> None:
        try:
            psycopg: Any = import_module("psycopg")
        except ImportError:
            raise SettingsError(
                "a catalog on PostgreSQL needs psycopg, which is not installed:"
                " pip install 'gpts-catalog[postgres]'"
            ) from None
        self._psycopg = psycopg
        self._url = url
        self._seconds = seconds
        with self._errors():
            self._connection = psycopg.connect(
                url.set(drivername="postgresql").render_as_string(hide_password=False),
                autocommit=True,
                application_name="gpts-catalog sql",
                connect_timeout=round(BUSY_TIMEOUT),
            )
        try:
            with self._errors():
                self._set_up()
        except BaseException:
            self._connection.close()
            raise

    def execute(
        self, text: str, parameters: Mapping[str, Parameter]
    ) -> tuple[tuple[str, ...], Rows]:
        """Run a statement."""
        word = first_word(text)
        if not word:
            raise InvalidSql("the query says nothing: write one SELECT")
        if word not in _READS:
            raise InvalidSql(f"{word} is not allowed: {_READ_ONLY}")
        statement, names = numbered(text, parameters)
        # Without a type of its own a parameter has the one of its place, as on SQLite.
        values = [None if parameters[each] is None else str(parameters[each]) for each in names]
        cursor = self._psycopg.RawCursor(self._connection)
        with self._errors():
            # Never the simple protocol, which would take further statements.
            # One row at a time: of several, each as long as a row can be, no number is small.
            found = cursor.stream(statement.encode(), values)
            first = next(found, None)
        if first is None:
            return self._columns_of(statement.encode()), iter(())
        columns = tuple(column.name for column in cursor.description or ())
        return columns, self._rows(first, found)

    def stop(self) -> None:
        """Cut the connection; whoever waits for it is told so, and the server sees it soon.

        A request to end what runs would be lost where nothing runs yet.
        """
        with (
            suppress(self._psycopg.Error, OSError),
            # A copy of its number: the driver closes its own.
            socket.socket(fileno=os.dup(self._connection.pgconn.socket)) as copy,
        ):
            copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End what runs, and let go of the connection; whatever was done is undone."""
        self._connection.close()

    def _columns_of(self, statement: bytes) -> tuple[str, ...]:
        """The columns of a statement that gave no row: the driver tells none then."""
        server = self._connection.pgconn
        server.prepare(b"columns", statement)
        described = server.describe_prepared(b"columns")
        names = (described.fname(at) for at in range(described.nfields))
        return tuple((name or b"").decode() for name in names)

    def _rows(self, row: tuple[Any, ...] | None, found: Iterator[tuple[Any, ...]]) -> Rows:
        while row is not None:
            plain = tuple(_plain(value) for value in row)
            if width(plain) > WIDEST_ROW:
                raise InvalidSql(TOO_WIDE)
            yield plain
            with self._errors():
                row = next(found, None)

    def _set_up(self) -> None:
        connection = self._connection
        milliseconds = str(max(1, math.ceil(self._seconds * 1000)))
        for name, value in (
            ("TimeZone", "UTC"),
            ("standard_conforming_strings", "on"),
            ("statement_timeout", milliseconds),
            ("lock_timeout", milliseconds),
            ("idle_in_transaction_session_timeout", milliseconds),
            ("default_transaction_read_only", "on"),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        # PostgreSQL 14 and later look whether somebody still waits.
        connection.execute(
            "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s",
            ("1000", "client_connection_check_interval"),
        )
        self._check_revision()
        faults = faults_of(connection)
        if faults:
            raise SettingsError(
                f"role {faults.role} {'; and '.join(faults.found)}: SQL that people write is not"
                " run as such a role. Make one that only reads with the statements that"
                " gpts-catalog sql --reader-role NAME prints, and name it in catalog.toml:"
                ' [catalog] reader_url = "postgresql://NAME@HOST/DATABASE", or in'
                " GPTS_CATALOG_READER_URL"
            )
        connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def _check_revision(self) -> None:
        connection = self._connection
        there = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        row = None
        if there is not None and there[0] is not None:
            try:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            except self._psycopg.errors.InsufficientPrivilege:
                raise SettingsError(
                    f"the role may not read the tables of {describe(self._url)}: run the"
                    " statements that gpts-catalog sql --reader-role NAME prints"
                ) from None
        check_revision(None if row is None else str(row[0]), describe(self._url))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            raise self._meaning(error) from None

    def _meaning(self, error: Any) -> Exception:
        state = error.sqlstate or ""
        if state == "57014":
            return TimeUp(
                f"the query took longer than {self._seconds:g} s: narrow it, or give it more time"
            )
        if state == "25006":
            return InvalidSql(f"{error.diag.message_primary}: {_READ_ONLY}")
        # A value that Python has no type for, as a time without an end, has no state.
        if state[:2] in _WRONG or (not state and isinstance(error, self._psycopg.DataError)):
            return InvalidSql(f"PostgreSQL cannot run the query: {_words(error)}")
        found = translate(self._url, error)
        return found or InvalidSql(f"PostgreSQL cannot run the query: {_words(error)}")


def _words(error: Any) -> str:
    """What the server says of a statement, with its hint."""
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return f"{said} ({error.diag.message_hint})" if error.diag.message_hint else str(said)


def _plain(value: Any) -> Value:
    """A value as one of the few kinds that both engines have."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite():
            return float(value)
        return (
            int(value) if value == value.to_integral_value() and _is_whole(value) else float(value)
        )
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _is_whole(value: Decimal) -> bool:
    """Whether a number was made without decimals, as sums of whole numbers are."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= 0
