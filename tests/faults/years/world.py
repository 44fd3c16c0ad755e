"""A place with a clock of its own: a catalog, sources, a scheduler, and people who look at it.

Nothing sleeps: the clock stands at the next moment at which something is owed or looked at, and
what is owed then is run here and now by the runner itself, as the daemon would.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import func, select

from catalog.alarms import Likeness, PlaceFacts
from catalog.derive import Derivation
from catalog.errors import CatalogError
from catalog.health import Watch, looking
from catalog.query import health
from catalog.query.likeness import likeness
from catalog.settings import (
    CatalogSettings,
    JobSettings,
    PlanSettings,
    ProbeSettings,
    Settings,
    SourceSettings,
)
from catalog.simulator import SimulatedClock, running_gateway
from catalog.storage import frontier, schema
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, write
from catalog.times import DAY, HOUR, MINUTE, SECOND, Micros
from catalog.working import JobContext, JobRan
from jobs.records import Pace
from jobs.records import World as Surroundings
from jobs.registry import JOBS
from jobs.runner import Runner
from tests.faults.years.audit import Auditor
from tests.faults.years.machines import Killed, Machines, Process
from tests.faults.years.script import Fault
from tests.faults.years.sources import MOUNTS, SmallPopulation, Sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from sqlalchemy import Connection, Engine

    from jobs.declare import Job

KEY = "SIMULATED_KEY"
ZONE = "Europe/Berlin"
BUDGET = 150
CEILING_DAYS = 7.0
BELIEVED: Micros = 5 * MINUTE
"""As the daemon has it."""
LOOK: Micros = 6 * HOUR
"""People look at least so often, and so does the world's clock."""
RESTART: Micros = 7 * MINUTE
"""A killed scheduler is back after so long: a machine that restarts."""
_LEAST_STEP: Micros = MINUTE


def jobs_that_are_there() -> dict[str, Job]:
    """The registry's jobs whose work can be loaded."""
    return {name: job for name, job in JOBS.items() if _is_there(job.run.partition(":")[0])}


def _is_there(module: str) -> bool:
    with suppress(ModuleNotFoundError):
        return find_spec(module) is not None
    return False


def remembered(
    look: Callable[[Connection, Derivation, int, Sequence[str], str | None], Likeness],
) -> Callable[[Connection, Derivation, int, Sequence[str], str | None], Likeness]:
    """What :func:`look` finds, found once for one state of the catalog.

    It is half of what a simulated day costs, and is asked for after each run of any job.
    """
    last: dict[int, tuple[object, Likeness]] = {}

    def again(
        conn: Connection,
        deriver: Derivation,
        source_id: int,
        runs: Sequence[str],
        last_run: str | None,
    ) -> Likeness:
        o = t.outcomes.c
        state = conn.execute(select(func.count(), func.max(o.at)).where(o.source_id == source_id))
        key = (*state.one(), *runs, last_run)
        if source_id not in last or last[source_id][0] != key:
            last[source_id] = (key, look(conn, deriver, source_id, runs, last_run))
        return last[source_id][1]

    return again


@contextmanager
def lasting(url: str) -> Iterator[Engine]:
    """An engine whose connections outlive whoever disposes of it: a new one costs as much as a run.

    Args:
        url: the catalog.
    """
    engine = open_engine(url)
    dispose = engine.dispose
    engine.dispose = lambda *_, **__: None  # type: ignore[method-assign]
    try:
        yield engine
    finally:
        dispose()


