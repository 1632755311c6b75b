"""Recognising a caller by caller ID: a hint that no caller ever waits for.

Whatever the database does (it is slow, it hangs, it is away), a caller is nobody's after ``DEADLINE_SECONDS`` at the
latest. Knows nothing of calls and lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from db.errors import StoreError
from db.recognition import Recognised

log = structlog.get_logger(__name__)

DEADLINE_SECONDS: Final = 0.25  # a pause before the first word that nobody notices
MOST_WAITING: Final = 32  # look-ups at once: behind a database that hangs, more would wait for nothing

LookUp = Callable[[str], Awaitable[Recognised | None]]  # db.recognition.Recognition.of_number


class Recogniser:
    """Looks callers up. ``missed`` counts those whom the database did not tell of in time."""

    def __init__(self, look_up: LookUp, deadline: float = DEADLINE_SECONDS) -> None:
        self._look_up = look_up
        self._deadline = deadline
        self._waiting: set[asyncio.Task[Recognised | None]] = set()
        self.missed = 0

    async def recognise(self, number: str) -> Recognised | None:
        """The customer whose telephone this seems to be, or None; never raises. ``number``: empty when withheld."""
        if not number:
            return None
        if len(self._waiting) >= MOST_WAITING:
            self.missed += 1
            return None
        task = asyncio.ensure_future(self._asked(number))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        # Not asyncio.timeout: that waits until the look-up has been undone, which a hanging database does not do.
        done, _ = await asyncio.wait({task}, timeout=self._deadline)
        if done:
            return task.result()
        task.cancel()
        self.missed += 1
        return None

    async def stop(self) -> None:
        """End the look-ups that still wait."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _asked(self, number: str) -> Recognised | None:
        try:
            return await self._look_up(number)
        except StoreError as error:
            log.debug("callers are not recognised", error=str(error))
        except Exception:
            log.exception("a caller could not be looked up")  # a hint that is missing must not cost the call
        self.missed += 1
        return None
