"""The runner: what is owed is run once, recorded, and told; whatever happens to it meanwhile."""

from __future__ import annotations

import os
import random
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import psutil
import pytest

from catalog.errors import CatalogMissing, SettingsError, UsageError
from catalog.settings import CatalogSettings, JobSettings, Settings, SourceSettings
from catalog.storage import jobs as store
from catalog.storage.engine import open_engine, read, write
from catalog.storage.owners import this_process
from catalog.times import DAY, HOUR, MINUTE, FixedClock, Micros, from_iso
from catalog.working import JobContext, JobRan
from jobs.declare import Expectation, Job, plan
from jobs.records import Busy, Owed, Pace, World
from jobs.runner import ATTEMPTS, Runner
from tests.contract import working

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = from_iso("2026-03-10T12:00:00Z")
KEY = "EXAMPLE_API_KEY"
SECRET = "sk-0123456789abcdef"


def job(
    work: str = "at_once",
    name: str = "refresh",
    schedule: str = "0 3 * * *",
    after: tuple[str, ...] = (),
) -> Job:
    return Job(
        name=name,
        what="a test",
        run=f"tests.contract.working:{work}",
        schedule=schedule,
        time_limit=60,
        expects=(Expectation(count="documents", least=1, most=100, given="requested"),),
        takes={"limit": None, "second_opinion": 0.0},
        after=after,
    )


