"""The planner over two simulated years, in a small dose; ``make planning`` takes the full one."""

from __future__ import annotations

import math
import random

import pytest

from catalog.plan import Objective, Rules
from tests.planning import worlds
from tests.planning.campaign import Case, Result, means, run
from tests.planning.history import files, rates_of
from tests.planning.page import BEGIN, END, PAGE
from tests.planning.simulate import learned, optimum, round_robin
from tests.planning.told import told
from tests.planning.worlds import FAMILIES, World, steady

TOLERANCE = 0.005
GAMMA, LOGNORMAL, HEAVY = FAMILIES
SEEDS = 2
GPTS = 200


def mean(**said: object) -> Result:
    todo = [Case(seed=seed, gpts=GPTS, marks=False, **said) for seed in range(SEEDS)]  # type: ignore[arg-type]
    [result] = means((case, run(case)) for case in todo).values()
    return result


@pytest.mark.parametrize(
    ("name", "weighted", "share"),
    [
        (GAMMA, False, 0.02),
        (GAMMA, False, 0.05),
        (GAMMA, True, 0.05),
        (LOGNORMAL, False, 0.05),
        (HEAVY, False, 0.1),
    ],
)
def test_learned_plan_reaches_097_of_the_optimum(name: str, weighted: bool, share: float) -> None:  # noqa: FBT001
    result = mean(name=name, weighted=weighted, share=share)

    assert result.ratio >= 0.97 - TOLERANCE
    assert result.learned >= result.even - TOLERANCE


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("share", [0.005, 0.01])
def test_starved_plan_is_not_below_round_robin(name: str, share: float) -> None:
    result = mean(name=name, share=share)

    assert result.learned >= result.even - TOLERANCE


@pytest.mark.parametrize(
    "name",
    [
        "rates move",
        "bursts",
        "prior ten times too high",
        "prior ten times too low",
        "nightly",
        "two kinds, told",
    ],
)
def test_plan_that_believes_wrongly_is_not_below_round_robin(name: str) -> None:
    result = mean(name=name, share=0.02)

    assert result.learned >= result.even - TOLERANCE


def test_rates_of_real_documents_are_planned_as_well_as_they_can_be_learned() -> None:
    paths = files()
    if not paths:
        pytest.skip("there is no ../shared with a history of real documents")
    draw = worlds.measured(rates_of(paths))
    world = steady(draw, GPTS, random.Random(1), weighted=False)
    best = optimum(world, 0.1 * GPTS)

    found = learned(world, 0.1 * GPTS, random.Random(2), Rules()).fresh

    assert found >= (0.97 - TOLERANCE) * best
    assert found >= round_robin(world, 0.1 * GPTS).fresh - TOLERANCE


def test_objective_changes_sees_more_of_them() -> None:
    tracking = mean(name=GAMMA, share=0.02, objective=Objective.CHANGES)

    assert tracking.seen > mean(name=GAMMA, share=0.02).seen > tracking.seen_even


def test_told_planner_is_between_the_learner_and_the_optimum() -> None:
    world = steady(FAMILIES[LOGNORMAL], GPTS, random.Random(3), weighted=False)
    budget = 0.05 * GPTS

    mark = told(world, budget, random.Random(4)).fresh

    assert learned(world, budget, random.Random(4), Rules()).fresh <= mark + TOLERANCE
    assert mark <= optimum(world, budget)


@pytest.mark.parametrize("ticks", [1, 24])
def test_budget_of_a_day_is_spent_and_never_exceeded(ticks: int) -> None:
    world = steady(FAMILIES[GAMMA], GPTS, random.Random(5), weighted=False)

    found = learned(world, 7.5, random.Random(6), Rules(), days=400, ticks=ticks)

    assert found.most <= 8
    assert found.visits >= 0.97 * found.budget


def test_every_gpt_is_looked_at_again_within_the_ceiling() -> None:
    """90 days, or four rounds where the budget cannot keep that; and what waits in the queue."""
    world = steady(FAMILIES[HEAVY], GPTS, random.Random(7), weighted=False)

    found = learned(world, 0.1 * GPTS, random.Random(8), Rules())

    assert found.oldest <= 95


@pytest.mark.parametrize("path", [((math.inf, 0.3),), ((4.0, 0.1), (7.5, 2.0), (math.inf, 0.05))])
@pytest.mark.parametrize("start", [0.0, 5.0, 20.0])
def test_freshness_between_two_visits_is_integrated(path: worlds.Path, start: float) -> None:
    since, until, steps = 1.0, 12.0, 40_000
    width = (until - since) / steps
    expected = 0.0
    for k in range(steps):
        at = since + (k + 0.5) * width
        if at >= start:
            expected += math.exp(-worlds.changes(path, since, at)) * width

    fresh, chance = worlds.watched(path, since, until, start)

    assert fresh == pytest.approx(expected, abs=1e-3)
    assert chance == pytest.approx(-math.expm1(-worlds.changes(path, since, until)))


def test_round_robin_is_what_its_formula_says() -> None:
    world = World(paths=(((math.inf, 0.1),),) * 50, weights=(1.0,) * 50, strata=("",) * 50)

    found = round_robin(world, 5.0)

    assert found.fresh == pytest.approx(-math.expm1(-1), abs=1e-3)
    assert found.seen == pytest.approx(found.fresh, abs=5e-3)


def test_page_has_a_place_for_the_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.index(BEGIN) < text.index(END)
