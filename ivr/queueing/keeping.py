"""What is kept of a talk: its recording, once the talk is over, and that a caller refused to be recorded.

A witness of the queue (``ivr.queueing.stages.Witness``). Files are taken over beside the calls, in tasks of their own.
Must not know: flows, Asterisk's manager.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from db.errors import StoreAway, StoreError
from db.recording import Consent
from ivr.queueing.stages import Talk, TalkEnd, Witness
from ivr.recordings.folder import new_name
from ivr.recordings.keeper import QUIET, Keeper

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 5.0  # while the database is away
# After a start, files that are quiet are adopted at once; those that were not, when they surely are; then now and then.
SECOND_LOOK: Final = QUIET.total_seconds() + 15.0
LOOK_EVERY: Final = 3600.0


class Keeping(Witness):
    """Keeps talks. ``start`` and ``stop`` are its life."""

    def __init__(self, keeper: Keeper, second_look: float = SECOND_LOOK) -> None:
        self._keeper = keeper
        self._second_look = second_look
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Have the folder ready, and look for recordings of talks that ended while nobody was there."""
        self._go(self._look_for_strays(), "recordings")

    async def stop(self) -> None:
        """Stop at once: whatever is not kept yet is found at the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:  # noqa: ARG002 - each talk alike
        if talk.recording:
            self._go(self._adopt(talk.recording, talk, "announced"), "recording")
        elif talk.place is not None and talk.place.consent == "refused":
            self._go(self._adopt(talk.id or new_name(), talk, "refused"), "refused recording")

    async def _adopt(self, name: str, talk: Talk, consent: Consent) -> None:
        began = datetime.datetime.fromtimestamp(talk.since, datetime.UTC)
        while True:
            try:
                await self._keeper.adopt(
                    name, call=talk.call, agent=talk.agent, seat=talk.seat, began=began, consent=consent
                )
                return
            except StoreAway:
                await asyncio.sleep(RETRY_SECONDS)
            except StoreError as error:
                log.error("a recording has no row yet", name=name, call=talk.call, error=str(error))
                return

    async def _look_for_strays(self) -> None:
        await self._keeper.prepare()
        pause = self._second_look
        while True:
            try:
                found = await self._keeper.adopt_strays()
                if found:
                    log.info(
                        "recordings of talks whose end nobody saw were taken over", names=[one.name for one in found]
                    )
            except StoreError as error:
                log.warning("recordings without a row cannot be looked for", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await asyncio.sleep(pause)
            pause = LOOK_EVERY

    def _go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a recording could not be kept", task=task.get_name(), exc_info=error)
