# ruff: noqa: E501  a comment on a table or column is one string
"""The first schema: what is kept, and what is derived from it."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Text sorts by code point on both engines.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# SQLite gives automatic keys to INTEGER alone.
IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables, and the rows that every catalog has."""
    _kept()
    _derived()
    _rows()


def _kept() -> None:
    op.create_table(
        "catalog_info",
        sa.Column("key", TEXT, nullable=False, comment="which fact"),
        sa.Column("value", TEXT, nullable=False, comment="what it is"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_catalog_info")),
        comment="Facts about this catalog itself.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "frontier",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the id"),
        sa.Column(
            "added_at", sa.BigInteger(), nullable=False, comment="when it was first heard of here"
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="when it is to be asked next"),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            comment="visits without a fact since the last one",
        ),
        sa.Column(
            "last_asked_at", sa.BigInteger(), nullable=True, comment="when it was last asked"
        ),
        sa.Column("last_verdict", TEXT, nullable=True, comment="how that ended"),
        sa.Column("lease_owner", TEXT, nullable=True, comment="the worker that holds it"),
        sa.Column("lease_until", sa.BigInteger(), nullable=True, comment="when that claim ends"),
        sa.PrimaryKeyConstraint("gizmo_id", name=op.f("pk_frontier")),
        comment="The ids known, with when each is next due, and who holds it now.",
    )
    op.create_index(op.f("ix_frontier_due_at"), "frontier", ["due_at"], unique=False)
    op.create_index(op.f("ix_frontier_lease_owner"), "frontier", ["lease_owner"], unique=False)

    op.create_table(
        "payloads",
        sa.Column("payload_id", IDENTITY, nullable=False, comment="this catalog's number for it"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the bytes"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="length of the bytes"),
        sa.Column(
            "encoding", sa.SmallInteger(), nullable=False, comment="how data holds the bytes"
        ),
        sa.Column("base_id", IDENTITY, nullable=True, comment="the payload that a delta builds on"),
        sa.Column(
            "redacted", sa.Boolean(), nullable=False, comment="a secret was replaced in it (law 10)"
        ),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="the bytes, encoded"),
        sa.ForeignKeyConstraint(
            ["base_id"], ["payloads.payload_id"], name=op.f("fk_payloads_base_id_payloads")
        ),
        sa.PrimaryKeyConstraint("payload_id", name=op.f("pk_payloads")),
        sa.UniqueConstraint("digest", name=op.f("uq_payloads_digest")),
        comment="The bytes of documents, each once, compressed; read through the program (see encoding).",
    )
    op.create_index(op.f("ix_payloads_base_id"), "payloads", ["base_id"], unique=False)

    op.create_table(
        "runs",
        sa.Column("run_id", TEXT, nullable=False, comment="a global id, sortable by time"),
        sa.Column("command", TEXT, nullable=False, comment="what was run"),
        sa.Column(
            "source", TEXT, nullable=False, comment="its source's name, empty for none or several"
        ),
        sa.Column(
            "ids_digest",
            TEXT,
            nullable=False,
            comment="SHA-256 of the sorted ids, in hex: equal ones are resumed (rule 13)",
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=False, comment="when it began"),
        sa.Column(
            "finished_at", sa.BigInteger(), nullable=True, comment="when it ended; NULL: unfinished"
        ),
        sa.Column("status", TEXT, nullable=False, comment="open, finished, stopped or failed"),
        sa.Column("reason", TEXT, nullable=True, comment="why it stopped, for people"),
        sa.Column("owner", TEXT, nullable=True, comment="the process that took it up last"),
        sa.Column(
            "requested",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="ids asked for",
        ),
        sa.Column(
            "documents",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="ids that gave their document",
        ),
        sa.Column(
            "new",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="documents of GPTs not known before",
        ),
        sa.Column(
            "changed",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="documents that changed content",
        ),
        sa.Column(
            "unchanged",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="documents that changed none",
        ),
        sa.Column(
            "not_found",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="ids that the source says do not exist",
        ),
        sa.Column(
            "mismatched",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="ids answered with another GPT's document",
        ),
        sa.Column(
            "failed",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="ids that ended in no fact",
        ),
        sa.Column(
            "left",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="ids not asked: stopped or out of budget",
        ),
        sa.Column(
            "requests",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="HTTP requests sent, retries counted",
        ),
        sa.Column(
            "cost", sa.Double(), nullable=True, comment="requests times price, where a price is set"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
        comment="Executions of a job, with their totals.",
    )
    op.create_index(
        op.f("ix_runs_command_source_ids_digest"),
        "runs",
        ["command", "source", "ids_digest"],
        unique=False,
    )
    op.create_index(op.f("ix_runs_started_at"), "runs", ["started_at"], unique=False)

    op.create_table(
        "shapes",
        sa.Column("shape_id", sa.Integer(), nullable=False, comment="this catalog's number for it"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the paths"),
        sa.Column("paths", TEXT, nullable=False, comment="JSON list of the paths present, sorted"),
        sa.PrimaryKeyConstraint("shape_id", name=op.f("pk_shapes")),
        sa.UniqueConstraint("digest", name=op.f("uq_shapes_digest")),
        comment="Distinct sets of paths that documents have; derived, but numbered for ever.",
    )

    op.create_table(
        "sources",
        sa.Column(
            "source_id", sa.Integer(), nullable=False, comment="this catalog's number for it"
        ),
        sa.Column("name", TEXT, nullable=False, comment="its name in catalog.toml"),
        sa.Column("dialect", TEXT, nullable=False, comment="how it is asked"),
        sa.Column(
            "added_at", sa.BigInteger(), nullable=False, comment="when it was first used here"
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
        comment="Configured places that answer; equal by name.",
    )

    op.create_table(
        "tombstones",
        sa.Column("kind", TEXT, nullable=False, comment="gpt or author"),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="keyed hash of the id"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it was asked for"),
        sa.PrimaryKeyConstraint("kind", "hash", name=op.f("pk_tombstones")),
        comment="Who must not be kept: keyed hashes, the key outside the catalog (rule 15).",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "budgets",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column("day", TEXT, nullable=False, comment="the UTC day"),
        sa.Column(
            "reserved",
            sa.BigInteger(),
            nullable=False,
            comment="requests taken from the day's budget, sent or not",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_budgets_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("source_id", "day", name=op.f("pk_budgets")),
        comment="Requests taken from each source's day (UTC). Reserved before sending: never overspent.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "discoveries",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column("query", TEXT, nullable=False, comment="the words, or the file"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it was said"),
        sa.Column("rank", sa.Integer(), nullable=False, comment="its place there, from 1"),
        sa.Column("title", TEXT, nullable=False, comment="its name there"),
        sa.Column("payload_id", IDENTITY, nullable=False, comment="the item as sent"),
        sa.ForeignKeyConstraint(
            ["payload_id"], ["payloads.payload_id"], name=op.f("fk_discoveries_payload_id_payloads")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_discoveries_source_id_sources")
        ),
        sa.PrimaryKeyConstraint(
            "gizmo_id", "source_id", "query", "at", name=op.f("pk_discoveries")
        ),
        comment="Which query or file named which id, at which rank, when.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "fetch_failures",
        sa.Column("failure_id", IDENTITY, nullable=False, comment="this catalog's number for it"),
        sa.Column("run_id", TEXT, nullable=False, comment="the run"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column(
            "asked_id",
            TEXT,
            nullable=False,
            comment="the id that was asked for, or the file and line that was read",
        ),
        sa.Column("verdict", TEXT, nullable=False, comment="what it was taken for"),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status, 0 for none"),
        sa.Column("detail", TEXT, nullable=False, comment="what the source said, for people"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it came"),
        sa.Column(
            "redacted", sa.Boolean(), nullable=False, comment="a secret was replaced in it (law 10)"
        ),
        sa.Column(
            "body", sa.LargeBinary(), nullable=True, comment="the bytes, zstd; NULL once pruned"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_fetch_failures_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("failure_id", name=op.f("pk_fetch_failures")),
        comment="Answers that are no facts, with what is needed to understand them.",
    )
    op.create_index(op.f("ix_fetch_failures_at"), "fetch_failures", ["at"], unique=False)
    op.create_index(op.f("ix_fetch_failures_run_id"), "fetch_failures", ["run_id"], unique=False)

    op.create_table(
        "observations",
        sa.Column(
            "observation_id", IDENTITY, nullable=False, comment="this catalog's number for it"
        ),
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column("observed_at", sa.BigInteger(), nullable=False, comment="when it was said"),
        sa.Column(
            "payload_id", IDENTITY, nullable=False, comment="what was said; 0: there is no such GPT"
        ),
        sa.Column(
            "wrapping", TEXT, nullable=False, comment="where in the payload the gizmo object lies"
        ),
        sa.Column(
            "verdict",
            TEXT,
            nullable=False,
            comment="of a 'no such GPT': counted, held, or empty while its run is open (rule 6)",
        ),
        sa.Column(
            "recorded_at", sa.BigInteger(), nullable=False, comment="when it was written down here"
        ),
        sa.Column(
            "run_id", TEXT, nullable=False, comment="the run that brought it, empty for none"
        ),
        sa.Column(
            "shape_id",
            sa.Integer(),
            nullable=True,
            comment="the paths it has; NULL for 'no such GPT'",
        ),
        sa.ForeignKeyConstraint(
            ["payload_id"],
            ["payloads.payload_id"],
            name=op.f("fk_observations_payload_id_payloads"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_observations_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("observation_id", name=op.f("pk_observations")),
        sa.UniqueConstraint(
            "gizmo_id",
            "observed_at",
            "source_id",
            "payload_id",
            name=op.f("uq_observations_gizmo_id_observed_at_source_id_payload_id"),
        ),
        comment="Source S said payload P, or 'no such GPT', about GPT G at time T.",
    )
    op.create_index(
        op.f("ix_observations_payload_id"), "observations", ["payload_id"], unique=False
    )
    op.create_index(op.f("ix_observations_run_id"), "observations", ["run_id"], unique=False)

    op.create_table(
        "outcomes",
        sa.Column("run_id", TEXT, nullable=False, comment="the run"),
        sa.Column("asked_id", TEXT, nullable=False, comment="the id that was asked for"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column(
            "verdict",
            TEXT,
            nullable=False,
            comment="document, not_found, mismatched, denied, quota_used_up, throttled, ...",
        ),
        sa.Column(
            "effect", TEXT, nullable=False, comment="of a document: new, changed or unchanged"
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="times it was asked"),
        sa.Column("requests", sa.Integer(), nullable=False, comment="HTTP requests spent on it"),
        sa.Column("status", sa.Integer(), nullable=False, comment="last HTTP status, 0 for none"),
        sa.Column("detail", TEXT, nullable=False, comment="what the source said, for people"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it ended"),
        sa.Column(
            "observation_id", sa.BigInteger(), nullable=True, comment="the observation it brought"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_outcomes_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("run_id", "asked_id", name=op.f("pk_outcomes")),
        comment="How each asked id ended in each run (law 8).",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_outcomes_asked_id_at"), "outcomes", ["asked_id", "at"], unique=False)
    op.create_index(op.f("ix_outcomes_at"), "outcomes", ["at"], unique=False)

    op.create_table(
        "probes",
        sa.Column("probe_id", IDENTITY, nullable=False, comment="this catalog's number for it"),
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column("run_id", TEXT, nullable=False, comment="the run"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it was asked"),
        sa.Column("model", TEXT, nullable=False, comment="the model name that was used"),
        sa.Column("question", TEXT, nullable=False, comment="what was asked"),
        sa.Column("verdict", TEXT, nullable=False, comment="how it ended"),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status, 0 for none"),
        sa.Column("answer", TEXT, nullable=True, comment="what it said; NULL once pruned"),
        sa.Column("seconds", sa.Double(), nullable=False, comment="how long the answer took"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_probes_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("probe_id", name=op.f("pk_probes")),
        comment="Questions put to GPTs over chat completions, and what came back.",
    )
    op.create_index(op.f("ix_probes_gizmo_id_at"), "probes", ["gizmo_id", "at"], unique=False)


def _derived() -> None:
    op.create_table(
        "attachments",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("type", TEXT, nullable=True, comment="how attachments are used: retrieval"),
        sa.Column(
            "can_accept_all_mime_types",
            sa.Boolean(),
            nullable=True,
            comment="whether any type is taken",
        ),
        sa.Column(
            "accepted_mime_types",
            TEXT,
            nullable=True,
            comment="digest of the set of types taken, see mime_sets",
        ),
        sa.Column(
            "image_mime_types",
            TEXT,
            nullable=True,
            comment="digest of the set of image types taken, see mime_sets",
        ),
        sa.Column(
            "null_fields",
            TEXT,
            nullable=False,
            comment="JSON list of the fields stated as null (law 3)",
        ),
        sa.Column(
            "unstated_fields",
            TEXT,
            nullable=False,
            comment="JSON list of the fields never stated (law 3)",
        ),
        sa.PrimaryKeyConstraint("gizmo_id", "valid_from", name=op.f("pk_attachments")),
        comment="What a GPT takes as attachments, over time; set by the platform.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "author_socials",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("element", TEXT, nullable=False, comment="the element's key"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("type", TEXT, nullable=True, comment="its type, in lower case"),
        sa.Column("display_name", TEXT, nullable=True, comment="the account's name"),
        sa.Column("verified", sa.Boolean(), nullable=True, comment="whether it was verified"),
        sa.Column(
            "verified_data",
            TEXT,
            nullable=True,
            comment="the account, canonical JSON: its members depend on the kind",
        ),
        sa.Column("social_id", TEXT, nullable=True, comment="the id as last sent"),
        sa.PrimaryKeyConstraint(
            "gizmo_id", "element", "valid_from", name=op.f("pk_author_socials")
        ),
        comment="Elements of gizmo.author.display_socials over time: accounts the author shows; key: the type and the account's id or link.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "authors",
        sa.Column("user_id", TEXT, nullable=False, comment="the author"),
        sa.Column("display_name", TEXT, nullable=True, comment="the author's name as shown"),
        sa.Column("link_to", TEXT, nullable=True, comment="the author's website"),
        sa.Column("selected_display", TEXT, nullable=True, comment="name or website"),
        sa.Column(
            "is_verified", sa.Boolean(), nullable=True, comment="whether the name was verified"
        ),
        sa.Column(
            "will_receive_support_emails",
            sa.Boolean(),
            nullable=True,
            comment="whether the author takes mail",
        ),
        sa.Column("user_email", TEXT, nullable=True, comment="a personal field; never exported"),
        sa.Column(
            "name_key", TEXT, nullable=True, comment="display_name, NFKC and casefolded, to sort by"
        ),
        sa.Column(
            "gpt_count",
            sa.Integer(),
            nullable=False,
            comment="GPTs whose current document names it",
        ),
        sa.Column(
            "first_seen_at",
            sa.BigInteger(),
            nullable=False,
            comment="when a document first named it",
        ),
        sa.Column(
            "gizmo_id", TEXT, nullable=False, comment="the GPT whose document this row quotes"
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_authors")),
        comment="One row a user_id that a current document names (rule 11).",
    )

    op.create_table(
        "categories",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("element", TEXT, nullable=False, comment="the element's key"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("category", TEXT, nullable=True, comment="the category, in lower case"),
        sa.PrimaryKeyConstraint("gizmo_id", "element", "valid_from", name=op.f("pk_categories")),
        comment="Elements of gizmo.display.categories over time: the store's categories; key: the category.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "files",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("element", TEXT, nullable=False, comment="the element's key"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("type", TEXT, nullable=True, comment="its type, in lower case"),
        sa.Column("name", TEXT, nullable=True, comment="the file's name"),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="bytes"),
        sa.Column(
            "file_ref", TEXT, nullable=True, comment="the id as last sent, configuration and all"
        ),
        sa.Column(
            "file_id", TEXT, nullable=True, comment="the upload's id as last sent; blank since 2024"
        ),
        sa.Column(
            "location", TEXT, nullable=True, comment="where it lies, as last sent; blank since 2024"
        ),
        sa.Column(
            "file_size_tokens", sa.BigInteger(), nullable=True, comment="tokens, as last sent"
        ),
        sa.Column(
            "file_response_type", TEXT, nullable=True, comment="how it is answered, as last sent"
        ),
        sa.PrimaryKeyConstraint("gizmo_id", "element", "valid_from", name=op.f("pk_files")),
        comment="Elements of files over time: what it knows; key: the id behind ~, else the type and an ordinal.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "fold_states",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column(
            "last_at", sa.BigInteger(), nullable=False, comment="observed_at of the last step taken"
        ),
        sa.Column("state", sa.LargeBinary(), nullable=False, comment="the fold's state, zstd"),
        sa.PrimaryKeyConstraint("gizmo_id", name=op.f("pk_fold_states")),
        comment="Where each GPT's fold stands, so that a newer observation takes one step (design, section 4).",
    )

    op.create_table(
        "gizmo_authors",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column(
            "user_id",
            TEXT,
            nullable=True,
            comment="who made it; may carry a workspace suffix. Rare changes of ownership, so not flapping",
        ),
        sa.Column("display_name", TEXT, nullable=True, comment="the author's name as shown"),
        sa.Column("link_to", TEXT, nullable=True, comment="the author's website"),
        sa.Column("selected_display", TEXT, nullable=True, comment="name or website"),
        sa.Column(
            "is_verified", sa.Boolean(), nullable=True, comment="whether the name was verified"
        ),
        sa.Column(
            "will_receive_support_emails",
            sa.Boolean(),
            nullable=True,
            comment="whether the author takes mail",
        ),
        sa.Column("user_email", TEXT, nullable=True, comment="a personal field; never exported"),
        sa.Column(
            "author_socials_count",
            sa.Integer(),
            nullable=True,
            comment="elements of gizmo.author.display_socials; NULL: never said, -1: stated as null",
        ),
        sa.Column(
            "null_fields",
            TEXT,
            nullable=False,
            comment="JSON list of the fields stated as null (law 3)",
        ),
        sa.Column(
            "unstated_fields",
            TEXT,
            nullable=False,
            comment="JSON list of the fields never stated (law 3)",
        ),
        sa.PrimaryKeyConstraint("gizmo_id", "valid_from", name=op.f("pk_gizmo_authors")),
        comment="What documents say about their author, over time.",
    )
    op.create_index(op.f("ix_gizmo_authors_user_id"), "gizmo_authors", ["user_id"], unique=False)

    op.create_table(
        "gizmo_revisions",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column(
            "short_url", TEXT, nullable=True, comment="the id, with a slug of the name behind it"
        ),
        sa.Column("organization_id", TEXT, nullable=True, comment="the owner's organization"),
        sa.Column("workspace_id", TEXT, nullable=True, comment="the owner's workspace, if any"),
        sa.Column("voice", TEXT, nullable=True, comment="the voice it speaks with"),
        sa.Column("model", TEXT, nullable=True, comment="the model it is fixed to"),
        sa.Column("default_model", TEXT, nullable=True, comment="the model it starts with"),
        sa.Column("instructions", TEXT, nullable=True, comment="its prompt; only owners are told"),
        sa.Column("name", TEXT, nullable=True, comment="its name"),
        sa.Column("description", TEXT, nullable=True, comment="what it says of itself"),
        sa.Column("welcome_message", TEXT, nullable=True, comment="its first words"),
        sa.Column(
            "picture",
            TEXT,
            nullable=True,
            comment="the picture's file id, or the stable path of its URL",
        ),
        sa.Column("emoji", TEXT, nullable=True, comment="the sign shown for it"),
        sa.Column("theme", TEXT, nullable=True, comment="the colour shown for it"),
        sa.Column("share_recipient", TEXT, nullable=True, comment="marketplace, link or private"),
        sa.Column("created_at", sa.BigInteger(), nullable=True, comment="when it was made"),
        sa.Column("gizmo_type", TEXT, nullable=True, comment="what kind of gizmo it is"),
        sa.Column("gizmo_snorlax_type", TEXT, nullable=True, comment="what kind of project"),
        sa.Column("goal", TEXT, nullable=True, comment="a project's goal"),
        sa.Column("memory_enabled", sa.Boolean(), nullable=True, comment="whether it remembers"),
        sa.Column("memory_scope", TEXT, nullable=True, comment="what it remembers"),
        sa.Column(
            "is_archived", sa.Boolean(), nullable=True, comment="whether its owner archived it"
        ),
        sa.Column(
            "archived_at", sa.BigInteger(), nullable=True, comment="when its owner archived it"
        ),
        sa.Column("training_disabled", sa.Boolean(), nullable=True, comment="owners are told"),
        sa.Column("workspace_approved", sa.Boolean(), nullable=True, comment="a workspace's word"),
        sa.Column(
            "workspace_approval_date",
            sa.BigInteger(),
            nullable=True,
            comment="when it was approved",
        ),
        sa.Column(
            "tools_count",
            sa.Integer(),
            nullable=True,
            comment="elements of tools; NULL: never said, -1: stated as null",
        ),
        sa.Column(
            "files_count",
            sa.Integer(),
            nullable=True,
            comment="elements of files; NULL: never said, -1: stated as null",
        ),
        sa.Column(
            "prompt_starters_count",
            sa.Integer(),
            nullable=True,
            comment="elements of gizmo.display.prompt_starters; NULL: never said, -1: stated as null",
        ),
        sa.Column(
            "categories_count",
            sa.Integer(),
            nullable=True,
            comment="elements of gizmo.display.categories; NULL: never said, -1: stated as null",
        ),
        sa.Column(
            "tags_count",
            sa.Integer(),
            nullable=True,
            comment="elements of gizmo.tags; NULL: never said, -1: stated as null",
        ),
        sa.Column(
            "null_fields",
            TEXT,
            nullable=False,
            comment="JSON list of the fields stated as null (law 3)",
        ),
        sa.Column(
            "unstated_fields",
            TEXT,
            nullable=False,
            comment="JSON list of the fields never stated (law 3)",
        ),
        sa.PrimaryKeyConstraint("gizmo_id", "valid_from", name=op.f("pk_gizmo_revisions")),
        comment="Stretches of time in which a GPT's content did not change.",
    )

    op.create_table(
        "gizmos",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column(
            "short_url", TEXT, nullable=True, comment="the id, with a slug of the name behind it"
        ),
        sa.Column("organization_id", TEXT, nullable=True, comment="the owner's organization"),
        sa.Column("workspace_id", TEXT, nullable=True, comment="the owner's workspace, if any"),
        sa.Column("voice", TEXT, nullable=True, comment="the voice it speaks with"),
        sa.Column("model", TEXT, nullable=True, comment="the model it is fixed to"),
        sa.Column("default_model", TEXT, nullable=True, comment="the model it starts with"),
        sa.Column("instructions", TEXT, nullable=True, comment="its prompt; only owners are told"),
        sa.Column("name", TEXT, nullable=True, comment="its name"),
        sa.Column("description", TEXT, nullable=True, comment="what it says of itself"),
        sa.Column("welcome_message", TEXT, nullable=True, comment="its first words"),
        sa.Column(
            "picture",
            TEXT,
            nullable=True,
            comment="the picture's file id, or the stable path of its URL",
        ),
        sa.Column("emoji", TEXT, nullable=True, comment="the sign shown for it"),
        sa.Column("theme", TEXT, nullable=True, comment="the colour shown for it"),
        sa.Column("share_recipient", TEXT, nullable=True, comment="marketplace, link or private"),
        sa.Column("created_at", sa.BigInteger(), nullable=True, comment="when it was made"),
        sa.Column("gizmo_type", TEXT, nullable=True, comment="what kind of gizmo it is"),
        sa.Column("gizmo_snorlax_type", TEXT, nullable=True, comment="what kind of project"),
        sa.Column("goal", TEXT, nullable=True, comment="a project's goal"),
        sa.Column("memory_enabled", sa.Boolean(), nullable=True, comment="whether it remembers"),
        sa.Column("memory_scope", TEXT, nullable=True, comment="what it remembers"),
        sa.Column(
            "is_archived", sa.Boolean(), nullable=True, comment="whether its owner archived it"
        ),
        sa.Column(
            "archived_at", sa.BigInteger(), nullable=True, comment="when its owner archived it"
        ),
        sa.Column("training_disabled", sa.Boolean(), nullable=True, comment="owners are told"),
        sa.Column("workspace_approved", sa.Boolean(), nullable=True, comment="a workspace's word"),
        sa.Column(
            "workspace_approval_date",
            sa.BigInteger(),
            nullable=True,
            comment="when it was approved",
        ),
        sa.Column(
            "updated_at",
            sa.BigInteger(),
            nullable=True,
            comment="moved by the platform almost daily",
        ),
        sa.Column(
            "last_interacted_at", sa.BigInteger(), nullable=True, comment="the asker's last use"
        ),
        sa.Column(
            "version", sa.BigInteger(), nullable=True, comment="counts saves; owners are told"
        ),
        sa.Column(
            "live_version", sa.BigInteger(), nullable=True, comment="the version that is published"
        ),
        sa.Column(
            "version_created_at", sa.BigInteger(), nullable=True, comment="when it was first saved"
        ),
        sa.Column(
            "version_updated_at", sa.BigInteger(), nullable=True, comment="when it was last saved"
        ),
        sa.Column("version_author", TEXT, nullable=True, comment="who saved it; form not fixed"),
        sa.Column(
            "is_unassigned", sa.Boolean(), nullable=True, comment="whether it lost its owner"
        ),
        sa.Column(
            "context_stuffing_budget", sa.BigInteger(), nullable=True, comment="tokens of context"
        ),
        sa.Column(
            "conversation_copy_in_progress",
            sa.Boolean(),
            nullable=True,
            comment="a state of the platform",
        ),
        sa.Column("profile_pic_id", TEXT, nullable=True, comment="the picture's file id as sent"),
        sa.Column(
            "profile_picture_url",
            TEXT,
            nullable=True,
            comment="the picture's URL as sent: signed anew, re-hosted",
        ),
        sa.Column("created_ago_str", TEXT, nullable=True, comment="localized, never parsed"),
        sa.Column(
            "current_user_permission",
            TEXT,
            nullable=True,
            comment="what the asking account may do; an open set of flags about the asker",
        ),
        sa.Column("sharing", TEXT, nullable=True, comment="with whom it is shared; form not fixed"),
        sa.Column(
            "sharing_targets", TEXT, nullable=True, comment="where it may be shared; owners' view"
        ),
        sa.Column(
            "allowed_sharing_recipients",
            TEXT,
            nullable=True,
            comment="where it may be shared, until 2024-01; owners' view",
        ),
        sa.Column(
            "name_key", TEXT, nullable=True, comment="the name, NFKC and casefolded, to sort by"
        ),
        sa.Column("user_id", TEXT, nullable=True, comment="the current author"),
        sa.Column("status", TEXT, nullable=False, comment="listed, missing or gone"),
        sa.Column(
            "first_seen_at",
            sa.BigInteger(),
            nullable=False,
            comment="when a source first gave its document",
        ),
        sa.Column(
            "last_seen_at",
            sa.BigInteger(),
            nullable=False,
            comment="when a source last gave a document that was no stale copy",
        ),
        sa.Column(
            "last_asked_at",
            sa.BigInteger(),
            nullable=False,
            comment="when a source was last asked and answered, whatever it said",
        ),
        sa.Column(
            "last_changed_at",
            sa.BigInteger(),
            nullable=True,
            comment="when its content last changed",
        ),
        sa.Column(
            "stale_copies",
            sa.Integer(),
            nullable=False,
            comment="documents older than one seen before",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.PrimaryKeyConstraint("gizmo_id", name=op.f("pk_gizmos")),
        comment="One row a GPT that ever had a document: its current state.",
    )
    op.create_index(op.f("ix_gizmos_user_id"), "gizmos", ["user_id"], unique=False)

    op.create_table(
        "mass_events",
        sa.Column(
            "event_id", TEXT, nullable=False, comment="digest of field, difference and first day"
        ),
        sa.Column("field", TEXT, nullable=False, comment="the path"),
        sa.Column(
            "added", TEXT, nullable=False, comment="JSON: elements that came, or the new value"
        ),
        sa.Column(
            "removed", TEXT, nullable=False, comment="JSON: elements that went, or the old value"
        ),
        sa.Column("first_day", TEXT, nullable=False, comment="the first UTC day"),
        sa.Column("last_day", TEXT, nullable=False, comment="the last UTC day"),
        sa.Column("gpts", sa.Integer(), nullable=False, comment="GPTs that show it"),
        sa.Column(
            "compared", sa.Integer(), nullable=False, comment="GPTs with a neighbouring pair then"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_mass_events")),
        comment="One difference that many GPTs show at once (rule 9).",
    )

    op.create_table(
        "mime_sets",
        sa.Column("set_digest", TEXT, nullable=False, comment="digest of the sorted members"),
        sa.Column("mime_type", TEXT, nullable=False, comment="a member"),
        sa.PrimaryKeyConstraint("set_digest", "mime_type", name=op.f("pk_mime_sets")),
        comment="Sets of MIME types, each stored once: they repeat over nearly all GPTs.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "prompt_starters",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("element", TEXT, nullable=False, comment="the element's key"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("text", TEXT, nullable=True, comment="the starter"),
        sa.Column(
            "position",
            sa.Integer(),
            nullable=True,
            comment="its place in the list when last sent, from 0",
        ),
        sa.Column(
            "element_count",
            sa.Integer(),
            nullable=True,
            comment="how many equal elements were sent",
        ),
        sa.PrimaryKeyConstraint(
            "gizmo_id", "element", "valid_from", name=op.f("pk_prompt_starters")
        ),
        comment="Elements of gizmo.display.prompt_starters over time: what it offers to be asked; key: SHA-256 of the text.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "stage_queue",
        sa.Column("kind", TEXT, nullable=False, comment="author, day or source"),
        sa.Column("key", TEXT, nullable=False, comment="which"),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_stage_queue")),
        comment="What stage 2 has still to look at again; written with what caused it.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "statuses",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("status", TEXT, nullable=False, comment="listed, missing or gone"),
        sa.PrimaryKeyConstraint("gizmo_id", "valid_from", name=op.f("pk_statuses")),
        comment="Listed, missing, gone: over time.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "tags",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("element", TEXT, nullable=False, comment="the element's key"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("tag", TEXT, nullable=True, comment="the tag"),
        sa.PrimaryKeyConstraint("gizmo_id", "element", "valid_from", name=op.f("pk_tags")),
        comment="Elements of gizmo.tags over time: the platform's marks; key: the tag.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "tools",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("element", TEXT, nullable=False, comment="the element's key"),
        sa.Column("valid_from", sa.BigInteger(), nullable=False, comment="from this moment on"),
        sa.Column(
            "valid_to",
            sa.BigInteger(),
            nullable=True,
            comment="until before this moment; NULL: it holds now",
        ),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("type", TEXT, nullable=True, comment="its type, in lower case"),
        sa.Column("domain", TEXT, nullable=True, comment="an action's host"),
        sa.Column(
            "auth",
            TEXT,
            nullable=True,
            comment="an action's way to authenticate, canonical JSON: its members depend on the kind",
        ),
        sa.Column(
            "json_schema",
            TEXT,
            nullable=True,
            comment="an action's OpenAPI document, canonical JSON: open-ended",
        ),
        sa.Column("privacy_policy_url", TEXT, nullable=True, comment="an action's privacy policy"),
        sa.Column(
            "tool_id",
            TEXT,
            nullable=True,
            comment="the id as last sent: re-issued with every configuration",
        ),
        sa.Column("action_id", TEXT, nullable=True, comment="an action's id as last sent"),
        sa.Column(
            "element_count",
            sa.Integer(),
            nullable=True,
            comment="how many equal elements were sent",
        ),
        sa.PrimaryKeyConstraint("gizmo_id", "element", "valid_from", name=op.f("pk_tools")),
        comment="Elements of tools over time: what it can use; key: the type, for actions the type and the domain.",
    )

    op.create_table(
        "unmapped_fields",
        sa.Column("path", TEXT, nullable=False, comment="the JSON path"),
        sa.Column(
            "first_seen_at", sa.BigInteger(), nullable=False, comment="when it was first said"
        ),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False, comment="when it was last said"),
        sa.Column("count", sa.BigInteger(), nullable=False, comment="observations that have it"),
        sa.Column(
            "example", TEXT, nullable=False, comment="canonical JSON of its first value, cut"
        ),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_unmapped_fields")),
        comment="Paths that no table knows, and values that their column cannot take.",
    )

    op.create_table(
        "vanity_metrics",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("observed_at", sa.BigInteger(), nullable=False, comment="when they were said"),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column(
            "num_interactions", sa.BigInteger(), nullable=True, comment="the asker's interactions"
        ),
        sa.Column("num_conversations", sa.BigInteger(), nullable=True, comment="exact, to owners"),
        sa.Column(
            "num_conversations_str", TEXT, nullable=True, comment="as sent: 96, 25K+, 1M+ or empty"
        ),
        sa.Column("num_pins", sa.BigInteger(), nullable=True, comment="until 2024-04"),
        sa.Column(
            "num_users_interacted_with", sa.BigInteger(), nullable=True, comment="until 2024-01"
        ),
        sa.Column("review_total", sa.BigInteger(), nullable=True, comment="the SUM of stars"),
        sa.Column("review_count", sa.BigInteger(), nullable=True, comment="number of reviews"),
        sa.Column(
            "rating_1",
            sa.Double(),
            nullable=True,
            comment="reviews of 1 stars: a count in detail documents, a share in /about",
        ),
        sa.Column(
            "rating_2",
            sa.Double(),
            nullable=True,
            comment="reviews of 2 stars: a count in detail documents, a share in /about",
        ),
        sa.Column(
            "rating_3",
            sa.Double(),
            nullable=True,
            comment="reviews of 3 stars: a count in detail documents, a share in /about",
        ),
        sa.Column(
            "rating_4",
            sa.Double(),
            nullable=True,
            comment="reviews of 4 stars: a count in detail documents, a share in /about",
        ),
        sa.Column(
            "rating_5",
            sa.Double(),
            nullable=True,
            comment="reviews of 5 stars: a count in detail documents, a share in /about",
        ),
        sa.Column(
            "conversations_at_least",
            sa.BigInteger(),
            nullable=True,
            comment="lower bound read from num_conversations_str",
        ),
        sa.Column(
            "conversations_exact", sa.Boolean(), nullable=True, comment="whether that is the number"
        ),
        sa.PrimaryKeyConstraint("gizmo_id", "observed_at", name=op.f("pk_vanity_metrics")),
        comment="A GPT's numbers as points in time: a new row only when one moved.",
        sqlite_with_rowid=False,
    )

    op.create_table(
        "changes",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column(
            "observed_at",
            sa.BigInteger(),
            nullable=False,
            comment="when the new value was first said",
        ),
        sa.Column("field", TEXT, nullable=False, comment="the path in the document"),
        sa.Column(
            "element", TEXT, nullable=False, comment="of a list: the element's key; else empty"
        ),
        sa.Column(
            "not_before",
            sa.BigInteger(),
            nullable=True,
            comment="when the old value was last confirmed",
        ),
        sa.Column("class", TEXT, nullable=False, comment="content, lifecycle or platform"),
        sa.Column("kind", TEXT, nullable=False, comment="added, removed or changed"),
        sa.Column("old", TEXT, nullable=True, comment="canonical JSON of the old value"),
        sa.Column("new", TEXT, nullable=True, comment="canonical JSON of the new value"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column(
            "flap", sa.Boolean(), nullable=False, comment="the old value came back soon (rule 8)"
        ),
        sa.Column(
            "disagreement", sa.Boolean(), nullable=False, comment="sources contradict (rule 4)"
        ),
        sa.Column("event_id", TEXT, nullable=True, comment="the mass event it is part of"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_changes_source_id_sources")
        ),
        sa.PrimaryKeyConstraint(
            "gizmo_id", "observed_at", "field", "element", name=op.f("pk_changes")
        ),
        comment="One field's difference between two neighbouring statements.",
    )
    op.create_index(op.f("ix_changes_event_id"), "changes", ["event_id"], unique=False)
    op.create_index(op.f("ix_changes_observed_at"), "changes", ["observed_at"], unique=False)

    op.create_table(
        "drift",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column(
            "wrapping", TEXT, nullable=False, comment="where the gizmo object lies in its payloads"
        ),
        sa.Column("path", TEXT, nullable=False, comment="the path"),
        sa.Column("kind", TEXT, nullable=False, comment="appeared, vanished or type"),
        sa.Column(
            "at",
            sa.BigInteger(),
            nullable=False,
            comment="when the first document with, or the last before the change, was said",
        ),
        sa.Column(
            "first_seen_at",
            sa.BigInteger(),
            nullable=False,
            comment="since when documents have it, or had it until it vanished",
        ),
        sa.Column(
            "last_seen_at",
            sa.BigInteger(),
            nullable=False,
            comment="when a document last had it, before it vanished if it did",
        ),
        sa.Column("example", TEXT, nullable=True, comment="canonical JSON of a value, cut"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_drift_source_id_sources")
        ),
        sa.PrimaryKeyConstraint(
            "source_id", "wrapping", "path", "kind", "at", name=op.f("pk_drift")
        ),
        comment="Paths and types that appeared in, or vanished from, a source's documents (rule 10).",
    )

    op.create_table(
        "source_stats",
        sa.Column("gizmo_id", TEXT, nullable=False, comment="the GPT"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column("observed_at", sa.BigInteger(), nullable=False, comment="when they were said"),
        sa.Column(
            "observation_id",
            sa.BigInteger(),
            nullable=False,
            comment="the observation that says so (law 7)",
        ),
        sa.Column("stat_read", sa.BigInteger(), nullable=True, comment="the gateway's stat.read"),
        sa.Column(
            "stat_favorite", sa.BigInteger(), nullable=True, comment="the gateway's stat.favorite"
        ),
        sa.Column("stat_use", sa.BigInteger(), nullable=True, comment="the gateway's stat.use"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_source_stats_source_id_sources")
        ),
        sa.PrimaryKeyConstraint(
            "gizmo_id", "source_id", "observed_at", name=op.f("pk_source_stats")
        ),
        comment="The gateways' own counters as points in time: they belong to the source.",
        sqlite_with_rowid=False,
    )


def _rows() -> None:
    payloads = sa.table(
        "payloads",
        sa.column("payload_id", sa.BigInteger),
        sa.column("digest", sa.LargeBinary),
        sa.column("size", sa.BigInteger),
        sa.column("encoding", sa.SmallInteger),
        sa.column("redacted", sa.Boolean),
        sa.column("data", sa.LargeBinary),
    )
    # What observations that say "no such GPT" name: NULLs are never equal in a unique key.
    op.bulk_insert(
        payloads,
        [
            {
                "payload_id": 0,
                "digest": b"",
                "size": 0,
                "encoding": 0,
                "redacted": False,
                "data": b"",
            }
        ],
    )
    info = sa.table("catalog_info", sa.column("key", sa.Text), sa.column("value", sa.Text))
    # Tells one catalog from another, wherever a file is moved.
    op.bulk_insert(info, [{"key": "catalog_id", "value": uuid.uuid4().hex}])
