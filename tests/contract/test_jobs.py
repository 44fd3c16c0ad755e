"""What the scheduler remembers: one lock a job, each slot once for ever."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from catalog.storage import jobs
from catalog.storage.engine import open_engine, read, write
from catalog.storage.work_tables import job_runs
from catalog.times import DAY, HOUR, MINUTE, SECOND
from tests.conftest import ROOT
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from catalog.times import Micros

MINE, THEIRS = "here:1:1.00", "there:2:2.00"
LEASE = 5 * MINUTE
SLOT = NOW - 10 * SECOND


def take(
    engine: Engine,
    slot: Micros | None = SLOT,
    owner: str = MINE,
    now: Micros = NOW,
    seen: Micros | None = None,
) -> bool:
    with write(engine) as conn:
        return jobs.take(conn, "refresh", slot, owner, now, LEASE, seen=seen)


def begin(conn: Connection, slot: Micros | None = SLOT, now: Micros = NOW) -> jobs.JobRun:
    return jobs.begin(conn, "refresh", slot, MINE, now=now, rng=random.Random(now))


def run_whole(engine: Engine, slot: Micros | None, now: Micros) -> bool:
    """Take, begin and finish; whether it was there to be taken."""
    with write(engine) as conn:
        if not jobs.take(conn, "refresh", slot, MINE, now, LEASE):
            return False
        run = begin(conn, slot, now)
        jobs.finish(conn, run, now=now, status="done", numbers={}, message="")
    return True


def state(engine: Engine) -> jobs.JobState:
    with read(engine) as conn:
        return jobs.states(conn)["refresh"]


def test_a_slot_is_taken_by_one(engine: Engine) -> None:
    assert take(engine)
    assert not take(engine, owner=THEIRS)
    assert not take(engine)
    held = state(engine)
    assert (held.owner, held.slot_at, held.lease_until) == (MINE, SLOT, NOW + LEASE)


def test_a_slot_is_taken_once_for_ever(engine: Engine) -> None:
    assert run_whole(engine, SLOT, NOW)
    for later in (NOW + 1, NOW + HOUR, NOW + 400 * DAY):
        assert not take(engine, owner=THEIRS, now=later)
    assert state(engine).owner is None


def test_an_earlier_slot_stays_taken_when_a_later_one_was_taken_since(engine: Engine) -> None:
    """A clock that is set back brings the same slots again."""
    assert run_whole(engine, SLOT, NOW)
    assert run_whole(engine, SLOT + DAY, NOW + DAY)
    assert not run_whole(engine, SLOT, NOW + 1)
    assert not run_whole(engine, SLOT + DAY, NOW + DAY + 1)
    assert run_whole(engine, SLOT + 2 * DAY, NOW + 2 * DAY)


def test_slots_taken_by_a_clock_that_was_ahead_hold_no_others_back(engine: Engine) -> None:
    with write(engine) as conn:
        jobs.register(conn, ["refresh"], NOW - HOUR)
    assert run_whole(engine, SLOT, NOW)
    assert run_whole(engine, SLOT + 500 * DAY, NOW + 500 * DAY)
    with read(engine) as conn:
        assert jobs.last_taken(conn, jobs.states(conn)["refresh"], NOW + HOUR) == SLOT
    assert run_whole(engine, SLOT + DAY, NOW + DAY)
    assert not run_whole(engine, SLOT + 500 * DAY, NOW + 500 * DAY)


def test_last_taken_is_since_when_it_is_known_before_anything_was_taken(engine: Engine) -> None:
    with write(engine) as conn:
        jobs.register(conn, ["refresh", "backup"], NOW - HOUR)
        jobs.register(conn, ["refresh"], NOW)
        assert jobs.last_taken(conn, jobs.states(conn)["refresh"], NOW) == NOW - HOUR
    assert run_whole(engine, SLOT + 500 * DAY, NOW + 500 * DAY)
    with read(engine) as conn:
        assert jobs.last_taken(conn, jobs.states(conn)["refresh"], NOW) == NOW - HOUR


def test_a_job_made_known_by_a_clock_that_was_ahead_is_known_since_now(engine: Engine) -> None:
    with write(engine) as conn:
        jobs.register(conn, ["refresh"], NOW + 9000 * DAY)
        jobs.register(conn, ["refresh"], NOW - HOUR)
    assert state(engine).since == NOW - HOUR


def test_a_lock_is_held_until_its_lease_ends(engine: Engine) -> None:
    assert take(engine)
    other = SLOT + DAY
    assert not take(engine, other, THEIRS, NOW + LEASE - 1)
    assert take(engine, other, THEIRS, NOW + LEASE)
    with write(engine) as conn:
        assert not jobs.renew(conn, "refresh", MINE, NOW + HOUR)
        assert jobs.renew(conn, "refresh", THEIRS, NOW + HOUR)


def test_a_lock_that_is_renewed_is_not_taken_over(engine: Engine) -> None:
    assert take(engine)
    with write(engine) as conn:
        assert jobs.renew(conn, "refresh", MINE, NOW + LEASE + MINUTE)
    assert not take(engine, SLOT + DAY, THEIRS, NOW + LEASE)


def test_an_ended_lease_that_was_renewed_since_the_last_look_is_not_taken_over(
    engine: Engine,
) -> None:
    """The clock of whoever looks is hours ahead: all leases look ended to it."""
    assert take(engine)
    with write(engine) as conn:
        jobs.renew(conn, "refresh", MINE, NOW + LEASE + 10 * SECOND)
    ahead = NOW + 9 * HOUR
    assert not take(engine, SLOT + HOUR, THEIRS, ahead, seen=NOW + LEASE)
    assert take(engine, SLOT + HOUR, THEIRS, ahead, seen=NOW + LEASE + 10 * SECOND)


def test_a_lock_made_by_a_clock_that_was_ahead_is_free(engine: Engine) -> None:
    assert take(engine, now=NOW + 300 * DAY)
    assert take(engine, SLOT + DAY, THEIRS, NOW + DAY)


def test_a_run_by_hand_takes_the_lock_and_no_slot(engine: Engine) -> None:
    with write(engine) as conn:
        jobs.register(conn, ["refresh"], NOW - HOUR)
    assert take(engine, None)
    assert state(engine).slot_at is None
    assert not take(engine, None, THEIRS)
    assert not take(engine, SLOT, THEIRS)


def test_a_finished_run_gives_its_lock_back(engine: Engine) -> None:
    with write(engine) as conn:
        assert jobs.take(conn, "refresh", SLOT, MINE, NOW, LEASE)
        run = begin(conn)
    with write(engine) as conn:
        assert jobs.finish(
            conn, run, now=NOW + 5, status="partly", numbers={"b": 2, "a": 1.5}, message="so so"
        )
    with read(engine) as conn:
        (found,) = jobs.runs(conn, "refresh", limit=10)
    assert (found.status, found.numbers, found.message) == ("partly", {"a": 1.5, "b": 2}, "so so")
    assert (found.started_at, found.finished_at, found.slot_at) == (NOW, NOW + 5, SLOT)
    assert state(engine).owner is None


def test_a_run_whose_lock_was_taken_over_is_lost_and_stays_so(engine: Engine) -> None:
    with write(engine) as conn:
        assert jobs.take(conn, "refresh", SLOT, MINE, NOW, LEASE)
        run = begin(conn)
    later = NOW + HOUR
    with write(engine) as conn:
        assert jobs.take(conn, "refresh", SLOT + HOUR, THEIRS, later, LEASE)
        jobs.begin(conn, "refresh", SLOT + HOUR, THEIRS, now=later, rng=random.Random(1))
    with write(engine) as conn:
        assert not jobs.finish(conn, run, now=later, status="done", numbers={}, message="")
        assert state(engine).owner == THEIRS
    with read(engine) as conn:
        assert [each.status for each in jobs.runs(conn, limit=10)] == ["open", "lost"]


def test_what_a_process_held_that_is_gone_is_freed_and_its_run_lost(engine: Engine) -> None:
    with write(engine) as conn:
        assert jobs.take(conn, "refresh", SLOT, MINE, NOW, LEASE)
        begin(conn)
        assert jobs.take(conn, "backup", SLOT, THEIRS, NOW, LEASE)
        jobs.beat(conn, MINE, NOW, NOW + HOUR)
    with write(engine) as conn:
        assert jobs.reap(conn, lambda owner: owner != MINE, NOW + 1) == ["refresh"]
        assert jobs.attempts(conn, "refresh", SLOT) == 1
        assert jobs.last(conn)["refresh"].status == "lost"
        assert jobs.states(conn)["backup"].owner == THEIRS
        assert jobs.take(conn, "refresh", None, THEIRS, NOW, LEASE)


def test_last_beat_of_a_scheduler_whose_clock_was_ahead_is_no_slot(engine: Engine) -> None:
    with write(engine) as conn:
        jobs.beat(conn, MINE, NOW + 500 * DAY, NOW + 501 * DAY)
        jobs.free(conn, jobs.SCHEDULER, MINE, NOW)
        jobs.give_back_ahead(conn, NOW)
        left = jobs.scheduler(conn)
    assert left is not None
    assert (left.owner, left.slot_at) == (None, NOW + 500 * DAY)


def test_run_has_ended_since_a_moment_if_it_began_then(engine: Engine) -> None:
    assert run_whole(engine, SLOT, NOW)
    with write(engine) as conn:
        assert jobs.ended_since(conn, "refresh", NOW)
        assert not jobs.ended_since(conn, "refresh", NOW + 1)
        assert not jobs.ended_since(conn, "backup", NOW)
        assert jobs.take(conn, "refresh", NOW + 1, MINE, NOW + 1, LEASE)
        begin(conn, NOW + 1, NOW + 1)
        assert not jobs.ended_since(conn, "refresh", NOW + 1)  # under way


def test_failed_run_by_hand_ends_no_waiting(engine: Engine) -> None:
    """Another may be under way, and what it comes after is not done."""
    for slot, at in ((None, NOW), (SLOT, NOW + 1)):
        with write(engine) as conn:
            assert jobs.take(conn, "refresh", slot, MINE, at, LEASE)
            run = begin(conn, slot, at)
            jobs.finish(conn, run, now=at, status="failed", numbers={}, message="")
            assert jobs.ended_since(conn, "refresh", NOW) == (slot is not None)


def test_lock_is_freed_for_its_owner_alone(engine: Engine) -> None:
    """Somebody else may have taken it over since it was looked at."""
    with write(engine) as conn:
        assert jobs.take(conn, "refresh", SLOT, MINE, NOW, LEASE)
        begin(conn)
        assert not jobs.free(conn, "refresh", THEIRS, NOW + 1)
        assert jobs.states(conn)["refresh"].owner == MINE
        assert jobs.last(conn)["refresh"].status == "open"
        assert jobs.free(conn, "refresh", MINE, NOW + 1)
        assert jobs.last(conn)["refresh"].status == "lost"


def test_last_is_the_latest_run_of_each_job(engine: Engine) -> None:
    for day in range(3):
        assert run_whole(engine, SLOT + day * DAY, NOW + day * DAY)
    with read(engine) as conn:
        assert jobs.last(conn)["refresh"].slot_at == SLOT + 2 * DAY
        assert len(jobs.runs(conn, limit=2)) == 2
        assert jobs.runs(conn, "backup", limit=2) == []


def test_a_scheduler_that_beats_is_no_job(engine: Engine) -> None:
    with write(engine) as conn:
        assert jobs.scheduler(conn) is None
        jobs.beat(conn, MINE, NOW, NOW + MINUTE)
        jobs.beat(conn, THEIRS, NOW + 1, NOW + 1 + MINUTE)
    with read(engine) as conn:
        found = jobs.scheduler(conn)
        assert jobs.states(conn) == {}
    assert found is not None
    assert (found.owner, found.slot_at, found.lease_until) == (THEIRS, NOW + 1, NOW + 1 + MINUTE)


@pytest.mark.parametrize("known", [True, False])
def test_of_many_threads_one_takes_a_slot(catalog_url: str, *, known: bool) -> None:
    many, rounds = 8, 5
    engine = open_engine(catalog_url, busy_timeout=30)
    barrier = threading.Barrier(many)
    if known:
        with write(engine) as conn:
            jobs.register(conn, ["refresh"], NOW - HOUR)

    def race(number: int) -> list[bool]:
        own = open_engine(catalog_url, busy_timeout=30)
        taken = []
        for turn in range(rounds):
            barrier.wait()
            with write(own) as conn:
                owner = f"there:{number}:1.00"
                now = NOW + turn * DAY
                won = jobs.take(conn, "refresh", SLOT + turn * DAY, owner, now, LEASE)
                if won:
                    run = jobs.begin(
                        conn,
                        "refresh",
                        SLOT + turn * DAY,
                        owner,
                        now=now,
                        rng=random.Random(turn),
                    )
            if won:
                with write(own) as conn:
                    jobs.finish(conn, run, now=now, status="done", numbers={}, message="")
            taken.append(won)
        own.dispose()
        return taken

    with ThreadPoolExecutor(many) as pool:
        results = list(pool.map(race, range(many)))
    assert [sum(turn) for turn in zip(*results, strict=True)] == [1] * rounds
    with read(engine) as conn:
        assert [each.status for each in jobs.runs(conn, limit=99)] == ["done"] * rounds
    engine.dispose()


_TAKER = """
import sys
from catalog.storage import jobs
from catalog.storage.engine import open_engine, write
url, owner, now, lease = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
engine = open_engine(url, busy_timeout=30)
print("ready", flush=True)
input()
with write(engine) as conn:
    print(jobs.take(conn, "refresh", now, owner, now, lease))
