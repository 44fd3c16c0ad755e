"""When jobs are due: cron lines, time zones, and what is owed after missed moments. Pure.

A *slot* is a moment at which a schedule says to run. Cron lines are read as cron reads them:
weekdays are 0 to 7 with Sunday as both 0 and 7, and where both the day of the month and the
weekday are restricted, one of the two is enough.

A cron line names wall-clock times, and each of them is one slot, whatever the zone does:

- one that the zone skips is the moment right after the gap, and all that lie in one gap are one;
- one that the zone repeats is its first occurrence, and never the second.

APScheduler's CronTrigger is not used: it numbers weekdays from Monday (its issue 286), drops the
slots of a skipped hour, repeats those of a repeated one, went round in circles there (issues 980,
1021), and walks through every missed moment (issue 526).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

from catalog.times import Micros, from_datetime, to_datetime

_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("weekday", 0, 7),
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_WEEKDAYS = {
    name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
}
_NAMES = {"month": _MONTHS, "weekday": _WEEKDAYS}
_ITEM = re.compile(
    r"(?:(?P<all>\*)|(?P<low>[0-9]+|[a-z]{3})(?:-(?P<high>[0-9]+|[a-z]{3}))?)"
    r"(?:/(?P<step>[0-9]+))?",
    re.IGNORECASE | re.ASCII,
)
_SUNDAY = 7
_LEAP_YEAR = 2024
_SECOND = timedelta(seconds=1)
_LONGEST_FOLD = timedelta(hours=25)
"""More than a zone ever repeated at once: Kwajalein had one day twice in 1969."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A cron line, read.

    Attributes:
        text: the line.
        minutes: of the hour, ascending.
        hours: of the day, ascending.
        days: of the month.
        months: of the year.
        weekdays: as cron numbers them, 0 for Sunday to 6.
        either: a day of the month or a weekday is enough, as both are restricted.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def has(self, day: date) -> bool:
        """Whether the schedule runs on ``day``."""
        if day.month not in self.months:
            return False
        by_day = day.day in self.days
        by_weekday = day.isoweekday() % _SUNDAY in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday


def parse_cron(text: str) -> Schedule:
    """Read a cron line of five fields: minute, hour, day, month, weekday.

    A field is ``*``, numbers, ranges ``1-5``, steps ``*/15``, ``10-40/5`` and ``5/15`` (from 5 on),
    and lists of these with commas; months and weekdays also go by the first three letters of their
    English names. ``fri-sun`` is understood, though Sunday is 0.

    Raises:
        ValueError: it is none, or names no day that ever comes; the text says which field.
    """
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            "expected five cron fields, minute hour day month weekday, as '0 3 * * *';"
            f" got {len(fields)}"
        )
    read = {
        name: _field(name, field, least, most)
        for field, (name, least, most) in zip(fields, _FIELDS, strict=True)
    }
    # As Vixie's cron has it: a field that begins with a star restricts nothing of this kind.
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    schedule = Schedule(
        text=" ".join(fields),
        minutes=tuple(sorted(read["minute"])),
        hours=tuple(sorted(read["hour"])),
        days=frozenset(read["day"]),
        months=frozenset(read["month"]),
        weekdays=frozenset(day % _SUNDAY for day in read["weekday"]),
        either=either,
    )
    longest = max(calendar.monthrange(_LEAP_YEAR, month)[1] for month in schedule.months)
    if not either and min(schedule.days) > longest:
        raise ValueError(f"day {fields[2]!r} never comes in month {fields[3]!r}")
    return schedule


def slots(schedule: Schedule, zone: tzinfo, after: Micros, until: Micros) -> Iterator[Micros]:
    """The slots later than ``after``, up to and with ``until``, ascending.

    Args:
        schedule: when.
        zone: the zone it is written in.
        after: a slot at this very moment is not given.
        until: one at this moment is.
    """
    last = after
    for slot in _forward(schedule, zone, after):
        if slot > until:
            return
        # All that lie in one gap are one moment; and a repeated hour's second time brings none.
        if slot > last:
            last = slot
            yield slot


def next_slot(schedule: Schedule, zone: tzinfo, after: Micros) -> Micros:
    """The first slot later than ``after``."""
    return next(slot for slot in _forward(schedule, zone, after) if slot > after)


def latest_slot(schedule: Schedule, zone: tzinfo, at: Micros) -> Micros:
    """The last slot that is not later than ``at``; takes no longer for a long time without any."""
    return next(slot for slot in _backward(schedule, zone, at) if slot <= at)


