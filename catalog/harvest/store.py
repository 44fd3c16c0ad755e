"""A run's side of the catalog: what is asked, what was answered, and how each id ended.

All calls go through one thread, a transaction each; none waits for a network.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import msgspec

from catalog import plan
from catalog.errors import CatalogBusy
from catalog.harvest.closing import end_run, end_stale_run, stale_runs
from catalog.harvest.totals import Stop, Totals
from catalog.intake import Redacts, Taken, take
from catalog.records import Deriver, Observation, Reading, Verdict
from catalog.settings import SourceSettings
from catalog.storage import engine as engines
from catalog.storage import failures, frontier, runs
from catalog.storage.observe import observe, standing
from catalog.storage.owners import is_alive, this_process
from catalog.storage.sources import add_source, give_back, reserve, reserved
from catalog.storage.stage2 import Settled, settle
from catalog.times import MINUTE, Clock, Micros, day_of

if TYPE_CHECKING:
    from catalog.storage.engine import Connection, Engine

LEASE: Micros = 2 * MINUTE
"""How long a claim holds without being renewed."""

Found = dict[tuple[str, str, Micros], tuple[int, str]]
"""The row and the effect of each observation of a batch."""

BUSY_PAUSES = (0.05, 0.2, 1.0)
"""Seconds before a transaction that lost against another writer is tried again."""
EFFECTS = ("", "unchanged", "changed", "new")
"""What documents do, the least first."""

P = ParamSpec("P")
T = TypeVar("T")


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """One asked id, answered or given up.

    Attributes:
        asked: the id.
        readings: what the answers say: of this id first, then of others that came with it.
        attempts: times it was asked.
        requests: HTTP requests spent on it.
        received_at: when the last answer's last byte arrived.
        redacted: whether a secret was replaced in that answer.
    """

    asked: str
    readings: tuple[Reading, ...]
    attempts: int
    requests: int
    received_at: Micros
    redacted: bool = False


class Store:
    """What one process's part in a run needs of the catalog.

    Args:
        engine: opened for durable writing.
        source: which source is asked.
        key: what is run, as runs are compared by (rule 13).
        deriver: the rules of derivation.
        redactor: replaces configured secrets.
        clock: says when.
        rng: for the run's id, and for the pause before a transaction is tried again.
        sleep: waits that pause.
    """

    def __init__(
        self,
        engine: Engine,
        source: SourceSettings,
        *,
        key: runs.RunKey,
        deriver: Deriver,
        redactor: Redacts,
        clock: Clock,
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._engine = engine
        self._source = source
        self._key = key
        self._deriver = deriver
        self.redactor = redactor
        self._clock = clock
        self._rng = rng
        self._owner = this_process()
        self._source_id = 0
        self._run: runs.Run | None = None
        self._attempts: dict[str, int] = {}
        self._again: set[str] = set()
        self.settled: Settled | None = None
        self.unfinished = True
        self._day = ""
        self.requested = 0
        self.resumed = 0
        self.budget_left: int | None = None
        # One thread: batches are written in the order in which they were taken.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @property
    def source_name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def concurrency(self) -> int:
        """How many requests may be under way."""
        return self._source.max_concurrency

    @property
    def run(self) -> runs.Run:
        """The run under way."""
        if self._run is None:
            raise RuntimeError("no run was begun")
        return self._run

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one of the methods below in the thread of this store.

        A transaction that lost against another writer did nothing, and is tried again.

        Raises:
            StorageError: the catalog cannot be used.
        """
        loop = asyncio.get_running_loop()
        for pause in BUSY_PAUSES:
            try:
                return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
            except CatalogBusy:
                await self._sleep(pause * (1 + self._rng.random()))
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """End the thread, when what it was given is done."""
        self._thread.shutdown(wait=True)

    def begin(self, ids: Sequence[str]) -> list[str]:
        """Open the run, or join or resume the equal unfinished one.

        Returns:
            The ids about which nothing is known in it yet, in the order given: those that failed
            are asked again.
        """
        now = self._clock.now()
        with engines.write(self._engine) as conn:
            self._source_id = add_source(conn, self._source.name, self._source.dialect, now)
            frontier.reap(conn, is_alive)
            frontier.add_ids(conn, ids, now)
            # A transaction below may be tried again: the run is opened once.
            opened = self._run or self._opened(conn, ids, now)
            ended = runs.done_ids(conn, opened.run_id)
            done = runs.known_ids(conn, opened.run_id)
            # What was due when the run began and has ended since is part of it too.
            self.requested = len(ended.union(ids))
            self._again = (ended - done).intersection(ids)
            self._count(conn, opened.run_id)
            self.budget_left = self._budget_left(conn)
        self._run = opened
        with engines.read(self._engine) as conn:
            stale = stale_runs(conn, now=now)
        for run in stale:
            with engines.write(self._engine) as conn:
                end_stale_run(conn, self._deriver, run, now=now)
        if stale:
            self._settle()
        self.resumed = len(done)
        return [gizmo_id for gizmo_id in ids if gizmo_id not in done]

    def _opened(self, conn: Connection, ids: Sequence[str], now: Micros) -> runs.Run:
        """The run to go on with, or a new one (rule 13)."""
        known = runs.unfinished_run(conn, self._key, now)
        if known is not None and not self._key.ids_digest:
            # What is due is nobody else's: a process that is still at work has a run of its own.
            if known.owner is not None and is_alive(known.owner):
                known = None
            elif runs.known_ids(conn, known.run_id).intersection(ids):
                # Some are due again: they would be passed over in the run in which they ended.
                end_run(
                    conn,
                    self._deriver,
                    runs.update_totals(conn, known.run_id, requested=known.requested),
                    now=now,
                    status="stopped",
                    reason="a later run went on",
                )
                known = None
        if known is None:
            known = runs.open_run(conn, self._key, now=now, rng=self._rng)
        return runs.take_up(conn, known.run_id, self._owner)

    def _count(self, conn: Connection, run_id: str) -> runs.Run:
        """Count the run's outcomes into its totals."""
        return runs.update_totals(
            conn,
            run_id,
            requested=self.requested,
            price=self._source.price_per_request,
        )

    def claim(self, ids: Sequence[str]) -> tuple[list[str], list[str]]:
        """Take ids for this process.

        Returns:
            Those to be asked, and those that another process holds.
        """
        now = self._clock.now()
        with engines.write(self._engine) as conn:
            lease = frontier.Lease(owner=self._owner, until=now + LEASE)
            claimed = frontier.claim(conn, lease, ids=ids, limit=len(ids), now=now)
            if len(claimed) < len(ids) and frontier.reap(conn, is_alive):
                # Whoever held them has died since this run began.
                claimed += frontier.claim(conn, lease, ids=ids, limit=len(ids), now=now)
            # Another process of this run may have ended some since they were listed.
            if self._again:
                # Another process of this run may have learned of some meanwhile.
                self._again -= runs.known_ids(conn, self.run.run_id)
            done = runs.done_ids(conn, self.run.run_id, among=ids) - self._again
            frontier.drop(conn, self._owner, [c.gizmo_id for c in claimed if c.gizmo_id in done])
        self._attempts.update({c.gizmo_id: c.attempts for c in claimed})
        mine = [c.gizmo_id for c in claimed if c.gizmo_id not in done]
        taken = done.union(mine)
        return mine, [gizmo_id for gizmo_id in ids if gizmo_id not in taken]

    def renew(self) -> None:
        """Hold on to what is claimed."""
        with engines.write(self._engine) as conn:
            frontier.renew(conn, self._owner, self._clock.now() + LEASE)

    def reserve(self, wanted: int) -> int:
        """Take requests from the day's budget before they are sent (rule 19).

        Returns:
            How many may be sent.
        """
        self._day = day_of(self._clock.now())
        per_day = self._source.requests_per_day
        with engines.write(self._engine) as conn:
            granted = reserve(conn, self._source_id, self._day, wanted, per_day)
            self.budget_left = self._budget_left(conn)
        return granted

    def give_back(self, unused: int) -> None:
        """Return requests that were reserved and not sent, to the day they were taken from."""
        if unused:
            with engines.write(self._engine) as conn:
                give_back(conn, self._source_id, self._day, unused)
                self.budget_left = self._budget_left(conn)

    def write(self, batch: Sequence[Ended]) -> list[tuple[Verdict, str]]:
        """Archive and derive what a batch of ids brought, and end each in its outcome.

        Returns:
            The verdict and the effect of each.
        """
        taken = [self._take(ended) for ended in batch]
        flat = [one for each in taken for one in each]
        with engines.write(self._engine) as conn:
            found: Found = {
                key: (row, "unchanged") for key, row in standing(conn, _cached(flat)).items()
            }
            fresh = _fresh(flat, set(found))
            observed = observe(conn, self._deriver, fresh)
            for o, row, effect in zip(
                fresh, observed.observation_ids, observed.effects, strict=True
            ):
                key = (o.gizmo_id, o.source, o.observed_at)
                if EFFECTS.index(effect) >= EFFECTS.index(found.get(key, (0, ""))[1]):
                    found[key] = (row, effect)
            failures.add_failures(conn, [self._failure(x) for x in flat if x.failure])
            outcomes = [
                self._outcome(ended, each[0], found)
                for ended, each in zip(batch, taken, strict=True)
            ]
            runs.add_outcomes(conn, outcomes)
            frontier.release(conn, self._owner, [self._move(outcome) for outcome in outcomes])
        self._again.difference_update(ended.asked for ended in batch)
        return [(Verdict(outcome.verdict), outcome.effect) for outcome in outcomes]

    def finish(self, stop: Stop | None) -> Totals:
        """Give back what was not asked, and end the run if nothing of it is left.

        A run that its source ended is not over: what failed in it is asked again when the same
        command is given once more.

        Args:
            stop: why no further id was asked, if so.
        """
        now = self._clock.now()
        refused = stop is not None and stop.kind == "refused"
        with engines.write(self._engine) as conn:
            frontier.drop(conn, self._owner)
            run = self._count(conn, self.run.run_id)
            self.unfinished = bool(run.left or self._again or (refused and run.failed))
            if stop is not None and self.unfinished:
                status = "failed" if refused else "stopped"
                runs.pause_run(conn, run.run_id, status=status, reason=stop.words)
            elif not self.unfinished:
                end_run(conn, self._deriver, run, now=now, status="finished")
        self._settle()
        self._run = run
        return Totals(
            run=run.run_id,
            **{
                name: getattr(run, name)
                for name in Totals.__struct_fields__
                if name not in ("run", "seconds")
            },
        )

    def _settle(self) -> None:
        """Aggregate over all GPTs what changed; see :mod:`catalog.harvest.closing`."""
        with engines.write(self._engine) as conn:
            found = settle(conn, self._deriver)
        if self.settled is not None:
            found = msgspec.structs.replace(
                found,
                events=self.settled.events + found.events,
                drift=self.settled.drift + found.drift,
            )
        self.settled = found

    def _take(self, ended: Ended) -> list[Taken]:
        """The readings of one id, each made into a fact or a failure."""
        return [
            take(
                reading,
                source=self._source.name,
                run_id=self.run.run_id,
                received_at=ended.received_at,
                said_at=(),
                redactor=self.redactor,
                redacted=ended.redacted,
                normalize=self._deriver.document,
            )
            for reading in ended.readings
        ]

    def _failure(self, taken: Taken) -> failures.Failure:
        failure = taken.failure
        if failure is None:
            raise ValueError("a fact is no failure")
        return failures.Failure(
            run_id=self.run.run_id,
            source_id=self._source_id,
            asked_id=failure.asked,
            verdict=failure.verdict,
            status=failure.status,
            detail=failure.detail,
            at=failure.at,
            redacted=failure.redacted,
            body=failure.body,
        )

    def _outcome(self, ended: Ended, taken: Taken, found: Found) -> runs.Outcome:
        """The one outcome of an asked id: what the first reading, the one about it, came to."""
        verdict = taken.reading.verdict
        row, effect = found.get(key_of(taken), (None, "")) if taken.observation else (None, "")
        return runs.Outcome(
            run_id=self.run.run_id,
            asked_id=ended.asked,
            source_id=self._source_id,
            verdict=verdict,
            effect=effect if verdict is Verdict.DOCUMENT else "",
            attempts=ended.attempts,
            requests=ended.requests,
            status=taken.reading.status,
            detail=taken.reading.detail,
            at=ended.received_at,
            observation_id=row,
        )

    def _move(self, outcome: runs.Outcome) -> frontier.Move:
        """When the id is next due: it moves on every path (law 8)."""
        verdict = Verdict(outcome.verdict)
        attempts = plan.next_attempts(verdict, self._attempts.get(outcome.asked_id, 0))
        return frontier.Move(
            gizmo_id=outcome.asked_id,
            at=outcome.at,
            verdict=verdict,
            attempts=attempts,
            due_at=plan.next_due(verdict, attempts, outcome.at),
        )

    def _budget_left(self, conn: Connection) -> int | None:
        per_day = self._source.requests_per_day
        if per_day is None:
            return None
        taken = reserved(conn, self._source_id, day_of(self._clock.now()))
        return max(0, per_day - taken)


def _cached(taken: Sequence[Taken]) -> list[Observation]:
    """The observations that name their own time, as a cache's do."""
    return [x.observation for x in taken if x.observation and x.reading.said_at is not None]


def _fresh(taken: Sequence[Taken], standing: set[tuple[str, str, Micros]]) -> list[Observation]:
    """What is to be observed: a cache that says the same time again says nothing new (rule 2)."""
    fresh = []
    for each in taken:
        if each.observation is None or key_of(each) in standing:
            continue
        if each.reading.said_at is not None:
            standing.add(key_of(each))
        fresh.append(each.observation)
    return fresh


def digest_of(ids: Sequence[str]) -> str:
    """By which runs over the same ids are equal, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def key_of(taken: Taken) -> tuple[str, str, Micros]:
    """By which an observation of a batch is found again."""
    o = taken.observation
    return (o.gizmo_id, o.source, o.observed_at) if o else ("", "", 0)
