"""Scripts: a year with everything in it, and scenarios of a few days, each from its number."""

from __future__ import annotations

import random

import msgspec

from catalog.times import DAY, HOUR, MINUTE, Micros, from_iso
from tests.faults.years.script import LATE, TROUBLES, Fault

YEAR = from_iso("2026-01-01T00:00:00Z")
WELL: Micros = 3 * DAY
"""Before the first fault, and between two: what is said of one is over when the next begins."""
OF_TWO = ("second source disagrees", "second source fails", "two schedulers")
LONG = {"source resets": 12.0, "machine is off": 20.0, "source freezes": 6.0}
"""Days that some last once in a year: beyond the ceiling."""
STARTS = ("2026-03-24", "2026-03-27", "2026-05-04", "2026-10-20", "2026-10-23", "2026-12-28")
"""Days on which scenarios begin: before both changes of the clocks, and over a year's end."""
JOBS = {"discover": 90, "refresh": 120, "confirm": 480, "probe": 660}
"""The jobs that ask, with the minute of the UTC day at which they do, about."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A few days, and what goes wrong in them.

    Attributes:
        number: everything follows from it.
        start: when they begin.
        days: how many.
        faults: what goes wrong.
        engine: where the catalog is.
        sources: how many there are.
    """

    number: int
    start: Micros
    days: float
    faults: tuple[Fault, ...]
    engine: str
    sources: int

    @property
    def name(self) -> str:
        """For the test's name."""
        return f"{self.number}-" + "+".join(each.kind.replace(" ", "-") for each in self.faults)


def year(start: Micros, days: int, seed: int = 1) -> list[Fault]:
    """Faults of every kind, one after the other, for so many days."""
    rng = random.Random(seed)
    faults: list[Fault] = []
    at = start + WELL
    end = start + days * DAY - WELL
    rounds = 0
    while at < end:
        kinds = list(TROUBLES)
        rng.shuffle(kinds)
        for kind in kinds:
            length = LONG.get(kind, 3.0) if rounds == 1 else rng.choice((0.5, 1.0, 3.0))
            until = at + round(length * DAY)
            if until > end:
                return faults
            faults.append(_fault(rng, kind, at, until))
            at = until + WELL + rng.randrange(DAY)
        rounds += 1
    return faults


def scenario(number: int) -> Scenario:
    """A kind of fault at a moment, for a length, in a job, on an engine: by its number."""
    rng = random.Random(number)
    kinds = list(TROUBLES)
    kind = kinds[number % len(kinds)]
    turn = number // len(kinds)
    start = from_iso(f"{STARTS[number % len(STARTS)]}T00:00:00Z")
    job = list(JOBS)[number % len(JOBS)]
    # Some minutes before or after a job begins, on the third day.
    at = start + 2 * DAY + (JOBS[job] + rng.randrange(-90, 90)) * MINUTE
    length = (0.1, 1.0, 2.6, 4.0)[(turn + rng.randrange(4)) % 4]
    faults = [_fault(rng, kind, at, at + round(length * DAY), job)]
    if turn % 4 == 3:
        other = rng.choice([each for each in kinds if each != kind])
        later = at + rng.randrange(round(length * DAY) + 6 * HOUR)
        faults.append(_fault(rng, other, later, later + DAY))
    until = max(each.until for each in faults)
    two = turn % 2 == 1 or any(each.kind in OF_TWO for each in faults)
    return Scenario(
        number=number,
        start=start,
        days=(until + LATE + 8 * HOUR - start) / DAY,
        faults=tuple(faults),
        engine=("sqlite", "postgres")[(number + turn) % 2],
        sources=2 if two else 1,
    )


def _fault(rng: random.Random, kind: str, at: Micros, until: Micros, job: str = "refresh") -> Fault:
    return Fault(kind=kind, at=at, until=until, job=job, step=rng.randint(2, 12))
