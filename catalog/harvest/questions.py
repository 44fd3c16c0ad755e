"""Many questions to one source, each put once: what searches and probes have in common.

An answer costs money. Whatever ends a round early, a user, a budget, the source or an error of the
catalog: what is in flight by then ends, and what came is stored; nothing further is asked.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec

from catalog.errors import BudgetUsedUp, CatalogError, SourceRefused
from catalog.fetch.client import Fetcher
from catalog.harvest.desk import surely
from catalog.harvest.totals import Stop
from catalog.times import Stopwatch

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from catalog.harvest.desk import Desk
    from catalog.settings import SourceSettings
    from catalog.storage import runs
    from catalog.times import Clock

CUT_OFF = "cut off"


class Tally(msgspec.Struct, kw_only=True):
    """What every round of questions comes to.

    Attributes:
        run: the run's id.
        left: questions that were not put.
        requests: HTTP requests sent.
        seconds: how long it took, by the machine's own count.
        stop: why it stopped early, if it did.
    """

    run: str = ""
    left: int = 0
    requests: int = 0
    seconds: float = 0.0
    stop: Stop | None = None


class Questions(ABC):
    """Questions under way.

    Args:
        desk: the catalog's side of the run.
        source: whom to ask, and within which limits.
        things: what each question is about.
        key: the source's key, if it has one.
        clock: says when.
        rng: jitter.
    """

    def __init__(
        self,
        desk: Desk,
        source: SourceSettings,
        things: Sequence[str],
        *,
        key: str | None,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._desk = desk
        self._source = source
        self._things = things
        self._key = key
        self._clock = clock
        self._rng = rng
        self._fetcher: Fetcher | None = None
        self._ended = 0
        self._stop: Stop | None = None
        self._error: CatalogError | None = None

    def stop(self, why: Stop) -> None:
        """Ask nothing more; what is in flight ends and is stored."""
        self._stop = self._stop or why
        if self._fetcher is not None and why.kind == "asked":
            # When a budget is used up, those that hold a request of it still ask.
            self._fetcher.stop(why.words)

    @abstractmethod
    def _open(self) -> runs.Run:
        """Begin the run; in the desk's thread, and again where its transaction is."""

    @abstractmethod
    async def _put(self, fetcher: Fetcher, thing: str) -> None:
        """Put one question, store what came, and count it.

        Raises:
            SourceRefused, BudgetUsedUp: it was not put.
            CatalogError: what came cannot be stored.
        """

    def _close(self) -> None:
        """End the run; in the desk's thread."""
        if self._error is not None:
            self._desk.close_run("failed", str(self._error))
        elif self._stop is not None:
            how = "failed" if self._stop.kind == "refused" else "stopped"
            self._desk.close_run(how, self._stop.words)
        else:
            self._desk.close_run("finished", None)

    async def _put_each(self, tally: Tally) -> None:
        """Put every question once, and fill in how that went.

        Raises:
            CatalogError: the first error; what came beside it is stored.
        """
        watch = Stopwatch()
        try:
            tally.run = (await self._desk.call(self._open)).run_id
            async with Fetcher(
                self._source,
                key=self._key,
                clock=self._clock,
                rng=self._rng,
                reserve=lambda wanted: self._desk.call(self._desk.reserve, wanted),
                budget_words=self._desk.budget_words,
                share=lambda: self._desk.call(self._desk.share),
            ) as fetcher:
                self._fetcher = fetcher
                try:
                    await self._work(fetcher)
                except BaseException:
                    self.stop(Stop("asked", CUT_OFF))
                    raise
                finally:
                    await surely(self._finish(fetcher, tally))
        finally:
            self._desk.close()
        tally.seconds = watch.seconds
        if self._error is not None:
            raise self._error

    async def _work(self, fetcher: Fetcher) -> None:
        waiting = iter(self._things)

        async def work() -> None:
            for thing in waiting:
                if not self._goes_on():
                    return
                try:
                    await self._put(fetcher, thing)
                except SourceRefused as error:
                    self.stop(Stop("refused", str(error)))
                except BudgetUsedUp as error:
                    self.stop(Stop("budget", str(error)))
                except CatalogError as error:
                    self._error = self._error or error
                    fetcher.stop(str(error))
                else:
                    self._ended += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._source.max_concurrency, len(self._things))):
                group.create_task(work())

    def _goes_on(self) -> bool:
        task = asyncio.current_task()
        cut_off = task is not None and task.cancelling()
        return self._stop is None and self._error is None and not cut_off

    async def _finish(self, fetcher: Fetcher, tally: Tally) -> None:
        """Give back what was not sent, and end the run, however it ended."""
        if self._stop is None and self._error is None and fetcher.stopped:
            # The last question found the source closed: there was nothing left to stop.
            self._stop = Stop("refused", fetcher.stopped)
        await fetcher.close()
        tally.requests = fetcher.requests
        tally.left = len(self._things) - self._ended
        tally.stop = self._stop
        try:
            await self._desk.call(self._desk.give_back, fetcher.unspent)
            await self._desk.call(self._close)
        except CatalogError as error:
            self._error = self._error or error