def owed(schedule: Schedule, zone: tzinfo, last_slot: Micros | None, now: Micros) -> Micros | None:
    """The slot that is to be run now: the latest that was missed, however many were.

    Args:
        schedule: when.
        zone: the zone it is written in.
        last_slot: the last slot that was taken; None for a job nobody knows yet, which is owed
            nothing.
        now: the present moment. Where the clock was set back behind ``last_slot``, nothing is owed.

    Returns:
        The slot; None if none is owed.
    """
    if last_slot is None or last_slot >= now:
        return None
    slot = latest_slot(schedule, zone, now)
    return slot if slot > last_slot else None


def _field(name: str, text: str, least: int, most: int) -> set[int]:
    """The numbers of one field."""
    found: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{name}: {item!r} is no number, range or step, as 5, 1-5 or */15")
        step = 1 if match["step"] is None else int(match["step"])
        if step == 0:
            raise ValueError(f"{name}: {item!r}: a step is 1 at least")
        if match["all"]:
            # Weekdays 0 and 7 are one: a step over a week begins on Sunday and ends on Saturday.
            low, high = least, most - 1 if name == "weekday" else most
        else:
            low = _number(name, match["low"], least, most)
            high = _number(name, match["high"], least, most) if match["high"] else low
            if match["high"] is None and match["step"] is not None:
                high = most - 1 if name == "weekday" else most
            if name == "weekday" and match["high"] and high == 0:
                high = _SUNDAY
            if low > high:
                raise ValueError(f"{name}: {item!r} runs backwards")
        found.update(range(low, high + 1, step))
    return found


def _number(name: str, text: str, least: int, most: int) -> int:
    """One number of a field, or what its name stands for."""
    names = _NAMES.get(name, {})
    if not text.isdigit():
        if text.lower() not in names:
            known = f": known are {', '.join(names)}" if names else ", and no number"
            raise ValueError(f"{name}: {text!r} is no {name}{known}")
        return names[text.lower()]
    number = int(text)
    if not least <= number <= most:
        raise ValueError(f"{name}: {text} is not from {least} to {most}")
    return number


def _forward(schedule: Schedule, zone: tzinfo, after: Micros) -> Iterator[Micros]:
    """Slots ascending, perhaps some that are not later than ``after`` first, perhaps repeated."""
    # Wall-clock times in order are slots in order; those before this one cannot be later.
    start = to_datetime(after).astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    for day in _days(schedule, start.date(), 1):
        for wall in _walls(day, schedule.hours, schedule.minutes):
            if wall >= start:
                yield _moment(wall, zone)


def _backward(schedule: Schedule, zone: tzinfo, at: Micros) -> Iterator[Micros]:
    """Slots descending, perhaps some that are later than ``at`` first, perhaps repeated."""
    local = to_datetime(at).astimezone(zone)
    end = local.replace(tzinfo=None)
    if local.fold:
        # In the second pass all of the first is over, also what it has later on the wall's clock.
        end += _LONGEST_FOLD
    for day in _days(schedule, end.date(), -1):
        for wall in _walls(day, schedule.hours[::-1], schedule.minutes[::-1]):
            if wall <= end:
                yield _moment(wall, zone)


def _days(schedule: Schedule, start: date, step: int) -> Iterator[date]:
    """The days of a schedule from ``start`` on, a whole month skipped at once."""
    day, one = start, timedelta(days=step)
    while True:
        if day.month not in schedule.months:
            # To the end of the month on this side, and over it.
            last = calendar.monthrange(day.year, day.month)[1] if step > 0 else 1
            day = day.replace(day=last) + one
            continue
        if schedule.has(day):
            yield day
        day += one


def _walls(day: date, hours: Sequence[int], minutes: Sequence[int]) -> Iterator[datetime]:
    for hour in hours:
        for minute in minutes:
            yield datetime.combine(day, time(hour, minute))


def _moment(wall: datetime, zone: tzinfo) -> Micros:
    """When clocks of ``zone`` show ``wall`` first; where they skip it, the end of the gap."""
    # PEP 495: fold 0 reads an ambiguous time as the first, and a skipped one by the old offset,
    # which lies after the gap; fold 1 reads that by the new offset, which lies before it.
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return from_datetime(moment)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    old = before.astimezone(zone).utcoffset()
    while (seconds := (moment - before) // _SECOND) > 1:
        middle = before + seconds // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            moment = middle
    return from_datetime(moment)
