"""The JSON API, its description, feeds and downloads: over the same calls as the pages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute, Route

from catalog.web.api import authors, changed, encoding, feeds, gpts, openapi, queries, ran, whole
from catalog.web.api.original import ORIGINAL, OriginalBytes
from catalog.web.api.problems import respond
from catalog.web.api.serving import (
    Console,
    Download,
    Endpoint,
    Json,
    Shared,
    Static,
    refusal,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from catalog.web.api.operations import Operation

__all__ = ["CONSOLE", "OPERATIONS", "describe", "owns", "routes"]

DESCRIPTION = "/openapi.json"
_OTHERS: tuple[Operation, ...] = (
    *gpts.OPERATIONS,
    *changed.OPERATIONS,
    *authors.OPERATIONS,
    *whole.OPERATIONS,
    *ran.OPERATIONS,
    *queries.OPERATIONS,
)
CONSOLE = queries.CONSOLE
"""The operations that run SQL."""
OPERATIONS: tuple[Operation, ...] = (whole.about((*_OTHERS, ORIGINAL, *CONSOLE)), *_OTHERS)
"""The operations that answer in JSON."""


def owns(path: str) -> bool:
    """Whether a path is the API's: its errors are problems there, and no pages."""
    return path in {"/api", DESCRIPTION} or path.startswith(("/api/", "/feeds/"))


@cache
def describe() -> dict[str, Any]:
    """The description of the API, as OpenAPI has it."""
    return openapi.description(OPERATIONS, ORIGINAL, CONSOLE)


def routes() -> list[BaseRoute]:
    """The routes, with their whole paths."""
    shared = Shared()
    # A file's name has a point in it, as a name in a path may.
    endpoints: list[Endpoint] = [
        Download(each, shared) for each in (*OPERATIONS, *CONSOLE) if each.rows or each in CONSOLE
    ]
    endpoints += [Json(each, shared) for each in OPERATIONS]
    endpoints += [Console(each, shared) for each in CONSOLE]
    endpoints += [OriginalBytes()]
    endpoints += [feeds.FeedOfChanges(path, shared.answers) for path in feeds.FORMS]
    endpoints += [
        Static(DESCRIPTION, whole.Nothing, lambda: encoding.encode(describe()), encoding.TYPE)
    ]
    return [
        *(Route(each.path, each) for each in endpoints),
        *(Route(f"{prefix}/{{rest:path}}", _nothing) for prefix in ("/api", "/feeds")),
    ]


class _Nothing:
    """Says that nothing stands at a path of the API."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        found = refusal(scope) or respond(
            "not-found", f"nothing stands at {scope['path']}: {DESCRIPTION} says what does"
        )
        await found(scope, receive, send)


_nothing = _Nothing()
