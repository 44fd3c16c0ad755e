"""The few statements that the two engines spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    TableValuedAlias,
    TypeDecorator,
    bindparam,
    column,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from catalog.storage.driver_errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Executable


def insert_or(conn: Connection, table: Table) -> Any:
    """An INSERT into ``table`` that knows ``on_conflict_do_nothing`` and ``…_do_update``."""
    if conn.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415  (slow, and for its users)

        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_new(conn: Connection, table: Table) -> Any:
    """An INSERT that leaves rows alone which are there already."""
    return insert_or(conn, table).on_conflict_do_nothing()


def raw_rows(
    conn: Connection, query: Executable, given: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """All rows as the driver has them: of thousands, SQLAlchemy's take longer than the engine.

    Args:
        conn: the catalog.
        query: selects texts and numbers alone, which no type has to read.
        given: its parameters.
    """
    cursor: Any = conn.execute(query, given).cursor
    with translated(conn.engine.url):
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


class _Many(TypeDecorator[Any]):
    """Many values in one parameter: an array on PostgreSQL, a JSON array on SQLite."""

    impl = TextType
    cache_ok = True

    def __init__(self, type_: TypeEngine[Any]) -> None:
        super().__init__()
        self.numbers = isinstance(type_, BigInteger) or issubclass(type_.python_type, int)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the driver is given."""
        if dialect.name == "postgresql":
            of: TypeEngine[Any] = BigInteger() if self.numbers else TextType()
            return dialect.type_descriptor(ARRAY(of))
        return dialect.type_descriptor(TextType())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The values as the driver takes them."""
        return list(value) if dialect.name == "postgresql" else msgspec.json.encode(value).decode()


class _OneOf(FunctionElement[bool]):
    """See :func:`one_of`."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> _OneOf:  # noqa: ARG002  (as declared)
        """Nothing around it: as another function it would be compared with 1 on SQLite."""
        return self


def one_of(sought: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The condition that ``sought`` is one of the values of a parameter.

    However many there are, it is one parameter and one statement: an IN list is written out anew
    for each execution, which takes longer than the look-ups do.

    Args:
        sought: a column of text or whole numbers.
        name: of the parameter, which is given a sequence.
    """
    values: BindParameter[Any] = bindparam(name, type_=_Many(sought.type))
    return _OneOf(sought, values)


class _EachOf(FunctionElement[Any]):
    """See :func:`each_of`."""

    inherit_cache = True


def each_of(name: str) -> TableValuedAlias:
    """The table whose rows are the texts of a parameter.

    Args:
        name: of the parameter, which is given a sequence.

    Returns:
        A table of one column, ``value``.
    """
    values: BindParameter[Any] = bindparam(name, type_=_Many(TextType()))
    # PostgreSQL calls the one column of such a table as the table is called.
    return _EachOf(values).table_valued(column("value", TextType()), name="value")


@compiles(_EachOf, "postgresql")
def _each_of_array(element: _EachOf, compiler: SQLCompiler, **more: Any) -> str:
    return f"unnest({compiler.process(element.clauses, **more)})"


@compiles(_EachOf, "sqlite")
def _each_of_json(element: _EachOf, compiler: SQLCompiler, **more: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **more)})"


@compiles(_OneOf, "postgresql")
def _among_array(element: _OneOf, compiler: SQLCompiler, **more: Any) -> str:
    sought, values = (compiler.process(each, **more) for each in element.clauses)
    return f"{sought} = ANY ({values})"


@compiles(_OneOf, "sqlite")
def _among_json(element: _OneOf, compiler: SQLCompiler, **more: Any) -> str:
    sought, values = (compiler.process(each, **more) for each in element.clauses)
    return f"{sought} IN (SELECT value FROM json_each({values}))"  # noqa: S608  (compiled)
