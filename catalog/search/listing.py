"""One GPT as it is browsed: what is searched, filtered, counted and sorted by. Pure."""

from __future__ import annotations

import math

import msgspec

from catalog.search.folding import script_of
from catalog.search.texts import Texts
from catalog.text import sort_key
from catalog.times import Micros, to_datetime

MOST_BUCKETS = 62
KEY_LENGTH = 200
"""Characters of a text that is sorted by: PostgreSQL's indexes take no more than 2,700 bytes."""

NO_NAME = "\U0010ffff"
"""The sort key of a GPT without a name: behind every name there is."""

_FEWEST_STARS, _MOST_STARS = 1, 5
_RANGE = _MOST_STARS - _FEWEST_STARS
# The 97.5 % quantile of the normal distribution: 95 % lie within it on both sides.
_Z = 1.959963984540054


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One GPT as it stands at some moment.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        description: its description.
        starters: its prompt starters.
        author: the author's display name.
        user_id: the author.
        categories: its categories, sorted.
        tools: the types of its tools, sorted.
        domains: the domains of its actions, sorted.
        tags: its tags, sorted.
        status: listed, missing or gone.
        voice: the voice it speaks with.
        conversations: how many it had, or the lower bound that is told.
        conversations_exact: whether that is the number itself.
        reviews: how many reviews it has.
        stars: the sum of their stars.
        created_at: when it was made, as its source says.
        updated_at: when it was touched last, as its source says; moves without a change.
        changed_at: when its content last changed.
        first_seen_at: when a source first gave its document.
        last_seen_at: when a source last did.
    """

    gizmo_id: str
    name: str | None = None
    description: str | None = None
    starters: tuple[str, ...] = ()
    author: str | None = None
    user_id: str | None = None
    categories: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    status: str = "listed"
    voice: str | None = None
    conversations: int | None = None
    conversations_exact: bool | None = None
    reviews: int | None = None
    stars: int | None = None
    created_at: Micros | None = None
    updated_at: Micros | None = None
    changed_at: Micros | None = None
    first_seen_at: Micros | None = None
    last_seen_at: Micros | None = None

    @property
    def texts(self) -> Texts:
        """What is searched of it."""
        author = (self.author,) if self.author else ()
        return Texts(
            name=self.name or "",
            labels=(*author, *self.categories, *self.tools, *self.domains),
            description=self.description or "",
            starters=self.starters,
        )

    @property
    def script(self) -> str:
        """The script of its name, see :func:`catalog.search.folding.script_of`."""
        return script_of(self.name or "")

    @property
    def year(self) -> int | None:
        """The UTC year of its creation; a moment of 0, or beyond a calendar's years, says none."""
        try:
            return to_datetime(self.created_at).year if self.created_at else None
        except OverflowError:
            return None

    @property
    def rating(self) -> float | None:
        """What its reviews are worth, see :func:`rating_bound`."""
        return rating_bound(self.stars, self.reviews)


def rating_bound(stars: int | None, reviews: int | None) -> float | None:
    """The lower bound of an average rating, 1 to 5: few reviews do not beat many.

    It is the lower end of Wilson's score interval at 95 %, over the share of the possible stars
    beyond the first, ``(stars - reviews) / (4 * reviews)``, scaled back to stars. (E. B. Wilson,
    "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.)

    Args:
        stars: the sum of all stars.
        reviews: the number of reviews.

    Returns:
        The bound; None without reviews.
    """
    if stars is None or not reviews or reviews < 0:
        return None
    # A source's sum may contradict its count; a share lies between 0 and 1.
    share = min(1.0, max(0.0, (stars - reviews * _FEWEST_STARS) / (_RANGE * reviews)))
    spread = _Z * math.sqrt(share * (1 - share) / reviews + (_Z / (2 * reviews)) ** 2)
    bound = (share + _Z * _Z / (2 * reviews) - spread) / (1 + _Z * _Z / reviews)
    return _FEWEST_STARS + _RANGE * max(0.0, bound)


def bucket(conversations: int | None) -> int:
    """The order of magnitude of a number of conversations: 0 for none, else 1 + ⌊log2⌋."""
    return min(MOST_BUCKETS, max(0, conversations or 0).bit_length())


def facets_of(listing: Listing) -> dict[str, tuple[str, ...]]:
    """The facet values of ``listing``, as stored, by the facet's name; the author is a user_id."""
    year = listing.year
    return {
        "category": listing.categories,
        "tool": listing.tools,
        "tag": listing.tags,
        "author": _of(listing.user_id),
        "status": _of(listing.status),
        "voice": _of(listing.voice),
        "script": _of(listing.script),
        "year": () if year is None else (str(year),),
    }


def _of(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def index_facets(listing: Listing) -> dict[str, tuple[str, ...]]:
    """The facet values that are index terms: :func:`facets_of`, and the author's name."""
    return {**facets_of(listing), "author_name": _of(listing.author)}


def order_columns(listing: Listing) -> dict[str, int | float | str]:
    """What ``listing`` is sorted by, so that every order ascends and what is not known comes last.

    Returns:
        ``by_conversations``, ``by_rating``, ``by_created``, ``by_updated``, ``by_changed``: the
        number with its sign turned; ``name_key``: cut, see :data:`NO_NAME`.
    """
    rating = listing.rating
    return {
        "by_conversations": 1 if listing.conversations is None else -listing.conversations,
        "by_rating": 0.0 if rating is None else -rating,
        "by_created": -(listing.created_at or 0),
        "by_updated": -(listing.updated_at or 0),
        "by_changed": -(listing.changed_at or 0),
        "name_key": NO_NAME if listing.name is None else sort_key(listing.name)[:KEY_LENGTH],
    }
