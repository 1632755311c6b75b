"""What Alembic runs for each command: the connection is handed in by ``db.schema``."""

from __future__ import annotations

from alembic import context

from db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,  # on SQLite too: we say BEGIN ourselves, so a failed step leaves nothing behind
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
