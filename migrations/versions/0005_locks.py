"""What processes share: the rows that writers lock on PostgreSQL, and the rates of sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LOCKS = 2048


# Text sorts by code point on both engines.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables; rows that are locked only where they are."""
    _paces()
    table = op.create_table(
        "write_locks",
        sa.Column(
            "number", sa.Integer(), autoincrement=False, nullable=False, comment="which lock"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_write_locks")),
        comment="What writers lock on PostgreSQL; rows and table are never written.",
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        op.bulk_insert(table, [{"number": number} for number in range(LOCKS)])


def _paces() -> None:
    op.create_table(
        "paces",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.Column("owner", TEXT, nullable=False, comment="the process"),
        sa.Column("place", sa.Integer(), nullable=False, comment="which of its askers"),
        sa.Column(
            "share", sa.Double(), nullable=False, comment="requests a second that it may send"
        ),
        sa.Column(
            "until",
            sa.BigInteger(),
            nullable=False,
            comment="when that ends, by the clock of the database's machine",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f("fk_paces_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("source_id", "owner", "place", name=op.f("pk_paces")),
        comment="Who asks a source now: what each may send a second adds up to the source's rate.",
        sqlite_with_rowid=False,
    )
