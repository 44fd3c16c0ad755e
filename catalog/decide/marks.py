"""Which differences come back, and which are two sources contradicting each other (rules 4, 8).

Both rules look at one field's past alone, so the marks are a function of the steps, whatever the
order in which their observations arrived (law 2).
"""

from __future__ import annotations

from typing import Any

import msgspec

from catalog.decide.state import Known, Past, content_of, key_of
from catalog.times import DAY, Micros

FLAP_STEPS = 8
FLAP_WINDOW: Micros = 30 * DAY


class Verdicts(msgspec.Struct, frozen=True):
    """What a change turns out to be.

    Attributes:
        flap: the value had been left recently, and is back.
        disagreement: its source said this very value all along; another source had changed it.
        flapped_at: the change that left the value which is now back.
        disagreed_at: the change, by another source, that is now contradicted.
    """

    flap: bool = False
    disagreement: bool = False
    flapped_at: Micros | None = None
    disagreed_at: Micros | None = None


def _recent(past: Past, n: int, at: Micros) -> bool:
    return n - past.n <= FLAP_STEPS and at - past.left_at <= FLAP_WINDOW


def judge(known: Known, new: bytes, source: str, at: Micros) -> Verdicts:
    """Judge the change of a field to ``new``, said by ``source`` at ``at``, before it is taken."""
    n = known.n + 1
    left = next((past for past in reversed(known.past) if past.key == new), None)
    flap = left is not None and _recent(left, n, at)
    contradicts = known.source != source and known.said.get(source) == new
    return Verdicts(
        flap=flap,
        disagreement=contradicts,
        flapped_at=left.left_at if left is not None and flap else None,
        disagreed_at=left.left_at if left is not None and contradicts else None,
    )


def leave(known: Known, at: Micros) -> None:
    """Remember the value that a change at ``at`` ends, and forget what can mean nothing more."""
    n = known.n + 1
    old = key_of(content_of(known.value))
    repeated = set(known.said.values())
    known.past = [
        past
        for past in known.past
        if past.key != old and (past.key in repeated or _recent(past, n, at))
    ]
    known.past.append(Past(old, at, n))


def take(known: Known, value: Any, source: str, at: Micros) -> None:
    """Replace what is known of a field by what ``source`` said of it at ``at``."""
    leave(known, at)
    known.value = value
    known.at = at
    known.n += 1
    known.source = source
