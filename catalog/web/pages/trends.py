"""``/trends``: categories and tools, growth, and whose numbers move."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from catalog.errors import UsageError
from catalog.query.movers import BY
from catalog.web import counted
from catalog.web.asking import one_of
from catalog.web.rendering import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.facets import FacetValue
    from catalog.web.reading import Reading

WINDOWS = ("7", "30", "90")
"""Days in which movers are looked for."""
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
    movers, growth, facets, lately = told = await asyncio.gather(
        reading.soon(counted.movers(now, by, days)),
        reading.soon(counted.growth()),
        reading.soon(counted.shares(now)),
        reading.soon(counted.last_days(now)),
    )
    charts, kinds_of_change = growth.found or ((), ())
    values = {} if facets.found is None else facets.found.values
    total = 0 if facets.found is None else facets.found.count.number
    return render(
        request,
        "trends.html",
        status_code=400 if problem else 200,
        problem=problem,
        by=by,
        kinds=BY,
        days=days,
        windows=WINDOWS,
        movers=movers.found,
        charts=(*((lately.found,) if lately.found else ()), *charts),
        shares=[
            (name, _shares(values.get(name, ()), total))
            for name in counted.SHARES
            if values.get(name)
        ],
        kinds_of_change=kinds_of_change[:VALUES],
        is_counting=not all(each.is_known for each in told),
        age=counted.oldest(told),
        most_changes=max((each.changes for each in kinds_of_change), default=1),
    )


def _shares(
    values: tuple[FacetValue, ...], total: int
) -> tuple[tuple[tuple[FacetValue, float], ...], int]:
    """The first values with their shares of all GPTs, and how many are left out."""
    shown = tuple((each, each.count / total if total else 0.0) for each in values[:VALUES])
    return shown, len(values) - len(shown)
