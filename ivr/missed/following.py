"""Keeps the list of missed callers true while a controller runs: yesterday's calls once, then each as it happens."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from db.calls import Calls
from db.errors import FollowerTooSlow, StoreError
from db.events import CALL_ENDED, Event, utcnow
from db.followers import Follower
from db.missed import MissedCallers
from db.store import Store
from ivr.missed.feed import MissedFeed
from ivr.missed.outcome import KINDS
from ivr.missed.rebuild import rebuild

log = structlog.get_logger(__name__)

LOOK_BACK: Final = datetime.timedelta(days=1)  # longer than any call lasts
RETRY_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5  # between two looks whether the journal has stored what a dead controller left


class FollowedJournal(Protocol):
    """What is followed: ``db.journal.Journal``."""

    @property
    def waiting(self) -> int: ...

    def subscribe(self, wanted: Callable[[Event], bool]) -> Follower: ...


async def follow(store: Store, journal: FollowedJournal) -> None:
    """Until the journal stops, or cancelled. Whatever was missed, by a controller that was not there or by a follower
    that was too slow, is read from the journal of the last day; each call counts once."""
    feed = MissedFeed(MissedCallers(store), Calls(store).events)
    feed.start()
    try:
        while True:
            catching_up = asyncio.create_task(_catch_up(store, journal), name="missed calls of the last day")
            try:
                with journal.subscribe(_matters) as events:
                    async for event in events:
                        feed.note(event)
                return
            except FollowerTooSlow as error:
                log.warning("missed callers are read anew", error=str(error))
            finally:
                catching_up.cancel()
                await asyncio.gather(catching_up, return_exceptions=True)
    finally:
        await feed.stop()


async def _catch_up(store: Store, journal: FollowedJournal) -> None:
    while True:
        try:
            while journal.waiting:  # noqa: ASYNC110 - it tells nobody when it has stored what was left
                await asyncio.sleep(LOOK_SECONDS)
            now = utcnow()
            found = await rebuild(store, now - LOOK_BACK, now)
        except StoreError as error:
            log.info("missed callers cannot be read now", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if found.new or found.closed:
            log.info("the list of missed callers was brought up to date", new=found.new, closed=found.closed)
        return


def _matters(event: Event) -> bool:
    return event.kind in KINDS or event.kind == CALL_ENDED
