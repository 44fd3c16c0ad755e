"""Tables to browse by: what lists are sorted by and narrowed to, and how far somebody has looked.

Part of the one declaration in :mod:`catalog.storage.tables`. All but the bookmarks and what they
count by follow from the current rows of each GPT, and only repeat them in the orders that people
ask for; so they are in no logical dump.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
)
from sqlalchemy import text as sql

from catalog.storage.columns import IDENTITY, big, gizmo, make_table, text

INDEX = "search_index"
"""The search index, and what the names of the tables that it consists of begin with.

Each engine has its own, and SQLAlchemy can declare neither: the migrations alone make them, and
:mod:`catalog.storage.search_index` alone writes them.
"""

bookmarks = make_table(
    "bookmarks",
    "How far somebody has looked at the changes.",
    text("name", "what it is called", primary_key=True),
    big("observation_id", "observations up to this number were seen"),
    big("judgement_id", "verdicts up to this number were seen"),
    big("recorded_at", "when that observation was recorded, for people"),
    text("seen", "JSON: digests of the changes that the last observations and verdicts brought"),
    narrow=True,
)

judgements = make_table(
    "judgements",
    "Verdicts given after their not-found was recorded, in the order in which they were given.",
    Column("judgement_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    big("observation_id", "the not-found that counts since"),
)

facet_sets = make_table(
    "facet_sets",
    "Distinct sets of facets that listings have, each stored once, with how many have it.",
    Column("facet_id", Integer, primary_key=True, comment="this catalog's number for it"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of facets"),
    text("facets", "canonical JSON: the values of each facet but the author"),
    big("gpts", "listings that have it, as of when stage 2 last looked", server_default="0"),
)

ORDERS = ("by_conversations", "by_rating", "by_created", "by_updated", "by_changed", "name_key")
"""The columns that listings are sorted by, each followed by the id and ascending."""

listings = make_table(
    "listings",
    "One row a GPT, to browse by.",
    Column(
        "doc_id",
        IDENTITY,
        primary_key=True,
        autoincrement=False,
        comment="its number in the search index; sorts by bucket, then by the id's beginning",
    ),
    text("gizmo_id", "the GPT", unique=True),
    Column("bucket", SmallInteger, nullable=False, comment="of conversations: 0, else 1 + log2"),
    big("by_conversations", "conversations, negated; 1 for none"),
    Column("by_rating", Double, nullable=False, comment="the rating, negated; 0 for none"),
    big("by_created", "created_at, negated; none last"),
    big("by_updated", "updated_at, negated; none last"),
    big("by_changed", "last_changed_at, negated; none last"),
    text("name_key", "the name's beginning, to sort by; none last"),
    big("conversations", "lower bound of conversations", null=True),
    Column("conversations_exact", Boolean, nullable=True, comment="whether that is the number"),
    big("reviews", "number of reviews", null=True),
    big("stars", "sum of stars", null=True),
    text("user_id", "the current author", null=True),
    text("author_key", "the beginning of the author's display name, to compare by", null=True),
    Column("facet_id", Integer, nullable=False, comment="its set of facets"),
    big("first_seen_at", "when a source first gave its document"),
    Column(
        "unindexed",
        Boolean,
        nullable=False,
        comment="too much for the search index: every search looks at its texts",
    ),
    Column("digest", LargeBinary, nullable=False, comment="of what the search index says of it"),
    *(Index(None, order, "gizmo_id") for order in ORDERS),
    Index(None, "facet_id"),
    # With what is summed up of an author's: the most productive have tens of thousands.
    Index("ix_listings_user_id", "user_id", "facet_id", "conversations", "reviews", "stars"),
    Index(None, "author_key"),
    # On PostgreSQL it is partial too, as the migration makes it: to say so here would load that
    # dialect with every command.
    Index("ix_listings_unindexed", "doc_id", sqlite_where=sql("unindexed")),
)

category_ranks = make_table(
    "category_ranks",
    "The listings of each category, the most used first.",
    text("category", "the category's beginning"),
    big("by_conversations", "as in listings"),
    gizmo(),
    big("doc_id", "its listing"),
    PrimaryKeyConstraint("category", "by_conversations", "gizmo_id"),
    narrow=True,
)


def is_declared(name: str | None, kind: str, _parents: object = None) -> bool:
    """Whether the ``MetaData`` has to declare a thing of the schema, in Alembic's words.

    Args:
        name: what it is called.
        kind: ``table``, ``column``, ``index``, ...
        _parents: what it belongs to.
    """
    return kind != "table" or name is None or not name.startswith(INDEX)
