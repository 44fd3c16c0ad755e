"""How much a row of a query may hold: whoever takes it holds all of it at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_VALUE = 16 * 2**20
"""Bytes of a value on SQLite. No value of a catalog is longer than the longest answer that a source
may give by default."""
WIDEST_ROW = 2 * LONGEST_VALUE
"""Characters and bytes of a row."""

TOO_WIDE = (
    f"a row is longer than {WIDEST_ROW // 2**20} MiB: take fewer columns, or parts of them with"
    " substr()"
)


def width(row: Iterable[object]) -> int:
    """The characters and bytes of a row."""
    return sum(len(each) for each in row if isinstance(each, str | bytes))
