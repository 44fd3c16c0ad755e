"""Whether a source answers always the same, told from pairs of visits. Pure.

Whoever freezes shows it only between two visits that both came after the freeze: a pair that spans
its beginning moves like any other. So every moment at which an earlier visit took place is tried
as the beginning, and only pairs after it count.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from catalog.alarms import kinds as k

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.alarms.facts import Pair
    from catalog.times import Micros


def frozen_since(pairs: Sequence[Pair]) -> Micros | None:
    """Since when a source answers the same, if it does.

    Where ``n`` pairs lie after a moment and a share ``p`` of the others moved, ``n * p`` of them
    should have moved; that none of them did then has a chance of about ``exp(-n * p)``.

    Args:
        pairs: neighbouring visits, in any order.

    Returns:
        The earliest moment since which nothing moved, though much should have; None: it moves.
    """
    if not pairs:
        return None
    ordered = sorted(pairs, key=lambda pair: pair.before_at)
    last = max(pair.at for pair in pairs)
    # Only after the last earlier visit of a pair that moved can all be still.
    still_from = max((pair.before_at + 1 for pair in pairs if pair.moved), default=0)
    starts = [pair.before_at for pair in ordered]
    after = ordered[bisect_left(starts, still_from) :]
    if not after:
        return None
    since = after[0].before_at
    others = len(pairs) - len(after)
    moved = sum(pair.moved for pair in pairs)
    chance = (moved + k.FROZEN_PRIOR) / (others + 2 * k.FROZEN_PRIOR)
    needed = k.UNMOVED_SPAN if any(pair.kept for pair in after) else k.FROZEN_SPAN
    if last - since < needed or len(after) * chance < k.FROZEN_EXPECTED:
        return None
    return since
