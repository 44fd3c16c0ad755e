"""What the day's requests buy, from where all GPTs stand: the planner's curve."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from catalog import plan
from catalog.errors import UsageError
from catalog.storage import planning as store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.settings import Settings
    from catalog.times import Micros

HELD_BACK = 0.05
"""The share of the day's requests that a refresh leaves to other jobs, ``confirm`` above all."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What the day's requests buy.

    Attributes:
        gpts: how many are planned.
        objective: what visits are spent for, as the settings say.
        requests: a day, of all sources; None: one of them has no limit.
        requests_per_visit: what a visit costs lately, repeats included.
        ceiling_days: within which every GPT is to be looked at again, as the settings say.
        unlimited: whether no budget limits the visits.
        outlook: the present budget, another 1,000 requests a day, and others.
    """

    gpts: int
    objective: str
    requests: int | None
    requests_per_visit: float
    ceiling_days: float
    unlimited: bool
    outlook: plan.Outlook


def curve(conn: Connection, settings: Settings, now: Micros) -> Curve:
    """What the day's requests buy.

    Args:
        conn: a reading transaction.
        settings: budgets and rules.
        now: the present moment.

    Raises:
        UsageError: no GPT is known yet.
    """
    rules = rules_of(settings)
    grid = grid_of(store.stands(conn), priors_of(conn))
    per_visit = store.requests_a_visit(conn, now) or 1.0
    visits = visits_of_day(conn, settings, now)
    gpts = sum(grid.values())
    if not gpts:
        raise UsageError(
            "no GPT is known yet: gpts-catalog discover, harvest or import brings some"
        )
    return Curve(
        gpts=gpts,
        objective=str(rules.objective),
        requests=requests_of_day(settings),
        requests_per_visit=per_visit,
        ceiling_days=settings.plan.ceiling_days,
        unlimited=visits is None,
        outlook=plan.outlook(
            grid, visits or gpts / rules.floor, rules, requests_per_visit=per_visit
        ),
    )


def rules_of(settings: Settings) -> plan.Rules:
    """The rules of planning that the settings say."""
    said = settings.plan
    return plan.Rules(
        objective=plan.Objective(said.objective),
        ceiling=said.ceiling_days,
        floor=said.floor_hours / 24,
        jitter=said.jitter,
    )


def requests_of_day(settings: Settings) -> int | None:
    """The requests a day of all sources that can be asked; None where one has no limit."""
    budgets = [
        each.requests_per_day for each in settings.sources.values() if each.dialect != "recorded"
    ]
    known = [each for each in budgets if each is not None]
    return sum(known) if known and len(known) == len(budgets) else None


def priors_of(conn: Connection) -> plan.Priors:
    """What was last believed of GPTs before a visit of their own."""
    last = store.last_plan_day(conn)
    return plan.Priors() if last is None else msgspec.json.decode(last.priors, type=plan.Priors)


def visits_of_day(conn: Connection, settings: Settings, now: Micros) -> float | None:
    """The visits that a day's requests buy, by what visits cost lately; None: no limit."""
    requests = requests_of_day(settings)
    if requests is None:
        return None
    return max(1.0, requests * (1 - HELD_BACK) / (store.requests_a_visit(conn, now) or 1.0))


def grid_of(stands: store.Stands, priors: plan.Priors) -> dict[int, int]:
    """How many GPTs are in each box; those never asked are in that of their prior."""
    grid = defaultdict(int, stands.boxes)
    for stratum, gpts in stands.unasked.items():
        grid[plan.cell_of(priors.of(stratum), 1.0)] += gpts
    return dict(grid)
