"""What goes wrong, when, for how long, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from catalog.alarms import KINDS
from catalog.alarms.kinds import DRIFT_STANDS
from catalog.simulator import FaultKind
from catalog.times import DAY, HOUR, SECOND, Micros
from tests.faults.years.sources import denied, emptied, grown, halved, renamed, swapped

if TYPE_CHECKING:
    from tests.faults.years.world import World

PERIOD: Micros = DAY
"""Between two slots of the jobs that ask."""
LATE: Micros = 2 * PERIOD + 2 * HOUR
"""Two periods, and what a run and the next look take."""
UNASKED = frozenset({"quiet", "stale", "budget", "job_failing", "job_unmet", "leases"})
"""What follows where a source cannot be asked for days."""
UNRUN = frozenset(
    {"quiet", "stale", "budget", "job_late", "job_gap", "job_failing", "scheduler", "leases"}
    | {"run_open", "unsettled"}
)
"""What follows where nothing runs for days."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of fault.

    Attributes:
        begin: makes it so.
        end: makes it well.
        says: one of these kinds of alarm has to stand within two periods; empty: none has to.
        least: days for which it has to last before it must be said.
        may: what else may be said of it.
        stays: for how long what it changed is still told after its end.
    """

    begin: Callable[[World, Fault], None]
    end: Callable[[World, Fault], None]
    says: frozenset[str] = frozenset()
    least: float = 2.0
    may: frozenset[str] = frozenset()
    stays: Micros = 0


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of fault at a time.

    Attributes:
        kind: of :data:`TROUBLES`.
        at: when it begins.
        until: when it ends.
        job: in whose run it strikes, where it strikes in one.
        step: at which step of it.
    """

    kind: str
    at: Micros
    until: Micros
    job: str = "refresh"
    step: int = 1

    @property
    def trouble(self) -> Trouble:
        """What it is."""
        return TROUBLES[self.kind]

    def allows(self, kind: str, at: Micros) -> bool:
        """Whether an alarm of a kind may stand at a moment on its account."""
        trouble = self.trouble
        if kind not in trouble.says | trouble.may:
            return False
        longer = max(trouble.stays, KINDS[kind].calm) if kind in _STAYING else KINDS[kind].calm
        return self.at <= at <= self.until + LATE + longer


_STAYING = frozenset({"drift", "unmapped"})


def _failing(kind: FaultKind, mount: str = "plain") -> Trouble:
    return Trouble(
        begin=lambda world, _: world.sources.fail(mount, kind),
        end=lambda world, _: world.sources.mend(mount),
        says=frozenset({"source_dead"}),
        may=UNASKED | {"source_failing"},
    )


def _doctored(name: str, says: str, *, mount: str = "plain", may: frozenset[str]) -> Trouble:
    changes = {"emptied": emptied, "halved": halved, "denied": denied}
    return Trouble(
        begin=lambda world, fault: world.sources.doctor(
            mount, changes.get(name) or grown(world.faults.index(fault))
        ),
        end=lambda world, _: world.sources.mend(mount),
        says=frozenset({says}),
        may=may,
        stays=DRIFT_STANDS + 5 * DAY,
    )


_PATHS = frozenset({"drift", "unmapped"})
# What is left of an emptied document says the same for ever.
_POORER = _PATHS | {"source_frozen"}

