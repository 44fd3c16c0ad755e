"""The archive: payloads, each once, byte for byte (law 1).

A payload either stands alone or is a delta on one that does, of the same GPT: so nothing is more
than one step away, and a changed document does not drag a chain behind it. When a delta stops
paying, the next payload stands alone and later ones build on that.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, false, func, select, update

from catalog.errors import CatalogCorrupt
from catalog.storage.codec import Codec
from catalog.storage.dialects import each_of, one_of
from catalog.storage.prepared import Prepared
from catalog.storage.rows import chunks, insert_rows
from catalog.storage.tables import NOT_FOUND_PAYLOAD, observations, payloads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

KEEP_DELTA = 1 / 3
"""A delta pays while it is at most this share of what it builds on. On a public archive of 3,636
documents, each different from the one before: 383 bytes a document, 445 at a half, 1,337 without
deltas, 6,484 raw."""
SMALL_DELTA = 320
"""A delta of so few bytes pays as well, where it is smaller than what it builds on by a fifth:
there is little that another base could save. Simulated documents, which compress to 550 bytes,
take 191 in place of 364 where nothing but noise differs; the public archive's take two more."""
SMALLER = 4 / 5


class NewPayload(msgspec.Struct, frozen=True, kw_only=True):
    """A payload to keep.

    Attributes:
        digest: SHA-256 of the bytes.
        payload: the bytes.
        redacted: whether a secret was replaced in them (law 10).
        gizmo_id: the GPT it is about; its earlier payloads are what a delta builds on.
    """

    digest: bytes
    payload: bytes
    redacted: bool
    gizmo_id: str


class _Base(msgspec.Struct, frozen=True):
    """A payload that stands alone, to build deltas on."""

    digest: bytes
    payload: bytes
    stored: int
    """Length of its data."""


class _Standing(NamedTuple):
    payload_id: int
    digest: bytes
    stored: int


