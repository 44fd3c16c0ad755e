% if config.attributes.get("views"):
# ruff: noqa: E501  statements stand here as the engines keep them
% endif
"""${message}.

Before this is merged: SQLite changes a table by copying it (``op.batch_alter_table``), so say here
how long that takes on a million GPTs. Kept tables lose nothing; derived ones may be emptied where
the message tells the user to run ``gpts-catalog rebuild``. No import from ``catalog``: a migration
stays what it was when the code moves on; but one that alters a table does so
``with catalog.storage.remaking.views_set_aside(op.get_bind()):``, which knows no declaration, for
views stand in the way. It takes what makes the views that change.
"""
<%
views = config.attributes.get("views")
%>
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
from catalog.storage.remaking import views_set_aside

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}
% if views:

# What makes the views that change, by engine and name.
VIEWS: dict[str, dict[str, list[str]]] = {
% for engine, named in views.items():
    "${engine}": {
% for name, statements in named.items():
        "${name}": [
% for statement in statements:
            (
% for line in statement.splitlines(keepends=True):
                ${repr(line)}
% endfor
            ),
% endfor
        ],
% endfor
    },
% endfor
}
% endif


def upgrade() -> None:
    """Change the schema."""
    with views_set_aside(op.get_bind()${", VIEWS" if views else ""}):
        ${(upgrades or "pass").replace("\n", "\n    ")}
