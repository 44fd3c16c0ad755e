"""What documents look like: the sets of paths they have, and the paths that no table knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, and_, case, or_, select

from catalog.records import Document, Row
from catalog.storage import tables as t
from catalog.storage.dialects import insert_new, insert_or
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
    # In one order, so that two writers of the same shapes cannot wait for each other.
    missing = sorted(digest for digest, paths in digests.items() if paths not in ids)
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
    statement = insert_or(conn, t.unmapped_fields)
    new = statement.excluded
    is_example = or_(
        new.first_seen_at < c.first_seen_at,
        and_(new.first_seen_at == c.first_seen_at, new.example < c.example),
    )
    # One statement, sorted: two writers that meet the same path add up and wait in one order.
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[c.path],
            set_={
                "count": c.count + new.count,
                "last_seen_at": case(
                    (new.last_seen_at > c.last_seen_at, new.last_seen_at), else_=c.last_seen_at
                ),
                "first_seen_at": case((is_example, new.first_seen_at), else_=c.first_seen_at),
                "example": case((is_example, new.example), else_=c.example),
            },
        ),
        [found[path] for path in sorted(found)],
    )
