"""Looks at a world from outside, as a monitor does, and holds it to what it promises."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select

from catalog.derive import Derivation
from catalog.health import look
from catalog.scheduling import slots
from catalog.storage import jobs
from catalog.storage import tables as t
from catalog.storage.dump import digest
from catalog.storage.engine import read, write
from catalog.storage.rebuild import rebuild
from catalog.storage.runs import stale_runs
from catalog.storage.work_tables import job_runs
from catalog.times import DAY, HOUR, Micros, day_of, to_iso
from jobs.declare import plan
from tests.faults.years.script import LATE, PERIOD, UNRUN, Fault
from tests.faults.years.sources import MOUNTS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.faults.years.world import World

GRACE: Micros = 2 * DAY
"""Jitter and runs of daily jobs, beyond the ceiling; as the alarm has it."""
GAP: Micros = PERIOD + 12 * HOUR
"""A daily job that runs every other day has a longer one."""
KEPT = 100
"""The last runs of jobs that are read at a look: more than there are between two."""
_OVER = frozenset({"done", "partly", "failed"})


class Sight(msgspec.Struct):
    """An alarm as it was seen standing.

    Attributes:
        kind: which.
        subject: of what.
        first: when it was seen first.
        last: when it was seen last.
        message: as it was then.
    """

    kind: str
    subject: str
    first: Micros
    last: Micros
    message: str


class Auditor:
    """Sees what stands at each look, and what was done in the end.

    Args:
        world: what it looks at.

    Attributes:
        standing: the faults that are under way.
        wrong: what is not as it must be, a sentence each.
        sights: all alarms, in the order in which they were first seen.
        delays: by kind of fault, after how long it was said, the longest.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.standing: list[Fault] = []
        self.wrong: list[str] = []
        self.sights: list[Sight] = []
        self.delays: dict[str, Micros] = {}
        self.looks = 0
        self.requests = 0
        self._open: dict[tuple[str, str], Sight] = {}
        self._said: set[tuple[str, str]] = set()
        self._allowed: dict[tuple[str, str, str], int] = {}
        self._skews: set[Micros] = {0}
        self._runs: dict[str, jobs.JobRun] = {}
        self._passed: list[tuple[Micros, Micros]] = []

    def look(self) -> None:
        """Look once, whatever runs or does not."""
        world = self._world
        now, machine = world.clock.now(), world.machine_now()
        self.looks += 1
        self._skews.add(world.skewed)
        if not self._passed or machine > self._passed[-1][0]:
            self._passed.append((machine, now))
        self._allow(day_of(machine))
        planned = tuple(plan(world.jobs, world.settings).values())
        health = look(world.engine, world.settings, machine, planned)
        messages = {(each.kind, each.subject): each.message for each in health.alarms}
        found: dict[tuple[str, str], str] = {**dict.fromkeys(health.since, ""), **messages}
        for key in list(self._open):
            if key not in found:
                del self._open[key]
        for (kind, subject), message in found.items():
            sight = self._open.get((kind, subject))
            if sight is None:
                sight = Sight(kind, subject, now, now, message)
                self._open[kind, subject] = sight
                self.sights.append(sight)
            sight.last = now
            # What was done by a clock that was ahead is told again when its time comes.
            times = [now - skew for skew in self._skews if skew >= 0]
            if not any(fault.allows(kind, at) for fault in world.faults for at in times):
                self._unexpected(sight, now)
        with read(world.engine) as conn:
            # Retention removes them one day.
            for run in jobs.runs(conn, limit=KEPT):
                self._runs[run.job_run_id] = run
            if not found:
                self._unconfirmed(conn, machine)

    def finish(self) -> None:
        """Hold all that was done to what must be."""
        world = self._world
        with read(world.engine) as conn:
            self._gone(conn)
            self._slots()
            self._gaps()
            self._ended(conn)
            before = digest(conn)
        with write(world.engine) as conn:
            rebuild(conn, Derivation())
        with read(world.engine) as conn:
            if digest(conn) != before:
                self.wrong.append("rebuilt from the archive, the catalog is another")
        self._budgets()
        for fault in world.faults:
            self._was_said(fault)

    def figures(self) -> str:
        """What was seen, in a few lines."""
        world = self._world
        days = (world.clock.now() - world.start) / DAY
        kinds = Counter(each.kind for each in self.sights)
        delays = ", ".join(
            f"{kind} {delay / HOUR:.0f} h" for kind, delay in sorted(self.delays.items())
        )
        return (
            f"{days:,.0f} days, {len(world.faults)} faults, {world.deaths} kills,"
            f" {self.requests:,} requests, {self.looks:,} looks\n"
            f"alarms: {dict(sorted(kinds.items()))}\nsaid after: {delays}"
        )

    def _allow(self, today: str) -> None:
        """Note what may be asked today: the most that was allowed at any time of the day."""
        for name, source in self._world.settings.sources.items():
            for kind, limit in (
                ("requests", source.requests_per_day),
                ("probes", source.probes_per_day),
                ("tokens", source.tokens_per_day),
            ):
                day = (MOUNTS[name], kind, today)
                self._allowed[day] = max(self._allowed.get(day, 0), limit or 0)

    def _unexpected(self, sight: Sight, now: Micros) -> None:
        key = (sight.kind, sight.subject)
        if key not in self._said:
            self._said.add(key)
            self.wrong.append(
                f"{_day(now, self._world)}: alarm without a fault: {sight.kind} {sight.subject}"
                f" (since {_day(sight.first, self._world)}): {sight.message}"
            )

    def _unconfirmed(self, conn: Connection, now: Micros) -> None:
        g = t.gizmos.c
        before = now - round(self._world.settings.plan.ceiling_days * DAY) - GRACE - LATE
        old = conn.execute(
            select(func.count()).where(g.status == "listed", g.last_seen_at < before)
        ).scalar_one()
        if old:
            self.wrong.append(
                f"{_day(now, self._world)}: {old} GPTs are beyond the ceiling and nothing stands"
            )

    def _gone(self, conn: Connection) -> None:
        """Nothing was marked gone that was there."""
        s = t.statuses.c
        population = self._world.population
        rows = conn.execute(select(s.gizmo_id, s.valid_from).where(s.status == "gone"))
        for gizmo_id, at in rows:
            if all(population.exists(gizmo_id, at - skew) for skew in self._skews):
                self.wrong.append(f"{gizmo_id} is there, and was marked gone at {to_iso(at)}")

    def _slots(self) -> None:
        """Each slot was run once, or somebody was told."""
        world = self._world
        runs: dict[tuple[str, Micros], list[str]] = {}
        for run in self._runs.values():
            if run.slot_at is not None:
                runs.setdefault((run.job, run.slot_at), []).append(run.status)
        for (job, slot), statuses in runs.items():
            if sum(status in _OVER for status in statuses) > 1:
                self.wrong.append(f"{job} ran twice for {to_iso(slot)}: {statuses}")
        zone = ZoneInfo(world.settings.catalog.timezone)
        for planned in plan(world.jobs, world.settings).values():
            if planned.schedule is None:
                continue
            for slot in slots(planned.schedule, zone, world.start, world.clock.now() - LATE):
                # When the machine's clock first came by it.
                place = bisect_left(self._passed, (slot, 0))
                at = self._passed[min(place, len(self._passed) - 1)][1]
                told = self._told(min(slot, at), max(slot, at) + LATE)
                if (planned.name, slot) not in runs and not told & UNRUN:
                    self.wrong.append(f"{planned.name} did not run at {to_iso(slot)}: nothing said")

    def _gaps(self) -> None:
        """Never for longer than half a period too long was no document given, and nothing said."""
        given = [self._world.start, *self._world.sources.given, self._world.clock.now()]
        for before, after in pairwise(given):
            if after - before > GAP and not self._told(before, before + LATE):
                self.wrong.append(
                    f"{_day(before, self._world)}: no document for"
                    f" {(after - before) / HOUR:.0f} h, and nothing was said"
                )

    def _ended(self, conn: Connection) -> None:
        """Every run is closed, or somebody may go on with it."""
        world, r, f = self._world, job_runs.c, t.frontier.c
        now = world.machine_now()
        if any(fault.until + DAY > world.clock.now() for fault in world.faults):
            return
        for job, at in conn.execute(
            select(r.job, r.started_at).where(r.finished_at.is_(None), r.started_at < now - DAY)
        ):
            self.wrong.append(f"the run of {job} of {to_iso(at)} is open")
        self.wrong += [f"run {run.run_id} is open" for run in stale_runs(conn, now)]
        leased = conn.execute(
            select(func.count()).where(f.lease_owner.is_not(None), f.lease_until < now - DAY)
        ).scalar_one()
        if leased:
            self.wrong.append(f"{leased} ids are held by nobody")

    def _budgets(self) -> None:
        """What the gateway counted of a day is within what that day allows."""
        for (mount, kind, day), asked in sorted(self._world.sources.asked.items()):
            self.requests += asked if kind != "tokens" else 0
            allowed = self._allowed.get((mount, kind, day), 0)
            if asked > allowed:
                self.wrong.append(f"{mount} {day}: {asked} {kind}, of {allowed} that are allowed")

    def _was_said(self, fault: Fault) -> None:
        """What has to be said of a fault was said in time."""
        trouble, now = fault.trouble, self._world.clock.now()
        if not trouble.says or fault.until - fault.at < trouble.least * DAY:
            return
        seen = [
            max(0, each.first - fault.at)
            for each in self.sights
            if each.kind in trouble.says and each.last >= fault.at and each.first <= fault.until
        ]
        if seen and min(seen) <= LATE:
            self.delays[fault.kind] = max(self.delays.get(fault.kind, 0), min(seen))
        elif fault.at + LATE < now:
            after = f"said after {min(seen) / HOUR:.0f} h" if seen else "never said"
            self.wrong.append(
                f"{_day(fault.at, self._world)}: {fault.kind} for"
                f" {(fault.until - fault.at) / DAY:g} days was {after}:"
                f" none of {sorted(trouble.says)}"
            )

    def _told(self, since: Micros, until: Micros) -> set[str]:
        """The kinds of alarms that stood at any time of a span."""
        return {each.kind for each in self.sights if each.first <= until and each.last >= since}


def _day(at: Micros, world: World) -> str:
    return f"day {(at - world.start) / DAY:.2f}"
