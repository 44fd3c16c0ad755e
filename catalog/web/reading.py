"""The catalog as pages and API read it: on an engine that cannot write, in threads of their own."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from catalog.derive import Derivation
from catalog.errors import CatalogError
from catalog.health.serving import Looks
from catalog.query.reader import Reader
from catalog.times import Stopwatch

if TYPE_CHECKING:
    from catalog.health.looking import Health
    from catalog.times import Micros
    from catalog.web.options import WebOptions

T = TypeVar("T")

THREADS = 8
"""Questions answered at once; fewer than an engine has connections."""
CONSOLES = 3
"""People's own queries in SQL run at once on pages: slow ones must not keep all threads."""
FRESH = 30.0
"""Seconds for which a remembered answer serves as it is."""
STALE = 600.0
"""Seconds for which it serves while a newer one is found: whoever waits sees it a moment old."""
REMEMBERED = 256
"""Answers that are remembered, at most: the ones used last."""


class Asking(NamedTuple, Generic[T]):
    """A question that takes long: what names it, and what is called with the reader."""

    key: Hashable
    question: Callable[[Reader], T]


class Told(NamedTuple, Generic[T]):
    """What is known of an answer by the time a page is shown.

    Attributes:
        found: the answer.
        age: seconds since it was found; None: it is of the catalog as it is.
        is_known: whether there is one; else it is still being found.
    """

    found: T | None
    age: float | None = None
    is_known: bool = True


class _Answer(NamedTuple):
    """What is remembered: when it was found, in which state of the catalog, and what."""

    at: float
    state: str
    found: Any


class Reading:
    """One catalog, read for many callers. Found as ``request.app.state.reading``.

    Args:
        options: they name the catalog.
        age: real seconds since some moment; the default runs from now.

    Attributes:
        options: the same.
        reader: the catalog; may be used from any thread, and blocks the one that uses it.
        looks: whether all is well; remembers a look for a while.

    Raises:
        StorageError: there is no such catalog, or it is of another schema.
    """

    def __init__(self, options: WebOptions, *, age: Callable[[], float] | None = None) -> None:
        settings = options.settings
        self.options = options
        self.reader = Reader.open(
            settings.catalog.url, deriver=Derivation(), sql_url=settings.catalog.reader_url
        )
        self.looks = Looks(settings, options.clock, options.jobs)
        self.consoles = asyncio.Semaphore(CONSOLES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
        watch = Stopwatch()
        self._age = age or (lambda: watch.seconds)
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._asked: dict[Hashable, asyncio.Future[Any]] = {}

    @property
    def now(self) -> Micros:
        """The present moment, by the clock that was handed in."""
        return self.options.clock.now()

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """The answer to a question, found in another thread.

        Args:
            question: is called with the reader.

        Raises:
            CatalogError: whatever the reader raises.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, question, self.reader
        )

    async def remember(self, key: Hashable, question: Callable[[Reader], T]) -> T:
        """The answer to a question that takes long, if somebody asked it a short while ago.

        What counts whole tables takes seconds of a large catalog, and need not be of this moment.
        An answer serves as long as the catalog stays as it was, and for :data:`FRESH` whatever
        happens to it. A later one is given while a newer one is found, but none that is older than
        :data:`STALE`. Those who ask for the same meanwhile wait together.

        Args:
            key: names the question.
            question: is called with the reader.

        Raises:
            CatalogError: whatever the reader raises.
        """
        told = await self._told(Asking(key, question), None)
        return told.found  # type: ignore[return-value]  # (it waited until there was one)

    async def soon(self, asking: Asking[T]) -> Told[T]:
        """What is known of such an answer, within the patience that a page is given.

        An answer of any age will do where no newer one is found in that time: the page says so.

        Args:
            asking: the question.

        Raises:
            CatalogError: whatever the reader raises.
        """
        return await self._told(asking, self.options.patience)

    async def warm(self, questions: Iterable[Asking[Any]]) -> None:
        """Find answers before anybody asks for them, one after the other.

        Args:
            questions: what pages will ask.
        """
        for asking in questions:
            # Whoever asks for it is told what is wrong.
            with suppress(CatalogError):
                await self.remember(*asking)

    async def _told(self, asking: Asking[T], patience: float | None) -> Told[T]:
        key = asking.key
        known = self._answers.get(key)
        if known is not None and await self._serves(known):
            self._answers.move_to_end(key)
            return Told(known.found)
        coming = self._asked.get(key)
        if coming is None:
            coming = asyncio.ensure_future(self._find(*asking))
            self._asked[key] = coming
        if known is None or self._age() - known.at > STALE:
            if patience is None:
                # One caller that goes away takes nothing from the others.
                return Told(await asyncio.shield(coming))
            done, _ = await asyncio.wait({coming}, timeout=patience)
            if done:
                return Told(coming.result())
        # Nobody may be left to hear that it failed; whoever asks next asks again.
        coming.add_done_callback(lambda done: done.cancelled() or done.exception())
        if known is None:
            return Told(None, is_known=False)
        return Told(known.found, age=self._age() - known.at)

    async def _serves(self, known: _Answer) -> bool:
        if self._age() - known.at <= FRESH:
            return True
        return await self.ask(Reader.state) == known.state

    async def _find(self, key: Hashable, question: Callable[[Reader], T]) -> T:
        try:
            # Asked first: an answer may be newer than the state it is kept with, never older.
            state, found = await self.ask(lambda reader: (reader.state(), question(reader)))
            self._answers[key] = _Answer(self._age(), state, found)
            self._answers.move_to_end(key)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
            return found
        finally:
            self._asked.pop(key, None)

    async def health(self) -> Health:
        """Whether all is well, as of some seconds ago at most.

        Raises:
            CatalogError: the catalog cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.looks.now)

    def close(self) -> None:
        """Let go of the catalog, once what is asked is answered."""
        self._threads.shutdown()
        self.reader.close()
