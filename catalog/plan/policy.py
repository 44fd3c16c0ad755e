"""How long after a visit the next one is worth its price.

Objective ``freshness``: a visit after τ days is worth
V(τ) = w·(∫₀^τ P(t) dt − τ·P(τ)), P(t) being the chance that nothing changed in t days: what the
look buys, in weighted days of freshness. The visit is due when V reaches the price. With a known
rate λ, P = e^(−λt) and V = (w/λ)·(1 − (1 + λτ)e^(−λτ)): the index whose level sets are the optimum
of Cho and Garcia-Molina (*Effective page refresh policies for Web crawlers*, TODS 28(4), 2003), so
one price for all GPTs keeps a budget best. Here λ is not known but believed Gamma(a, b), so
P(t) = (b/(b + t))^a. That is what makes it safe: GPTs of which the same is known are visited at the
same pace, which is round robin, and one that looks fast on little evidence is not given up, as it
is where an estimate is taken for the truth.

Objective ``changes``: LambdaCrawl's rates f = (−λ + √(λ² + 4wλ/μ))/2 (Kolobov et al., NeurIPS 2019;
``lambdacrawl`` in LambdaCrawlExps.py of github.com/microsoft/Optimal-Freshness-Crawl-Scheduling),
due after 1/f days. Nothing starves, and more changes are seen.
"""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec

from catalog.plan.rates import Belief

_STEPS = 20
_CLOSE = 1e-3
"""A relative step of Newton's so small that what is left is its square."""


class Objective(StrEnum):
    """What the budget is to buy."""

    FRESHNESS = "freshness"
    """That what is shown is true: for browsing. GPTs that change faster than can be followed get
    no more than the ceiling demands."""
    CHANGES = "changes"
    """That changes are seen: for tracking. Every GPT gets a part."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decides about planning.

    Attributes:
        objective: what the budget is to buy.
        ceiling: days after which every GPT is looked at again. Where the budget cannot keep it, it
            is what the budget can keep (:func:`catalog.plan.price.ceiling_of`).
        floor: days before which no GPT is looked at again.
        jitter: the part of an interval that is left to chance, to both sides.
        popularity: what a thousandfold of conversations is worth: 0 for nothing; see
            :func:`weight_of`.
        memory: days in which what was learned of a GPT loses half its weight; None for never.
    """

    objective: Objective = Objective.FRESHNESS
    ceiling: float = 90.0
    floor: float = 1.0
    jitter: float = 0.1
    popularity: float = 0.25
    memory: float | None = 730.0


def weight_of(conversations: int | None, rules: Rules, multiplier: float = 1.0) -> float:
    """How much a GPT's freshness counts.

    (1 + conversations)^popularity: at 0.25 a GPT with a million conversations counts as 32 with
    none. In proportion (1.0) a few hundred GPTs would take the whole budget.

    Args:
        conversations: at least so many, as the latest metrics say; None where nobody said.
        rules: the exponent.
        multiplier: the product of the person's own rules that the GPT meets (filters, watches).
    """
    return float((1 + (conversations or 0)) ** rules.popularity * multiplier)


def fresh_chance(belief: Belief, days: float) -> float:
    """P(t): the chance that nothing changed in ``days``."""
    return math.exp(-belief.shape * math.log1p(days / belief.days))


def mean_freshness(belief: Belief, interval: float) -> float:
    """The share of the time that a copy is true which is renewed every ``interval`` days."""
    u = interval / belief.days
    return _area(belief.shape, math.log1p(u)) / u


def _area(a: float, grown: float) -> float:
    """∫₀^τ P dt in units of b, with ``grown`` = ln(1 + τ/b)."""
    k = 1 - a
    return math.expm1(k * grown) / k if abs(k * grown) > 1e-9 else grown  # noqa: PLR2004


def _gain(a: float, grown: float) -> float:
    """∫₀^τ P dt − τ·P(τ), in units of b."""
    return _area(a, grown) - math.expm1(grown) * math.exp(-a * grown)


def interval_of(belief: Belief, weight: float, price: float, rules: Rules, ceiling: float) -> float:
    """Days from one visit to the next.

    Args:
        belief: of the change rate.
        weight: from :func:`weight_of`; not below 0.
        price: what a visit must be worth, in weighted days of freshness, or for ``changes`` μ.
        rules: objective and floor.
        ceiling: the most days, from :func:`catalog.plan.price.ceiling_of`.
    """
    if rules.objective is Objective.CHANGES:
        days = _harmonic(belief.rate, weight, price)
        return min(ceiling, max(rules.floor, days))
    return _indexed(belief, weight, price, rules.floor, ceiling)


def _harmonic(rate: float, weight: float, price: float) -> float:
    wanted = weight * rate / price
    if wanted <= 0:
        return math.inf
    # The same root, written so that nothing cancels where the rate is large.
    return (rate + math.sqrt(rate * rate + 4 * wanted)) / (2 * wanted)


def _indexed(belief: Belief, weight: float, price: float, floor: float, ceiling: float) -> float:
    """The root of w·V(τ) = price within [floor, ceiling].

    By Newton's steps in ln-ln, where V is nearly a line.
    """
    a, b = belief.shape, belief.days
    if weight <= 0:
        return ceiling
    target = price / (weight * b)
    high, low = math.log1p(ceiling / b), math.log1p(floor / b)
    if ceiling <= floor or _gain(a, high) <= target:
        return ceiling
    if _gain(a, low) >= target:
        return floor
    x = min(max(math.sqrt(2 * target / a), low), high)
    moved, steps = math.inf, 0
    while moved >= _CLOSE * x and steps < _STEPS:
        fall, grown = math.exp(-a * x), math.expm1(x)
        gain = _area(a, x) - grown * fall
        slope = x * a * fall * grown / gain if gain > 0 else 0.0
        step = math.log(target / gain) / slope if slope > 0 else 0.0
        after = min(max(x * math.exp(max(-3.0, min(3.0, step))), low), high)
        x, moved, steps = after, abs(after - x), steps + 1
    return b * math.expm1(x)
