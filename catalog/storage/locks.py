"""Who may derive what at the same time, on PostgreSQL; SQLite has one writer at a time anyway."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

_DERIVATION = 0x67707473
"""The advisory lock that stage 2 takes alone, and every other derivation together."""


def share_derivation(conn: Connection) -> None:
    """Let stage 2 wait until this transaction ends.

    Otherwise it could empty the queue of a day while this transaction, which found that day in
    the queue already, has not committed what it wants looked at there.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock_shared(_DERIVATION)))


def own_derivation(conn: Connection) -> None:
    """Wait until nobody else derives, and let nobody until this transaction ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_DERIVATION)))
