"""Deriving everything again from the archive (law 2), and reading what an archive holds.

A rebuild happens in one transaction: until it commits everyone sees the old rows, and if it ends
half-way they stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, delete, select, update

from catalog.records import Deriver, Observation
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.engine import write
from catalog.storage.erasing import erase_covered
from catalog.storage.locks import own_derivation
from catalog.storage.relisting import clear_listings
from catalog.storage.rows import PER_GPT
from catalog.storage.scrubbing import scrub
from catalog.storage.shapes import count_unmapped, paths_of, shape_ids
from catalog.storage.shared import Shared
from catalog.storage.stage1 import Statements, replay
from catalog.storage.stage2 import settle
from catalog.times import day_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from catalog.times import Micros

PART = 500
"""GPTs, or observations, worked on at a time: bounds memory."""


class Rebuilt(msgspec.Struct):
    """What a rebuild went through.

    Attributes:
        gpts: GPTs derived again.
        observations: observations read.
        erased: rows of whom is to be forgotten, which went first.
    """

    gpts: int = 0
    observations: int = 0
    erased: int = 0


def rebuild(
    conn: Connection, deriver: Deriver, report: Callable[[Rebuilt], None] = lambda _: None
) -> Rebuilt:
    """Derive all rows again and write what differs; what tombstones cover goes first.

    Args:
        conn: in a write transaction, which makes the new rows seen all at once.
        deriver: the rules.
        report: called as it goes on.

    Raises:
        SettingsError: the key of the tombstones is missing.
    """
    done = Rebuilt()
    shared = Shared()
    own_derivation(conn)
    done.erased = sum(erase_covered(conn, deriver).rows.values())
    _forget_stage_2(conn)
    clear_listings(conn)

    def also(statements: Statements) -> None:
        _shape_again(conn, statements, shared)
        done.gpts += len(statements)
        done.observations += sum(len(said) for said in statements.values())

    for part in _gizmo_ids(conn):
        replay(conn, deriver, part, shared, also)
        # In parts: nobody else derives meanwhile, and of a million GPTs it would be too much.
        shared.write(conn)
        report(done)
    settle(conn, deriver)
    return done


def rebuild_all(
    engine: Engine, deriver: Deriver, report: Callable[[Rebuilt], None] = lambda _: None
) -> Rebuilt:
    """As :func:`rebuild`, in a transaction of its own; what was erased is made unreadable.

    Args:
        engine: the catalog, opened for writing.
        deriver: the rules.
        report: called as it goes on.

    Raises:
        CatalogBusy: all is derived, but another process keeps the file from being written anew.
        SettingsError: the key of the tombstones is missing.
    """
    with write(engine) as conn:
        done = rebuild(conn, deriver, report)
    if done.erased:
        scrub(engine)
    return done


def _gizmo_ids(conn: Connection) -> Iterator[list[str]]:
    """The GPTs that anything is kept or derived of, in order and in parts.

    Rows without observations have to go, so they count, too.
    """
    after = ""
    while True:
        found: set[str] = set()
        for table in (t.observations, t.fold_states, *PER_GPT):
            c = table.c.gizmo_id
            query = select(c).where(c > after).distinct().order_by(c).limit(PART)
            found.update(conn.execute(query).scalars())
        part = sorted(found)[:PART]
        if not part:
            return
        yield part
        after = part[-1]


def _forget_stage_2(conn: Connection) -> None:
    """Empty what is aggregated over all GPTs: it is made again from nothing."""
    for table in (t.authors, t.mass_events, t.drift, t.unmapped_fields, t.mime_sets):
        conn.execute(delete(table))
    conn.execute(update(t.changes).where(t.changes.c.event_id.is_not(None)).values(event_id=None))


def _shape_again(conn: Connection, statements: Statements, shared: Shared) -> None:
    """Count unmapped paths, and note each document's shape as today's rules see it."""
    said = [
        (statement, statement.document)
        for each in statements.values()
        for statement in each
        if statement.document is not None
    ]
    count_unmapped(conn, [(statement.observed_at, document) for statement, document in said])
    shapes = shape_ids(conn, [document for _, document in said])
    c = t.observations.c
    if said:
        conn.execute(
            update(t.observations)
            .where(c.observation_id == bindparam("id"))
            .values(shape_id=bindparam("shape")),
            [
                {"id": statement.observation_id, "shape": shapes[paths_of(document)]}
                for statement, document in said
            ],
        )
    shared.enqueue("day", (day_of(statement.observed_at) for statement, _ in said))
    wrappings = conn.execute(
        select(t.sources.c.name, c.wrapping)
        .join(t.sources, t.sources.c.source_id == c.source_id)
        .where(c.gizmo_id.in_(list(statements)), c.payload_id != t.NOT_FOUND_PAYLOAD)
        .distinct()
    )
    shared.enqueue(
        "shape",
        (msgspec.json.encode([name, wrapping]).decode() for name, wrapping in wrappings),
    )


def archived(
    conn: Connection, deriver: Deriver, known_at: Micros | None = None
) -> Iterator[list[Observation]]:
    """All observations that a catalog keeps, decoded, in batches, in the order of their GPTs.

    Args:
        conn: in a transaction that sees one state.
        deriver: the rules.
        known_at: only what was recorded by then (rule 12).
    """
    o, s, p = t.observations.c, t.sources.c, t.payloads.c
    query = (
        select(
            o.gizmo_id,
            s.name,
            o.observed_at,
            o.recorded_at,
            o.payload_id,
            p.digest,
            p.redacted,
            o.wrapping,
            o.verdict,
            o.run_id,
        )
        .join(t.sources, s.source_id == o.source_id)
        .join(t.payloads, p.payload_id == o.payload_id)
        .order_by(o.gizmo_id, o.observed_at, s.name, p.digest)
    )
    if known_at is not None:
        query = query.where(o.recorded_at <= known_at)
    rows = conn.execute(query.execution_options(yield_per=PART))
    for part in rows.partitions():
        payloads = get_payloads(conn, {row.payload_id for row in part} - {t.NOT_FOUND_PAYLOAD})
        batch = []
        for row in part:
            payload = payloads.get(row.payload_id, b"")
            batch.append(
                Observation(
                    gizmo_id=row.gizmo_id,
                    source=row.name,
                    observed_at=row.observed_at,
                    recorded_at=row.recorded_at,
                    digest=bytes(row.digest) if payload else b"",
                    payload=payload,
                    wrapping=row.wrapping,
                    run_id=row.run_id,
                    verdict=row.verdict,
                    redacted=row.redacted,
                    document=deriver.document(payload, row.wrapping) if payload else None,
                )
            )
        yield batch
