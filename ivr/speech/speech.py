"""Speech as one thing: the catalogue, the composer and what they stand on, opened and closed together.

Takes plain paths and strings; knows nothing of settings, flows or calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import structlog

from ivr.speech import reading
from ivr.speech.catalogue import Catalogue
from ivr.speech.clips import Clips
from ivr.speech.composer import Composer, Progress
from ivr.speech.engines.engine import Engine
from ivr.speech.engines.espeak import EspeakEngine
from ivr.speech.engines.fallback import FallbackEngine
from ivr.speech.engines.pyttsx3_pool import Pyttsx3Pool
from ivr.speech.recordings import Recordings
from ivr.speech.sounds import Sounds
from ivr.speech.utterance import Piece, Utterance
from ivr.speech.values import Name

EngineName = Literal["pyttsx3", "espeak"]
CLIPS_FOLDER = "clips"  # in the cache directory

log = structlog.get_logger(__name__)


class Speech:
    """Everything that turns words into sound."""

    def __init__(
        self,
        catalogue: Catalogue,
        recordings: Recordings,
        clips: Clips,
        sounds: Sounds,
        engine: EngineName,
        workers: int,
    ) -> None:
        """Use ``open``."""
        self.catalogue = catalogue
        self.recordings = recordings
        self._clips = clips
        self._sounds = sounds
        self._engine_name: EngineName = engine
        self._engine = engine_called(engine, workers)
        self.composer = Composer(self._engine, recordings, clips, sounds)

    @classmethod
    def open(cls, prompts: Path, cache: Path, sounds: Path, engine: EngineName = "pyttsx3", workers: int = 1) -> Speech:
        """Load the catalogue and the recordings in ``prompts``; clips are kept in ``cache``, sounds in ``sounds``.

        Raises CatalogueInvalid. Recordings that cannot be used are logged and left out (``recordings.problems``).
        No process is started: that is ``start``.
        """
        catalogue = Catalogue.load(prompts)
        recordings = Recordings.load(prompts)
        for problem in recordings.problems:
            log.warning("recording left out", problem=str(problem))
        for stranger in recordings.strangers(frozenset(catalogue.prompts)):
            log.warning("recording of no prompt", file=str(stranger), remedy="Name it after a prompt id.")
        return cls(catalogue, recordings, Clips(cache / CLIPS_FOLDER), Sounds(sounds), engine, workers)

    async def start(self) -> None:
        """Open the store and start the engine. Raises EngineFailed when no engine can be started."""
        self._sounds.open()
        await asyncio.to_thread(self._clips.prune)
        await self._engine.start()

    async def stop(self) -> None:
        """End all work and all processes."""
        await self.composer.stop()
        await self._engine.stop()

    async def warm(self, names: Iterable[Name] = (), progress: Progress | None = None) -> int:
        """Render beforehand what calls will need: the catalogue, all number words, these names. On every core.

        Returns how many clips were rendered: 0 when all of it was cached.
        """
        helper = engine_called(self._engine_name, os.cpu_count() or 1)
        try:
            return await self.composer.warm(self._foreseeable(names), progress, helper)
        finally:
            await helper.stop()

    def _foreseeable(self, names: Iterable[Name]) -> Iterator[Utterance]:
        yield from self.catalogue.utterances()
        for language in self.catalogue.languages:
            yield Utterance(language, tuple(Piece(word) for word in reading.vocabulary(language)))
        for name in names:
            known: Mapping[str, str] = name.by_language
            for language in self.catalogue.languages:
                if language in known:
                    yield Utterance(language, reading.read(language, name))


def engine_called(name: EngineName, workers: int) -> Engine:
    """An engine by the name it has in the settings. pyttsx3 has the espeak-ng program behind it."""
    plain = EspeakEngine(workers)
    return plain if name == "espeak" else FallbackEngine(Pyttsx3Pool(workers), plain)
