"""The tables that exports hold, by names that mean the same in every catalog.

Numbers of this catalog (of sources, observations, payloads) are replaced by what they stand for;
times are moments. What a profile leaves out of these is its own affair; what stands in no export is
listed here with the reason, and a test demands that nothing is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import BigInteger, Boolean, Double, Integer, SmallInteger

from catalog.fields import BY_COLUMN
from catalog.storage import dump
from catalog.storage import tables as t

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

ColumnType = Literal["string", "integer", "number", "boolean", "timestamp", "date", "json"]
Shape = Literal["state", "interval", "point", "whole"]
"""How a table tells of time: ``state`` is the latest alone, ``interval`` has ``valid_from`` and
``valid_to``, ``point`` one moment a row, and ``whole`` is about no single GPT."""


class ExportedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column as it is read for an export.

    Attributes:
        name: what it is called.
        type: what it holds.
        comment: what it says.
        nullable: whether it can be null.
        unit: of what its numbers are; None where they are none.
    """

    name: str
    type: ColumnType
    comment: str
    nullable: bool
    unit: str | None = None


class ExportedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it is read for an export.

    Attributes:
        name: what it is called.
        comment: what its rows are.
        shape: how it tells of time.
        columns: its columns.
        key: the columns that name a row, in the order in which rows stand.
        moment: the column that its rows are parted by, where they are many.
        per_gpt: whether each row is about the GPT that it begins with.
    """

    name: str
    comment: str
    shape: Shape
    columns: tuple[ExportedColumn, ...]
    key: tuple[str, ...]
    moment: str | None = None
    per_gpt: bool = True


LEFT_OUT_TABLES: dict[str, str] = dump.LEFT_OUT_TABLES | {
    "payloads": "stand with the observations and discoveries that name them",
    "tombstones": "whom this catalog was asked to forget is for nobody else to know",
}
"""Tables that no export of another format than a catalog file holds, with the reason: what the
logical dump leaves out is about one catalog, and says nothing to others."""

LEFT_OUT: dict[str, str] = {
    "gizmos.name_key": "the name again, to sort by",
    "authors.name_key": "the name again, to sort by",
    "sources.source_id": "a number of this catalog",
    "observations.observation_id": "a number of this catalog",
    "observations.shape_id": "a number of this catalog",
    "probes.probe_id": "a number of this catalog",
    "probes.body": "as packed here; the other columns say what it held",
}
"""Columns of exported tables that no export holds, with the reason."""

REPLACED: dict[str, tuple[str, ...]] = {
    "observation_id": ("source",),
    "source_id": ("source",),
    "payload_id": ("payload", "payload_base64"),
}
"""What stands in the place of this catalog's numbers."""

_MOMENTS = frozenset({"valid_from", "valid_to", "not_before", "at", "last_at"})
_JSON = frozenset(
    {
        "old",
        "new",
        "added",
        "removed",
        "null_fields",
        "unstated_fields",
        "auth",
        "json_schema",
        "verified_data",
        "example",
        "parameters",
    }
)
_DATES = frozenset({"first_day", "last_day"})
_UNITS = {
    "size": "bytes",
    "file_size_tokens": "tokens",
    "context_stuffing_budget": "tokens",
    "seconds": "seconds",
    "first_seconds": "seconds",
    "prompt_tokens": "tokens",
    "completion_tokens": "tokens",
    "review_total": "stars",
}
_SOURCE = ExportedColumn(
    name="source", type="string", comment="the source that says so", nullable=False
)
_SAID_AT = ExportedColumn(
    name="said_at", type="timestamp", comment="when it said so", nullable=False
)
_DIGEST = ExportedColumn(
    name="digest",
    type="string",
    comment="SHA-256 of the payload in hex; empty: there is no such GPT",
    nullable=False,
)
_REDACTED = ExportedColumn(
    name="redacted",
    type="boolean",
    comment="whether a secret was replaced in the payload (law 10)",
    nullable=False,
)
_PAYLOAD = (
    ExportedColumn(
        name="payload",
        type="string",
        comment="the bytes as sent, where they are UTF-8 without U+0000",
        nullable=True,
    ),
    ExportedColumn(
        name="payload_base64",
        type="string",
        comment="the bytes as sent in base64, where payload cannot hold them",
        nullable=True,
    ),
)


