"""Live followers of the journal: each has a bounded queue, and a slow one is dropped so that it holds nobody up.

Knows neither spool nor database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

from db.errors import FollowerTooSlow
from db.events import Event

MOST_BEHIND: Final = 1_000  # events: half a minute of one busy hotline, or all of one call


class Follower:
    """Events as they happen: ``with journal.subscribe() as events: async for event in events: …``.

    Iterating ends when the journal stops, and raises FollowerTooSlow once the follower fell MOST_BEHIND events behind.
    """

    def __init__(self, followers: set[Follower], wanted: Callable[[Event], bool]) -> None:
        self._followers = followers
        self._wanted = wanted
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(MOST_BEHIND)
        self.dropped = False
        self._over = False

    def __enter__(self) -> Follower:
        self._followers.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._followers.discard(self)

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> Event:
        if self._queue.empty():
            if self.dropped:
                raise FollowerTooSlow(
                    "This follower of the journal was too slow and has missed events.",
                    remedy="Subscribe again and read what was missed from the store.",
                )
            if self._over:
                raise StopAsyncIteration
        event = await self._queue.get()
        if event is None:
            raise StopAsyncIteration
        return event

    def tell(self, event: Event) -> None:
        """An event happened. Never waits."""
        if not self._wanted(event):
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped = True
            self._followers.discard(self)

    def end(self) -> None:
        """The journal stops: nothing more will happen."""
        self._over = True
        if not self._queue.full():
            self._queue.put_nowait(None)


class Followers:
    """All that follow one journal."""

    def __init__(self) -> None:
        self._all: set[Follower] = set()
        self.dropped = 0

    def subscribe(self, wanted: Callable[[Event], bool] = lambda _: True) -> Follower:
        """A new follower of the events that ``wanted`` picks: enter it to begin."""
        return Follower(self._all, wanted)

    def tell(self, event: Event) -> None:
        """Hand an event to everybody."""
        for follower in tuple(self._all):
            follower.tell(event)
            self.dropped += follower.dropped

    def end(self) -> None:
        """Nothing more will happen."""
        for follower in tuple(self._all):
            follower.end()
