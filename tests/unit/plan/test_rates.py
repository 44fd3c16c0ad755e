from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.plan.rates import (
    FASTEST,
    SHORTEST,
    SLOWEST,
    STORE,
    Belief,
    Evidence,
    Prior,
    Priors,
    Sums,
    believed,
    digamma,
    learn,
    learn_prior,
    learn_priors,
    trigamma,
)

EULER = 0.5772156649015329


@pytest.mark.parametrize(
    ("x", "value"),
    [(1.0, -EULER), (0.5, -EULER - 2 * math.log(2)), (2.0, 1 - EULER), (10.0, 2.251752589066721)],
)
def test_digamma_has_its_known_values(x: float, value: float) -> None:
    assert digamma(x) == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize(
    ("x", "value"),
    [(1.0, math.pi**2 / 6), (0.5, math.pi**2 / 2), (2.0, math.pi**2 / 6 - 1)],
)
def test_trigamma_has_its_known_values(x: float, value: float) -> None:
    assert trigamma(x) == pytest.approx(value, abs=1e-7)


def test_unchanged_days_are_added_as_they_are() -> None:
    assert learn(STORE, Evidence(), 12.5, changed=False) == Evidence(0, 12.5)


def test_change_in_a_short_time_counts_as_one() -> None:
    """The EM form: counted changes over days watched."""
    own = learn(Prior(2.0, 200.0), Evidence(), 0.01, changed=True)

    assert own.shape == pytest.approx(1.0, abs=1e-3)
    assert own.days == pytest.approx(0.0, abs=1.0)


def test_change_in_a_time_that_was_sure_to_bring_one_says_little() -> None:
    before = Prior(2.0, 200.0)
    after = believed(before, learn(before, Evidence(), 10_000.0, changed=True))

    assert after.rate == pytest.approx(before.rate, rel=0.01)


@given(
    shape=st.floats(0.1, 50),
    days=st.floats(0.1, 5000),
    tau=st.floats(0.01, 1000),
)
def test_belief_after_a_change_has_the_mean_of_the_exact_posterior(
    shape: float, days: float, tau: float
) -> None:
    """Against the closed form, by another way: E[λ(1 − e^(−λτ))] / E[1 − e^(−λτ)]."""
    prior = Prior(shape, days)
    after = believed(prior, learn(prior, Evidence(), tau, changed=True))
    gone = (days / (days + tau)) ** shape
    mean = (shape / days - gone * shape / (days + tau)) / (1 - gone)

    if SLOWEST < mean < FASTEST and gone < 0.999:
        assert after.rate == pytest.approx(mean, rel=1e-3)


def test_visit_at_the_same_moment_says_nothing() -> None:
    own = Evidence(1.0, 20.0)

    assert learn(STORE, own, 0.0, changed=True) is own


@given(
    visits=st.lists(st.tuples(st.floats(1e-6, 2000), st.booleans()), max_size=60),
    shape=st.floats(0.1, 5),
    mean=st.floats(1e-5, 7),
)
def test_belief_stays_within_bounds_whatever_is_seen(
    visits: list[tuple[float, bool]], shape: float, mean: float
) -> None:
    prior, own = Prior(shape, shape / mean), Evidence()
    for days, changed in visits:
        own = learn(prior, own, days, changed=changed)
        belief = believed(prior, own)
        assert belief.shape > 0
        assert SLOWEST * 0.999 <= belief.rate <= FASTEST * 1.001


@pytest.mark.parametrize("rate", [0.003, 0.03, 0.3])
def test_rate_is_learned_from_irregular_visits(rate: float) -> None:
    """But for what the prior, far below the fastest, still weighs after sixty visits."""
    rng = random.Random(1)
    found = []
    for _ in range(40):
        own = Evidence()
        for _ in range(60):
            days = rng.uniform(0.2, 2.0) / rate
            own = learn(STORE, own, days, changed=rng.random() < -math.expm1(-rate * days))
        found.append(believed(STORE, own).rate)

    assert sum(found) / len(found) == pytest.approx(rate, rel=0.15)


def test_shortest_time_that_says_something_is_counted() -> None:
    assert learn(STORE, Evidence(), SHORTEST, changed=False) == Evidence(0, SHORTEST)
    assert learn(STORE, Evidence(), SHORTEST * 0.99, changed=False) == Evidence()


def test_evidence_is_forgotten_by_halves() -> None:
    own = learn(STORE, Evidence(4.0, 100.0), 50.0, changed=False, memory=50.0)

    assert own == Evidence(2.0, 100.0)


def test_prior_that_is_learned_later_reaches_gpts_visited_before() -> None:
    own = learn(STORE, Evidence(), 10.0, changed=False)

    assert believed(Prior(2.0, 10.0), own) == Belief(2.0, 20.0)


def _sums(rates: list[float], prior: Prior, days: float, looks: int, seed: int) -> Sums:
    rng = random.Random(seed)
    sums = Sums()
    for rate in rates:
        own = Evidence()
        for _ in range(looks):
            own = learn(prior, own, days, changed=rng.random() < -math.expm1(-rate * days))
        belief = believed(prior, own)
        sums += Sums(1.0, belief.rate, belief.log_rate)
    return sums


def test_prior_is_learned_from_the_population() -> None:
    rng = random.Random(3)
    rates = [rng.gammavariate(0.8, 0.05 / 0.8) for _ in range(1000)]
    prior = STORE
    for _ in range(15):
        prior = learn_prior(_sums(rates, prior, 5.0, 20, seed=4), prior)

    assert prior.rate == pytest.approx(0.05, rel=0.1)
    assert prior.shape == pytest.approx(0.8, rel=0.15)


@pytest.mark.parametrize("shape", [0.11, 0.3, 1.0, 2.5, 4.9])
def test_prior_has_the_shape_that_the_spread_of_rates_tells(shape: float) -> None:
    """Of a Gamma, ln(mean) − mean(ln) is ln a − ψ(a)."""
    log_rate = math.log(0.02) - (math.log(shape) - digamma(shape))

    learned = learn_prior(Sums(100.0, 2.0, 100 * log_rate))

    assert learned.rate == pytest.approx(0.02)
    assert learned.shape == pytest.approx(shape, rel=1e-8)


def test_few_gpts_make_no_prior() -> None:
    assert learn_prior(Sums(10.0, 1.0, -20.0), STORE) is STORE
    assert learn_priors({"": Sums(10.0, 1.0, -20.0)}, Priors()) == Priors()


def test_small_stratum_stays_near_the_whole_and_a_large_one_speaks_for_itself() -> None:
    quiet = Sums(5000.0, 50.0, 5000 * (math.log(0.01) - 1))
    small, large = (
        learn_priors({"": quiet, "new": Sums(n, n * 0.2, n * (math.log(0.2) - 1))}, Priors())
        for n in (5.0, 2000.0)
    )

    assert small.of("new").rate < 0.05
    assert large.of("new").rate > 0.15
    assert large.of("never heard of") == large.overall


def test_sums_of_parts_add_up() -> None:
    assert Sums(1, 2, 3) + Sums(4, 5, 6).times(2) == Sums(9, 12, 15)
