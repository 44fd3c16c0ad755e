"""The answers and files that were no facts, with what is needed to understand them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, select

from catalog.storage.codec import compress, decompress
from catalog.storage.rows import chunks
from catalog.storage.tables import fetch_failures
from catalog.storage.tombstones import FORGOTTEN, graves_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from catalog.times import Micros


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no fact, with what is needed to understand it.

    Attributes:
        run_id: the run.
        source_id: the source.
        asked_id: the id that was asked for, or the file and line that was read.
        verdict: what it was taken for.
        status: HTTP status, 0 for none.
        detail: what the source said, for people.
        at: when it came.
        redacted: whether a secret was replaced in the body (law 10).
        body: the bytes; None once pruned.
    """

    run_id: str
    source_id: int
    asked_id: str
    verdict: str
    status: int
    detail: str
    at: Micros
    redacted: bool
    body: bytes | None


def add_failures(conn: Connection, items: Sequence[Failure]) -> None:
    """Keep answers that are no facts; not the bytes of one that names whom to forget."""
    if not items:
        return
    graves = graves_of(conn)
    rows = []
    for item in items:
        body, detail = item.body, item.detail
        if graves is not None:
            if graves.named_in(item.asked_id.encode(errors="replace")):
                continue
            if body is not None and graves.named_in(body):
                body = None
            if graves.named_in(detail.encode(errors="replace")):
                detail = FORGOTTEN
        packed = None if body is None else compress(body)
        rows.append(msgspec.structs.asdict(item) | {"body": packed, "detail": detail})
    if not rows:
        return
    conn.execute(insert(fetch_failures), rows)


def unknown_failures(conn: Connection, items: Sequence[Failure]) -> list[Failure]:
    """Those of ``items`` that their source did not leave at their place before."""
    f = fetch_failures.c
    known: set[tuple[int, str, str, bytes | None]] = set()
    for part in chunks(items):
        query = select(f.source_id, f.asked_id, f.detail, f.body).where(
            f.asked_id.in_({item.asked_id for item in part})
        )
        for row in conn.execute(query):
            body = None if row.body is None else decompress(row.body)
            known.add((row.source_id, row.asked_id, row.detail, body))
    return [
        item
        for item in items
        if (item.source_id, item.asked_id, item.detail, item.body) not in known
    ]


def failures(conn: Connection, run_id: str, limit: int) -> list[Failure]:
    """The first failures of a run, in the order they came."""
    f = fetch_failures.c
    query = (
        select(*(f[name] for name in Failure.__struct_fields__))
        .where(f.run_id == run_id)
        .order_by(f.at, f.failure_id)
        .limit(limit)
    )
    return [
        Failure(**{**row, "body": None if row["body"] is None else decompress(row["body"])})
        for row in conn.execute(query).mappings()
    ]
