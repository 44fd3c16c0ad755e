"""Erasing what tombstones cover (rule 15): kept rows, and all that was derived from them.

What stays is the catalog of the observations that no tombstone covers (law 2): GPTs of which
something went are derived again, and so is what many GPTs share. Nothing here is told whom to
erase: the tombstones say it, so that whatever ended half-way is ended by the next call.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Row, Select, delete, func, select, union, update

from catalog.storage import tables as t
from catalog.storage.archive import get_payloads, remove_payloads
from catalog.storage.locks import own_derivation
from catalog.storage.mentioning import Needles, blank_mentions
from catalog.storage.rows import chunks
from catalog.storage.shared import Shared
from catalog.storage.stage1 import replay
from catalog.storage.stage2 import settle
from catalog.storage.tombstones import Graves, graves_of
from catalog.storage.unmapped import Lost, uncount_unmapped
from catalog.times import day_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from catalog.records import Deriver

PART = 500
"""Payloads looked at together: bounds memory."""
_USER_ID = re.compile(rb'"user_id"\s*:\s*("(?:[^"\\]|\\.)*")')
_KEYED: tuple[tuple[Table, str], ...] = (
    (t.outcomes, "asked_id"),
    (t.fetch_failures, "asked_id"),
    (t.frontier, "gizmo_id"),
    (t.probes, "gizmo_id"),
    (t.discoveries, "gizmo_id"),
)
"""Kept tables whose rows are about one GPT, with the column that names it."""
_SETS = ("accepted_mime_types", "image_mime_types")


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """What tombstones cover of a catalog.

    Attributes:
        gizmo_ids: GPTs that go whole.
        observations: further observations that go, with their GPTs: their documents name an author
            who does.
        items: payloads of discoveries that go: lists and searches name such a GPT or author there.
        needles: what names those who go, in other places.
    """

    gizmo_ids: frozenset[str] = frozenset()
    observations: dict[int, str] = {}
    items: frozenset[int] = frozenset()
    needles: Needles = Needles()

    def __bool__(self) -> bool:
        return bool(self.gizmo_ids or self.observations or self.items)


class Erased(msgspec.Struct, kw_only=True):
    """What was erased, or would be.

    Attributes:
        gpts: GPTs of which something was kept.
        rows: rows that went, and texts that were blanked, by table.
        encoded_anew: payloads that built on one that went.
    """

    gpts: int = 0
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    encoded_anew: int = 0


def find_covered(conn: Connection, deriver: Deriver, graves: Graves) -> Covered:
    """What of a catalog must not be kept.

    Args:
        conn: any transaction.
        deriver: the rules.
        graves: its tombstones.
    """
    gone = graves.of("gpt", _all_ids(conn))
    a = t.gizmo_authors.c
    users = conn.execute(select(a.user_id).where(a.user_id.is_not(None)).distinct()).scalars()
    authors = graves.of("author", users)
    found: dict[int, str] = {}
    items: set[int] = set()
    if graves.has("author"):
        # Not by gizmo_authors alone: a stale copy may name an author whom no row does.
        for payload_ids, payloads, named in _naming_authors(conn, graves):
            found |= _said_of(conn, deriver, graves, payload_ids, payloads)
            authors |= named
        found = {number: gizmo_id for number, gizmo_id in found.items() if gizmo_id not in gone}
    if graves.has("author") or gone:
        items = _items(conn, graves)
    return Covered(
        gizmo_ids=frozenset(gone),
        observations=found,
        items=frozenset(items),
        needles=Needles.of(conn, gone, authors),
    )


def count_covered(conn: Connection, covered: Covered) -> dict[str, int]:
    """How many kept rows would go, by table; texts elsewhere that name them are not counted."""
    done: Counter[str] = Counter()
    o, j = t.observations.c, t.judgements.c
    judged = select(func.count()).select_from(t.judgements)
    for part in chunks(sorted(covered.gizmo_ids)):
        for table, column in (*_KEYED, (t.observations, "gizmo_id")):
            query = select(func.count()).select_from(table).where(table.c[column].in_(part))
            done[table.name] += conn.execute(query).scalar_one()
        query = select(func.count(o.payload_id.distinct())).where(
            o.gizmo_id.in_(part), o.payload_id != t.NOT_FOUND_PAYLOAD
        )
        done[t.payloads.name] += conn.execute(query).scalar_one()
        theirs = judged.join(t.observations, o.observation_id == j.observation_id)
        done[t.judgements.name] += conn.execute(theirs.where(o.gizmo_id.in_(part))).scalar_one()
    done[t.observations.name] += len(covered.observations)
    for numbers in chunks(sorted(covered.observations)):
        theirs = judged.where(j.observation_id.in_(numbers))
        done[t.judgements.name] += conn.execute(theirs).scalar_one()
    return {name: number for name, number in sorted(done.items()) if number}


def erase(conn: Connection, deriver: Deriver, covered: Covered) -> Erased:
    """Erase what tombstones cover, and derive again what depended on it.

    What a crash leaves is either all of it or nothing.

    Args:
        conn: in a write transaction.
        deriver: the rules.
        covered: as :func:`find_covered` found it in the same transaction.
    """
    own_derivation(conn)
    done: Counter[str] = Counter()
    affected = set(covered.gizmo_ids) | set(covered.observations.values())
    going = _Going(conn, deriver)
    going.take(covered)
    candidates = going.payload_ids | _items_of(conn, covered)
    _delete_keyed(conn, covered, done)
    candidates |= _delete_items(conn, covered, done)
    going.delete(done)
    # Before payloads go: what quotes those who go may be an item of a list.
    done += blank_mentions(conn, covered.needles)
    unused = unused_payloads(conn, candidates)
    encoded_anew = remove_payloads(conn, unused)
    done[t.payloads.name] += len(unused)
    shared = Shared()
    going.enqueue(shared)
    replay(conn, deriver, sorted(affected), shared)
    shared.write(conn)
    going.forget_shared()
    settle(conn, deriver)
    return Erased(
        gpts=len(affected),
        rows={name: number for name, number in sorted(done.items()) if number},
        encoded_anew=encoded_anew,
    )


def erase_covered(conn: Connection, deriver: Deriver) -> Erased:
    """Find and erase what the tombstones of a catalog cover; nothing where it has none.

    Args:
        conn: in a write transaction.
        deriver: the rules.

    Raises:
        SettingsError: the key of the tombstones is missing.
    """
    graves = graves_of(conn)
    if graves is None:
        return Erased()
    own_derivation(conn)
    covered = find_covered(conn, deriver, graves)
    return erase(conn, deriver, covered) if covered else Erased()


# Finding.


def _all_ids(conn: Connection) -> set[str]:
    """Every GPT that anything is kept of."""
    o = t.observations.c
    queries = [select(table.c[column]) for table, column in _KEYED]
    found = conn.execute(union(select(o.gizmo_id), select(t.gizmos.c.gizmo_id), *queries))
    return set(found.scalars())


def _naming_authors(
    conn: Connection, graves: Graves
) -> Iterator[tuple[list[int], dict[int, bytes], set[str]]]:
    """The payloads that name authors who are to be forgotten, part by part, and these authors."""
    p = t.payloads.c
    ids = conn.execute(
        select(p.payload_id).where(p.payload_id != t.NOT_FOUND_PAYLOAD).order_by(p.payload_id)
    ).scalars()
    for part in chunks(list(ids), PART):
        payloads = get_payloads(conn, part)
        users = {number: _users(payload) for number, payload in payloads.items()}
        named = graves.of("author", set().union(*users.values()))
        hits = [number for number in part if users[number] & named]
        if hits:
            yield hits, payloads, named


def _users(payload: bytes) -> set[str]:
    """The values of all members called user_id, wherever they stand."""
    found: set[str] = set()
    for text in _USER_ID.findall(payload):
        try:
            found.add(msgspec.json.decode(text, type=str))
        except msgspec.DecodeError:
            continue
    return found


def _said_of(
    conn: Connection,
    deriver: Deriver,
    graves: Graves,
    payload_ids: Sequence[int],
    payloads: dict[int, bytes],
) -> dict[int, str]:
    """The observations of some payloads whose document's author is to be forgotten."""
    o = t.observations.c
    query = select(o.observation_id, o.gizmo_id, o.payload_id, o.wrapping)
    found: dict[int, str] = {}
    for number, gizmo_id, payload_id, wrapping in conn.execute(
        query.where(o.payload_id.in_(payload_ids))
    ).all():
        user = deriver.document(payloads[payload_id], wrapping).scalars.get("user_id")
        if user and graves.of("author", [user]):
            found[number] = gizmo_id
    return found


