"""Moments as people hand them to the Python API: numbers, texts, datetimes, dates."""

from __future__ import annotations

from datetime import date, datetime

from catalog.errors import UsageError
from catalog.times import Micros, moment_of

Moment = int | str | datetime | date
"""Microseconds since 1970 in UTC, ISO text as the command line takes it, an aware time, a date."""


def moment(value: Moment, *, end_of_day: bool = False) -> Micros:
    """The moment that a value names.

    Args:
        value: the value.
        end_of_day: a bare date means the last microsecond of that day, not its first (rule 19).

    Raises:
        UsageError: it names none.
    """
    try:
        return moment_of(value, end_of_day=end_of_day)
    except TypeError as error:
        raise UsageError(
            f"{error}: take an aware datetime, a date, an ISO text or a number"
        ) from None
    except (ValueError, OverflowError):
        raise UsageError(
            f"{value!s} names no moment: write 2026-02-13, or 2026-02-13T09:19:19Z; a datetime"
            " needs its zone"
        ) from None


def start(value: Moment | None) -> Micros | None:
    """The beginning of a window; a bare date means the first moment of that day."""
    return None if value is None else moment(value)


def end(value: Moment | None) -> Micros | None:
    """The end of a window, or a moment to look back to; a bare date means the end of that day."""
    return None if value is None else moment(value, end_of_day=True)
