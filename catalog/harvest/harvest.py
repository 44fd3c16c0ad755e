"""A run: claim ids, ask a source about them, store what it says, and end each in one outcome.

Asking is asynchronous; everything else happens in one thread beside the loop, a batch at a time,
so that no transaction is open across a network call. A batch is written as soon as the one before
it is, and never holds more than can be written in a fraction of a second: a kill costs at most
half a second of answers (rule 13).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from catalog.dialects import MISSING_FROM_BATCH, Dialect
from catalog.errors import BudgetUsedUp, CatalogError, SourceRefused
from catalog.fetch.client import Fetcher
from catalog.harvest.store import Ended, Store
from catalog.harvest.totals import Harvested, Progress, Stop, Totals
from catalog.records import Answer, Reading, Request, Verdict
from catalog.times import Clock

GATHER = 0.05
"""Seconds in which answers gather before they are written together."""
WRITE_TARGET = 0.2
"""Seconds that writing a batch may take: with :data:`GATHER` well below half a second."""
CONTESTED_PAUSE = 0.5
"""Seconds before ids are tried again that another process holds."""


class HarvestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a run goes on and what it tells.

    Attributes:
        report: called with the progress whenever it moved.
        sleep: waits; handed in for tests.
        monotonic: seconds, for the pace of writing alone.
    """

    report: Callable[[Progress], None] = lambda _: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic


