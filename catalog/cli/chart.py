"""Small charts of block characters: numbers over time, and bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.cli.text import number, pad, width_of
from catalog.times import Micros, day_of

WIDTH = 72
"""Cells of a chart at most, and where lines may be of any length."""
HEIGHT = 6
"""Lines of a chart over time, without what stands below it."""
_RISING = " ▁▂▃▄▅▆▇█"
_GROWING = " ▏▎▍▌▋▊▉█"
_STEPS = 8
"""Steps in which a block character fills its cell."""


def over_time(points: Sequence[tuple[Micros, float]], room: int | None = None) -> list[str]:
    """A number over time as columns: the lowest at the bottom, the highest at the top.

    Each column shows what was last said by its time; so a number that is not said again stands.

    Args:
        points: when, and how much; in the order of time.
        room: cells of a line; None: no limit.

    Returns:
        The lines; none where the number never moved.
    """
    values = [value for _, value in points]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    if low == high:
        return []
    labels = [number(high), *[""] * (HEIGHT - 2), number(low)]
    wide = max(width_of(label) for label in labels)
    begin, end = points[0][0], points[-1][0]
    dates = (day_of(begin), day_of(end))
    cells = max(min(WIDTH, room or WIDTH) - wide - 2, sum(map(len, dates)) + 1)
    levels = [
        1 + round((value - low) / (high - low) * (HEIGHT * _STEPS - 1))
        for value in _standing(points, begin, end, cells)
    ]
    lines = []
    for line, label in enumerate(labels):
        floor = (HEIGHT - 1 - line) * _STEPS
        blocks = (_RISING[max(0, min(_STEPS, level - floor))] for level in levels)
        lines.append(f"{pad(label, wide, before=True)} ┤{''.join(blocks)}".rstrip())
    below = " " * (cells - sum(map(len, dates)))
    return [*lines, f"{' ' * (wide + 2)}{dates[0]}{below}{dates[1]}"]


def _standing(
    points: Sequence[tuple[Micros, float]], begin: Micros, end: Micros, cells: int
) -> list[float]:
    """What stood at the end of each of so many equal parts of the time."""
    found, at = [], 0
    for cell in range(1, cells + 1):
        until = begin + (end - begin) * cell // cells
        while at + 1 < len(points) and points[at + 1][0] <= until:
            at += 1
        found.append(points[at][1])
    return found


def bar(value: float, most: float, cells: int) -> str:
    """A bar from the left, of so many cells where ``value`` is ``most``; never nothing for some."""
    if value <= 0 or most <= 0:
        return ""
    steps = max(1, round(value / most * cells * _STEPS))
    whole, rest = divmod(steps, _STEPS)
    return _GROWING[-1] * whole + _GROWING[rest].rstrip()
