"""The simulated clock: stands still until it is told, or runs at a multiple of real time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from catalog.errors import UsageError
from catalog.times import SECOND, Micros


class SimulatedClock:
    """A clock that threads may share.

    Args:
        at: what it shows first.
        speed: simulated seconds for each real one; 0 stands still.
        monotonic: real seconds since any moment; only read where ``speed`` is not 0.

    Raises:
        UsageError: ``speed`` is negative.
    """

    def __init__(
        self,
        at: Micros,
        speed: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed < 0:
            raise UsageError(f"a speed of {speed:g} would run backwards; 0 stands still")
        self._lock = Lock()
        self._monotonic = monotonic
        self._speed = speed
        self._shown = at
        self._since = monotonic() if speed else 0.0

    def now(self) -> Micros:
        """The simulated moment."""
        if not self._speed:
            return self._shown
        with self._lock:
            return self._running()

    def set(self, at: Micros) -> None:
        """Show ``at`` from now on."""
        with self._lock:
            self._restart(at)

    def advance(self, by: Micros) -> None:
        """Move on by ``by``."""
        with self._lock:
            self._restart(self._running() + by)

    def _running(self) -> Micros:
        if not self._speed:
            return self._shown
        return self._shown + int((self._monotonic() - self._since) * self._speed * SECOND)

    def _restart(self, at: Micros) -> None:
        self._shown = at
        if self._speed:
            self._since = self._monotonic()
