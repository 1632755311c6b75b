"""What is to be written down about each attempt: in order, and again until the store has it.

A call does not wait for the database; what happened meanwhile is kept here and written when it is back. After a crash
the next controller resolves from Asterisk what was never written (``ivr.dialing.restore``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from db.errors import StoreError

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 0.2  # seconds between two tries of the same move …
LONGEST_PAUSE: Final = 2.0
LAST_SECONDS: Final = 1.0  # for what is being written when the controller stops

Move = Callable[[], Awaitable[None]]


class Moves:
    """The moves of one controller's attempts, by call."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Task[None]] = {}
        self._behind: set[str] = set()

    @property
    def behind(self) -> int:
        """Of how many attempts the store does not know the latest."""
        return len(self._behind)

    def then(self, call: str, move: Move, name: str) -> asyncio.Task[None]:
        """Make this move after those before it. Never waits."""
        before = self._last.get(call)
        task = asyncio.get_running_loop().create_task(self._make(call, before, move), name=f"{call} {name}")
        self._last[call] = task
        task.add_done_callback(lambda done: self._ended(call, done))
        return task

    async def stop(self) -> None:
        """What can be written in a moment is; the rest is the next controller's."""
        tasks = list(self._last.values())
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, call: str, before: asyncio.Task[None] | None, move: Move) -> None:
        if before is not None:
            await asyncio.wait([before])
        pause = FIRST_PAUSE
        while True:
            try:
                await move()
            except StoreError as error:
                if call not in self._behind:
                    log.warning("what happened to a call is written later", call=call, error=str(error))
                self._behind.add(call)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._behind.discard(call)
            return

    def _ended(self, call: str, task: asyncio.Task[None]) -> None:
        if self._last.get(call) is task:
            del self._last[call]
            self._behind.discard(call)
        if not task.cancelled() and (error := task.exception()):
            log.error("a move of an attempt broke", move=task.get_name(), exc_info=error)
