"""The original bytes of a GPT's document, as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from catalog.errors import CatalogCorrupt, NotFound
from catalog.query.told import Known, replayed, tell
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.times import to_iso

if TYPE_CHECKING:
    from catalog.records import Deriver
    from catalog.times import Micros


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """A payload and where it is from.

    Attributes:
        gizmo_id: the GPT.
        payload: the bytes.
        source: who sent them.
        observed_at: when.
        wrapping: where in them the gizmo object lies.
        redacted: whether a secret was replaced in them (law 10).
    """

    gizmo_id: str
    payload: bytes
    source: str
    observed_at: Micros
    wrapping: str
    redacted: bool


def original(
    conn: Connection,
    gizmo_id: str,
    deriver: Deriver,
    at: Micros | None = None,
    known_at: Micros | None = None,
) -> Original:
    """The document that decided the state of a GPT (rules 3 and 4), byte for byte.

    Args:
        conn: a reading transaction.
        gizmo_id: the GPT.
        deriver: the rules.
        at: the state as of then.
        known_at: as known then.

    Raises:
        NotFound: no document of it is known, or none that old.
    """
    known = None if known_at is None else Known(at=known_at, deriver=deriver)
    gizmo = tell(conn, gizmo_id, known).gizmo
    if at is not None:
        rows, _, _ = replayed(conn, gizmo_id, deriver, until=at, known_at=known_at)
        if not rows.get("gizmos"):
            raise NotFound(
                f"nothing is known of {gizmo_id} at {to_iso(at)}: its first document is of"
                f" {to_iso(gizmo['first_seen_at'])}"
            )
        gizmo = rows["gizmos"][0]
    return _of_observation(conn, gizmo_id, gizmo["observation_id"])


def _of_observation(conn: Connection, gizmo_id: str, observation_id: int) -> Original:
    o = t.observations.c
    row = conn.execute(
        select(
            o.payload_id,
            o.observed_at,
            o.wrapping,
            t.sources.c.name.label("source"),
            t.payloads.c.redacted,
        )
        .join(t.sources, t.sources.c.source_id == o.source_id)
        .join(t.payloads, t.payloads.c.payload_id == o.payload_id)
        .where(o.observation_id == observation_id)
    ).first()
    if row is None:
        raise CatalogCorrupt(
            f"{gizmo_id} names observation {observation_id}, which is not there:"
            " run gpts-catalog verify"
        )
    return Original(
        gizmo_id=gizmo_id,
        payload=get_payloads(conn, [row.payload_id])[row.payload_id],
        source=row.source,
        observed_at=row.observed_at,
        wrapping=row.wrapping,
        redacted=row.redacted,
    )
