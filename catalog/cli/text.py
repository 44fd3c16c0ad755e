"""Text laid out on a terminal, beside all that puts values into words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len, split_graphemes

from catalog.wording.text import (
    Part,
    count,
    difference,
    duration,
    harmless,
    iso,
    moment,
    money,
    number,
    shorten,
    shown,
    size,
    to_json,
    turns,
    word_diff,
)

__all__ = [
    "ROOM",
    "Part",
    "columns",
    "count",
    "cut",
    "difference",
    "duration",
    "harmless",
    "iso",
    "moment",
    "money",
    "number",
    "pad",
    "shorten",
    "shown",
    "size",
    "to_json",
    "turns",
    "width_of",
    "word_diff",
    "wrap",
]

ROOM = 20
"""A last column of fewer cells is written below its line."""


def cut(text: str, cells: int) -> str:
    """``text`` cut to so many cells of a terminal, which a sign at its end then says."""
    if width_of(text) <= cells:
        return text
    kept = _fitting(text, cells - 1).rstrip() if cells > 1 else ""
    return "…" if width_of(kept) >= cells else f"{kept}…"


def width_of(text: str) -> int:
    """How many cells of a terminal ``text`` takes."""
    return cell_len(text)


def _fitting(text: str, cells: int) -> str:
    """The beginning of ``text`` that takes so many cells of a terminal: a character at least."""
    used = 0
    for start, _, wide in split_graphemes(text)[0]:
        used += wide
        if used > cells and start:
            return text[:start]
    return text


def columns(
    rows: Iterable[Iterable[str]], *, right: Iterable[int] = (), width: int | None = None
) -> list[str]:
    """Rows as aligned lines.

    Args:
        rows: the cells, harmless already.
        right: which columns hold numbers.
        width: wrap the last column so that a line fits, under itself where it has room there.
    """
    table = [list(row) for row in rows]
    if not table:
        return []
    wide = [max(width_of(row[at]) for row in table) for at in range(len(table[0]))]
    numeric = set(right)
    lines = []
    for row in table:
        cells = [pad(cell, wide[at], before=at in numeric) for at, cell in enumerate(row[:-1])]
        start = "  ".join(cells) + "  " if cells else ""
        last = row[-1]
        if len(row) - 1 in numeric:
            last = pad(last, wide[-1], before=True)
        if width is None or width_of(start + last) <= width:
            lines.append((start + last).rstrip())
            continue
        room = width - width_of(start)
        if room >= ROOM:
            first, *more = wrap(last, room)
            lines += [start + first, *(" " * width_of(start) + each for each in more)]
        else:
            lines += [start.rstrip(), *(f"    {each}" for each in wrap(last, width - 4))]
    return lines


def wrap(text: str, cells: int) -> list[str]:
    """``text`` in lines of so many cells of a terminal, broken between words where it can be."""
    lines, line = [], ""
    for word in re.findall(r"\s*\S+", text):
        if line and width_of(line + word) > cells:
            lines.append(line)
            line = ""
        line = line + word if line else word.lstrip()
        while width_of(line) > cells and len(line) > 1:
            kept = _fitting(line, cells)
            lines.append(kept)
            line = line[len(kept) :]
    return [*lines, line]


def pad(cell: str, cells: int, *, before: bool) -> str:
    """``cell`` filled up to so many cells of a terminal.

    Args:
        cell: the text.
        cells: how many.
        before: put the blanks before it.
    """
    blanks = " " * (cells - width_of(cell))
    return blanks + cell if before else cell + blanks
