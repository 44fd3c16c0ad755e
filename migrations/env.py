"""Runs the migrations on the connection that :mod:`catalog.storage.migrate` hands in.

``make migration WHAT="what it changes"`` writes a new revision, from the difference between the
declared tables and views and a catalog at the newest revision; then it is read, for Alembic
guesses.
"""

from __future__ import annotations

from alembic import context

from catalog.storage.browse_tables import is_declared
from catalog.storage.tables import metadata

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=metadata,
    include_name=is_declared,
    transactional_ddl=True,
    transaction_per_migration=True,
    render_as_batch=True,
    compare_server_default=True,
    on_version_apply=attributes.get("on_version_apply"),
)
with context.begin_transaction():
    context.run_migrations()
