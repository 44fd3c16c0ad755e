"""A GPT to try a source with."""

from __future__ import annotations

from sqlalchemy import Connection, select

from catalog.storage import tables as t


def sample_id(conn: Connection, source: str) -> str | None:
    """A GPT that ``source`` gave a document of, the latest; None where it never gave any."""
    o, s = t.observations.c, t.sources.c
    return conn.execute(
        select(o.gizmo_id)
        .join(t.sources, s.source_id == o.source_id)
        .where(s.name == source, o.payload_id != t.NOT_FOUND_PAYLOAD)
        .order_by(o.observation_id.desc())
        .limit(1)
    ).scalar()
