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
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
)
from sqlalchemy import text as literal_text

from catalog.fields import LISTS, STAT_FIELDS, FieldType, of_table
from catalog.storage import browse_tables, columns, work_tables
from catalog.storage.columns import (
    IDENTITY,
    TEXT,
    big,
    gizmo,
    make_table,
    observation,
    source,
    text,
)

metadata = columns.metadata
EMPTY = literal_text("''")
"""The default of a text that is empty: SQLAlchemy's plain one is read back as another."""
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


def _scalars(table: str) -> list[Column[Any]]:
    return [
        Column(field.column, TYPES[field.type], nullable=True, comment=field.comment)
        for field in of_table(table)
    ]


def _interval() -> list[Column[Any]]:
    return [
        big("valid_from", "from this moment on"),
        big("valid_to", "until before this moment; NULL: it holds now", null=True),
        observation(),
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
        text("null_fields", "JSON list of the fields stated as null (law 3)"),
        text("unstated_fields", "JSON list of the fields never stated (law 3)"),
    ]


def _planned(name: str, comment: str) -> Column[Any]:
    return Column(name, Double, nullable=False, server_default="0", comment=comment)


# Kept: the truth.

catalog_info = make_table(
    "catalog_info",
    "Facts about this catalog itself.",
    text("key", "which fact", primary_key=True),
    text("value", "what it is"),
    narrow=True,
)

sources = make_table(
    "sources",
    "Configured places that answer; equal by name.",
    Column("source_id", Integer, primary_key=True, comment="this catalog's number for it"),
    text("name", "its name in catalog.toml", unique=True),
    text("dialect", "how it is asked"),
    big("added_at", "when it was first used here"),
)

