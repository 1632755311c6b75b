"""One at a time: work on the whole store that must not run twice at once, on one machine or on several.

SQLite: a lock on a file beside the database (flock(2)). PostgreSQL: an advisory lock of a connection held meanwhile.
Both go with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import sqlalchemy as sa

from db.errors import StoreError
from db.store import Store


class AlreadyAtWork(StoreError):
    """Another process is doing this work."""

    error_id: ClassVar[str] = "already-at-work"


@asynccontextmanager
async def exclusively(store: Store, work: str) -> AsyncIterator[None]:
    """Do ``work`` (one word) alone. Raises AlreadyAtWork at once when another process does it; StoreAway."""
    hold = _file_lock if store.is_sqlite else _advisory_lock
    async with hold(store, work):
        yield


@asynccontextmanager
async def _file_lock(store: Store, work: str) -> AsyncIterator[None]:
    database = Path(store.engine.url.database or "")
    with database.with_name(f"{database.name}.{work}.lock").open("a", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already(work) from None
        yield


@asynccontextmanager
async def _advisory_lock(store: Store, work: str) -> AsyncIterator[None]:
    key = int.from_bytes(hashlib.blake2b(f"goldline {work}".encode(), digest_size=8).digest(), "big", signed=True)
    async with store.reading() as session:
        # Of a transaction, which the connection keeps open until the work is done: nothing else is read in it.
        if not await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))):
            raise _already(work)
        yield


def _already(work: str) -> AlreadyAtWork:
    return AlreadyAtWork(f"Another process is at work: {work}.", remedy="Wait until it is done.")
