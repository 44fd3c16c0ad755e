"""Errors as pages: what is wrong, where, and what to do next. The API has its own form of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from catalog.errors import CatalogError, NotFound, StorageError, TimeUp, UsageError
from catalog.web import api
from catalog.web.api.problems import respond
from catalog.web.rendering import render
from catalog.web.safety import HEADERS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_STATUSES: tuple[tuple[type[CatalogError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (UsageError, HTTPStatus.BAD_REQUEST),
    (TimeUp, HTTPStatus.GATEWAY_TIMEOUT),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_TITLES = {
    HTTPStatus.NOT_FOUND: "There is no such thing here",
    HTTPStatus.BAD_REQUEST: "That cannot be understood",
    HTTPStatus.GATEWAY_TIMEOUT: "That took too long",
    HTTPStatus.SERVICE_UNAVAILABLE: "The catalog cannot be read",
    HTTPStatus.INTERNAL_SERVER_ERROR: "This program made a mistake",
}


def status_of(error: CatalogError) -> HTTPStatus:
    """The status of HTTP that says what an error says."""
    return next(
        (status for kind, status in _STATUSES if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


async def show_error(request: Request, error: Exception) -> Response:
    """An error that was raised on purpose."""
    status = (
        status_of(error) if isinstance(error, CatalogError) else HTTPStatus.INTERNAL_SERVER_ERROR
    )
    return _page(request, status, str(error))


async def show_status(request: Request, error: Exception) -> Response:
    """An address that nothing answers."""
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    return _page(request, status, f"Nothing stands at {request.url.path}.")


async def show_fault(request: Request, _error: Exception) -> Response:
    """An error that nobody meant: the server's log has it, and strangers are told nothing of it."""
    if api.owns(request.url.path):
        answer = respond("fault", "the terminal that runs gpts-catalog serve says more")
    else:
        answer = _page(
            request,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The terminal that runs gpts-catalog serve says more; please report it.",
        )
    # Given outside of what marks all other answers.
    answer.headers.update({"Cache-Control": "no-store", **HEADERS})
    return answer


def _page(request: Request, status: HTTPStatus, message: str) -> Response:
    title = _TITLES.get(status, status.phrase)
    return render(
        request,
        "error.html",
        status_code=int(status),
        title=title,
        message=message,
        code=int(status),
    )
