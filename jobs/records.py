"""What a runner is handed, and what it finds: frozen records."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from catalog.settings import Settings
from catalog.times import MINUTE, Clock, Micros
from jobs.declare import Planned


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast things go, in real time but for the lease.

    Attributes:
        beat: seconds between two renewals of a lock.
        lease: how long a lock holds without one.
        monotonic: seconds since any moment.
    """

    beat: float = 10.0
    lease: Micros = 5 * MINUTE
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, kw_only=True)
class World:
    """What runs need of the world.

    Attributes:
        settings: the settings; they name the catalog and the time zone.
        environ: the environment.
        clock: the clock.
        rng: for jitter and ids.
        out: takes a line for people, from any thread.
    """

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    rng: random.Random
    out: Callable[[str], None]


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A slot that is to be run now.

    Attributes:
        planned: the job.
        slot: the slot.
        again: its run was cut off, and is taken up again: the slot itself was taken.
        waits: the jobs that have to end before, as the look found it.
    """

    planned: Planned
    slot: Micros
    again: bool = False
    waits: tuple[str, ...] = ()


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """A run that did not begin.

    Attributes:
        job: the job.
        owner: who runs it now; None: its slot was taken meanwhile, or all is stopping.
    """

    job: str
    owner: str | None
