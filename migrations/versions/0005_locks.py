"""The rows that writers lock on PostgreSQL, instead of numbers that anybody may lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LOCKS = 2048


def upgrade() -> None:
    """Make the table; its rows only where they are locked."""
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
