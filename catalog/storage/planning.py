"""What the planner reads of all GPTs, and what it settles once a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import and_, func, or_, select

from catalog.storage import tables as t
from catalog.storage.dialects import insert_new
from catalog.storage.work_tables import plan_days
from catalog.times import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from catalog.times import Micros

_f = t.frontier.c
LATELY = 7 * DAY
"""How far back it is looked what a visit cost."""


class Believed(msgspec.Struct, frozen=True):
    """What is believed of GPTs with evidence of their own, summed up.

    Attributes:
        gpts: how many.
        rate: the sum of their believed rates.
        log_rate: the sum of the means of their logarithms.
    """

    gpts: int
    rate: float
    log_rate: float


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """Where all GPTs stand, counted together.

    Attributes:
        believed: by stratum.
        boxes: how many are in each box of the grid, of those that are planned by the price.
        unasked: how many were never asked, by stratum.
    """

    believed: dict[str, Believed]
    boxes: dict[int, int]
    unasked: dict[str, int]


class PlanDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a day is planned by; see the table ``plan_days``."""

    day: str
    at: Micros
    price: float
    ceiling: float
    priors: str
    gpts: int
    visits: float | None
    overdue: int


class Weighed(msgspec.Struct, frozen=True):
    """What the weight and the stratum of a GPT are made of.

    Attributes:
        conversations: at least so many; None where nobody said.
        created_at: when it was made, if known.
        facets: its values by facet, as JSON.
    """

    conversations: int | None
    created_at: Micros | None
    facets: str


def stands(conn: Connection) -> Stands:
    """All GPTs by stratum and by box: some passes over the frontier, once a day.

    Each by itself: strata times boxes may be as many as there are GPTs.
    """
    number = func.count().label("gpts")
    believed = (
        select(_f.stratum, number, func.sum(_f.rate), func.sum(_f.log_rate))
        .where(or_(_f.evidence_shape != 0, _f.evidence_days != 0))
        .group_by(_f.stratum)
    )
    boxes = select(_f.cell, number).where(_f.cell.is_not(None)).group_by(_f.cell)
    unasked = (
        select(_f.stratum, number)
        .where(_f.cell.is_(None), _f.last_asked_at.is_(None))
        .group_by(_f.stratum)
    )
    return Stands(
        believed={stratum: Believed(*sums) for stratum, *sums in conn.execute(believed)},
        boxes={row.cell: row.gpts for row in conn.execute(boxes)},
        unasked={row.stratum: row.gpts for row in conn.execute(unasked)},
    )


def count_overdue(conn: Connection, before: Micros) -> int:
    """GPTs that were asked before and were due before a moment."""
    overdue = and_(_f.due_at < before, _f.last_asked_at.is_not(None))
    return int(conn.execute(select(func.count()).where(overdue)).scalar_one())


def requests_a_visit(conn: Connection, now: Micros) -> float | None:
    """HTTP requests that an ended id has cost lately, repeats included; None without a run."""
    r = t.runs.c
    asked, requests = conn.execute(
        select(func.sum(r.requested - r.left), func.sum(r.requests)).where(
            r.started_at > now - LATELY, r.command.like("harvest%")
        )
    ).one()
    return float(requests) / float(asked) if asked and requests else None


def requests_spent(conn: Connection, sources: Sequence[str], day: str) -> int:
    """The requests that were taken from a day's budgets, over some sources."""
    b, s = t.budgets.c, t.sources.c
    query = (
        select(func.coalesce(func.sum(b.reserved), 0))
        .join(t.sources, s.source_id == b.source_id)
        .where(b.day == day, b.kind == "requests", s.name.in_(sources))
    )
    return int(conn.execute(query).scalar_one())


def plan_day(conn: Connection, day: str) -> PlanDay | None:
    """What a day is planned by, if that was settled."""
    found = conn.execute(select(plan_days).where(plan_days.c.day == day)).mappings().first()
    return PlanDay(**found) if found else None


def last_plan_day(conn: Connection) -> PlanDay | None:
    """What the last day that was settled was planned by."""
    query = select(plan_days).order_by(plan_days.c.day.desc()).limit(1)
    found = conn.execute(query).mappings().first()
    return PlanDay(**found) if found else None


def settle_day(conn: Connection, day: PlanDay) -> PlanDay:
    """Write down what a day is planned by; whoever comes first decides.

    Returns:
        What stands.
    """
    conn.execute(insert_new(conn, plan_days), msgspec.structs.asdict(day))
    return plan_day(conn, day.day) or day


def weighed(conn: Connection, gizmo_ids: Sequence[str]) -> dict[str, Weighed]:
    """What the weights of some GPTs are made of, of those that ever had a document."""
    c, s = t.listings.c, t.facet_sets.c
    query = (
        select(c.gizmo_id, c.conversations, c.by_created, s.facets)
        .join(t.facet_sets, s.facet_id == c.facet_id)
        .where(c.gizmo_id.in_(gizmo_ids))
    )
    return {
        gizmo_id: Weighed(conversations, -by_created or None, facets)
        for gizmo_id, conversations, by_created, facets in conn.execute(query)
    }


def changed_content(conn: Connection, said: Sequence[tuple[str, Micros]]) -> set[str]:
    """Those of some GPTs whose content or status changed at a moment, flaps left out (rule 17).

    Args:
        conn: any transaction.
        said: GPTs, each with the time of its document.
    """
    c = t.changes.c
    at = dict(said)
    query = select(c.gizmo_id, c.observed_at).where(
        c.gizmo_id.in_(list(at)),
        c.observed_at.in_(set(at.values())),
        c.cls.in_(("content", "lifecycle")),
        c.flap.is_(False),
        c.disagreement.is_(False),
        c.event_id.is_(None),
    )
    return {gizmo_id for gizmo_id, moment in conn.execute(query) if at[gizmo_id] == moment}
