"""Alembic's entry: runs the steps on the connection that `hegui.store.migrate` opened."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=context.config.attributes.get("metadata"), transactional_ddl=True
)
context.run_migrations()
