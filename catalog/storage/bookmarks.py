"""Bookmarks: how far somebody has looked at the changes.

A mark is taken while changes are read, and set once they were shown: whoever is interrupted in
between is shown them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, false, select, update

from catalog.storage.dialects import insert_or
from catalog.storage.tables import bookmarks

if TYPE_CHECKING:
    from catalog.times import Micros


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalog held when somebody looked.

    Observations are told apart by their numbers, not by when they were recorded: a merge brings
    those that another catalog recorded long ago. On PostgreSQL a number can be given before a
    higher one and be committed after it, so the changes of the last numbers are noted one by one.

    A not-found can count long after it was recorded: when its run closes (rule 6), or when a merge
    brings a stronger verdict. So verdicts have numbers of their own.

    Attributes:
        recorded_at: when the newest observation was recorded; for people. 0 where there was none.
        observation_id: its number, the highest.
        judgement_id: the number of the latest verdict; 0 where there was none.
        digests: of the changes that the last observations and verdicts brought; see
            :data:`catalog.query.news.AGAIN`.
    """

    recorded_at: Micros
    observation_id: int
    judgement_id: int = 0
    digests: frozenset[str] = frozenset()


def get_bookmark(conn: Connection, name: str) -> Mark | None:
    """The mark of a name; None where it was never set.

    Args:
        conn: a transaction.
        name: the bookmark.
    """
    row = conn.execute(select(bookmarks).where(bookmarks.c.name == name)).first()
    if row is None:
        return None
    return Mark(
        recorded_at=row.recorded_at,
        observation_id=row.observation_id,
        judgement_id=row.judgement_id,
        digests=msgspec.json.decode(row.seen, type=frozenset[str]),
    )


def check_writable(conn: Connection) -> None:
    """Find out whether a bookmark could be set, before anything is shown; nothing is changed.

    Args:
        conn: a writing transaction; on SQLite it would not have begun where nobody may write.

    Raises:
        StorageError: nobody may here.
    """
    # PostgreSQL asks for the right also where there is no such row.
    conn.execute(update(bookmarks).where(false()).values(seen=bookmarks.c.seen))


def set_bookmark(conn: Connection, name: str, mark: Mark) -> None:
    """Note that everything up to ``mark`` was shown.

    Args:
        conn: a writing transaction.
        name: the bookmark; one of that name is moved.
        mark: as :func:`catalog.query.changes.since_bookmark` took it.
    """
    names = ("observation_id", "judgement_id", "recorded_at", "seen")
    statement = insert_or(conn, bookmarks)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={column: statement.excluded[column] for column in names},
        ),
        {
            "name": name,
            "observation_id": mark.observation_id,
            "judgement_id": mark.judgement_id,
            "recorded_at": mark.recorded_at,
            "seen": msgspec.json.encode(sorted(mark.digests)).decode(),
        },
    )
