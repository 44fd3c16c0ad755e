"""``/changes``: what changed, the latest first, with flaps and mass events folded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from catalog.errors import UsageError
from catalog.fields import FIELDS, LISTS, STATUS
from catalog.query.wanted import CLASSES, Wanted
from catalog.times import DAY
from catalog.web import counted
from catalog.web.asking import KINDS, changes_query, changes_wanted, shortest
from catalog.web.folding import fold
from catalog.web.reading import Told
from catalog.web.rendering import render, url
from catalog.wording.changes import label

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.changes import ChangePage, MassEvent
    from catalog.query.reader import Reader
    from catalog.web.reading import Reading

PAGE = 30
"""Changes of a page; folds make them fewer lines."""
_FIELDS = (
    (STATUS, STATUS),
    *((each.path, label(each.path)) for each in FIELDS if each.cls in {"content", "platform"}),
    *((each.path, label(each.path)) for each in LISTS),
)


async def show(request: Request) -> Response:
    """The page."""
    reading: Reading = request.app.state.reading
    query = request.query_params
    after, now = query.get("after") or None, reading.now
    problem = None
    try:
        wanted = changes_wanted(query)
        (page, events), chart = await asyncio.gather(
            reading.ask(lambda reader: _page(reader, wanted, after)),
            reading.soon(counted.last_days(now)),
        )
    except UsageError as error:
        wanted, page, events, chart, problem = Wanted(), None, {}, Told(None), str(error)
    asked = changes_query(wanted)
    return render(
        request,
        "changes.html",
        status_code=400 if problem else 200,
        problem=problem,
        wanted=wanted,
        since="" if wanted.since is None else shortest(wanted.since)[:10],
        until="" if wanted.until is None else shortest(wanted.until, end_of_day=True)[:10],
        days=fold(page.items, events, all_single=wanted.everything) if page else (),
        more=page.after if page else None,
        next=f"/changes?{'&'.join(filter(None, (asked, urlencode({'after': page.after}))))}"
        if page and page.after
        else None,
        first=url("/changes") + (f"?{asked}" if asked else "") if after else None,
        chart=None if asked or after else chart.found,
        is_counting=not (asked or after or chart.is_known),
        age=None if asked or after else chart.age,
        fields=_FIELDS,
        classes=CLASSES,
        kinds=KINDS,
        asked=asked,
        recent=[
            (name, url("/changes", since=shortest((now // DAY - back) * DAY)))
            for name, back in (("today", 0), ("last 7 days", 6), ("last 30 days", 29))
        ],
    )


def _page(
    reader: Reader, wanted: Wanted, after: str | None
) -> tuple[ChangePage, dict[str, MassEvent]]:
    page = reader.changes_page(wanted, latest=True, after=after, limit=PAGE)
    named = sorted({each.event_id for each in page.items if each.event_id})
    return page, reader.mass_events(named)
