"""Which address shows which page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute, Route

from catalog.errors import UsageError
from catalog.query.movers import BY
from catalog.search.filters import Filter
from catalog.web import counted
from catalog.web.asking import Browsing
from catalog.web.pages import authors, changes, gpt, gpts, overview, runs, sql, trends

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.web.options import WebOptions
    from catalog.web.reading import Asking

Page = Callable[["Request"], Awaitable["Response"]]


def pages() -> list[BaseRoute]:
    """The routes of all pages."""
    return [
        Route("/", _said(overview.show)),
        Route("/gpts", _said(gpts.show)),
        Route("/gpts/{gizmo_id}", _said(gpt.show)),
        Route("/gpts/{gizmo_id}/compare", _said(gpt.compare)),
        Route("/gpts/{gizmo_id}/raw", _said(gpt.raw)),
        Route("/authors", _said(authors.show_all)),
        Route("/authors/{user_id:path}", _said(authors.show)),
        Route("/changes", _said(changes.show)),
        Route("/trends", _said(trends.show)),
        Route("/runs", _said(runs.show)),
        Route("/sql", _said(sql.show)),
    ]


def counted_first(options: WebOptions) -> tuple[Asking[Any], ...]:
    """What the pages count over whole tables, in the order in which people come by it."""
    now = options.clock.now()
    return (
        counted.status(now),
        counted.last_days(now),
        gpts.facets(Browsing(wanted=Filter())),
        counted.shares(now),
        *(counted.movers(now, BY[0], int(days)) for days in trends.WINDOWS),
        counted.growth(),
        counted.plan(options.settings, now),
    )


def _said(show: Page) -> Page:
    """A page that is asked for in characters that there are: no engine takes U+0000."""

    @wraps(show)
    async def shown(request: Request) -> Response:
        if "\x00" in request.url.path or "%00" in request.url.query:
            raise UsageError("the address holds the character U+0000, which no text here has")
        return await show(request)

    return shown
