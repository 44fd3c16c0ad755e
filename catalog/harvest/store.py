"""A run's side of the catalog: what is asked, what was answered, and how each id ended."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from catalog.harvest.closing import end_run, end_stale_run
from catalog.harvest.desk import Desk
from catalog.harvest.planning import Planned, Planner, Visited
from catalog.harvest.totals import Stop, Totals
from catalog.intake import Redacts, Taken, take
from catalog.records import Deriver, Observation, Reading, Verdict
from catalog.settings import SourceSettings
from catalog.storage import engine as engines
from catalog.storage import failures, frontier, runs
from catalog.storage.locks import share_derivation
from catalog.storage.observe import FORGOTTEN, observe, standing
from catalog.storage.owners import is_alive, is_at_work_here
from catalog.storage.stage2 import Settled, settle
from catalog.storage.tombstones import FORGOTTEN as FORGOTTEN_WORDS
from catalog.storage.tombstones import forgotten_among, graves_of
from catalog.times import MINUTE, Clock, Micros

if TYPE_CHECKING:
    from catalog.storage.engine import Connection, Engine
    from catalog.storage.tombstones import Graves

LEASE: Micros = 2 * MINUTE
"""How long a claim holds without being renewed."""

Found = dict[tuple[str, str, Micros], tuple[int, str]]
"""The row and the effect of each observation of a batch."""

EFFECTS = ("", "unchanged", "changed", "new")
"""What documents do, the least first."""


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


class Store(Desk):
    """What one process's part in a run needs of the catalog.

    Args:
        engine: opened for durable writing.
        source: which source is asked.
        key: what is run, as runs are compared by (rule 13).
        deriver: the rules of derivation.
        redactor: replaces configured secrets.
        clock: says when.
        rng: for the run's id, and for the pause before a transaction is tried again.
        planner: says when ids are due next; the plain pauses where none is given.
        listed_at: when the ids of a run over what is due were listed; None: they were asked since.
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
        planner: Planner | None = None,
        listed_at: Micros | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(engine, source, clock, rng, sleep=sleep)
        self._key = key
        self._deriver = deriver
        self.redactor = redactor
        self._planner = planner or Planner(None, rng)
        self._listed_at = listed_at
        self._before: dict[str, tuple[Micros, Micros | None]] = {}
        self._claimed: dict[str, frontier.Claimed] = {}
        self._held_until: dict[str, Micros] = {}
        self._again: set[str] = set()
        self.settled: Settled | None = None
        self.unfinished = True
        self._ids: frozenset[str] = frozenset()
        self.resumed = 0
        self.forgotten = 0

    @property
    def requested(self) -> int:
        """How many ids the run has, as far as this process knows."""
        return len(self._ids)

    @property
    def concurrency(self) -> int:
        """How many requests may be under way."""
        return self._source.max_concurrency

    def begin(self, ids: Sequence[str]) -> list[str]:
        """Open the run, or join or resume the equal unfinished one.

        Returns:
            The ids about which nothing is known in it yet, in the order given: those that failed
            are asked again. Those that the catalog was told to forget are no part of it.
        """
        now = self._clock.now()
        with engines.write(self._engine) as conn:
            share_derivation(conn)
            self.add_source(conn)
            gone = forgotten_among(conn, ids)
            self.forgotten = len(gone)
            ids = [gizmo_id for gizmo_id in ids if gizmo_id not in gone]
            frontier.reap(conn, is_alive)
            if self._key.ids_digest:
                # What is due is known already.
                frontier.add_ids(conn, ids, now)
            else:
                self._before = frontier.asked_before(conn, ids)
                ids = [gizmo_id for gizmo_id in ids if not self._was_visited(gizmo_id, now)]
            # A transaction below may be tried again: the run is opened once.
            opened = self._run or self._opened(conn, ids, now)
            ended = runs.done_ids(conn, opened.run_id)
            done = runs.known_ids(conn, opened.run_id)
            # What was due when the run began and has ended since is part of it too.
            self._ids = frozenset(ended.union(ids))
            self._again = (ended - done).intersection(ids)
            self._count(conn, opened.run_id, self.requested)
            self.budget_left = self._budget_left(conn)
        self.work_on(opened)
        with engines.read(self._engine) as conn:
            stale = [
                run
                for run in runs.stale_runs(conn, now)
                # One that was cut off and never taken up again would leave its not-founds without
                # a verdict.
                if not self._is_worked_on(run, is_at_work_here)
            ]
        for run in stale:
            with engines.write(self._engine) as conn:
                end_stale_run(conn, self._deriver, run, now=now)
        if stale:
            self._settle()
        self.resumed = len(done)
        return [gizmo_id for gizmo_id in ids if gizmo_id not in done]

    def _was_visited(self, gizmo_id: str, now: Micros) -> bool:
        """Whether another process has asked an id between the listing of what is due and now."""
        due_at, asked_at = self._before.get(gizmo_id, (now, None))
        if self._listed_at is None or asked_at is None:
            return False
        return due_at > now and asked_at >= self._listed_at

    def _opened(self, conn: Connection, ids: Sequence[str], now: Micros) -> runs.Run:
        """The run to go on with, or a new one (rule 13)."""
        known = runs.unfinished_run(conn, self._key, now)
        if known is not None and not self._key.ids_digest:
            # What is due is nobody else's: a process that is still at work has a run of its own.
            if self._is_worked_on(known, is_alive):
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

    def _count(self, conn: Connection, run_id: str, requested: int) -> runs.Run:
        """Count the run's outcomes into its totals."""
        return runs.update_totals(
            conn,
            run_id,
            requested=requested,
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
            ended = runs.done_ids(conn, self.run.run_id, among=ids)
            done = ended - self._again
            # One that was to be forgotten since has no place in the frontier any more.
            others = set(ids).difference(c.gizmo_id for c in claimed)
            done |= others.difference(frontier.asked_before(conn, sorted(others)))
            # What is due is nobody's own: it is visited once, by whoever comes first.
            visited = {c.gizmo_id for c in claimed if self._was_asked_since(c, now)} - done
            done |= visited
            frontier.drop(conn, self._owner, [c.gizmo_id for c in claimed if c.gizmo_id in done])
        # One that failed in this run before is still part of it.
        self._ids -= visited - ended
        self._again -= visited
        self._claimed.update({c.gizmo_id: c for c in claimed})
        self._held_until.update({c.gizmo_id: now + LEASE for c in claimed})
        mine = [c.gizmo_id for c in claimed if c.gizmo_id not in done]
        taken = done.union(mine)
        return mine, [gizmo_id for gizmo_id in ids if gizmo_id not in taken]

    def _was_asked_since(self, claimed: frontier.Claimed, now: Micros) -> bool:
        """Whether another process has asked an id since this run began."""
        if claimed.gizmo_id not in self._before:
            return False
        due_at, asked_at = self._before[claimed.gizmo_id]
        return claimed.last_asked_at != asked_at or claimed.due_at > max(now, due_at)

    def holds(self, ids: Sequence[str]) -> bool:
        """Whether claimed ids are this process's own: it may have slept past their leases."""
        return self._clock.now() < min(self._held_until.get(each, 0) for each in ids)

    def renew(self) -> None:
        """Hold on to what is claimed, but for what others have taken since its lease ended."""
        until = self._clock.now() + LEASE
        with engines.write(self._engine) as conn:
            held = frontier.renew(conn, self._owner, until)
        self._held_until = dict.fromkeys(held.intersection(self._claimed), until)

    def let_go(self, ids: Sequence[str]) -> None:
        """Give ids back that were not asked, as their leases had ended; the others are renewed."""
        with engines.write(self._engine) as conn:
            frontier.drop(conn, self._owner, ids)
        for each in ids:
            self._claimed.pop(each, None)
        self.renew()

    def write(self, batch: Sequence[Ended]) -> list[tuple[Verdict, str]]:
        """Archive and derive what a batch of ids brought, and end each in its outcome.

        Of whom the catalog was told to forget meanwhile nothing is kept, not even that it was
        asked for: forgetting is the exception to law 8, too.

        Returns:
            The verdict and the effect of each.
        """
        taken = [self._take(ended) for ended in batch]
        flat = [one for each in taken for one in each]
        with engines.write(self._engine) as conn:
            # Whoever forgets waits for those who have asked the tombstones and not written yet.
            share_derivation(conn)
            graves = graves_of(conn)
            found: Found = {
                key: (row, "unchanged") for key, row in standing(conn, _cached(flat)).items()
            }
            fresh = _fresh(flat, set(found))
            observed = observe(conn, self._deriver, fresh)
            for o, row, effect in zip(
                fresh, observed.observation_ids, observed.effects, strict=True
            ):
                key = (o.gizmo_id, o.source, o.observed_at)
                if effect == FORGOTTEN:
                    continue
                if EFFECTS.index(effect) >= EFFECTS.index(found.get(key, (0, ""))[1]):
                    found[key] = (row, effect)
            failures.add_failures(conn, [self.failure(x) for x in flat if x.failure])
            outcomes = [
                self._outcome(ended, each[0], found, graves)
                for ended, each in zip(batch, taken, strict=True)
            ]
            kept = [
                (outcome, each[0])
                for outcome, each in zip(outcomes, taken, strict=True)
                if outcome.verdict != Verdict.FORGOTTEN
            ]
            runs.add_outcomes(conn, [outcome for outcome, _ in kept])
            visits = [self._visited(outcome, each) for outcome, each in kept]
            planned = self._planner.after(conn, visits, self._claimed)
            moves = [_move(outcome, planned[outcome.asked_id]) for outcome, _ in kept]
            frontier.release(conn, self._owner, moves)
            gone = [x.asked_id for x in outcomes if x.verdict == Verdict.FORGOTTEN]
            runs.remove_outcomes(conn, self.run.run_id, gone)
            frontier.remove(conn, gone)
            # Of a run that is killed it is known what it cost. Other processes of it wait for this
            # row, so it comes last.
            self.count(conn, **runs.added([outcome for outcome, _ in kept], self._again))
        for ended in batch:
            self._claimed.pop(ended.asked, None)
            self._held_until.pop(ended.asked, None)
        self._again.difference_update(ended.asked for ended in batch)
        return [(Verdict(outcome.verdict), outcome.effect) for outcome in outcomes]

    def finish(self, stop: Stop | None) -> Totals:
        """Give back what was not asked, and end the run if nothing of it is left.

        A run that its source ended is not over: what failed in it is asked again when the same
        command is given once more.

        Args:
            stop: why no further id was asked, if so.
        """
        refused = stop is not None and stop.kind == "refused"
        with engines.write(self._engine) as conn:
            frontier.drop(conn, self._owner)
            gone = self._forgotten_since(conn)
            run = self._count(conn, self.run.run_id, len(self._ids - gone))
            self.unfinished = bool(run.left or self._again or (refused and run.failed))
            if stop is not None and self.unfinished:
                status = "failed" if refused else "stopped"
                runs.pause_run(conn, run.run_id, status=status, reason=stop.words)
        self._ids -= gone
        self.forgotten += len(gone)
        if not self.unfinished:
            # Apart: who writes what this locks waits for the row of the run, which is locked above.
            with engines.write(self._engine) as conn:
                end_run(conn, self._deriver, run, now=self._clock.now(), status="finished")
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

    def _forgotten_since(self, conn: Connection) -> set[str]:
        """The ids of the run whom the catalog was told to forget since it began.

        They have no outcome and no place in the frontier: they are part of no run any more.
        """
        if graves_of(conn) is None:
            return set()
        open_ids = self._ids - runs.done_ids(conn, self.run.run_id)
        return set(open_ids.difference(frontier.asked_before(conn, sorted(open_ids))))

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

    def _outcome(
        self, ended: Ended, taken: Taken, found: Found, graves: Graves | None
    ) -> runs.Outcome:
        """The one outcome of an asked id: what the first reading, the one about it, came to."""
        verdict = taken.reading.verdict
        row, effect = found.get(key_of(taken), (None, "")) if taken.observation else (None, "")
        detail = taken.reading.detail
        if taken.observation is not None and row is None:
            detail = FORGOTTEN_WORDS
            # That another GPT's document came in its stead stays said.
            verdict = verdict if verdict is Verdict.MISMATCHED else Verdict.FORGOTTEN
        if graves is not None:
            if graves.of("gpt", [ended.asked]):
                verdict = Verdict.FORGOTTEN
            if graves.named_in(detail.encode(errors="replace")):
                detail = FORGOTTEN_WORDS
        return runs.Outcome(
            run_id=self.run.run_id,
            asked_id=ended.asked,
            source_id=self.source_id,
            verdict=verdict,
            effect=effect if verdict is Verdict.DOCUMENT else "",
            attempts=ended.attempts,
            requests=ended.requests,
            status=taken.reading.status,
            detail=detail,
            at=ended.received_at,
            observation_id=row,
        )

    def _visited(self, outcome: runs.Outcome, taken: Taken) -> Visited:
        """How an id ended, for the planner."""
        before = self._claimed.get(outcome.asked_id)
        observation = taken.observation
        return Visited(
            gizmo_id=outcome.asked_id,
            at=outcome.at,
            verdict=Verdict(outcome.verdict),
            said_at=taken.reading.said_at if observation is None else observation.observed_at,
            # One that was missing and is there again has changed its status.
            may_have_changed=outcome.effect == "changed" or bool(before and before.misses),
            pause=taken.reading.retry_after or 0.0,
        )


def _move(outcome: runs.Outcome, planned: Planned) -> frontier.Move:
    """When the id is next due: it moves on every path (law 8)."""
    return frontier.Move(
        gizmo_id=outcome.asked_id,
        at=outcome.at,
        verdict=outcome.verdict,
        attempts=planned.attempts,
        due_at=planned.due_at,
        learned=planned.learned,
    )


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
