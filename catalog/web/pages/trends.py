"""``/trends``: categories and tools, growth, and whose numbers move."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from catalog.errors import UsageError
from catalog.query.movers import BY
from catalog.query.overview import changes_by_field, months
from catalog.search.filters import Filter
from catalog.times import DAY
from catalog.web.asking import one_of
from catalog.web.graphs import by_month, lately
from catalog.web.rendering import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.facets import Facet, FacetValue
    from catalog.query.overview import ChangeCount
    from catalog.query.reader import Reader
    from catalog.web.charts import Chart
    from catalog.web.reading import Reading

WINDOWS = ("7", "30", "90")
"""Days in which movers are looked for."""
MOVERS = 20
"""Movers that are shown."""
SHARES: tuple[Facet, ...] = ("category", "tool", "script", "voice")
"""Facets of which the shares are shown."""
DAYS = 30
"""Days that are drawn."""
VALUES = 10
"""Values of each."""


async def show(request: Request) -> Response:
    """The page."""
    reading: Reading = request.app.state.reading
    query = request.query_params
    now = reading.now
    try:
        by = one_of("by", query.get("by"), BY) or BY[0]
        days = int(one_of("days", query.get("days"), WINDOWS) or WINDOWS[0])
        problem = None
    except UsageError as error:
        by, days, problem = BY[0], int(WINDOWS[0]), str(error)
    today = now // DAY
    movers, (growth, kinds_of_change), facets, chart = await asyncio.gather(
        reading.remember(
            ("movers", by, days, today),
            lambda reader: reader.movers(now - days * DAY, now, by=by, limit=MOVERS),
        ),
        reading.remember("growth", _growth),
        reading.remember(
            ("shares", today), lambda reader: reader.facets(Filter(), names=SHARES, exact=True)
        ),
        reading.remember(("days", today, DAYS), lambda reader: lately(reader, now, DAYS)),
    )
    total = facets.count.number
    return render(
        request,
        "trends.html",
        status_code=400 if problem else 200,
        problem=problem,
        by=by,
        kinds=BY,
        days=days,
        windows=WINDOWS,
        movers=movers,
        charts=(*((chart,) if chart else ()), *growth),
        shares=[
            (name, _shares(facets.values.get(name, ()), total))
            for name in SHARES
            if facets.values.get(name)
        ],
        kinds_of_change=kinds_of_change,
        most_changes=max((each.changes for each in kinds_of_change), default=1),
    )


def _growth(reader: Reader) -> tuple[tuple[Chart, ...], tuple[ChangeCount, ...]]:
    grown, changed = reader.ask(lambda conn: (months(conn), changes_by_field(conn)))
    return by_month(grown), changed[:VALUES]


def _shares(
    values: tuple[FacetValue, ...], total: int
) -> tuple[tuple[tuple[FacetValue, float], ...], int]:
    """The first values with their shares of all GPTs, and how many are left out."""
    shown = tuple((each, each.count / total if total else 0.0) for each in values[:VALUES])
    return shown, len(values) - len(shown)