class Scheduler:
    """A scheduler's process, with its runner and its watch.

    Args:
        world: where.
        host: its machine.
    """

    def __init__(self, world: World, host: str) -> None:
        self._world = world
        self.host = host
        self.process = world.machines.start(host, world.clock)
        self.process.skew = world.skewed
        with world.machines.within(self.process):
            settings, environ = world.settings, world.environ
            self.runner = Runner(
                Surroundings(
                    settings=settings,
                    environ=environ,
                    clock=self.process,
                    rng=world.rng,
                    out=world.say,
                ),
                world.jobs,
                after_run=[self._told],
                # Runs take no real time: no lock has to be renewed while one goes on.
                pace=Pace(beat=20.0, monotonic=lambda: world.clock.now() / SECOND),
            )
            self.watch = Watch(
                settings=settings,
                environ=environ,
                clock=self.process,
                rng=world.rng,
                jobs=tuple(self.runner.planned.values()),
            )

    def _told(self, context: JobContext, ran: JobRan) -> None:
        self.watch.after_run(context, ran)

    def owes(self, job: str) -> bool:
        """Whether a slot of a job is owed now."""
        with self._world.machines.within(self.process), suppress(CatalogError):
            return any(each.planned.name == job for each in self.runner.look())
        return False

    def look(self) -> bool:
        """What the daemon does at each look: say that it is here, and run what is owed.

        Returns:
            Whether all that is owed was run.

        Raises:
            Killed: it died meanwhile.
        """
        done = True
        with self._world.machines.within(self.process):
            try:
                self.runner.beat(BELIEVED)
                found = self.runner.look()
                for each in found:
                    done &= isinstance(self.runner.run_owed(each, patient=True), JobRan)
                if not found:  # else it was told of the runs
                    self.watch.check()
            except CatalogError as error:
                self._world.say(f"cannot look what is owed, and will look again: {error}")
            except BaseException:
                if not self.process.dead:
                    raise
            if self.process.dead:
                raise Killed
        return done

    def close(self, *, politely: bool) -> None:
        """The process ends."""
        if politely:
            with self._world.machines.within(self.process), suppress(CatalogError):
                self.runner.stop()
                self.runner.quit()
        self.process.dead = True
        self._world.machines.end(self.process)
        self.runner.__exit__()