def _items(conn: Connection, graves: Graves) -> set[int]:
    """The payloads of discoveries that name somebody who is to be forgotten."""
    ids = conn.execute(select(t.discoveries.c.payload_id).distinct()).scalars()
    found: set[int] = set()
    for part in chunks(sorted(ids), PART):
        payloads = get_payloads(conn, part)
        found.update(number for number, item in payloads.items() if graves.named_in(item))
    return found


# Erasing.


class _Going:
    """Observations that go, and what of the shared rows hangs on them.

    Args:
        conn: in a write transaction.
        deriver: the rules.

    Attributes:
        payload_ids: what they name.
    """

    def __init__(self, conn: Connection, deriver: Deriver) -> None:
        self._conn = conn
        self._deriver = deriver
        self.payload_ids: set[int] = set()
        self._ids: list[int] = []
        self._queue: dict[str, set[str]] = defaultdict(set)
        self._lost: Lost = defaultdict(list)
        self._sets: set[str] = set()
        self._shapes: set[int] = set()

    def take(self, covered: Covered) -> None:
        """Look at all that goes, before it does."""
        o = t.observations.c
        for gpts in chunks(sorted(covered.gizmo_ids)):
            self._look(list(self._conn.execute(self._query().where(o.gizmo_id.in_(gpts)))))
        for numbers in chunks(sorted(covered.observations)):
            found = self._query().where(o.observation_id.in_(numbers))
            self._look(list(self._conn.execute(found)))

    @staticmethod
    def _query() -> Select[tuple[int, int, str, str, int, int | None]]:
        o, s = t.observations.c, t.sources.c
        return select(
            o.observation_id, o.observed_at, s.name, o.wrapping, o.payload_id, o.shape_id
        ).join(t.sources, s.source_id == o.source_id)

    def _look(self, rows: Sequence[Row[tuple[int, int, str, str, int, int | None]]]) -> None:
        for part in chunks(rows, PART):
            numbers = {row.payload_id for row in part} - {t.NOT_FOUND_PAYLOAD}
            payloads = get_payloads(self._conn, numbers)
            self.payload_ids |= numbers
            for row in part:
                self._ids.append(row.observation_id)
                self._queue["day"].add(day_of(row.observed_at))
                if row.payload_id == t.NOT_FOUND_PAYLOAD:
                    continue
                place = msgspec.json.encode([row.name, row.wrapping]).decode()
                self._queue["shape"].add(place)
                if row.shape_id is not None:
                    self._shapes.add(row.shape_id)
                document = self._deriver.document(payloads[row.payload_id], row.wrapping)
                self._sets.update(document.mime_sets)
                if user := document.scalars.get("user_id"):
                    self._queue["author"].add(user)
                for unmapped in document.unmapped:
                    self._lost[unmapped.path].append((row.observed_at, unmapped.example))

    def delete(self, done: Counter[str]) -> None:
        """Delete them, and what names them."""
        for part in chunks(self._ids):
            for table in (t.judgements, t.observations):
                statement = delete(table).where(table.c.observation_id.in_(part))
                done[table.name] += self._conn.execute(statement).rowcount
            self._conn.execute(
                update(t.outcomes)
                .where(t.outcomes.c.observation_id.in_(part))
                .values(observation_id=None)
            )

    def enqueue(self, shared: Shared) -> None:
        """Have stage 2 look again at what they were part of."""
        for kind, keys in self._queue.items():
            shared.enqueue(kind, keys)

    def forget_shared(self) -> None:
        """Take them out of rows that stand for many documents, once their GPTs are derived anew."""
        a, m, s, o = t.attachments.c, t.mime_sets.c, t.shapes.c, t.observations.c
        for sets in chunks(sorted(self._sets)):
            used = set[str]()
            for column in (a[name] for name in _SETS):
                used.update(
                    self._conn.execute(select(column).where(column.in_(sets)).distinct()).scalars()
                )
            unused = [each for each in sets if each not in used]
            self._conn.execute(delete(t.mime_sets).where(m.set_digest.in_(unused)))
        uncount_unmapped(self._conn, self._deriver, self._lost)
        for shapes in chunks(sorted(self._shapes)):
            still = set(
                self._conn.execute(
                    select(o.shape_id).where(o.shape_id.in_(shapes)).distinct()
                ).scalars()
            )
            unused_shapes = [each for each in shapes if each not in still]
            self._conn.execute(delete(t.shapes).where(s.shape_id.in_(unused_shapes)))


