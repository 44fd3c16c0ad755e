"""A process in the foreground: it ends on SIGTERM and SIGINT, in good order and within a time."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Generic, TypeVar

_T = TypeVar("_T")
_MOVED = "moved"


class Signals:
    """SIGTERM and SIGINT, as words that the main thread waits for.

    A handler runs between any two steps of the main thread, which may hold the lock of an event or
    a condition just then: a SimpleQueue alone may be put to from there.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch the signals inside; must be the main thread."""
        before = {
            number: signal.signal(number, self._handle)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def moved(self) -> None:
        """Wake the main thread up: something may be over. From any thread."""
        self._queue.put(_MOVED)

    def wait(self, seconds: float | None, is_over: Callable[[], bool]) -> str | None:
        """Wait for a signal.

        Args:
            seconds: for so long at most; None: without end.
            is_over: whether there is nothing to wait for any more; asked again whenever
                :meth:`moved` is called.

        Returns:
            The signal's name; None where the time is up, or it is over.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while not is_over():
            left = None if until is None else max(0.0, until - time.monotonic())
            try:
                word = self._queue.get(timeout=left)
            except queue.Empty:
                return None
            if word != _MOVED:
                return word
        return None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._queue.put(signal.Signals(number).name)


class Stoppable(Generic[_T]):
    """Work in a thread of its own, while the main thread waits for it and for signals.

    Args:
        work: the work.
        signals: already caught.

    Attributes:
        result: what it gave back; None: it is not over.
    """

    def __init__(self, work: Callable[[], _T], signals: Signals) -> None:
        self._work = work
        self._signals = signals
        self._error: BaseException | None = None
        self._over = threading.Event()
        self.result: _T | None = None

    def run(self, stop: Callable[[str], None], within: float) -> _T | None:
        """Do the work.

        Args:
            stop: called with the name of the first signal; tells the work to end.
            within: seconds that it then has; a second signal ends the waiting at once.

        Returns:
            What it gave back; None where it went on too long after it was told to end.
        """
        # A daemon, so that the process can end without it.
        threading.Thread(target=self._do, name="job", daemon=True).start()
        word = self._signals.wait(None, self._over.is_set)
        if word is not None:
            stop(word)
            self._signals.wait(within, self._over.is_set)
        if self._error is not None:
            raise self._error
        return self.result

    def _do(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001  (raised again in the main thread)
            self._error = error
        finally:
            self._over.set()
            self._signals.moved()
