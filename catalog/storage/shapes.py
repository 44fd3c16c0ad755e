"""What documents look like: the sets of paths they have, and the paths that no table knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, delete, insert, select

from catalog.records import Document, Row
from catalog.storage import tables as t
from catalog.storage.dialects import insert_new
from catalog.times import Micros


def paths_of(document: Document) -> str:
    """The document's paths as JSON: by them shapes are told apart."""
    return msgspec.json.encode(document.paths).decode()


def shape_ids(conn: Connection, documents: Iterable[Document]) -> dict[str, int]:
    """The numbers of the documents' shapes, by their paths as JSON."""
    wanted = {paths_of(document) for document in documents}
    if not wanted:
        return {}
    digests = {hashlib.sha256(paths.encode()).digest(): paths for paths in wanted}

    def found() -> dict[str, int]:
        rows = conn.execute(
            select(t.shapes.c.digest, t.shapes.c.shape_id).where(t.shapes.c.digest.in_(digests))
        )
        return {digests[digest]: shape_id for digest, shape_id in rows}

    ids = found()
    missing = [digest for digest, paths in digests.items() if paths not in ids]
    if missing:
        conn.execute(
            insert_new(conn, t.shapes), [{"digest": d, "paths": digests[d]} for d in missing]
        )
        ids = found()
    return ids


def count_unmapped(conn: Connection, said: Iterable[tuple[Micros, Document]]) -> None:
    """Count the paths that no table knows; the example is the earliest, then the smallest."""
    found: dict[str, Row] = {}
    for observed_at, document in said:
        for unmapped in document.unmapped:
            row = found.setdefault(
                unmapped.path,
                {
                    "path": unmapped.path,
                    "first_seen_at": observed_at,
                    "last_seen_at": observed_at,
                    "count": 0,
                    "example": unmapped.example,
                },
            )
            row["count"] += 1
            row["last_seen_at"] = max(row["last_seen_at"], observed_at)
            row["first_seen_at"], row["example"] = min(
                (row["first_seen_at"], row["example"]), (observed_at, unmapped.example)
            )
    if not found:
        return
    c = t.unmapped_fields.c
    for known in conn.execute(select(t.unmapped_fields).where(c.path.in_(found))).mappings():
        row = found[known["path"]]
        row["count"] += known["count"]
        row["last_seen_at"] = max(row["last_seen_at"], known["last_seen_at"])
        row["first_seen_at"], row["example"] = min(
            (row["first_seen_at"], row["example"]), (known["first_seen_at"], known["example"])
        )
    conn.execute(delete(t.unmapped_fields).where(c.path.in_(found)))
    conn.execute(insert(t.unmapped_fields), list(found.values()))
