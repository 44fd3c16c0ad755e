"""Listings as they are read from the rows of their GPTs: what is browsed, of now or of a moment.

Nothing here reads the table of that name, which only repeats it: see
:mod:`catalog.storage.relisting`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, func, or_, select

from catalog.fields import FLAPPING
from catalog.search.listing import KEY_LENGTH, Listing, bucket, index_facets, order_columns
from catalog.search.matching import LABELS, NAME
from catalog.search.terms import TERMS, facet_key, index_terms
from catalog.search.texts import Texts
from catalog.storage import tables as t
from catalog.storage.dialects import one_of, raw_rows
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Select, Table

    from catalog.records import Row
    from catalog.times import Micros

_DIGEST = 16
_MOST_AT_ONCE = 2000
_OF_AUTHORS = ("author", "author_name")
"""Facets that nearly every GPT has another value of: no part of its set."""


def cut_key(text: str) -> str:
    """What indexes hold of ``text``: its beginning."""
    return text[:KEY_LENGTH]


def _holds(table: Any, at: Any) -> Any:
    """The predicate of a row that holds at a moment, None for now."""
    if at is None:
        return table.c.valid_to.is_(None)
    return (table.c.valid_from <= at) & or_(table.c.valid_to.is_(None), table.c.valid_to > at)


def _scalars(at: Any) -> Select[Any]:
    """The columns of :class:`Listing` that are no lists, in its order, of some GPTs."""
    g, a = t.gizmos.c, t.gizmo_authors
    v, points = t.vanity_metrics, t.vanity_metrics.alias("points")
    latest = select(func.max(points.c.observed_at)).where(points.c.gizmo_id == g.gizmo_id)
    if at is not None:
        latest = latest.where(points.c.observed_at <= at)
    is_latest = (v.c.gizmo_id == g.gizmo_id) & (v.c.observed_at == latest.scalar_subquery())
    r: Any = g
    source: Any = t.gizmos
    status: Any = g.status
    updated: Any = g.updated_at
    changed: Any = g.last_changed_at
    seen: Any = g.last_seen_at
    if at is not None:
        # What only the latest value is kept of is not known of the past.
        r, status = t.gizmo_revisions.c, t.statuses.c.status
        source = t.gizmos.join(
            t.statuses, (t.statuses.c.gizmo_id == g.gizmo_id) & _holds(t.statuses, at)
        ).outerjoin(
            t.gizmo_revisions,
            (t.gizmo_revisions.c.gizmo_id == g.gizmo_id) & _holds(t.gizmo_revisions, at),
        )
        c = t.changes.c
        changed = (
            select(func.max(c.observed_at))
            .where(
                c.gizmo_id == g.gizmo_id,
                c.observed_at <= at,
                c.cls == "content",
                c.field.not_in(sorted(FLAPPING)),
            )
            .scalar_subquery()
        )
        updated = seen = bindparam("unknown", None, type_=g.updated_at.type)
    return (
        select(
            g.gizmo_id,
            r.name,
            r.description,
            r.voice,
            r.created_at,
            status,
            a.c.display_name,
            a.c.user_id,
            v.c.conversations_at_least,
            v.c.conversations_exact,
            v.c.review_count,
            v.c.review_total,
            updated,
            changed,
            g.first_seen_at,
            seen,
        )
        .select_from(
            source.outerjoin(a, (a.c.gizmo_id == g.gizmo_id) & _holds(a, at)).outerjoin(
                v, is_latest
            )
        )
        .where(one_of(g.gizmo_id, "ids"))
    )


def _elements(table: Table, names: Sequence[str], at: Any) -> Select[Any]:
    """Some columns of the elements of a list, with their GPTs."""
    c = table.c
    return select(c.gizmo_id, *(c[name] for name in names)).where(
        one_of(c.gizmo_id, "ids"), _holds(table, at)
    )


def _queries(at: Any) -> tuple[Select[Any], dict[str, Select[Any]]]:
    child = t.CHILDREN
    return _scalars(at), {
        "prompt_starters": _elements(child["prompt_starters"], ("text", "position"), at),
        "categories": _elements(child["categories"], ("category",), at),
        "tools": _elements(child["tools"], ("type", "domain"), at),
        "tags": _elements(child["tags"], ("tag",), at),
    }


_NOW = _queries(None)
_THEN = _queries(bindparam("at"))


def load_listings(
    conn: Connection, gizmo_ids: Collection[str], at: Micros | None = None
) -> dict[str, Listing]:
    """What is browsed of some GPTs, read from their rows.

    Args:
        conn: the catalog.
        gizmo_ids: the GPTs; those that never had a document are left out.
        at: as of that moment; those without a document until then are left out, and so is what
            only the latest value is kept of: ``updated_at`` and ``last_seen_at``.
    """
    found: dict[str, Listing] = {}
    scalars, lists = _NOW if at is None else _THEN
    for part in chunks(list(gizmo_ids)):
        given = {"ids": part} if at is None else {"ids": part, "at": at}
        elements: dict[str, dict[str, list[Any]]] = {}
        for name, query in lists.items():
            by_gpt: dict[str, list[Any]] = defaultdict(list)
            for gizmo_id, *values in conn.execute(query, given).all():
                by_gpt[gizmo_id].append(values)
            elements[name] = by_gpt
        starters, tools = elements["prompt_starters"], elements["tools"]
        categories, tags = elements["categories"], elements["tags"]
        for row in conn.execute(scalars, given).all():
            gizmo_id = row[0]
            found[gizmo_id] = Listing(
                gizmo_id=gizmo_id,
                name=row[1],
                description=row[2],
                starters=_placed(starters.get(gizmo_id, ())),
                author=row[6],
                user_id=row[7],
                categories=_distinct(each[0] for each in categories.get(gizmo_id, ())),
                tools=_distinct(each[0] for each in tools.get(gizmo_id, ())),
                domains=_distinct(each[1] for each in tools.get(gizmo_id, ())),
                tags=_distinct(each[0] for each in tags.get(gizmo_id, ())),
                status=row[5],
                voice=row[3],
                conversations=row[8],
                conversations_exact=row[9],
                reviews=row[10],
                stars=row[11],
                created_at=row[4],
                updated_at=row[12],
                changed_at=row[13],
                first_seen_at=row[14],
                last_seen_at=row[15],
            )
    return found


def _texts() -> Select[Any]:
    g, a = t.gizmos.c, t.gizmo_authors
    return (
        select(g.gizmo_id, g.name, g.description, a.c.display_name)
        .select_from(t.gizmos.outerjoin(a, (a.c.gizmo_id == g.gizmo_id) & a.c.valid_to.is_(None)))
        .where(one_of(g.gizmo_id, "ids"))
    )


_NAMES = select(t.gizmos.c.gizmo_id, t.gizmos.c.name).where(one_of(t.gizmos.c.gizmo_id, "ids"))
_TEXTS = _texts()


def load_texts(
    conn: Connection, gizmo_ids: Sequence[str], tier: int
) -> Iterator[tuple[str, Texts]]:
    """What is searched of some GPTs now, as far as it takes to tell whether they are of a tier.

    Args:
        conn: the catalog.
        gizmo_ids: the GPTs.
        tier: one of :data:`catalog.search.matching.TIERS`: for those of the name no more is read
            than names, for the labels no starters.

    Yields:
        Each GPT that has a document, with its texts.
    """
    lists = _NOW[1]
    for part in chunks(gizmo_ids, _MOST_AT_ONCE):
        given = {"ids": part}
        if tier <= NAME:
            for gizmo_id, name in raw_rows(conn, _NAMES, given):
                yield gizmo_id, Texts(name=name or "")
            continue
        labels: dict[str, list[str]] = defaultdict(list)
        for gizmo_id, category in raw_rows(conn, lists["categories"], given):
            labels[gizmo_id].append(category)
        for gizmo_id, *kinds in raw_rows(conn, lists["tools"], given):
            labels[gizmo_id] += kinds
        starters: dict[str, list[str]] = defaultdict(list)
        if tier > LABELS:
            for gizmo_id, text, _ in raw_rows(conn, lists["prompt_starters"], given):
                starters[gizmo_id].append(text)
        for gizmo_id, name, description, author in raw_rows(conn, _TEXTS, given):
            yield (
                gizmo_id,
                Texts(
                    name=name or "",
                    labels=tuple(filter(None, (author, *labels.get(gizmo_id, ())))),
                    description=description or "" if tier > LABELS else "",
                    starters=tuple(filter(None, starters.get(gizmo_id, ()))),
                ),
            )


def _placed(starters: Collection[Any]) -> tuple[str, ...]:
    """Starters in their places; those without one behind, by their texts."""
    return tuple(
        text
        for text, _ in sorted(starters, key=lambda each: (each[1] is None, each[1] or 0, each[0]))
    )


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


class Told(msgspec.Struct, frozen=True):
    """A listing, with what is read out of it more than once.

    Attributes:
        listing: the listing.
        texts: what is searched of it.
        facets: its facets, those of its author among them.
        facet_set: the others as canonical JSON.
    """

    listing: Listing
    texts: Texts
    facets: dict[str, tuple[str, ...]]
    facet_set: str

    @classmethod
    def of(cls, listing: Listing) -> Told:
        """Read a listing."""
        facets = index_facets(listing)
        shared = {
            name: values for name, values in facets.items() if values and name not in _OF_AUTHORS
        }
        facet_set = msgspec.json.encode(shared, order="sorted").decode()
        return cls(listing, listing.texts, facets, facet_set)

    def terms(self) -> frozenset[str]:
        """Its terms in the search index."""
        return index_terms(self.texts, self.facets)

    def digest(self) -> bytes:
        """What the index says of it: while this stands, its terms need not be made again."""
        texts = self.texts
        # The order of starters is noise.
        starters = sorted(texts.starters)
        said = (TERMS, texts.name, texts.labels, texts.description, starters, self.facets)
        encoded = msgspec.msgpack.encode(said, order="sorted")
        return hashlib.blake2b(encoded, digest_size=_DIGEST).digest()

    def row(self, facet_id: int) -> Row:
        """Its row but for its number, and whether it is indexed.

        Args:
            facet_id: its set of facets.
        """
        listing = self.listing
        author = listing.author
        return {
            "gizmo_id": listing.gizmo_id,
            "bucket": bucket(listing.conversations),
            **order_columns(listing),
            "conversations": listing.conversations,
            "conversations_exact": listing.conversations_exact,
            "reviews": listing.reviews,
            "stars": listing.stars,
            "user_id": listing.user_id,
            "author_key": None if author is None else cut_key(facet_key(author)),
            "facet_id": facet_id,
            "first_seen_at": listing.first_seen_at,
            "digest": self.digest(),
        }