def _delete_keyed(conn: Connection, covered: Covered, done: Counter[str]) -> None:
    """Delete the kept rows that are about GPTs that go."""
    for part in chunks(sorted(covered.gizmo_ids)):
        for table, column in _KEYED:
            statement = delete(table).where(table.c[column].in_(part))
            done[table.name] += conn.execute(statement).rowcount


def _items_of(conn: Connection, covered: Covered) -> set[int]:
    """The items by which lists and searches name GPTs that go."""
    d = t.discoveries.c
    found: set[int] = set()
    for part in chunks(sorted(covered.gizmo_ids)):
        query = select(d.payload_id).where(d.gizmo_id.in_(part)).distinct()
        found.update(conn.execute(query).scalars())
    return found


def _delete_items(conn: Connection, covered: Covered, done: Counter[str]) -> set[int]:
    """Delete the discoveries that name those who go, and are filed under others; their payloads."""
    d = t.discoveries.c
    ids = covered.needles.finder(names=False)
    queries = [
        query
        for query in conn.execute(select(d.query).distinct()).scalars()
        if query in covered.needles.people or ids(query.encode(errors="replace"))
    ]
    found = set(covered.items)
    for some in chunks(queries):
        gone = conn.execute(
            delete(t.discoveries).where(d.query.in_(some)).returning(d.payload_id)
        ).scalars()
        left = list(gone)
        done[t.discoveries.name] += len(left)
        found.update(left)
    for part in chunks(sorted(covered.items)):
        statement = delete(t.discoveries).where(d.payload_id.in_(part))
        done[t.discoveries.name] += conn.execute(statement).rowcount
    return found


def unused_payloads(conn: Connection, candidates: set[int]) -> set[int]:
    """Those of some payloads that nothing names any more."""
    used: set[int] = set()
    for part in chunks(sorted(candidates)):
        for column in (t.observations.c.payload_id, t.discoveries.c.payload_id):
            used.update(conn.execute(select(column).where(column.in_(part)).distinct()).scalars())
    return candidates - used
