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
from catalog.fetch.client import Asked, Fetcher, Withdrawn
from catalog.harvest.desk import surely
from catalog.harvest.store import LEASE, Ended, Store
from catalog.harvest.totals import Harvested, Progress, Stop, Totals
from catalog.records import Answer, Reading, Request, Verdict
from catalog.times import SECOND, Clock, Micros

GATHER = 0.05
"""Seconds in which answers gather before they are written together."""
WRITE_TARGET = 0.2
"""Seconds that writing a batch may take: with :data:`GATHER` well below half a second."""
RENEW = LEASE / SECOND / 4
"""Seconds after which claims are renewed."""
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
        self._pending: list[Ended] = []
        self._lost: list[str] = []
        self._come = asyncio.Event()
        self._all_asked = False
        self._writing: asyncio.Future[None] | None = None
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
            if why.kind == "asked":
                # Questions that wait to be repeated end with what they have. When the budget is
                # used up, those that hold a request of it still ask.
                self._fetcher.stop(why.words)
            self._report()

    def _goes_on(self) -> bool:
        return self._stopping is None

    @property
    def ended(self) -> Harvested | None:
        """How the run ended, also where :meth:`run` was cancelled; None before that."""
        if self._totals is None:
            return None
        return Harvested(
            totals=self._totals,
            brought={
                "documents": self._verdicts[Verdict.DOCUMENT],
                **{effect: self._effects[effect] for effect in ("new", "changed", "unchanged")},
                "not_found": self._verdicts[Verdict.NOT_FOUND],
                "mismatched": self._verdicts[Verdict.MISMATCHED],
                "requests": self._requests,
            },
            stop=self._stopping,
            resumed=self._store.resumed,
            unfinished=self._store.unfinished,
            settled=self._store.settled,
            forgotten=self._store.forgotten,
        )

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
            await surely(self._finish(began))

    async def _finish(self, began: float) -> None:
        if self._stopping is None and self._fetcher.stopped:
            # The last question found the source closed: there was nothing left to stop.
            self._stopping = Stop("refused", self._fetcher.stopped)
        self._totals = await self._store.call(self._store.finish, self._stopping)
        self._totals.seconds = self._options.monotonic() - began

    async def _ask_all(self, todo: Sequence[str]) -> None:
        """Feed the workers, and write what they bring until all is written."""
        width = self._store.concurrency
        queue: asyncio.Queue[tuple[str, ...] | None] = asyncio.Queue(maxsize=width)
        try:
            async with asyncio.TaskGroup() as whole:
                renewing = whole.create_task(self._renew())
                writing = whole.create_task(self._write())
                while todo:
                    async with asyncio.TaskGroup() as asking:
                        asking.create_task(self._feed(todo, queue, width))
                        for _ in range(width):
                            asking.create_task(self._work(queue))
                    todo = await self._lost_to_others() if self._goes_on() else ()
                self._all_asked = True
                self._come.set()
                await writing
                renewing.cancel()
        except* CatalogError as group:
            raise _first(group) from None
        finally:
            # What was answered is money spent: it is stored even when the run is cut off.
            await surely(self._write_rest())

    async def _renew(self) -> None:
        """Hold on to what is claimed, however long a source makes us wait."""
        while True:
            await self._options.sleep(RENEW)
            await self._store.call(self._store.renew)

    async def _lost_to_others(self) -> list[str]:
        """Ids that were claimed and not asked before the leases ended: to be claimed again."""
        lost, self._lost = self._lost, []
        if lost:
            await self._store.call(self._store.let_go, lost)
        return lost

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
            # Who waits for others must not hold what these wait for.
            waiting = contested + await self._lost_to_others()
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
                except Withdrawn:
                    self._lost.extend(ids)
                except SourceRefused as error:
                    self.stop(Stop("refused", str(error)))
                except BudgetUsedUp as error:
                    self.stop(Stop("budget", str(error)))

    async def _ask(self, ids: tuple[str, ...], before: Carried | None = None) -> None:
        """Ask about some ids at once, and singly about those that the answer left out.

        Args:
            ids: at most a batch.
            before: what an answer to several brought that no id of it could be given.
        """
        for _ in ids:
            await self._unwritten.acquire()
        ended: list[str] = []
        try:
            request = self._dialect.details(ids)
            reader = _Reader(self._dialect, self._store, request)
            asked = await self._fetcher.ask(request, reader, still=lambda: self._store.holds(ids))
            self._requests += asked.requests
            told = {r.asked: r for r in asked.readings if r.asked}
            missing = [
                each
                for each in ids
                if len(ids) > 1 and each in told and told[each].detail == MISSING_FROM_BATCH
            ]
            carried = _carried(asked, before, [told[each] for each in missing], reader)
            ended = [each for each in ids if each not in missing]
            received_at = asked.answer.received_at if asked.answer else self._clock.now()
            for place, each in enumerate(ended):
                share, rest = divmod(carried.requests, len(ended))
                self._end(
                    Ended(
                        asked=each,
                        readings=(told[each], *(carried.readings if place == 0 else ())),
                        attempts=asked.attempts,
                        requests=share + (1 if place < rest else 0),
                        received_at=received_at,
                        redacted=carried.redacted,
                    )
                )
        finally:
            for _ in range(len(ids) - len(ended)):
                self._unwritten.release()
        left = None if ended else carried
        for each in missing:
            try:
                await self._ask((each,), left)
            except Withdrawn:
                if left is None:
                    self._lost.append(each)
                else:
                    await self._give_up(told[each], left, asked.attempts, received_at)
            except (SourceRefused, BudgetUsedUp):
                if left is not None:
                    await self._give_up(told[each], left, asked.attempts, received_at)
                raise
            left = None

    async def _give_up(
        self, reading: Reading, carried: Carried, attempts: int, received_at: Micros
    ) -> None:
        """End an id that can be asked no more with what came in its stead: it was paid for."""
        await self._unwritten.acquire()
        self._end(
            Ended(
                asked=reading.asked,
                readings=(reading, *carried.readings),
                attempts=attempts,
                requests=carried.requests,
                received_at=received_at,
                redacted=carried.redacted,
            )
        )

    def _end(self, ended: Ended) -> None:
        self._pending.append(ended)
        self._come.set()

    async def _write(self) -> None:
        """Write batch after batch; each as large as the last one's pace allows."""
        size = 16
        while True:
            if not self._pending:
                if self._all_asked:
                    return
                self._come.clear()
                await self._come.wait()
                continue
            if not self._all_asked and len(self._pending) < size:
                await self._options.sleep(GATHER)
            batch = self._pending[:size]
            began = self._options.monotonic()
            self._writing = asyncio.ensure_future(self._store_batch(batch))
            await asyncio.shield(self._writing)
            spent = self._options.monotonic() - began
            fitting = int(len(batch) * WRITE_TARGET / max(spent, 1e-3))
            size = max(8, min(fitting, 2 * size, 1000))

    async def _write_rest(self) -> None:
        """What was not written when the run was cut off, by a user or by an error, is written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        if self._pending:
            await self._store_batch(list(self._pending))

    async def _store_batch(self, batch: list[Ended]) -> None:
        """Store the first of what is pending; only then is it pending no more."""
        outcomes = await self._store.call(self._store.write, batch)
        del self._pending[: len(batch)]
        for verdict, effect in outcomes:
            self._verdicts[verdict] += 1
            if effect:
                self._effects[effect] += 1
        for _ in batch:
            self._unwritten.release()
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


class Carried(msgspec.Struct, frozen=True):
    """What a question brought beside the documents of its ids.

    Attributes:
        requests: HTTP requests that were sent for it.
        readings: documents that nobody asked for, and answers that are no facts.
        redacted: whether a secret was replaced in an answer.
    """

    requests: int
    readings: tuple[Reading, ...]
    redacted: bool = False


def _carried(
    asked: Asked, before: Carried | None, missing: Sequence[Reading], reader: _Reader
) -> Carried:
    """All that has to go with the first id that ends: nothing said is lost, nothing spent either.

    Args:
        asked: how the question went.
        before: what an earlier question could give to no id.
        missing: the readings of ids that the answer left out; its bytes are kept once.
        reader: what read the answers.
    """
    others = [reading for reading in asked.readings if not reading.asked]
    if missing:
        ids = ",".join(reading.asked for reading in missing)
        others.append(msgspec.structs.replace(missing[0], asked=ids))
    return Carried(
        asked.requests + (before.requests if before else 0),
        (*(before.readings if before else ()), *asked.earlier, *others),
        redacted=reader.redacted or bool(before and before.redacted),
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
        body, found = self._store.redactor.bytes(answer.body)
        self.redacted = self.redacted or found
        return self._dialect.read(msgspec.structs.replace(answer, body=body), self._asked)


def _first(group: BaseExceptionGroup[CatalogError]) -> CatalogError:
    """The first error of a group: the others follow from it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, CatalogError):
        raise TypeError("a group of other errors") from error
    return error
