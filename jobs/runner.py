"""Runs a job: take the slot and the lock, do the work, record how it ended, tell who is to know.

Knows what is owed, and nothing of waiting: that is the daemon's, or cron's.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import msgspec

from catalog.errors import CatalogError, FetchError, Transient
from catalog.scheduling import next_slot, owed
from catalog.secrets import MIN_LENGTH, Redactor
from catalog.settings import known_secrets
from catalog.storage import jobs as store
from catalog.storage.engine import read, write
from catalog.storage.owners import is_alive, is_at_work_here, this_process
from catalog.storage.schema import open_catalog
from catalog.times import HOUR, MINUTE, SECOND, Clock, Micros
from catalog.working import AfterRun, JobContext, JobRan, JobResult
from jobs.declare import Job, Planned, plan
from jobs.heart import Heart
from jobs.records import Busy, Owed, Pace, World

if TYPE_CHECKING:
    from catalog.storage.engine import Connection

LOOK_BACK = HOUR
"""A job that was never scheduled here is owed a slot of the last hour at most: cron calls late."""
ATTEMPTS = 3
"""How often a slot's run is begun, where its process ends in the midst: what kills it may be it."""
_CUT_OFF = frozenset({"open", "stopped", "lost"})
RECORDED = 5
"""How often it is tried to record how a run ended, where the catalog is busy."""


