"""The scheduler looks in time, whatever clocks do, and ends when it is told to."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from catalog.errors import CatalogBusy
from catalog.storage import jobs as store
from catalog.storage.engine import open_engine, read
from catalog.times import DAY, HOUR, FixedClock, SystemClock
from jobs.daemon import Daemon
from tests.contract import working
from tests.contract.test_runner import Place, job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.working import JobRan
    from jobs.declare import Job
    from jobs.records import Owed
    from jobs.runner import Runner

SOON = 20.0
"""Seconds after which a test gives up."""


class Looks:
    """Counts the looks of a runner, and lets them fail."""

    def __init__(self, runner: Runner) -> None:
        self.seen: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.failing = False
        self._look = runner.look
        runner.look = self  # type: ignore[method-assign]

    def __call__(self) -> list[Owed]:
        try:
            if self.failing:
                raise CatalogBusy("the catalog is locked")
            return self._look()
        finally:
            self.seen.put(None)


class Scheduler:
    """A scheduler under test."""

    def __init__(self, daemon: Daemon, looks: Looks, machine: FixedClock) -> None:
        self.daemon = daemon
        self.looks = looks
        self.machine = machine
        self.ran: queue.SimpleQueue[JobRan] = queue.SimpleQueue()
        self.idle = threading.Event()

    def look(self) -> None:
        """Wait for the next look."""
        self.looks.seen.get(timeout=SOON)


@contextmanager
def scheduler(place: Place, *jobs: Job, look: float = 3600.0) -> Iterator[Scheduler]:
    machine = FixedClock(SystemClock().now())
    with place.runner(*jobs) as runner:
        looks = Looks(runner)
        daemon = Daemon(
            runner,
            look=look,
            ran=lambda ran: found.ran.put(ran),  # noqa: PLW0108  (found is not there yet)
            moved=lambda: found.idle.set(),  # noqa: PLW0108  (as above)
            machine=machine,
        )
        found = Scheduler(daemon, looks, machine)
        daemon.start()
        try:
            yield found
        finally:
            daemon.stop()
            while not daemon.is_idle():
                found.idle.wait(SOON)
                found.idle.clear()


@pytest.fixture
def place(catalog_url: str) -> Place:
    while not working.began.empty():
        working.began.get()
    return Place(catalog_url)


def test_a_scheduler_looks_at_once_and_again_and_runs_each_slot_once(place: Place) -> None:
    with scheduler(place, job(), job(name="backup"), look=0.05) as it:
        it.look()
        place.clock.at += DAY
        assert {it.ran.get(timeout=SOON).job for _ in range(2)} == {"refresh", "backup"}
        for _ in range(5):
            it.look()
    assert len(place.runs()) == 2


def test_jobs_run_side_by_side(place: Place) -> None:
    with scheduler(place, job("when_let"), job("at_once", name="backup"), look=0.05) as it:
        it.look()
        place.clock.at += DAY
        assert it.ran.get(timeout=SOON).job == "backup"
        for _ in range(3):
            it.look()  # comes, though a job is still running
        working.may_end.release()
        assert it.ran.get(timeout=SOON).job == "refresh"


def test_a_look_that_fails_is_not_the_last(place: Place) -> None:
    with scheduler(place, job(), look=0.05) as it:
        it.look()
        it.looks.failing = True
        place.clock.at += DAY
        for _ in range(3):
            it.look()
        it.looks.failing = False
        assert it.ran.get(timeout=SOON).result.status == "done"
    assert any("the catalog is locked" in line for line in place.lines)


def test_a_machine_clock_that_is_set_back_does_not_keep_the_next_look_waiting(
    place: Place,
) -> None:
    """APScheduler waits for a time of the machine's clock (its issues 351 and 794)."""
    with scheduler(place, job()) as it:
        it.look()
        it.daemon.mend()
        with pytest.raises(queue.Empty):
            it.looks.seen.get_nowait()
        it.machine.at -= 2 * HOUR
        # As the main thread does: a look that comes while the one before still runs is left out.
        while it.looks.seen.empty():
            it.daemon.mend()


def test_the_next_look_comes_with_the_next_slot(place: Place) -> None:
    place.clock = SystemClock()  # type: ignore[assignment]
    with scheduler(place, job(schedule="* * * * *")) as it:
        it.look()
        assert it.daemon.next_look() <= 61
    with scheduler(place, job("at_once", schedule="off")) as it:
        it.look()
        assert 3000 < it.daemon.next_look() <= 3601


def test_a_scheduler_says_that_it_is_there_and_that_it_left(place: Place) -> None:
    engine = open_engine(place.url)
    with scheduler(place, job()) as it:
        it.look()
        with read(engine) as conn:
            there = store.scheduler(conn)
    with read(engine) as conn:
        gone = store.scheduler(conn)
    engine.dispose()
    assert there is not None
    assert there.lease_until is not None
    assert there.lease_until > place.clock.at
    assert gone is not None
    assert gone.lease_until == place.clock.at


def test_a_job_that_runs_is_told_to_stop_and_none_begins(place: Place) -> None:
    with scheduler(place, job("until_told"), look=0.05) as it:
        it.look()
        place.clock.at += DAY
        working.began.get(timeout=SOON)
        assert not it.daemon.is_idle()
    assert it.ran.get(timeout=SOON).result.status == "stopped"
    assert it.daemon.is_idle()


def test_a_job_that_waited_for_another_begins_as_soon_as_that_has_ended(place: Place) -> None:
    """Its looks are an hour apart: it is the other's end that begins it."""
    both = (job("when_let"), job(name="report", after=("refresh",)))
    with place.runner(*both) as runner:
        runner.look()
    place.clock.at += DAY
    with scheduler(place, *both) as it:
        it.look()
        working.began.get(timeout=SOON)
        assert it.ran.empty()
        working.may_end.release()
        assert [it.ran.get(timeout=SOON).job for _ in range(2)] == ["refresh", "report"]
