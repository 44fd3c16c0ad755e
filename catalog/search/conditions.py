"""What a filter means: whether it holds of a single listing, and where that stands in an order.

The query layer asks an index for the same; every answer of its is held against this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from catalog.search.filters import EVERY, MOMENTS, ONE_OF, Filter
from catalog.search.listing import Listing, bucket, facets_of, order_columns
from catalog.search.matching import Matcher
from catalog.search.queries import parse_query
from catalog.search.terms import facet_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.search.filters import Sort

_COLUMNS = {
    "conversations": "by_conversations",
    "rating": "by_rating",
    "created": "by_created",
    "updated": "by_updated",
    "changed": "by_changed",
    "name": "name_key",
}


def facet_groups(normal: Filter) -> tuple[tuple[str, frozenset[str]], ...]:
    """What a filter asks of facets but the author.

    Args:
        normal: the filter, spelled in the one way; see :meth:`Filter.normal`.

    Returns:
        Facets, each with the keys of values of which a GPT must have one. See :func:`facet_key`.
    """
    every = (
        (facet, frozenset({key}))
        for field, facet in EVERY.items()
        for key in getattr(normal, field)
    )
    one_of = (
        (facet, frozenset(map(str, asked)))
        for field, facet in ONE_OF.items()
        if (asked := getattr(normal, field))
    )
    return (*every, *one_of)


class Matching:
    """A filter made ready to look at many listings.

    Args:
        wanted: which GPTs are wanted.

    Raises:
        InvalidQuery: the search text cannot be understood.
    """

    def __init__(self, wanted: Filter) -> None:
        normal = wanted.normal()
        self._matcher = None if normal.text is None else Matcher(parse_query(normal.text))
        self._facets = facet_groups(normal)
        self._user_ids = frozenset(normal.authors)
        self._authors = frozenset(map(facet_key, normal.authors))
        self._numbers = tuple(_numbers(normal))
        self._moments = tuple(_moments(normal))

    def tier(self, listing: Listing) -> int | None:
        """How well ``listing`` matches: 0 is best, and all there is without a text; None: not."""
        if not self.conditions_hold(listing):
            return None
        return 0 if self._matcher is None else self._matcher.tier(listing.texts)

    def conditions_hold(self, listing: Listing) -> bool:
        """Whether everything holds but the text."""
        return (
            all(each.holds(getattr(listing, each.name)) for each in self._numbers)
            # A moment of 0 says as little as none.
            and all(each.holds(getattr(listing, each.name) or None) for each in self._moments)
            and (not self._user_ids or self._is_by_them(listing))
            and (not self._facets or self._facets_hold(facets_of(listing)))
        )

    def _facets_hold(self, facets: Mapping[str, Sequence[str]]) -> bool:
        return all(
            not asked.isdisjoint(map(facet_key, facets[facet])) for facet, asked in self._facets
        )

    def _is_by_them(self, listing: Listing) -> bool:
        return listing.user_id in self._user_ids or (
            listing.author is not None and facet_key(listing.author) in self._authors
        )


class _Bounds(msgspec.Struct, frozen=True):
    """The least and the most that is asked of a number of a listing, by its name there."""

    name: str
    low: float | None
    high: float | None = None

    def holds(self, value: float | None) -> bool:
        """Whether ``value`` is known, and lies within."""
        return (
            value is not None
            and (self.low is None or self.low <= value)
            and (self.high is None or value <= self.high)
        )

    def __bool__(self) -> bool:
        return self.low is not None or self.high is not None


def _numbers(normal: Filter) -> Iterator[_Bounds]:
    conversations = (normal.min_conversations, normal.max_conversations)
    yield from filter(
        None,
        (
            _Bounds("conversations", *conversations),
            _Bounds("reviews", normal.min_reviews),
            _Bounds("rating", normal.min_rating),
        ),
    )


def _moments(normal: Filter) -> Iterator[_Bounds]:
    for what, name in MOMENTS.items():
        bounds = _Bounds(name, getattr(normal, f"{what}_since"), getattr(normal, f"{what}_until"))
        if bounds:
            yield bounds


def matches(wanted: Filter, listing: Listing) -> bool:
    """Whether everything that ``wanted`` asks for holds of ``listing``, but for the text."""
    return Matching(msgspec.structs.replace(wanted, text=None)).conditions_hold(listing)


def order_key(sort: Sort, listing: Listing, tier: int = 0) -> tuple[Any, ...]:
    """What ``listing`` is sorted by: tuples ascend, and end with the gizmo_id.

    Args:
        sort: the order.
        listing: the GPT.
        tier: how well it matches the text; matters by relevance alone.

    Returns:
        By relevance the tier, the bucket of conversations, larger first, and the gizmo_id; else
        what :func:`catalog.search.listing.order_columns` has for that order, and the gizmo_id.
    """
    if sort == "relevance":
        return tier, -bucket(listing.conversations), listing.gizmo_id
    return order_columns(listing)[_COLUMNS[sort]], listing.gizmo_id
