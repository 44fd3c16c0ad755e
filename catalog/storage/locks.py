"""Who may derive what at the same time, on PostgreSQL; SQLite has one writer at a time anyway.

The lock is that of a table which nobody writes to, in modes that take the right to write to it. An
advisory lock would be anybody's: a role that may only read could stop all writers with it.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_SHARED = text("LOCK TABLE write_locks IN ROW EXCLUSIVE MODE")
_ALONE = text("LOCK TABLE write_locks IN SHARE ROW EXCLUSIVE MODE")
"""In conflict with the other and with itself, but not with locks of the table's rows."""


def share_derivation(conn: Connection) -> None:
    """Let stage 2 wait until this transaction ends.

    Otherwise it could empty the queue of a day while this transaction, which found that day in
    the queue already, has not committed what it wants looked at there.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_SHARED)


def own_derivation(conn: Connection) -> None:
    """Wait until nobody else derives, and let nobody until this transaction ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(_ALONE)
