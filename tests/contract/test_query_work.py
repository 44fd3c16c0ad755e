"""What the catalog itself did, page after page: runs, runs of jobs, alarms."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from catalog.errors import InvalidCursor, NotFound, UsageError
from catalog.query import work
from catalog.query.doings import failed_jobs
from catalog.records import Alarm
from catalog.scheduling import Schedule, parse_cron
from catalog.storage import alarms, jobs, runs
from catalog.storage.engine import read, write
from catalog.storage.sources import add_source
from catalog.times import HOUR
from catalog.working import JobResult
from tests.contract.telling import day

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from catalog.times import Micros

ME = "here:1:1.00"


class Planned(msgspec.Struct, frozen=True):
    """A job as it is to run here."""

    name: str
    schedule: Schedule | None
    after: tuple[str, ...] = ()

    def unmet(self, result: JobResult) -> tuple[str, ...]:
        """Nothing is expected of it."""
        del result
        return ()


@pytest.fixture
def worked(engine: Engine) -> Engine:
    """Four runs of two sources, three runs of two jobs, and three alarms of which one stands."""
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        for at, source, status in (
            (day(1), "one", "finished"),
            (day(2), "two", "failed"),
            (day(3), "one", "finished"),
            (day(4), "one", None),
        ):
            command = "import" if at == day(3) else "harvest"
            key = runs.RunKey(command=command, source=source, ids_digest=str(at))
            run = runs.open_run(conn, key, now=at, rng=random.Random(at))
            if status:
                runs.close_run(conn, run.run_id, now=at + HOUR, status=status, reason=None)
            if status == "failed":
                outcome = runs.Outcome(
                    run_id=run.run_id,
                    asked_id="g-Made1UpId",
                    source_id=number,
                    verdict="throttled",
                    effect="",
                    attempts=1,
                    requests=1,
                    status=429,
                    detail="slow down",
                    at=at,
                )
                other = msgspec.structs.replace(outcome, asked_id="g-Made2UpId")
                runs.add_outcomes(conn, [outcome, other])
        for at, job, status in (
            (day(1), "refresh", "done"),
            (day(2), "refresh", "failed"),
            (day(3), "tidy", "done"),
        ):
            assert jobs.take(conn, job, at, ME, at, HOUR)
            ran = jobs.begin(conn, job, at, ME, now=at, rng=random.Random(at))
            numbers = {"documents": at // HOUR}
            jobs.finish(conn, ran, now=at + HOUR, status=status, numbers=numbers, message="m")
        assert jobs.take(conn, "tidy", day(4), ME, day(4), HOUR)
        kinds = {"source_dead": 0, "disk": 0}
        for at, found in (
            (day(1), [("source_dead", "one")]),
            (day(2), [("disk", "")]),
            (day(3), [("source_dead", "two"), ("source_dead", "one")]),
            (day(4), [("source_dead", "two")]),
        ):
            said = [
                Alarm(kind=kind, subject=subject, severity="alarm", message="m")
                for kind, subject in found
            ]
            alarms.update_alarms(conn, said, at, kinds)
    return engine


def test_runs_come_the_latest_first_and_by_what_is_asked(worked: Engine) -> None:
    with read(worked) as conn:

        def began(**asked: object) -> list[Micros]:
            return [each.started_at for each in work.runs_page(conn, **asked).items]  # type: ignore[arg-type]

        assert began() == [day(4), day(3), day(2), day(1)]
        assert began(source="one") == [day(4), day(3), day(1)]
        assert began(status="finished") == [day(3), day(1)]
        assert began(status="open", command="harvest") == [day(4)]
        assert began(source="one", command="import") == [day(3)]
        assert began(source="three") == []


def test_run_says_why_ids_of_it_failed(worked: Engine) -> None:
    with read(worked) as conn:
        (failed,) = work.runs_page(conn, status="failed").items
        found = work.run_detail(conn, failed.run_id)
        assert found.run == failed
        assert [(each.verdict, each.status, each.count) for each in found.reasons] == [
            ("throttled", 429, 2)
        ]
        with pytest.raises(NotFound):
            work.run_detail(conn, "never")


def test_runs_of_jobs_come_with_their_numbers(worked: Engine) -> None:
    with read(worked) as conn:
        found = work.job_runs_page(conn).items
        assert [(each.job, each.status, each.numbers) for each in found] == [
            ("tidy", "done", {"documents": day(3) // HOUR}),
            ("refresh", "failed", {"documents": day(2) // HOUR}),
            ("refresh", "done", {"documents": day(1) // HOUR}),
        ]
        assert work.job_runs_page(conn, job="tidy").items == found[:1]
        assert work.job_runs_page(conn, status="done").items == (found[0], found[2])
        assert work.job_runs_page(conn, job="refresh", status="done").items == found[2:]


def test_alarms_that_stand_and_those_that_are_over_are_told_apart(worked: Engine) -> None:
    with read(worked) as conn:
        every = work.alarms_page(conn).items
        assert work.alarms_page(conn, standing=True).items == every[:1]
        over = work.alarms_page(conn, standing=False).items
    assert [(each.kind, each.subject) for each in every[:1]] == [("source_dead", "two")]
    assert sorted((each.kind, each.subject) for each in over) == [
        ("disk", ""),
        ("source_dead", "one"),
        ("source_dead", "one"),
    ]


def test_jobs_are_those_that_are_planned_and_those_that_ran(worked: Engine) -> None:
    planned = [
        Planned("backup", parse_cron("0 3 * * *")),
        Planned("tidy", None),
    ]
    with read(worked) as conn:
        found = work.jobs_now(conn, planned)
        last = {each.job: each for each in reversed(work.job_runs_page(conn).items)}
    assert [(each.job, each.schedule, each.running, each.slot_at) for each in found] == [
        ("backup", "0 3 * * *", False, None),
        ("refresh", None, False, day(2)),
        ("tidy", None, True, day(4)),
    ]
    assert [each.last for each in found] == [None, last["refresh"], last["tidy"]]


@pytest.mark.parametrize(
    ("page", "other"),
    [
        (work.runs_page, {"source": "one"}),
        (work.job_runs_page, {"job": "refresh"}),
        (work.alarms_page, {"standing": True}),
    ],
)
def test_pages_of_work_join_and_are_of_their_own_question(
    worked: Engine,
    page: Callable[..., work.RunPage | work.JobRunPage | work.AlarmPage],
    other: dict[str, object],
) -> None:
    with read(worked) as conn:
        whole = page(conn)
        part = page(conn, limit=1)
        found = [*part.items]
        while part.after is not None:
            with pytest.raises(InvalidCursor):
                page(conn, after=part.after, **other)
            part = page(conn, limit=1, after=part.after)
            found += part.items
        with pytest.raises(UsageError, match="at least one"):
            page(conn, limit=0)
    assert whole.after is None
    assert tuple(found) == whole.items
    assert len(found) >= 3


def test_jobs_that_failed_come_the_latest_first_and_each_time_alike(worked: Engine) -> None:
    """Those that began at once come by their ids, whichever was written down first."""
    at_once = []
    with write(worked) as conn:
        for job in ("watch", "other", "third", "fourth"):
            assert jobs.take(conn, job, day(5), ME, day(5), HOUR)
            ran = jobs.begin(conn, job, day(5), ME, now=day(5), rng=random.Random(job))
            jobs.finish(conn, ran, now=day(6), status="failed", numbers={}, message="m")
            at_once.append(ran.job_run_id)
    with read(worked) as conn:
        found = failed_jobs(conn, day(1), day(9), 4)
        everything = failed_jobs(conn, day(1), day(9), 9)
    assert [each.job_run_id for each in found.items] == sorted(at_once, reverse=True)
    assert found.total == everything.total == 5
    assert [each.job for each in everything.items[4:]] == ["refresh"]