runs = make_table(
    "runs",
    "Executions of a job, with their totals.",
    text("run_id", "a global id, sortable by time", primary_key=True),
    text("command", "what was run"),
    text("source", "its source's name, empty for none or several"),
    text("ids_digest", "SHA-256 of the sorted ids, in hex: equal ones are resumed (rule 13)"),
    big("started_at", "when it began"),
    big("finished_at", "when it ended; NULL: unfinished", null=True),
    text("status", "open, finished, stopped or failed"),
    text("reason", "why it stopped, for people", null=True),
    text("owner", "the process that took it up last", null=True),
    *(
        big(name, comment, server_default="0")
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

payloads = make_table(
    "payloads",
    "The bytes of documents, each once, compressed; read through the program (see encoding).",
    Column("payload_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the bytes"),
    big("size", "length of the bytes"),
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

shapes = make_table(
    "shapes",
    "Distinct sets of paths that documents have; derived, but numbered for ever.",
    Column("shape_id", Integer, primary_key=True, comment="this catalog's number for it"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the paths"),
    text("paths", "JSON list of the paths present, sorted"),
)

observations = make_table(
    "observations",
    "Source S said payload P, or 'no such GPT', about GPT G at time T.",
    Column("observation_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    gizmo(),
    source(),
    big("observed_at", "when it was said"),
    Column(
        "payload_id",
        IDENTITY,
        ForeignKey("payloads.payload_id"),
        nullable=False,
        comment="what was said; 0: there is no such GPT",
    ),
    text("wrapping", "where in the payload the gizmo object lies"),
    text("verdict", "of a 'no such GPT': counted, held, or empty while its run is open (rule 6)"),
    big("recorded_at", "when it was written down here"),
    text("run_id", "the run that brought it, empty for none"),
    Column("shape_id", Integer, nullable=True, comment="the paths it has; NULL for 'no such GPT'"),
    UniqueConstraint("gizmo_id", "observed_at", "source_id", "payload_id"),
    Index(None, "payload_id"),
    Index(None, "run_id"),
)

outcomes = make_table(
    "outcomes",
    "How each asked id ended in each run (law 8).",
    text("run_id", "the run"),
    text("asked_id", "the id that was asked for"),
    source(),
    text("verdict", "document, not_found, mismatched, denied, quota_used_up, throttled, ..."),
    Column("effect", TEXT, nullable=False, comment="of a document: new, changed or unchanged"),
    Column("attempts", Integer, nullable=False, comment="times it was asked"),
    Column("requests", Integer, nullable=False, comment="HTTP requests spent on it"),
    Column("status", Integer, nullable=False, comment="last HTTP status, 0 for none"),
    text("detail", "what the source said, for people"),
    big("at", "when it ended"),
    big("observation_id", "the observation it brought", null=True),
    PrimaryKeyConstraint("run_id", "asked_id"),
    Index(None, "asked_id", "at"),
    Index(None, "at"),
    narrow=True,
)

fetch_failures = make_table(
    "fetch_failures",
    "Answers that are no facts, with what is needed to understand them.",
    Column("failure_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    text("run_id", "the run"),
    source(),
    text("asked_id", "the id that was asked for, or the file and line that was read"),
    text("verdict", "what it was taken for"),
    Column("status", Integer, nullable=False, comment="HTTP status, 0 for none"),
    text("detail", "what the source said, for people"),
    big("at", "when it came"),
    Column("redacted", Boolean, nullable=False, comment="a secret was replaced in it (law 10)"),
    Column("body", LargeBinary, nullable=True, comment="the bytes, zstd; NULL once pruned"),
    Index(None, "run_id"),
    Index(None, "at"),
)

frontier = make_table(
    "frontier",
    "The ids known, with when each is next due, and who holds it now.",
    text("gizmo_id", "the id", primary_key=True),
    big("added_at", "when it was first heard of here"),
    big("due_at", "when it is to be asked next"),
    Column("attempts", Integer, nullable=False, comment="visits without a fact since the last one"),
    big("last_asked_at", "when it was last asked", null=True),
    text("last_verdict", "how that ended", null=True),
    text("lease_owner", "the worker that holds it", null=True),
    big("lease_until", "when that claim ends", null=True),
    text("stratum", "the GPTs that it is planned like", server_default=EMPTY),
    _planned("evidence_shape", "of what its visits said of its change rate: see docs/planning.md"),
    _planned("evidence_days", "likewise, in days"),
    big("confirmed_at", "what time its last document spoke for", null=True),
    Column(
        "misses",
        Integer,
        nullable=False,
        server_default="0",
        comment="visits in a row that said something, and not its document",
    ),
    big("cell", "its box in the planner's grid; NULL: not planned by the price", null=True),
    _planned("rate", "its believed change rate, a day"),
    _planned("log_rate", "the mean of that rate's logarithm"),
    Index(None, "due_at"),
    Index(None, "lease_owner"),
)

discoveries = make_table(
    "discoveries",
    "Which query or file named which id, at which rank, when.",
    gizmo(),
    source(),
    text("query", "the words, or the file"),
    big("at", "when it was said"),
    Column("rank", Integer, nullable=False, comment="its place there, from 1"),
    text("title", "its name there"),
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

probes = make_table(
    "probes",
    "Questions put to GPTs over chat completions, and what came back.",
    Column("probe_id", IDENTITY, primary_key=True, comment="this catalog's number for it"),
    gizmo(),
    source(),
    text("run_id", "the run"),
    big("at", "when it was asked"),
    text("model", "the model name that was used"),
    text("question", "what was asked"),
    text("verdict", "how it ended"),
    Column("status", Integer, nullable=False, comment="HTTP status, 0 for none"),
    text("answer", "what it said; NULL where nothing, and once pruned", null=True),
    Column(
        "body",
        LargeBinary,
        nullable=True,
        comment="the answer's bytes, zstd; NULL where it was none, and once pruned",
    ),
    Column("redacted", Boolean, nullable=False, comment="a secret was replaced in it (law 10)"),
    Column("seconds", Double, nullable=False, comment="how long the answer took"),
    Column("streamed", Boolean, nullable=False, comment="whether it came piece by piece"),
    Column(
        "first_seconds", Double, nullable=True, comment="till the first piece; NULL: not streamed"
    ),
    Column("prompt_tokens", Integer, nullable=True, comment="as the source counts them"),
    Column("completion_tokens", Integer, nullable=True, comment="as the source counts them"),
    text("finish_reason", "why the answer ended, as the source says", null=True),
    text("parameters", "canonical JSON of the request's parameters that were set"),
    Column("cost", Double, nullable=True, comment="by the prices that were set"),
    Index(None, "gizmo_id", "at"),
    Index(None, "at"),
)

tombstones = make_table(
    "tombstones",
    "Who must not be kept: keyed hashes, the key outside the catalog (rule 15).",
    text("kind", "gpt or author"),
    Column("hash", LargeBinary, nullable=False, comment="keyed hash of the id"),
    big("at", "when it was asked for"),
    PrimaryKeyConstraint("kind", "hash"),
    narrow=True,
)

budgets = make_table(
    "budgets",
    "What was taken of each source's day (UTC). Reserved before sending: never overspent.",
    source(),
    text("day", "the UTC day"),
    text("kind", "requests, probes or tokens (of probes)"),
    big("reserved", "how many were taken from the day's budget, sent or not"),
    PrimaryKeyConstraint("source_id", "day", "kind"),
    narrow=True,
)

bookmarks = browse_tables.bookmarks
judgements = browse_tables.judgements

# Derived: can be made again from the above.

gizmos = make_table(
    "gizmos",
    "One row a GPT that ever had a document: its current state.",
    text("gizmo_id", "the GPT", primary_key=True),
    *_scalars("gizmo_revisions"),
    *_scalars("gizmos"),
    text("name_key", "the name, NFKC and casefolded, to sort by", null=True),
    text("user_id", "the current author", null=True),
    text("status", "listed, missing or gone"),
    big("first_seen_at", "when a source first gave its document"),
    big("last_seen_at", "when a source last gave a document that was no stale copy"),
    big("last_asked_at", "when a source was last asked and answered, whatever it said"),
    big("last_changed_at", "when its content last changed", null=True),
    Column("stale_copies", Integer, nullable=False, comment="documents older than one seen before"),
    observation(),
    Index(None, "user_id"),
    # How many were made in which month.
    Index(None, "created_at"),
    # Which of those that are listed were confirmed longest ago, and how many before a moment.
    Index(None, "status", "last_seen_at"),
)

gizmo_revisions = make_table(
    "gizmo_revisions",
    "Stretches of time in which a GPT's content did not change.",
    gizmo(),
    *_interval(),
    *_scalars("gizmo_revisions"),
    *_counts("gizmo_revisions"),
    *_stated(),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
)

gizmo_authors = make_table(
    "gizmo_authors",
    "What documents say about their author, over time.",
    gizmo(),
    *_interval(),
    *_scalars("gizmo_authors"),
    *_counts("gizmo_authors"),
    *_stated(),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
    Index(None, "user_id"),
)

attachments = make_table(
    "attachments",
    "What a GPT takes as attachments, over time; set by the platform.",
    gizmo(),
    *_interval(),
    *_scalars("attachments"),
    *_stated(),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
    narrow=True,
)

mime_sets = make_table(
    "mime_sets",
    "Sets of MIME types, each stored once: they repeat over nearly all GPTs.",
    text("set_digest", "digest of the sorted members"),
    text("mime_type", "a member"),
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
    listed.table: make_table(
        listed.table,
        f"Elements of {listed.path} over time: {listed.comment}.",
        gizmo(),
        text("element", "the element's key"),
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

statuses = make_table(
    "statuses",
    "Listed, missing, gone: over time.",
    gizmo(),
    *_interval(),
    text("status", "listed, missing or gone"),
    PrimaryKeyConstraint("gizmo_id", "valid_from"),
    narrow=True,
)

authors = make_table(
    "authors",
    "One row a user_id that a current document names (rule 11).",
    text("user_id", "the author", primary_key=True),
    *(
        Column(field.column, TYPES[field.type], nullable=True, comment=field.comment)
        for field in of_table("gizmo_authors")
        if field.column != "user_id"
    ),
    text("name_key", "display_name, NFKC and casefolded, to sort by", null=True),
    Column("gpt_count", Integer, nullable=False, comment="GPTs whose current document names it"),
    big("first_seen_at", "when a document first named it"),
    text("gizmo_id", "the GPT whose document this row quotes"),
    observation(),
)

vanity_metrics = make_table(
    "vanity_metrics",
    "A GPT's numbers as points in time: a new row only when one moved.",
    gizmo(),
    big("observed_at", "when they were said"),
    observation(),
    *_scalars("vanity_metrics"),
    big("conversations_at_least", "lower bound read from num_conversations_str", null=True),
    Column("conversations_exact", Boolean, nullable=True, comment="whether that is the number"),
    PrimaryKeyConstraint("gizmo_id", "observed_at"),
    narrow=True,
)

source_stats = make_table(
    "source_stats",
    "The gateways' own counters as points in time: they belong to the source.",
    gizmo(),
    source(),
    big("observed_at", "when they were said"),
    observation(),
    *(big(column, f"the gateway's {path}", null=True) for path, column in STAT_FIELDS.items()),
    PrimaryKeyConstraint("gizmo_id", "source_id", "observed_at"),
    narrow=True,
)

mass_events = make_table(
    "mass_events",
    "One difference that many GPTs show at once (rule 9).",
    text("event_id", "digest of field, difference and first day", primary_key=True),
    text("field", "the path"),
    text("added", "JSON: elements that came, or the new value"),
    text("removed", "JSON: elements that went, or the old value"),
    text("first_day", "the first UTC day"),
    text("last_day", "the last UTC day"),
    Column("gpts", Integer, nullable=False, comment="GPTs that show it"),
    Column("compared", Integer, nullable=False, comment="GPTs with a neighbouring pair then"),
)

changes = make_table(
    "changes",
    "One field's difference between two neighbouring statements.",
    gizmo(),
    big("observed_at", "when the new value was first said"),
    text("field", "the path in the document"),
    text("element", "of a list: the element's key; else empty"),
    big("not_before", "when the old value was last confirmed", null=True),
    text("class", "content, lifecycle or platform", key="cls"),
    text("kind", "added, removed or changed"),
    text("old", "canonical JSON of the old value", null=True),
    text("new", "canonical JSON of the new value", null=True),
    source(),
    observation(),
    Column("flap", Boolean, nullable=False, comment="the old value came back soon (rule 8)"),
    Column("disagreement", Boolean, nullable=False, comment="sources contradict (rule 4)"),
    text("event_id", "the mass event it is part of", null=True),
    PrimaryKeyConstraint("gizmo_id", "observed_at", "field", "element"),
    # In the order in which changes are read, class by class: the platform's are many, and hidden.
    # What follows the order is what they are counted by: no row is looked up for that.
    Index(
        "ix_changes_class_observed_at",
        *("cls", "observed_at", "gizmo_id", "field", "element"),
        *("kind", "event_id", "flap", "disagreement"),
    ),
    Index(None, "event_id"),
)

drift = make_table(
    "drift",
    "Paths and types that appeared in, or vanished from, a source's documents (rule 10).",
    source(),
    text("wrapping", "where the gizmo object lies in its payloads"),
    text("path", "the path"),
    text("kind", "appeared, vanished or type"),
    big("at", "when the first document with, or the last before the change, was said"),
    big("first_seen_at", "since when documents have it, or had it until it vanished"),
    big("last_seen_at", "when a document last had it, before it vanished if it did"),
    text("example", "canonical JSON of a value, cut", null=True),
    PrimaryKeyConstraint("source_id", "wrapping", "path", "kind", "at"),
)

unmapped_fields = make_table(
    "unmapped_fields",
    "Paths that no table knows, and values that their column cannot take.",
    text("path", "the JSON path", primary_key=True),
    big("first_seen_at", "when it was first said"),
    big("last_seen_at", "when it was last said"),
    big("count", "observations that have it"),
    text("example", "canonical JSON of its first value, cut"),
)

fold_states = make_table(
    "fold_states",
    "Where each GPT's fold stands, so that a newer observation takes one step (design, section 4).",
    text("gizmo_id", "the GPT", primary_key=True),
    big("last_at", "observed_at of the last step taken"),
    Column("state", LargeBinary, nullable=False, comment="the fold's state, zstd"),
)

facet_sets = browse_tables.facet_sets
listings = browse_tables.listings
category_ranks = browse_tables.category_ranks

stage_queue = make_table(
    "stage_queue",
    "What stage 2 has still to look at again; written with what caused it.",
    text("kind", "author, day, facets, listing or shape"),
    text("key", "which"),
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
    facet_sets,
    listings,
    category_ranks,
    stage_queue,
)
"""The tables that ``rebuild`` makes again."""

WORK: tuple[Table, ...] = (
    work_tables.job_states,
    work_tables.job_runs,
    work_tables.alarms,
    work_tables.outcome_days,
    work_tables.prunings,
    work_tables.plan_days,
    work_tables.paces,
    work_tables.write_locks,
)
"""What this catalog did; nothing of it was said by a source."""
