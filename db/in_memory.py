"""A store that lives in memory and ends with the process: for flows tried out and tested with no database at hand.

The same tables and the same SQL as the store in a file; nothing is migrated, nothing is kept. Each use has a connection
of its own, so that it serves one event loop after another.
"""

from __future__ import annotations

import sqlite3
import uuid
import weakref
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.models import Base
from db.storable import storable_json
from db.store import Store


async def store_in_memory() -> Store:
    """A new, empty store with all tables."""
    # Shared between connections by its name, and there as long as one of them is open (sqlite.org/inmemorydb.html).
    name = f"file:goldline-{uuid.uuid4().hex}?mode=memory&cache=shared"
    kept = sqlite3.connect(name, uri=True, check_same_thread=False)
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{name}&uri=true", poolclass=NullPool, json_serializer=storable_json, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _entry: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {how}")

    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    store = Store(engine, "memory")
    weakref.finalize(store, kept.close)
    return store