class Place:
    """A catalog with a clock, and runners on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = FixedClock(NOON)
        self.timer = 0.0
        self.lines: list[str] = []
        self.told: list[JobRan] = []
        self.rng = random.Random(4)

    @contextmanager
    def runner(
        self,
        *jobs: Job,
        settings: dict[str, JobSettings] | None = None,
        owner: str | None = None,
        beat: float = 3600,
        **more: Any,
    ) -> Iterator[Runner]:
        world = World(
            settings=Settings(
                catalog=CatalogSettings(url=self.url, timezone="Europe/Berlin"),
                jobs=settings or {},
                sources={"one": SourceSettings(name="one", dialect="gpts-v2", api_key_env=KEY)},
            ),
            environ={KEY: SECRET},
            clock=self.clock,
            rng=self.rng,
            out=self.lines.append,
        )
        more.setdefault("after_run", [lambda _, ran: self.told.append(ran)])
        pace = Pace(beat=beat, monotonic=lambda: self.timer)
        with Runner(world, {each.name: each for each in jobs}, pace=pace, **more) as runner:
            if owner is not None:
                runner.owner = owner
            yield runner

    def runs(self) -> list[store.JobRun]:
        engine = open_engine(self.url)
        with read(engine) as conn:
            found = store.runs(conn, limit=100)
        engine.dispose()
        return found


@pytest.fixture
def place(catalog_url: str) -> Place:
    while not working.began.empty():
        working.began.get()
    return Place(catalog_url)


def do(runner: Runner) -> list[JobRan | Busy]:
    return [runner.run_owed(each) for each in runner.look()]


def slots_of(owed: list[Owed]) -> list[Micros]:
    return [each.slot for each in owed]


def ran(result: JobRan | Busy) -> JobRan:
    assert isinstance(result, JobRan)
    return result


def test_a_new_job_is_owed_nothing_older_than_an_hour(place: Place) -> None:
    with place.runner(job(), job(name="backup", schedule="30 12 * * *")) as runner:
        # 12:30 in Berlin is 11:30 UTC.
        (found,) = runner.look()
        assert found.planned.name == "backup"
        assert found.slot == NOON - 30 * MINUTE


def test_a_slot_is_run_once_and_recorded(place: Place) -> None:
    with place.runner(job()) as runner:
        assert do(runner) == []
        place.clock.at = NOON + 15 * HOUR
        (done,) = do(runner)
        assert do(runner) == []
    slot = from_iso("2026-03-11T02:00:00Z")
    assert ran(done).slot_at == slot
    (run,) = place.runs()
    assert (run.status, run.slot_at, run.started_at) == ("done", slot, NOON + 15 * HOUR)
    assert run.numbers == {"documents": 3, "requested": 4}
    assert run.message == "well"
    assert place.told == [done]


def test_after_151_days_without_a_scheduler_each_job_catches_up_once(place: Place) -> None:
    jobs = (job(), job(name="backup", schedule="*/5 * * * *"))
    with place.runner(*jobs) as runner:
        do(runner)
    before = len(place.runs())
    place.clock.at = NOON + 151 * DAY + MINUTE
    with place.runner(*jobs) as runner:
        assert len(do(runner)) == 2
        assert do(runner) == []
    assert len(place.runs()) == before + 2
    assert {run.slot_at for run in place.runs()[:2]} == {
        from_iso("2026-08-08T01:00:00Z"),
        from_iso("2026-08-08T12:00:00Z"),
    }


def test_a_clock_that_jumps_forward_and_back_leaves_no_slot_out(place: Place) -> None:
    taken: list[Micros] = []
    with place.runner(job()) as runner:
        do(runner)
        for days in (1, 30, 1.1, 1.9, 2, 3, 4, 29, 30, 31, 32):
            place.clock.at = NOON + round(days * DAY)
            taken += [each.slot_at for each in map(ran, do(runner)) if each.slot_at]
    first = from_iso("2026-03-11T02:00:00Z")
    last = from_iso("2026-04-09T01:00:00Z")  # of the day 30: Berlin's summer began meanwhile
    assert taken[:2] == [first, last]
    # What came after the jump ahead was not held back by it; its own slot came when it was time.
    assert taken[2:5] == [first + DAY, first + 2 * DAY, first + 3 * DAY]
    assert taken[5:] == [last - DAY, last, last + DAY, last + 2 * DAY]


def test_a_clock_that_was_days_ahead_for_days_leaves_no_day_without_a_run(place: Place) -> None:
    with place.runner(job()) as runner:
        do(runner)
        for day in range(10, 15):
            place.clock.at = NOON + day * DAY
            assert len(do(runner)) == 1
        for day in range(11, 18):
            # Set back by three days: the slots of the days 12 to 14 were taken by then.
            place.clock.at = NOON + day * DAY
            assert len(do(runner)) == (day > 11)
            assert do(runner) == []


def test_a_slot_that_a_clock_took_hours_too_early_is_run_when_its_time_comes(
    place: Place,
) -> None:
    slot = from_iso("2026-03-11T02:00:00Z")
    with place.runner(job()) as runner:
        do(runner)
        place.clock.at = slot + 2 * HOUR  # three hours ahead
        assert len(do(runner)) == 1
        place.clock.at = slot - 55 * MINUTE
        assert do(runner) == []
        place.clock.at = slot + MINUTE
        assert [ran(each).slot_at for each in do(runner)] == [slot]
        assert do(runner) == []


def test_two_schedulers_run_a_slot_once(place: Place) -> None:
    with place.runner(job()) as one, place.runner(job(), owner="there:1:1.00") as other:
        one.look()
        place.clock.at = NOON + DAY
        (mine,), (theirs,) = one.look(), other.look()
        assert mine.slot == theirs.slot
        ran(one.run_owed(mine))
        assert other.run_owed(theirs) == Busy(job="refresh", owner=None)
        assert other.look() == []
    assert len(place.runs()) == 1


def test_one_job_never_runs_twice_at_a_time(place: Place) -> None:
    with (
        place.runner(job("when_let")) as one,
        place.runner(job("when_let"), owner="there:1:1.00") as other,
    ):
        done: list[JobRan | Busy] = []
        thread = threading.Thread(target=lambda: done.append(one.run(one.planned["refresh"])))
        thread.start()
        working.began.get()
        assert other.run(other.planned["refresh"]) == Busy(job="refresh", owner=one.owner)
        assert one.run(one.planned["refresh"]) == Busy(job="refresh", owner=one.owner)
        working.may_end.release()
        thread.join()
        assert ran(done[0]).result.status == "done"
        working.may_end.release()
        assert ran(other.run(other.planned["refresh"])).slot_at is None
    assert [run.status for run in place.runs()] == ["done", "done"]


def test_an_ended_lease_is_taken_over_after_real_time_without_a_renewal(place: Place) -> None:
    """A scheduler whose clock jumped ahead must not run beside one that is well."""
    there = "elsewhere:1:1.00"
    engine = open_engine(place.url)
    with place.runner(job(), beat=10) as runner:
        runner.look()
        with write(engine) as conn:
            assert store.take(conn, "refresh", NOON - DAY, there, NOON, 5 * MINUTE)
            store.begin(conn, "refresh", NOON - DAY, there, now=NOON, rng=random.Random(1))
        place.clock.at = NOON + DAY
        (each,) = runner.look()
        assert runner.run_owed(each, patient=True) == Busy(job="refresh", owner=there)
        place.timer = 19
        with write(engine) as conn:
            store.renew(conn, "refresh", there, NOON + 6 * MINUTE)
        place.timer = 21
        assert runner.run_owed(each, patient=True) == Busy(job="refresh", owner=there)
        place.timer = 40
        assert runner.run_owed(each, patient=True) == Busy(job="refresh", owner=there)
        place.timer = 41
        assert ran(runner.run_owed(each, patient=True)).result.status == "done"
    engine.dispose()
    assert [run.status for run in place.runs()] == ["done", "lost"]


def test_the_lock_of_a_process_that_is_here_is_not_taken_over(place: Place) -> None:
    """A catalog that was locked for an hour let nobody renew anything."""
    parent = psutil.Process(os.getppid())
    here = f"{socket.gethostname()}:{parent.pid}:{parent.create_time():.2f}"
    engine = open_engine(place.url)
    with write(engine) as conn:
        assert store.take(conn, "refresh", None, here, NOON - DAY, MINUTE)
    engine.dispose()
    with place.runner(job()) as runner:
        assert runner.run(runner.planned["refresh"]) == Busy(job="refresh", owner=here)


def test_a_run_whose_end_was_not_recorded_keeps_no_later_one_from_running(place: Place) -> None:
    engine = open_engine(place.url)
    with place.runner(job()) as runner:
        with write(engine) as conn:
            assert store.take(conn, "refresh", None, runner.owner, NOON, HOUR)
            store.begin(conn, "refresh", None, runner.owner, now=NOON, rng=random.Random(1))
        assert ran(runner.run(runner.planned["refresh"])).result.status == "done"
    engine.dispose()
    assert {run.status for run in place.runs()} == {"done", "lost"}


def test_a_run_whose_process_is_gone_is_taken_up_again_but_not_for_ever(place: Place) -> None:
    host, pid, _ = this_process().rsplit(":", 2)
    gone = f"{host}:{pid}:1.00"
    engine = open_engine(place.url)
    with place.runner(job()) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        (each,) = runner.look()
        for attempt in range(ATTEMPTS):
            with write(engine) as conn:
                slot = each.slot if attempt == 0 else None
                assert store.take(conn, "refresh", slot, gone, place.clock.at, HOUR)
                store.begin(
                    conn, "refresh", each.slot, gone, now=place.clock.at, rng=random.Random(attempt)
                )
            again = runner.look()
            if attempt < ATTEMPTS - 1:
                assert [(one.slot, one.again) for one in again] == [(each.slot, True)]
            else:
                assert again == []
        place.clock.at += DAY
        assert slots_of(runner.look()) == [each.slot + DAY]
    engine.dispose()
    assert [run.status for run in place.runs()] == ["lost"] * ATTEMPTS


def test_a_stopped_run_is_taken_up_again_by_the_next_scheduler(place: Place) -> None:
    with place.runner(job("until_told")) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        (each,) = runner.look()
        done: list[JobRan | Busy] = []
        thread = threading.Thread(target=lambda: done.append(runner.run_owed(each)))
        thread.start()
        working.began.get()
        assert runner.running() == ["refresh"]
        runner.stop()
        thread.join()
        assert ran(done[0]).result.status == "stopped"
        assert runner.run(runner.planned["refresh"]) == Busy(job="refresh", owner=None)
    with place.runner(job()) as runner:
        (again,) = runner.look()
        assert (again.slot, again.again) == (each.slot, True)
        assert ran(runner.run_owed(again)).slot_at == each.slot
        assert runner.look() == []
    assert [run.status for run in place.runs()] == ["done", "stopped"]


def test_a_run_by_hand_that_was_stopped_is_not_taken_up_again(place: Place) -> None:
    with place.runner(job("until_told")) as runner:
        runner.look()

        def stop() -> None:
            working.began.get()
            runner.stop()

        threading.Thread(target=stop).start()
        assert ran(runner.run(runner.planned["refresh"])).result.status == "stopped"
        assert runner.look() == []


def test_a_run_beyond_its_time_is_told_to_stop_and_what_is_left_waits(place: Place) -> None:
    with place.runner(job("until_told"), beat=0.01) as runner:
        runner.look()
        place.clock.at = NOON + DAY
        (each,) = runner.look()

        def let_time_pass() -> None:
            working.began.get()
            place.timer += 61 * 60

        threading.Thread(target=let_time_pass).start()
        done = ran(runner.run_owed(each))
        assert runner.look() == []
    assert done.result.status == "partly"
    assert done.unmet == ("it was told to stop after its 60 minutes",)


def test_a_run_whose_lock_was_taken_is_told_to_stop(place: Place) -> None:
    engine = open_engine(place.url)
    with place.runner(job("until_told"), beat=0.01) as runner:

        def take_it() -> None:
            working.began.get()
            later = place.clock.at + 10 * DAY
            with write(engine) as conn:
                assert store.take(conn, "refresh", None, "there:1:1.00", later, HOUR)

        threading.Thread(target=take_it).start()
        runner.run(runner.planned["refresh"])
    engine.dispose()
    assert any("half of it" in line for line in place.lines)


@pytest.mark.parametrize(
    ("work", "status", "words", "is_refused"),
    [
        ("refused", "failed", "the key [redacted] is refused", True),
        ("spent", "failed", "spent", False),
        ("broken", "failed", "a fault of this program: KeyError", False),
        ("no_such_function", "failed", "a fault of this program: AttributeError", False),
    ],
)
def test_whatever_work_raises_is_its_result(
    place: Place, work: str, status: str, words: str, *, is_refused: bool
) -> None:
    with place.runner(job(work)) as runner:
        done = ran(runner.run(runner.planned["refresh"]))
    assert (done.result.status, done.result.refused) == (status, is_refused)
    assert words in done.result.message
    assert words in place.runs()[0].message
    assert SECRET not in repr((place.lines, place.runs(), place.told))


def test_fewer_than_expected_is_said(place: Place) -> None:
    with place.runner(job("nothing")) as runner:
        done = ran(runner.run(runner.planned["refresh"]))
    assert done.unmet == ("documents: 0, where 1 are expected at least",)
    assert done.unmet[0] in place.runs()[0].message


def test_more_than_expected_is_said(place: Place) -> None:
    settings = {"refresh": JobSettings(most=2)}
    with place.runner(job(), settings=settings) as runner:
        done = ran(runner.run(runner.planned["refresh"]))
    assert done.unmet == ("documents: 3, where 2 are expected at most",)


def test_nothing_to_do_is_as_expected(place: Place) -> None:
    with place.runner(job("nothing_asked")) as runner:
        assert ran(runner.run(runner.planned["refresh"])).unmet == ()


def test_who_is_told_and_fails_keeps_nobody_else_from_it(place: Place) -> None:
    def fail(_: JobContext, _ran: JobRan) -> None:
        raise RuntimeError(f"no way with {SECRET}")

    hooks = [fail, lambda _, done: place.told.append(done)]
    with place.runner(job(), after_run=hooks) as runner:
        done = runner.run(runner.planned["refresh"])
    assert place.told == [done]
    assert "refresh: telling of it failed: no way with [redacted]" in place.lines


def test_work_is_handed_the_settings_of_its_job(place: Place) -> None:
    settings = {"refresh": JobSettings(sources=("one",), limit=5, schedule="off", time_limit=2)}
    with place.runner(job(), settings=settings) as runner:
        planned = runner.planned["refresh"].with_options({"second_opinion": 0.5})
        runner.run(planned)
        assert runner.look() == []
        assert planned.time_limit == 2 * MINUTE
    context = working.began.get()
    assert context.options == {"limit": 5, "second_opinion": 0.5}
    assert (context.sources, context.job, context.url) == (("one",), "refresh", place.url)
    assert SECRET not in repr(context)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"refersh": JobSettings()}, "jobs.refersh"),
        ({"refresh": JobSettings(keep=3)}, "jobs.refresh.keep"),
        ({"refresh": JobSettings(schedule="0 22-2 * * *")}, "jobs.refresh.schedule"),
    ],
)
def test_settings_that_no_job_understands_are_refused(
    settings: dict[str, JobSettings], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        plan({"refresh": job()}, Settings(jobs=settings))


def test_bounds_of_what_is_not_counted_are_refused() -> None:
    uncounted = msgspec.structs.replace(job(), expects=())
    with pytest.raises(SettingsError, match="nothing of this job is counted"):
        plan({"refresh": uncounted}, Settings(jobs={"refresh": JobSettings(least=1)}))


def test_options_that_the_job_has_not_are_refused() -> None:
    planned = plan({"refresh": job()}, Settings())["refresh"]
    with pytest.raises(UsageError, match="no option 'keep'"):
        planned.with_options({"keep": 1})


def test_a_place_without_a_catalog_is_said_at_once(empty_url: str) -> None:
    place = Place(empty_url)
    with pytest.raises(CatalogMissing), place.runner(job()):
        pass