@cache
def _latest() -> Prepared:
    """The latest payload of some GPTs, each looked up in the index, however long its history is."""
    asked, o = each_of("gizmo_ids"), observations.c
    newest = (
        select(o.payload_id)
        .where(o.gizmo_id == asked.c.value, o.payload_id != NOT_FOUND_PAYLOAD)
        .order_by(o.observed_at.desc(), o.payload_id.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return Prepared(select(asked.c.value, newest))


@cache
def _below() -> Prepared:
    """What some payloads build on, or themselves where they stand alone."""
    c, below = payloads.c, payloads.alias("below")
    query = (
        select(below.c.payload_id, c.payload_id, c.digest, func.length(c.data))
        .join_from(
            below, payloads, c.payload_id == func.coalesce(below.c.base_id, below.c.payload_id)
        )
        .where(one_of(below.c.payload_id, "ids"))
    )
    return Prepared(query)


def put_payloads(conn: Connection, items: Sequence[NewPayload]) -> dict[bytes, int]:
    """Keep ``items``; those that are there already are left alone.

    Args:
        conn: a writing transaction.
        items: at most a few thousand, oldest first.

    Returns:
        The payloads' numbers by digest.
    """
    # Of equal bytes the redacted one stands last, and so its mark stands.
    wanted = {item.digest: item for item in sorted(items, key=lambda item: item.redacted)}
    known = payload_ids(conn, wanted)
    _mark_redacted(conn, [item.digest for item in items if item.redacted])
    fresh = [item for digest, item in wanted.items() if digest not in known]
    if not fresh:
        return known
    bases = _latest_bases(conn, {item.gizmo_id for item in fresh})
    codec = Codec()
    alone: list[dict[str, Any]] = []
    deltas: list[dict[str, Any]] = []
    for item in fresh:
        row, base = _encoded(codec, item, bases.get(item.gizmo_id))
        if base is None:
            alone.append(row)
            bases[item.gizmo_id] = _Base(item.digest, item.payload, len(row["data"]))
        else:
            deltas.append(row | {"base": base.digest})
    _insert(conn, alone)
    if deltas:
        base_ids = payload_ids(conn, {row["base"] for row in deltas})
        _insert(conn, [row | {"base_id": base_ids[row.pop("base")]} for row in deltas])
    return known | payload_ids(conn, {item.digest for item in fresh})


def _mark_redacted(conn: Connection, digests: Sequence[bytes]) -> None:
    """Note that a secret was replaced in payloads, whoever brought the same bytes before."""
    c = payloads.c
    for part in chunks(digests):
        conn.execute(
            update(payloads).where(c.digest.in_(part), c.redacted == false()).values(redacted=True)
        )


def payload_ids(conn: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    """The numbers of those payloads that are there, by digest."""
    c = payloads.c
    found: dict[bytes, int] = {}
    for part in chunks(list(digests)):
        query = select(c.digest, c.payload_id).where(c.digest.in_(part))
        found.update((bytes(digest), number) for digest, number in conn.execute(query))
    return found


def get_payloads(conn: Connection, ids: Iterable[int]) -> dict[int, bytes]:
    """The bytes of payloads by number, each checked against its digest.

    Args:
        conn: any transaction.
        ids: as many as fit in memory.

    Raises:
        CatalogCorrupt: one is missing or damaged; the text names it.
    """
    asked = set(ids)
    rows: dict[int, Any] = {}
    missing = asked
    while missing:
        for part in chunks(sorted(missing)):
            for row in conn.execute(select(payloads).where(payloads.c.payload_id.in_(part))):
                rows[row.payload_id] = row
        lost = missing - rows.keys()
        if lost:
            raise CatalogCorrupt(_lost(min(lost), rows))
        missing = {row.base_id for row in rows.values() if row.base_id is not None} - rows.keys()
    decoded: dict[int, bytes] = {}
    codec = Codec()
    for number in rows:
        _decode(codec, number, rows, decoded)
    return {number: decoded[number] for number in asked}


def remove_payloads(conn: Connection, ids: Collection[int]) -> int:
    """Remove payloads that nothing names any more; what builds on them is encoded anew.

    Args:
        conn: a writing transaction.
        ids: their numbers.

    Returns:
        How many others had to be encoded anew.

    Raises:
        ValueError: ``ids`` holds the number that stands for "no such GPT".
    """
    removed = set(ids)
    if NOT_FOUND_PAYLOAD in removed:
        raise ValueError("the payload of 'no such GPT' is no payload")
    c = payloads.c
    orphans: dict[int, list[int]] = defaultdict(list)
    for part in chunks(sorted(removed)):
        query = select(c.base_id, c.payload_id).where(c.base_id.in_(part)).order_by(c.payload_id)
        for base_id, number in conn.execute(query):
            if number not in removed:
                orphans[base_id].append(number)
    count = 0
    for group in orphans.values():
        _encode_anew(conn, group)
        count += len(group)
    for part in chunks(sorted(removed)):
        # In two steps, because what is removed may build on what is removed in another part.
        conn.execute(update(payloads).where(c.payload_id.in_(part)).values(base_id=None))
    for part in chunks(sorted(removed)):
        conn.execute(delete(payloads).where(c.payload_id.in_(part)))
    return count


def _pays(delta: int, alone: int) -> bool:
    """Whether a delta of so many bytes is kept, on a base of so many."""
    return delta <= max(alone * KEEP_DELTA, min(SMALL_DELTA, alone * SMALLER))


def _encoded(
    codec: Codec, item: NewPayload, base: _Base | None
) -> tuple[dict[str, Any], _Base | None]:
    row = {
        "digest": item.digest,
        "size": len(item.payload),
        "base_id": None,
        "redacted": item.redacted,
    }
    if base is not None:
        encoding, data = codec.encode(item.payload, base.payload)
        if _pays(len(data), base.stored):
            return row | {"encoding": encoding, "data": data}, base
    encoding, data = codec.encode(item.payload)
    return row | {"encoding": encoding, "data": data}, None


def _insert(conn: Connection, rows: list[dict[str, Any]]) -> None:
    # In one order, so that two writers of the same payloads cannot wait for each other.
    insert_rows(conn, payloads, sorted(rows, key=lambda row: row["digest"]), if_new=True)


def _latest_bases(conn: Connection, gizmo_ids: Collection[str]) -> dict[str, _Base]:
    """By GPT, what its latest payload is or builds on."""
    newest: dict[str, int] = {}
    for part in chunks(sorted(gizmo_ids)):
        found = _latest().rows(conn, {"gizmo_ids": part})
        newest.update((g, number) for g, number in found if number is not None)
    standing = _standing(conn, set(newest.values()))
    payload_of = get_payloads(conn, {row.payload_id for row in standing.values()})
    bases = {
        number: _Base(row.digest, payload_of[row.payload_id], row.stored)
        for number, row in standing.items()
    }
    return {gizmo_id: bases[number] for gizmo_id, number in newest.items()}


def _standing(conn: Connection, ids: Collection[int]) -> dict[int, _Standing]:
    """By payload, what it builds on, or itself where it stands alone."""
    standing: dict[int, _Standing] = {}
    for part in chunks(sorted(ids)):
        for latest, *row in _below().rows(conn, {"ids": part}):
            standing[latest] = _Standing(*row)
    return standing


def _decode(codec: Codec, number: int, rows: Mapping[int, Any], decoded: dict[int, bytes]) -> None:
    """Put payload ``number`` and all that it builds on into ``decoded``."""
    path = [number]
    while (base_id := rows[path[-1]].base_id) is not None and base_id not in decoded:
        if base_id in path:
            raise CatalogCorrupt(f"payload {number} builds on itself: restore a backup")
        path.append(base_id)
    for each in reversed(path):
        if each in decoded:
            continue
        row = rows[each]
        base = None if row.base_id is None else decoded[row.base_id]
        try:
            payload = codec.decode(row.encoding, row.data, base, row.size)
        except CatalogCorrupt as error:
            raise CatalogCorrupt(f"payload {each} is damaged: {error}") from None
        # The row that stands for "no such GPT" has no digest, and nothing to check.
        if each != NOT_FOUND_PAYLOAD and hashlib.sha256(payload).digest() != row.digest:
            raise CatalogCorrupt(
                f"payload {each} is damaged: its bytes do not have its digest: restore a backup"
            )
        decoded[each] = payload


def _lost(number: int, rows: Mapping[int, Any]) -> str:
    dependent = next((row.payload_id for row in rows.values() if row.base_id == number), None)
    if dependent is None:
        return f"payload {number} is not in the archive: restore a backup"
    return f"payload {number} is not in the archive, and payload {dependent} builds on it"


def _encode_anew(conn: Connection, ids: Sequence[int]) -> None:
    """Encode payloads that build on one that goes: the first alone, the others on it."""
    found = get_payloads(conn, ids)
    codec = Codec()
    first, *others = ids
    encoding, alone = codec.encode(found[first])
    rows = [{"id": first, "new": alone, "how": encoding, "base": None}]
    for number in others:
        encoding, data = codec.encode(found[number], found[first])
        base: int | None = first
        if not _pays(len(data), len(alone)):
            encoding, data = codec.encode(found[number])
            base = None
        rows.append({"id": number, "new": data, "how": encoding, "base": base})
    conn.execute(
        update(payloads)
        .where(payloads.c.payload_id == bindparam("id"))
        .values(data=bindparam("new"), encoding=bindparam("how"), base_id=bindparam("base")),
        rows,
    )
