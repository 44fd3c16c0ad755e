"""The types of what is sent in a form of its own: a GPT, its history, a change.

The values are those that ``--json`` prints, made in :mod:`catalog.wording`: these types describe
them, and a test holds both together.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from catalog.web.api.wire import Moment


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all of them have in common: every member is sent, and no other."""


class Said(Shape, frozen=True, kw_only=True):
    """A field's value, and who says so."""

    value: Annotated[Any, Meta(description="What it is; sets of MIME types as their members.")]
    since: (
        Annotated[Moment, Meta(description="Since when; null where only the latest is kept.")]
        | None
    )
    source: Annotated[str, Meta(description="Who says so.")]
    said_at: Annotated[Moment, Meta(description="When it was said.")]
    unsent_since: (
        Annotated[Moment, Meta(description="When its source stopped sending the field.")] | None
    )


class ListSaid(Shape, frozen=True, kw_only=True):
    """A list of a GPT."""

    items: (
        Annotated[
            list[dict[str, Any]],
            Meta(
                description=(
                    "Its elements, each with `key`, `since`, `source`, `said_at` and its own"
                    " members; null where it is stated as null."
                )
            ),
        ]
        | None
    )
    unsent_since: (
        Annotated[Moment, Meta(description="When its source stopped sending the list.")] | None
    )


class GptNow(Shape, frozen=True, kw_only=True):
    """Everything about one GPT, and where each fact came from."""

    gizmo_id: Annotated[str, Meta(description="The GPT.")]
    name: Annotated[str, Meta(description="Its name.")] | None
    author: Annotated[str, Meta(description="The name of its author.")] | None
    at: Annotated[Moment, Meta(description="As of when; null: now.")] | None
    known_at: Annotated[Moment, Meta(description="As known when; null: now.")] | None
    status: Annotated[str, Meta(description="`listed`, `missing` or `gone`.")]
    status_since: Annotated[Moment, Meta(description="Since when.")]
    first_seen_at: Annotated[Moment, Meta(description="When a source first gave its document.")]
    last_seen_at: (
        Annotated[Moment, Meta(description="When one last gave it; null as of a past moment.")]
        | None
    )
    last_asked_at: (
        Annotated[Moment, Meta(description="When one last answered; null as of a past moment.")]
        | None
    )
    confirmed_at: (
        Annotated[Moment, Meta(description="When one last said that it is as it stands here.")]
        | None
    )
    last_changed_at: (
        Annotated[Moment, Meta(description="When it last changed; null as of a past moment.")]
        | None
    )
    stale_copies: Annotated[int, Meta(description="Documents older than one before.")] | None
    fields: Annotated[
        dict[str, Said], Meta(description="By path in the document; see docs/fields.md.")
    ]
    lists: Annotated[
        dict[str, ListSaid], Meta(description="By path in the document; see docs/fields.md.")
    ]
    metrics: (
        Annotated[
            dict[str, Any],
            Meta(description="Its latest numbers, with `said_at` and `source`."),
        ]
        | None
    )
    stats: Annotated[
        list[dict[str, Any]],
        Meta(description="The gateways' own counters, with `said_at` and `source`."),
    ]


class ChangeSaid(Shape, frozen=True, kw_only=True):
    """A field's difference between two neighbouring statements."""

    gizmo_id: Annotated[str, Meta(description="The GPT.")]
    observed_at: Annotated[Moment, Meta(description="When the new value was first said.")]
    not_before: Annotated[Moment, Meta(description="When the old value was last confirmed.")] | None
    # The contract's name; a word of Python's.
    class_: Annotated[str, Meta(description="`content`, `lifecycle` or `platform`.")] = (
        msgspec.field(name="class")
    )
    field: Annotated[str, Meta(description="The path in the document, or `status`.")]
    kind: Annotated[str, Meta(description="`added`, `removed` or `changed`.")]
    old: Annotated[Any, Meta(description="The old value.")]
    new: Annotated[Any, Meta(description="The new value.")]
    source: Annotated[str, Meta(description="Who said it.")]
    flap: Annotated[
        bool, Meta(description="The old value comes back, or sources contradict each other.")
    ]
    event: Annotated[str, Meta(description="The mass event it is part of.")] | None


class StretchSaid(Shape, frozen=True, kw_only=True):
    """A stretch of time in which content stayed."""

    valid_from: Annotated[Moment, Meta(description="From then on.")]
    valid_to: Annotated[Moment, Meta(description="Until before then; null: it holds.")] | None
    source: Annotated[str, Meta(description="Who says so.")]
    said_at: Annotated[Moment, Meta(description="When it was said.")]


class StatusSaid(StretchSaid, frozen=True, kw_only=True):
    """A stretch of time in which a status held."""

    status: Annotated[str, Meta(description="`listed`, `missing` or `gone`.")]


class GptHistory(Shape, frozen=True, kw_only=True):
    """How one GPT came to be what it is."""

    gizmo_id: Annotated[str, Meta(description="The GPT.")]
    name: Annotated[str, Meta(description="Its name now.")] | None
    statuses: Annotated[list[StatusSaid], Meta(description="Oldest first.")]
    revisions: Annotated[list[StretchSaid], Meta(description="Oldest first.")]
    changes: Annotated[list[ChangeSaid], Meta(description="Every change, oldest first.")]


class ChangesSaid(Shape, frozen=True, kw_only=True):
    """A page of changes."""

    items: Annotated[list[ChangeSaid], Meta(description="The changes.")]
    after: Annotated[str, Meta(description="The cursor of the next page; null: no more.")] | None
