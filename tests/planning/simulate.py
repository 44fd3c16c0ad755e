"""Years of visits to a world, planned by the code that ships, measured in continuous time.

What is drawn is what a visit would see: changed or not. What is measured is never drawn: between
two visits the expected freshness is integrated from the true rate, so that nothing depends on when
one looks.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter

import msgspec

from catalog.plan import (
    STORE,
    Prior,
    Priors,
    Rules,
    State,
    Sums,
    Visit,
    after_visit,
    known,
    learn_priors,
    price_of_day,
)
from catalog.records import Verdict
from catalog.times import DAY
from tests.planning.optimum import freshness as freshness_of
from tests.planning.optimum import optimal
from tests.planning.worlds import World, changes, watched

DAYS = 730
"""Two years; the first is burn-in."""
HOURLY, NIGHTLY = 24, 1
"""Times a day at which the harvest takes its part of the day's budget."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan.

    Attributes:
        fresh: the weighted mean freshness after the burn-in.
        seen: the share of all changes after it that a visit saw.
        visits: in all.
        budget: what there was to spend.
        most: the most visits of a day.
        oldest: the longest time between two visits of a GPT, in days.
    """

    fresh: float
    seen: float
    visits: int
    budget: float
    most: int
    oldest: float


class Tally:
    """Counts freshness and changes seen from a day on."""

    def __init__(self, world: World, start: float, end: float) -> None:
        self.world, self.start, self.end = world, start, end
        self.fresh = self.seen = self.oldest = 0.0

    def interval(self, i: int, since: float, until: float) -> float:
        """Count a copy of GPT ``i``; the chance that it changed."""
        path = self.world.paths[i]
        fresh, chance = watched(path, since, until, self.start)
        self.fresh += self.world.weights[i] * fresh
        if until > self.start:
            self.oldest = max(self.oldest, until - since)
            inside = chance if since >= self.start else watched(path, self.start, until, 0.0)[1]
            self.seen += inside
        return chance

    def result(self, visits: int, budget: float, most: int) -> Measured:
        """The means."""
        window = self.end - self.start
        all_changes = sum(changes(path, self.start, self.end) for path in self.world.paths)
        return Measured(
            fresh=self.fresh / (sum(self.world.weights) * window),
            seen=self.seen / all_changes,
            visits=visits,
            budget=budget,
            most=most,
            oldest=self.oldest,
        )


class _Books:
    """What the store would sum up once a day, kept up visit by visit."""

    def __init__(self) -> None:
        self.grid: Counter[int] = Counter()
        self.sums: dict[str, Sums] = {}

    def enter(self, state: State, stratum: str, sign: int) -> None:
        """Count a row in, or out."""
        if state.cell is not None:
            self.grid[state.cell] += sign
            if not self.grid[state.cell]:
                del self.grid[state.cell]
        if state.evidence:
            one = Sums(1.0, state.rate, state.log_rate).times(sign)
            self.sums[stratum] = self.sums.get(stratum, Sums()) + one


def learned(
    world: World,
    per_day: float,
    rng: random.Random,
    rules: Rules,
    *,
    days: int = DAYS,
    ticks: int = HOURLY,
    prior: Prior = STORE,
) -> Measured:
    """The planner from its first day: nothing known, every GPT due at once.

    Args:
        world: the GPTs.
        per_day: the budget, in visits.
        rng: what visits see, and the jitter.
        rules: the person's.
        days: how long; the first half is burn-in.
        ticks: how often a day the harvest runs.
        prior: what is believed at first.
    """
    gpts = len(world.paths)
    priors = Priors(prior)
    books, tally = _Books(), Tally(world, days / 2, days)
    states = [known(weight, prior) for weight in world.weights]
    for state, stratum in zip(states, world.strata, strict=True):
        books.enter(state, stratum, 1)
    last: list[float | None] = [None] * gpts
    queue = [(rng.random() * 1e-3, i) for i in range(gpts)]
    heapq.heapify(queue)
    price = None
    visits = most = 0
    credit = 0.0
    for day in range(days):
        priors = learn_priors(books.sums, priors)
        overdue = sum(due < day and last[i] is not None for due, i in queue)
        price = price_of_day(
            books.grid, per_day, rules, overdue=overdue, last=price.price if price else None
        )
        # A day's budget ends with the day; the part of a visit that is left over does not.
        credit %= 1
        today = 0
        for tick in range(ticks):
            now = day + tick / ticks
            credit += per_day / ticks
            while credit >= 1 and queue:
                due, i = queue[0]
                before = last[i]
                if due > now and (before is None or now - before < rules.floor):
                    break
                heapq.heappop(queue)
                credit -= 1
                today += 1
                changed = False
                if before is not None:
                    changed = rng.random() < tally.interval(i, before, now)
                books.enter(states[i], world.strata[i], -1)
                states[i], due_at = after_visit(
                    states[i],
                    Visit(at=int(now * DAY), verdict=Verdict.DOCUMENT, changed=changed),
                    price,
                    world.weights[i],
                    rules,
                    rng,
                    prior=priors.of(world.strata[i]),
                )
                books.enter(states[i], world.strata[i], 1)
                last[i] = now
                heapq.heappush(queue, (due_at / DAY, i))
        visits += today
        most = max(most, today)
    for i, before in enumerate(last):
        if before is not None:
            tally.interval(i, before, days)
    return tally.result(visits, per_day * days, most)


def round_robin(world: World, per_day: float, *, days: int = DAYS) -> Measured:
    """Every GPT at the same pace, evenly spaced, from the first day on."""
    gpts = len(world.paths)
    tally = Tally(world, days / 2, days)
    step = gpts / per_day
    visits = 0
    for i in range(gpts):
        at = step * i / gpts
        while at < days:
            until = min(days, at + step)
            tally.interval(i, at, until)
            at += step
            visits += 1
    return tally.result(visits, per_day * days, 0)


def optimum(world: World, per_day: float) -> float:
    """The freshness of the best plan for known rates: the upper bound."""
    rates, weights = world.rates, world.weights
    paces = optimal(rates, weights, per_day)
    total = sum(
        w * freshness_of(rate, pace) for rate, w, pace in zip(rates, weights, paces, strict=True)
    )
    return total / sum(weights)
