"""What a catalog holds, seen from far: coverage, growth, freshness, kinds of changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, func, select

from catalog.query.stats import Holdings, holdings
from catalog.storage import tables as t
from catalog.times import DAY, HOUR, Micros, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""The shares of all GPTs of which the freshness is told."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what is known of was ever seen.

    Attributes:
        known: ids that a document, a list or a person named.
        with_document: those of which a source ever gave a document.
        never_asked: those that were never asked for.
    """

    known: int
    with_document: int
    never_asked: int


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month's growth.

    Attributes:
        month: ``2024-02``.
        created: GPTs made then, as their documents say.
        first_seen: GPTs whose first document is of then.
        gone: GPTs that are gone since then.
    """

    month: str
    created: int
    first_seen: int
    gone: int


class ChangeCount(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one field.

    Attributes:
        cls: ``content``, ``lifecycle`` or ``platform``.
        field: the path, or ``status``.
        changes: how many.
        noise: how many of them are marked as a flap or a disagreement of sources.
    """

    cls: str
    field: str
    changes: int
    noise: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A catalog from far.

    Attributes:
        now: the present moment.
        holdings: what it holds.
        coverage: of what is known of.
        months: the growth, oldest first, those without any left out.
        freshness: by the share of all GPTs that stand, how long ago at most their document was
            last seen, in microseconds, to the hour. None where there is no GPT.
        changes: by class and field, the most frequent first.
    """

    now: Micros
    holdings: Holdings
    coverage: Reach
    months: tuple[Month, ...]
    freshness: dict[str, Micros] | None
    changes: tuple[ChangeCount, ...]


def overview(conn: Connection, now: Micros) -> Overview:
    """A catalog from far; reads whole tables.

    Args:
        conn: a reading transaction.
        now: the present moment.
    """
    return Overview(
        now=now,
        holdings=holdings(conn),
        coverage=_coverage(conn),
        months=months(conn),
        freshness=_freshness(conn, now),
        changes=changes_by_field(conn),
    )


def _coverage(conn: Connection) -> Reach:
    f, g = t.frontier.c, t.gizmos.c
    waiting, never = conn.execute(
        select(func.count(), func.count().filter(f.last_asked_at.is_(None))).select_from(t.frontier)
    ).one()
    # An import need not put what it knows into the frontier.
    waits = exists().where(f.gizmo_id == g.gizmo_id)
    seen, beside = conn.execute(
        select(func.count(), func.count().filter(~waits)).select_from(t.gizmos)
    ).one()
    return Reach(known=waiting + beside, with_document=seen, never_asked=never)


def months(conn: Connection) -> tuple[Month, ...]:
    """How the catalog grew, oldest first."""
    g, s, c = t.gizmos.c, t.statuses.c, t.changes.c
    created = _by_month(conn, g.created_at)
    # The change that a first document makes (rule 5) is found in an index.
    first_seen = _by_month(conn, c.observed_at, c.cls == "lifecycle", c.kind == "added")
    gone = _by_month(conn, s.valid_from, s.status == "gone", s.valid_to.is_(None))
    return tuple(
        Month(month=month, created=created[month], first_seen=first_seen[month], gone=gone[month])
        for month in sorted({*created, *first_seen, *gone})
    )


def _by_month(
    conn: Connection, column: ColumnElement[int | None], *conditions: ColumnElement[bool]
) -> Counter[str]:
    """How many rows fall into each month. Neither engine knows what a month of ours is."""
    days = (column // DAY).label("day")
    query = select(days, func.count()).where(column.is_not(None), *conditions).group_by(days)
    # That no day is null follows from the condition; the type of the rows does not know.
    rows: Iterable[Any] = conn.execute(query)
    found: Counter[str] = Counter()
    for day, number in rows:
        found[day_of(day * DAY)[:7]] += number
    return found


def _freshness(conn: Connection, now: Micros) -> dict[str, Micros] | None:
    g = t.gizmos.c
    hours = (g.last_seen_at // HOUR).label("hour")
    query = (
        select(hours, func.count()).where(g.status != "gone").group_by(hours).order_by(hours.desc())
    )
    return quantiles([(hour * HOUR, number) for hour, number in conn.execute(query)], now)


def quantiles(seen: Sequence[tuple[Micros, int]], now: Micros) -> dict[str, Micros] | None:
    """How long ago at most each share of :data:`QUANTILES` was last seen.

    Args:
        seen: when, and how many GPTs were last seen then; latest first.
        now: the present moment.
    """
    total = sum(number for _, number in seen)
    if not total:
        return None
    found, below = {}, 0
    left = list(QUANTILES)
    for at, number in seen:
        below += number
        while left and below >= left[0] * total:
            found[f"{left.pop(0):.0%}"] = max(0, now - at)
    return found


def changes_by_field(conn: Connection) -> tuple[ChangeCount, ...]:
    """How many changes each field has, the most frequent first."""
    c = t.changes.c
    number = func.count().label("changes")
    query = (
        select(
            c.cls.label("cls"),
            c.field,
            number,
            func.count().filter(c.flap | c.disagreement).label("noise"),
        )
        .group_by(c.cls, c.field)
        .order_by(number.desc(), c.cls, c.field)
    )
    return tuple(ChangeCount(**row) for row in conn.execute(query).mappings())
