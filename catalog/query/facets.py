"""How many GPTs of a search have which category, tool, author, ...: to narrow it further by."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING, Literal, cast, get_args

import msgspec
from sqlalchemy import func, select

from catalog.query.asof import listings_at
from catalog.query.counting import LIMIT, as_listed, each_hit
from catalog.query.found import Count
from catalog.query.naming import with_known_authors
from catalog.query.selecting import Selection
from catalog.query.sets import sets_of, tally, wanted_sets
from catalog.search.filters import Filter, check
from catalog.search.listing import facets_of
from catalog.storage import tables as t
from catalog.storage.dialects import one_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from catalog.query.counting import Row
    from catalog.query.sets import SetsWithin
    from catalog.times import Micros

Facet = Literal["category", "tool", "tag", "author", "status", "voice", "script", "year"]
FACETS: tuple[Facet, ...] = get_args(Facet)
AUTHORS = 100
"""Authors that are told of: of the other facets all values are."""

Counts = dict[str, dict[str, int]]
"""GPTs by facet and value."""


class FacetValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a facet.

    Attributes:
        value: as a filter takes it.
        count: GPTs that have it.
        label: what to show for it; None: the value. Of authors their display name now.
    """

    value: str
    count: int
    label: str | None = None


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by facet.

    Attributes:
        count: GPTs that were counted; inexact where counting stopped.
        values: of each facet, the most frequent first, equal ones by code point.
        partial: the facets that were counted over the first GPTs alone.
    """

    count: Count
    values: dict[str, tuple[FacetValue, ...]]
    partial: frozenset[str] = frozenset()


def facets(
    conn: Connection,
    wanted: Filter,
    *,
    names: Collection[str] = FACETS,
    exact: bool = False,
    at: Micros | None = None,
    sets: SetsWithin | None = None,
) -> Facets:
    """Counts by facet within a filter.

    Args:
        conn: a reading transaction.
        wanted: which GPTs are counted.
        names: the facets.
        exact: count to the end, instead of stopping at :data:`catalog.query.counting.LIMIT` GPTs.
        at: as of that moment; every GPT is then looked at.
        sets: remembers the sets of facets.

    Raises:
        InvalidFilter: a condition makes no sense.
        InvalidQuery: the text cannot be understood.
    """
    check(wanted)
    selection = Selection(with_known_authors(conn, wanted) if at is None else wanted)
    limit = None if exact else LIMIT
    if at is not None:
        number, counts = _then(conn, selection, at)
        partial: frozenset[str] = frozenset()
    elif selection.has_facets_alone:
        found = wanted_sets(conn, selection, sets)
        number, counts = Count(sum(gpts for _, gpts in found), exact=True), tally(found)
        partial = frozenset()
        if "author" in names:
            counts["author"], is_exact = _authors(conn, selection, limit)
            partial = frozenset() if is_exact else frozenset({"author"})
    else:
        number, counts = _of_hits(conn, selection, limit, sets)
        partial = frozenset() if number.exact else frozenset(names)
    if at is None:
        number = as_listed(conn, number)
    values = {name: _values(conn, name, counts.get(name, {})) for name in names}
    return Facets(count=number, values=values, partial=partial)


def _values(conn: Connection, name: str, counts: Mapping[str, int]) -> tuple[FacetValue, ...]:
    labels: dict[str, str | None] = {}
    if name == "author":
        # Ties are decided among those alone that may be told of.
        least = min(heapq.nlargest(AUTHORS, counts.values()), default=0)
        told = [each for each in counts.items() if each[1] >= least]
        ordered = sorted(told, key=_most_first)[:AUTHORS]
        labels = _names(conn, [value for value, _ in ordered])
    else:
        ordered = sorted(counts.items(), key=_most_first)
    return tuple(
        FacetValue(value=value, count=number, label=labels.get(value)) for value, number in ordered
    )


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    value, number = counted
    return -number, value


def _names(conn: Connection, user_ids: Sequence[str]) -> dict[str, str | None]:
    """The display names of some authors."""
    c = t.authors.c
    query = select(c.user_id, c.display_name).where(one_of(c.user_id, "ids"))
    return dict(conn.execute(query, {"ids": user_ids}).all()) if user_ids else {}


def _of_hits(
    conn: Connection, selection: Selection, limit: int | None, sets: SetsWithin | None
) -> tuple[Count, Counts]:
    """The counts over the hits themselves."""
    numbers: Counter[int] = Counter()
    authors: Counter[str | None] = Counter()

    def see(rows: Sequence[Row]) -> None:
        # Lists: a Counter takes them as fast as it can.
        numbers.update([row[0] for row in rows])
        authors.update([row[1] for row in rows])

    number = each_hit(conn, selection, limit, see)
    return number, tally(sets_of(conn, numbers, sets)) | {"author": _known(authors)}


def _known(authors: Counter[str | None]) -> Counter[str]:
    del authors[None]
    return cast("Counter[str]", authors)


def _authors(
    conn: Connection, selection: Selection, limit: int | None
) -> tuple[Counter[str], bool]:
    """The counts by author, which sets of facets do not hold; whether they are all."""
    if selection.wanted == Filter():
        return _all_authors(conn), True
    authors: Counter[str | None] = Counter()
    number = each_hit(conn, selection, limit, lambda rows: authors.update([row[1] for row in rows]))
    return _known(authors), number.exact


def _all_authors(conn: Connection) -> Counter[str]:
    """The authors with the most GPTs; those that stage 2 has still to look at are counted now."""
    a, c, q = t.authors.c, t.listings.c, t.stage_queue.c
    moved = select(q.key).where(q.kind == "author")
    settled = (
        select(a.user_id, a.gpt_count)
        .where(a.user_id.not_in(moved))
        .order_by(a.gpt_count.desc(), a.user_id)
        .limit(AUTHORS)
    )
    counted = select(c.user_id, func.count()).where(c.user_id.in_(moved)).group_by(c.user_id)
    return Counter({row[0]: row[1] for query in (settled, counted) for row in conn.execute(query)})


def _then(conn: Connection, selection: Selection, at: Micros) -> tuple[Count, Counts]:
    """The counts over the GPTs as they stood at a moment."""
    number = 0
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for listing in listings_at(conn, at):
        if selection.has(listing):
            number += 1
            for name, values in facets_of(listing).items():
                counts[name].update(values)
    return Count(number, exact=True), dict(counts)
