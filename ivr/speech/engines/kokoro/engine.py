"""Kokoro as an engine: one worker process, started when there is something to say, given back when there is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ivr.speech.engines.kokoro import model
from ivr.speech.engines.kokoro.voices import identity
from ivr.speech.engines.worker_pool import Program, WorkerPool
from ivr.speech.errors import EngineFailed

MODULE = "ivr.speech.engines.kokoro.worker"
VOICES_FOLDER = "voices"  # in the cache directory
RENDER_SECONDS = 600.0  # the longest prompt costs a minute of a core, and this process gets what others leave
START_SECONDS = 120.0


class KokoroEngine(WorkerPool):
    """The natural voice, as it is rendered. Needs the extra ``voice``."""

    def __init__(self, cache: Path) -> None:
        """``cache``: where the voices' files are kept."""
        self._voices = cache / VOICES_FOLDER
        program = Program("Kokoro", MODULE, remedy=model.EXTRA_REMEDY, arguments=(str(self._voices),))
        super().__init__(program, identity(), 1, RENDER_SECONDS, START_SECONDS)

    async def start(self) -> None:
        """Fetch the voices if they are not there, and start the process. Raises EngineFailed with the remedy."""
        if not model.installed():
            raise EngineFailed("The natural voice cannot be rendered here.", remedy=model.EXTRA_REMEDY)
        await asyncio.to_thread(model.fetch_voices, self._voices)
        await super().start()
