"""${message}.

Before this is merged: SQLite changes a table by copying it (``op.batch_alter_table``), so say here
how long that takes on a million GPTs. Kept tables lose nothing; derived ones may be emptied where
the message tells the user to run ``gpts-catalog rebuild``. No import from ``catalog``: a migration
stays what it was when the code moves on; but one that alters a table does so
``with catalog.storage.remaking.views_set_aside(op.get_bind()):``, which knows no declaration, for
views stand in the way. One that changes a view drops it and writes the new one out. Then set
``HEAD`` in ``catalog/storage/schema.py``.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Change the schema."""
    ${upgrades if upgrades else "pass"}
