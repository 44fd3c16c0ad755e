"""``/authors`` and ``/authors/ID``: who made them, what they made, what changed of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse

from catalog.errors import UsageError
from catalog.query.authors import AUTHOR_SORTS, AuthorSort
from catalog.query.wanted import Wanted
from catalog.search.filters import Filter
from catalog.web.asking import PAGE, browsing, one_of
from catalog.web.folding import fold
from catalog.web.rendering import render, url

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.changes import ChangePage, MassEvent
    from catalog.query.reader import Reader
    from catalog.web.reading import Reading

LATEST = 12
"""Changes that an author's page shows."""


async def show_all(request: Request) -> Response:
    """The list of authors."""
    reading: Reading = request.app.state.reading
    query = request.query_params
    text, after = (query.get("q") or "").strip(), query.get("after") or None
    problem, page = None, None
    sort: AuthorSort = "gpts"
    try:
        sort = one_of("sort", query.get("sort"), AUTHOR_SORTS) or "gpts"
        page = await reading.remember(
            ("authors", text, sort, after),
            lambda reader: reader.authors(text or None, sort=sort, limit=PAGE, after=after),
        )
    except UsageError as error:
        problem = str(error)
    asked = {"q": text or None, "sort": None if sort == "gpts" else sort}
    return render(
        request,
        "authors.html",
        status_code=400 if problem else 200,
        text=text,
        page=page,
        sort=sort,
        sorts=AUTHOR_SORTS,
        problem=problem,
        next=url("/authors", **asked, after=page.after) if page else None,
        first=url("/authors", **asked) if after else None,
        take=urlencode({key: value for key, value in asked.items() if value}),
    )


async def show(request: Request) -> Response:
    """One author."""
    reading: Reading = request.app.state.reading
    who = request.path_params["user_id"]
    detail = await reading.remember(("author", who), lambda reader: reader.author(who, works=False))
    user_id = detail.author.user_id
    if user_id != who:
        return RedirectResponse(f"/authors/{quote(user_id, safe='')}", 307)
    asked = browsing(request.query_params)
    wanted = Filter(authors=(user_id,))
    gpts, (changes, events) = await asyncio.gather(
        reading.ask(
            lambda reader: reader.search(wanted, sort=asked.sort, limit=PAGE, after=asked.after)
        ),
        reading.remember(("changes of", user_id), lambda reader: _changes(reader, user_id)),
    )
    here = f"/authors/{quote(user_id, safe='')}"
    return render(
        request,
        "author.html",
        author=detail.author,
        socials=detail.socials,
        statuses=detail.statuses,
        page=gpts,
        next=url(here, sort=asked.sort, after=gpts.after),
        first=here if asked.after else None,
        days=fold(changes.items, events),
        more=changes.after is not None,
    )


def _changes(reader: Reader, user_id: str) -> tuple[ChangePage, dict[str, MassEvent]]:
    page = reader.changes_page(Wanted(author=user_id), latest=True, limit=LATEST)
    return page, reader.mass_events(sorted({each.event_id for each in page.items if each.event_id}))
