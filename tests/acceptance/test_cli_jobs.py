"""The real scheduler, as a process, by the simulator's clock."""

from __future__ import annotations

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from catalog.storage.engine import BUSY_TIMEOUT
from catalog.times import DAY, HOUR, MINUTE, from_iso
from jobs.registry import JOBS
from tests.acceptance.conftest import ROOT, Cli, write_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.simulator import RunningGateway

SOON = 60.0
"""Seconds after which a test gives up; nothing waits so long that goes well."""
THREE = from_iso("2026-06-01T03:00:00Z")
ONLY_VERIFY = "".join(
    f'[jobs.{name}]\nschedule = "{schedule}"\n'
    for name, schedule in (
        ("verify", "0 3 * * *"),
        *((name, "off") for name in JOBS if name != "verify"),
    )
)


class Started:
    """A command in a process of its own, its lines as they come."""

    def __init__(
        self, child: subprocess.Popen[str], out: queue.SimpleQueue[str] | None = None
    ) -> None:
        self.child = child
        self.out: queue.SimpleQueue[str] = out or queue.SimpleQueue()
        self.err: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.all_err: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, args=each, daemon=True)
            for each in ((child.stdout, self.out), (child.stderr, self.err))
        ]
        for thread in self._threads:
            thread.start()

    def until(self, words: str) -> str:
        """Wait for a line on stderr that holds ``words``."""
        while words not in (line := self.err.get(timeout=SOON)):
            pass
        return line

    def json(self) -> Any:
        """Wait for the next object on stdout."""
        return json.loads(self.out.get(timeout=SOON))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.child.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; the exit status."""
        status = self.child.wait(SOON)
        for thread in self._threads:
            thread.join(SOON)
        return status

    def close(self) -> None:
        """End it, if it has not ended, and let go of it."""
        if self.child.poll() is None:
            self.child.kill()
        self.wait()
        for stream in (self.child.stdout, self.child.stderr):
            if stream is not None:
                stream.close()

    def _read(self, stream: Any, lines: queue.SimpleQueue[str]) -> None:
        for line in stream:
            if lines is self.err:
                self.all_err.append(line)
            lines.put(line)


class Night:
    """A catalog whose only scheduled job is ``verify``, daily at three."""

    def __init__(self, cli: Cli, gateway: RunningGateway) -> None:
        self.cli = cli
        self.clock = gateway.clock
        self._started: list[Started] = []
        self.clock.set(THREE - 2 * HOUR)
        with (cli.folder / "catalog.toml").open("a") as file:
            file.write(ONLY_VERIFY)

    def start(
        self,
        *words: str,
        work: str | None = None,
        out: queue.SimpleQueue[str] | None = None,
    ) -> Started:
        """Start a command, perhaps with another work for ``verify``."""
        begin = ["-m", "catalog"]
        if work is not None:
            begin = ["-m", "tests.acceptance.scheduling", f"tests.contract.working:{work}"]
        started = Started(
            subprocess.Popen(
                [sys.executable, *begin, *words],
                cwd=self.cli.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
            out,
        )
        self._started.append(started)
        return started

    def schedule(
        self,
        *words: str,
        work: str | None = None,
        out: queue.SimpleQueue[str] | None = None,
    ) -> Started:
        """Start a scheduler, and wait until it looks."""
        begin = ("schedule", "--look-every", "0.1", "--json")
        started = self.start(*begin, *words, work=work, out=out)
        started.until("the scheduler runs")
        return started

    def last(self) -> Any:
        """How ``verify`` ended last, as ``jobs list`` has it."""
        lines = self.cli("jobs", "list", "--json").lines
        return next(each for each in lines if each["job"] == "verify")["last"]

    def close(self) -> None:
        """End what runs."""
        for started in self._started:
            started.close()


@pytest.fixture
def night(sim: Cli, gateway: RunningGateway) -> Iterator[Night]:
    found = Night(sim, gateway)
    # Known from now on, whenever a scheduler has looked first.
    assert sim("schedule", "--once").status == 0
    yield found
    found.close()


def test_a_scheduler_runs_a_job_when_it_is_due_and_sigterm_ends_it(night: Night) -> None:
    scheduler = night.schedule()
    night.clock.set(THREE + MINUTE)
    ran = scheduler.json()
    assert (ran["job"], ran["status"], ran["slot_at"]) == ("verify", "done", "2026-06-01T03:00:00Z")
    assert ran["numbers"]["findings"] == 0
    assert scheduler.end() == 0
    assert scheduler.out.empty()
    assert "the scheduler has ended\n" in scheduler.all_err
    assert night.last()["run"] == ran["run"]
    assert "no scheduler is there any more" in night.cli("jobs", "list").out


def test_two_schedulers_on_one_catalog_run_each_slot_once(night: Night) -> None:
    both: queue.SimpleQueue[str] = queue.SimpleQueue()
    schedulers = [night.schedule(out=both), night.schedule(out=both)]
    slots = []
    for day in range(4):
        night.clock.set(THREE + day * DAY + MINUTE)
        slots.append(json.loads(both.get(timeout=SOON))["slot_at"])
    assert [each.end() for each in schedulers] == [0, 0]
    assert both.empty()
    assert slots == [f"2026-06-0{day}T03:00:00Z" for day in (1, 2, 3, 4)]


def test_after_a_hundred_days_of_silence_a_job_catches_up_once(night: Night) -> None:
    night.clock.set(THREE + 100 * DAY + HOUR)
    done = night.cli("schedule", "--once", "--json")
    (ran,) = done.lines
    assert (done.status, ran["slot_at"]) == (0, "2026-09-09T03:00:00Z")
    assert "nothing is owed" in night.cli("schedule", "--once").err
    assert "owed no run" in night.cli("jobs", "run", "verify", "--if-owed").err


def test_cron_alone_can_drive_a_job(night: Night) -> None:
    assert "owed no run" in night.cli("jobs", "run", "verify", "--if-owed").err
    night.clock.set(THREE + MINUTE)
    assert night.cli("jobs", "run", "verify", "--if-owed", "--json").json["status"] == "done"
    assert night.cli("jobs", "run", "verify", "--if-owed", "--json").out == ""
    # By hand it runs whenever it is told to, and takes no slot.
    assert night.cli("jobs", "run", "verify", "--json").json["slot_at"] is None


def test_a_running_job_is_told_to_stop_and_taken_up_again(night: Night) -> None:
    scheduler = night.schedule(work="until_told")
    night.clock.set(THREE + MINUTE)
    scheduler.until("verify: at work")
    assert scheduler.end() == 0
    assert night.last()["status"] == "stopped"
    again = night.schedule()
    again.until("verify: was cut off, and is taken up again")
    assert again.json()["slot_at"] == "2026-06-01T03:00:00Z"
    assert again.end() == 0


def test_a_job_that_does_not_stop_is_left_and_taken_up_again(night: Night) -> None:
    scheduler = night.schedule("--stop-within", "0.1", work="for_ever")
    night.clock.set(THREE + MINUTE)
    scheduler.until("verify: at work")
    assert scheduler.end() == 1
    assert any("left in the midst: verify" in line for line in scheduler.all_err)
    again = night.schedule()
    assert again.json()["status"] == "done"
    assert again.end() == 0


@pytest.mark.parametrize("words", [("schedule",), ("jobs", "run", "verify", "--if-owed")])
def test_who_locks_the_catalog_keeps_nobody_from_ending_in_time(
    night: Night, words: tuple[str, ...]
) -> None:
    night.clock.set(THREE + MINUTE)
    with closing(sqlite3.connect(night.cli.folder / "data" / "catalog.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        child = night.start(*words, "--stop-within", "0.1", work="at_once")
        if words == ("schedule",):
            child.until("the scheduler runs")
        began = time.monotonic()
        while child.child.poll() is None:
            # It may still be loading its parts, and ends by the signal alone then.
            child.child.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                child.child.wait(1)
        assert time.monotonic() - began < BUSY_TIMEOUT - 5
    if words == ("schedule",):
        assert child.wait() == 1
        assert any("locked by another process" in line for line in child.all_err)


def test_a_killed_scheduler_leaves_no_lock_that_keeps_the_next_from_work(night: Night) -> None:
    scheduler = night.schedule(work="for_ever")
    night.clock.set(THREE + MINUTE)
    scheduler.until("verify: at work")
    assert scheduler.end(signal.SIGKILL) == -signal.SIGKILL
    done = night.cli("schedule", "--once", "--json")
    assert [each["slot_at"] for each in done.lines] == ["2026-06-01T03:00:00Z"]


def test_a_second_signal_ends_the_waiting_at_once(night: Night) -> None:
    scheduler = night.schedule("--stop-within", "3600", work="for_ever")
    night.clock.set(THREE + MINUTE)
    scheduler.until("verify: at work")
    scheduler.child.send_signal(signal.SIGINT)
    scheduler.until("told to stop: verify")
    assert scheduler.end(signal.SIGINT) == 1


def test_a_job_that_runs_is_not_run_beside(night: Night) -> None:
    first = night.start("jobs", "run", "verify", work="until_told")
    first.until("verify: at work")
    beside = night.cli("jobs", "run", "verify")
    assert beside.status == 1
    assert "verify is run by" in beside.err
    assert first.end() == 1
    assert night.last()["status"] == "stopped"


def test_next_lists_what_comes_in_order(night: Night) -> None:
    lines = night.cli("jobs", "next", "--until", "2026-06-03", "--json").lines
    assert lines == [{"at": f"2026-06-0{day}T03:00:00Z", "job": "verify"} for day in (1, 2, 3)]
    assert night.cli("jobs", "next").out == "2026-06-01T03:00:00Z  verify\n"


def test_every_declared_job_has_its_work() -> None:
    for job in JOBS.values():
        assert callable(job.work())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "verfiy"), "did you mean verify?"),
        (("run", "refresh", "--set", "limit=none"), "expected a whole number"),
        (("run", "refresh", "--set", "limti=1"), "did you mean limit?"),
        (("run", "refresh", "--set", "limit"), "expected NAME=VALUE"),
        (("run", "refresh", "--set", "keep=1"), "no option 'keep'"),
        (("run", "refresh", "--set", "temperature=hot"), "It has: limit, second_opinion, as"),
        (("run", "zzz"), "there are discover, refresh"),
        (("run", "refresh", "--source", "nobody"), "nobody"),
    ],
)
def test_wrong_words_are_explained(night: Night, words: tuple[str, ...], said: str) -> None:
    done = night.cli("jobs", *words)
    assert done.status == 2
    assert said in done.err


def test_a_job_that_asked_nobody_says_why_and_counts_nothing(
    sim: Cli, gateway: RunningGateway
) -> None:
    def ran(job: str) -> tuple[str, str]:
        done = sim("jobs", "run", job)
        assert done.status == 0, done.err
        return done.out, done.err

    out, told = ran("refresh")
    assert not out
    assert "no id is known yet: gpts-catalog harvest --refs" in told
    sim("harvest", "--refs", "ids.txt")
    out, told = ran("refresh")
    assert (out, "nothing was due" in told) == ("", True)
    out, told = ran("confirm")
    assert (out, "no GPT is missing" in told) == ("", True)
    write_settings(sim.folder, gateway, requests_per_day=1)
    for job in ("refresh", "confirm"):
        out, told = ran(job)
        assert (out, "the day's requests are spent" in told) == ("", True)
