"""A year of harvests in minutes, and many short stretches with a fault in each.

The clock is simulated and nothing sleeps. What must hold is in :mod:`tests.faults.years.audit`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.times import from_iso
from tests.faults.years.script import TROUBLES
from tests.faults.years.scripts import YEAR, Scenario, scenario, year
from tests.faults.years.world import World

if TYPE_CHECKING:
    from tests.faults.years.script import Fault

DAYS = int(os.environ.get("GPTS_YEAR_DAYS", "6"))
"""Simulated days of the clean stretch and of the year; the full doses are 90 and 365."""
CLEAN_DAYS = 90
CLEAN = min(DAYS, CLEAN_DAYS)
COUNT = int(os.environ.get("GPTS_YEAR_SCENARIOS", "2"))
"""Scenarios; the full dose is 200."""
FULL = 200
SPRING = from_iso("2026-03-22T00:00:00Z")
"""A week before clocks are set forward."""

CHOSEN = [scenario(place * FULL // COUNT) for place in range(COUNT)] if COUNT else []
ENGINES = pytest.mark.parametrize(
    # The scenarios take both; a stretch of a few days says no more on a second one.
    "engine_name",
    ["sqlite", "postgres"] if DAYS >= CLEAN_DAYS else ["sqlite"],
    indirect=True,
)


def live(
    world: World, patch: pytest.MonkeyPatch, days: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Let a world live, and hold it to everything."""
    with world.opened(patch):
        world.run(days)
        world.auditor.finish()
    with capsys.disabled():
        # At once: the whole dose takes long.
        print(f"\n{world.auditor.figures()}", *world.auditor.wrong, sep="\n")
    assert not world.auditor.wrong, "\n".join([*world.auditor.wrong, *world.lines[-200:]])


@ENGINES
def test_a_clean_stretch_raises_no_alarm(
    catalog_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(catalog_url, tmp_path, SPRING, [], sources=2)
    live(world, monkeypatch, CLEAN, capsys)
    assert world.auditor.sights == []


@pytest.mark.skipif(DAYS < 30, reason="few days have no fault in them: see the scenarios")
@ENGINES
def test_a_year_has_no_silent_gap(
    catalog_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    faults = year(YEAR, DAYS)
    live(World(catalog_url, tmp_path, YEAR, faults, sources=2), monkeypatch, DAYS, capsys)


@pytest.mark.parametrize(
    ("each", "engine_name"),
    [pytest.param(each, each.engine, id=each.name) for each in CHOSEN],
    indirect=["engine_name"],
)
def test_a_fault_is_said_and_over(
    each: Scenario,
    catalog_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(
        catalog_url,
        tmp_path,
        each.start,
        each.faults,
        size=25,
        seed=each.number,
        sources=each.sources,
    )
    live(world, monkeypatch, each.days, capsys)


def test_every_kind_of_fault_is_in_the_scripts() -> None:
    """Also in the year of the full dose, and among the scenarios of it."""
    told: list[tuple[Fault, ...]] = [tuple(year(YEAR, 365))]
    told.append(tuple(fault for number in range(FULL) for fault in scenario(number).faults))
    for faults in told:
        assert {fault.kind for fault in faults} == set(TROUBLES)
