"""The journal: every thing that happens is on disk at once and in the database at most 200 ms later.

``append`` puts the event into the spool (a file) and returns. A writer task reads the spool in order and stores it in
batches. An event has its own id, so storing one twice is storing it once, and a batch is let go only after it is
stored. While the database is away the events wait on disk. The end of the process, however sudden, loses nothing: the
next one takes over what the spool holds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from db.calls import Calls
from db.errors import SchemaMismatch, StoreAway, StoreError
from db.events import Event, utcnow
from db.followers import Follower, Followers
from db.spool import Batch, Spool, encode
from db.store import Store

log = logging.getLogger("goldline.journal")

GATHER_SECONDS: Final = 0.1  # after the first event: half of the promised 200 ms, the other half is for storing
MOST_IN_BATCH: Final = 500  # about 10 ms of work on the event loop: more would be felt by callers
STORE_SECONDS: Final = 15.0  # for one batch: longer than the database's own deadlines (db.store)
FIRST_BACKOFF: Final = 0.2
MOST_BACKOFF: Final = 5.0
DRAIN_SECONDS: Final = 10.0  # at stop; what is not stored by then stays on disk
LOUD_SECONDS: Final = 60.0  # between two complaints about the same database


@dataclass
class JournalCounts:
    """Counters since the start, for metrics."""

    appended: int = 0
    stored: int = 0  # new rows; an event stored before does not count again
    repeated: int = 0  # events that the database had already, after a crash
    refused: int = 0  # events set aside, because the database takes everything but them
    batches: int = 0
    failures: int = 0  # batches that had to be tried again
    lost: int = 0  # events that could be kept nowhere
    damaged: int = 0  # lines of the spool that could not be read back


class Journal:
    """The journal over one store and one spool directory. ``start`` it, ``append``, ``stop`` it; one event loop."""

    def __init__(self, store: Store, spool: Path) -> None:
        self._store = store
        self._calls = Calls(store)
        self._directory = spool
        self._spool: Spool | None = None
        self._followers = Followers()
        self._counts = JournalCounts()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._oldest: datetime | None = None  # when the oldest event that is not stored happened
        self._away = False
        self._loud_at = float("-inf")

    @property
    def waiting(self) -> int:
        """Events that are not yet in the database."""
        return self._spool.waiting if self._spool else 0

    @property
    def behind(self) -> float:
        """Seconds since the oldest event that is not yet in the database happened; 0 when all are."""
        if not self.waiting or self._oldest is None:
            return 0.0
        return max(0.0, (utcnow() - self._oldest).total_seconds())

    @property
    def away(self) -> bool:
        """The last try to store failed: events wait on disk."""
        return self._away

    @property
    def disk_refuses(self) -> bool:
        """The spool's disk takes nothing: events wait in memory."""
        return bool(self._spool and self._spool.disk_refuses)

    @property
    def counts(self) -> JournalCounts:
        """The counters, as they stand."""
        if self._spool:
            self._counts.damaged = self._spool.damaged
            self._counts.lost = max(self._counts.lost, self._spool.lost)
        return self._counts

    async def start(self) -> None:
        """Take the spool, with what a dead process left in it, and begin to store.

        Raises SpoolHeld when a living process holds the spool, SpoolError when the directory cannot be used. A database
        that is away is no error.
        """
        self._spool = await asyncio.to_thread(Spool.open, self._directory)
        if self._spool.waiting:
            log.warning("%d events of an earlier run wait in %s.", self._spool.waiting, self._directory)
        self._stopping.clear()
        self._wake.set()
        self._writer = asyncio.create_task(self._write(self._spool), name="journal writer")

    async def stop(self) -> None:
        """Store what is there, within DRAIN_SECONDS, and give the spool back. What cannot be stored stays on disk."""
        spool, writer = self._spool, self._writer
        if not spool or not writer:
            return
        self._stopping.set()
        self._wake.set()
        await asyncio.wait({writer}, timeout=DRAIN_SECONDS)
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        counts = self.counts
        self._spool = self._writer = None
        self._followers.end()
        if spool.disk_refuses:
            log.error("%s does not take the last events: they are lost.", self._directory)
        if spool.waiting:
            log.warning("%d events stay in %s for the next start (%s).", spool.waiting, self._directory, counts)
        spool.close()

    def append(self, event: Event) -> None:
        """Keep an event. Cheap; never waits and never raises. Only from the event loop's own thread, once started."""
        spool = self._spool
        try:
            if spool is None:
                self._counts.lost += 1
                log.error("The journal is not running: %s of call %s is lost.", event.kind, event.call_id)
                return
            if not spool.waiting:
                self._oldest = event.at
            spool.append(encode(event))
            self._counts.appended += 1
            self._idle.clear()
            self._wake.set()
            self._followers.tell(event)
        except Exception:  # a fault here must not cost a call
            self._counts.lost += 1
            log.exception("An event could not be kept.")

    def subscribe(self, wanted: Callable[[Event], bool] = lambda _: True) -> Follower:
        """Follow the events that ``wanted`` picks, live, before they are stored (see ``db.followers``)."""
        return self._followers.subscribe(wanted)

    async def drained(self) -> None:
        """Wait until all that was appended is in the database."""
        await self._idle.wait()

    async def _write(self, spool: Spool) -> None:
        while True:
            await self._wake.wait()
            if not self._stopping.is_set():
                await self._pause(GATHER_SECONDS)
            self._wake.clear()
            backoff = FIRST_BACKOFF
            while not await self._store_waiting(spool):
                if self._stopping.is_set():
                    return
                await self._pause(backoff)
                backoff = min(2 * backoff, MOST_BACKOFF)
            if self._stopping.is_set() and not self._wake.is_set():
                await self._end(spool)
                return

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _store_waiting(self, spool: Spool) -> bool:
        """Store until nothing waits; False when that failed and should be tried again."""
        try:
            while batch := spool.read(MOST_IN_BATCH):
                if batch.events:
                    self._oldest = batch.events[0].at
                    await self._store_batch(spool, batch)
                spool.let_go(batch)
                if spool.removable:
                    await self._let_segments_go(spool)
        except (StoreAway, SchemaMismatch, OSError) as error:
            self._say_away(error)
            return False
        except Exception as error:  # a fault of ours must not end the writer: events wait on disk meanwhile
            log.exception("The journal's writer met a fault and goes on.")
            self._say_away(error)
            return False
        if self._away:
            self._away = False
            log.warning("The database is back: all events are stored.")
        self._oldest = None
        self._idle.set()
        return True

    async def _store_batch(self, spool: Spool, batch: Batch) -> None:
        try:
            await self._record(batch.events)
        except (StoreAway, SchemaMismatch):
            raise
        except StoreError:
            # Something in it is refused: find it, so that one event does not hold up all others for ever.
            for event in batch.events:
                await self._record_or_set_aside(spool, event)
        self._counts.batches += 1

    async def _record_or_set_aside(self, spool: Spool, event: Event) -> None:
        try:
            await self._record((event,))
        except (StoreAway, SchemaMismatch):
            raise
        except StoreError as error:
            self._counts.refused += 1
            log.error("The database refuses event %s (%s), which is set aside: %s", event.id, event.kind, error)
            spool.set_aside(event)

    async def _record(self, events: tuple[Event, ...]) -> None:
        async with asyncio.timeout(STORE_SECONDS):
            new = await self._calls.record(events)
        self._counts.stored += new
        self._counts.repeated += len(events) - new

    async def _let_segments_go(self, spool: Spool) -> None:
        if await self._store.settle():
            spool.remove_stored()

    async def _end(self, spool: Spool) -> None:
        spool.retire()
        with suppress(StoreError):
            await self._let_segments_go(spool)

    def _say_away(self, error: Exception) -> None:
        self._away = True
        self._counts.failures += 1
        now = time.monotonic()
        if now - self._loud_at >= LOUD_SECONDS:
            self._loud_at = now
            log.error("Events wait on disk (%d in %s): %s", self.waiting, self._directory, error)
