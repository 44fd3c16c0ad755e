from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.fetch.limits import Budget, LoopTimer, Pace


@given(
    st.floats(0.1, 10_000),
    st.lists(st.floats(0, 2), max_size=60),
)
def test_pace_never_passes_the_rate_by_more_than_a_twentieth_second(
    rate: float, gaps: list[float]
) -> None:
    pace = Pace(rate)
    now = 100.0
    sent = []
    for gap in gaps:
        now += gap
        sent.append(max(now, pace.slot(now)))
    for first in range(len(sent)):
        for last in range(first + 1, len(sent)):
            window = sent[last] - sent[first]
            assert last - first <= (window + 0.05) * rate + 1.001


@pytest.mark.parametrize("rate", [0.5, 7.0, 400.0])
def test_pace_loses_nothing_to_late_wake_ups(rate: float) -> None:
    pace = Pace(rate)
    now = start = 50.0
    for _ in range(200):
        now = max(now, pace.slot(now)) + min(0.01, 0.5 / rate)  # every sleep takes longer
    assert (now - start) == pytest.approx(199 / rate, rel=0.02, abs=0.06)


def test_pause_voids_moments_and_halves_the_rate_once() -> None:
    pace = Pace(8.0)
    pace.slot(0.0)
    for _ in range(5):  # the answers of one overload
        pace.pause(1.0, 10.0)
    assert pace.pauses == 5
    assert pace.rate == 4.0
    assert [pace.slot(2.0), pace.slot(2.0)] == [11.0, 11.25]


def test_shorter_pause_does_not_end_a_longer_one() -> None:
    pace = Pace(8.0)
    pace.pause(0.0, 10.0)
    pace.pause(1.0, 2.0)
    assert pace.slot(3.0) == 10.0


def test_rate_falls_to_a_sixteenth_and_grows_back() -> None:
    pace = Pace(16.0)
    for second in range(20):
        pace.pause(float(second), 0.5)
    assert pace.rate == 1.0
    for _ in range(46):
        pace.recover()
    assert 15.0 < pace.rate < 16.0
    for _ in range(10):
        pace.recover()
    assert pace.rate == 16.0


def test_budget_without_a_limit_asks_nobody() -> None:
    budget = Budget(None, rate=5.0, words="", today=lambda: "2026-01-01")

    async def main() -> None:
        budget.give_back(await budget.take())
        await budget.close()

    asyncio.run(main())
    assert budget.unspent == 0


@pytest.mark.parametrize(("rate", "block"), [(0.01, 1), (5.0, 5), (7.5, 8), (1000.0, 50)])
def test_block_is_about_a_seconds_worth(rate: float, block: int) -> None:
    asked_for = []

    async def reserve(count: int) -> int:
        asked_for.append(count)
        return count

    asyncio.run(Budget(reserve, rate=rate, words="", today=lambda: "2026-01-01").take())
    assert asked_for == [block]


def test_what_was_granted_for_a_day_is_not_spent_on_the_next() -> None:
    today = "2026-01-01"
    granted = []

    async def reserve(count: int) -> int:
        granted.append(today)
        return count

    async def main() -> Budget:
        nonlocal today
        budget = Budget(reserve, rate=5.0, words="", today=lambda: today)
        await budget.take()
        today = "2026-01-02"
        await budget.take()
        return budget

    budget = asyncio.run(main())
    assert granted == ["2026-01-01", "2026-01-02"]
    assert budget.unspent == 4


def test_what_was_taken_before_midnight_is_no_request_of_the_next_day() -> None:
    today = "2026-01-01"

    async def reserve(count: int) -> int:
        return count

    async def main() -> Budget:
        nonlocal today
        budget = Budget(reserve, rate=5.0, words="", today=lambda: today)
        before = await budget.take()
        today = "2026-01-02"
        after = await budget.take()
        budget.give_back(before)
        assert budget.unspent == 4
        budget.give_back(after)
        return budget

    assert asyncio.run(main()).unspent == 5


def test_reservation_outlives_the_question_that_caused_it() -> None:
    granted = asyncio.Event()

    async def reserve(count: int) -> int:
        await granted.wait()
        return count

    async def main() -> int:
        budget = Budget(reserve, rate=4.0, words="", today=lambda: "2026-01-01")
        task = asyncio.create_task(budget.take())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        granted.set()
        await budget.close()
        return budget.unspent

    assert asyncio.run(main()) == 4


def test_loop_timer_waits_by_the_loop() -> None:
    async def main() -> float:
        timer = LoopTimer()
        before = timer.monotonic()
        await timer.sleep(0.01)
        return timer.monotonic() - before

    assert asyncio.run(main()) > 0.009