class World:
    """All of it.

    Args:
        url: an empty catalog.
        folder: for backups and reports.
        start: when it begins.
        faults: what goes wrong.
        size: GPTs at the beginning.
        seed: everything follows from it.
        sources: how many there are, one or two.
    """

    clock: SimulatedClock
    population: SmallPopulation
    sources: Sources

    def __init__(
        self,
        url: str,
        folder: Path,
        start: Micros,
        faults: Sequence[Fault],
        *,
        size: int = 40,
        seed: int = 1,
        sources: int = 1,
    ) -> None:
        self.url = url
        self.folder = folder
        self.clock = SimulatedClock(start)
        self.start = start
        self.faults = tuple(faults)
        self.population = SmallPopulation(seed, size, start)
        self.rng = random.Random(seed)
        self.machines = Machines()
        self.jobs = jobs_that_are_there()
        self.lines: list[str] = []
        self.skewed: Micros = 0
        self.deaths = 0
        self._count = sources
        self._budget = BUDGET
        self._schedulers: list[Scheduler] = []
        self._back_at: Micros | None = None
        self._again_at: Micros = 0
        self._armed: tuple[str, Callable[[Process, int], None]] | None = None
        self._survived = 0
        self._is_on = True
        self._stack = ExitStack()
        self.auditor = Auditor(self)

    @contextmanager
    def opened(self, patch: pytest.MonkeyPatch) -> Iterator[World]:
        """Everything stands while the block runs."""
        with ExitStack() as self._stack:
            self._stack.enter_context(self.machines.installed(patch))
            patch.setattr(looking, "places", lambda _: self._places())
            patch.setattr(health, "likeness", remembered(likeness))
            # What each run makes anew, in vain here: connections, statements to compile,
            # authorities to read. And nothing here has to survive a loss of power.
            engine = self._stack.enter_context(lasting(self.url))
            patch.setattr(schema, "open_engine", lambda *_, **__: engine)
            patch.setattr(httpx, "create_ssl_context", cache(httpx.create_ssl_context))
            running = self._stack.enter_context(running_gateway(self.population, clock=self.clock))
            self.sources = Sources(running, self.clock)
            self.environ = {KEY: running.key}
            self._bases = {mount: running.url(mount) for mount in MOUNTS.values()}
            self.engine = engine
            with write(self.engine) as conn:
                frontier.add_ids(conn, self.population.ids(), self.clock.now())
            self._schedulers = [Scheduler(self, "one")]
            yield self
            for each in self._schedulers:
                each.close(politely=True)

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return Settings(
            catalog=CatalogSettings(url=self.url, folder=str(self.folder), timezone=ZONE),
            sources={
                name: SourceSettings(
                    name=name,
                    dialect="gpts-v2",
                    base_url=self._bases[mount],
                    api_key_env=KEY,
                    prefer=place,
                    requests_per_second=5000.0,
                    max_concurrency=4,
                    max_attempts=2,
                    backoff_base=0.001,
                    backoff_max=0.002,
                    requests_per_day=self._budget,
                    probes_per_day=3,
                    tokens_per_day=100_000,
                )
                for place, (name, mount) in enumerate(list(MOUNTS.items())[: self._count])
            },
            jobs={
                # In an hour that Berlin skips in spring and repeats in autumn.
                "discover": JobSettings(schedule="30 2 * * *", queries=("e", "a")),
                "refresh": JobSettings(second_opinion=0.2),
                "probe": JobSettings(schedule="0 12 * * *", limit=3),
                "backup": JobSettings(schedule="0 5 * * 6", keep=2),
            },
            plan=PlanSettings(ceiling_days=CEILING_DAYS),
            probe=ProbeSettings(max_tokens=50),
        )

    def run(self, days: float) -> None:
        """Let time pass."""
        end = self.clock.now() + round(days * DAY)
        turns = sorted({each for fault in self.faults for each in (fault.at, fault.until)})
        while self.clock.now() < end:
            self._turn()
            self._look()
            now = self.clock.now()
            coming = [at for at in (*turns, self._back_at or end, self._again_at) if at > now]
            ahead = min([now + LOOK, end, *coming, *self._slots(now)])
            self.clock.set(max(ahead, now + _LEAST_STEP))

    def say(self, text: str) -> None:
        """A line of whatever runs."""
        self.lines.append(f"{self.clock.now()} {text}")

    def set_budget(self, requests: int | None) -> None:
        """Requests a day, read by a scheduler that is started again."""
        self._budget = BUDGET if requests is None else requests
        self._restart()

    def arm(self, job: str, how: Callable[[Process, int], None]) -> None:
        """Whoever runs a job next dies of it; who survives it dies of the next, at half the way.

        Args:
            job: which.
            how: tells a process when to die, and how many survived it before.
        """
        self._armed, self._survived = (job, how), 0

    def disarm(self) -> None:
        """Nobody dies any more."""
        self._armed = None

    def power(self, *, on: bool, politely: bool = False) -> None:
        """Switch the machine on or off."""
        self._is_on = on
        if on:
            self._schedulers = [Scheduler(self, "one")]
            return
        for each in self._schedulers:
            each.close(politely=politely)
        self._schedulers = []
        self._back_at = None

    def skew(self, by: Micros) -> None:
        """Set the machine's clock: so much ahead of the true time."""
        self.skewed = self.sources.skew = by
        for each in self._schedulers:
            each.process.skew = by

    def second_scheduler(self, skew: Micros) -> None:
        """Another machine runs the same jobs of the same catalog, by a clock of its own."""
        other = Scheduler(self, "two")
        other.process.skew = skew
        self._schedulers.append(other)

    def one_scheduler(self) -> None:
        """The second machine is gone for good, without a word."""
        for each in self._schedulers[1:]:
            each.close(politely=False)
        self._schedulers = self._schedulers[:1]

    def fill_disk(self, *, full: bool) -> None:
        """The disk takes nothing more, or there is room again."""
        self.machines.full = full

    def machine_now(self) -> Micros:
        """What the machine's clock says."""
        return self.clock.now() + self.skewed

    def _turn(self) -> None:
        """Begin and end what the script says, up to now."""
        now = self.clock.now()
        for fault in self.faults:
            if fault.until <= now and fault in self._standing:
                self._standing.remove(fault)
                fault.trouble.end(self, fault)
        for fault in self.faults:
            if fault.at <= now < fault.until and fault not in self._standing:
                self._standing.append(fault)
                fault.trouble.begin(self, fault)

    @property
    def _standing(self) -> list[Fault]:
        return self.auditor.standing

    def _look(self) -> None:
        now = self.clock.now()
        if self._back_at is not None and self._back_at <= now and self._is_on:
            self._back_at = None
            self._schedulers.append(Scheduler(self, "one"))
        for each in list(self._schedulers):
            struck = self._armed if self._armed and each.owes(self._armed[0]) else None
            if struck is not None:
                struck[1](each.process, self._survived)
                self._armed = None
            try:
                if not each.look():
                    self._again_at = now + MINUTE
                # A death belongs to the run: here nobody would die between two beats.
                if each.process.spare() and struck is not None:
                    self._armed, self._survived = struck, self._survived + 1
            except Killed:
                self.deaths += 1
                each.close(politely=False)
                self._schedulers.remove(each)
                self._back_at = self.clock.now() + RESTART
        self.auditor.look()

    def _slots(self, now: Micros) -> list[Micros]:
        """The next slots of the schedulers that are there, in true time."""
        return [
            slot - each.process.skew
            for each in self._schedulers
            for slot in each.runner.next_slots(now + each.process.skew).values()
        ]

    def _restart(self) -> None:
        if self._schedulers:
            self.power(on=False, politely=True)
            self.power(on=True)

    def _places(self) -> tuple[PlaceFacts, ...]:
        free = 0 if self.machines.full else 10**12
        return (PlaceFacts(what="folder of the catalog", free=free, total=2 * 10**12),)
