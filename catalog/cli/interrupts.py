"""Ctrl-C and SIGTERM as an event: the work gives back what it holds, and ends by itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.cli.output import Output

INTERRUPTED = 128 + signal.SIGINT
"""What shells expect of a program that Ctrl-C ended."""


@contextmanager
def interruptible(
    out: Output, promise: str = "what is in flight finishes and is stored"
) -> Iterator[threading.Event]:
    """An event that the first Ctrl-C, or SIGTERM, sets; the second Ctrl-C ends at once.

    Args:
        out: where it is said.
        promise: what happens to what is under way.
    """
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set() and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        stopping.set()
        out.note(f"stopping: {promise}. Ctrl-C again stops at once")

    with _handled(stop):
        yield stopping


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Ctrl-C and SIGTERM do nothing here: what runs meanwhile sets handlers of its own."""
    with _handled(lambda *_: None):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)
