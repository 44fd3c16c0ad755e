"""Tables that fit the terminal, and CSV. What is strangers' text in them is made harmless.

On a terminal a row is a line: columns give way, those marked first, then the widest are cut. Where
that does not do, each row is a block of lines. In a pipe nothing is cut.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec
from rich.text import Text

from catalog.cli.output import Output
from catalog.cli.text import cut, harmless, pad, shown, turns, width_of, wrap
from catalog.wording.rows import csv_cell

GAP = 2
"""Blanks between two columns."""
NARROWEST = 8
"""Cells to which a column may be cut that does not say otherwise."""
_MARK = "\u200e"
"""Ends text that is written from right to left, so that it does not turn what stands after it."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table.

    Attributes:
        title: what stands above it.
        right: whether it is set to the right and never cut, as numbers are; None: where all its
            values are numbers.
        least: cells to which it may be cut; None: :data:`NARROWEST`.
        drop: whether it is left out where the terminal is too narrow: the highest goes first, 0
            never goes.
        style: of its cells, on a terminal.
    """

    title: str
    right: bool | None = None
    least: int | None = None
    drop: int = 0
    style: str = ""


def print_table(
    out: Output, columns: Sequence[Column | str], rows: Iterable[Sequence[Any]], *, indent: int = 0
) -> int:
    """Print rows under their titles; the titles alone where there are no rows.

    A message names the columns that the terminal has no room for.

    Args:
        out: where; nothing is printed with ``--json`` or ``--csv``.
        columns: titles, or columns that say more.
        rows: their cells: texts as they are kept, numbers, None, lists.
        indent: blanks before each line.

    Returns:
        How many rows there are.
    """
    wanted = [Column(each) if isinstance(each, str) else each for each in columns]
    # Those of a query are whatever it says.
    wanted = [msgspec.structs.replace(each, title=harmless(each.title)) for each in wanted]
    values = list(rows)
    # A cell of an empty table has no value that would say where it belongs.
    wanted = [
        msgspec.structs.replace(column, right=_are_numbers(row[at] for row in values))
        if column.right is None
        else column
        for at, column in enumerate(wanted)
    ]
    cells = [[cell(value) for value in row] for row in values]
    room = None if out.width is None else max(1, out.width - indent)
    lines, dropped = table_lines(wanted, cells, room)
    for line in lines:
        out.line(Text(" " * indent).append_text(line) if line else line)
    if dropped and out.for_people:
        out.note(f"no room for: {', '.join(dropped)}", "dim")
    return len(values)


def table_lines(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], room: int | None
) -> tuple[list[Text], list[str]]:
    """The lines of a table, and the titles that found no room.

    Args:
        columns: what stands above, with ``right`` decided.
        cells: by row, harmless.
        room: cells of a line; None: nothing is cut.
    """
    natural = [
        max([width_of(column.title), *(width_of(row[at]) for row in cells)])
        for at, column in enumerate(columns)
    ]
    on_terminal = room is not None
    fitted: Sequence[int | None] = natural
    if room is not None:
        found = fit(columns, natural, room)
        if found is None:
            return _blocks(columns, cells, room), []
        fitted = found
    header = _line(columns, [column.title for column in columns], fitted, on_terminal=on_terminal)
    header.stylize("bold")
    # A bar has no title: nobody misses it.
    dropped = [
        column.title
        for column, wide in zip(columns, fitted, strict=True)
        if wide is None and column.title
    ]
    body = (_line(columns, row, fitted, on_terminal=on_terminal) for row in cells)
    return [header, *body], dropped


def fit(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int | None] | None:
    """How wide each column becomes; None for one that is left out.

    Args:
        columns: what they may be cut to, and which may go.
        natural: the widths that they would have.
        room: cells of a line.

    Returns:
        None where it cannot be done.
    """
    least = [
        wide if column.right else min(wide, column.least or NARROWEST)
        for column, wide in zip(columns, natural, strict=True)
    ]
    kept = list(range(len(columns)))
    optional = sorted((at for at in kept if columns[at].drop), key=lambda at: columns[at].drop)
    while sum(least[at] + GAP for at in kept) - GAP > room:
        if not optional:
            return None
        kept.remove(optional.pop())
    # No cut column needs more than the whole line; so the loop below is short.
    wide = {at: natural[at] if columns[at].right else min(natural[at], room) for at in kept}
    while sum(wide.values()) + GAP * (len(kept) - 1) > room:
        widest = max((at for at in kept if wide[at] > least[at]), key=lambda at: wide[at])
        wide[widest] -= 1
    return [wide.get(at) for at in range(len(columns))]


def cell(value: Any) -> str:
    """A value as it stands in a table: on one line, harmless; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shown(value)
    return str(value)


def print_csv(out: Output, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Print rows as CSV (RFC 4180) under a line of names.

    Lists are joined by ``; ``. A text that a spreadsheet would take for a formula gets an
    apostrophe before it, and what steers a terminal is written out (law 11): ``--json`` has every
    text as it is.

    Args:
        out: where; it prints nothing without ``--csv``.
        names: of the columns.
        rows: their values.

    Returns:
        How many rows there are.
    """
    line = io.StringIO()
    writer = csv.writer(line)
    lines = 0
    for row in chain([names], rows):
        writer.writerow([csv_cell(value) for value in row])
        out.csv(line.getvalue())
        line.seek(0)
        line.truncate()
        lines += 1
    return lines - 1


def _are_numbers(values: Iterable[Any]) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in found
    )


def _line(
    columns: Sequence[Column],
    cells: Sequence[str],
    fitted: Sequence[int | None],
    *,
    on_terminal: bool,
) -> Text:
    line = Text()
    shown_ones = [at for at, wide in enumerate(fitted) if wide is not None]
    for at in shown_ones:
        wide = fitted[at] or 0
        text = cut(cells[at], wide)
        mark = _MARK if on_terminal and turns(text) else ""
        text = pad(text, wide, before=bool(columns[at].right)) + mark
        line.append(text, columns[at].style or None)
        if at != shown_ones[-1]:
            line.append(" " * GAP)
    line.rstrip()
    return line


def _blocks(columns: Sequence[Column], cells: Sequence[Sequence[str]], room: int) -> list[Text]:
    """Each row as a block: a line a column that says something, a blank line between two rows."""
    wide = max(width_of(column.title) for column in columns)
    lines: list[Text] = []
    for row in cells:
        if lines:
            lines.append(Text())
        for column, text in zip(columns, row, strict=True):
            if not text:
                continue
            first, *more = wrap(text, max(NARROWEST, room - wide - GAP))
            title = Text(pad(column.title, wide, before=False), "bold")
            lines.append(title.append(" " * GAP + first, "none"))
            lines += [Text(" " * (wide + GAP) + each) for each in more]
    return lines
