"""What a search gives: pages of GPTs, with what a list of them shows."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Select, and_, bindparam, case, func, select

from catalog.query.naming import known_as
from catalog.search.filters import Sort
from catalog.search.listing import facets_of
from catalog.storage import tables as t
from catalog.storage.dialects import one_of
from catalog.storage.listings import load_listings
from catalog.storage.prepared import Prepared
from catalog.times import Micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.search.listing import Listing


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One GPT in a list of GPTs.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        description: what it says of itself.
        author: the display name that its document shows, else the one its author is known by; as
            of a past moment the first alone.
        user_id: the author.
        categories: its categories.
        tools: the types of its tools.
        tags: the platform's marks.
        status: ``listed``, ``missing`` or ``gone``.
        voice: the voice it speaks with.
        conversations: how many there were, at least.
        conversations_text: the same as last sent: ``96``, ``25K+``.
        reviews: how many there are.
        average: their mean, in stars from 1 to 5.
        rating: the lower bound that lists are sorted by, see
            :func:`catalog.search.listing.rating_bound`.
        created_at: when it was made.
        updated_at: when it was last updated, as last sent; as of a past moment not known.
        changed_at: when its content last changed.
        first_seen_at: when a source first gave its document.
        last_seen_at: when a source last gave it; as of a past moment not known.
        confirmed_at: when a source last said that it is as it stands here: of a listed one, gave
            it; of others, was asked for it. As of a past moment not known.
    """

    gizmo_id: str
    name: str | None
    description: str | None
    author: str | None
    user_id: str | None
    categories: tuple[str, ...]
    tools: tuple[str, ...]
    tags: tuple[str, ...]
    status: str
    voice: str | None
    conversations: int | None
    conversations_text: str | None
    reviews: int | None
    average: float | None
    rating: float | None
    created_at: Micros | None
    updated_at: Micros | None
    changed_at: Micros | None
    first_seen_at: Micros | None
    last_seen_at: Micros | None
    confirmed_at: Micros | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the GPTs that were asked for, in their order.

    Attributes:
        items: the GPTs.
        after: the cursor of the next page; None: this is the last one.
        sort: the order they are in.
    """

    items: tuple[Found, ...]
    after: str | None
    sort: Sort


class Count(msgspec.Struct, frozen=True):
    """How many GPTs there are.

    Attributes:
        number: so many.
        exact: whether there are no more: counting may stop early.
    """

    number: int
    exact: bool

    def __str__(self) -> str:
        """``1,234``, or ``20,000+`` where there may be more."""
        return f"{self.number:,}{'' if self.exact else '+'}"


def details(conn: Connection, gizmo_ids: Sequence[str]) -> list[Found]:
    """What a list shows of some GPTs, in the order they are named, by one query."""
    rows = _DETAILS.rows(conn, {"gizmo_ids": list(gizmo_ids)}) if gizmo_ids else ()
    found = {row[0]: _of_row(row) for row in rows}
    return [found[gizmo_id] for gizmo_id in gizmo_ids]


def details_at(conn: Connection, gizmo_ids: Sequence[str], at: Micros) -> list[Found]:
    """The same as of a moment."""
    if not gizmo_ids:
        return []
    listings = load_listings(conn, gizmo_ids, at)
    rows = conn.execute(_TEXTS_AT, {"gizmo_ids": list(gizmo_ids), "at": at})
    texts: dict[str, str | None] = dict(rows.all())
    return [_of_listing(listings[each], texts.get(each)) for each in gizmo_ids]


def _details() -> Select[Any]:
    listing, gizmo, author, sets = t.listings.c, t.gizmos.c, t.gizmo_authors, t.facet_sets.c
    point = t.vanity_metrics.alias()
    latest = (
        select(point.c.num_conversations_str)
        .where(point.c.gizmo_id == listing.gizmo_id)
        .order_by(point.c.observed_at.desc())
        .limit(1)
        .correlate(t.listings)
        .scalar_subquery()
    )
    return (
        select(
            listing.gizmo_id,
            sets.facets,
            listing.stars,
            listing.reviews,
            listing.by_rating,
            gizmo.name,
            gizmo.description,
            # Looked up for the few alone whose documents show no name.
            func.coalesce(author.c.display_name, known_as(listing.user_id)),
            listing.user_id,
            listing.conversations,
            latest,
            gizmo.created_at,
            gizmo.updated_at,
            gizmo.last_changed_at,
            gizmo.first_seen_at,
            gizmo.last_seen_at,
            case((gizmo.status == "listed", gizmo.last_seen_at), else_=gizmo.last_asked_at),
        )
        .join(t.gizmos, gizmo.gizmo_id == listing.gizmo_id)
        .join(t.facet_sets, sets.facet_id == listing.facet_id)
        .outerjoin(author, and_(author.c.gizmo_id == listing.gizmo_id, author.c.valid_to.is_(None)))
        .where(one_of(listing.gizmo_id, "gizmo_ids"))
    )


def _texts_at() -> Select[Any]:
    """The latest ``num_conversations_str`` of some GPTs at a moment."""
    point, later = t.vanity_metrics, t.vanity_metrics.alias()
    last = (
        select(func.max(later.c.observed_at))
        .where(later.c.gizmo_id == point.c.gizmo_id, later.c.observed_at <= bindparam("at"))
        .correlate(point)
        .scalar_subquery()
    )
    return select(point.c.gizmo_id, point.c.num_conversations_str).where(
        one_of(point.c.gizmo_id, "gizmo_ids"), point.c.observed_at == last
    )


_FACETS = msgspec.json.Decoder(dict[str, tuple[str, ...]])
_DETAILS = Prepared(_details())
_TEXTS_AT = _texts_at()


def _of_row(row: tuple[Any, ...]) -> Found:
    """A row of ``_DETAILS``; written out, as a page has many."""
    (
        gizmo_id,
        facets,
        stars,
        reviews,
        by_rating,
        name,
        description,
        author,
        user_id,
        conversations,
        text,
        created_at,
        updated_at,
        changed_at,
        first_seen_at,
        last_seen_at,
        confirmed_at,
    ) = row
    return Found(
        gizmo_id=gizmo_id,
        name=name,
        description=description,
        author=author,
        user_id=user_id,
        conversations=conversations,
        conversations_text=text,
        reviews=reviews,
        average=_average(stars, reviews),
        # An order's column has it with its sign turned, and 0 for none.
        rating=-by_rating if by_rating else None,
        created_at=created_at,
        updated_at=updated_at,
        changed_at=changed_at,
        first_seen_at=first_seen_at,
        last_seen_at=last_seen_at,
        confirmed_at=confirmed_at,
        **_of_stored(facets),
    )


@lru_cache(maxsize=4096)
def _of_stored(facets: str) -> dict[str, Any]:
    """What a set of facets tells; few sets serve all GPTs."""
    return _of_facets(_FACETS.decode(facets))


def _of_listing(listing: Listing, text: str | None) -> Found:
    return Found(
        gizmo_id=listing.gizmo_id,
        name=listing.name,
        description=listing.description,
        author=listing.author,
        user_id=listing.user_id,
        conversations=listing.conversations,
        conversations_text=text,
        reviews=listing.reviews,
        average=_average(listing.stars, listing.reviews),
        rating=listing.rating,
        created_at=listing.created_at,
        updated_at=listing.updated_at,
        changed_at=listing.changed_at,
        first_seen_at=listing.first_seen_at,
        last_seen_at=listing.last_seen_at,
        confirmed_at=None,
        **_of_facets(facets_of(listing)),
    )


def _of_facets(facets: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The members of :class:`Found` that facets tell."""
    return {
        "categories": facets.get("category", ()),
        "tools": facets.get("tool", ()),
        "tags": facets.get("tag", ()),
        "status": facets["status"][0],
        "voice": next(iter(facets.get("voice", ())), None),
    }


def _average(stars: int | None, reviews: int | None) -> float | None:
    return stars / reviews if stars is not None and reviews else None
