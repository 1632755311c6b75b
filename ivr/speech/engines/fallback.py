"""Two engines as one: the second speaks where the first fails, and for a while after that the first is left alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from ivr.speech.engines.engine import Engine, Rendered
from ivr.speech.errors import EngineFailed

REST_SECONDS = 30.0  # how long a failed engine is left alone: callers must not wait for it to fail again

log = structlog.get_logger(__name__)


class FallbackEngine:
    """The first engine, or the second when the first fails."""

    def __init__(self, first: Engine, second: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._first = first
        self._second = second
        self._clock = clock
        self._rests_until = 0.0

    @property
    def identity(self) -> str:
        """The first engine's: what is heard as long as nothing is broken."""
        return self._first.identity

    async def start(self) -> None:
        """Start both. Raises EngineFailed only when neither starts."""
        try:
            await self._first.start()
        except EngineFailed as error:
            self._leave_alone(error)
            await self._second.start()

    async def stop(self) -> None:
        """Stop both."""
        await self._first.stop()
        await self._second.stop()

    async def render(self, language: str, words: str) -> Rendered:
        """Say the words. Raises EngineFailed when both engines fail."""
        if self._clock() >= self._rests_until:
            try:
                return await self._first.render(language, words)
            except EngineFailed as error:
                self._leave_alone(error)
        return await self._second.render(language, words)

    def _leave_alone(self, error: EngineFailed) -> None:
        self._rests_until = self._clock() + REST_SECONDS
        log.warning("speech engine failed, the plainer one speaks", error=str(error), seconds=REST_SECONDS)
