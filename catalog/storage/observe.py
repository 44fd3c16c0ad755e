"""The one write path: a batch of observations becomes archive and derived rows (design, section 4).

``harvest``, ``import`` and ``merge`` all end here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from catalog.records import Deriver, Observation, Row
from catalog.storage import tables as t
from catalog.storage.archive import NewPayload, put_payloads
from catalog.storage.dialects import insert_new
from catalog.storage.engine import lock_keys
from catalog.storage.locks import share_derivation
from catalog.storage.rows import chunks
from catalog.storage.shapes import count_unmapped, paths_of, shape_ids
from catalog.storage.shared import Shared
from catalog.storage.sources import source_ids as ids_of_sources
from catalog.storage.stage1 import derive, judge
from catalog.storage.tombstones import graves_of
from catalog.times import Micros, day_of

FORGOTTEN = "forgotten"
"""The effect of what a tombstone covers."""
VERDICTS = ("", "held", "counted")
"""The verdicts of a not-found, the weakest first."""


class Observed(msgspec.Struct, frozen=True):
    """What a batch did.

    Attributes:
        observation_ids: the row of each observation, in the order they were given;
            0 for one that a tombstone covers: nothing of it is written.
        fresh: whether each was new to the catalog.
        effects: of each: ``new``, ``changed``, ``unchanged``, ``forgotten`` where a tombstone
            covers it, or empty for a not-found.
    """

    observation_ids: tuple[int, ...]
    fresh: tuple[bool, ...]
    effects: tuple[str, ...]


def observe(conn: Connection, deriver: Deriver, batch: Sequence[Observation]) -> Observed:
    """Archive a batch of observations and derive what follows from them.

    The caller opened the write transaction and has decoded the documents beforehand; nothing here
    waits for a network.

    Args:
        conn: in a write transaction.
        deriver: the rules.
        batch: observations of any GPTs, in any order, repeats allowed.

    Raises:
        SettingsError: the key of the tombstones is missing.
    """
    if not batch:
        return Observed((), (), ())
    share_derivation(conn)
    graves = graves_of(conn)
    if graves is None:
        return _observe(conn, deriver, batch)
    covered = graves.covers(batch)
    kept = [o for o, is_covered in zip(batch, covered, strict=True) if not is_covered]
    if len(kept) == len(batch):
        return _observe(conn, deriver, batch)
    done = _observe(conn, deriver, kept) if kept else Observed((), (), ())
    told = zip(done.observation_ids, done.fresh, done.effects, strict=True)
    each = [(0, False, FORGOTTEN) if is_covered else next(told) for is_covered in covered]
    ids, fresh, effects = zip(*each, strict=True)
    return Observed(tuple(ids), tuple(fresh), tuple(effects))


def _observe(conn: Connection, deriver: Deriver, batch: Sequence[Observation]) -> Observed:
    """As :func:`observe`, of observations that no tombstone covers."""
    lock_keys(conn, {observation.gizmo_id for observation in batch})
    sources = ids_of_sources(conn, {observation.source for observation in batch})
    payload_ids = _archive(conn, batch)
    shapes = shape_ids(conn, [o.document for o in batch if o.document is not None])
    keys = [(o.gizmo_id, sources[o.source], o.observed_at, payload_ids[o.digest]) for o in batch]
    known, inserted = _insert(conn, batch, keys, shapes)
    new = {known[key]: o for key, o in zip(keys, batch, strict=True) if key in inserted}
    shared = Shared()
    effects = derive(conn, deriver, new, sources, shared)
    _strengthen(
        conn,
        deriver,
        {
            known[key]: o.verdict
            for key, o in zip(keys, batch, strict=True)
            if key not in inserted and o.verdict
        },
        shared,
    )
    count_unmapped(
        conn,
        [(o.observed_at, o.document) for o in new.values() if o.document is not None],
    )
    _queue(shared, new.values())
    shared.write(conn)
    seen: set[Key] = set()
    fresh: list[bool] = []
    told: list[str] = []
    for key, o in zip(keys, batch, strict=True):
        first = key in inserted and key not in seen
        seen.add(key)
        fresh.append(first)
        effect = effects.get(known[key], "unchanged") if first else "unchanged"
        told.append(effect if o.digest else "")
    return Observed(tuple(known[key] for key in keys), tuple(fresh), tuple(told))


def _archive(conn: Connection, batch: Sequence[Observation]) -> dict[bytes, int]:
    """The payloads' numbers by digest; the empty digest is "no such GPT"."""
    payloads = {
        o.digest: NewPayload(
            digest=o.digest, payload=o.payload, redacted=o.redacted, gizmo_id=o.gizmo_id
        )
        for o in batch
        if o.digest
    }
    return {b"": t.NOT_FOUND_PAYLOAD, **put_payloads(conn, list(payloads.values()))}


