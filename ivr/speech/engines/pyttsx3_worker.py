"""One pyttsx3 engine in a process of its own: requests on standard input, clips on standard output.

Started as ``python -m ivr.speech.engines.pyttsx3_worker`` by ``ivr.speech.engines.pyttsx3_pool``. What was measured of
pyttsx3 2.99 makes the rules here: one engine, in one thread, kept for the life of the process (its callback dies with
it); ``runAndWait`` returns before the sound is there, so espeak is waited for with ``Synchronize``; it also cancels
what espeak has in its queue, so nothing may be in it; the driver prints to standard output, which is therefore taken
away from it; a file is believed only when it holds sound.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from ivr.speech import pinyin
from ivr.speech.audio import shaping
from ivr.speech.engines.engine import SpokenText, clip_of_words
from ivr.speech.engines.worker_exchange import Say, run
from ivr.speech.voices import Voice

NICENESS = 5  # rendering gives way to calls
RATE_SECONDS = 5.0  # a new rate is in force after a millisecond; on a machine without a free core, later
FILE_TRIES = 2  # pyttsx3 loses a file now and then: once more before it is an error


class Pyttsx3Voice:
    """The one engine of this process."""

    def __init__(self, directory: Path) -> None:
        """``directory`` takes the files that pyttsx3 writes."""
        import pyttsx3
        from pyttsx3.drivers import _espeak

        self._espeak = _espeak
        self._engine = pyttsx3.init("espeak")
        # pyttsx3 begins busy and holds back new properties until its first loop runs, where they are lost (see _use).
        self._engine.proxy.setBusy(False)
        self._directory = directory
        self._count = 0
        self._voice: Voice | None = None

    def speak(self, text: SpokenText) -> tuple[shaping.Samples, int]:
        """Raw sound of a text. Raises RuntimeError when pyttsx3 makes none."""
        for _ in range(FILE_TRIES):
            # A new name each time: a late write of an earlier text can never pass for this one.
            self._count += 1
            file = self._directory / f"{self._count}.wav"
            self._use(text.voice)
            self._engine.save_to_file(text.text, str(file))
            self._engine.runAndWait()
            self._espeak.Synchronize()
            samples = _taken(file)
            if samples is not None:
                return samples
        raise RuntimeError("pyttsx3 wrote no sound")

    def _use(self, voice: Voice) -> None:
        """Switch to a voice, at its own pace.

        espeak queues a new rate, and ``runAndWait`` cancels what is still queued when it starts: a text was then said
        at the rate of the one before, or not at all. So the rate is waited for until espeak itself tells it, and is
        first set to a neighbour of the wanted one, for otherwise an old value could not be told from a new one.
        """
        if voice == self._voice:
            return
        self._engine.setProperty("voice", voice.driver_name)
        for rate in (voice.words_per_minute + 1, voice.words_per_minute):
            self._engine.setProperty("rate", rate)
            deadline = time.monotonic() + RATE_SECONDS
            # pyttsx3's own getProperty leaves out the second argument (1: the value in force) and reads anything.
            while self._espeak.dll.espeak_GetParameter(self._espeak.RATE, 1) != rate:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"espeak did not take the rate {rate}")
                time.sleep(0.001)
            self._espeak.Synchronize()
        self._voice = voice


def _taken(file: Path) -> tuple[shaping.Samples, int] | None:
    try:
        samples, rate = shaping.samples_of_wav(file.read_bytes())
    except (OSError, ValueError):
        return None
    finally:
        file.unlink(missing_ok=True)
    return (samples, rate) if len(samples) else None


def main() -> None:
    """Serve until there are no more requests."""
    with tempfile.TemporaryDirectory(prefix="goldline-speech-") as directory:

        def start() -> Say:
            voice = Pyttsx3Voice(Path(directory))
            return lambda language, words: clip_of_words(language, words, voice.speak)

        run(start, NICENESS, then=pinyin.load)  # after we are said to be ready, before a caller waits for us
    # espeak's own thread may still be there; nothing is left to be said.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
