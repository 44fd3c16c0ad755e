from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.plan import (
    STORE,
    Price,
    Prior,
    Rules,
    State,
    Visit,
    after_visit,
    known,
    next_due,
    priced_again,
)
from catalog.records import Verdict
from catalog.times import DAY, HOUR, Micros, day_of, from_iso

NOW = from_iso("2026-02-03T21:00:00Z")
PRICE = Price(10.0, 200.0)
RULES = Rules()
FAILURES = [each for each in Verdict if not each.is_fact]


def document(at: Micros = NOW, *, changed: bool = False, said_at: Micros | None = None) -> Visit:
    return Visit(at=at, verdict=Verdict.DOCUMENT, changed=changed, said_at=said_at)


def step(state: State, visit: Visit, *, weight: float = 1.0) -> tuple[State, Micros]:
    return after_visit(state, visit, PRICE, weight, RULES)


@given(
    visits=st.lists(
        st.tuples(
            st.sampled_from(list(Verdict)),
            st.integers(0, 400 * DAY),
            st.booleans(),
            st.integers(0, 3 * DAY),
            st.integers(0, 10**6 * DAY),
        ),
        max_size=30,
    ),
    seed=st.integers(0, 10),
)
def test_next_visit_moves_and_is_never_further_than_the_ceiling(
    visits: list[tuple[Verdict, int, bool, int, int]], seed: int
) -> None:
    state, at, rng = known(1.0), NOW, random.Random(seed)
    for verdict, passed, changed, old, pause in visits:
        at += passed
        visit = Visit(at=at, verdict=verdict, changed=changed, said_at=at - old, pause=pause)
        state, due = after_visit(state, visit, PRICE, 1.0, RULES, rng)
        assert at + HOUR <= due <= at + int(PRICE.ceiling * DAY) + 2 * DAY


def test_first_document_teaches_nothing_and_is_due_as_its_prior_says() -> None:
    state, due = step(known(1.0), document(changed=True))

    assert not state.evidence
    assert state.confirmed_at == NOW
    assert state.rate == pytest.approx(STORE.rate)
    assert state.log_rate == pytest.approx(STORE.log_rate)
    assert NOW + DAY < due < NOW + 200 * DAY


def test_change_shortens_what_follows_and_quiet_lengthens_it() -> None:
    first, _ = step(known(1.0), document())
    later = NOW + 20 * DAY

    moved, soon = step(first, document(later, changed=True))
    quiet, late = step(first, document(later))

    assert moved.rate > first.rate > quiet.rate
    assert soon < late


def test_popular_gpt_is_due_sooner() -> None:
    assert step(known(9.0), document(), weight=9.0)[1] < step(known(1.0), document())[1]


@pytest.mark.parametrize("verdict", FAILURES)
def test_failure_teaches_nothing_and_keeps_its_pause(verdict: Verdict) -> None:
    state, _ = step(known(1.0), document())
    after, due = step(state, Visit(at=NOW + DAY, verdict=verdict))

    assert after == msgspec.structs.replace(state, attempts=1)
    assert due == next_due(verdict, 1, NOW + DAY)
    assert step(after, document(NOW + 2 * DAY))[0].attempts == 0