class Runner:
    """Runs jobs of one catalog; used as a context.

    Args:
        world: the world.
        jobs: the declarations.
        after_run: told of each run once it is over and recorded.
        pace: how fast things go.

    Attributes:
        planned: the jobs as they are to run here.
        owner: this process.

    Raises:
        SettingsError: the settings name a job or option that there is not.
        StorageError: the catalog cannot be used.
    """

    def __init__(
        self,
        world: World,
        jobs: Mapping[str, Job],
        *,
        after_run: Sequence[AfterRun] = (),
        pace: Pace | None = None,
    ) -> None:
        self.planned = plan(jobs, world.settings)
        self.owner = this_process()
        self._world = world
        self._after_run = tuple(after_run)
        self._pace = pace or Pace()
        self._zone = ZoneInfo(world.settings.catalog.timezone)
        secrets = known_secrets(world.settings, world.environ)
        self._redactor = Redactor([each for each in secrets if len(each) >= MIN_LENGTH])
        place = world.settings.catalog
        self._engine = open_catalog(place.url, read_only=False, folder=place.folder)
        self._guard = threading.Lock()
        self._running: dict[str, threading.Event] = {}
        self._stopped = False
        self._seen: dict[str, tuple[Micros | None, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    @property
    def clock(self) -> Clock:
        """The clock that is handed in."""
        return self._world.clock

    def say(self, text: str) -> None:
        """Tell people a line, without secrets."""
        self._world.out(self._redactor.text(text))

    def running(self) -> list[str]:
        """The jobs that run in this process now."""
        with self._guard:
            return sorted(self._running)

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to stop."""
        with self._guard:
            return self._stopped

    def stop(self) -> None:
        """No job begins any more, and those that run are told to stop."""
        with self._guard:
            self._stopped = True
            for stopping in self._running.values():
                stopping.set()

    def beat(self, lease: Micros) -> None:
        """Say that a scheduler is here, to be believed for ``lease``."""
        now = self.clock.now()
        with write(self._engine) as conn:
            store.beat(conn, self.owner, now, now + lease)

    def quit(self) -> None:
        """Say that the scheduler that was here is not any more."""
        self.beat(0)

    def look(self) -> list[Owed]:
        """What is owed now: of each job one slot at most, in the order of declaration."""
        now = self.clock.now()
        self._tidy(now)
        found = []
        with read(self._engine) as conn:
            states, latest = store.states(conn), store.last(conn)
            for planned in self.planned.values():
                state = states.get(planned.name)
                if planned.schedule is None or state is None:
                    continue
                taken = store.last_taken(conn, state, now)
                slot = owed(planned.schedule, self._zone, taken, now)
                run = latest.get(planned.name)
                if slot is not None:
                    # A clock that was ahead may have taken it already.
                    if not store.attempts(conn, planned.name, slot):
                        found.append(Owed(planned=planned, slot=slot))
                elif (
                    run is not None
                    and run.slot_at is not None
                    and run.status in _CUT_OFF
                    and not self._is_held(state, now)
                    and store.attempts(conn, planned.name, run.slot_at) < ATTEMPTS
                ):
                    found.append(Owed(planned=planned, slot=run.slot_at, again=True))
            at_work = {name for name, each in states.items() if self._is_at_work(each, now)}
            ahead = at_work | {each.planned.name for each in found}
            return [
                msgspec.structs.replace(each, waits=_waits(conn, each, ahead)) for each in found
            ]

    def next_slots(self, after: Micros) -> dict[str, Micros]:
        """The first slot of each scheduled job later than ``after``, by job."""
        return {
            planned.name: next_slot(planned.schedule, self._zone, after)
            for planned in self.planned.values()
            if planned.schedule is not None
        }

    def run_owed(self, each: Owed, *, patient: bool = False) -> JobRan | Busy:
        """Run what is owed.

        Args:
            each: as :meth:`look` found it.
            patient: as for :meth:`run`.
        """
        if each.again:
            self.say(f"{each.planned.name}: was cut off, and is taken up again")
        return self.run(each.planned, slot=each.slot, again=each.again, patient=patient)

    def run(
        self,
        planned: Planned,
        *,
        slot: Micros | None = None,
        again: bool = False,
        patient: bool = False,
    ) -> JobRan | Busy:
        """Run a job now, unless somebody does.

        Args:
            planned: the job.
            slot: the slot it runs for; None: by hand.
            again: the slot was taken already, and its run was cut off.
            patient: who looks again and again takes over an ended lease only if it was not renewed
                for some real time: clocks of machines differ, and are set.

        Raises:
            CatalogBusy: the catalog is locked: the run did not begin.
        """
        stopping = threading.Event()
        with self._guard:
            if self._stopped or planned.name in self._running:
                held = self.owner if planned.name in self._running else None
                return Busy(job=planned.name, owner=held)
            self._running[planned.name] = stopping
        try:
            begun = self._begin(planned.name, slot, again=again, patient=patient)
            if isinstance(begun, Busy):
                return begun
            context, ran = self._work(planned, begun, stopping)
            self._tell(context, ran)
            return ran
        finally:
            with self._guard:
                del self._running[planned.name]

    def _tidy(self, now: Micros) -> None:
        """Make new jobs known; free what gone processes of this machine, or a clock ahead, hold."""
        with read(self._engine) as conn:
            states, ahead = store.states(conn), store.was_ahead(conn, now)
        unknown = [name for name in self.planned if name not in states or states[name].since > now]
        gone = any(state.owner and not is_alive(state.owner) for state in states.values())
        if unknown or gone or ahead:
            with write(self._engine) as conn:
                store.give_back_ahead(conn, now)
                store.register(conn, unknown, now - LOOK_BACK)
                store.reap(conn, is_alive, now)

    def _is_held(self, state: store.JobState, now: Micros) -> bool:
        """Whether somebody runs the job, as far as its lease tells."""
        if state.job in self.running():
            return True
        return state.owner is not None and state.lease_until is not None and state.lease_until > now

    def _is_at_work(self, state: store.JobState, now: Micros) -> bool:
        """Whether somebody runs the job, here or elsewhere, and renews its lock."""
        if state.owner is None or state.owner == self.owner:
            # What this process holds and does not run is an end that was not recorded.
            return state.job in self.running()
        # A lease that ends later than any made now could is of a clock that was ahead.
        until = state.lease_until or 0
        return is_alive(state.owner) and now < until <= now + 2 * self._pace.lease

    def _begin(
        self, name: str, slot: Micros | None, *, again: bool, patient: bool
    ) -> store.JobRun | Busy:
        now = self.clock.now()
        with write(self._engine) as conn:
            store.reap(conn, is_alive, now)
            state = store.states(conn).get(name)
            held = None if state is None else state.owner
            seen = None
            if held == self.owner:
                # It does not run here, or this would not be asked: how it ended was not recorded.
                store.free(conn, name, held, now)
            elif state is not None and held is not None:
                # A process that is there renews its lock as soon as the catalog lets it.
                if is_at_work_here(held):
                    return Busy(job=name, owner=held)
                if patient:
                    seen = self._unrenewed(name, state.lease_until)
                    if seen is None:
                        return Busy(job=name, owner=held)
            taken = store.take(
                conn, name, None if again else slot, self.owner, now, self._pace.lease, seen=seen
            )
            if not taken:
                return Busy(job=name, owner=held if held != self.owner else None)
            return store.begin(conn, name, slot, self.owner, now=now, rng=self._world.rng)

    def _unrenewed(self, name: str, until: Micros | None) -> Micros | None:
        """``until``, if the lease of a lock is unchanged for long enough; else None."""
        at = self._pace.monotonic()
        before = self._seen.get(name)
        if before is None or before[0] != until:
            self._seen[name] = (until, at)
            return None
        return until if at - before[1] >= 2 * self._pace.beat else None

    def _work(
        self, planned: Planned, run: store.JobRun, stopping: threading.Event
    ) -> tuple[JobContext, JobRan]:
        world, name = self._world, planned.name
        context = JobContext(
            job=name,
            url=world.settings.catalog.url,
            settings=world.settings,
            environ=world.environ,
            clock=world.clock,
            rng=world.rng,
            stopping=stopping,
            out=lambda text: self.say(f"{name}: {text}"),
            sources=planned.sources,
            options=planned.options,
            jobs=tuple(self.planned.values()),
        )

        def renew() -> bool:
            until = world.clock.now() + self._pace.lease
            with write(self._engine) as conn:
                return store.renew(conn, name, self.owner, until)

        began = self._pace.monotonic()

        def is_over() -> bool:
            # Real time: a clock that jumps ahead is no reason to stop.
            return (self._pace.monotonic() - began) * SECOND > planned.time_limit

        with Heart(renew, is_over, self._pace.beat, stopping) as heart:
            result = self._result(planned, context)
        unmet = planned.unmet(result)
        if heart.late:
            minutes = planned.time_limit / MINUTE
            unmet += (f"it was told to stop after its {minutes:g} minutes",)
            # What is left is for its next slot: it is not taken up again, as where all stopped.
            status = "partly" if result.status == "stopped" else result.status
            result = msgspec.structs.replace(result, status=status)
        message = "; ".join(each for each in (result.message, *unmet) if each)
        result = msgspec.structs.replace(result, message=self._redactor.text(message))
        return context, self._record(run, result, unmet)

    def _result(self, planned: Planned, context: JobContext) -> JobResult:
        """Do the work; whatever it raises is its result."""
        try:
            return planned.job.work()(context)
        except CatalogError as error:
            return JobResult(
                status="failed", message=str(error), refused=isinstance(error, FetchError)
            )
        except Exception as error:  # noqa: BLE001  (a fault of one job must not end the others)
            place = traceback.extract_tb(error.__traceback__)[-1]
            return JobResult(
                status="failed",
                message=f"a fault of this program: {type(error).__name__}: {error}"
                f" ({place.name}, line {place.lineno})",
            )

    def _record(self, run: store.JobRun, result: JobResult, unmet: tuple[str, ...]) -> JobRan:
        for left in reversed(range(RECORDED)):
            try:
                now = self.clock.now()
                with write(self._engine) as conn:
                    kept = store.finish(
                        conn,
                        run,
                        now=now,
                        status=result.status,
                        numbers=result.numbers,
                        message=result.message,
                    )
                break
            except CatalogError as error:
                if not left or not isinstance(error, Transient):
                    raise
        if not kept:
            self.say(f"{run.job}: took too long to renew its lock, and another took it over")
        return JobRan(
            job=run.job,
            job_run_id=run.job_run_id,
            slot_at=run.slot_at,
            started_at=run.started_at,
            finished_at=now,
            result=result,
            unmet=unmet,
        )

    def _tell(self, context: JobContext, ran: JobRan) -> None:
        """Tell all who want to know; who fails keeps nobody else from it."""
        seconds = (ran.finished_at - ran.started_at) / SECOND
        message = f": {ran.result.message}" if ran.result.message else ""
        self.say(f"{ran.job}: {ran.result.status} after {seconds:,.0f} s{message}")
        for hook in self._after_run:
            try:
                hook(context, ran)
            except Exception as error:  # noqa: BLE001  (the run is over and recorded)
                self.say(f"{ran.job}: telling of it failed: {error}")


def _waits(conn: Connection, each: Owed, ahead: set[str]) -> tuple[str, ...]:
    """Those of ``ahead``, the jobs that are owed or run, that have to end before ``each`` begins.

    One that began after the slot and ended is not waited for again: a job that is owed anew
    whenever it ends would else keep the others from ever running. One by hand that failed is.
    """
    return tuple(
        name
        for name in each.planned.after
        if name in ahead and not store.ended_since(conn, name, each.slot)
    )
