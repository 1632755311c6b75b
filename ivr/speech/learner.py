"""What the natural voice could not say in a call is rendered afterwards, one text after the other, for the next call.

The process that renders is started when there is something to do and given back when there is not: it holds half a
gigabyte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from ivr.speech.audio.clip import Clip
from ivr.speech.engines.engine import Engine
from ivr.speech.errors import EngineFailed

MOST_QUEUED = 1000  # texts that wait; the oldest is forgotten, and comes back when it is said again
IDLE_SECONDS = 120.0
REST_SECONDS = 900.0  # after the engine could not be started

log = structlog.get_logger(__name__)


class Learner:
    """A queue of texts and whoever works it off."""

    def __init__(self, engine: Callable[[], Engine], learnt: Callable[[str, str, Clip], None]) -> None:
        """``engine`` makes an engine that is not started yet; ``learnt`` is given language, words and clip."""
        self._new_engine = engine
        self._learnt = learnt
        self._queue: dict[tuple[str, str], None] = {}
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._work(), name="learner")

    async def stop(self) -> None:
        """End the work and the process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wish(self, language: str, words: str) -> None:
        """Have these words rendered when there is time."""
        self._queue[language, words] = None
        if len(self._queue) > MOST_QUEUED:
            del self._queue[next(iter(self._queue))]
        self._something.set()

    def __len__(self) -> int:
        return len(self._queue)

    async def _work(self) -> None:
        while True:
            await self._something.wait()
            engine = self._new_engine()
            try:
                await engine.start()
                await self._until_idle(engine)
            except EngineFailed as error:
                log.warning("the natural voice cannot learn now", error=str(error), seconds=REST_SECONDS)
                await asyncio.sleep(REST_SECONDS)
            finally:
                await asyncio.shield(engine.stop())

    async def _until_idle(self, engine: Engine) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._something.wait()
            except TimeoutError:
                return
            language, words = next(iter(self._queue))
            try:
                rendered = await engine.render(language, words)
            except EngineFailed as error:
                log.warning("the natural voice cannot say it", words=words[:60], error=str(error))
            else:
                self._learnt(language, words, rendered.clip)
            self._queue.pop((language, words), None)
            if not self._queue:
                self._something.clear()
