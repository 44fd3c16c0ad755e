"""``/``: what the catalog holds, how fresh it is, what changed lately, what runs next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from catalog.health.line import headline
from catalog.query.wanted import Wanted
from catalog.search.filters import STATUSES, Filter
from catalog.web import counted
from catalog.web.folding import fold
from catalog.web.rendering import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.changes import ChangePage, MassEvent
    from catalog.query.reader import Reader
    from catalog.web.reading import Reading

LATEST = 60
"""Changes that are looked at for the latest news."""
BLOCKS = 7
"""Of them, what is shown once they are folded."""
POPULAR = 6
"""GPTs with most conversations that are shown."""


async def show(request: Request) -> Response:
    """The page."""
    reading: Reading = request.app.state.reading
    now = reading.now
    health, standing, chart, (page, events), popular = await asyncio.gather(
        reading.health(),
        reading.soon(counted.status(now)),
        reading.soon(counted.last_days(now)),
        reading.ask(_latest),
        reading.ask(lambda reader: reader.search(Filter(statuses=("listed",)), limit=POPULAR)),
    )
    left, shown = BLOCKS, []
    for day in fold(page.items, events):
        kept = day.blocks[:left]
        left -= len(kept)
        if kept:
            shown.append((day, kept))
    status = standing.found
    holds = None if status is None else status.holdings
    seen = {} if status is None else status.seen
    total = 0 if holds is None else sum(holds.gpts.values())
    return render(
        request,
        "overview.html",
        health=health,
        headline=headline(health),
        holds=holds,
        by_status=[(word, holds.gpts[word]) for word in STATUSES if word in holds.gpts]
        if holds
        else [],
        total=total,
        status=status,
        ages=[(word, number, number / total if total else 0.0) for word, number in seen.items()],
        chart=chart.found,
        is_counting=not (standing.is_known and chart.is_known),
        age=counted.oldest((standing, chart)),
        latest=shown,
        popular=popular.items,
        coming=health.coming[:6],
    )


def _latest(reader: Reader) -> tuple[ChangePage, dict[str, MassEvent]]:
    page = reader.changes_page(Wanted(), latest=True, limit=LATEST)
    return page, reader.mass_events(sorted({each.event_id for each in page.items if each.event_id}))
