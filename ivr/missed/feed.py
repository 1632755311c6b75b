"""Brings what happens to calls onto the list of missed callers, a moment after each call has ended.

``note`` is given every event as it happens, and costs nothing; a task of its own writes. What it misses, because the
process ended or the database was away for long, ``ivr.missed.rebuild`` brings at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from db.errors import StoreAway, StoreError
from db.events import CALL_ENDED, CALL_STARTED, Event
from db.missed import MissedCallers
from ivr.missed.outcome import KINDS, GotThrough, outcome

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 5.0  # while the database is away
MOST_CALLS: Final = 20_000  # held in mind at once; a call whose end nobody ever tells must not stay for ever

EventsOf = Callable[[str], Awaitable[Sequence[Event]]]  # all that the journal has of a call: db.calls.Calls.events


class MissedFeed:
    """The way from the journal to the list. ``start`` it, ``note``, ``stop`` it; one event loop."""

    def __init__(self, missed: MissedCallers, events_of: EventsOf, retry_seconds: float = RETRY_SECONDS) -> None:
        self._missed = missed
        self._events_of = events_of
        self._retry_seconds = retry_seconds
        self._told: dict[str, list[Event]] = {}
        self._ended: asyncio.Queue[tuple[str, list[Event]]] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write(), name="missed calls")

    async def stop(self) -> None:
        """Stop at once; what is not written yet, ``rebuild`` brings."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
            self._writer = None

    def note(self, event: Event) -> None:
        """Something happened to a call. Cheap; never waits and never raises."""
        if event.kind == CALL_ENDED:
            self._ended.put_nowait((event.call_id, self._told.pop(event.call_id, [])))
        elif event.kind in KINDS:
            if event.call_id not in self._told and len(self._told) >= MOST_CALLS:
                del self._told[next(iter(self._told))]
            self._told.setdefault(event.call_id, []).append(event)

    async def drained(self) -> None:
        """Wait until every call that has ended is on the list, if it belongs there."""
        await self._ended.join()

    async def _write(self) -> None:
        while True:
            call, told = await self._ended.get()
            try:
                await self._settle(call, told)
            except StoreError as error:
                log.error("a call is missing on the list of missed callers", call=call, error=str(error))
            finally:
                self._ended.task_done()

    async def _settle(self, call: str, told: list[Event]) -> None:
        while True:
            try:
                # Without its beginning, the call is older than we are: the journal knows the rest.
                begun = any(event.kind == CALL_STARTED for event in told)
                found = outcome(told if begun else [*await self._events_of(call), *told])
                if isinstance(found, GotThrough):
                    await self._missed.answered(found.call, found.number, found.customer, found.at)
                elif found is not None:
                    await self._missed.note(found)
                return
            except StoreAway:
                await asyncio.sleep(self._retry_seconds)
