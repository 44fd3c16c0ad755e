"""The few statements that the two engines spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    TypeDecorator,
    bindparam,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects import postgresql, sqlite
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
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


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
            return dialect.type_descriptor(postgresql.ARRAY(of))
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


def one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The condition that ``column`` is one of the values of a parameter.

    However many there are, it is one parameter and one statement: an IN list is written out anew
    for each execution, which takes longer than the look-ups do.

    Args:
        column: of text or whole numbers.
        name: of the parameter, which is given a sequence.
    """
    values: BindParameter[Any] = bindparam(name, type_=_Many(column.type))
    return _OneOf(column, values)


@compiles(_OneOf, "postgresql")
def _among_array(element: _OneOf, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(each, **more) for each in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_OneOf, "sqlite")
def _among_json(element: _OneOf, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(each, **more) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  (compiled)
