"""Why a search finds nothing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from catalog.cli.filters import Condition, conditions
from catalog.cli.text import count, harmless
from catalog.query.facets import facets
from catalog.query.search import count as count_of
from catalog.query.search import search
from catalog.search.filters import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.storage.engine import Connection

EMPTY = "the catalog holds no GPT yet: gpts-catalog harvest or gpts-catalog import"
MOST = 8
"""Of so many conditions each is tried by itself."""
FACETS = {
    "categories": "category",
    "tools": "tool",
    "tags": "tag",
    "voices": "voice",
    "scripts": "script",
    "statuses": "status",
}
"""Lists of a filter that are facets with few values, among which one may look for the nearest."""


def explain_nothing(conn: Connection, wanted: Filter) -> list[str]:
    """What of a filter finds nothing by itself; else what its parts would find without each.

    Args:
        conn: a reading transaction.
        wanted: a filter that finds nothing.
    """
    # Values of a catalog stand in them beside what was typed.
    return list(map(harmless, _explained(conn, wanted)))


def _explained(conn: Connection, wanted: Filter) -> Iterator[str]:
    parts = conditions(wanted)
    if not parts:
        yield EMPTY
    if not parts or len(parts) > MOST:
        return
    barren = [each for each in parts if not search(conn, each.alone, limit=1).items]
    if len(barren) == len(parts) and not search(conn, Filter(), limit=1).items:
        yield EMPTY
        return
    for each in barren:
        yield from _barren(conn, each)
    if barren:
        return
    yield "each of these finds something by itself, together they find nothing:"
    for each in parts:
        left = count_of(conn, each.others)
        yield f"  without {each.text}: {count_text(left.number, exact=left.exact)}"


def count_text(number: int, *, exact: bool) -> str:
    """``1,234 GPTs``, ``20,000+ GPTs``."""
    text = count(number, "GPT")
    return text if exact else text.replace(" ", "+ ")


def _barren(conn: Connection, part: Condition) -> Iterator[str]:
    line = f"{part.text} finds nothing by itself"
    facet = FACETS.get(part.name)
    if facet is not None and part.value is not None:
        known = [each.value for each in facets(conn, Filter(), names=(facet,)).values[facet]]
        near = difflib.get_close_matches(part.value.casefold(), known, n=1, cutoff=0.6)
        if near:
            line += f": did you mean {near[0]}?"
        elif known:
            line += f": known are {', '.join(known[:MOST])}" + (" …" if len(known) > MOST else "")
    yield line
