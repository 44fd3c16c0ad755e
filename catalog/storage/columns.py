"""What the declarations of tables are made of: the one ``MetaData``, types, and usual columns.

Times are BIGINT microseconds UTC, JSON is canonical TEXT, and text sorts by code point on both
engines.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Table, Text

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite gives automatic keys to INTEGER alone, PostgreSQL needs the width.
IDENTITY = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def make_table(name: str, comment: str, *items: Any, narrow: bool = False) -> Table:
    """Declare a table; ``narrow`` rows live in their primary key's tree on SQLite."""
    return Table(name, metadata, *items, comment=comment, sqlite_with_rowid=not narrow)


def text(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    """A column of text."""
    return Column(name, TEXT, nullable=null, comment=comment, **more)


def big(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    """A column of large numbers, or of times."""
    return Column(name, BigInteger, nullable=null, comment=comment, **more)


def gizmo() -> Column[Any]:
    """The column that names the GPT."""
    return text("gizmo_id", "the GPT")


def observation() -> Column[Any]:
    """The column that names the observation which says so (law 7)."""
    return big("observation_id", "the observation that says so (law 7)")


def source() -> Column[Any]:
    """The column that names the source."""
    return Column(
        "source_id", Integer, ForeignKey("sources.source_id"), nullable=False, comment="the source"
    )
