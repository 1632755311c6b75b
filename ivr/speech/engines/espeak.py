"""The espeak-ng program, one short process for each text: the plainest engine, which cannot get stuck in our process.

Text goes in by standard input, never by the command line; WAV comes out of a pipe.
"""

from __future__ import annotations

import asyncio
import shutil

from ivr.speech import pinyin
from ivr.speech.audio import shaping
from ivr.speech.engines.engine import RENDER_SECONDS, Rendered, SpokenText, clip_of_words, identity_of, spoken_texts
from ivr.speech.errors import EngineFailed

PROGRAM = "espeak-ng"
REMEDY = "Install the package espeak-ng, then try: espeak-ng --version."


class EspeakEngine:
    """Speech by the espeak-ng program."""

    def __init__(self, workers: int, program: str = PROGRAM, render_seconds: float = RENDER_SECONDS) -> None:
        """``workers`` processes at most run at once; each text has ``render_seconds``."""
        self._program = program
        self._render_seconds = render_seconds
        # The program's version is left out: a cache made with another one still serves.
        self.identity = identity_of("espeak", "1")
        self._slots = asyncio.Semaphore(workers)

    async def start(self) -> None:
        """Raises EngineFailed when the program is not there."""
        if not shutil.which(self._program):
            raise EngineFailed(f"There is no program {self._program}.", remedy=REMEDY)
        await asyncio.to_thread(pinyin.load)  # not while callers wait

    async def stop(self) -> None:
        """Nothing to end: no process outlives its text."""

    async def render(self, language: str, words: str) -> Rendered:
        """Say the words. Raises EngineFailed when the program is missing, fails, or takes too long."""
        async with self._slots:
            texts = await asyncio.to_thread(spoken_texts, language, words)
            said = {text: await self._run(text) for text in texts}
        clip = await asyncio.to_thread(clip_of_words, language, words, lambda text: _heard(said[text]))
        return Rendered(clip, self.identity)

    async def _run(self, text: SpokenText) -> bytes:
        voice = text.voice
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *("-v", voice.program_name, "-s", str(voice.words_per_minute), "--stdin", "--stdout"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise EngineFailed(f"{self._program} does not start: {error}.", remedy=REMEDY) from error
        try:
            async with asyncio.timeout(self._render_seconds):
                wav, complaint = await process.communicate(text.text.encode())
        except TimeoutError:
            raise EngineFailed(
                f"{self._program} did not end in {self._render_seconds} s.", remedy="Is the machine overloaded?"
            ) from None
        finally:
            if process.returncode is None:  # too slow, or our caller went away
                process.kill()
                await process.wait()
        if process.returncode or len(wav) < 100:
            told = complaint.decode(errors="replace").strip()[:200]
            raise EngineFailed(f"{self._program} ended with {process.returncode}: {told or 'no sound'}.", remedy=REMEDY)
        return wav


def _heard(wav: bytes) -> tuple[shaping.Samples, int]:
    try:
        return shaping.samples_of_wav(wav)
    except ValueError as error:
        raise EngineFailed(f"{PROGRAM} gave no sound: {error}.", remedy=REMEDY) from error
