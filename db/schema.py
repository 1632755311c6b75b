"""The tables' versions: upgrade, downgrade, and whether models and database agree (Alembic, run from code).

Works on a synchronous connection in a transaction: give it to ``AsyncConnection.run_sync``. A new revision is a file in
``db/migrations/versions``; the migration test fails until it brings the database to what ``db.models`` says.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from db.errors import SchemaMismatch
from db.models import Base

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_ONE_MIGRATION_AT_A_TIME: Final = 0x676F6C64  # PostgreSQL advisory lock: "gold"


def head() -> str:
    """The version that this code knows."""
    return _scripts().get_current_head() or ""


def current(connection: sa.Connection) -> str:
    """The version that the database has; empty when it has none of our tables."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables to ``head()``. Raises SchemaMismatch when they are newer than this code."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_MIGRATION_AT_A_TIME)))
    found = current(connection)
    if found and found not in _known():
        raise SchemaMismatch(
            f"The tables have schema {found}, which this Goldline does not know: a newer one made them.",
            remedy="Run the newer Goldline, or restore the backup made before the upgrade.",
        )
    if found != head():
        command.upgrade(_config(connection), "head")


def downgrade(connection: sa.Connection, revision: str) -> None:
    """Take the tables back to ``revision`` (``base``: none)."""
    command.downgrade(_config(connection), revision)


def differences(connection: sa.Connection) -> list[Any]:
    """What the database has and ``db.models`` has not, and the other way round, as Alembic lists it."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_SCRIPTS))


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _config(connection: sa.Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
