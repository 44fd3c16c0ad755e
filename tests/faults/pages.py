"""What stands on which page of a catalog's file: a page at a time is what damage hits.

What is where: https://www.sqlite.org/fileformat2.html#b_tree_pages
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table

PAGE = 4096
_INNER, _LEAF = 0x05, 0x0D


def leaves_of(path: Path, table: Table) -> dict[int, list[int]]:
    """The pages, from 0, that hold a table's rows, with the rows' numbers."""
    data = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table.name,)
        ).fetchone()
    found: dict[int, list[int]] = {}
    waiting = [root - 1]
    while waiting:
        page = waiting.pop()
        held = data[page * PAGE : (page + 1) * PAGE]
        kind, count = held[0], int.from_bytes(held[3:5], "big")
        if kind == _INNER:
            waiting += [int.from_bytes(held[at : at + 4], "big") - 1 for at in _cells(held, count)]
            waiting.append(int.from_bytes(held[8:12], "big") - 1)
            continue
        assert kind == _LEAF
        found[page] = []
        for at in _cells(held, count):
            size, behind = _varint(held, at)
            assert size <= PAGE - 35, "a row that lies on several pages"
            found[page].append(_varint(held, behind)[0])
    return found


def _cells(held: bytes, count: int) -> list[int]:
    start = 12 if held[0] == _INNER else 8
    return [int.from_bytes(held[at : at + 2], "big") for at in range(start, start + 2 * count, 2)]


def _varint(held: bytes, at: int) -> tuple[int, int]:
    """A number, and the place behind it; those here have fewer than nine bytes."""
    value = 0
    while True:
        value = value << 7 | held[at] & 0x7F
        at += 1
        if not held[at - 1] & 0x80:
            return value, at


def undamaged(path: Path, damaged: frozenset[int]) -> set[tuple[str, int, bytes]]:
    """What was said in rows that lie elsewhere than on some pages, payloads and bases too."""
    places = {
        table.name: {n: page for page, numbers in leaves_of(path, table).items() for n in numbers}
        for table in (t.observations, t.payloads)
    }

    def is_whole(table: str, number: int | None) -> bool:
        return number is None or places[table][number] not in damaged

    o, p = t.observations.c, t.payloads.c
    query = select(
        o.observation_id, o.payload_id, p.base_id, o.gizmo_id, o.observed_at, p.digest
    ).join(t.payloads, p.payload_id == o.payload_id)
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    with read(engine) as conn:
        found = {
            (gizmo_id, at, bytes(digest))
            for number, payload, base, gizmo_id, at, digest in conn.execute(query)
            if is_whole("observations", number)
            and (payload == t.NOT_FOUND_PAYLOAD or is_whole("payloads", payload))
            and is_whole("payloads", base)
        }
    engine.dispose()
    return found


def said_in(path: Path) -> set[tuple[str, int, bytes]]:
    """All that was said: of whom, when, and what."""
    return undamaged(path, frozenset())
