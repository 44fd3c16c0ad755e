"""Statements that are written out once for each engine, and handed to its driver as they are.

SQLAlchemy takes some 25 µs for each execution of a statement that it has compiled before: more than
a look-up itself takes, of which one GPT needs twenty. What is asked thousands of times a minute is
asked this way; everything else is asked through SQLAlchemy.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
from sqlalchemy import Boolean

from catalog.storage.driver_errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Dialect, Select


class _Written(NamedTuple):
    """A statement as an engine's driver takes it.

    Attributes:
        text: the statement.
        order: the names of its parameters in their places; None: they go by name.
        values: those that the statement itself gives.
        booleans: the columns that SQLite has as numbers.
    """

    text: str
    order: tuple[str, ...] | None
    values: dict[str, Any]
    booleans: tuple[int, ...]


class Prepared:
    """A query that is asked again and again.

    Args:
        query: what is asked. Parameters are texts and numbers, or those of
            :func:`catalog.storage.dialects.one_of`, which stands for each ``IN``, and of
            :func:`catalog.storage.dialects.each_of`; columns are of types that the drivers read by
            themselves, or booleans.
    """

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._written: dict[str, _Written] = {}

    def rows(self, conn: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows.

        Args:
            conn: the catalog, in a transaction.
            given: the parameters.

        Raises:
            StorageError: the catalog cannot be used.
        """
        written = self._written.get(conn.dialect.name)
        if written is None:
            written = self._written[conn.dialect.name] = _write(self._query, conn.dialect)
        values: Any = {**written.values, **given}
        if written.order is not None:
            values = tuple(
                [
                    msgspec.json.encode(value).decode()
                    if isinstance(value, list | tuple)
                    else value
                    for value in map(values.__getitem__, written.order)
                ]
            )
        cursor = conn.connection.cursor()
        for listener in conn.dispatch.before_cursor_execute:
            listener(conn, cursor, written.text, values, None, False)  # noqa: FBT003  (as declared)
        with closing(cursor), translated(conn.engine.url):
            cursor.execute(written.text, values)
            found = cast("list[tuple[Any, ...]]", cursor.fetchall())
        return [_read(row, written.booleans) for row in found] if written.booleans else found


def _write(query: Select[Any], dialect: Dialect) -> _Written:
    compiled = query.compile(dialect=dialect)
    order = getattr(compiled, "positiontup", None)
    is_number = dialect.name == "sqlite"
    return _Written(
        text=str(compiled),
        order=None if order is None else tuple(order),
        values={name: value for name, value in compiled.params.items() if value is not None},
        booleans=tuple(
            at
            for at, column in enumerate(query.selected_columns)
            if is_number and isinstance(column.type, Boolean)
        ),
    )


def _read(row: tuple[Any, ...], booleans: tuple[int, ...]) -> tuple[Any, ...]:
    values = list(row)
    for at in booleans:
        if values[at] is not None:
            values[at] = bool(values[at])
    return tuple(values)
