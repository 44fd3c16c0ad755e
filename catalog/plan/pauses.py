"""The pause after a visit that brought no document. No clock: the moment is handed in.

Simple on purpose: a "no such GPT" is looked at again on the next UTC day, a failure after a pause
that doubles. Whatever happened, the next visit moves (law 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.records import Verdict
from catalog.times import DAY, HOUR

if TYPE_CHECKING:
    import random

    from catalog.times import Micros

AFTER_DOCUMENT: Micros = DAY
"""The pause after a document, where nothing is known of how often the GPT changes."""
AFTER_MIDNIGHT: Micros = 3 * HOUR
"""The hour of the next UTC day at which a "no such GPT" is looked at again: it takes two, on two
days, to call a GPT gone (law 4), and gateways are restarted at night."""
FIRST_PAUSE: Micros = HOUR
"""The pause after a first failure; it doubles with each further one."""
LONGEST_PAUSE: Micros = DAY
JITTER = 0.1
"""How much of a pause is left to chance: ids that failed together are not to return together."""


def next_attempts(verdict: Verdict, attempts: int) -> int:
    """Visits without a fact in a row, after one that ended in ``verdict``."""
    return 0 if verdict.is_fact else attempts + 1


def next_due(
    verdict: Verdict, attempts: int, now: Micros, rng: random.Random | None = None
) -> Micros:
    """When an id is to be asked again.

    Args:
        verdict: how the visit ended.
        attempts: what :func:`next_attempts` makes of it: 1 after a first failure.
        now: when it ended.
        rng: spreads the visits; without it the result is exact.

    Returns:
        A moment after ``now``.
    """
    if verdict is Verdict.NOT_FOUND:
        pause = DAY - now % DAY + AFTER_MIDNIGHT
    elif verdict.is_fact:
        pause = AFTER_DOCUMENT
    else:
        # Beyond five doublings it is the longest pause anyway; the shift must not grow for ever.
        pause = min(LONGEST_PAUSE, FIRST_PAUSE << min(max(attempts - 1, 0), 5))
    if rng is not None:
        pause += int(pause * JITTER * rng.random())
    return now + pause
