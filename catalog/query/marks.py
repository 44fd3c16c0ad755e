"""Marks that their owner keeps: how far somebody has looked, small enough for an address.

A bookmark in the catalog notes the changes of the last observations one by one; a mark of this kind
cannot, so it stands before whatever may have been under way. What lies between is told again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from catalog.query.changes import Change, Mark, Wanted, since_mark
from catalog.search.cursors import Number, decode, encode
from catalog.storage import tables as t
from catalog.times import MINUTE, Micros

if TYPE_CHECKING:
    from collections.abc import Generator

UNDER_WAY = 10 * MINUTE
"""A transaction that was given numbers is committed within that time."""
LOOKED_AT = 20_000
"""Numbers before the newest that may still be given to one."""
_QUESTION = "mark"


def mark_small(conn: Connection) -> Mark:
    """The mark of what this transaction sees, or of a little before it.

    SQLite has one writer at a time. On PostgreSQL a number below the newest can be missing since
    its transaction is still to be committed: the mark then stands before it.
    """
    o, j = t.observations.c, t.judgements.c
    newest = conn.execute(
        select(o.observation_id, o.recorded_at).order_by(o.observation_id.desc()).limit(1)
    ).first()
    if newest is None:
        return Mark(recorded_at=0, observation_id=0)
    judged = conn.execute(select(func.coalesce(func.max(j.judgement_id), 0))).scalar_one()
    number: int = newest.observation_id
    if conn.dialect.name == "postgresql":
        rows = conn.execute(
            select(o.observation_id)
            .where(
                o.observation_id > number - LOOKED_AT,
                o.recorded_at >= newest.recorded_at - UNDER_WAY,
            )
            .order_by(o.observation_id)
        ).scalars()
        number = next((low for low, high in pairwise(rows) if high != low + 1), number)
    return Mark(recorded_at=newest.recorded_at, observation_id=number, judgement_id=judged)


def news_since(conn: Connection, mark: Mark, wanted: Wanted) -> Generator[Change, None, None]:
    """What came to be known since a mark of this kind, oldest first.

    Args:
        conn: a reading transaction, to stay open until the generator is done or closed.
        mark: the mark.
        wanted: which changes.
    """
    yield from since_mark(conn, mark, wanted, again=0)


def mark_text(mark: Mark) -> str:
    """A mark as its owner keeps it."""
    return encode(_QUESTION, (mark.observation_id, mark.judgement_id, mark.recorded_at))


def mark_from(text: str) -> Mark:
    """The mark that a text holds.

    Raises:
        InvalidCursor: it is damaged, or no mark.
    """
    observation_id, judgement_id, recorded_at = _read(text)
    return Mark(observation_id=observation_id, judgement_id=judgement_id, recorded_at=recorded_at)


def _read(text: str) -> tuple[int, int, Micros]:
    found: tuple[int, int, Micros] = decode(text, _QUESTION, tuple[Number, Number, Number])
    return found
