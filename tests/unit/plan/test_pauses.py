from __future__ import annotations

import random

import pytest

from catalog.plan import (
    AFTER_MIDNIGHT,
    FIRST_PAUSE,
    JITTER,
    LONGEST_PAUSE,
    next_attempts,
    next_due,
)
from catalog.records import Verdict
from catalog.times import DAY, HOUR, MINUTE, day_of, from_iso

NOW = from_iso("2026-02-03T23:59:00Z")
FAILURES = [verdict for verdict in Verdict if not verdict.is_fact]


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("attempts", [0, 1, 2, 7, 10_000])
@pytest.mark.parametrize("rng", [None, random.Random(1)])
def test_next_visit_moves_on_every_path(
    verdict: Verdict, attempts: int, rng: random.Random | None
) -> None:
    pause = next_due(verdict, attempts, NOW, rng) - NOW

    assert HOUR <= pause <= (DAY + AFTER_MIDNIGHT) * (1 + JITTER)


@pytest.mark.parametrize("verdict", [Verdict.DOCUMENT, Verdict.MISMATCHED])
def test_document_is_asked_for_again_a_day_later(verdict: Verdict) -> None:
    assert next_due(verdict, 0, NOW) == NOW + DAY


@pytest.mark.parametrize("ago", [0, MINUTE, 12 * HOUR, 23 * HOUR + 59 * MINUTE])
def test_not_found_is_looked_at_on_the_next_utc_day(ago: int) -> None:
    now = NOW - ago

    assert day_of(next_due(Verdict.NOT_FOUND, 0, now)) == "2026-02-04"
    assert next_due(Verdict.NOT_FOUND, 0, now) == from_iso("2026-02-04T03:00:00Z")


@pytest.mark.parametrize("verdict", FAILURES)
def test_failure_is_repeated_after_a_pause_that_doubles(verdict: Verdict) -> None:
    pauses = [next_due(verdict, attempts, NOW) - NOW for attempts in range(1, 8)]

    assert pauses[:5] == [FIRST_PAUSE * 2**n for n in range(5)]
    assert pauses[5:] == [LONGEST_PAUSE] * 2


def test_chance_spreads_visits_and_follows_from_its_seed() -> None:
    moments = {next_due(Verdict.DOCUMENT, 0, NOW, random.Random(seed)) for seed in range(20)}

    assert len(moments) == 20
    assert next_due(Verdict.DOCUMENT, 0, NOW, random.Random(3)) in moments


@pytest.mark.parametrize("verdict", list(Verdict))
def test_attempts_count_visits_without_a_fact(verdict: Verdict) -> None:
    assert next_attempts(verdict, 4) == (5 if verdict in FAILURES else 0)
