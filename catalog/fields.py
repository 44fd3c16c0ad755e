"""Where every field of a document goes, and what a difference in it means.

This is the one place that says what is content, volatile, metric or platform, and what flaps:
normalisation, the fold, the queries and the documentation all read it (design, section 5). A path
is the field's place in the document, with ``[]`` for the elements of a list.

``content``
    A difference is a change that a person would want to know.
``platform``
    A difference is a change, made by the platform for thousands of GPTs at once; hidden by default.
``volatile``
    Only the latest value is kept; a difference is noise.
``metric``
    A number over time, kept as points in ``vanity_metrics``.

Flapping fields are content whose values come and go with the machine that answered: in the public
archive 70 to 75 % of their changes revert within 8 observations.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from catalog.errors import UsageError

FieldClass = Literal["content", "platform", "volatile", "metric"]
FieldType = Literal["text", "integer", "real", "boolean", "time", "json"]


@dataclass(frozen=True, slots=True)
class Field:
    """One scalar of the document.

    Attributes:
        path: its place in the document.
        column: its column, and its key in :attr:`catalog.records.Document.scalars`.
        type: what the column holds; a time is stored in microseconds.
        cls: what a difference means.
        table: where it is stored: ``gizmos`` is the latest value alone.
        comment: what it says, for the data dictionary.
        flapping: its changes are hidden by default where they revert.
    """

    path: str
    column: str
    type: FieldType
    cls: FieldClass
    table: Literal["gizmo_revisions", "gizmo_authors", "attachments", "gizmos", "vanity_metrics"]
    comment: str
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class ListField:
    """One list of the document, stored as versioned child rows.

    Attributes:
        path: its place in the document.
        table: where its elements are stored, and its key in :attr:`catalog.records.Document.lists`.
        cls: what a difference means.
        owner: the table whose rows carry the count of its elements (null: never said, -1: null).
        content: columns of an element in which a difference is a change.
        volatile: columns of an element that hold the latest value alone.
        comment: what it says, for the data dictionary.
        flapping: see :class:`Field`.
    """

    path: str
    table: str
    cls: FieldClass
    owner: Literal["gizmo_revisions", "gizmo_authors"]
    content: tuple[str, ...]
    volatile: tuple[str, ...]
    comment: str
    flapping: bool = False

    @property
    def count_column(self) -> str:
        """The column of the owner that carries the number of elements."""
        return f"{self.table}_count"


def _content(path: str, column: str, type_: FieldType, comment: str) -> Field:
    return Field(path, column, type_, "content", "gizmo_revisions", comment)


def _author(path: str, column: str, type_: FieldType, comment: str) -> Field:
    return Field(path, column, type_, "content", "gizmo_authors", comment, flapping=True)


def _volatile(path: str, column: str, type_: FieldType, comment: str) -> Field:
    return Field(path, column, type_, "volatile", "gizmos", comment)


def _metric(path: str, column: str, type_: FieldType, comment: str) -> Field:
    return Field(path, column, type_, "metric", "vanity_metrics", comment)


def _platform(path: str, column: str, type_: FieldType, comment: str) -> Field:
    return Field(path, column, type_, "platform", "attachments", comment)


PICTURE = "gizmo.display.profile_picture"
"""The picture is one field out of two: ``profile_pic_id`` and the stable part of the URL."""

FIELDS: tuple[Field, ...] = (
    _content("gizmo.short_url", "short_url", "text", "the id, with a slug of the name behind it"),
    _content("gizmo.organization_id", "organization_id", "text", "the owner's organization"),
    _content("gizmo.workspace_id", "workspace_id", "text", "the owner's workspace, if any"),
    _content("gizmo.voice.id", "voice", "text", "the voice it speaks with"),
    _content("gizmo.model", "model", "text", "the model it is fixed to"),
    _content("gizmo.default_model", "default_model", "text", "the model it starts with"),
    _content("gizmo.instructions", "instructions", "text", "its prompt; only owners are told"),
    _content("gizmo.display.name", "name", "text", "its name"),
    _content("gizmo.display.description", "description", "text", "what it says of itself"),
    _content("gizmo.display.welcome_message", "welcome_message", "text", "its first words"),
    _content(PICTURE, "picture", "text", "the picture's file id, or the stable path of its URL"),
    _content("gizmo.display.emoji", "emoji", "text", "the sign shown for it"),
    _content("gizmo.display.theme", "theme", "text", "the colour shown for it"),
    _content("gizmo.share_recipient", "share_recipient", "text", "marketplace, link or private"),
    _content("gizmo.created_at", "created_at", "time", "when it was made"),
    _content("gizmo.gizmo_type", "gizmo_type", "text", "what kind of gizmo it is"),
    _content("gizmo.gizmo_snorlax_type", "gizmo_snorlax_type", "text", "what kind of project"),
    _content("gizmo.goal", "goal", "text", "a project's goal"),
    _content("gizmo.memory_enabled", "memory_enabled", "boolean", "whether it remembers"),
    _content("gizmo.memory_scope", "memory_scope", "text", "what it remembers"),
    _content("gizmo.is_archived", "is_archived", "boolean", "whether its owner archived it"),
    _content("gizmo.archived_at", "archived_at", "time", "when its owner archived it"),
    _content("gizmo.training_disabled", "training_disabled", "boolean", "owners are told"),
    _content("gizmo.workspace_approved", "workspace_approved", "boolean", "a workspace's word"),
    _content(
        "gizmo.workspace_approval_date", "workspace_approval_date", "time", "when it was approved"
    ),
    Field(
        "gizmo.author.user_id",
        "user_id",
        "text",
        "content",
        "gizmo_authors",
        "who made it; may carry a workspace suffix. Rare changes of ownership, so not flapping",
    ),
    _author("gizmo.author.display_name", "display_name", "text", "the author's name as shown"),
    _author("gizmo.author.link_to", "link_to", "text", "the author's website"),
    _author("gizmo.author.selected_display", "selected_display", "text", "name or website"),
    _author("gizmo.author.is_verified", "is_verified", "boolean", "whether the name was verified"),
    _author(
        "gizmo.author.will_receive_support_emails",
        "will_receive_support_emails",
        "boolean",
        "whether the author takes mail",
    ),
    _author("gizmo.author.user_email", "user_email", "text", "a personal field; never exported"),
    _platform(
        "product_features.attachments.type", "type", "text", "how attachments are used: retrieval"
    ),
    _platform(
        "product_features.attachments.can_accept_all_mime_types",
        "can_accept_all_mime_types",
        "boolean",
        "whether any type is taken",
    ),
    _platform(
        "product_features.attachments.accepted_mime_types",
        "accepted_mime_types",
        "text",
        "digest of the set of types taken, see mime_sets",
    ),
    _platform(
        "product_features.attachments.image_mime_types",
        "image_mime_types",
        "text",
        "digest of the set of image types taken, see mime_sets",
    ),
    _volatile("gizmo.updated_at", "updated_at", "time", "moved by the platform almost daily"),
    _volatile("gizmo.last_interacted_at", "last_interacted_at", "time", "the asker's last use"),
    _volatile("gizmo.version", "version", "integer", "counts saves; owners are told"),
    _volatile("gizmo.live_version", "live_version", "integer", "the version that is published"),
    _volatile("gizmo.version_created_at", "version_created_at", "time", "when it was first saved"),
    _volatile("gizmo.version_updated_at", "version_updated_at", "time", "when it was last saved"),
    _volatile("gizmo.version_author", "version_author", "json", "who saved it; form not fixed"),
    _volatile("gizmo.is_unassigned", "is_unassigned", "boolean", "whether it lost its owner"),
    _volatile(
        "gizmo.context_stuffing_budget", "context_stuffing_budget", "integer", "tokens of context"
    ),
    _volatile(
        "gizmo.conversation_copy_in_progress",
        "conversation_copy_in_progress",
        "boolean",
        "a state of the platform",
    ),
    _volatile(
        "gizmo.display.profile_pic_id", "profile_pic_id", "text", "the picture's file id as sent"
    ),
    _volatile(
        "gizmo.display.profile_picture_url",
        "profile_picture_url",
        "text",
        "the picture's URL as sent: signed anew, re-hosted",
    ),
    _volatile(
        "gizmo.vanity_metrics.created_ago_str", "created_ago_str", "text", "localized, never parsed"
    ),
    _volatile(
        "gizmo.current_user_permission",
        "current_user_permission",
        "json",
        "what the asking account may do; an open set of flags about the asker",
    ),
    _volatile("gizmo.sharing", "sharing", "json", "with whom it is shared; form not fixed"),
    _volatile(
        "gizmo.sharing_targets", "sharing_targets", "json", "where it may be shared; owners' view"
    ),
    _volatile(
        "gizmo.allowed_sharing_recipients",
        "allowed_sharing_recipients",
        "json",
        "where it may be shared, until 2024-01; owners' view",
    ),
    _metric("gizmo.num_interactions", "num_interactions", "integer", "the asker's interactions"),
    _metric(
        "gizmo.vanity_metrics.num_conversations", "num_conversations", "integer", "exact, to owners"
    ),
    _metric(
        "gizmo.vanity_metrics.num_conversations_str",
        "num_conversations_str",
        "text",
        "as sent: 96, 25K+, 1M+ or empty",
    ),
    _metric("gizmo.vanity_metrics.num_pins", "num_pins", "integer", "until 2024-04"),
    _metric(
        "gizmo.vanity_metrics.num_users_interacted_with",
        "num_users_interacted_with",
        "integer",
        "until 2024-01",
    ),
    _metric(
        "gizmo.vanity_metrics.review_stats.total", "review_total", "integer", "the SUM of stars"
    ),
    _metric(
        "gizmo.vanity_metrics.review_stats.count", "review_count", "integer", "number of reviews"
    ),
    *(
        _metric(
            f"gizmo.vanity_metrics.review_stats.by_rating.{stars}",
            f"rating_{stars}",
            "real",
            f"reviews of {stars} stars: a count in detail documents, a share in /about",
        )
        for stars in range(1, 6)
    ),
)

LISTS: tuple[ListField, ...] = (
    ListField(
        "tools",
        "tools",
        "content",
        "gizmo_revisions",
        ("type", "domain", "auth", "json_schema", "privacy_policy_url"),
        ("tool_id", "action_id", "element_count"),
        "what it can use; key: the type, for actions the type and the domain",
    ),
    ListField(
        "files",
        "files",
        "content",
        "gizmo_revisions",
        ("type", "name", "size"),
        ("file_ref", "file_id", "location", "file_size_tokens", "file_response_type"),
        "what it knows; key: the id behind ~, else the type and an ordinal",
    ),
    ListField(
        "gizmo.display.prompt_starters",
        "prompt_starters",
        "content",
        "gizmo_revisions",
        ("text",),
        ("position", "element_count"),
        "what it offers to be asked; key: SHA-256 of the text",
    ),
    ListField(
        "gizmo.display.categories",
        "categories",
        "content",
        "gizmo_revisions",
        ("category",),
        (),
        "the store's categories; key: the category",
    ),
    ListField(
        "gizmo.tags",
        "tags",
        "content",
        "gizmo_revisions",
        ("tag",),
        (),
        "the platform's marks; key: the tag",
    ),
    ListField(
        "gizmo.author.display_socials",
        "author_socials",
        "content",
        "gizmo_authors",
        ("type", "display_name", "verified", "verified_data"),
        ("social_id",),
        "accounts the author shows; key: the type and the account's id or link",
        flapping=True,
    ),
)

EMPTY_ONLY: dict[str, str] = {
    "gizmo.settings": "null or {} in every document seen; gone since 2024-12",
    "gizmo.appeal_info": "null in every document seen",
    "gizmo.review_info": "null in every document seen; gone since 2024-01",
    "gizmo.author.socials": "{} in every document of its one week, 2024-02-06 to 02-12",
    "tools[].settings": "null in every document seen",
    "files[].metadata": "null in every document seen",
}
"""Paths that hold nothing in any document known, with what is known of them.

