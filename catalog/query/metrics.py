"""A GPT's numbers over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from catalog.query.gizmos import Numbers, counters, numbers
from catalog.query.told import tell

if TYPE_CHECKING:
    from catalog.times import Micros


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A point in time, and what it moved by.

    Attributes:
        numbers: what was said.
        moved: the difference to the point before, by column, where both have a number.
    """

    numbers: Numbers
    moved: dict[str, float]


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one GPT.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        points: of ``vanity_metrics``, oldest first.
        stats: of the gateways' own counters, by source, oldest first.
    """

    gizmo_id: str
    name: str | None
    points: tuple[Point, ...]
    stats: dict[str, tuple[Point, ...]]


def metrics(conn: Connection, gizmo_id: str, until: Micros | None = None) -> Metrics:
    """The numbers of one GPT over time.

    Raises:
        NotFound: no document of it is known.
    """
    told = tell(conn, gizmo_id)
    by_source: dict[str, list[Numbers]] = {}
    for point in counters(told, until):
        by_source.setdefault(point.source, []).append(point)
    return Metrics(
        gizmo_id=gizmo_id,
        name=told.gizmo["name"],
        points=_moved(numbers(told, until)),
        stats={source: _moved(points) for source, points in by_source.items()},
    )


def _moved(points: list[Numbers]) -> tuple[Point, ...]:
    before: list[Numbers | None] = [None, *points]
    return tuple(
        Point(numbers=now, moved={} if was is None else _differences(was, now))
        for was, now in zip(before, points, strict=False)
    )


def _differences(was: Numbers, now: Numbers) -> dict[str, float]:
    return {
        name: value - was.values[name]
        for name, value in now.values.items()
        if _is_number(value) and _is_number(was.values.get(name)) and value != was.values[name]
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
