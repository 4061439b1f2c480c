"""Alembic's entry: runs the migrations on the connection that `mmbot.store.sql.schema` gives."""

from alembic import context

from mmbot.store.sql.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