They need no column while they are null, ``{}``, ``[]`` or ``""``; the day one holds more, it is
reported as unmapped.
"""

OPEN_ENDED: dict[str, str] = {
    "tools[].metadata.auth": "kept whole in tools.auth: its members depend on the kind",
    "tools[].metadata.json_schema": "kept whole in tools.json_schema: 25,000 paths were seen",
    "gizmo.current_user_permission": "kept whole",
    "gizmo.sharing": "kept whole: its members changed and are about recipients",
    "gizmo.version_author": "kept whole: no example of its members is known",
}
"""Paths whose members are kept as one JSON value, with the reason. Their members never drift."""

NAMED_BY_DATA: frozenset[str] = frozenset({"gizmo.vanity_metrics.review_stats.by_rating"})
"""Paths whose members are named by what they count: the first review of three stars, of any GPT,
brings a member, and is no news about the format. Their members come and go without drift."""

STAT_FIELDS: dict[str, str] = {
    "stat.read": "stat_read",
    "stat.favorite": "stat_favorite",
    "stat.use": "stat_use",
}
"""The gateway's own counters: they belong to the source, not to the GPT."""

BY_COLUMN: dict[tuple[str, str], Field] = {(f.table, f.column): f for f in FIELDS}
_ALL: tuple[Field | ListField, ...] = (*FIELDS, *LISTS)
BY_PATH: dict[str, Field | ListField] = {f.path: f for f in _ALL}
FLAPPING: frozenset[str] = frozenset(f.path for f in _ALL if f.flapping)


STATUS = "status"
"""The field of changes of class ``lifecycle``; all others are paths of documents."""


def of_table(table: str) -> tuple[Field, ...]:
    """The scalar fields that ``table`` stores, in their written order."""
    return tuple(field for field in FIELDS if field.table == table)


def field_named(text: str) -> str:
    """The field that a person means: its path, its column or table, or the path's last part.

    Raises:
        UsageError: there is none; the text names the nearest.
    """
    names: dict[str, str] = {STATUS: STATUS}
    for field in FIELDS:
        if field.cls in ("content", "platform"):
            names.setdefault(field.column, field.path)
            names[field.path] = field.path
    for listed in LISTS:
        names[listed.table] = listed.path
        names[listed.path] = listed.path
    if text in names:
        return names[text]
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.4)
    volatile = text in BY_PATH or any(field.column == text for field in FIELDS)
    raise UsageError(
        f"{text!r} is kept by its latest value alone, its changes are noise"
        if volatile
        else f"there is no field {text!r}: "
        + (f"did you mean {near[0]!r}?" if near else "docs/fields.md lists them")
    )
