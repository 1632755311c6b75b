"""What early media was: worked out beside the event loop, for it takes a good part of a second."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from ivr.dialing.early_media import Sound
from ivr.errors import GoldlineError
from outbound.announcements import references
from outbound.announcements.listener import listen
from outbound.announcements.matcher import Prints
from outbound.outcomes import Outcome

log = structlog.get_logger(__name__)

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Heard:
    """``reference`` is which recording it was like; ``rang``: there was a ring tone."""

    outcome: Outcome | None = None
    reference: str = ""
    rang: bool = False


class Hearing:
    """Listens to one recording after the other, with the references of one folder, read anew when they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="early-media")
        self._prints: Prints | None = None
        self._changed = -1  # when the index was, of what was read last

    async def listen(self, sound: Sound) -> Heard:
        """What was said; nothing where the references have faults."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._listen, sound)
        except GoldlineError as error:
            log.error("early media cannot be told apart", error=str(error))
            return Heard()

    def close(self) -> None:
        """No more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _listen(self, sound: Sound) -> Heard:
        heard = listen(self._present(), (sound / FULL_SCALE).astype(np.float32))
        verdict = heard.verdict
        if verdict is None:
            return Heard(rang=heard.rang)
        return Heard(verdict.outcome, verdict.reference, heard.rang)

    def _present(self) -> Prints:
        """The references as they are now: one may have been added. After a bad change the last good ones."""
        index = self._folder / references.INDEX
        changed = index.stat().st_mtime_ns if index.exists() else 0
        if self._prints is None or changed != self._changed:
            self._changed = changed
            try:
                self._prints = references.prints(self._folder)
            except GoldlineError as error:
                if self._prints is None:
                    self._changed = -1  # it is tried again
                    raise
                log.error("the changed references of announcements are not taken", error=str(error))
        return self._prints