TROUBLES: dict[str, Trouble] = {
    "source resets": _failing(FaultKind.RESET),
    "source fails": _failing(FaultKind.SERVER_ERROR),
    "source has no channel": _failing(FaultKind.NO_CHANNEL),
    "source sends pages": _failing(FaultKind.HTML),
    "source cuts its answers": _failing(FaultKind.CUT_JSON),
    "source refuses the key": _failing(FaultKind.BAD_KEY),
    "source says the quota is spent": _failing(FaultKind.ACCOUNT_QUOTA),
    "source freezes": Trouble(
        begin=lambda world, _: world.sources.freeze("plain"),
        end=lambda world, _: world.sources.mend("plain"),
        says=frozenset({"source_frozen"}),
        least=2.5,
        may=frozenset({"stale"}),
    ),
    "source empties its documents": _doctored("emptied", "source_halved", may=_POORER),
    "source halves its documents": _doctored("halved", "source_halved", may=_POORER),
    "source sends other GPTs": Trouble(
        begin=lambda world, _: world.sources.doctor(
            "plain", swapped(world.population, world.clock.now)
        ),
        end=lambda world, _: world.sources.mend("plain"),
        says=frozenset({"source_mismatched", "source_dead"}),
        may=UNASKED | {"source_failing"},
    ),
    "source denies two fifths": _doctored(
        "denied", "mass_missing", may=frozenset({"stale", "budget"})
    ),
    "source grows fields": _doctored("grown", "unmapped", may=_PATHS),
    "second source disagrees": Trouble(
        begin=lambda world, _: world.sources.doctor("bare", renamed),
        end=lambda world, _: world.sources.mend("bare"),
    ),
    "second source fails": _failing(FaultKind.RESET, "bare"),
    "budget is cut": Trouble(
        # With old GPTs alone ten requests a day, five of each source, are nearly enough.
        begin=lambda world, _: world.set_budget(2),
        end=lambda world, _: world.set_budget(None),
        says=frozenset({"budget"}),
        may=UNASKED,
    ),
    "killed while it asks": Trouble(
        begin=lambda world, fault: world.arm(
            fault.job, lambda process, nth: process.die_at_read(max(1, 3 * fault.step >> nth))
        ),
        end=lambda world, _: world.disarm(),
        may=frozenset({"leases", "unsettled", "job_failing"}),
    ),
    "killed before a commit": Trouble(
        begin=lambda world, fault: world.arm(
            fault.job,
            lambda process, nth: process.die_at_commit(max(1, fault.step >> nth), before=True),
        ),
        end=lambda world, _: world.disarm(),
        may=frozenset({"leases", "unsettled", "job_failing"}),
    ),
    "killed after a commit": Trouble(
        begin=lambda world, fault: world.arm(
            fault.job,
            lambda process, nth: process.die_at_commit(max(1, fault.step >> nth), before=False),
        ),
        end=lambda world, _: world.disarm(),
        may=frozenset({"leases", "unsettled", "job_failing"}),
    ),
    "machine is off": Trouble(
        begin=lambda world, _: world.power(on=False),
        end=lambda world, _: world.power(on=True),
        says=frozenset({"scheduler", "job_late"}),
        may=UNRUN,
    ),
    "scheduler is stopped": Trouble(
        begin=lambda world, _: world.power(on=False, politely=True),
        end=lambda world, _: world.power(on=True),
        says=frozenset({"job_late", "quiet"}),
        least=2.5,
        may=UNRUN,
    ),
    "clock is ahead by hours": Trouble(
        begin=lambda world, _: world.skew(7 * HOUR),
        end=lambda world, _: world.skew(0),
        may=UNRUN,
    ),
    "clock is ahead by days": Trouble(
        begin=lambda world, _: world.skew(3 * DAY + 5 * HOUR),
        end=lambda world, _: world.skew(0),
        may=UNRUN | {"source_frozen"},
    ),
    "clock is behind by hours": Trouble(
        begin=lambda world, _: world.skew(-5 * HOUR),
        end=lambda world, _: world.skew(0),
        may=UNRUN,
    ),
    "clock is behind by days": Trouble(
        begin=lambda world, _: world.skew(-2 * DAY),
        end=lambda world, _: world.skew(0),
        may=UNRUN | {"source_frozen"},
    ),
    "two schedulers": Trouble(
        begin=lambda world, _: world.second_scheduler(90 * SECOND),
        end=lambda world, _: world.one_scheduler(),
    ),
    "disk is full": Trouble(
        begin=lambda world, _: world.fill_disk(full=True),
        end=lambda world, _: world.fill_disk(full=False),
        says=frozenset({"disk"}),
        least=0.0,
        may=UNRUN,
    ),
}
"""Every kind of fault, by name."""
