"""Ids that a query or a file names without giving their documents, archived and made known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from catalog.storage.archive import NewPayload, put_payloads
from catalog.storage.dialects import insert_or
from catalog.storage.frontier import Discovery, add_discoveries
from catalog.storage.tables import authors, catalog_info
from catalog.storage.tombstones import graves_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from catalog.times import Micros

TURN_KEY = "discover: last author"
"""The fact of ``catalog_info`` that says whose name was searched for last."""
_TURN = catalog_info.c.key == TURN_KEY


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """That an id was named.

    Attributes:
        gizmo_id: the id.
        query: by what: the words, or the file.
        at: when it was said.
        rank: its place there, from 1.
        title: its name there, escaped as tables hold text.
        payload: the item as sent.
        redacted: whether a secret was replaced in it (law 10).
    """

    gizmo_id: str
    query: str
    at: Micros
    rank: int
    title: str
    payload: bytes
    redacted: bool = False


def add_named(conn: Connection, source_id: int, named: Sequence[Named]) -> int:
    """Archive the items and note who named which id; how many of these facts are new.

    What names somebody who was to be forgotten is not taken.

    Args:
        conn: in a write transaction that holds the GPTs' locks.
        source_id: who said so.
        named: in any order, repeats allowed.
    """
    named = without_forgotten(conn, named)
    if not named:
        return 0
    payloads = {
        each.payload: NewPayload(
            digest=hashlib.sha256(each.payload).digest(),
            payload=each.payload,
            redacted=each.redacted,
            gizmo_id=each.gizmo_id,
        )
        for each in named
    }
    numbers = put_payloads(conn, list(payloads.values()))
    return add_discoveries(
        conn,
        [
            Discovery(
                gizmo_id=each.gizmo_id,
                source_id=source_id,
                query=each.query,
                at=each.at,
                rank=each.rank,
                title=each.title,
                payload_id=numbers[payloads[each.payload].digest],
            )
            for each in named
        ],
    )


def without_forgotten(conn: Connection, named: Sequence[Named]) -> list[Named]:
    """Those of some mentions that name nobody whom the catalog was told to forget.

    Args:
        conn: any transaction.
        named: in any order.
    """
    graves = graves_of(conn)
    if graves is None:
        return list(named)
    gone = graves.of("gpt", (each.gizmo_id for each in named))
    return [
        each for each in named if each.gizmo_id not in gone and not graves.named_in(each.payload)
    ]


def names_to_search(conn: Connection, count: int) -> list[str]:
    """Names of authors to search for: those after the last one that was, all of them in turn.

    Args:
        conn: any transaction.
        count: how many, at most.
    """
    name = authors.c.display_name
    wanted = select(name).where(name.is_not(None), name != "").distinct().order_by(name)
    last = conn.execute(select(catalog_info.c.value).where(_TURN)).scalar() or ""
    found = list(conn.execute(wanted.where(name > last).limit(count)).scalars())
    if len(found) < count:
        found += conn.execute(wanted.where(name <= last).limit(count - len(found))).scalars()
    return found


def note_searched(conn: Connection, name: str) -> None:
    """Note that it was an author's turn: :func:`names_to_search` goes on after this name."""
    statement = insert_or(conn, catalog_info)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["key"], set_={"value": statement.excluded.value}
        ),
        {"key": TURN_KEY, "value": name},
    )
