"""Operations on GPTs: search, count, facets, and all of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from catalog.query.facets import FACETS, Facet, Facets
from catalog.query.found import Count, Found, Page
from catalog.query.metrics import Metrics
from catalog.references import parse_reference
from catalog.search.filters import Sort
from catalog.times import to_iso
from catalog.web.api.filtering import filtered, wanted
from catalog.web.api.operations import Asked, Operation, Rows
from catalog.web.api.parameters import Cursor, Day, Flag, Limit, Name, Text
from catalog.web.api.shapes import ChangeSaid, GptHistory, GptNow
from catalog.web.api.wire import Moment, Wire, same, wire
from catalog.wording.tojson import gizmo_json, history_json

Ref = Annotated[
    Name,
    Meta(description="The GPT: its id, short URL or model name.", examples=["g-Made1UpId"]),
]
At = Annotated[Day, Meta(description="As of then; a date means its end.")] | None
KnownAt = Annotated[Day, Meta(description="As it was known then; a date means its end.")] | None


class Searching(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for."""

    sort: (
        Annotated[Sort, Meta(description="The order; else by relevance or conversations.")] | None
    ) = None
    limit: Limit = 50
    after: Cursor | None = None
    at: At = None


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted."""

    exact: Annotated[Flag, Meta(description="1: count to the end, however long it takes.")] = "0"
    at: At = None


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """Which facets are counted."""

    facet: Annotated[
        tuple[Facet, ...], Meta(max_length=8, description="These facets alone; else all.")
    ] = ()
    exact: Annotated[Flag, Meta(description="1: count to the end, however long it takes.")] = "0"
    at: At = None


class Resolving(msgspec.Struct, frozen=True, kw_only=True):
    """Which GPT is meant."""

    ref: Annotated[Text, Meta(description="Anything that names a GPT: an address too.")]


class Getting(msgspec.Struct, frozen=True, kw_only=True):
    """Which GPT, and as of when."""

    ref: Ref
    at: At = None
    known_at: KnownAt = None


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Whose history, and until when."""

    ref: Ref
    until: Annotated[Day, Meta(description="Nothing of later.")] | None = None
    known_at: KnownAt = None


class Measuring(msgspec.Struct, frozen=True, kw_only=True):
    """Whose numbers, and until when."""

    ref: Ref
    until: Annotated[Day, Meta(description="No point of later.")] | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The GPT that a reference names; the catalog need not know it."""

    gizmo_id: Annotated[str, Meta(description="Its id.")]


class NumberRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number at a moment."""

    gizmo_id: Annotated[str, Meta(description="The GPT.")]
    said_at: Annotated[Moment, Meta(description="When it was said.")]
    source: Annotated[str, Meta(description="Who said it.")]
    kind: Annotated[
        Literal["vanity", "source"],
        Meta(description="Of the GPT itself, or a counter of the gateway's own."),
    ]
    number: Annotated[str, Meta(description="Which number.")]
    value: Annotated[Any, Meta(description="What it is.")]
    moved: Annotated[float, Meta(description="What it moved by since the point before.")] | None


_PAGE, _FOUND, _COUNT, _FACETS = wire(Page), wire(Found), wire(Count), wire(Facets)
_METRICS = wire(Metrics)


def _search(asked: Asked) -> Any:
    q = asked.question
    page = asked.reader.search(
        wanted(q), sort=q.sort, limit=q.limit, after=q.after or None, at=q.at
    )
    return _PAGE.plain(page)


def _every(asked: Asked) -> Iterable[dict[str, Any]]:
    q = asked.question
    return map(_FOUND.plain, asked.reader.iterate(wanted(q), sort=q.sort, at=q.at))


def _count(asked: Asked) -> Any:
    q = asked.question
    some: dict[str, Any] = {"limit": None} if q.exact == "1" else {}
    return _COUNT.plain(asked.reader.count(wanted(q), at=q.at, **some))


def _facets(asked: Asked) -> Any:
    q = asked.question
    names = tuple(dict.fromkeys(q.facet)) or FACETS
    return _FACETS.plain(asked.reader.facets(wanted(q), names=names, exact=q.exact == "1", at=q.at))


def _numbers(asked: Asked) -> Iterable[dict[str, Any]]:
    found = asked.reader.metrics(asked.question.ref, until=asked.question.until)
    series = [("vanity", found.points), *(("source", each) for each in found.stats.values())]
    for kind, points in series:
        for point in points:
            for name, value in point.numbers.values.items():
                yield {
                    "gizmo_id": found.gizmo_id,
                    "said_at": to_iso(point.numbers.at),
                    "source": point.numbers.source,
                    "kind": kind,
                    "number": name,
                    "value": value,
                    "moved": point.moved.get(name),
                }


def _get(asked: Asked) -> Any:
    q = asked.question
    return gizmo_json(asked.reader.get(q.ref, at=q.at, known_at=q.known_at))


def _history(asked: Asked) -> dict[str, Any]:
    q = asked.question
    return history_json(asked.reader.history(q.ref, until=q.until, known_at=q.known_at))


def _history_rows(asked: Asked) -> Iterable[dict[str, Any]]:
    yield from _history(asked)["changes"]


OPERATIONS = (
    Operation(
        name="searchGpts",
        group="GPTs",
        path="/api/gpts",
        summary="Browse and search GPTs.",
        description=(
            "All conditions must hold; one that may be given several times is met by any or by all"
            " of its values, as it says. Without any, all GPTs."
        ),
        question=filtered(Searching),
        answer=_PAGE.type,
        ask=_search,
        rows=Rows(each=_FOUND, all=_every),
    ),
    Operation(
        name="countGpts",
        group="GPTs",
        path="/api/count",
        summary="Count GPTs.",
        question=filtered(Counting),
        answer=_COUNT.type,
        ask=_count,
    ),
    Operation(
        name="countFacets",
        group="GPTs",
        path="/api/facets",
        summary="Count GPTs by category, tool, tag, author, status, voice, script and year.",
        question=filtered(Narrowing),
        answer=_FACETS.type,
        ask=_facets,
    ),
    Operation(
        name="resolveReference",
        group="GPTs",
        path="/api/resolve",
        summary="Say which GPT a text names, be it an id, a URL or a model name.",
        question=Resolving,
        answer=Named,
        ask=lambda asked: {"gizmo_id": parse_reference(asked.question.ref)},
    ),
    Operation(
        name="getGpt",
        group="GPTs",
        path="/api/gpts/{ref}",
        summary="Everything about one GPT, and where each fact came from.",
        description="With `at` as it was then; with `known_at` as it was known then.",
        question=Getting,
        answer=GptNow,
        ask=_get,
    ),
    Operation(
        name="getHistory",
        group="GPTs",
        path="/api/gpts/{ref}/history",
        summary="How one GPT came to be what it is.",
        question=Following,
        answer=GptHistory,
        ask=_history,
        rows=Rows(each=Wire(ChangeSaid, same), all=_history_rows),
    ),
    Operation(
        name="getMetrics",
        group="GPTs",
        path="/api/gpts/{ref}/metrics",
        summary="One GPT's numbers over time.",
        question=Measuring,
        answer=_METRICS.type,
        ask=lambda asked: _METRICS.plain(
            asked.reader.metrics(asked.question.ref, until=asked.question.until)
        ),
        rows=Rows(each=Wire(NumberRow, same), all=_numbers),
    ),
)
