"""The hand-written floor of an import: what it costs to get the same rows into plain tables.

Typed decoding, SHA-256, zstd, and rows written by the driver itself, 500 documents a transaction.
It keeps the last state alone: no history, no differences, no noise told from change, no second
source, no repeat noticed but that of whole payloads; a document of an unexpected form ends it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import zstandard

from catalog.times import from_iso

BATCH = 500
LEVEL = 3

TABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "payloads": ("digest", ("digest", "size", "data")),
    "observations": (
        "gizmo_id, observed_at",
        ("gizmo_id", "observed_at", "source", "digest"),
    ),
    "gizmos": (
        "gizmo_id",
        (
            "gizmo_id",
            "short_url",
            "organization_id",
            "workspace_id",
            "user_id",
            "voice",
            "name",
            "description",
            "picture",
            "picture_url",
            "share_recipient",
            "created_at",
            "updated_at",
            "permission",
            "mime_set",
            "image_set",
            "last_seen_at",
        ),
    ),
    "authors": (
        "user_id",
        (
            "user_id",
            "display_name",
            "link_to",
            "is_verified",
            "selected_display",
            "will_receive_support_emails",
        ),
    ),
    "vanity_metrics": (
        "gizmo_id",
        (
            "gizmo_id",
            "num_conversations_str",
            "created_ago_str",
            "review_total",
            "review_count",
            "by_rating",
        ),
    ),
    "tools": (
        "gizmo_id, place",
        ("gizmo_id", "place", "tool_id", "type", "domain", "auth", "json_schema", "policy"),
    ),
    "files": ("gizmo_id, place", ("gizmo_id", "place", "file_ref", "type")),
    "prompt_starters": ("gizmo_id, place", ("gizmo_id", "place", "text")),
    "categories": ("gizmo_id, category", ("gizmo_id", "category")),
    "tags": ("gizmo_id, tag", ("gizmo_id", "tag")),
    "socials": (
        "gizmo_id, place",
        ("gizmo_id", "place", "social_id", "type", "display_name", "verified_data"),
    ),
    "mime_sets": ("set_digest, mime_type", ("set_digest", "mime_type")),
}
"""Key and columns of each table."""

Rows = dict[str, dict[Any, tuple[Any, ...]]]
"""By table and key."""


class _Author(msgspec.Struct):
    user_id: str
    display_name: str | None
    link_to: str | None
    is_verified: bool
    selected_display: str
    will_receive_support_emails: bool | None
    display_socials: list[dict[str, Any]]


class _Display(msgspec.Struct):
    name: str
    description: str
    prompt_starters: list[str] | None
    profile_pic_id: str | None
    profile_picture_url: str | None
    categories: list[str]


class _Voice(msgspec.Struct):
    id: str


class _Reviews(msgspec.Struct):
    total: int
    count: int
    by_rating: dict[str, int]


class _Metrics(msgspec.Struct):
    num_conversations_str: str | None
    created_ago_str: str
    review_stats: _Reviews


class _Gizmo(msgspec.Struct):
    id: str
    organization_id: str
    short_url: str
    author: _Author
    voice: _Voice
    workspace_id: str | None
    display: _Display
    share_recipient: str
    created_at: str
    updated_at: str
    tags: list[str]
    vanity_metrics: _Metrics
    current_user_permission: msgspec.Raw


class _Action(msgspec.Struct):
    domain: str | None
    auth: msgspec.Raw = msgspec.Raw(b"null")
    raw_spec: str | None = None
    json_schema: msgspec.Raw = msgspec.Raw(b"null")
    privacy_policy_url: str | None = None


class _Tool(msgspec.Struct):
    id: str
    type: str
    metadata: _Action | None


class _File(msgspec.Struct):
    id: str
    type: str


class _Attachments(msgspec.Struct):
    accepted_mime_types: list[str]
    image_mime_types: list[str]


class _Features(msgspec.Struct):
    attachments: _Attachments


class _Document(msgspec.Struct):
    gizmo: _Gizmo
    tools: list[_Tool]
    files: list[_File]
    product_features: _Features


class _Line(msgspec.Struct):
    observed_at: str
    gpt: msgspec.Raw


_LINES = msgspec.json.Decoder(_Line)
_DOCUMENTS = msgspec.json.Decoder(_Document)
_ENCODER = msgspec.json.Encoder()


class Writer(Protocol):
    """Writes batches of rows."""

    def write(self, rows: Rows, gizmo_ids: list[str]) -> None:
        """Write the rows of some GPTs in place of their earlier ones, in one transaction."""
        ...


def import_lines(path: Path, writer: Writer) -> int:
    """Decode the file and have it written; how many documents it held."""
    compress = zstandard.ZstdCompressor(level=LEVEL).compress
    count = 0
    with path.open("rb") as file:
        for lines in _batches(file):
            rows: Rows = {table: {} for table in TABLES}
            ids = [_add(rows, line, compress) for line in lines]
            writer.write(rows, ids)
            count += len(ids)
    return count


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    source = iter(lines)
    while batch := list(itertools.islice(source, BATCH)):
        yield batch


def _add(rows: Rows, line: bytes, compress: Any) -> str:
    """Put one document's rows to the others; its GPT."""
    said = _LINES.decode(line)
    at, payload = from_iso(said.observed_at), bytes(said.gpt)
    document = _DOCUMENTS.decode(payload)
    gizmo, display, author = document.gizmo, document.gizmo.display, document.gizmo.author
    key, digest = gizmo.id, hashlib.sha256(payload).digest()
    rows["payloads"][digest] = (digest, len(payload), compress(payload))
    rows["observations"][key, at] = (key, at, "archive", digest)
    attachments = document.product_features.attachments
    sets = [_set(rows, attachments.accepted_mime_types), _set(rows, attachments.image_mime_types)]
    rows["gizmos"][key] = (
        key,
        gizmo.short_url,
        gizmo.organization_id,
        gizmo.workspace_id,
        author.user_id,
        gizmo.voice.id,
        display.name,
        display.description,
        display.profile_pic_id,
        display.profile_picture_url,
        gizmo.share_recipient,
        from_iso(gizmo.created_at),
        from_iso(gizmo.updated_at),
        bytes(gizmo.current_user_permission).decode(),
        *sets,
        at,
    )
    rows["authors"][author.user_id] = (
        author.user_id,
        author.display_name,
        author.link_to,
        author.is_verified,
        author.selected_display,
        author.will_receive_support_emails,
    )
    metrics = gizmo.vanity_metrics
    rows["vanity_metrics"][key] = (
        key,
        metrics.num_conversations_str,
        metrics.created_ago_str,
        metrics.review_stats.total,
        metrics.review_stats.count,
        _ENCODER.encode(metrics.review_stats.by_rating).decode(),
    )
    for place, tool in enumerate(document.tools):
        rows["tools"][key, place] = (key, place, tool.id, tool.type, *_action(tool.metadata))
    for place, one in enumerate(document.files):
        rows["files"][key, place] = (key, place, one.id, one.type)
    for place, text in enumerate(display.prompt_starters or ()):
        rows["prompt_starters"][key, place] = (key, place, text)
    for category in display.categories:
        rows["categories"][key, category] = (key, category)
    for tag in gizmo.tags:
        rows["tags"][key, tag] = (key, tag)
    for place, social in enumerate(author.display_socials):
        rows["socials"][key, place] = (
            key,
            place,
            social["id"],
            social["type"],
            social["display_name"],
            _ENCODER.encode(social["verified_data"]).decode(),
        )
    return key


def _action(metadata: _Action | None) -> tuple[str | None, ...]:
    if metadata is None:
        return (None, None, None, None)
    schema = metadata.raw_spec or bytes(metadata.json_schema).decode()
    return (
        metadata.domain,
        bytes(metadata.auth).decode(),
        schema,
        metadata.privacy_policy_url,
    )


def _set(rows: Rows, members: list[str]) -> str:
    ordered = sorted(members)
    digest = hashlib.sha256("\n".join(ordered).encode()).hexdigest()[:24]
    for member in ordered:
        rows["mime_sets"][digest, member] = (digest, member)
    return digest
