"""A filter as a catalog can answer it: terms of the index, conditions on columns, texts to verify.

A filter's values (category, tool, author, ...) are terms of the search index, as its words are; its
numbers and times are conditions on columns of ``listings``. Where the terms alone cannot say
whether a text matches, as with phrases, the texts of the candidates are looked at.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from catalog.query.bounds import SHAPES, bounds_of, conditions
from catalog.query.candidates import CAPPED, UNINDEXED, Memory
from catalog.search.conditions import Matching, facet_groups, order_key
from catalog.search.filters import EVERY, ONE_OF, STATUSES, Filter
from catalog.search.matching import LABELS, STARTERS, TIERS, Matcher
from catalog.search.queries import parse_query
from catalog.search.terms import (
    All,
    Candidates,
    Expression,
    Lexeme,
    anywhere,
    candidates,
    facet_term,
    without,
)
from catalog.search.terms import Any as AnyOf
from catalog.storage import tables as t
from catalog.storage.listings import load_listings, load_texts
from catalog.storage.prepared import Prepared
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from catalog.search.filters import Sort
    from catalog.search.listing import Listing

Key = tuple[Any, ...]
"""Where a GPT stands in an order: :func:`catalog.search.filters.order_key`."""


REMEMBERED = 20_000
"""GPTs whose tiers are remembered while a search goes on."""


@lru_cache(maxsize=SHAPES)
def _apart(names: tuple[str, ...]) -> Prepared:
    """The listings that the index does not hold."""
    return Prepared(select(t.listings.c.gizmo_id).where(UNINDEXED, *conditions(names)))


class Selection:
    """A filter, prepared.

    Args:
        wanted: the filter, checked.

    Attributes:
        wanted: the filter, spelled in one way.
        has_text: whether it searches a text.
        bounds: its numbers and times.
        facet_groups: what it asks of facets but the author, see
            :func:`catalog.search.conditions.facet_groups`.
        memory: what was found out about the index; it serves one reading transaction.
    """

    def __init__(self, wanted: Filter) -> None:
        self.wanted = wanted.normal()
        self.bounds = bounds_of(self.wanted)
        self.has_text = self.wanted.text is not None
        self._query = None if self.wanted.text is None else parse_query(self.wanted.text)
        self._matcher = None if self._query is None else Matcher(self._query)
        self._values = tuple(_values(self.wanted))
        self.facet_groups = facet_groups(self.wanted)
        self.memory = Memory()
        self._known: dict[str, int | None] = {}

    @property
    def tiers(self) -> Sequence[int]:
        """The tiers that its hits are of; where no word is to be found, all are of the first."""
        return TIERS if self._query is not None and self._query.terms else TIERS[:1]

    @property
    def only_category(self) -> str | None:
        """The category, where nothing else is asked."""
        categories = self.wanted.categories
        if len(categories) == 1 and self.wanted == Filter(categories=categories):
            return categories[0]
        return None

    @property
    def has_facets_alone(self) -> bool:
        """Whether :attr:`facet_groups` says all that is asked."""
        return not (self.has_text or self.bounds.names or self.wanted.authors)

    @property
    def probable(self) -> int:
        """Hits of a tier that there probably are no more of, for PostgreSQL; 0: nobody knows.

        Several terms at once are in few GPTs.
        """
        several = self._query is not None and len(self._query.terms) > 1
        return CAPPED if several else 0

    def in_tier(self, tier: int) -> Candidates | None:
        """What the index is asked for the hits of one tier; None: nothing."""
        if self._query is None or not self._query.terms:
            return self.anywhere()
        return self._with_values(candidates(self._query, tier))

    def anywhere(self) -> Candidates | None:
        """What the index is asked for the hits of all tiers at once; None: nothing."""
        if self._query is None:
            return Candidates(_all(self._values), exact=True) if self._values else None
        if not self._query.terms:
            return without(_all(self._values or _EVERY), self._query)
        return self._with_values(anywhere(self._query))

    def _with_values(self, found: Candidates) -> Candidates:
        return Candidates(_all((found.expression, *self._values)), found.exact)

    @cached_property
    def _matching(self) -> Matching:
        return Matching(self.wanted)

    def tier(self, listing: Listing) -> int | None:
        """The tier of a listing; None: it is not wanted."""
        return self._matching.tier(listing)

    def has(self, listing: Listing) -> bool:
        """Whether a listing is wanted."""
        return self.tier(listing) is not None

    def verified_in(self, conn: Connection, gizmo_ids: Sequence[str], tier: int) -> Collection[str]:
        """Those candidates that are of a tier."""
        found = self._tiers(conn, gizmo_ids, tier)
        return {gizmo_id for gizmo_id in gizmo_ids if found.get(gizmo_id) == tier}

    def verified(self, conn: Connection, gizmo_ids: Sequence[str]) -> Collection[str]:
        """Those candidates whose texts are as wanted."""
        found = self._tiers(conn, gizmo_ids, STARTERS)
        return {gizmo_id for gizmo_id in gizmo_ids if found.get(gizmo_id) is not None}

    def _tiers(
        self, conn: Connection, gizmo_ids: Sequence[str], tier: int
    ) -> Mapping[str, int | None]:
        """The tiers of those candidates that are of this tier, or a better one.

        The tiers share candidates: those whose texts were read whole are remembered.
        """
        matcher = self._matcher
        if matcher is None:
            return dict.fromkeys(gizmo_ids, 0)
        if matcher.query.excluded:
            # What must not be there may stand anywhere.
            tier = STARTERS
        known = self._known
        found = {gizmo_id: known[gizmo_id] for gizmo_id in gizmo_ids if gizmo_id in known}
        missing = [gizmo_id for gizmo_id in gizmo_ids if gizmo_id not in known]
        for gizmo_id, texts in load_texts(conn, missing, tier):
            found[gizmo_id] = matcher.tier(texts)
        if tier > LABELS:
            if len(known) > REMEMBERED:
                known.clear()
            known |= found
        return found

    def unindexed(self, conn: Connection) -> list[Listing]:
        """The hits among the listings that the index does not hold: few, if any."""
        rows = _apart(self.bounds.names).rows(conn, self.bounds.given)
        gizmo_ids = [gizmo_id for (gizmo_id,) in rows]
        found = (
            listing for part in chunks(gizmo_ids) for listing in load_listings(conn, part).values()
        )
        return [listing for listing in found if self.has(listing)]

    def unindexed_keys(self, conn: Connection, sort: Sort) -> list[Key]:
        """Where these stand, in their order."""
        return sorted(
            order_key(sort, listing, self.tier(listing) or 0) for listing in self.unindexed(conn)
        )


def _all(parts: tuple[Expression, ...]) -> Expression:
    return parts[0] if len(parts) == 1 else All(parts)


def _values(wanted: Filter) -> Iterator[Expression]:
    """What the filter's values ask of the index, to hold all at once."""
    for members, kind in EVERY.items():
        for value in getattr(wanted, members):
            yield Lexeme(facet_term(kind, value))
    for members, kind in ONE_OF.items():
        yield from _one_of(facet_term(kind, str(value)) for value in getattr(wanted, members))
    yield from _one_of(
        facet_term(kind, author) for author in wanted.authors for kind in ("author", "author_name")
    )


def _one_of(terms: Iterable[str]) -> Iterator[Expression]:
    lexemes = tuple(map(Lexeme, terms))
    if lexemes:
        yield lexemes[0] if len(lexemes) == 1 else AnyOf(lexemes)


_EVERY = tuple(_one_of(facet_term("status", status) for status in STATUSES))
"""What the index has of every listing."""
