"""The one declaration of the tables. Alembic migrations make them; a test holds the two equal.

Kept tables are the truth; derived ones can be made again from them (law 2). Times are BIGINT
microseconds UTC, JSON is canonical TEXT, and text sorts by code point on both engines.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from catalog.fields import LISTS, STAT_FIELDS, FieldType, of_table

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite gives automatic keys to INTEGER alone, PostgreSQL needs the width.
IDENTITY = BigInteger().with_variant(Integer(), "sqlite")
TYPES: dict[FieldType, Any] = {
    "text": TEXT,
    "integer": BigInteger(),
    "real": Double(),
    "boolean": Boolean(),
    "time": BigInteger(),
    "json": TEXT,
}

NOT_FOUND_PAYLOAD = 0
"""The ``payload_id`` of observations that say "no such GPT".

A row of its own, because NULLs are never equal in a unique key.
"""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, comment: str, *items: Any, narrow: bool = False) -> Table:
    """Declare a table; ``narrow`` rows live in their primary key's tree on SQLite."""
    return Table(name, metadata, *items, comment=comment, sqlite_with_rowid=not narrow)


def _text(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return Column(name, TEXT, nullable=null, comment=comment, **more)


def _big(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return Column(name, BigInteger, nullable=null, comment=comment, **more)


def _observation() -> Column[Any]:
    return _big("observation_id", "the observation that says so (law 7)")


def _source() -> Column[Any]:
    return Column(
        "source_id", Integer, ForeignKey("sources.source_id"), nullable=False, comment="the source"
    )


def _scalars(table: str) -> list[Column[Any]]:
    return [
        Column(field.column, TYPES[field.type], nullable=True, comment=field.comment)
        for field in of_table(table)
    ]


def _interval() -> list[Column[Any]]:
    return [
        _big("valid_from", "from this moment on"),
        _big("valid_to", "until before this moment; NULL: it holds now", null=True),
        _observation(),
    ]


def _counts(owner: str) -> list[Column[Any]]:
    return [
        Column(
            listed.count_column,
            Integer,
            nullable=True,
            comment=f"elements of {listed.path}; NULL: never said, -1: stated as null",
        )
        for listed in LISTS
        if listed.owner == owner
    ]


def _stated() -> list[Column[Any]]:
    return [
        _text("null_fields", "JSON list of the fields stated as null (law 3)"),
        _text("unstated_fields", "JSON list of the fields never stated (law 3)"),
    ]


def _gizmo_id() -> Column[Any]:
    return _text("gizmo_id", "the GPT")


# Kept: the truth.

catalog_info = _table(
    "catalog_info",
    "Facts about this catalog itself.",
    _text("key", "which fact", primary_key=True),
    _text("value", "what it is"),
    narrow=True,
)

sources = _table(
    "sources",
    "Configured places that answer; equal by name.",
    Column("source_id", Integer, primary_key=True, comment="this catalog's number for it"),
    _text("name", "its name in catalog.toml", unique=True),
    _text("dialect", "how it is asked"),
    _big("added_at", "when it was first used here"),
)

runs = _table(
    "runs",
    "Executions of a job, with their totals.",
    _text("run_id", "a global id, sortable by time", primary_key=True),
    _text("command", "what was run"),
    _text("source", "its source's name, empty for none or several"),
    _text("ids_digest", "SHA-256 of the sorted ids, in hex: equal ones are resumed (rule 13)"),
    _big("started_at", "when it began"),
    _big("finished_at", "when it ended; NULL: unfinished", null=True),
    _text("status", "open, finished, stopped or failed"),
    _text("reason", "why it stopped, for people", null=True),
    _text("owner", "the process that took it up last", null=True),
    *(
        _big(name, comment, server_default="0")
        for name, comment in (
            ("requested", "ids asked for"),
            ("documents", "ids that gave their document"),
            ("new", "documents of GPTs not known before"),
            ("changed", "documents that changed content"),
            ("unchanged", "documents that changed none"),
            ("not_found", "ids that the source says do not exist"),
            ("mismatched", "ids answered with another GPT's document"),
            ("failed", "ids that ended in no fact"),
            ("left", "ids not asked: stopped or out of budget"),
            ("requests", "HTTP requests sent, retries counted"),
        )
    ),
    Column("cost", Double, nullable=True, comment="requests times price, where a price is set"),
    Index(None, "command", "source", "ids_digest"),
    Index(None, "started_at"),
)

payloads = _table(
    "payloads",
    "The bytes of documents, each once, compressed; read through the program (see encoding).",
    Column("payload_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the bytes"),
    _big("size", "length of the bytes"),
    Column("encoding", SmallInteger, nullable=False, comment="how data holds the bytes"),
    Column(
        "base_id",
        IDENTITY,
        ForeignKey("payloads.payload_id"),
        nullable=True,
        index=True,
        comment="the payload that a delta builds on",
    ),
    Column("redacted", Boolean, nullable=False, comment="a secret was replaced in it (law 10)"),
    Column("data", LargeBinary, nullable=False, comment="the bytes, encoded"),
)

shapes = _table(
    "shapes",
    "Distinct sets of paths that documents have; derived, but numbered for ever.",
    Column("shape_id", Integer, primary_key=True, comment="this catalog's number for it"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the paths"),
    _text("paths", "JSON list of the paths present, sorted"),
)

observations = _table(
    "observations",
    "Source S said payload P, or 'no such GPT', about GPT G at time T.",
    Column("observation_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    _gizmo_id(),
    _source(),
    _big("observed_at", "when it was said"),
    Column(
        "payload_id",
        IDENTITY,
        ForeignKey("payloads.payload_id"),
        nullable=False,
        comment="what was said; 0: there is no such GPT",
    ),
    _text("wrapping", "where in the payload the gizmo object lies"),
    _text("verdict", "of a 'no such GPT': counted, held, or empty while its run is open (rule 6)"),
    _big("recorded_at", "when it was written down here"),
    _text("run_id", "the run that brought it, empty for none"),
    Column("shape_id", Integer, nullable=True, comment="the paths it has; NULL for 'no such GPT'"),
    UniqueConstraint("gizmo_id", "observed_at", "source_id", "payload_id"),
    Index(None, "payload_id"),
    Index(None, "run_id"),
)

outcomes = _table(
    "outcomes",
    "How each asked id ended in each run (law 8).",
    _text("run_id", "the run"),
    _text("asked_id", "the id that was asked for"),
    _source(),
    _text("verdict", "document, not_found, mismatched, denied, quota_used_up, throttled, ..."),
    Column("effect", TEXT, nullable=False, comment="of a document: new, changed or unchanged"),
    Column("attempts", Integer, nullable=False, comment="times it was asked"),
    Column("requests", Integer, nullable=False, comment="HTTP requests spent on it"),
    Column("status", Integer, nullable=False, comment="last HTTP status, 0 for none"),
    _text("detail", "what the source said, for people"),
    _big("at", "when it ended"),
    _big("observation_id", "the observation it brought", null=True),
    PrimaryKeyConstraint("run_id", "asked_id"),
    Index(None, "asked_id", "at"),
    Index(None, "at"),
    narrow=True,
)

fetch_failures = _table(
    "fetch_failures",
    "Answers that are no facts, with what is needed to understand them.",
    Column("failure_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    _text("run_id", "the run"),
    _source(),
    _text("asked_id", "the id that was asked for, or the file and line that was read"),
    _text("verdict", "what it was taken for"),
    Column("status", Integer, nullable=False, comment="HTTP status, 0 for none"),
    _text("detail", "what the source said, for people"),
    _big("at", "when it came"),
    Column("redacted", Boolean, nullable=False, comment="a secret was replaced in it (law 10)"),
    Column("body", LargeBinary, nullable=True, comment="the bytes, zstd; NULL once pruned"),
    Index(None, "run_id"),
    Index(None, "at"),
)

frontier = _table(
    "frontier",
    "The ids known, with when each is next due, and who holds it now.",
    _text("gizmo_id", "the id", primary_key=True),
    _big("added_at", "when it was first heard of here"),
    _big("due_at", "when it is to be asked next"),
    Column("attempts", Integer, nullable=False, comment="visits without a fact since the last one"),
    _big("last_asked_at", "when it was last asked", null=True),
    _text("last_verdict", "how that ended", null=True),
    _text("lease_owner", "the worker that holds it", null=True),
    _big("lease_until", "when that claim ends", null=True),
    Index(None, "due_at"),
    Index(None, "lease_owner"),
)

discoveries = _table(
    "discoveries",
    "Which query or file named which id, at which rank, when.",
    _gizmo_id(),
    _source(),
    _text("query", "the words, or the file"),
    _big("at", "when it was said"),
    Column("rank", Integer, nullable=False, comment="its place there, from 1"),
    _text("title", "its name there"),
    Column(
        "payload_id",
        IDENTITY,
        ForeignKey("payloads.payload_id"),
        nullable=False,
        comment="the item as sent",
    ),
    PrimaryKeyConstraint("gizmo_id", "source_id", "query", "at"),
    narrow=True,
)

probes = _table(
    "probes",
    "Questions put to GPTs over chat completions, and what came back.",
    Column("probe_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    _gizmo_id(),
    _source(),
    _text("run_id", "the run"),
    _big("at", "when it was asked"),
    _text("model", "the model name that was used"),
    _text("question", "what was asked"),
    _text("verdict", "how it ended"),
    Column("status", Integer, nullable=False, comment="HTTP status, 0 for none"),
    _text("answer", "what it said; NULL once pruned", null=True),
    Column("seconds", Double, nullable=False, comment="how long the answer took"),
    Index(None, "gizmo_id", "at"),
)

tombstones = _table(
    "tombstones",
    "Who must not be kept: keyed hashes, the key outside the catalog (rule 15).",
    _text("kind", "gpt or author"),
    Column("hash", LargeBinary, nullable=False, comment="keyed hash of the id"),
    _big("at", "when it was asked for"),
    PrimaryKeyConstraint("kind", "hash"),
    narrow=True,
)

budgets = _table(
    "budgets",
    "Requests taken from each source's day (UTC). Reserved before sending: never overspent.",
    _source(),
    _text("day", "the UTC day"),
    _big("reserved", "requests taken from the day's budget, sent or not"),
    PrimaryKeyConstraint("source_id", "day"),
    narrow=True,
)

# Derived: can be made again from the above.

gizmos = _table(
    "gizmos",
    "One row a GPT that ever had a document: its current state.",
    _text("gizmo_id", "the GPT", primary_key=True),
    *_scalars("gizmo_revisions"),
    *_scalars("gizmos"),
    _text("name_key", "the name, NFKC and casefolded, to sort by", null=True),
    _text("user_id", "the current author", null=True),
    _text("status", "listed, missing or gone"),
    _big("first_seen_at", "when a source first gave its document"),
    _big("last_seen_at", "when a source last gave a document that was no stale copy"),
    _big("last_asked_at", "when a source was last asked and answered, whatever it said"),
    _big("last_changed_at", "when its content last changed", null=True),
    Column("stale_copies", Integer, nullable=False, comment="documents older than one seen before"),
    _observation(),
    Index(None, "user_id"),
)

gizmo_revisions = _table(
    "gizmo_revisions",
    "Stretches of time in which a GPT's content did not change.",
    _gizmo_id(),
    *_interval(),
    *_scalars("gizmo_revisions"),
    *_counts("gizmo_revisions"),
    *_stated(),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
)

gizmo_authors = _table(
    "gizmo_authors",
    "What documents say about their author, over time.",
    _gizmo_id(),
    *_interval(),
    *_scalars("gizmo_authors"),
    *_counts("gizmo_authors"),
    *_stated(),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
    Index(None, "user_id"),
)

attachments = _table(
    "attachments",
    "What a GPT takes as attachments, over time; set by the platform.",
    _gizmo_id(),
    *_interval(),
    *_scalars("attachments"),
    *_stated(),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
    narrow=True,
)

mime_sets = _table(
    "mime_sets",
    "Sets of MIME types, each stored once: they repeat over nearly all GPTs.",
    _text("set_digest", "digest of the sorted members"),
    _text("mime_type", "a member"),
    PrimaryKeyConstraint("set_digest", "mime_type"),
    narrow=True,
)

_CHILD_TYPES: dict[str, Any] = {
    "element_count": Integer(),
    "position": Integer(),
    "size": BigInteger(),
    "file_size_tokens": BigInteger(),
    "verified": Boolean(),
}
_CHILD_COMMENTS = {
    "type": "its type, in lower case",
    "domain": "an action's host",
    "auth": "an action's way to authenticate, canonical JSON: its members depend on the kind",
    "json_schema": "an action's OpenAPI document, canonical JSON: open-ended",
    "privacy_policy_url": "an action's privacy policy",
    "tool_id": "the id as last sent: re-issued with every configuration",
    "action_id": "an action's id as last sent",
    "element_count": "how many equal elements were sent",
    "name": "the file's name",
    "size": "bytes",
    "file_ref": "the id as last sent, configuration and all",
    "file_id": "the upload's id as last sent; blank since 2024",
    "location": "where it lies, as last sent; blank since 2024",
    "file_size_tokens": "tokens, as last sent",
    "file_response_type": "how it is answered, as last sent",
    "text": "the starter",
    "position": "its place in the list when last sent, from 0",
    "category": "the category, in lower case",
    "tag": "the tag",
    "display_name": "the account's name",
    "verified": "whether it was verified",
    "verified_data": "the account, canonical JSON: its members depend on the kind",
    "social_id": "the id as last sent",
}

CHILDREN: dict[str, Table] = {
    listed.table: _table(
        listed.table,
        f"Elements of {listed.path} over time: {listed.comment}.",
        _gizmo_id(),
        _text("element", "the element's key"),
        *_interval(),
        *(
            Column(name, _CHILD_TYPES.get(name, TEXT), nullable=True, comment=_CHILD_COMMENTS[name])
            for name in (*listed.content, *listed.volatile)
        ),
        PrimaryKeyConstraint("gizmo_id", "element", "valid_from"),
        # An action's schema can be megabytes; elements of the other lists are small.
        narrow=listed.table != "tools",
    )
    for listed in LISTS
}

statuses = _table(
    "statuses",
    "Listed, missing, gone: over time.",
    _gizmo_id(),
    *_interval(),
    _text("status", "listed, missing or gone"),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
    narrow=True,
)

authors = _table(
    "authors",
    "One row a user_id that a current document names (rule 11).",
    _text("user_id", "the author", primary_key=True),
    *(
        Column(field.column, TYPES[field.type], nullable=True, comment=field.comment)
        for field in of_table("gizmo_authors")
        if field.column != "user_id"
    ),
    _text("name_key", "display_name, NFKC and casefolded, to sort by", null=True),
    Column("gpt_count", Integer, nullable=False, comment="GPTs whose current document names it"),
    _big("first_seen_at", "when a document first named it"),
    _text("gizmo_id", "the GPT whose document this row quotes"),
    _observation(),
)

vanity_metrics = _table(
    "vanity_metrics",
    "A GPT's numbers as points in time: a new row only when one moved.",
    _gizmo_id(),
    _big("observed_at", "when they were said"),
    _observation(),
    *_scalars("vanity_metrics"),
    _big("conversations_at_least", "lower bound read from num_conversations_str", null=True),
    Column("conversations_exact", Boolean, nullable=True, comment="whether that is the number"),
    PrimaryKeyConstraint("gizmo_id", "observed_at"),
    narrow=True,
)

source_stats = _table(
    "source_stats",
    "The gateways' own counters as points in time: they belong to the source.",
    _gizmo_id(),
    _source(),
    _big("observed_at", "when they were said"),
    _observation(),
    *(_big(column, f"the gateway's {path}", null=True) for path, column in STAT_FIELDS.items()),
    PrimaryKeyConstraint("gizmo_id", "source_id", "observed_at"),
    narrow=True,
)

mass_events = _table(
    "mass_events",
    "One difference that many GPTs show at once (rule 9).",
    _text("event_id", "digest of field, difference and first day", primary_key=True),
    _text("field", "the path"),
    _text("added", "JSON: elements that came, or the new value"),
    _text("removed", "JSON: elements that went, or the old value"),
    _text("first_day", "the first UTC day"),
    _text("last_day", "the last UTC day"),
    Column("gpts", Integer, nullable=False, comment="GPTs that show it"),
    Column("compared", Integer, nullable=False, comment="GPTs with a neighbouring pair then"),
)

changes = _table(
    "changes",
    "One field's difference between two neighbouring statements.",
    _gizmo_id(),
    _big("observed_at", "when the new value was first said"),
    _text("field", "the path in the document"),
    _text("element", "of a list: the element's key; else empty"),
    _big("not_before", "when the old value was last confirmed", null=True),
    _text("class", "content, lifecycle or platform", key="cls"),
    _text("kind", "added, removed or changed"),
    _text("old", "canonical JSON of the old value", null=True),
    _text("new", "canonical JSON of the new value", null=True),
    _source(),
    _observation(),
    Column("flap", Boolean, nullable=False, comment="the old value came back soon (rule 8)"),
    Column("disagreement", Boolean, nullable=False, comment="sources contradict (rule 4)"),
    _text("event_id", "the mass event it is part of", null=True),
    PrimaryKeyConstraint("gizmo_id", "observed_at", "field", "element"),
    Index(None, "observed_at"),
    Index(None, "event_id"),
)

drift = _table(
    "drift",
    "Paths and types that appeared in, or vanished from, a source's documents (rule 10).",
    _source(),
    _text("wrapping", "where the gizmo object lies in its payloads"),
    _text("path", "the path"),
    _text("kind", "appeared, vanished or type"),
    _big("at", "when the first document with, or the last before the change, was said"),
    _big("first_seen_at", "since when documents have it, or had it until it vanished"),
    _big("last_seen_at", "when a document last had it, before it vanished if it did"),
    _text("example", "canonical JSON of a value, cut", null=True),
    PrimaryKeyConstraint("source_id", "wrapping", "path", "kind", "at"),
)

unmapped_fields = _table(
    "unmapped_fields",
    "Paths that no table knows, and values that their column cannot take.",
    _text("path", "the JSON path", primary_key=True),
    _big("first_seen_at", "when it was first said"),
    _big("last_seen_at", "when it was last said"),
    _big("count", "observations that have it"),
    _text("example", "canonical JSON of its first value, cut"),
)

fold_states = _table(
    "fold_states",
    "Where each GPT's fold stands, so that a newer observation takes one step (design, section 4).",
    _text("gizmo_id", "the GPT", primary_key=True),
    _big("last_at", "observed_at of the last step taken"),
    Column("state", LargeBinary, nullable=False, comment="the fold's state, zstd"),
)

stage_queue = _table(
    "stage_queue",
    "What stage 2 has still to look at again; written with what caused it.",
    _text("kind", "author, day or source"),
    _text("key", "which"),
    PrimaryKeyConstraint("kind", "key"),
    narrow=True,
)

DERIVED: tuple[Table, ...] = (
    gizmos,
    gizmo_revisions,
    gizmo_authors,
    attachments,
    mime_sets,
    *CHILDREN.values(),
    statuses,
    authors,
    vanity_metrics,
    source_stats,
    mass_events,
    changes,
    drift,
    unmapped_fields,
    fold_states,
    stage_queue,
)
"""The tables that ``rebuild`` makes again."""