class Harvest:
    """One process's part in a run.

    Args:
        store: the run's side of the catalog.
        dialect: how the source is asked.
        fetcher: asks it; already entered.
        clock: says when.
        options: see :class:`HarvestOptions`.
    """

    def __init__(
        self,
        store: Store,
        dialect: Dialect,
        fetcher: Fetcher,
        clock: Clock,
        options: HarvestOptions | None = None,
    ) -> None:
        self._store = store
        self._dialect = dialect
        self._fetcher = fetcher
        self._clock = clock
        self._options = options or HarvestOptions()
        self._ended: asyncio.Queue[Ended] = asyncio.Queue()
        self._verdicts: Counter[Verdict] = Counter()
        self._effects: Counter[str] = Counter()
        self._requests = 0
        self._stopping: Stop | None = None
        self._totals: Totals | None = None
        # An answer that is not written yet is money at risk: no more of them than this.
        self._unwritten = asyncio.Semaphore(
            max(64, 2 * store.concurrency) * max(1, dialect.batch_size)
        )

    def stop(self, why: Stop) -> None:
        """Ask nothing more; what is in flight ends and is stored."""
        if self._stopping is None:
            self._stopping = why
            # Questions that wait to be repeated end with what they have.
            self._fetcher.stop(why.words)
            self._report()

    def _goes_on(self) -> bool:
        return self._stopping is None

    @property
    def ended(self) -> Harvested | None:
        """How the run ended, also where :meth:`run` was cancelled; None before that."""
        return Harvested(totals=self._totals, stop=self._stopping) if self._totals else None

    async def run(self, ids: Sequence[str]) -> None:
        """Harvest ``ids``, or what an earlier process left of them.

        Cancelled, it leaves what is in flight, stores what was answered, and counts the run.

        Raises:
            StorageError: the catalog cannot be used.
        """
        began = self._options.monotonic()
        todo = await self._store.call(self._store.begin, ids)
        self._report()
        try:
            await self._ask_all(todo)
        finally:
            words = self._stopping.words if self._stopping else None
            self._totals = await self._store.call(self._store.finish, words)
            self._totals.seconds = self._options.monotonic() - began

    async def _ask_all(self, todo: Sequence[str]) -> None:
        """Feed the workers, and write what they bring until all is written."""
        width = self._store.concurrency
        queue: asyncio.Queue[tuple[str, ...] | None] = asyncio.Queue(maxsize=width)
        try:
            async with asyncio.TaskGroup() as whole:
                writer = whole.create_task(self._write())
                async with asyncio.TaskGroup() as asking:
                    asking.create_task(self._feed(todo, queue, width))
                    for _ in range(width):
                        asking.create_task(self._work(queue))
                await self._ended.join()
                writer.cancel()
        except* CatalogError as group:
            raise _first(group) from None
        finally:
            # What was answered is money spent: it is stored even when the run is cut off.
            await asyncio.shield(self._write_rest())

    async def _feed(
        self, todo: Sequence[str], queue: asyncio.Queue[tuple[str, ...] | None], width: int
    ) -> None:
        """Claim ids a few at a time, so that other processes find some too."""
        size = max(1, self._dialect.batch_size)
        chunk = max(50, width * size * 2)
        waiting = list(todo)
        while waiting and self._goes_on():
            contested: list[str] = []
            for start in range(0, len(waiting), chunk):
                if not self._goes_on():
                    break
                part = waiting[start : start + chunk]
                claimed, held = await self._store.call(self._store.claim, part)
                contested.extend(held)
                for first in range(0, len(claimed), size):
                    await queue.put(tuple(claimed[first : first + size]))
            waiting = contested
            if waiting and self._goes_on():
                await self._options.sleep(CONTESTED_PAUSE)
        for _ in range(width):
            await queue.put(None)

    async def _work(self, queue: asyncio.Queue[tuple[str, ...] | None]) -> None:
        """Ask about one batch of ids after the other."""
        while (ids := await queue.get()) is not None:
            if self._goes_on():
                try:
                    await self._ask(ids)
                except SourceRefused as error:
                    self.stop(Stop("refused", str(error)))
                except BudgetUsedUp as error:
                    self.stop(Stop("budget", str(error)))

    async def _ask(self, ids: tuple[str, ...]) -> None:
        for _ in ids:
            await self._unwritten.acquire()
        given = 0
        try:
            singly: list[str] = []
            request = self._dialect.details(ids)
            reader = _Reader(self._dialect, self._store, request)
            asked = await self._fetcher.ask(request, reader)
            self._requests += asked.requests
            received_at = asked.answer.received_at if asked.answer else self._clock.now()
            share, rest = divmod(asked.requests, len(ids))
            for position, asked_id in enumerate(ids):
                mine = [r for r in asked.readings if r.asked == asked_id]
                if len(ids) > 1 and mine and mine[0].detail == MISSING_FROM_BATCH:
                    singly.append(asked_id)
                    continue
                others = [r for r in asked.readings if not r.asked] if position == 0 else []
                self._end(
                    Ended(
                        asked=asked_id,
                        readings=(*mine, *others),
                        attempts=asked.attempts,
                        requests=share + (1 if position < rest else 0),
                        received_at=received_at,
                        redacted=reader.redacted,
                    )
                )
                given += 1
        finally:
            for _ in range(len(ids) - given):
                self._unwritten.release()
        for asked_id in singly:
            await self._ask((asked_id,))

    def _end(self, ended: Ended) -> None:
        self._ended.put_nowait(ended)

    async def _write(self) -> None:
        """Write batch after batch; each as large as the last one's pace allows."""
        size = 16
        while True:
            batch = [await self._ended.get()]
            await self._options.sleep(GATHER)
            while len(batch) < size and not self._ended.empty():
                batch.append(self._ended.get_nowait())
            began = self._options.monotonic()
            await asyncio.shield(self._store_batch(batch))
            spent = self._options.monotonic() - began
            fitting = int(len(batch) * WRITE_TARGET / max(spent, 1e-3))
            size = max(8, min(fitting, 2 * size, 1000))

    async def _write_rest(self) -> None:
        """What came in while the run was being ended is stored too."""
        batch = []
        while not self._ended.empty():
            batch.append(self._ended.get_nowait())
        if batch:
            await self._store_batch(batch)

    async def _store_batch(self, batch: list[Ended]) -> None:
        outcomes = await self._store.call(self._store.write, batch)
        for verdict, effect in outcomes:
            self._verdicts[verdict] += 1
            if effect:
                self._effects[effect] += 1
        for _ in batch:
            self._unwritten.release()
            self._ended.task_done()
        self._report()

    def _report(self) -> None:
        self._options.report(
            Progress(
                source=self._store.source_name,
                requested=self._store.requested,
                resumed=self._store.resumed,
                verdicts=dict(self._verdicts),
                effects=dict(self._effects),
                requests=self._requests,
                budget_left=self._store.budget_left,
                stopping=self._stopping,
            )
        )


class _Reader:
    """Reads the answers to one question, their secrets replaced before anything else sees them."""

    def __init__(self, dialect: Dialect, store: Store, request: Request) -> None:
        self._dialect = dialect
        self._store = store
        self._asked = request.asked
        self.redacted = False

    def __call__(self, answer: Answer) -> Sequence[Reading]:
        """What ``answer`` says."""
        body, self.redacted = self._store.redactor.bytes(answer.body)
        return self._dialect.read(msgspec.structs.replace(answer, body=body), self._asked)


def _first(group: BaseExceptionGroup[CatalogError]) -> CatalogError:
    """The first error of a group: the others follow from it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, CatalogError):
        raise TypeError("a group of other errors") from error
    return error
