"""Alembic's entry: it migrates the connection that the ledger hands it."""

from alembic import context

from tiltyard.stores.ledger.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
