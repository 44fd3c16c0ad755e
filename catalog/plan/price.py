"""The price of a visit: one number a day, for all GPTs, that keeps the budget.

The GPTs are not looked at one by one: each carries the number of its :func:`cell_of`, the box of a
grid with steps of a quarter in shape, days and weight in which it was at its last visit. One
aggregate query counts the boxes; a million GPTs fill a few hundred to a few thousand, and solving
costs that many interval formulas a try, not a million.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from catalog.plan.policy import Rules, interval_of
from catalog.plan.rates import Belief

STEP = math.log(1.25)
"""The logarithm of the grid's ratio."""
LEAST_SHARE = 0.25
"""The share of the budget that the ceiling may take: no GPT has less than a quarter of the pace
that round robin would give it, and three quarters of the budget follow what was learned."""
MARGIN = 0.02
"""Planned beyond the budget: what is over waits a day, and what is under would be lost."""
_LEAST_LEFT = 0.5
"""The share of the budget that overdue GPTs leave to the plan at the least."""

_OFFSET, _BASE = 512, 1024

Grid = Mapping[int, int]
"""How many GPTs are in each cell."""


class Price(msgspec.Struct, frozen=True):
    """What holds for a day.

    Attributes:
        price: what a visit must be worth.
        ceiling: the most days between two visits of a GPT.
    """

    price: float
    ceiling: float


def cell_of(belief: Belief, weight: float) -> int:
    """The number of the grid's box; not below 0."""
    steps = (_step(belief.shape), _step(belief.days), _step(weight))
    return (steps[0] * _BASE + steps[1]) * _BASE + steps[2]


def _step(value: float) -> int:
    """Which step of the grid; a weight of 0 and what is beyond the grid go to its edges."""
    place = round(math.log(value) / STEP) if value > 0 else -_OFFSET
    return min(_BASE - 1, max(0, place + _OFFSET))


@lru_cache(maxsize=1 << 16)
def middle_of(cell: int) -> tuple[Belief, float]:
    """The belief and the weight at the middle of a box."""
    rest, weight = divmod(cell, _BASE)
    shape, days = divmod(rest, _BASE)
    return Belief(_value(shape), _value(days)), _value(weight) if weight else 0.0


def _value(step: int) -> float:
    return math.exp((step - _OFFSET) * STEP)


def ceiling_of(rules: Rules, gpts: int, visits: float) -> float:
    """The ceiling of staleness that a budget can keep, in days.

    Args:
        rules: the ceiling that is wished for.
        gpts: how many there are.
        visits: a day.
    """
    return max(rules.ceiling, rules.floor, gpts / (LEAST_SHARE * visits))


def price_of_day(
    grid: Grid,
    visits: float,
    rules: Rules,
    *,
    overdue: int = 0,
    last: float | None = None,
) -> Price:
    """The price at which the GPTs ask for as many visits as the budget has.

    Args:
        grid: all GPTs that are planned; those never visited in the cell of their prior.
        visits: the day's budget in visits, above 0.
        rules: objective, floor and ceiling.
        overdue: GPTs visited before that were due before the day began.
        last: the price of the day before, from which the search begins.

    Returns:
        The price of the day, and the ceiling that goes with it.
    """
    gpts = sum(grid.values())
    ceiling = ceiling_of(rules, gpts, visits)
    # Worked off over a round: where that is half a year, a hundred days' delay is no hurry, and a
    # price that jumped would throw away what was learned.
    late = overdue / gpts if gpts else 0.0
    capacity = visits * max(_LEAST_LEFT, 1 + MARGIN - late)
    cells = [(*middle_of(cell), count) for cell, count in grid.items() if count > 0]

    def asked(log_price: float) -> float:
        price = math.exp(log_price)
        return sum(
            count / interval_of(belief, weight, price, rules, ceiling)
            for belief, weight, count in cells
        )

    most = sum(count for _, _, count in cells) / rules.floor
    if not cells or most <= capacity:
        return Price(math.exp(_CHEAPEST), ceiling)
    start = math.log(last) if last else 0.0
    return Price(math.exp(_falling_root(asked, capacity, start)), ceiling)


_CHEAPEST, _DEAREST = -40.0, 40.0
_CLOSE_ENOUGH = 0.005
_TRIES = 60
_STEP_IN_F = 1e-9
"""Where a cell leaves the floor, ``f`` falls in a step: closer than this it is not cornered."""


def _falling_root(f: Callable[[float], float], level: float, start: float) -> float:
    """Where a falling ``f`` meets ``level``, within half a percent: secant in ln f, bracketed."""
    wanted = math.log(level)
    x = min(_DEAREST, max(_CHEAPEST, start))
    over = math.log(f(x)) - wanted
    low, high = (x, _DEAREST) if over > 0 else (_CHEAPEST, x)
    # Without a second point: freshness near a visit grows with its square, so half a power.
    slope, tries = -0.5, 0
    while abs(over) >= _CLOSE_ENOUGH and high - low >= _STEP_IN_F and tries < _TRIES:
        before, straight = (x, over), x - over / slope
        x = straight if low < straight < high else (low + high) / 2
        over = math.log(f(x)) - wanted
        slope = min(-0.05, (over - before[1]) / (x - before[0]))
        if over > 0:
            low = x
        else:
            high = x
        tries += 1
    return x
