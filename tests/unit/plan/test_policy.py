from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.plan.policy import (
    Objective,
    Rules,
    fresh_chance,
    interval_of,
    mean_freshness,
    weight_of,
)
from catalog.plan.rates import Belief
from tests.planning import optimum

FREE = Rules(floor=1e-6)
LONG = 1e7


def known(rate: float) -> Belief:
    """A belief so sharp that it is knowledge."""
    return Belief(1e4, 1e4 / rate)


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.7])
def test_interval_for_a_known_rate_is_the_optimum(rate: float, part: float) -> None:
    price = part / rate

    interval = interval_of(known(rate), 1.0, price, FREE, LONG)

    assert interval == pytest.approx(1 / optimum.optimal_rate(rate, 1.0, price), rel=2e-3)


@given(
    shape=st.floats(0.05, 500),
    days=st.floats(0.5, 1e5),
    price=st.floats(1e-3, 1e4),
    weight=st.floats(0.1, 1e3),
)
def test_visit_is_due_when_it_is_worth_its_price(
    shape: float, days: float, price: float, weight: float
) -> None:
    belief = Belief(shape, days)

    interval = interval_of(belief, weight, price, Rules(floor=0.5), 1000.0)

    assert 0.5 <= interval <= 1000.0
    gain = mean_freshness(belief, interval) - fresh_chance(belief, interval)
    value = weight * interval * gain
    if interval == 0.5:
        assert value >= price * 0.99
    elif interval == 1000.0:
        assert value <= price * 1.01
    else:
        assert value == pytest.approx(price, rel=0.01)


@given(shape=st.floats(0.05, 50), days=st.floats(1, 1e4), interval=st.floats(0.1, 1e3))
def test_mean_freshness_is_the_integral_of_the_chance(
    shape: float, days: float, interval: float
) -> None:
    belief = Belief(shape, days)
    # Midpoints in ln(1 + t/b), in which the chance falls evenly.
    end, steps, area = math.log1p(interval / days), 2000, 0.0
    for k in range(steps):
        grown = (k + 0.5) * end / steps
        area += fresh_chance(belief, days * math.expm1(grown)) * days * math.exp(grown)

    mean = area * end / steps / interval
    assert mean_freshness(belief, interval) == pytest.approx(mean, rel=1e-3)


def test_shape_of_one_is_no_gap_in_the_formulas() -> None:
    near, at = (mean_freshness(Belief(shape, 30.0), 40.0) for shape in (1 + 1e-6, 1.0))

    assert at == pytest.approx(near, rel=1e-5)


def test_gpts_of_which_the_same_is_known_go_round_robin() -> None:
    rules = Rules()

    assert len({interval_of(Belief(0.3, 19.0), 1.0, 20.0, rules, 400.0) for _ in range(5)}) == 1


def test_gpt_that_looks_fast_on_little_evidence_is_not_given_up() -> None:
    """An estimate taken for the truth would never look again: w/λ is below the price."""
    price = 12.0
    sure, unsure = Belief(400.0, 4000.0), Belief(0.5, 5.0)

    assert sure.rate == unsure.rate == 0.1
    assert optimum.optimal_rate(0.1, 1.0, price) == 0
    assert interval_of(sure, 1.0, price, FREE, LONG) == LONG
    assert interval_of(unsure, 1.0, price, FREE, LONG) < 200


@pytest.mark.parametrize("objective", list(Objective))
def test_interval_shrinks_with_weight_and_grows_with_price(objective: Objective) -> None:
    rules = Rules(objective=objective, floor=1e-3)
    belief = Belief(2.0, 100.0)

    by_weight = [interval_of(belief, w, 5.0, rules, LONG) for w in (0.5, 1.0, 2.0, 8.0)]
    by_price = [interval_of(belief, 1.0, p, rules, LONG) for p in (0.5, 1.0, 5.0, 20.0)]

    assert by_weight == sorted(by_weight, reverse=True)
    assert by_price == sorted(by_price)


@pytest.mark.parametrize("rate", [0.001, 0.1, 3.0])
def test_changes_are_tracked_at_the_rates_of_lambdacrawl(rate: float) -> None:
    rules = Rules(objective=Objective.CHANGES, floor=1e-6)
    f = 1 / interval_of(Belief(2.0, 2.0 / rate), 3.0, 0.4, rules, LONG)

    # The stationary point of Σ −w·ln(f/(f + λ)): w·λ/(f·(f + λ)) = μ.
    assert 3.0 * rate / (f * (f + rate)) == pytest.approx(0.4, rel=1e-6)


@pytest.mark.parametrize("objective", list(Objective))
def test_weight_of_nothing_is_left_to_the_ceiling(objective: Objective) -> None:
    rules = msgspec.structs.replace(FREE, objective=objective)

    assert interval_of(Belief(1.0, 10.0), 0.0, 1.0, rules, 77.0) == 77.0


def test_weight_grows_with_conversations_and_the_persons_own_rules() -> None:
    rules = Rules(popularity=0.25)

    assert weight_of(None, rules) == weight_of(0, rules) == 1
    assert weight_of(1_000_000, rules) == pytest.approx(31.6, abs=0.1)
    assert weight_of(0, rules, multiplier=5.0) == 5
    assert weight_of(10**9, Rules(popularity=0.0)) == 1
    assert math.isfinite(weight_of(10**12, Rules(popularity=1.0)))


@pytest.mark.parametrize(
    ("shape", "days", "due", "ceiling"),
    [(5.1, 0.15, 770.0, 5e6), (0.0054, 87237.3, 0.0305, 0.039), (7.5, 0.1, 150.0, 200.0)],
)
def test_worth_that_hardly_grows_any_more_is_met_nonetheless(
    shape: float, days: float, due: float, ceiling: float
) -> None:
    """Where V is flat or nearly a square, a step of Newton's may leave the range."""
    belief = Belief(shape, days)
    price = due * (mean_freshness(belief, due) - fresh_chance(belief, due))

    interval = interval_of(belief, 1.0, price, Rules(floor=0.01), ceiling)

    gain = mean_freshness(belief, interval) - fresh_chance(belief, interval)
    assert 0.01 <= interval <= ceiling
    assert interval * gain == pytest.approx(price, rel=1e-4)


def test_worth_too_small_to_be_told_from_nothing_has_an_interval() -> None:
    """Where a day is nothing beside what is believed, V is (τ/b)²·a·b/2, and its digits cancel."""
    interval = interval_of(Belief(1.0, 1e20), 1.0, 5e-15, FREE, LONG)

    assert interval == pytest.approx(1000.0)
