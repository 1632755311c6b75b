"""A store that lives in memory and ends with the process: for flows tried out and tested with no database at hand.

The same tables and the same SQL as the store in a file; nothing is migrated, nothing is kept. Each use has a connection
of its own, so that it serves one event loop after another.
"""

from __future__ import annotations

import sqlite3
import uuid
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.models import Base
from db.storable import storable_json
from db.store import BUSY_MS, Store


async def store_in_memory() -> Store:
    """A new, empty store with all tables."""
    store, _ = await _opened(None)
    return store


class StoreTemplate:
    """A store that was filled once, to be had anew, in a millisecond, for each test."""

    def __init__(self, filled: sqlite3.Connection) -> None:
        self._filled = filled
        weakref.finalize(self, filled.close)  # Python 3.13 warns of a connection that nobody closed

    @classmethod
    async def filled_by(cls, fill: Callable[[Store], Awaitable[None]]) -> StoreTemplate:
        """What ``fill`` puts into an empty store."""
        store, kept = await _opened(None)
        await fill(store)
        filled = sqlite3.connect(":memory:", check_same_thread=False)
        kept.backup(filled)
        await store.close()
        return cls(filled)

    async def store(self) -> Store:
        """A store of its own with those contents."""
        store, _ = await _opened(self._filled)
        return store


async def _opened(filled: sqlite3.Connection | None) -> tuple[Store, sqlite3.Connection]:
    # SQLite's "memdb": connections of this process share a name that begins with "/", each waits for the others as on a
    # file (a shared cache does not wait), and it is there as long as one connection is open (SQLite 3.36, src/memdb.c).
    name = f"file:/goldline-{uuid.uuid4().hex}?vfs=memdb"
    kept = sqlite3.connect(name, uri=True, check_same_thread=False)
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{name}&uri=true", poolclass=NullPool, json_serializer=storable_json, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _entry: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {how}")

    if filled is not None:
        filled.backup(kept)
    else:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    store = Store(engine, "memory")
    weakref.finalize(store, kept.close)
    return store, kept
