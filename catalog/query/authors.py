"""Authors: found by name, in pages, and one with all its GPTs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Connection, and_, cast, func, or_, select, tuple_

from catalog.errors import NotFound, UsageError
from catalog.query.limits import check_limit
from catalog.query.sets import sets_of, tally
from catalog.search.cursors import Number, decode, encode
from catalog.search.filters import STATUSES
from catalog.search.listing import rating_bound
from catalog.storage import tables as t
from catalog.storage.dialects import raw_rows
from catalog.storage.rows import chunks
from catalog.text import sort_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.query.sets import SetsWithin
    from catalog.times import Micros

AuthorSort = Literal["gpts", "conversations", "name", "first_seen"]
AUTHOR_SORTS: tuple[AuthorSort, ...] = get_args(AuthorSort)

_NAMELESS = "\U0010ffff"
"""Stands after every name."""
BEHIND = (
    "authors of what came last are not counted yet: they are when the harvest or import that brings"
    " it ends; if it was cut off, give the same command again"
)
"""What is said where :func:`are_behind`."""
_MOST_NAMESAKES = 5
"""So many authors of one name are told."""


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """An author, in numbers (rule 11).

    Attributes:
        user_id: who.
        display_name: the name as shown.
        link_to: the website.
        is_verified: whether the name was verified.
        gpts: GPTs whose current document names it, those gone too.
        conversations: the sum of the lower bounds of their conversations.
        reviews: the sum of their reviews.
        stars: the sum of their stars.
        first_seen_at: when a document first named it.
    """

    user_id: str
    display_name: str | None
    link_to: str | None
    is_verified: bool | None
    gpts: int
    conversations: int
    reviews: int
    stars: int
    first_seen_at: Micros

    @property
    def rating(self) -> float | None:
        """The bound of :func:`catalog.search.listing.rating_bound` over all reviews, 1 to 5."""
        return rating_bound(self.stars, self.reviews)


class AuthorPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of authors.

    Attributes:
        items: the authors.
        after: where the next page begins; None: this is the last.
        sort: by what they are sorted.
    """

    items: tuple[Author, ...]
    after: str | None
    sort: AuthorSort


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One GPT of an author.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        status: ``listed``, ``missing`` or ``gone``.
        conversations: a lower bound; None: not known.
        conversations_exact: whether that is the number.
        reviews: how many; None: not known.
        created_at: when it was made.
        first_seen_at: when a source first gave its document.
    """

    gizmo_id: str
    name: str | None
    status: str
    conversations: int | None
    conversations_exact: bool | None
    reviews: int | None
    created_at: Micros | None
    first_seen_at: Micros


class AuthorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An author with all its GPTs.

    Attributes:
        author: the author, in numbers.
        socials: the accounts it shows: type, display_name, verified and verified_data of each, as
            far as they are stated.
        works: its GPTs, the most used first; none where they were not asked for.
        statuses: how many are listed, missing, gone.
    """

    author: Author
    socials: tuple[dict[str, Any], ...]
    works: tuple[Work, ...]
    statuses: dict[str, int]


def authors(
    conn: Connection,
    text: str | None = None,
    *,
    sort: AuthorSort = "gpts",
    limit: int = 50,
    after: str | None = None,
) -> AuthorPage:
    """Authors whose name holds every word of a text, in upper or lower case, or whose id it is.

    Args:
        conn: a reading transaction.
        text: the words; None: all authors.
        sort: by number of GPTs or conversations, the most first; by name; or by when they were
            first seen, the latest first. Equal ones by id.
        limit: how many at most.
        after: where the page before ended.

    Raises:
        InvalidCursor: ``after`` is damaged, or of another question.
        UsageError: ``limit`` is no number of authors to be asked for at once.
    """
    check_limit(limit)
    text = (text or "").strip()
    a = t.authors.c
    totals = _totals()
    order: dict[AuthorSort, ColumnElement[Any]] = {
        "gpts": -a.gpt_count,
        "conversations": -func.coalesce(totals.c.conversations, 0),
        "name": func.coalesce(a.name_key, _NAMELESS),
        "first_seen": -a.first_seen_at,
    }
    key = (order[sort], a.user_id)
    query = select(*_COLUMNS, key[0].label("key")).order_by(*key).limit(limit + 1)
    if sort == "conversations":
        query = query.outerjoin(totals, totals.c.user_id == a.user_id)
    if text:
        words = [a.name_key.contains(word, autoescape=True) for word in sort_key(text).split()]
        query = query.where(or_(and_(*words), a.user_id == text))
    # Unfolded: an id is compared as it is.
    question = ("authors", sort, text)
    if after is not None:
        type_: Any = tuple[str, str] if sort == "name" else tuple[Number, str]
        query = query.where(tuple_(*key) > tuple_(*decode(after, question, type_)))
    rows = list(conn.execute(query).mappings())
    page = rows[:limit]
    return AuthorPage(
        items=tuple(_with_totals(conn, page)),
        after=(
            encode(question, (page[-1]["key"], page[-1]["user_id"]))
            if page and len(rows) > limit
            else None
        ),
        sort=sort,
    )