Key = tuple[str, int, Micros, int]


def _insert(
    conn: Connection,
    batch: Sequence[Observation],
    keys: Sequence[Key],
    shapes: dict[str, int],
) -> tuple[dict[Key, int], set[Key]]:
    """Write the observations that are not there yet.

    Returns:
        The row of each key, and the keys that were new. One that is met again keeps the earliest
        ``recorded_at``, and nothing else is written.
    """
    rows: dict[Key, Row] = {}
    for key, o in zip(keys, batch, strict=True):
        row = {
            "gizmo_id": key[0],
            "source_id": key[1],
            "observed_at": key[2],
            "payload_id": key[3],
            "wrapping": o.wrapping,
            "verdict": o.verdict,
            "recorded_at": o.recorded_at,
            "run_id": o.run_id,
            "shape_id": shapes[paths_of(o.document)] if o.document is not None else None,
        }
        before = rows.setdefault(key, row)
        before["recorded_at"] = min(before["recorded_at"], o.recorded_at)
    c = t.observations.c
    columns = (c.observation_id, c.gizmo_id, c.source_id, c.observed_at, c.payload_id)
    known: dict[Key, int] = {}
    returned = conn.execute(
        insert_new(conn, t.observations).returning(*columns), list(rows.values())
    )
    known.update({(found[1], found[2], found[3], found[4]): found[0] for found in returned})
    inserted = set(known)
    repeated = [row for key, row in rows.items() if key not in inserted]
    for part in chunks(repeated):
        gizmo_ids = {row["gizmo_id"] for row in part}
        times = {row["observed_at"] for row in part}
        for found in conn.execute(
            select(*columns).where(c.gizmo_id.in_(gizmo_ids), c.observed_at.in_(times))
        ):
            known.setdefault((found[1], found[2], found[3], found[4]), found[0])
    earlier = [
        {"id": known[key], "earlier": row["recorded_at"]}
        for key, row in rows.items()
        if key not in inserted
    ]
    if earlier:
        conn.execute(
            update(t.observations)
            .where(c.observation_id == bindparam("id"), c.recorded_at > bindparam("earlier"))
            .values(recorded_at=bindparam("earlier")),
            earlier,
        )
    return known, inserted


def _queue(shared: Shared, observations: Iterable[Observation]) -> None:
    """Note which days and which sources' shapes stage 2 has to look at again."""
    for o in observations:
        shared.enqueue("day", [day_of(o.observed_at)])
        if o.document is not None:
            shared.enqueue("shape", [msgspec.json.encode([o.source, o.wrapping]).decode()])


def _strengthen(
    conn: Connection, deriver: Deriver, verdicts: dict[int, str], shared: Shared
) -> None:
    """Let the stronger verdict of a not-found stand, where another catalog judged it too.

    What counted once counts; a verdict beats none.
    """
    stronger: dict[int, str] = {}
    c = t.observations.c
    for part in chunks(list(verdicts)):
        query = select(c.observation_id, c.verdict).where(c.observation_id.in_(part))
        for observation_id, verdict in conn.execute(query):
            if VERDICTS.index(verdicts[observation_id]) > VERDICTS.index(verdict):
                stronger[observation_id] = verdicts[observation_id]
    judge(conn, deriver, stronger, shared)


def standing(
    conn: Connection, observations: Sequence[Observation]
) -> dict[tuple[str, str, Micros], int]:
    """Which of ``observations`` are of a moment at which their source already spoke of their GPT.

    Returns:
        The rows that stand, by GPT, source and time.
    """
    wanted = {(o.gizmo_id, o.source, o.observed_at) for o in observations}
    o, s = t.observations.c, t.sources.c
    found: dict[tuple[str, str, Micros], int] = {}
    for part in chunks(sorted(wanted)):
        query = (
            select(o.gizmo_id, s.name, o.observed_at, o.observation_id)
            .join(t.sources, s.source_id == o.source_id)
            .where(
                o.gizmo_id.in_({key[0] for key in part}),
                o.observed_at.in_({key[2] for key in part}),
            )
            .order_by(o.observation_id.desc())
        )
        for gizmo_id, name, at, row in conn.execute(query):
            if (gizmo_id, name, at) in wanted:
                found[gizmo_id, name, at] = row
    return found
