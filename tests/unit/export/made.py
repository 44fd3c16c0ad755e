"""A small export as files, made without a catalog, for tests of its descriptions."""

from __future__ import annotations

import csv
import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from pyarrow import parquet

from catalog.export.release import Column, Coverage, File, FormatName, Release, Table
from catalog.query.covered import Growth, Share, ToolUse, Trends
from catalog.times import from_iso, to_datetime, to_iso

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AT = from_iso("2026-02-13T09:19:19.5Z")
DIGEST = "d" * 64


def _column(name: str, kind: Any = "string", **more: Any) -> Column:
    return Column(name=name, type=kind, description=f"the {name} of it", **more)


GIZMOS = Table(
    name="gizmos",
    description="One row a GPT.",
    columns=(
        _column("gizmo_id"),
        _column("name", nullable=True),
        _column("first_seen_at", "timestamp"),
        _column("size", "integer", nullable=True, unit="bytes"),
        _column("share", "number", nullable=True),
        _column("is_archived", "boolean", nullable=True),
        _column("sharing", "json", nullable=True),
    ),
    key=("gizmo_id",),
)
CHANGES = Table(
    name="changes",
    description="One difference | of a field.",
    columns=(
        _column("gizmo_id"),
        _column("observed_at", "timestamp"),
        _column("first_day", "date"),
        _column("element"),
        _column("new", "json", nullable=True),
    ),
    key=("gizmo_id", "observed_at"),
)
ROWS: dict[str, list[dict[str, Any]]] = {
    "gizmos": [
        {
            "gizmo_id": "g-1",
            "name": 'A "name",\nand a line',
            "first_seen_at": AT,
            "size": 2**40,
            "share": 0.5,
            "is_archived": True,
            "sharing": '{"a":[1]}',
        },
        {
            "gizmo_id": "g-2",
            "name": None,
            "first_seen_at": AT + 1,
            "size": None,
            "share": None,
            "is_archived": None,
            "sharing": None,
        },
    ],
    "changes": [
        {
            "gizmo_id": "g-1",
            "observed_at": AT,
            "first_day": "2026-02-13",
            "element": "",
            "new": '"x"',
        },
        {
            "gizmo_id": "g-2",
            "observed_at": AT + 2,
            "first_day": "2026-02-13",
            "element": "b",
            "new": None,
        },
    ],
}
TRENDS = Trends(
    growth=(
        Growth(month="2026-01", made=3, seen=0),
        Growth(month="2026-02", made=5, seen=2),
        Growth(month="2026-03", made=5, seen=4),
    ),
    categories=(Share(name="writing", gpts=3), Share(name="<other> & more", gpts=1)),
    tools=(
        ToolUse(month="2026-02", tool="browser", tools=1),
        ToolUse(month="2026-03", tool="browser", tools=3),
        ToolUse(month="2026-03", tool="dalle", tools=1),
    ),
    freshness=(
        Share(name="1", gpts=1),
        Share(name="7", gpts=1),
        Share(name="30", gpts=0),
        Share(name="90", gpts=0),
        Share(name="older", gpts=1),
    ),
)
COVERAGE = Coverage(
    gpts=4,
    listed=3,
    missing=0,
    gone=1,
    authors=2,
    observations=40,
    changes=2,
    first_observed=from_iso("2026-02-01T00:00:00Z"),
    last_observed=AT,
    days_observed=9,
    gaps=(("2026-02-03", "2026-02-03"), ("2026-02-06", "2026-02-08")),
    confirmed_within={1: 1 / 3, 7: 2 / 3, 30: 2 / 3},
    sources=("one", "two"),
)
NULLS = {
    "gizmos": {each.name: 0.5 if each.nullable else 0.0 for each in GIZMOS.columns if each.name},
    "changes": {"gizmo_id": 0.0, "observed_at": 0.0, "first_day": 0.0, "element": 0.0, "new": 0.5},
}


def release(form: FormatName = "parquet", files: Sequence[File] = (), **more: Any) -> Release:
    """An export of both tables."""
    found = Release(
        name="gpts-catalog",
        version="2026-02-13",
        created_at=AT,
        profile="public",
        format=form,
        schema_version="0005",
        catalog_digest=DIGEST,
        licence="CC-BY-4.0",
        tables=(GIZMOS, CHANGES),
        files=tuple(files) or FILES[form],
        coverage=COVERAGE,
        null_shares=NULLS,
    )
    return msgspec.structs.replace(found, **more)


def file(path: str, table: str | None, rows: int = 2, **more: Any) -> File:
    """A file that is spoken of, and need not be there."""
    form = path.rpartition(".")[2]
    made = File(path=path, table=table, format=form, rows=rows, bytes=10, sha256="a" * 64)
    return msgspec.structs.replace(made, **more)


FILES: dict[FormatName, tuple[File, ...]] = {
    "parquet": (
        file("gizmos.parquet", "gizmos"),
        file("changes/2026-02.parquet", "changes", 1, partition="2026-02"),
        file("changes/2026-03.parquet", "changes", 1, partition="2026-03"),
    ),
    "csv": (file("gizmos.csv", "gizmos"), file("changes.csv", "changes")),
    "ndjson": (file("gizmos.ndjson", "gizmos"), file("changes.ndjson", "changes")),
    "sqlite": (file("catalog.sqlite", None, 4),),
}


def write(folder: Path, form: FormatName) -> Release:
    """The files of an export with tables, as they are said to be."""
    made = []
    for each in FILES[form]:
        table = GIZMOS if each.table == "gizmos" else CHANGES
        rows = ROWS[table.name]
        if each.partition is not None:
            rows = rows[:1] if each.partition == "2026-02" else rows[1:]
        path = folder / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _WRITERS[form](path, table, rows)
        data = path.read_bytes()
        made.append(
            msgspec.structs.replace(
                each, rows=len(rows), bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
            )
        )
    return release(form, made)


_ARROW = {
    "string": pa.string(),
    "json": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}


def _parquet(path: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    columns = {}
    for column in table.columns:
        values = [row[column.name] for row in rows]
        if column.type == "date":
            values = [to_datetime(AT).date() for _ in values]
        columns[column.name] = pa.array(values, _ARROW[column.type])
    parquet.write_table(pa.table(columns), path)


def _text(value: Any, column: Column) -> Any:
    return to_iso(value) if column.type == "timestamp" else value


def _ndjson(path: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    path.write_text(
        "".join(
            json.dumps({c.name: _text(row[c.name], c) for c in table.columns}) + "\n"
            for row in rows
        ),
        encoding="utf-8",
    )


def _csv(path: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([column.name for column in table.columns])
        for row in rows:
            values = [_text(row[c.name], c) for c in table.columns]
            writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in values])


_WRITERS = {"parquet": _parquet, "csv": _csv, "ndjson": _ndjson}
