"""Which jobs wait for which: what tells of others comes after them."""

from __future__ import annotations

import random

import pytest

from catalog.settings import JobSettings
from catalog.storage import jobs as store
from catalog.storage.engine import open_engine, write
from catalog.times import DAY, MINUTE, from_iso
from jobs.registry import JOBS
from jobs.runner import Runner
from tests.contract.test_runner import NOON, Place, do, job, place

__all__ = ["place"]


LATER = job(name="report", schedule="0 6 * * *", after=("refresh", "confirm"))


def waits(runner: Runner) -> dict[str, tuple[str, ...]]:
    return {each.planned.name: each.waits for each in runner.look()}


@pytest.mark.parametrize("work", ["at_once", "broken"])
def test_what_tells_of_another_job_waits_until_that_has_ended_well_or_not(
    place: Place, work: str
) -> None:
    with place.runner(job(work), LATER) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        assert waits(runner) == {"refresh": (), "report": ("refresh",)}
        runner.run_owed(runner.look()[0])
        assert waits(runner) == {"report": ()}


def test_it_waits_while_the_other_runs_in_another_process_whose_lock_is_renewed(
    place: Place,
) -> None:
    engine = open_engine(place.url)
    there = "elsewhere:1:1.00"
    with place.runner(job(), LATER) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        with write(engine) as conn:
            slot = from_iso("2026-03-11T02:00:00Z")
            assert store.take(conn, "refresh", slot, there, place.clock.at, 5 * MINUTE)
            store.begin(conn, "refresh", slot, there, now=place.clock.at, rng=random.Random(1))
        assert waits(runner) == {"report": ("refresh",)}
        place.clock.at += 6 * MINUTE  # it is gone, and holds nobody back but by its slot
        assert waits(runner) == {"refresh": (), "report": ("refresh",)}
        do(runner)
        assert waits(runner) == {}
    engine.dispose()


def test_a_job_that_is_off_or_not_owed_holds_nobody_back(place: Place) -> None:
    off = {"refresh": JobSettings(schedule="off")}
    weekly = job(name="confirm", schedule="0 9 * * 0")
    with place.runner(job(), weekly, LATER, settings=off) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        assert waits(runner) == {"report": ()}


def test_a_job_that_is_owed_anew_whenever_it_ends_holds_nobody_back_for_ever(
    place: Place,
) -> None:
    with place.runner(job(schedule="*/5 * * * *"), LATER) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        assert waits(runner)["report"] == ("refresh",)
        runner.run_owed(runner.look()[0])
        place.clock.at += 5 * MINUTE
        assert waits(runner) == {"refresh": (), "report": ()}


def test_jobs_wait_only_for_those_before_them() -> None:
    names = list(JOBS)
    for place_of, each in enumerate(JOBS.values()):
        assert set(each.after) <= set(names[:place_of])
    assert JOBS["report"].after == JOBS["backup"].after == ("discover", "refresh", "confirm")
