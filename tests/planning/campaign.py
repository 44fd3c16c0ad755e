"""What is simulated: every family at every budget, and what the planner does not expect."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing import get_context

import msgspec

from catalog.plan import STORE, Objective, Prior, Rules
from tests.planning import worlds
from tests.planning.optimum import changes_seen, harmonic
from tests.planning.simulate import HOURLY, NIGHTLY, Measured, learned, optimum, round_robin
from tests.planning.told import told
from tests.planning.worlds import FAMILIES, World

SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.10)
"""Budgets, as visits a GPT and day."""
MEASURED = "measured"
"""The family of the rates of real documents."""
HARD = ("rates move", "bursts", "prior ten times too high", "prior ten times too low", "nightly")
"""What the planner does not expect, and the harvest that runs once a day."""
KINDS = ("two kinds, not told", "two kinds, told")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One simulation.

    Attributes:
        name: a family, or what is unusual.
        weighted: whether weights are drawn from Pareto(1.1), else all are 1.
        share: the budget, visits a GPT and day.
        seed: of the population and of what visits see.
        gpts: how many.
        rates: those of the measured family.
        objective: what the budget is to buy.
        marks: whether the told planner is run beside it.
    """

    name: str
    weighted: bool = False
    share: float
    seed: int
    gpts: int
    rates: tuple[float, ...] = ()
    objective: Objective = Objective.FRESHNESS
    marks: bool = True


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a case, or of the mean over seeds.

    Attributes:
        learned: freshness under the planner.
        even: under round robin.
        told: under the planner that knows the population, 0 where it was not run.
        best: the optimum for known rates, 0 where rates move.
        seen: the share of changes seen under the planner.
        seen_even: under round robin.
        seen_best: with LambdaCrawl's rates for known change rates, 0 where rates move.
        used: the share of the budget that was spent.
    """

    learned: float
    even: float
    told: float = 0.0
    best: float = 0.0
    seen: float
    seen_even: float
    seen_best: float = 0.0
    used: float

    @property
    def ratio(self) -> float:
        """Of the optimum."""
        return self.learned / self.best


def run(case: Case) -> Result:
    """Simulate one case."""
    rng = random.Random(case.seed)
    ticks, prior = HOURLY, STORE
    budget = case.share * case.gpts
    world = _world(case, rng)
    if case.name == HARD[2]:
        prior = Prior(STORE.shape, STORE.days / 10)
    elif case.name == HARD[3]:
        prior = Prior(STORE.shape, STORE.days * 10)
    elif case.name == HARD[4]:
        ticks = NIGHTLY
    rules = Rules(objective=case.objective)
    measured = learned(world, budget, rng, rules, ticks=ticks, prior=prior)
    even = round_robin(world, budget)
    if measured.most > budget + 1:
        raise AssertionError(f"{case}: {measured.most} visits on a day of {budget}")
    if case.name in HARD[:2]:
        return _result(measured, even)
    rates, weights = world.rates, world.weights
    return _result(
        measured,
        even,
        told=told(world, budget, rng).fresh if case.marks else 0.0,
        best=optimum(world, budget),
        seen_best=changes_seen(rates, harmonic(rates, weights, budget)),
    )


def _result(
    measured: Measured,
    even: Measured,
    *,
    told: float = 0.0,
    best: float = 0.0,
    seen_best: float = 0.0,
) -> Result:
    return Result(
        learned=measured.fresh,
        even=even.fresh,
        told=told,
        best=best,
        seen=measured.seen,
        seen_even=even.seen,
        seen_best=seen_best,
        used=measured.visits / measured.budget,
    )


def _world(case: Case, rng: random.Random) -> World:
    usual = next(iter(FAMILIES.values()))
    if case.name == HARD[0]:
        return worlds.moving(usual, case.gpts, rng, days=730)
    if case.name == HARD[1]:
        return worlds.bursts(usual, case.gpts, rng, days=730)
    if case.name in KINDS:
        return worlds.two_kinds(case.gpts, rng, told=case.name == KINDS[1])
    draw = worlds.measured(case.rates) if case.name == MEASURED else FAMILIES.get(case.name, usual)
    return worlds.steady(draw, case.gpts, rng, weighted=case.weighted)


def cases(
    *, gpts: int, seeds: int, rates: Sequence[float], shares: Iterable[float] = SHARES
) -> Iterator[Case]:
    """All that is simulated.

    Args:
        gpts: of each population.
        seeds: of each case.
        rates: that were measured; none leaves that family out.
        shares: the budgets.
    """
    families = [*FAMILIES, *([MEASURED] if rates else [])]
    for share in shares:
        for seed in range(seeds):
            for name in families:
                own = tuple(rates) if name == MEASURED else ()
                one = Case(name=name, share=share, seed=seed, gpts=gpts, rates=own)
                yield one
                yield msgspec.structs.replace(one, weighted=True)
                if share in {0.02, 0.05}:
                    yield msgspec.structs.replace(one, objective=Objective.CHANGES, marks=False)
            if share in {0.02, 0.05}:
                for name in (*HARD, *KINDS):
                    yield Case(name=name, share=share, seed=seed, gpts=gpts, marks=False)


Key = tuple[str, str, bool, float]
"""Objective, name, weighted, budget."""


def means(done: Iterable[tuple[Case, Result]]) -> dict[Key, Result]:
    """The means over seeds."""
    groups: dict[Key, list[Result]] = {}
    for case, result in done:
        key = (case.objective.value, case.name, case.weighted, case.share)
        groups.setdefault(key, []).append(result)
    return {key: _mean(results) for key, results in sorted(groups.items())}


def _mean(results: Sequence[Result]) -> Result:
    rows = [msgspec.structs.asdict(each) for each in results]
    mean: Mapping[str, float] = {
        name: sum(row[name] for row in rows) / len(rows) for name in rows[0]
    }
    return Result(**mean)


def simulate(todo: Sequence[Case], processes: int) -> Iterator[tuple[Case, Result]]:
    """Run cases side by side, each with its result as it is done."""
    with get_context("spawn").Pool(processes) as pool:
        yield from zip(todo, pool.imap(run, todo, chunksize=4), strict=True)
