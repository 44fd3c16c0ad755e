"""The rate of a source, shared by all that ask it, in whatever process on whatever machine.

Each asker holds a share for some seconds, renews it while it asks, and sends nothing without one.
The shares of a source never add up to more than its rate: who comes gets what is free, and who has
more than an equal part takes no more than that when it renews.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, select, text

from catalog.storage.dialects import insert_or
from catalog.storage.tables import sources
from catalog.storage.work_tables import paces
from catalog.times import SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

LASTS: Micros = 5 * SECOND
"""How long a share holds: of one that died it is lost to the others for so long at most."""
_LEAST = 1e-6
"""A part of a rate that is none: what adding up leaves over."""
_NOW = {
    "postgresql": "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    # Days since noon in Greenwich on 24 November 4714 BC; the epoch is in the middle of one.
    "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
}


class Asker(msgspec.Struct, frozen=True):
    """Who asks a source.

    Attributes:
        owner: the process.
        place: which of its askers; a process may ask a source for several jobs at once.
    """

    owner: str
    place: int


def machine_time(conn: Connection) -> Micros:
    """What the clock of the database's machine says: those of the askers' machines differ.

    It times sending alone, and no fact: a simulated clock may stand still meanwhile.
    """
    return int(conn.execute(text(_NOW[conn.dialect.name])).scalar_one())


def take_share(
    conn: Connection,
    source_id: int,
    asker: Asker,
    rate: float,
    now: Micros,
    is_alive: Callable[[str], bool],
) -> float:
    """Hold on to a share of a source's rate for :data:`LASTS` from now.

    Args:
        conn: a writing transaction, short: others wait for it.
        source_id: the source.
        asker: who asks.
        rate: requests a second that the source takes from all.
        now: the machine's time; see :func:`machine_time`.
        is_alive: whether the process of that name may still be at work.

    Returns:
        Requests a second that it may send: an equal part at most; 0 while others hold all.
    """
    p = paces.c
    found = conn.execute(select(paces).where(p.source_id == source_id)).all()
    taken, others = 0.0, 0
    for row in found:
        if (row.owner, row.place) == (asker.owner, asker.place):
            continue
        # One that ends later than it could was taken by a clock that has been set back since.
        if not now < row.until <= now + LASTS or not is_alive(row.owner):
            leave(conn, source_id, Asker(row.owner, row.place))
            continue
        taken += row.share
        others += 1
    share = min(rate / (others + 1), rate - taken)
    if share < rate * _LEAST:
        share = 0.0
    statement = insert_or(conn, paces)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id", "owner", "place"],
            set_={"share": statement.excluded.share, "until": statement.excluded.until},
        ),
        {
            "source_id": source_id,
            "owner": asker.owner,
            "place": asker.place,
            "share": share,
            "until": now + LASTS,
        },
    )
    return share


def lock_source(conn: Connection, source_id: int) -> None:
    """Let others who share a source's rate wait until this transaction ends.

    On SQLite there is one writer at a time anyway, and SQLAlchemy leaves the lock out. It is one
    that rows which name the source do not wait for.
    """
    mine = select(sources.c.source_id).where(sources.c.source_id == source_id)
    conn.execute(mine.with_for_update(key_share=True)).all()


def leave(conn: Connection, source_id: int, asker: Asker) -> None:
    """Give a share up."""
    p = paces.c
    conn.execute(
        delete(paces).where(
            p.source_id == source_id, p.owner == asker.owner, p.place == asker.place
        )
    )
