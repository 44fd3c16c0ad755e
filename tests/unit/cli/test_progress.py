from __future__ import annotations

import pytest

from catalog.cli.output import Output
from catalog.cli.progress import EVERY, HarvestDisplay, Rate, harvest_words
from catalog.harvest import Progress, Stop
from catalog.records import Verdict


class Ticks:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_rate_is_that_of_the_last_seconds() -> None:
    ticks = Ticks()
    rate = Rate(ticks)
    ticks.at = 10.0
    assert rate.take(100) == pytest.approx(10)
    ticks.at = 20.0
    assert rate.take(100) == pytest.approx(0)


def test_harvest_words_say_where_a_run_stands() -> None:
    words = harvest_words(
        Progress(
            source="s",
            requested=1000,
            resumed=100,
            verdicts={Verdict.DOCUMENT: 290, Verdict.NOT_FOUND: 10},
            effects={"new": 200, "changed": 5, "unchanged": 85},
            budget_left=7000,
        ),
        rate=100.0,
    )
    assert words == (
        "400 of 1,000 ids (100 before)  100.0/s  290 documents  10 not found"
        "  (200 new, 5 changed)  6 s left  budget 7,000 left"
    )


def test_harvest_words_say_that_it_stops() -> None:
    assert "stopping" in harvest_words(
        Progress(source="s", requested=9, stopping=Stop("asked", "why")), 1.0
    )


def test_log_gets_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = Ticks()
    with HarvestDisplay(Output(), ticks) as display:
        for _ in range(100):
            ticks.at += EVERY / 20
            display.show(Progress(source="s", requested=9))
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 5
    assert not captured.out