def test_missing_gpt_is_looked_at_the_next_day_and_then_ever_more_rarely() -> None:
    state, at = known(1.0), NOW
    pauses = []
    for _ in range(12):
        state, due = step(state, Visit(at=at, verdict=Verdict.NOT_FOUND))
        pauses.append((due - at) // DAY)
        at = due

    assert day_of(NOW + pauses[0] * DAY + 6 * HOUR) == "2026-02-04"
    assert pauses[:5] == [0, 2, 4, 8, 16]
    assert max(pauses) <= 201
    assert state.cell is None


def test_gpt_that_comes_back_is_planned_again() -> None:
    state, _ = step(known(1.0), document())
    for day in (1, 2, 3):
        state, _ = step(state, Visit(at=NOW + day * DAY, verdict=Verdict.NOT_FOUND))
    back, _ = step(state, document(NOW + 9 * DAY, changed=True))

    assert (back.misses, back.cell is not None) == (0, True)
    assert back.evidence.shape > 0


def test_answer_for_another_gpt_confirms_nothing() -> None:
    state, _ = step(known(1.0), document())
    after, due = step(state, Visit(at=NOW + DAY, verdict=Verdict.MISMATCHED))

    assert (after.confirmed_at, after.evidence, after.misses) == (NOW, state.evidence, 1)
    assert due == NOW + 2 * DAY


def test_cache_that_says_the_same_again_confirms_nothing() -> None:
    state, _ = step(known(1.0), document())
    after, due = step(state, document(NOW + 5 * DAY, said_at=NOW, changed=True))

    assert after == state
    assert due >= NOW + 6 * DAY


def test_cache_confirms_as_of_the_time_it_speaks_for() -> None:
    state, _ = step(known(1.0), document())
    after, _ = step(state, document(NOW + 5 * DAY, said_at=NOW + 2 * DAY))

    assert (after.confirmed_at, after.days) == (NOW + 2 * DAY, 2.0)


@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.DOCUMENT])
def test_pause_that_the_source_asks_for_is_kept_within_reason(verdict: Verdict) -> None:
    long, absurd = 30 * DAY, 10_000 * DAY

    for pause, least in ((long, long), (absurd, int(PRICE.ceiling * DAY))):
        _, due = step(known(1.0), Visit(at=NOW, verdict=verdict, pause=pause))
        assert NOW + least <= due <= NOW + least + 90 * DAY


def test_chance_spreads_visits_within_floor_and_ceiling_and_follows_from_its_seed() -> None:
    dues = {
        after_visit(known(1.0), document(), PRICE, 1.0, RULES, random.Random(seed))[1]
        for seed in range(20)
    }
    exact = step(known(1.0), document())[1]

    assert len(dues) == 20
    assert all(abs(due - exact) <= 0.1 * (exact - NOW) + 1 for due in dues)
    _, least = after_visit(known(1.0), document(), Price(1e-9, 200.0), 1.0, RULES, random.Random(1))
    assert least >= NOW + DAY


def test_prior_of_its_kind_decides_for_a_gpt_without_visits() -> None:
    fast, slow = Prior(1.0, 10.0), Prior(1.0, 1000.0)
    price = Price(1.0, 200.0)

    dues = [
        after_visit(known(1.0, prior), document(), price, 1.0, RULES, prior=prior)[1]
        for prior in (fast, slow)
    ]

    assert dues[0] < dues[1]


def test_new_price_moves_the_next_visit_as_if_it_had_stood_at_the_last_one() -> None:
    state, due = step(known(1.0), document())
    dear = Price(PRICE.price * 4, PRICE.ceiling)

    same, stays = priced_again(state, NOW, PRICE, 1.0, RULES)
    _, later = priced_again(state, NOW, dear, 1.0, RULES)
    _, sooner = priced_again(state, NOW, PRICE, 9.0, RULES)

    assert (same, stays) == (state, due)
    assert later == after_visit(known(1.0), document(), dear, 1.0, RULES)[1] > due
    assert NOW + DAY <= sooner == step(known(9.0), document(), weight=9.0)[1] < due


def test_new_price_counts_from_what_a_cache_spoke_for_and_keeps_the_floor() -> None:
    state, _ = step(known(1.0), document(said_at=NOW - 2 * DAY))
    cheap = Price(1e-9, PRICE.ceiling)

    _, due = priced_again(state, NOW, PRICE, 1.0, RULES)
    _, least = priced_again(state, NOW, cheap, 1.0, RULES)
    _, unsaid = priced_again(known(1.0), NOW, PRICE, 1.0, RULES)

    assert unsaid - due == 2 * DAY
    assert least == NOW + DAY


def test_new_price_is_spread_by_chance_as_visits_are() -> None:
    state, due = step(known(1.0), document())
    dues = {
        priced_again(state, NOW, PRICE, 1.0, RULES, random.Random(seed))[1] for seed in range(20)
    }

    assert len(dues) == 20
    assert all(abs(each - due) <= 0.1 * (due - NOW) + 1 for each in dues)
