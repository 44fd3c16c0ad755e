"""The catalog as pages and API read it: on an engine that cannot write, in threads of their own."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from catalog.derive import Derivation
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
        known = self._answers.get(key)
        if known is not None and await self._serves(known):
            self._answers.move_to_end(key)
            return known.found  # type: ignore[no-any-return]  # (the key names what kind it is)
        coming = self._asked.get(key)
        if coming is None:
            coming = asyncio.ensure_future(self._find(key, question))
            self._asked[key] = coming
        if known is not None and self._age() - known.at <= STALE:
            # Nobody may be left to hear that it failed; whoever asks next asks again.
            coming.add_done_callback(lambda done: done.cancelled() or done.exception())
            return known.found  # type: ignore[no-any-return]  # (as above)
        # One caller that goes away takes nothing from the others.
        return await asyncio.shield(coming)

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