def author(
    conn: Connection, who: str, *, works: bool = True, sets: SetsWithin | None = None
) -> AuthorDetail:
    """An author and all its GPTs.

    Args:
        conn: a reading transaction.
        who: its ``user_id``, or its name where only one has it.
        works: whether the GPTs are told of one by one: a few authors have tens of thousands.
        sets: remembers the sets of facets.

    Raises:
        NotFound: no current document names it.
        UsageError: several authors have that name.
    """
    user_id = _user_id(conn, who)
    a = t.authors.c
    row = conn.execute(select(*_COLUMNS, a.gizmo_id).where(a.user_id == user_id)).mappings().one()
    sums, statuses = _summed(conn, user_id, sets)
    return AuthorDetail(
        author=_author(row, sums),
        socials=_socials(conn, row["gizmo_id"]),
        works=_works(conn, user_id) if works else (),
        statuses=statuses,
    )


def _works(conn: Connection, user_id: str) -> tuple[Work, ...]:
    li, g = t.listings.c, t.gizmos.c
    found = conn.execute(
        select(
            li.gizmo_id,
            g.name,
            g.status,
            li.conversations,
            li.conversations_exact,
            li.reviews,
            g.created_at,
            g.first_seen_at,
        )
        .join(t.gizmos, g.gizmo_id == li.gizmo_id)
        .where(li.user_id == user_id)
        .order_by(li.by_conversations, li.gizmo_id)
    ).mappings()
    return tuple(Work(**each) for each in found)


def _summed(conn: Connection, user_id: str, sets: SetsWithin | None) -> tuple[Sums, dict[str, int]]:
    """An author's sums, and how many of its GPTs have which status.

    One walk over them tells both: few sets of facets stand for the statuses of all.
    """
    c = t.listings.c
    query = (
        select(c.facet_id, func.count(), *_sums()).where(c.user_id == user_id).group_by(c.facet_id)
    )
    rows = raw_rows(conn, query, {})
    counts = tally(sets_of(conn, {row[0]: row[1] for row in rows}, sets)).get("status", {})
    conversations, reviews, stars = (sum(row[at] for row in rows) for at in (2, 3, 4))
    return (
        (conversations, reviews, stars),
        {status: counts[status] for status in STATUSES if status in counts},
    )


_COLUMNS = tuple(
    t.authors.c[name]
    for name in (
        "user_id",
        "display_name",
        "link_to",
        "is_verified",
        "gpt_count",
        "first_seen_at",
    )
)


Sums = tuple[int, int, int]
"""Conversations, reviews and stars."""


def _sums() -> list[ColumnElement[int]]:
    c = t.listings.c
    return [
        # PostgreSQL sums up to a type of its own.
        cast(func.coalesce(func.sum(c[name]), 0), BigInteger).label(name)
        for name in ("conversations", "reviews", "stars")
    ]


def _totals(among: Sequence[str] | None = None) -> Any:
    """The sums over each author's GPTs."""
    c = t.listings.c
    query = select(c.user_id, *_sums()).group_by(c.user_id)
    if among is not None:
        return query.where(c.user_id.in_(among))
    return query.where(c.user_id.is_not(None)).subquery("totals")


def _with_totals(conn: Connection, rows: Sequence[Any]) -> list[Author]:
    sums: dict[str, Sums] = {}
    for part in chunks([row["user_id"] for row in rows]):
        for user_id, conversations, reviews, stars in conn.execute(_totals(part)):
            sums[user_id] = (conversations, reviews, stars)
    return [_author(row, sums.get(row["user_id"], (0, 0, 0))) for row in rows]


def _author(row: Any, sums: Sums) -> Author:
    conversations, reviews, stars = sums
    return Author(
        user_id=row["user_id"],
        display_name=row["display_name"],
        link_to=row["link_to"],
        is_verified=row["is_verified"],
        gpts=row["gpt_count"],
        conversations=conversations,
        reviews=reviews,
        stars=stars,
        first_seen_at=row["first_seen_at"],
    )


def _socials(conn: Connection, gizmo_id: str) -> tuple[dict[str, Any], ...]:
    c = t.CHILDREN["author_socials"].c
    columns = [c[name] for name in ("type", "display_name", "verified", "verified_data")]
    found = conn.execute(
        select(*columns).where(c.gizmo_id == gizmo_id, c.valid_to.is_(None)).order_by(c.element)
    ).mappings()
    return tuple(
        {
            name: msgspec.json.decode(value) if name == "verified_data" else value
            for name, value in row.items()
            if value is not None
        }
        for row in found
    )


def are_behind(conn: Connection) -> bool:
    """Whether authors of what came last are still to be counted: by what brought it, as it ends."""
    q = t.stage_queue.c
    return conn.execute(select(q.key).where(q.kind == "author").limit(1)).first() is not None


def _user_id(conn: Connection, who: str) -> str:
    """The author that is meant."""
    a, text = t.authors.c, who.strip()
    if conn.execute(select(a.user_id).where(a.user_id == text)).first() is not None:
        return text
    same = conn.execute(
        select(a.user_id)
        .where(a.name_key == sort_key(text))
        .order_by(a.gpt_count.desc(), a.user_id)
        .limit(_MOST_NAMESAKES + 1)
    ).scalars()
    found = list(same)
    if not found:
        raise NotFound(
            f"no current document names an author {text!r}: gpts-catalog authors finds them by"
            f" words of their names{f'; {BEHIND}' if are_behind(conn) else ''}"
        )
    if len(found) > 1:
        shown = ", ".join(found[:_MOST_NAMESAKES])
        more = ", and more" if len(found) > _MOST_NAMESAKES else ""
        raise UsageError(f"several authors are called {text!r}: name one by its id: {shown}{more}")
    return str(found[0])
