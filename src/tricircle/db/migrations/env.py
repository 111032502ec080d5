"""Runs the migrations over the connection that `tricircle.db.schema` hands on."""

from alembic import context

from tricircle.db import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    # SQLite cannot alter a table: alembic copies it instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
