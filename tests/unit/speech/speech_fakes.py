"""A made-up engine, so that what is not about sound is tested without a voice."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from ivr.speech.audio.clip import ALAW_RATE, Clip
from ivr.speech.clips import Clips
from ivr.speech.composer import Composer
from ivr.speech.engines.engine import Engine, Rendered
from ivr.speech.errors import EngineFailed
from ivr.speech.recordings import Recordings
from ivr.speech.sounds import Sounds

PROMPTS = Path(__file__).resolve().parents[3] / "prompts"


def clip_lasting(seconds: float, mark: str = "") -> Clip:
    """A clip of that length whose bytes depend on ``mark``."""
    count = int(seconds * ALAW_RATE)
    seed = hashlib.sha256(mark.encode()).digest()
    return Clip((seed * (count // 32 + 1))[:count], (seed[::-1] * (count // 8 + 1))[: count * 4])


class FakeEngine:
    """Says any words in 0.1 s of made-up sound, when it is let."""

    def __init__(self, identity: str = "fake 1") -> None:
        self.identity = identity
        self.said: list[str] = []
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.seconds = 0.1

    async def start(self) -> None:
        if self.broken:
            raise EngineFailed("The fake engine is broken.", remedy="Mend it.")

    async def stop(self) -> None:
        pass

    async def render(self, language: str, words: str) -> Rendered:
        self.said.append(words)
        await self.gate.wait()
        if self.broken:
            raise EngineFailed("The fake engine is broken.", remedy="Mend it.")
        return Rendered(clip_lasting(self.seconds, f"{self.identity} {language} {words}"), self.identity)


def make_composer(engine: Engine, directory: Path, recordings: Recordings | None = None) -> Composer:
    """A composer on an empty directory, or on what another one left there."""
    sounds = Sounds(directory / "sounds")
    sounds.open()
    return Composer(engine, recordings or Recordings({}, {}), Clips(directory / "clips"), sounds)
