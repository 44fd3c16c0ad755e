"""Tombstones: who must not be kept (rule 15), asked by everything that takes something in.

An observation is covered if its GPT has a tombstone, or the author whom its document names. So it
depends on nothing but the observation and the tombstones, and law 2 holds for what none covers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from catalog.errors import SettingsError
from catalog.storage.dialects import insert_new
from catalog.storage.engine import ledger_of
from catalog.storage.ledger import NAME_BYTES, VARIABLE, Key, Kind, Ledger, Tombstone
from catalog.storage.rows import chunks
from catalog.storage.tables import tombstones
from catalog.storage.urls import describe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from catalog.records import Observation
    from catalog.times import Micros

FORGOTTEN = "the catalog was told to forget it: nothing of it is kept"
"""Why something was not taken, for people."""

_TOKEN = re.compile(rb"(?<![A-Za-z0-9])(?:g-[A-Za-z0-9]+|user-[A-Za-z0-9_-]+)")
"""What ids look like within other text. A project's ids, ``g-p-…``, name no GPT."""


class Graves:
    """The tombstones of a catalog that has some.

    Args:
        conn: any transaction.
        keys: the keys that they were made with.
        also: who is to have one besides, as if it stood.
    """

    def __init__(
        self, conn: Connection, keys: Sequence[Key], also: Collection[tuple[Kind, str]] = ()
    ) -> None:
        self._conn = conn
        self._keys = keys
        self._known: dict[tuple[Kind, str], bool] = dict.fromkeys(also, True)
        self._also = frozenset(kind for kind, _ in also)

    def of(self, kind: Kind, names: Iterable[str]) -> set[str]:
        """Those of some ids that have a tombstone."""
        asked = set(names)
        new = sorted(name for name in asked if (kind, name) not in self._known)
        c = tombstones.c
        for part in chunks(new):
            hashes = {key.hash(kind, name): name for key in self._keys for name in part}
            found = self._conn.execute(
                select(c.hash).where(c.kind == kind, c.hash.in_(hashes))
            ).scalars()
            self._known.update(((kind, name), False) for name in part)
            self._known.update(((kind, hashes[bytes(each)]), True) for each in found)
        return {name for name in asked if self._known[kind, name]}

    def has(self, kind: Kind) -> bool:
        """Whether there are any of a kind."""
        found = select(tombstones.c.kind).where(tombstones.c.kind == kind).limit(1)
        return kind in self._also or self._conn.execute(found).first() is not None

    def covers(self, batch: Sequence[Observation]) -> list[bool]:
        """Whether each of some observations must not be kept."""
        gpts = self.of("gpt", (o.gizmo_id for o in batch))
        users = [o.document.scalars.get("user_id") if o.document else None for o in batch]
        authors = self.of("author", (user for user in users if user))
        return [o.gizmo_id in gpts or user in authors for o, user in zip(batch, users, strict=True)]

    def named_in(self, data: bytes) -> set[str]:
        """The ids in some bytes that have a tombstone, as far as they look like ids."""
        tokens = {found.decode() for found in _TOKEN.findall(data)}
        users = {token for token in tokens if token.startswith("user-")}
        return self.of("gpt", tokens - users) | self.of("author", users)


def graves_of(conn: Connection, also: Collection[tuple[Kind, str]] = ()) -> Graves | None:
    """The tombstones of a catalog; None where it has none, which is told fast.

    Args:
        conn: any transaction.
        also: who is to have one besides, as if it stood.

    Raises:
        SettingsError: it has some, and the key that they were made with is missing.
    """
    names = _names_of_keys(conn)
    if not names:
        return Graves(conn, (), also) if also else None
    ledger = ledger_of(conn.engine)
    keys = ledger.keys()
    if names - keys.keys():
        raise SettingsError(
            f"{describe(conn.engine.url)} was told to forget somebody, and the key that says whom"
            f" is missing: put the file {ledger.path.name} of its old place to {ledger.path}, or"
            f" set {VARIABLE}; until then nothing can be taken in"
        )
    return Graves(conn, [keys[name] for name in sorted(names)], also)


def forgotten_among(conn: Connection, gizmo_ids: Collection[str]) -> set[str]:
    """Those of some GPTs that must not be kept, by their own tombstones.

    Raises:
        SettingsError: the key is missing.
    """
    graves = graves_of(conn)
    return graves.of("gpt", gizmo_ids) if graves is not None else set()


def add_tombstones(
    conn: Connection, kind: Kind, names: Collection[str], now: Micros
) -> list[Tombstone]:
    """Have tombstones for some ids; those that stand are left alone.

    Args:
        conn: in a write transaction.
        kind: of what.
        names: ids of GPTs, or ``user_id`` values.
        now: the present moment.
    """
    key = ledger_of(conn.engine).own_key()
    made = [Tombstone(kind, key.hash(kind, name), now) for name in sorted(names)]
    put_tombstones(conn, made)
    return made


def put_tombstones(conn: Connection, items: Sequence[Tombstone]) -> int:
    """Have tombstones as they are, as another catalog or the ledger has them; how many are new."""
    c = tombstones.c
    rows = [{"kind": each.kind, "hash": each.hash, "at": each.at} for each in items]
    new = insert_new(conn, tombstones).returning(c.kind)
    return sum(len(conn.execute(new, list(part)).all()) for part in chunks(rows))


def standing_tombstones(conn: Connection) -> list[Tombstone]:
    """All of a catalog's tombstones."""
    c = tombstones.c
    query = select(c.kind, c.hash, c.at).order_by(c.kind, c.hash)
    return [Tombstone(kind, bytes(hash_), at) for kind, hash_, at in conn.execute(query)]


def share_keys(mine: Connection, theirs: Connection) -> None:
    """Take over the keys of a catalog whose tombstones are taken over, where it has any."""
    if _names_of_keys(theirs):
        ledger_of(mine.engine).learn(ledger_of(theirs.engine))


def sync(conn: Connection, ledger: Ledger) -> int:
    """Have the tombstones of the ledger in the catalog, and those of the catalog in the ledger.

    Returns:
        How many were new to the catalog.
    """
    new = put_tombstones(conn, ledger.tombstones())
    ledger.add(standing_tombstones(conn))
    return new


def _names_of_keys(conn: Connection) -> set[bytes]:
    found = conn.execute(select(func.substr(tombstones.c.hash, 1, NAME_BYTES)).distinct()).scalars()
    return {bytes(name) for name in found}
