"""What a budget buys, as far as is known: for ``gpts-catalog plan``.

Computed over the grid's boxes in the long run, from what is believed: no GPT is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from catalog.plan.policy import Rules, fresh_chance, interval_of, mean_freshness
from catalog.plan.price import Grid, Price, middle_of, price_of_day

SHARES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""The curve's budgets, in parts of the present one."""
MORE = 1_000
"""Requests a day: what a further step of the budget is measured by."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What so many visits a day buy.

    Attributes:
        visits: a day, as given.
        used: a day, of them: fewer where even the floor is kept for every GPT.
        price: at which they are spent, in weighted days of freshness.
        freshness: the share of what is shown that is true, by weight.
        round_robin: the same share, if every GPT were visited at the same pace.
        changes: how many there are a day, over all GPTs.
        seen: the share of them that a visit sees; what is overwritten between two is not.
        ceiling: days after which every GPT has been looked at again.
    """

    visits: float
    used: float
    price: float
    freshness: float
    round_robin: float
    changes: float
    seen: float
    ceiling: float


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What the budget buys, and what others would.

    Attributes:
        now: the present budget.
        more: with :data:`MORE` requests a day on top.
        curve: over :data:`SHARES` of the present budget, rising.
    """

    now: Forecast
    more: Forecast
    curve: tuple[Forecast, ...]


def forecast(grid: Grid, visits: float, rules: Rules) -> Forecast:
    """What ``visits`` a day buy of the GPTs in ``grid``; at least one GPT, more than no visit."""
    terms = price_of_day(grid, visits, rules)
    return _weighed(grid, visits, rules, terms)


def outlook(
    grid: Grid,
    visits: float,
    rules: Rules,
    *,
    requests_per_visit: float = 1.0,
    shares: Sequence[float] = SHARES,
) -> Outlook:
    """The present budget, another :data:`MORE` requests a day, and the curve.

    Args:
        grid: all GPTs that are planned.
        visits: a day, by the present budget.
        rules: the person's.
        requests_per_visit: what a visit costs, repeats included (below 1 where batches are asked).
        shares: the curve's budgets, in parts of the present one.
    """
    return Outlook(
        now=forecast(grid, visits, rules),
        more=forecast(grid, visits + MORE / requests_per_visit, rules),
        curve=tuple(forecast(grid, visits * share, rules) for share in shares),
    )


def _weighed(grid: Grid, visits: float, rules: Rules, terms: Price) -> Forecast:
    gpts = sum(grid.values())
    # Equal paces keep the floor too.
    even = max(rules.floor, gpts / visits)
    used = weights = fresh = fresh_even = changes = seen = 0.0
    for cell, count in grid.items():
        belief, weight = middle_of(cell)
        interval = interval_of(belief, weight, terms.price, rules, terms.ceiling)
        used += count / interval
        weights += count * weight
        fresh += count * weight * mean_freshness(belief, interval)
        fresh_even += count * weight * mean_freshness(belief, even)
        changes += count * belief.rate
        seen += count * (1 - fresh_chance(belief, interval)) / interval
    return Forecast(
        visits=visits,
        used=min(used, visits),
        price=terms.price,
        freshness=fresh / weights if weights else 0.0,
        round_robin=fresh_even / weights if weights else 0.0,
        changes=changes,
        seen=seen / changes,
        ceiling=terms.ceiling,
    )