"""


def test_of_many_processes_one_takes_a_slot(catalog_url: str) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _TAKER, catalog_url, f"h{n}:1:1.00", str(NOW), str(LEASE)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said = [child.communicate()[0].strip() for child in children]
    assert sorted(said) == ["False"] * 3 + ["True"]


def test_the_latest_run_is_known_though_the_clock_stands(engine: Engine) -> None:
    """Ids hold seconds and chance: a good run after bad ones of one moment has to be the last."""
    rng = random.Random(3)
    for status in ("failed", "failed", "failed", "done"):
        with write(engine) as conn:
            assert jobs.take(conn, "refresh", None, MINE, NOW, LEASE)
            run = jobs.begin(conn, "refresh", None, MINE, now=NOW, rng=rng)
            jobs.finish(conn, run, now=NOW, status=status, numbers={}, message="")
    with read(engine) as conn:
        assert jobs.last(conn)["refresh"].status == "done"
        assert [run.status for run in jobs.runs(conn, "refresh", limit=2)] == ["done", "failed"]


def test_numbers_of_a_run_are_written_in_one_order(engine: Engine) -> None:
    """Equal numbers are equal texts, for whoever compares them in SQL."""
    assert take(engine)
    with write(engine) as conn:
        run = begin(conn)
        jobs.finish(conn, run, now=NOW, status="done", numbers={"new": 1, "left": 2}, message="")
        written = conn.execute(select(job_runs.c.numbers)).scalar_one()
    assert written == '{"left":2,"new":1}'
