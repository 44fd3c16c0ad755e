"""The mark for learning: a planner that is told the distribution of the rates.

It knows from which rates the population was drawn, though not which GPT has which, keeps the exact
posterior of each GPT, and once a day visits those whose visit is worth the most, looking at every
GPT to find them. Nothing of it could ship. Where even this misses the optimum, it is because the
visits do not say enough, and no plan that has to learn from as many can be expected to do better.
"""

from __future__ import annotations

import math
import random
from operator import mul

from tests.planning.simulate import DAYS, Measured, Tally
from tests.planning.worlds import World

POINTS = 24
"""Rates by which the distribution is told: the middles of as many equal parts of the population."""


def told(world: World, per_day: float, rng: random.Random, *, days: int = DAYS) -> Measured:
    """Two years of visits by a planner that knows the population.

    Args:
        world: rates that do not move.
        per_day: the budget, in visits.
        rng: what visits see.
        days: how long; the first half is burn-in.
    """
    rates = sorted(world.rates)
    gpts = len(rates)
    points = [rates[(2 * k + 1) * gpts // (2 * POINTS)] for k in range(POINTS)]
    # The index and the chance of no change, by days since the last visit and rate.
    worth = [[_worth(rate * tau) / rate for rate in points] for tau in range(days + 1)]
    quiet = [[math.exp(-rate * tau) for rate in points] for tau in range(days + 1)]
    tally = Tally(world, days / 2, days)
    beliefs = [[1 / POINTS] * POINTS for _ in range(gpts)]
    last = [-1] * gpts
    unseen = rng.sample(range(gpts), gpts)
    credit, visits = 0.0, 0
    for day in range(days):
        credit = credit % 1 + per_day
        while credit >= 1 and unseen:
            last[unseen.pop()] = day
            credit -= 1
            visits += 1
        if credit < 1 or unseen:
            continue
        index = [
            weight * sum(map(mul, belief, worth[day - since]))
            for weight, belief, since in zip(world.weights, beliefs, last, strict=True)
        ]
        for i in sorted(range(gpts), key=index.__getitem__, reverse=True)[: int(credit)]:
            tau = day - last[i]
            changed = rng.random() < tally.interval(i, last[i], day)
            likely = [1 - q for q in quiet[tau]] if changed else quiet[tau]
            belief = list(map(mul, beliefs[i], likely))
            total = math.fsum(belief)
            beliefs[i] = [each / total for each in belief] if total > 0 else beliefs[i]
            last[i] = day
            visits += 1
            credit -= 1
    for i, since in enumerate(last):
        if since >= 0:
            tally.interval(i, since, days)
    return tally.result(visits, per_day * days, 0)


def _worth(x: float) -> float:
    return -math.expm1(-x) - x * math.exp(-x)
