"""Who is meant by what a person types to name an author."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.storage import tables as t

if TYPE_CHECKING:
    from sqlalchemy import Connection


def users_called(conn: Connection, text: str) -> list[str]:
    """The authors that ``text`` names: the one of that ``user_id``, else all of that name.

    Args:
        conn: any transaction.
        text: a ``user_id``, or a display name exactly as some document showed it at any time.
    """
    a = t.gizmo_authors.c
    known = select(a.user_id).where(a.user_id == text).limit(1)
    if conn.execute(known).first() is not None:
        return [text]
    called = select(a.user_id).where(a.display_name == text, a.user_id.is_not(None))
    return sorted(conn.execute(called.distinct()).scalars())
