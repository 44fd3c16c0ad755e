"""What all that asks sources needs of the catalog: one thread for it, the budget, a run.

All calls go through one thread, a transaction each; none waits for a network.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import msgspec

from catalog.errors import CatalogAway, CatalogBusy
from catalog.storage import engine as engines
from catalog.storage import failures, paces, runs
from catalog.storage.owners import is_alive, this_process
from catalog.storage.sources import BudgetKind, add_source, give_back, reserve, reserved
from catalog.times import SECOND, day_of

if TYPE_CHECKING:
    import random

    from catalog.intake import Taken
    from catalog.settings import SourceSettings
    from catalog.storage.engine import Connection, Engine
    from catalog.times import Clock

BUSY_PAUSES = (0.05, 0.2, 1.0)
"""Seconds before a transaction that lost against another writer is tried again."""

_worked_on: set[str] = set()
"""The runs that this very process works on. Its name alone does not tell: a scheduler lives for
years, and what it left a day ago it has left."""

_places = itertools.count()
"""Numbers the askers of this process."""

P = ParamSpec("P")
T = TypeVar("T")


class AskJob(msgspec.Struct, frozen=True, kw_only=True):
    """What all that asks a source is handed.

    Attributes:
        engine: the catalog, opened for durable writing.
        source: whom to ask.
        key: the source's key, if it has one.
        secrets: what must never be written (law 10).
        clock: says when.
        rng: jitter, and the random part of a run's id.
    """

    engine: Engine
    source: SourceSettings
    key: str | None
    secrets: Sequence[str]
    clock: Clock
    rng: random.Random


class Desk:
    """One process's side of a run that asks one source.

    Args:
        engine: opened for durable writing.
        source: which source is asked.
        clock: says when.
        rng: for the run's id, and for the pause before a transaction is tried again.
        sleep: waits that pause.
    """

    budget: BudgetKind = "requests"

    def __init__(
        self,
        engine: Engine,
        source: SourceSettings,
        clock: Clock,
        rng: random.Random,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._source = source
        self._clock = clock
        self._rng = rng
        self._sleep = sleep
        self._owner = this_process()
        self._asker = paces.Asker(self._owner, next(_places))
        self._shares = False
        self.source_id = 0
        self._run: runs.Run | None = None
        self._day = ""
        self.budget_left: int | None = None
        # One thread: what is written is written in the order in which it came.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")

    @property
    def source_name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def run(self) -> runs.Run:
        """The run under way."""
        if self._run is None:
            raise RuntimeError("no run was begun")
        return self._run

    @property
    def per_day(self) -> int | None:
        """The budget of a day; None for no limit."""
        return self._source.requests_per_day

    @property
    def budget_words(self) -> str | None:
        """What the user is told when it is used up; None: the words for ``requests_per_day``."""
        return None

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do some work with the catalog in the thread of this desk.

        A transaction that lost against another writer, or whose server was restarted, did nothing,
        and is tried again.

        Raises:
            StorageError: the catalog cannot be used.
        """
        loop = asyncio.get_running_loop()
        for pause in BUSY_PAUSES:
            try:
                return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
            except (CatalogBusy, CatalogAway):
                await self._sleep(pause * (1 + self._rng.random()))
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """End the thread, when what it was given is done; the run is worked on here no more."""
        self._thread.shutdown(wait=True)
        if self._run is not None:
            _worked_on.discard(self._run.run_id)

    def work_on(self, run: runs.Run) -> None:
        """Take a run for the one under way, until this is closed."""
        self._run = run
        _worked_on.add(run.run_id)

    def reserve(self, wanted: int) -> int:
        """Take requests from the day's budget before they are sent (rule 19).

        Returns:
            How many may be sent.
        """
        self._day = day_of(self._clock.now())
        with engines.write(self._engine) as conn:
            granted = reserve(conn, self.source_id, self._day, wanted, self.per_day, self.budget)
            self.budget_left = self._budget_left(conn)
        return granted

    def share(self) -> tuple[float, float]:
        """Hold on to a share of the source's rate.

        Returns:
            Requests a second that may be sent, and for how many seconds.
        """
        self._shares = True
        with engines.write(self._engine) as conn:
            paces.lock_source(conn, self.source_id)
            now = paces.machine_time(conn)
            rate = self._source.requests_per_second
            share = paces.take_share(conn, self.source_id, self._asker, rate, now, is_alive)
        return share, paces.LASTS / SECOND

    def give_back(self, unused: int) -> None:
        """Return requests that were reserved and not sent, and the share of the source's rate.

        Args:
            unused: how many requests; they go to the day they were taken from.
        """
        if not unused and not self._shares:
            return
        with engines.write(self._engine) as conn:
            paces.leave(conn, self.source_id, self._asker)
            if unused:
                give_back(conn, self.source_id, self._day, unused, self.budget)
                self.budget_left = self._budget_left(conn)

    def open_run(self, command: str, ids_digest: str = "") -> runs.Run:
        """Begin a run that nothing resumes: what it asks is cheap, or never asked twice alike."""
        now = self._clock.now()
        key = runs.RunKey(command=command, source=self._source.name, ids_digest=ids_digest)
        with engines.write(self._engine) as conn:
            self.add_source(conn)
            # A transaction may be tried again: the run is opened once.
            opened = self._run or runs.open_run(conn, key, now=now, rng=self._rng)
            runs.take_up(conn, opened.run_id, self._owner)
            self.budget_left = self._budget_left(conn)
        self.work_on(opened)
        return opened

    def count(self, conn: Connection, **more: int) -> None:
        """Count something into the run, and price it.

        Args:
            conn: the transaction that writes what is counted: of a run that is cut off, what it
                sent is known.
            more: by column of ``runs``.
        """
        runs.add_totals(conn, self.run.run_id, **more)
        runs.price_run(conn, self.run.run_id, self._source.price_per_request)

    def close_run(self, status: str, reason: str | None) -> None:
        """End that run."""
        with engines.write(self._engine) as conn:
            runs.close_run(
                conn, self.run.run_id, now=self._clock.now(), status=status, reason=reason
            )

    def add_source(self, conn: Connection) -> None:
        """Make the source known, and learn its number."""
        self.source_id = add_source(
            conn, self._source.name, self._source.dialect, self._clock.now()
        )

    def failure(self, taken: Taken) -> failures.Failure:
        """What is kept of an answer that is no fact."""
        failure = taken.failure
        if failure is None:
            raise ValueError("a fact is no failure")
        return failures.Failure(
            run_id=self.run.run_id,
            source_id=self.source_id,
            asked_id=failure.asked,
            verdict=failure.verdict,
            status=failure.status,
            detail=failure.detail,
            at=failure.at,
            redacted=failure.redacted,
            body=failure.body,
        )

    def _is_worked_on(self, run: runs.Run, is_there: Callable[[str], bool]) -> bool:
        """Whether somebody still works on a run.

        Args:
            run: the run.
            is_there: whether another process may be.
        """
        if run.owner == self._owner:
            return run.run_id in _worked_on
        return run.owner is not None and is_there(run.owner)

    def _budget_left(self, conn: Connection) -> int | None:
        if self.per_day is None:
            return None
        taken = reserved(conn, self.source_id, day_of(self._clock.now()), self.budget)
        return max(0, self.per_day - taken)


async def surely(work: Coroutine[Any, Any, T]) -> T:
    """Do ``work`` to its end, however often Ctrl-C is pressed meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
