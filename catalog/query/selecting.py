"""A filter as a catalog can answer it: terms of the index, conditions on columns, texts to verify.

A filter's values (category, tool, author, ...) are terms of the search index, as its words are; its
numbers and times are conditions on columns of ``listings``. Where the terms alone cannot say
whether a text matches, as with phrases, the texts of the candidates are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, select

from catalog.query.candidates import UNINDEXED
from catalog.search.filters import EVERY, ONE_OF, Filter, Matching, order_key
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
)
from catalog.search.terms import Any as AnyOf
from catalog.storage import tables as t
from catalog.storage.listings import load_listings, load_texts
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from catalog.query.candidates import Terms
    from catalog.search.filters import Sort
    from catalog.search.listing import Listing

Key = tuple[Any, ...]
"""Where a GPT stands in an order: :func:`catalog.search.filters.order_key`."""


REMEMBERED = 20_000
"""GPTs whose tiers are remembered while a search goes on."""
_APART = select(t.listings.c.gizmo_id).where(UNINDEXED)


class Selection:
    """A filter, prepared.

    Args:
        wanted: the filter, checked.

    Attributes:
        wanted: the filter, spelled in one way.
        has_text: whether it searches a text.
        conditions: what its numbers and times ask of ``listings``.
        terms: what was found of the index's terms; it serves one reading transaction.
    """

    def __init__(self, wanted: Filter) -> None:
        self.wanted = wanted.normal()
        self.conditions = tuple(_conditions(self.wanted))
        self.has_text = self.wanted.text is not None
        self._query = None if self.wanted.text is None else parse_query(self.wanted.text)
        self._matching = Matching(self.wanted)
        self._matcher = None if self._query is None else Matcher(self._query)
        self._values = tuple(_values(self.wanted))
        self.terms: Terms = {}
        self._known: dict[str, int | None] = {}

    @property
    def tiers(self) -> Sequence[int]:
        """The tiers that its hits are of; without a text all are of the first."""
        return TIERS if self.has_text else TIERS[:1]

    @property
    def only_category(self) -> str | None:
        """The category, where nothing else is asked."""
        categories = self.wanted.categories
        if len(categories) == 1 and self.wanted == Filter(categories=categories):
            return categories[0]
        return None

    @property
    def has_facets_alone(self) -> bool:
        """Whether :meth:`has_facets` decides it."""
        return not (self.has_text or self.conditions or self.wanted.authors)

    def in_tier(self, tier: int) -> Candidates | None:
        """What the index is asked for the hits of one tier; None: nothing."""
        if self._query is None:
            return self.anywhere()
        return self._with_values(candidates(self._query, tier))

    def anywhere(self) -> Candidates | None:
        """What the index is asked for the hits of all tiers at once; None: nothing."""
        if self._query is None:
            return Candidates(_all(self._values), exact=True) if self._values else None
        return self._with_values(anywhere(self._query))

    def _with_values(self, found: Candidates) -> Candidates:
        return Candidates(_all((found.expression, *self._values)), found.exact)

    def tier(self, listing: Listing) -> int | None:
        """The tier of a listing; None: it is not wanted."""
        return self._matching.tier(listing)

    def has(self, listing: Listing) -> bool:
        """Whether a listing is wanted."""
        return self.tier(listing) is not None

    def has_facets(self, facets: Mapping[str, Sequence[str]]) -> bool:
        """Whether facets but the author are as wanted."""
        return self._matching.facets_hold(facets)

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
        query = _APART.where(*self.conditions) if self.conditions else _APART
        gizmo_ids = conn.execute(query).scalars().all()
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


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """What the filter's numbers and times ask of columns; no value meets no condition."""
    c = t.listings.c
    yield from _between(c.conversations, wanted.min_conversations, wanted.max_conversations)
    # Says the same of the order, so that a walk along it begins and ends where it may.
    yield from _between(
        c.by_conversations, _negated(wanted.max_conversations), _negated(wanted.min_conversations)
    )
    yield from _between(c.reviews, wanted.min_reviews, None)
    yield from _known(c.by_rating, wanted.min_rating, None)
    yield from _known(c.by_created, wanted.created_since, wanted.created_until)
    yield from _known(c.by_updated, wanted.updated_since, wanted.updated_until)
    yield from _known(c.by_changed, wanted.changed_since, wanted.changed_until)
    yield from _between(c.first_seen_at, wanted.seen_since, wanted.seen_until)


def _between(
    column: ColumnElement[Any], low: float | None, high: float | None
) -> Iterator[ColumnElement[bool]]:
    if low is not None:
        yield column >= low
    if high is not None:
        yield column <= high


def _known(
    column: ColumnElement[Any], low: float | None, high: float | None
) -> Iterator[ColumnElement[bool]]:
    """The same of a column that holds the value negated, and 0 for none."""
    yield from _between(column, _negated(high), _negated(low))
    if low is not None or high is not None:
        yield column != 0


def _negated(value: float | None) -> float | None:
    return None if value is None else -value
