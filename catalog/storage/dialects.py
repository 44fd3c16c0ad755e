"""The few statements that the two engines spell differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or(conn: Connection, table: Table) -> Any:
    """An INSERT into ``table`` that knows ``on_conflict_do_nothing`` and ``…_do_update``."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


def insert_new(conn: Connection, table: Table) -> Any:
    """An INSERT that leaves rows alone which are there already."""
    return insert_or(conn, table).on_conflict_do_nothing()
