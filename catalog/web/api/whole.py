"""Operations on the catalog as a whole: what it holds, how fresh it is, what is odd."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

import catalog
from catalog.query.outlook import Curve, curve
from catalog.query.overview import Overview
from catalog.query.stats import DriftRow, Holdings, Status, UnmappedRow
from catalog.web.api.operations import Asked, Operation, Rows
from catalog.web.api.parameters import Limit
from catalog.web.api.shapes import Shape
from catalog.web.api.wire import wire


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing has to be said."""


class Some(msgspec.Struct, frozen=True, kw_only=True):
    """How many."""

    limit: Limit = 100


class About(Shape, frozen=True, kw_only=True):
    """What answers here."""

    name: Annotated[str, Meta(description="The program.")]
    version: Annotated[str, Meta(description="Its version.")]
    description: Annotated[str, Meta(description="Where the API is described.")]
    operations: Annotated[dict[str, str], Meta(description="What can be asked, and where.")]


_HOLDINGS, _STATUS = wire(Holdings), wire(Status)
_OVERVIEW = wire(Overview, spans=frozenset({"freshness"}))
_DRIFT, _UNMAPPED, _CURVE = wire(DriftRow), wire(UnmappedRow), wire(Curve)


def _curve(asked: Asked) -> Any:
    settings, now = asked.options.settings, asked.now
    return _CURVE.plain(asked.reader.ask(lambda conn: curve(conn, settings, now)))


def _drift(asked: Asked) -> list[dict[str, Any]]:
    return [_DRIFT.plain(each) for each in asked.reader.drift(asked.question.limit)]


def _unmapped(asked: Asked) -> list[dict[str, Any]]:
    return [_UNMAPPED.plain(each) for each in asked.reader.unmapped(asked.question.limit)]


def about(operations: tuple[Operation, ...]) -> Operation:
    """The operation that names all others."""
    said = {
        "name": "gpts-catalog",
        "version": catalog.__version__,
        "description": "/openapi.json",
        "operations": {each.name: each.path for each in operations},
    }
    return Operation(
        name="about",
        group="The catalog",
        path="/api",
        summary="What can be asked here.",
        question=Nothing,
        answer=About,
        ask=lambda _: said,
    )


OPERATIONS = (
    Operation(
        name="getStats",
        group="The catalog",
        path="/api/stats",
        summary="What the catalog holds.",
        question=Nothing,
        answer=_HOLDINGS.type,
        ask=lambda asked: _HOLDINGS.plain(asked.reader.stats()),
        lasts="never",
        remembered=True,
    ),
    Operation(
        name="getOverview",
        group="The catalog",
        path="/api/overview",
        summary="The catalog from far: coverage, growth, freshness, kinds of changes.",
        question=Nothing,
        answer=_OVERVIEW.type,
        ask=lambda asked: _OVERVIEW.plain(asked.reader.overview(asked.now)),
        lasts="never",
        remembered=True,
    ),
    Operation(
        name="getStatus",
        group="The catalog",
        path="/api/status",
        summary="Where the catalog stands: freshness, frontier, last runs, sources.",
        question=Nothing,
        answer=_STATUS.type,
        ask=lambda asked: _STATUS.plain(asked.reader.status(asked.now)),
        lasts="never",
        remembered=True,
    ),
    Operation(
        name="getPlan",
        group="The catalog",
        path="/api/plan",
        summary="What the day's requests buy, and what others would: the planner's curve.",
        question=Nothing,
        answer=_CURVE.type,
        ask=_curve,
        lasts="never",
        remembered=True,
    ),
    Operation(
        name="listDrift",
        group="The catalog",
        path="/api/drift",
        summary="Paths and types that appeared in documents or vanished, the latest first.",
        question=Some,
        answer=list[_DRIFT.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_drift,
        rows=Rows(each=_DRIFT, all=_drift),
    ),
    Operation(
        name="listUnmapped",
        group="The catalog",
        path="/api/unmapped",
        summary="Paths that no table knows, the most frequent first.",
        question=Some,
        answer=list[_UNMAPPED.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_unmapped,
        rows=Rows(each=_UNMAPPED, all=_unmapped),
    ),
)