def _type(table: Table, column: Column[object]) -> ColumnType:
    field = BY_COLUMN.get((table.name, column.name)) or BY_COLUMN.get(
        ("gizmo_revisions" if table is t.gizmos else "gizmo_authors", column.name)
    )
    if column.name in _MOMENTS or column.name.endswith("_at"):
        return "timestamp"
    if field is not None and field.type in {"time", "json"}:
        return "timestamp" if field.type == "time" else "json"
    if column.name in _JSON:
        return "json"
    if column.name in _DATES:
        return "date"
    if isinstance(column.type, Boolean):
        return "boolean"
    if isinstance(column.type, Double):
        return "number"
    if isinstance(column.type, (BigInteger, Integer, SmallInteger)):
        return "integer"
    return "string"


def _columns(table: Table) -> list[ExportedColumn]:
    """The columns of a table, numbers of this catalog left out."""
    return [
        ExportedColumn(
            name=str(column.name),
            type=_type(table, column),
            comment=column.comment or "",
            nullable=bool(column.nullable),
            unit=_UNITS.get(column.name),
        )
        for column in table.columns
        if column.name not in REPLACED and f"{table.name}.{column.name}" not in LEFT_OUT
    ]


def _exported(
    table: Table,
    shape: Shape,
    key: tuple[str, ...],
    *,
    more: tuple[ExportedColumn, ...] = (),
    moment: str | None = None,
) -> ExportedTable:
    columns = _columns(table)
    if table is not t.sources and ("source_id" in table.c or "observation_id" in table.c):
        columns.append(_SOURCE)
    return ExportedTable(
        name=str(table.name),
        comment=table.comment or "",
        shape=shape,
        columns=(*columns, *more),
        key=key,
        moment=moment,
        per_gpt=shape != "whole" and "gizmo_id" in table.c,
    )


_INTERVAL = ("gizmo_id", "valid_from")

_ALL = (
    _exported(t.gizmos, "state", ("gizmo_id",), more=(_SAID_AT,)),
    _exported(t.gizmo_revisions, "interval", _INTERVAL),
    _exported(t.gizmo_authors, "interval", _INTERVAL),
    _exported(t.authors, "whole", ("user_id",), more=(_SAID_AT,)),
    *(
        _exported(table, "interval", ("gizmo_id", "element", "valid_from"))
        for table in t.CHILDREN.values()
    ),
    _exported(t.attachments, "interval", _INTERVAL),
    _exported(t.mime_sets, "whole", ("set_digest", "mime_type")),
    _exported(t.statuses, "interval", _INTERVAL),
    _exported(t.vanity_metrics, "point", ("gizmo_id", "observed_at"), moment="observed_at"),
    _exported(t.source_stats, "point", ("gizmo_id", "source", "observed_at"), moment="observed_at"),
    _exported(
        t.changes,
        "point",
        ("gizmo_id", "observed_at", "field", "element"),
        moment="observed_at",
    ),
    _exported(t.mass_events, "whole", ("event_id",)),
    _exported(t.drift, "whole", ("source", "wrapping", "path", "kind", "at")),
    _exported(t.unmapped_fields, "whole", ("path",)),
    _exported(t.sources, "whole", ("name",)),
    _exported(
        t.observations,
        "point",
        ("gizmo_id", "observed_at", "source", "digest"),
        more=(_DIGEST, _REDACTED, *_PAYLOAD),
        moment="observed_at",
    ),
    _exported(
        t.discoveries,
        "point",
        ("gizmo_id", "source", "query", "at"),
        more=(_REDACTED, *_PAYLOAD),
        moment="at",
    ),
    _exported(t.probes, "point", ("gizmo_id", "at", "source", "model", "question"), moment="at"),
)

TABLES: dict[str, ExportedTable] = {table.name: table for table in _ALL}
"""The tables that exports hold, by name, in the order in which they are written."""
