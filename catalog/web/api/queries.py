"""Operations in SQL: the queries that ship, and one's own, read-only and within a time."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from catalog.errors import InvalidSql
from catalog.query.console import Parameter, Result, Stop
from catalog.query.named_queries import NamedQuery, named_queries, named_query
from catalog.web.api.operations import Asked, Operation
from catalog.web.api.parameters import Name
from catalog.web.api.shapes import Shape
from catalog.web.api.whole import Nothing
from catalog.web.api.wire import wire
from catalog.wording.rows import plain

MOST_ROWS = 1_000
"""Rows of an answer in JSON, unless fewer are asked for."""
MOST_BYTES = 8 * 2**20
"""Characters of an answer in JSON, at most: then it is cut as well."""
LONGEST = 20_000
"""Characters of a query: an address holds no more."""

_Param = Annotated[
    tuple[
        Annotated[str, Meta(max_length=500, pattern="^[A-Za-z_][A-Za-z0-9_]*:?=[^\\u0000]*$")],
        ...,
    ],
    Meta(
        max_length=20,
        description=(
            "`NAME=VALUE`, the text for `:NAME` in the query; `NAME:=VALUE` for a number, true or"
            " false."
        ),
    ),
]


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Which query."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST,
            pattern="^[^\\u0000]*$",
            description="One SELECT over the views and tables; see docs/data-dictionary.md.",
            examples=["SELECT count(*) AS gpts FROM v_gpts"],
        ),
    ]
    param: _Param = ()
    rows: Annotated[int, Meta(ge=1, le=10_000, description="Rows, at most.")] = MOST_ROWS


class RunningNamed(msgspec.Struct, frozen=True, kw_only=True):
    """Which query that ships."""

    name: Annotated[Name, Meta(description="As `/api/queries` names it.")]
    param: _Param = ()
    rows: Annotated[int, Meta(ge=1, le=10_000, description="Rows, at most.")] = MOST_ROWS


class ResultSaid(Shape, frozen=True, kw_only=True):
    """What a query gives."""

    columns: Annotated[
        list[str], Meta(description="The names of the columns; they need not differ.")
    ]
    rows: Annotated[
        list[list[Any]], Meta(description="The rows. Bytes are in hex, moments in ISO 8601.")
    ]
    truncated: Annotated[bool, Meta(description="Whether rows were left out for a limit.")]
    seconds: Annotated[float, Meta(description="How long it took.")]


_QUERY = wire(NamedQuery)


def statement(question: Any) -> tuple[str, dict[str, Parameter]]:
    """The statement that is asked for, and the values of its parameters.

    Raises:
        UsageError: there is no such query, or a value cannot be read.
    """
    if isinstance(question, RunningNamed):
        named = named_query(question.name)
        values = dict(each.split("=", 1) for each in question.param)
        return named.sql, named.values({name.removesuffix(":"): v for name, v in values.items()})
    return question.query, dict(_value(each) for each in question.param)


def run(asked: Asked, stop: Stop, rows: int | None) -> Result:
    """Begin the query that is asked for.

    Args:
        asked: the question.
        stop: ends it.
        rows: how many, at most.
    """
    text, parameters = statement(asked.question)
    seconds = asked.options.sql_seconds
    return asked.reader.sql(text, seconds=seconds, rows=rows, parameters=parameters, stop=stop)


def answer(asked: Asked, stop: Stop) -> dict[str, Any]:
    """The rows of a query, as far as an answer holds them."""
    found: list[list[Any]] = []
    size = 0
    with run(asked, stop, asked.question.rows) as result:
        for row in result:
            size += sum(len(each) if isinstance(each, str | bytes) else 8 for each in row)
            if found and size > MOST_BYTES:
                break
            found.append([plain(each) for each in row])
        truncated = result.truncated or size > MOST_BYTES
    return {
        "columns": list(result.columns),
        "rows": found,
        "truncated": truncated,
        "seconds": round(result.seconds, 6),
    }


def _value(said: str) -> tuple[str, Parameter]:
    before, _, text = said.partition("=")
    if not before.endswith(":"):
        return before, text
    try:
        return before[:-1], msgspec.json.decode(text, type=int | float | bool)
    except msgspec.MsgspecError:
        raise InvalidSql(
            f"param {said}: {text!r} is no number, true or false; with = in place of := it is"
            " taken as text"
        ) from None


def _list(_: Asked) -> list[dict[str, Any]]:
    return [_QUERY.plain(each) for each in named_queries().values()]


OPERATIONS = (
    Operation(
        name="listQueries",
        group="SQL",
        path="/api/queries",
        summary="The queries that ship, with what each is for.",
        question=Nothing,
        answer=list[_QUERY.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_list,
    ),
)
CONSOLE = (
    Operation(
        name="runSql",
        group="SQL",
        path="/api/sql",
        summary="Run one statement that reads, within a time.",
        description="Closing the connection stops it.",
        question=Running,
        answer=ResultSaid,
        ask=lambda asked: answer(asked, Stop()),
        lasts="never",
    ),
    Operation(
        name="runQuery",
        group="SQL",
        path="/api/queries/{name}",
        summary="Run a query that ships.",
        description="Closing the connection stops it.",
        question=RunningNamed,
        answer=ResultSaid,
        ask=lambda asked: answer(asked, Stop()),
        lasts="never",
    ),
)
"""Those that can be stopped, and have rows of any kind."""
