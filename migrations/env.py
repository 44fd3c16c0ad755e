"""Runs the migrations on the connection that :mod:`catalog.storage.migrate` hands in.

A new revision is written by ``alembic.command.revision(config_for(connection), autogenerate=True)``
from the difference between the tables and a catalog at the newest revision; then it is read, for
Alembic guesses. Its id is the next number of four digits.
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
