"""One pyttsx3 engine in a process of its own: requests on standard input, clips on standard output.

Started as ``python -m ivr.speech.engines.pyttsx3_worker`` by ``ivr.speech.engines.pyttsx3_pool``. What was measured of
pyttsx3 2.99 makes the rules here: one engine, in one thread, kept for the life of the process (its callback dies with
it); ``runAndWait`` returns before the sound is there, so espeak is waited for with ``Synchronize``; it also cancels
what espeak has in its queue, so nothing may be in it; the driver prints to standard output, which is therefore taken
away from it; a file is believed only when it holds sound.

The exchange: each message is four bytes of length, big-endian, then that much. A request is JSON
``{"language": …, "words": …}``. An answer is a JSON message ``{"alaw": n, "sln16": n}`` followed by that many bytes, or
``{"error": …}``. The first message is ``{"ready": true}`` or an error. The process ends when its input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO

from ivr.speech import pinyin
from ivr.speech.audio import shaping
from ivr.speech.engines.engine import SpokenText, clip_of_words
from ivr.speech.voices import Voice

NICENESS = 5  # rendering gives way to calls
LENGTH = struct.Struct(">I")
LARGEST_MESSAGE = 1 << 26  # no request and no clip is near it: more is a stream out of step
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


def serve(source: BinaryIO, sink: BinaryIO, directory: Path) -> None:
    """Answer requests until there are no more."""
    try:
        voice = Pyttsx3Voice(directory)
    except Exception as error:  # the driver raises whatever it likes, and all of it is news for the parent
        _send(sink, {"error": f"{type(error).__name__}: {error}"})
        return
    _send(sink, {"ready": True})
    pinyin.load()  # after we are said to be ready, before a caller waits for us
    while request := _read(source):
        try:
            clip = clip_of_words(request["language"], request["words"], voice.speak)
        except Exception as error:  # as above: the parent decides what to do
            _send(sink, {"error": f"{type(error).__name__}: {error}"})
            continue
        _send(sink, {"alaw": len(clip.alaw), "sln16": len(clip.sln16)}, clip.alaw, clip.sln16)


def _read(source: BinaryIO) -> dict[str, Any] | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(source.read(LENGTH.unpack(head)[0]))
    return request


def _send(sink: BinaryIO, head: dict[str, Any], *bodies: bytes) -> None:
    message = json.dumps(head).encode()
    sink.write(b"".join((LENGTH.pack(len(message)), message, *bodies)))
    sink.flush()


def main() -> None:
    """Take standard output for the answers alone, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who then closes our input
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)  # absolute: the controller, whose child this is, may be above all
    sink = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    # A broken pipe: the parent is gone.
    with tempfile.TemporaryDirectory(prefix="goldline-speech-") as directory, contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sink, Path(directory))
    # espeak's own thread may still be there; nothing is left to be said.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
