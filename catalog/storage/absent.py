"""What is known around the not-founds of a run, when it closes (rule 6)."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from catalog.storage import tables as t
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.times import Micros


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """A not-found whose verdict is open, with what it is judged by.

    Attributes:
        observation_id: its row.
        observed_at: when it was said.
        source_last_document_at: when its source last gave any document by then, or None.
        source_knew_gpt: whether its source gave a document of this GPT by then.
        any_document_since: whether any source gave a document of this GPT after it.
    """

    observation_id: int
    observed_at: Micros
    source_last_document_at: Micros | None
    source_knew_gpt: bool
    any_document_since: bool


def open_absents(conn: Connection, run_id: str) -> list[Absent]:
    """The not-founds of a run that have no verdict yet."""
    o = t.observations.c
    is_document = o.payload_id != t.NOT_FOUND_PAYLOAD
    pending = list(
        conn.execute(
            select(o.observation_id, o.gizmo_id, o.source_id, o.observed_at).where(
                o.run_id == run_id, o.payload_id == t.NOT_FOUND_PAYLOAD, o.verdict == ""
            )
        )
    )
    if not pending:
        return []
    source_id = pending[0].source_id
    given = list(
        conn.execute(
            select(o.observed_at)
            .where(o.run_id == run_id, o.source_id == source_id, is_document)
            .order_by(o.observed_at)
        ).scalars()
    )
    first = min(row.observed_at for row in pending)
    if not given or given[0] > first:
        before = conn.execute(
            select(func.max(o.observed_at)).where(
                o.source_id == source_id, is_document, o.observed_at <= first
            )
        ).scalar()
        if before is not None:
            given.insert(0, before)
    documents: dict[str, list[tuple[int, Micros]]] = {}
    for part in chunks(sorted({row.gizmo_id for row in pending})):
        for gizmo_id, source, at in conn.execute(
            select(o.gizmo_id, o.source_id, o.observed_at).where(o.gizmo_id.in_(part), is_document)
        ):
            documents.setdefault(gizmo_id, []).append((source, at))
    return [
        Absent(
            observation_id=row.observation_id,
            observed_at=row.observed_at,
            source_last_document_at=(
                given[place - 1] if (place := bisect_right(given, row.observed_at)) else None
            ),
            source_knew_gpt=any(
                source == row.source_id and at <= row.observed_at
                for source, at in documents.get(row.gizmo_id, ())
            ),
            any_document_since=any(
                at > row.observed_at for _, at in documents.get(row.gizmo_id, ())
            ),
        )
        for row in pending
    ]
