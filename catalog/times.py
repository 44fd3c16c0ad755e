"""Moments: microseconds since 1970 in UTC, as whole numbers, everywhere inside the program.

Text is read and written only here. No function of this module reads a clock: a :class:`Clock` is
handed in (law 9).
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

Micros = int
"""A moment: microseconds since 1970-01-01T00:00:00 UTC."""

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> Micros:
        """The present moment."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        """The present moment."""
        return time.time_ns() // 1000


class FixedClock:
    """A clock that stands still until it is set.

    Args:
        at: the moment it shows.
    """

    def __init__(self, at: Micros) -> None:
        self.at = at

    def now(self) -> Micros:
        """The moment it was set to."""
        return self.at


def pause(seconds: float) -> None:
    """Wait, in real time: for a server that restarts, where nothing else can be done meanwhile."""
    time.sleep(seconds)


class Stopwatch:
    """Real seconds since it was made: how long something took, never what time it is."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._ended: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds until it was stopped, or until now."""
        return (time.monotonic() if self._ended is None else self._ended) - self._began

    def stop(self) -> None:
        """Let it show what it shows now; a second time changes nothing."""
        if self._ended is None:
            self._ended = time.monotonic()


def from_datetime(moment: datetime) -> Micros:
    """Microseconds of an aware ``moment``.

    Raises:
        ValueError: ``moment`` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone names no moment")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(moment: Micros) -> datetime:
    """The aware UTC datetime of ``moment``."""
    return _EPOCH + timedelta(microseconds=moment)


def to_iso(moment: Micros) -> str:
    """``moment`` as ``2024-02-13T09:19:19Z``, with six digits of fraction where it has any."""
    return to_datetime(moment).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> Micros:
    """The moment that an ISO 8601 ``text`` with a date and a time names; no zone means UTC.

    Raises:
        ValueError: ``text`` is no such time.
    """
    moment = datetime.fromisoformat(text.strip())
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_moment(text: str, *, end_of_day: bool = False) -> Micros:
    """What a person typed: a time, or a bare date (rule 19).

    Args:
        text: ISO 8601, date alone or with a time.
        end_of_day: a bare date means the last microsecond of that day, not its first.

    Raises:
        ValueError: ``text`` is neither.
    """
    text = text.strip()
    if not _DATE.fullmatch(text):
        return from_iso(text)
    start = from_datetime(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))
    return start + DAY - 1 if end_of_day else start


def moment_of(value: object, *, end_of_day: bool = False) -> Micros:
    """The moment that a person's program means.

    Args:
        value: microseconds, ISO text as :func:`parse_moment` takes it, an aware datetime, or a
            date.
        end_of_day: a date means the last microsecond of that day, not its first (rule 19).

    Raises:
        TypeError: ``value`` is nothing of that.
        ValueError: it names no moment.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | date):
        raise TypeError(f"{value!r} is no moment")
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return from_datetime(value)
    text = value if isinstance(value, str) else value.isoformat()
    return parse_moment(text, end_of_day=end_of_day)


def day_of(moment: Micros) -> str:
    """The UTC day that holds ``moment``, as ``2024-02-13``."""
    return to_datetime(moment).date().isoformat()
