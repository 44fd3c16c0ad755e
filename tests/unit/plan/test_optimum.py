from __future__ import annotations

import random

import pytest

from tests.planning import optimum as o

RATES = [1.0, 2.0, 3.0, 4.0, 5.0]
EQUAL = [1.0] * 5


def test_optimum_reproduces_the_published_vector() -> None:
    paces = o.optimal(RATES, EQUAL, 5)

    assert [round(f, 2) for f in paces] == [1.15, 1.36, 1.35, 1.14, 0.0]
    assert round(o.mean_freshness(RATES, EQUAL, paces), 4) == 0.3739
    assert round(o.mean_freshness(RATES, EQUAL, o.even(RATES, 5)), 4) == 0.3651
    assert round(o.mean_freshness(RATES, EQUAL, o.proportional(RATES, 5)), 4) == 0.3167


@pytest.mark.parametrize("plan", [o.optimal, o.azar, o.harmonic])
@pytest.mark.parametrize("budget", [0.5, 3.0, 40.0])
def test_each_plan_spends_the_budget_and_no_more(plan: object, budget: float) -> None:
    assert callable(plan)
    rng = random.Random(2)
    rates = [rng.lognormvariate(-2, 1.5) for _ in range(200)]
    weights = [rng.paretovariate(1.1) for _ in range(200)]

    assert sum(plan(rates, weights, budget)) == pytest.approx(budget, rel=1e-6)


def test_azars_plan_is_best_for_visits_at_random_times() -> None:
    def random_times(paces: list[float]) -> float:
        return sum(f / (f + rate) for rate, f in zip(RATES, paces, strict=True))

    best = random_times(o.azar(RATES, EQUAL, 5))

    assert best > random_times(o.optimal(RATES, EQUAL, 5))
    assert best > random_times(o.harmonic(RATES, EQUAL, 5))
    assert best > random_times(o.even(RATES, 5))


def test_no_move_of_budget_between_two_pages_betters_the_optimum() -> None:
    paces = o.optimal(RATES, EQUAL, 5)
    best = o.mean_freshness(RATES, EQUAL, paces)
    for i in range(4):
        for j in range(5):
            moved = list(paces)
            moved[i] -= 0.01
            moved[j] += 0.01
            assert o.mean_freshness(RATES, EQUAL, moved) <= best + 1e-12


def test_even_spacing_of_one_visit_a_change_is_fresh_for_63_percent() -> None:
    assert round(o.freshness(1.0, 1.0), 3) == 0.632
    assert o.freshness(1.0, 0.0) == 0


@pytest.mark.parametrize(("share", "even", "best"), [(0.005, 0.618, 0.667), (0.02, 0.797, 0.846)])
def test_published_baselines_of_a_gamma_population_are_met(
    share: float, even: float, best: float
) -> None:
    rng = random.Random(1)
    rates = [max(1e-9, rng.gammavariate(0.3, 0.0158 / 0.3)) for _ in range(4000)]
    weights, budget = [1.0] * len(rates), share * len(rates)

    found = o.mean_freshness(rates, weights, o.even(rates, budget))
    assert found == pytest.approx(even, abs=0.015)
    found = o.mean_freshness(rates, weights, o.optimal(rates, weights, budget))
    assert found == pytest.approx(best, abs=0.015)
