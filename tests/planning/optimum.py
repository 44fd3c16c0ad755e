"""The best that could be done if the change rates were known: the marks the planner is held to.

Page i changes at Poisson times of rate λᵢ, counts with weight wᵢ and is visited fᵢ times a day, the
visits spread evenly: its mean freshness is F(λ, f) = (1 − e^(−λ/f))·f/λ (Cho and Garcia-Molina,
*Synchronizing a database to improve freshness*, SIGMOD 2000, section 4). Rates are a day, above 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Rates = Sequence[float]

_HALVINGS = 80


def freshness(rate: float, visits: float) -> float:
    """F(λ, f): the share of the time a copy is true; also the share of its changes that are seen.

    A visit sees one change or none, so f·(1 − e^(−λ/f)) of λ are seen a day: the same quotient.
    """
    if visits <= 0:
        return 0.0
    r = rate / visits
    return -math.expm1(-r) / r


def mean_freshness(rates: Rates, weights: Rates, visits: Rates) -> float:
    """The weighted mean of :func:`freshness`."""
    total = math.fsum(
        w * freshness(rate, f) for rate, w, f in zip(rates, weights, visits, strict=True)
    )
    return total / math.fsum(weights)


def changes_seen(rates: Rates, visits: Rates) -> float:
    """The share of all changes that some visit sees."""
    return mean_freshness(rates, rates, visits)


def even(rates: Rates, budget: float) -> list[float]:
    """Round robin: every page at the same pace."""
    return [budget / len(rates)] * len(rates)


def proportional(rates: Rates, budget: float) -> list[float]:
    """In proportion to the change rate: seems fair, and is never better than round robin.

    Cho and Garcia-Molina 2003, theorem 5.1.
    """
    total = math.fsum(rates)
    return [budget * rate / total for rate in rates]


def optimal(rates: Rates, weights: Rates, budget: float) -> list[float]:
    """Cho and Garcia-Molina's optimum for freshness under even spacing: the upper bound.

    (w/λ)·(1 − (1 + r)e^(−r)) = μ with r = λ/f, and f = 0 where w/λ ≤ μ; μ is bisected until the
    budget is met.
    """
    return _spent(optimal_rate, rates, weights, budget)


def optimal_rate(rate: float, weight: float, price: float) -> float:
    """The pace of one page at the multiplier μ = ``price``."""
    x = price * rate / weight
    if x >= 1:
        return 0.0
    # Newton's start: the first terms of the series where x is small, else the asymptote.
    small = 0.3
    r = math.sqrt(2 * x) + 2 * x / 3 if x < small else -math.log1p(-x) + math.log1p(-math.log1p(-x))
    for _ in range(6):
        e = math.exp(-r)
        r -= (1 - (1 + r) * e - x) / (r * e)
    return rate / r


def azar(rates: Rates, weights: Rates, budget: float) -> list[float]:
    """The optimum for visits at Poisson times, Σ w·f/(f + λ): f = max(0, √(wλ/μ) − λ).

    Azar, Horvitz, Lubetzky, Peres, Shahaf, *Tractable near-optimal policies for crawling*, PNAS
    115(32), 2018: sorted by w/λ, a prefix is visited, and √μ follows from it.
    """
    order = sorted(range(len(rates)), key=lambda i: weights[i] / rates[i], reverse=True)
    roots = busy = 0.0
    level = math.inf
    taken = 0
    for taken, i in enumerate(order):  # noqa: B007 - how many were taken is used below
        with_it = (roots + math.sqrt(weights[i] * rates[i])) / (budget + busy + rates[i])
        if math.sqrt(weights[i] / rates[i]) <= with_it:
            break
        roots += math.sqrt(weights[i] * rates[i])
        busy += rates[i]
        level = with_it
    else:
        taken = len(order)
    visits = [0.0] * len(rates)
    for i in order[:taken]:
        visits[i] = max(0.0, math.sqrt(weights[i] * rates[i]) / level - rates[i])
    return visits


def harmonic(rates: Rates, weights: Rates, budget: float) -> list[float]:
    """LambdaCrawl's rates for the harmonic penalty, f = (−λ + √(λ² + 4wλ/μ))/2; see policy."""

    def rate_at(rate: float, weight: float, price: float) -> float:
        wanted = weight * rate / price
        return 2 * wanted / (rate + math.sqrt(rate * rate + 4 * wanted))

    return _spent(rate_at, rates, weights, budget)


def _spent(
    rate_at: Callable[[float, float, float], float],
    rates: Rates,
    weights: Rates,
    budget: float,
) -> list[float]:
    """The pace of each page at the price that spends the budget, bisected in its logarithm."""

    def at(log_price: float) -> list[float]:
        price = math.exp(log_price)
        return [rate_at(rate, w, price) for rate, w in zip(rates, weights, strict=True)]

    low, high = -60.0, 60.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if math.fsum(at(middle)) > budget:
            low = middle
        else:
            high = middle
    # The page at the margin jumps between the two, by what a float of the price cannot say: it
    # gets what is left.
    more, less = at(low), at(high)
    spent = math.fsum(less)
    part = (budget - spent) / max(math.fsum(more) - spent, 1e-300)
    return [b + part * (a - b) for a, b in zip(more, less, strict=True)]
