"""``/sql``: a console over the views, read-only, with a time limit; results as table and chart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from catalog.errors import CatalogError
from catalog.query.console import Stop
from catalog.query.named_queries import NamedQuery, named_queries, named_query
from catalog.query.schema import views
from catalog.web.charts import Chart, bars
from catalog.web.failing import status_of
from catalog.web.rendering import render
from catalog.wording.text import harmless, number, shorten, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.console import Parameter, Result, Value
    from catalog.query.reader import Reader
    from catalog.web.reading import Reading

ROWS = 200
"""Rows that a page shows; the downloads have all."""
CELL = 300
"""Characters of a cell."""
BARS = 40
"""Rows that are drawn."""
LOOK = 0.2
"""Seconds between two looks whether the caller is still there."""
EXAMPLE = (
    "SELECT category, COUNT(*) AS gpts FROM v_categories WHERE is_current"
    " GROUP BY category ORDER BY gpts DESC"
)
FORMS = ("CSV", "NDJSON", "Parquet")
"""The forms that a result can be taken in."""
_PARAMETER = "p."
"""What stands before a parameter of a named query in an address."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a query gave.

    Attributes:
        columns: their names.
        numeric: which columns hold numbers alone.
        rows: the cells, in words.
        truncated: whether there are more rows.
        seconds: how long it took.
        chart: its numbers, where they can be drawn.
    """

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    truncated: bool
    seconds: float
    chart: Chart | None


async def show(request: Request) -> Response:
    """The page; it runs what its address holds."""
    reading: Reading = request.app.state.reading
    query = request.query_params
    text, problem, answer, chosen = (query.get("query") or "").strip(), None, None, None
    status, values = 200, {}
    given = {
        key.removeprefix(_PARAMETER): value
        for key, value in query.items()
        if key.startswith(_PARAMETER) and value
    }
    try:
        if query.get("named"):
            chosen = named_query(query["named"])
            values = chosen.values(given)
            text = chosen.sql
        if text:
            answer = await _run(request, reading, text, values)
    except CatalogError as error:
        problem, status = str(error), int(status_of(error))
    return render(
        request,
        "sql.html",
        status_code=status,
        text=text,
        example=EXAMPLE,
        answer=answer,
        problem=problem,
        chosen=chosen,
        values=values or ({} if chosen is None else chosen.values({})),
        queries=named_queries().values(),
        views=views(),
        seconds=reading.options.sql_seconds,
        downloads=_downloads(chosen, text, given),
    )


def _downloads(
    chosen: NamedQuery | None, text: str, given: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Where the whole result is to be had, by the name of its form."""
    if chosen is None:
        path, query = "/api/sql", urlencode({"query": text})
    else:
        path = f"/api/queries/{chosen.name}"
        query = urlencode([("param", f"{name}={value}") for name, value in given.items()])
    more = f"?{query}" if query else ""
    return tuple((name, f"{path}.{name.lower()}{more}") for name in FORMS)


async def _run(
    request: Request, reading: Reading, text: str, values: Mapping[str, Parameter]
) -> Answer:
    """What a query gives; its process ends as soon as the caller goes away.

    Raises:
        CatalogError: it cannot be run, or takes too long.
    """
    stop = Stop()

    def question(reader: Reader) -> Answer:
        with reader.sql(
            text,
            seconds=reading.options.sql_seconds,
            rows=ROWS,
            parameters=values,
            stop=stop,
        ) as result:
            return _answer(result)

    async with reading.consoles:
        asked = asyncio.ensure_future(reading.ask(question))
        while not asked.done():
            await asyncio.wait({asked}, timeout=LOOK)
            if not stop.is_set and await request.is_disconnected():
                stop.set()
    return asked.result()


def _answer(result: Result) -> Answer:
    rows = list(result)
    return Answer(
        columns=tuple(harmless(str(name)) for name in result.columns),
        numeric=tuple(
            all(_is_number(row[place]) or row[place] is None for row in rows)
            for place in range(len(result.columns))
        ),
        rows=tuple(tuple(map(_cell, row)) for row in rows),
        truncated=result.truncated,
        seconds=result.seconds,
        chart=_chart(result.columns, rows),
    )


def _cell(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f"({size(len(value))})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value) if isinstance(value, int) else number(value)
    return harmless(shorten(str(value), CELL))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _chart(columns: tuple[str, ...], rows: list[tuple[Value, ...]]) -> Chart | None:
    """The first column of numbers over the first of words, where there are both."""
    shown = rows[:BARS]
    if len(shown) < 2:  # noqa: PLR2004  (a single bar tells nothing)
        return None
    words = next(
        (
            at
            for at in range(len(columns))
            if isinstance(shown[0][at], str) and len({row[at] for row in shown}) == len(shown)
        ),
        None,
    )
    numbers = next(
        (at for at in range(len(columns)) if all(_is_number(row[at]) for row in shown)), None
    )
    if words is None or numbers is None:
        return None
    name, unit = harmless(str(columns[numbers])), harmless(str(columns[words]))
    return bars(
        f"{name} by {unit}",
        {name: [float(str(row[numbers])) for row in shown]},
        [shorten(_cell(row[words]), 24) for row in shown],
        unit=unit,
        note="" if len(rows) <= BARS else f"The first {BARS} rows.",
    )
