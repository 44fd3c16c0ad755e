"""Errors as RFC 9457 has them: typed, so that a program can tell them apart, and said in words."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from catalog.errors import (
    CatalogBusy,
    CatalogError,
    InvalidCursor,
    InvalidFilter,
    InvalidQuery,
    InvalidReference,
    InvalidSql,
    NotFound,
    SettingsError,
    Stopped,
    StorageError,
    TimeUp,
    UsageError,
)
from catalog.web.api.encoding import encode

TYPE = "application/problem+json"
_URN = "urn:gpts-catalog:problem:"
_RETRY = "5"
"""Seconds after which what was busy may be asked again."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of problem.

    Attributes:
        status: of HTTP.
        title: what it is, the same for all of its kind.
    """

    status: HTTPStatus
    title: str


KINDS: dict[str, Kind] = {
    "unknown-parameter": Kind(HTTPStatus.BAD_REQUEST, "There is no such parameter"),
    "missing-parameter": Kind(HTTPStatus.BAD_REQUEST, "A parameter is missing"),
    "invalid-parameter": Kind(HTTPStatus.BAD_REQUEST, "A value is not as declared"),
    "invalid-filter": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "A condition makes no sense"),
    "invalid-query": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The search text is not understood"),
    "invalid-cursor": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is of no such page"),
    "invalid-reference": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "That names no GPT"),
    "invalid-sql": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The SQL cannot be run"),
    "invalid-request": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "That makes no sense together"),
    "time-up": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The query takes too long"),
    "stopped": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The query was stopped"),
    "token-needed": Kind(HTTPStatus.UNAUTHORIZED, "A token is needed"),
    "not-found": Kind(HTTPStatus.NOT_FOUND, "There is no such thing here"),
    "not-allowed": Kind(HTTPStatus.METHOD_NOT_ALLOWED, "Nothing is changed here"),
    "wrong-host": Kind(HTTPStatus.MISDIRECTED_REQUEST, "This server has another name"),
    "too-long": Kind(HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long"),
    "busy": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Somebody else is at it"),
    "catalog-unusable": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "The catalog cannot be read"),
    "not-set-up": Kind(HTTPStatus.NOT_IMPLEMENTED, "This server is not set up for that"),
    "fault": Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "This program made a mistake"),
}
"""The kinds there are, by the name that ends their ``type``."""

_OF_ERRORS: tuple[tuple[type[CatalogError], str], ...] = (
    (NotFound, "not-found"),
    (InvalidReference, "invalid-reference"),
    (InvalidQuery, "invalid-query"),
    (InvalidFilter, "invalid-filter"),
    (InvalidCursor, "invalid-cursor"),
    (InvalidSql, "invalid-sql"),
    (UsageError, "invalid-request"),
    (TimeUp, "time-up"),
    (Stopped, "stopped"),
    (SettingsError, "not-set-up"),
    (CatalogBusy, "busy"),
    (StorageError, "catalog-unusable"),
)


class Refused(CatalogError):
    """A request that is not as the description of the API says.

    Args:
        kind: of :data:`KINDS`.
        detail: what is wrong, and what to do next.
        status: of HTTP; None: its kind's.
        parameter: the parameter that it is about.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        status: HTTPStatus | None = None,
        parameter: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status = status or KINDS[kind].status
        self.parameter = parameter


_Type = Annotated[
    str,
    Meta(
        description="Which kind of problem it is.",
        extra_json_schema={"enum": [_URN + name for name in KINDS]},
    ),
]


class Problem(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What went wrong (RFC 9457)."""

    type: _Type
    title: Annotated[str, Meta(description="The kind in words.")]
    status: Annotated[int, Meta(description="The status of HTTP.")]
    detail: Annotated[str, Meta(description="What is wrong here, where, and what to do next.")]
    parameter: Annotated[str, Meta(description="The parameter that it is about.")] | None = None
    position: (
        Annotated[int, Meta(description="The character of the text that it is about, from 1.")]
        | None
    ) = None


def kind_of(error: CatalogError, *, in_path: bool = False) -> tuple[str, HTTPStatus]:
    """The kind of problem that an error is, and the status that says so.

    Args:
        error: the error.
        in_path: whether the path names a GPT: then one that names none leads nowhere.
    """
    if isinstance(error, Refused):
        return error.kind, error.status
    name = next((name for kind, name in _OF_ERRORS if isinstance(error, kind)), "fault")
    if in_path and isinstance(error, InvalidReference):
        return name, HTTPStatus.NOT_FOUND
    return name, KINDS[name].status


def problem(error: CatalogError, *, in_path: bool = False) -> Response:
    """An error as an answer."""
    name, status = kind_of(error, in_path=in_path)
    parameter = getattr(error, "parameter", None)
    if isinstance(error, InvalidFilter):
        parameter = error.key
    return respond(
        name,
        str(error),
        status=status,
        parameter=parameter,
        position=getattr(error, "position", None),
    )


def respond(
    name: str,
    detail: str,
    *,
    status: HTTPStatus | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem as an answer.

    Args:
        name: of :data:`KINDS`.
        detail: what is wrong, and what to do next.
        status: of HTTP; None: its kind's.
        headers: further ones.
        more: members of :class:`Problem`.
    """
    kind = KINDS[name]
    status = status or kind.status
    said = Problem(type=_URN + name, title=kind.title, status=int(status), detail=detail, **more)
    found = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        found["Retry-After"] = _RETRY
    body = encode(msgspec.to_builtins(said))
    return Response(body, status, media_type=TYPE, headers={**found, "Cache-Control": "no-store"})
