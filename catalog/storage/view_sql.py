"""How a view is declared, and the statements that make it on each engine.

A view's SQL is written once. What the engines spell differently stands in it as a macro, ``@`` and
a name before brackets:

``@moment(x)``
    Microseconds as ISO text of one width on SQLite, so that it sorts; as timestamptz on PostgreSQL.
``@day(x)``, ``@month(x)``
    The UTC day and month as text, ``2024-02-13`` and ``2024-02``.
``@year(x)``, ``@daynum(x)``
    The UTC year, and the days since 1970-01-01, as whole numbers.
``@list(x; y)``
    The different values of column x of the rows ``y`` (``FROM … WHERE …``), sorted, by commas.
``@hex(x)``
    Bytes as hexadecimal digits.
``@code(x)``
    A text of our own making, which sorts by code point as all others do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

EngineName = Literal["sqlite", "postgresql"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_MACRO = re.compile(r"@([a-z]+)\(")
_FORMATS = {"day": ("%Y-%m-%d", "YYYY-MM-DD"), "month": ("%Y-%m", "YYYY-MM"), "year": ("%Y", "")}


class ViewColumn(msgspec.Struct, frozen=True):
    """A column of a view.

    Attributes:
        name: its name.
        sql: its expression, with macros.
        comment: what it says, for the data dictionary.
    """

    name: str
    sql: str
    comment: str


class View(msgspec.Struct, frozen=True):
    """A view.

    Attributes:
        name: its name.
        comment: what it is for.
        columns: what it shows.
        source: where from: FROM and what follows.
    """

    name: str
    comment: str
    columns: tuple[ViewColumn, ...]
    source: str

    def statements(self, engine: EngineName) -> list[str]:
        """What makes the view, with its comments where the engine keeps them."""
        shown = ",\n".join(f"  {each.sql} AS {each.name}" for each in self.columns)
        made = expand(f"CREATE VIEW {self.name} AS\nSELECT\n{shown}\n{self.source}", engine)
        if engine == "sqlite":
            return [made]
        return [
            made,
            f"COMMENT ON VIEW {self.name} IS {_quoted(self.comment)}",
            *(
                f"COMMENT ON COLUMN {self.name}.{each.name} IS {_quoted(each.comment)}"
                for each in self.columns
            ),
        ]


def expand(sql: str, engine: EngineName) -> str:
    """``sql`` with its macros spelled as ``engine`` wants them."""
    found = _MACRO.search(sql)
    while found is not None:
        end = _closing(sql, found.end())
        inner = expand(sql[found.end() : end], engine)
        sql = sql[: found.start()] + _MACROS[engine][found[1]](inner) + sql[end + 1 :]
        found = _MACRO.search(sql)
    return sql


def _closing(sql: str, start: int) -> int:
    """Where the bracket closes that was opened just before ``start``."""
    depth = 1
    for at in range(start, len(sql)):
        depth += (sql[at] == "(") - (sql[at] == ")")
        if not depth:
            return at
    raise ValueError(f"a bracket is not closed: {sql}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _below(x: str, unit: int) -> str:
    """What is left of ``x`` over whole units; never negative, for times before 1970 exist too."""
    return f"(({x}) % {unit} + {unit}) % {unit}"


def _whole(x: str, unit: int) -> str:
    return f"((({x}) - {_below(x, unit)}) / {unit})"


def _sqlite_format(name: str) -> Callable[[str], str]:
    return lambda x: f"strftime('{_FORMATS[name][0]}', {_whole(x, _SECOND)}, 'unixepoch')"


def _sqlite_moment(x: str) -> str:
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S', {_whole(x, _SECOND)}, 'unixepoch')"
    return f"({seconds} || printf('.%06dZ', {_below(x, _SECOND)}))"


def _sqlite_list(inner: str) -> str:
    column, rows = (each.strip() for each in inner.split(";"))
    # The order of group_concat is that of its rows; ORDER BY inside it came with SQLite 3.44.
    members = f"SELECT DISTINCT {column} AS member {rows} ORDER BY 1"
    return f"(SELECT group_concat(member, ', ') FROM ({members}))"  # noqa: S608  (our own words)


def _postgres_list(inner: str) -> str:
    column, rows = (each.strip() for each in inner.split(";"))
    return f"(SELECT string_agg(DISTINCT {column}, ', ' ORDER BY {column}) {rows})"


def _postgres_moment(x: str) -> str:
    return f"(TIMESTAMPTZ '1970-01-01 00:00:00+00' + ({x}) * INTERVAL '1 microsecond')"


def _postgres_format(name: str) -> Callable[[str], str]:
    form = _FORMATS[name][1]
    return lambda x: f"(to_char({_postgres_moment(x)} AT TIME ZONE 'UTC', '{form}') COLLATE \"C\")"


_MACROS: dict[EngineName, dict[str, Callable[[str], str]]] = {
    "sqlite": {
        "moment": _sqlite_moment,
        "day": _sqlite_format("day"),
        "month": _sqlite_format("month"),
        "year": lambda x: f"CAST({_sqlite_format('year')(x)} AS INTEGER)",
        "daynum": lambda x: _whole(x, _DAY),
        "list": _sqlite_list,
        "hex": lambda x: f"lower(hex({x}))",
        "code": lambda x: f"({x})",
    },
    "postgresql": {
        "moment": _postgres_moment,
        "day": _postgres_format("day"),
        "month": _postgres_format("month"),
        "year": lambda x: (
            f"CAST(extract(year FROM {_postgres_moment(x)} AT TIME ZONE 'UTC') AS INTEGER)"
        ),
        "daynum": lambda x: _whole(x, _DAY),
        "list": _postgres_list,
        "hex": lambda x: f"(encode({x}, 'hex') COLLATE \"C\")",
        "code": lambda x: f'(({x}) COLLATE "C")',
    },
}
