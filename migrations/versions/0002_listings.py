# ruff: noqa: E501  a comment on a table or column is one string
"""Listings to browse by, the search index, and bookmarks.

Every GPT is queued for its listing, which stage 2 makes: ``gpts-catalog upgrade`` does so at once.
No table is copied. Making a million listings takes some minutes; the new index of changes,
seconds. It replaces one of their times alone: changes are read class by class, in order.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Text sorts by code point on both engines.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# SQLite takes an INTEGER key alone for the row's own number.
IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and have every GPT listed."""
    _tables()
    op.drop_index(op.f("ix_changes_observed_at"), table_name="changes")
    op.create_index(
        "ix_changes_class_observed_at",
        "changes",
        [
            *("class", "observed_at", "gizmo_id", "field", "element"),
            *("kind", "event_id", "flap", "disagreement"),
        ],
        unique=False,
    )
    op.create_index(op.f("ix_gizmos_created_at"), "gizmos", ["created_at"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("stage_queue", "kind", comment="author, day, facets, listing or shape")
        _gin()
    else:
        _fts5()
    op.execute("INSERT INTO stage_queue (kind, key) SELECT 'listing', gizmo_id FROM gizmos")


def _tables() -> None:
    op.create_table(
        "bookmarks",
        sa.Column("name", TEXT, nullable=False, comment="what it is called"),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="observations up to this number were seen",
        ),
        sa.Column(
            "judgement_id",
            sa.BigInteger(),
            nullable=False,
            comment="verdicts up to this number were seen",
        ),
        sa.Column(
            "recorded_at",
            sa.BigInteger(),
            nullable=False,
            comment="when that observation was recorded, for people",
        ),
        sa.Column(
            "seen",
            TEXT,
            nullable=False,
            comment="JSON: digests of the changes that the last observations and verdicts brought",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bookmarks")),
        comment="How far somebody has looked at the changes.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "judgements",
        sa.Column("judgement_id", IDENTITY, nullable=False, comment="this catalog's number for it"),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the not-found that counts since",
        ),
        sa.PrimaryKeyConstraint("judgement_id", name=op.f("pk_judgements")),
        comment="Verdicts given after their not-found was recorded, in the order in which they were given.",
    )
    op.create_table(
        "facet_sets",
        sa.Column("facet_id", sa.Integer(), nullable=False, comment="this catalog's number for it"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of facets"),
        sa.Column(
            "facets",
            TEXT,
            nullable=False,
            comment="canonical JSON: the values of each facet but the author",
        ),
        sa.Column(
            "gpts",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="listings that have it, as of when stage 2 last looked",
        ),
        sa.PrimaryKeyConstraint("facet_id", name=op.f("pk_facet_sets")),
        sa.UniqueConstraint("digest", name=op.f("uq_facet_sets_digest")),
        comment="Distinct sets of facets that listings have, each stored once, with how many have it.",
    )
    op.create_table(
        "listings",
        sa.Column(
            "doc_id",
            IDENTITY,
            autoincrement=False,
            nullable=False,
            comment="its number in the search index; sorts by bucket, then by the id's beginning",
        ),
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column(
            "bucket",
            sa.SmallInteger(),
            nullable=False,
            comment="of conversations: 0, else 1 + log2",
        ),
        sa.Column(
            "by_conversations",
            sa.BigInteger(),
            nullable=False,
            comment="conversations, negated; 1 for none",
        ),
        sa.Column(
            "by_rating", sa.Double(), nullable=False, comment="the rating, negated; 0 for none"
        ),
        *(
            sa.Column(f"by_{moment}", sa.BigInteger(), nullable=False, comment=comment)
            for moment, comment in (
                ("created", "created_at, negated; none last"),
                ("updated", "updated_at, negated; none last"),
                ("changed", "last_changed_at, negated; none last"),
            )
        ),
        sa.Column(
            "name_key",
            TEXT,
            nullable=False,
            comment="the name's beginning, to sort by; none last",
        ),
        sa.Column(
            "conversations", sa.BigInteger(), nullable=True, comment="lower bound of conversations"
        ),
        sa.Column(
            "conversations_exact",
            sa.Boolean(),
            nullable=True,
            comment="whether that is the number",
        ),
        sa.Column("reviews", sa.BigInteger(), nullable=True, comment="number of reviews"),
        sa.Column("stars", sa.BigInteger(), nullable=True, comment="sum of stars"),
        sa.Column("user_id", TEXT, nullable=True, comment="the current author"),
        sa.Column(
            "author_key",
            TEXT,
            nullable=True,
            comment="the beginning of the author's display name, to compare by",
        ),
        sa.Column("facet_id", sa.Integer(), nullable=False, comment="its set of facets"),
        sa.Column(
            "first_seen_at",
            sa.BigInteger(),
            nullable=False,
            comment="when a source first gave its document",
        ),
        sa.Column(
            "unindexed",
            sa.Boolean(),
            nullable=False,
            comment="too much for the search index: every search looks at its texts",
        ),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="of what the search index says of it",
        ),
        sa.PrimaryKeyConstraint("doc_id", name=op.f("pk_listings")),
        sa.UniqueConstraint("gizmo_id", name=op.f("uq_listings_gizmo_id")),
        comment="One row a GPT, to browse by.",
    )
    for order in (
        "by_conversations",
        "by_rating",
        "by_created",
        "by_updated",
        "by_changed",
        "name_key",
    ):
        op.create_index(
            op.f(f"ix_listings_{order}_gizmo_id"), "listings", [order, "gizmo_id"], unique=False
        )
    for column in ("facet_id", "author_key"):
        op.create_index(op.f(f"ix_listings_{column}"), "listings", [column], unique=False)
    op.create_index(
        "ix_listings_user_id",
        "listings",
        ["user_id", "facet_id", "conversations", "reviews", "stars"],
        unique=False,
    )
    op.create_index(
        "ix_listings_unindexed",
        "listings",
        ["doc_id"],
        unique=False,
        sqlite_where=sa.text("unindexed"),
        postgresql_where=sa.text("unindexed"),
    )
    op.create_table(
        "category_ranks",
        sa.Column("category", TEXT, nullable=False, comment="the category's beginning"),
        sa.Column("by_conversations", sa.BigInteger(), nullable=False, comment="as in listings"),
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("doc_id", sa.BigInteger(), nullable=False, comment="its listing"),
        sa.PrimaryKeyConstraint(
            "category", "by_conversations", "gizmo_id", name=op.f("pk_category_ranks")
        ),
        comment="The listings of each category, the most used first.",
        sqlite_with_rowid=False,
    )


def _fts5() -> None:
    # No text and no positions: what is found by its words is looked at in its tables. Terms hold
    # nothing but ASCII letters and digits, and characters that are not ASCII: this tokenizer
    # splits them nowhere.
    op.execute(
        "CREATE VIRTUAL TABLE search_index USING fts5("
        "terms, content='', columnsize=0, detail=none, tokenize='ascii')"
    )
    op.execute("CREATE VIRTUAL TABLE search_index_counts USING fts5vocab(search_index, row)")
    # What is counted and sorted of a hit: narrow, for thousands are looked up for one answer.
    op.execute(
        "CREATE TABLE search_index_hits (doc_id INTEGER NOT NULL PRIMARY KEY,"
        " gizmo_id TEXT NOT NULL, facet_id INTEGER NOT NULL, user_id TEXT)"
    )
    # FTS5 without content has to be told the terms of a row to take it out.
    op.execute(
        "CREATE TABLE search_index_terms (doc_id INTEGER NOT NULL PRIMARY KEY, terms BLOB NOT NULL)"
    )


def _gin() -> None:
    # Many terms lie apart from their row, unpacked: what reads rows does not read them. What is
    # counted and sorted of a hit stands in the row, for looking it up costs more than finding it.
    op.execute(
        "CREATE TABLE search_index ("
        "doc_id BIGINT NOT NULL CONSTRAINT pk_search_index PRIMARY KEY,"
        ' gizmo_id TEXT COLLATE "C" NOT NULL, facet_id INTEGER NOT NULL, user_id TEXT COLLATE "C",'
        " lexemes TSVECTOR NOT NULL) WITH (toast_tuple_target = 128)"
    )
    op.execute("ALTER TABLE search_index ALTER COLUMN lexemes SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX ix_search_index_lexemes ON search_index USING gin (lexemes)")
