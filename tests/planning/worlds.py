"""GPTs that change: their true rates over time, and how much each counts.

The families and the budgets are those of the published baselines the planner is held to; two
worlds more break what the planner believes: rates that move, and changes that come in bursts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import msgspec

Path = tuple[tuple[float, float], ...]
"""The rate of one GPT over time: (until which day, changes a day), the last until infinity."""

_LEAST = 1e-9
PARETO = 1.1


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A population.

    Attributes:
        paths: of each GPT, its rate over time.
        weights: how much its freshness counts.
        strata: by which the planner may tell it; "" for not at all.
    """

    paths: tuple[Path, ...]
    weights: tuple[float, ...]
    strata: tuple[str, ...]

    @property
    def rates(self) -> list[float]:
        """The rates of a world in which none moves."""
        return [path[0][1] for path in self.paths]


Draw = Callable[[random.Random], float]

FAMILIES: dict[str, Draw] = {
    "gamma(0.3), mean 0.0158": lambda rng: rng.gammavariate(0.3, 0.0158 / 0.3),
    "lognormal(-3, 1.5)": lambda rng: rng.lognormvariate(-3, 1.5),
    "lognormal(-3, 2)": lambda rng: rng.lognormvariate(-3, 2),
}


def steady(draw: Draw, gpts: int, rng: random.Random, *, weighted: bool) -> World:
    """Rates that stay as they were drawn.

    Args:
        draw: a rate.
        gpts: how many.
        rng: draws.
        weighted: whether weights are drawn from Pareto(1.1), else all are 1.
    """
    paths = tuple(((math.inf, max(_LEAST, draw(rng))),) for _ in range(gpts))
    return World(paths=paths, weights=_weights(gpts, rng, weighted=weighted), strata=("",) * gpts)


def measured(rates: Sequence[float]) -> Draw:
    """Draws among rates that were measured."""
    return lambda rng: rng.choice(rates)


def moving(
    draw: Draw, gpts: int, rng: random.Random, *, days: float, every: float = 180.0
) -> World:
    """Each GPT's rate is drawn anew after ``every`` days on average."""

    def path() -> Path:
        made: list[tuple[float, float]] = []
        until = 0.0
        while until < days:
            until += rng.expovariate(1 / every)
            made.append((until, max(_LEAST, draw(rng))))
        return (*made, (math.inf, max(_LEAST, draw(rng))))

    paths = tuple(path() for _ in range(gpts))
    return World(paths=paths, weights=(1.0,) * gpts, strata=("",) * gpts)


def bursts(draw: Draw, gpts: int, rng: random.Random, *, days: float) -> World:
    """Changes come in bursts: three days at ten times the mean rate, then quiet, as people edit."""

    def path() -> Path:
        mean = max(_LEAST, draw(rng))
        made: list[tuple[float, float]] = []
        until = 0.0
        while until < days:
            until += rng.expovariate(1 / 27.0)
            made.append((until, _LEAST))
            until += rng.expovariate(1 / 3.0)
            made.append((until, mean * 10))
        return (*made, (math.inf, _LEAST))

    paths = tuple(path() for _ in range(gpts))
    return World(paths=paths, weights=(1.0,) * gpts, strata=("",) * gpts)


def two_kinds(gpts: int, rng: random.Random, *, told: bool) -> World:
    """A tenth of the GPTs, the new ones, change thirty times as often as the rest.

    Args:
        gpts: how many.
        rng: draws.
        told: whether the planner is told which is which.
    """
    new = [rng.random() < 0.1 for _ in range(gpts)]
    paths = tuple(
        ((math.inf, max(_LEAST, rng.gammavariate(2.0, (0.15 if each else 0.005) / 2))),)
        for each in new
    )
    strata = tuple(("new" if each else "old") if told else "" for each in new)
    return World(paths=paths, weights=(1.0,) * gpts, strata=strata)


def _weights(gpts: int, rng: random.Random, *, weighted: bool) -> tuple[float, ...]:
    return tuple(rng.paretovariate(PARETO) if weighted else 1.0 for _ in range(gpts))


def watched(path: Path, since: float, until: float, start: float) -> tuple[float, float]:
    """What is to be expected of a copy made at ``since``, in continuous time.

    Returns:
        The days from ``start`` on in which it is true, and the chance that by ``until`` it is not.
    """
    fresh = passed = 0.0
    at = since
    for end, rate in path:
        if end <= at:
            continue
        stop = min(end, until)
        if stop > start:
            begin = max(at, start)
            before = passed + rate * (begin - at)
            fresh += math.exp(-before) * -math.expm1(-rate * (stop - begin)) / rate
        passed += rate * (stop - at)
        at = stop
        if at >= until:
            break
    return fresh, -math.expm1(-passed)


def changes(path: Path, since: float, until: float) -> float:
    """How many changes are to be expected between two days."""
    total, at = 0.0, since
    for end, rate in path:
        if end <= at:
            continue
        stop = min(end, until)
        total += rate * (stop - at)
        at = stop
        if at >= until:
            break
    return total
