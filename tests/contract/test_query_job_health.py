"""What alarms are told of jobs, as both engines gather it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from catalog.storage import frontier
from catalog.storage import jobs as job_store
from catalog.storage.engine import write
from catalog.times import DAY, HOUR
from tests.contract.looking import Refresh, alarms, found, gathered, ids
from tests.contract.telling import day

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.times import Micros


def job_run(
    engine: Engine, at: Micros, slot: Micros | None, documents: int = 1, **how: str
) -> None:
    name = how.get("name", "refresh")
    with write(engine) as conn:
        job_store.take(conn, name, slot, "host:1:2.0", at, HOUR)
        begun = job_store.begin(conn, name, slot, "host:1:2.0", now=at, rng=random.Random(at))
        job_store.finish(
            conn,
            begun,
            now=at,
            status=how.get("status", "done"),
            numbers={"documents": documents},
            message="",
        )


def slot_of(number: int) -> Micros:
    """Three o'clock, six hours before ``day``."""
    return day(number) - 6 * HOUR


def test_a_job_is_late_when_its_slot_is_overtaken(engine: Engine) -> None:
    job_run(engine, slot_of(1), slot_of(1))
    assert found(engine, slot_of(3), Refresh()) == []
    assert found(engine, slot_of(3) + 1, Refresh()) == ["job_late"]
    (job,) = gathered(engine, slot_of(3) + 1, Refresh()).jobs
    assert (job.owed_since, job.next_at, job.period) == (slot_of(2), slot_of(4), DAY)


def test_a_run_by_hand_serves_for_the_slots_before_it(engine: Engine) -> None:
    job_run(engine, slot_of(1), slot_of(1))
    job_run(engine, slot_of(4), None)
    assert found(engine, day(4), Refresh()) == []


def test_a_job_that_nobody_schedules_owes_nothing(engine: Engine) -> None:
    job_run(engine, slot_of(1), None)
    assert found(engine, day(20), Refresh()) == []
    assert found(engine, day(20), Refresh(cron=None)) == []


def test_a_gap_is_told_after_the_job_has_caught_up_and_till_its_next_slot(engine: Engine) -> None:
    job_run(engine, slot_of(1), slot_of(1))
    job_run(engine, day(4), slot_of(4))
    (alarm,) = alarms(engine, day(4), Refresh())
    assert (alarm.kind, alarm.severity) == ("job_gap", "warning")
    assert "2 slots" in alarm.message
    job_run(engine, slot_of(5), slot_of(5))
    assert found(engine, day(5), Refresh()) == []


def test_a_job_on_weekdays_is_not_late_on_a_weekend(engine: Engine) -> None:
    friday = slot_of(6)  # February 2026 begins on a Sunday
    weekdays = Refresh(cron="0 3 * * 1-5")
    job_run(engine, friday, friday)
    with write(engine) as conn:
        frontier.add_ids(conn, ids(3), friday)
    for hour in range(0, 72, 9):
        assert found(engine, friday + hour * HOUR, weekdays) == [], hour
    assert "job_late" in found(engine, slot_of(10) + HOUR, weekdays)


def test_a_job_that_fails_twice_or_brings_too_little_is_told(engine: Engine) -> None:
    job_run(engine, slot_of(1), slot_of(1), documents=0)
    assert found(engine, day(1), Refresh()) == ["job_unmet"]
    job_run(engine, slot_of(2), slot_of(2), status="failed")
    assert found(engine, day(2), Refresh()) == []
    job_run(engine, slot_of(3), slot_of(3), status="failed")
    assert found(engine, day(3), Refresh()) == ["job_failing"]
    job_run(engine, slot_of(4), slot_of(4))
    assert found(engine, day(4), Refresh()) == []


def test_runs_under_a_clock_that_was_ahead_hide_no_good_one_since(engine: Engine) -> None:
    for number in (11, 12):
        job_run(engine, slot_of(number), None, status="failed")
    job_run(engine, slot_of(3), slot_of(3))
    assert found(engine, day(3), Refresh()) == []


def test_a_scheduler_that_dies_is_missed_and_one_that_quits_is_not(engine: Engine) -> None:
    job_run(engine, slot_of(1), slot_of(1))
    with write(engine) as conn:
        job_store.beat(conn, "host:1:2.0", day(1), day(1) + HOUR)
    assert found(engine, day(1) + 2 * HOUR, Refresh()) == []
    assert found(engine, day(1) + 2 * HOUR + 1, Refresh()) == ["scheduler"]
    with write(engine) as conn:
        job_store.beat(conn, "host:1:2.0", day(1), day(1))
    assert found(engine, day(1) + 2 * HOUR + 1, Refresh()) == []


def test_a_job_whose_turn_comes_after_one_that_runs_has_time(engine: Engine) -> None:
    """A scheduler that wakes late begins with the first of them, which may take hours."""
    report = Refresh(name="report", after=("refresh",))
    job_run(engine, slot_of(1), slot_of(1))
    job_run(engine, slot_of(1) + 1, slot_of(1), name="report")
    late = slot_of(3) + 1
    assert found(engine, late, report) == ["job_late"]
    with write(engine) as conn:
        job_store.take(conn, "refresh", slot_of(3), "host:1:2.0", late, HOUR)
    assert found(engine, late, report) == []
    (job,) = gathered(engine, late, report).jobs
    assert job.waits == ("refresh",)


def test_a_job_whose_turn_has_come_is_late_whatever_runs_again(engine: Engine) -> None:
    report = Refresh(name="report", after=("refresh",))
    job_run(engine, slot_of(1), slot_of(1))
    job_run(engine, slot_of(1) + 1, slot_of(1), name="report")
    job_run(engine, slot_of(2), slot_of(2))
    late = slot_of(3) + 1
    with write(engine) as conn:
        job_store.take(conn, "refresh", slot_of(3), "host:1:2.0", late, HOUR)
    assert found(engine, late, report) == ["job_late"]


def test_a_schedule_that_nobody_went_by_is_one_all_the_same(engine: Engine) -> None:
    job_run(engine, slot_of(1), None)
    told = [gathered(engine, day(2), Refresh(cron=cron)).jobs for cron in ("0 3 * * *", None)]
    assert [[(each.is_scheduled, each.next_at) for each in jobs] for jobs in told] == [
        [(True, None)],
        [(False, None)],
    ]
