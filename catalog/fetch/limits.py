"""How fast and how much a source is asked: pace, share and budget.

Knows no HTTP. Time and waiting are handed in (law 9).
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Protocol

from catalog.errors import BudgetUsedUp, CatalogError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_CATCH_UP = 0.05  # seconds of pace that a late wake-up may make good; sleeps are never exact
_SLOWEST = 1 / 16
_RECOVERY = 1 / 50
_LARGEST_BLOCK = 50
_RENEWED = 1 / 5
"""After so much of its time a share is renewed, or asked for again."""


class Timer(Protocol):
    """Real time, for pace and waiting; what time it *is* says a :class:`~catalog.times.Clock`."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class LoopTimer:
    """The event loop's time."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Pace:
    """A smooth token bucket: hands out moments, evenly spaced. Pure.

    No burst is longer than what a late wake-up missed, a twentieth of a second's worth.

    A source that throttles is slowed as a whole: nothing is sent for a while, then at half the
    rate, which grows back with every good answer.

    Args:
        rate: requests a second, at most.
    """

    def __init__(self, rate: float) -> None:
        self.full_rate = rate
        self.rate = rate
        self.pauses = 0
        self._next = -math.inf
        self._paused_until = -math.inf

    def slot(self, now: float) -> float:
        """Take the next free moment, and say when it is; it may have passed already."""
        interval = 1 / self.rate
        slot = max(self._next, now - max(0.0, _CATCH_UP - interval), self._paused_until)
        self._next = slot + interval
        return slot

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for ``seconds``: moments already handed out are void."""
        if now >= self._paused_until:  # else the answers of one overload would each halve the rate
            self.rate = max(self.full_rate * _SLOWEST, self.rate / 2)
        self._paused_until = max(self._paused_until, now + seconds)
        self._next = -math.inf
        self.pauses += 1

    def change(self, now: float, rate: float) -> None:
        """Go by another full rate from now on: moments already handed out are void.

        Args:
            now: the present moment.
            rate: requests a second, at most; above 0.
        """
        self.rate *= rate / self.full_rate
        self.full_rate = rate
        self._next = now + 1 / self.rate
        self.pauses += 1

    def recover(self) -> None:
        """A good answer came: a little faster again, up to the full rate."""
        self.rate = min(self.full_rate, self.rate + self.full_rate * _RECOVERY)


class Share:
    """What of a source's rate is this asker's, beside others: held for some seconds, and renewed.

    One renewal is under way at a time; while the share holds nobody waits for it.

    Args:
        take: asks the catalog for a share: requests a second, and for how many seconds; None where
            nobody else asks.
        pace: goes by it.
        timer: real time.
        moved: called when the pace has changed.
    """

    def __init__(
        self,
        take: Callable[[], Awaitable[tuple[float, float]]] | None,
        pace: Pace,
        timer: Timer,
        moved: Callable[[], None],
    ) -> None:
        self._take = take
        self._pace = pace
        self._timer = timer
        self._moved = moved
        self._until = -math.inf if take else math.inf
        self._renew_at = -math.inf
        self._failed: CatalogError | None = None
        self._under_way: asyncio.Future[None] | None = None

    def holds(self) -> bool:
        """Whether anything may be sent now."""
        return self._timer.monotonic() < self._until

    async def hold(self) -> None:
        """Wait until something may be sent; have the share renewed where it is time.

        Raises:
            StorageError: the catalog cannot be used.
        """
        while self._take is not None:
            if self._under_way is None and self._timer.monotonic() >= self._renew_at:
                self._under_way = asyncio.ensure_future(self._renew(self._take))
            if self.holds():
                return
            if self._under_way is None:
                await self._timer.sleep(max(0.0, self._renew_at - self._timer.monotonic()))
                continue
            await asyncio.shield(self._under_way)
            if self._failed is not None:
                raise self._failed

    async def close(self) -> None:
        """Wait for a renewal under way: after it nothing more is taken."""
        if self._under_way is not None:
            await asyncio.wait({self._under_way})

    async def _renew(self, take: Callable[[], Awaitable[tuple[float, float]]]) -> None:
        began = self._timer.monotonic()
        try:
            rate, seconds = await take()
        except CatalogError as error:
            # What is held holds on; who needs more is told.
            self._failed = error
            self._renew_at = self._timer.monotonic() + 1
        else:
            self._failed = None
            self._renew_at = began + seconds * _RENEWED
            # Counted from before it was asked for: it ends here before it ends there.
            self._until = began + seconds if rate else -math.inf
            if rate and rate != self._pace.full_rate:
                self._pace.change(self._timer.monotonic(), rate)
                self._moved()
        finally:
            self._under_way = None


class Budget:
    """Requests that may be sent today, reserved in small blocks before sending (rule 19).

    One reservation is under way at a time, and outlives a cancelled question, so that no granted
    request is forgotten.

    Args:
        reserve: asks the catalog for a number of requests and says how many it grants; None where
            there is no budget.
        rate: requests a second; a block is what one second takes.
        words: what the user is told when it is used up.
        today: which UTC day it is: what was granted for one is never spent on another.
    """

    def __init__(
        self,
        reserve: Callable[[int], Awaitable[int]] | None,
        *,
        rate: float,
        words: str,
        today: Callable[[], str],
    ) -> None:
        self.unspent = 0
        self._today = today
        self._day = ""
        self._reserve = reserve
        self._block = max(1, min(_LARGEST_BLOCK, math.ceil(rate)))
        self._words = words
        self._under_way: asyncio.Future[int] | None = None

    async def take(self) -> str:
        """Spend one request.

        Returns:
            The day that it is of.

        Raises:
            BudgetUsedUp: none is granted.
        """
        if self._reserve is None:
            return self._day
        if self.unspent and self._day != self._today():
            self.unspent = 0
        while not self.unspent:
            if self._under_way is None:
                self._under_way = asyncio.ensure_future(self._more(self._reserve))
            granted = await asyncio.shield(self._under_way)
            if not granted and not self.unspent:
                raise BudgetUsedUp(self._words)
        self.unspent -= 1
        return self._day

    def give_back(self, day: str) -> None:
        """Unspend one request that was taken, but not sent.

        Args:
            day: what :meth:`take` returned. One of a day that is over can be spent no more, and is
                no request of the day after.
        """
        if self._reserve is not None and day == self._day:
            self.unspent += 1

    async def close(self) -> None:
        """Wait for a reservation under way, so that :attr:`unspent` is final."""
        if self._under_way is not None:
            await asyncio.wait({self._under_way})

    async def _more(self, reserve: Callable[[int], Awaitable[int]]) -> int:
        try:
            self._day = self._today()
            granted = await reserve(self._block)
            self.unspent += granted
            return granted
        finally:
            self._under_way = None
