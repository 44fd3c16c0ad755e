"""Pricing GPTs again, in batches, after what they are planned by was changed.

How far that went is a fact of the catalog itself: whoever refreshes next goes on with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select, update

from catalog.storage import tables as t
from catalog.storage.dialects import insert_or
from catalog.storage.frontier import Claimed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from catalog.times import Micros

_KEY = "repricing"
"""The fact of ``catalog_info`` that says by what GPTs are priced, and how far that went."""

_f = t.frontier.c


class Repricing(msgspec.Struct, frozen=True):
    """How far pricing again went.

    Attributes:
        by: names what GPTs are planned by.
        after: all ids up to this one are priced by it; None: all are.
    """

    by: str
    after: str | None = None


class Waiting(Claimed, frozen=True, kw_only=True):
    """A GPT whose last visit brought its document.

    Attributes:
        last_asked_at: when that was.
    """

    last_asked_at: Micros


class Repriced(msgspec.Struct, frozen=True, kw_only=True):
    """When a GPT is due by what it is planned by now.

    Attributes:
        gizmo_id: the GPT.
        was_due_at: when it was due before; one that was visited since is not touched.
        due_at: when it is due now.
        cell: its box.
    """

    gizmo_id: str
    was_due_at: Micros
    due_at: Micros
    cell: int | None


def repricing(conn: Connection) -> Repricing | None:
    """How far it went; None: nothing was planned yet."""
    i = t.catalog_info.c
    found = conn.execute(select(i.value).where(i.key == _KEY)).scalar()
    return None if found is None else msgspec.json.decode(found, type=Repricing)


def note_repricing(conn: Connection, done: Repricing) -> None:
    """Note how far it went."""
    statement = insert_or(conn, t.catalog_info)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["key"], set_={"value": statement.excluded.value}
        ),
        {"key": _KEY, "value": msgspec.json.encode(done).decode()},
    )


def asked_after(conn: Connection, after: str, limit: int) -> tuple[list[Waiting], str | None]:
    """The next ids in their order, by the key: no table is read whole.

    Args:
        conn: any transaction.
        after: begin behind this id.
        limit: so many ids are looked at, at most.

    Returns:
        Of them, those that are planned by the price and wait for their next visit; and the last
        that was looked at, None where there are no more.
    """
    names = Waiting.__struct_fields__
    query = select(_f.lease_owner, *(_f[name] for name in names))
    query = query.where(_f.gizmo_id > after).order_by(_f.gizmo_id).limit(limit)
    rows = conn.execute(query).mappings().all()
    waiting = [
        Waiting(**{name: row[name] for name in names})
        for row in rows
        if row["lease_owner"] is None
        and row["last_asked_at"] is not None
        and row["confirmed_at"] is not None
        and row["cell"] is not None
        # What failed, or was not found, waits for a reason of its own.
        and not row["attempts"]
        and not row["misses"]
    ]
    return waiting, rows[-1]["gizmo_id"] if len(rows) == limit else None


def move_due(conn: Connection, moves: Sequence[Repriced]) -> int:
    """Move the next visits of GPTs that nobody has visited, or holds, since.

    Args:
        conn: a writing transaction.
        moves: in the order of their ids.

    Returns:
        How many were moved.
    """
    if not moves:
        return 0
    statement = (
        update(t.frontier)
        .where(
            _f.gizmo_id == bindparam("id"),
            _f.due_at == bindparam("before"),
            _f.lease_owner.is_(None),
        )
        .values(due_at=bindparam("next"), cell=bindparam("box"))
    )
    return conn.execute(
        statement,
        [
            {"id": each.gizmo_id, "before": each.was_due_at, "next": each.due_at, "box": each.cell}
            for each in moves
        ],
    ).rowcount
