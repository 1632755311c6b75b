"""Speech as one thing: the catalogue, the composer and what they stand on, opened and closed together.

Takes plain paths and strings; knows nothing of settings, flows or calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog

from ivr.speech import foreseen
from ivr.speech.catalogue import Catalogue
from ivr.speech.clips import Clips
from ivr.speech.composer import Composer, Natural, Progress
from ivr.speech.engines.engine import Engine
from ivr.speech.engines.espeak import EspeakEngine
from ivr.speech.engines.fallback import FallbackEngine
from ivr.speech.engines.kokoro import model
from ivr.speech.engines.kokoro.engine import KokoroEngine
from ivr.speech.engines.kokoro.voices import identity
from ivr.speech.engines.pyttsx3_pool import Pyttsx3Pool
from ivr.speech.learner import Learner
from ivr.speech.manner import PLAIN, EngineName, Manner
from ivr.speech.recordings import Recordings
from ivr.speech.sounds import Sounds
from ivr.speech.utterance import Piece, Utterance
from ivr.speech.values import Name
from ivr.speech.voice_pack import VoicePack

CLIPS_FOLDER = "clips"  # in the cache directory
PRUNE_SECONDS = 600.0  # how often a clip cache that has grown is looked through

log = structlog.get_logger(__name__)


class Speech:
    """Everything that turns words into sound."""

    def __init__(
        self, catalogue: Catalogue, recordings: Recordings, pack: VoicePack, cache: Path, sounds: Path, manner: Manner
    ) -> None:
        """Use ``open``."""
        self.catalogue = catalogue
        self.recordings = recordings
        self.pack = pack
        self._manner = manner
        self._clips = Clips(cache / CLIPS_FOLDER, disk_bytes=manner.clips_bytes)
        self._sounds = Sounds(sounds, manner.sounds_bytes)
        self._engine = engine_called(manner.engine, manner.workers)
        self._learner: Learner | None = None
        natural = None
        if manner.natural:
            if manner.learns and model.installed():
                self._learner = Learner(lambda: KokoroEngine(cache), lambda *learnt: self.composer.learn(*learnt))
            natural = Natural(pack, identity(), self._learner.wish if self._learner else None)
        self.composer = Composer(self._engine, recordings, self._clips, self._sounds, natural)
        self._pruning: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, prompts: Path, cache: Path, sounds: Path, manner: Manner = PLAIN) -> Speech:
        """Load the catalogue, the recordings and the voice pack in ``prompts``; clips are kept in ``cache``, sounds in
        ``sounds``.

        Raises CatalogueInvalid. Recordings that cannot be used are logged and left out (``recordings.problems``).
        No process is started: that is ``start``.
        """
        catalogue = Catalogue.load(prompts)
        recordings = Recordings.load(prompts)
        pack = VoicePack.load(prompts)
        for problem in recordings.problems:
            log.warning("recording left out", problem=str(problem))
        for problem in pack.problems if manner.natural else ():
            log.warning("voice pack", problem=str(problem))
        for stranger in recordings.strangers(frozenset(catalogue.prompts)):
            log.warning("recording of no prompt", file=str(stranger), remedy="Name it after a prompt id.")
        return cls(catalogue, recordings, pack, cache, sounds, manner)

    async def start(self) -> None:
        """Open the store and start the engine. Raises EngineFailed when no engine can be started."""
        self._sounds.open()
        await asyncio.to_thread(self._clips.prune)
        await self._engine.start()
        if self._learner is not None:
            self._learner.start()
        self._pruning = asyncio.create_task(self._prune(), name="prune clips")

    async def stop(self) -> None:
        """End all work and all processes."""
        if self._pruning is not None:
            self._pruning.cancel()
        if self._learner is not None:
            await self._learner.stop()
        await self.composer.stop()
        await self._engine.stop()

    async def warm(self, names: Iterable[Name] = (), progress: Progress | None = None) -> int:
        """Have ready what calls will need: the catalogue, all number words, these names.

        What the voice pack does not hold is rendered, on every core.

        Returns how many clips were made: 0 when all of it was cached.
        """
        helper = engine_called(self._manner.engine, os.cpu_count() or 1)
        try:
            utterances = [
                *foreseen.utterances(self.catalogue, names),
                *(self._packed() if self._manner.natural else ()),
            ]
            return await self.composer.warm(utterances, progress, helper)
        finally:
            await helper.stop()

    def _packed(self) -> Iterator[Utterance]:
        """Everything that the pack says, phrases too: a quote must not wait for one to be unpacked."""
        for language in self.catalogue.languages:
            for words in self.pack.words(language):
                yield Utterance(language, (Piece(words),))

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            if self._clips.grown:
                await asyncio.to_thread(self._clips.prune)


def engine_called(name: EngineName, workers: int) -> Engine:
    """An engine by the name it has in the settings. pyttsx3 has the espeak-ng program behind it."""
    plain = EspeakEngine(workers)
    return plain if name == "espeak" else FallbackEngine(Pyttsx3Pool(workers), plain)
