"""What goes on beside a job's work: its lock is renewed, and its time is watched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from catalog.errors import Transient


class Heart:
    """Beats while work goes on, in a thread of its own; used as a context.

    Args:
        beat: renews the lock; False where it belongs to somebody else by now.
        is_over: whether the work's time is up.
        seconds: between beats, in real time.
        stopping: is set where the lock is lost or the time is up.

    Attributes:
        lost: whether the lock was lost.
        late: whether the time was up.
    """

    def __init__(
        self,
        beat: Callable[[], bool],
        is_over: Callable[[], bool],
        seconds: float,
        stopping: threading.Event,
    ) -> None:
        self._beat = beat
        self._is_over = is_over
        self._seconds = seconds
        self._stopping = stopping
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job heartbeat", daemon=True)
        self.lost = False
        self.late = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self.lost = not self._beat()
                self.late = self.late or self._is_over()
            except Exception as error:  # noqa: BLE001  (the work goes on: so does the beating)
                # A catalog that is busy, or a simulator's clock that is away: the lease outlives
                # some beats. What will not mend ends the work, which could not store either.
                if not isinstance(error, Transient):
                    self._stopping.set()
                continue
            if self.lost or self.late:
                self._stopping.set()
            if self.lost:
                return
