"""Recorded clips: sounds that people spoke, in place of rendered ones. Found and checked when they are loaded.

``prompts/<language>/<prompt id>.wav`` takes the place of a prompt that holds no value,
``prompts/<language>/words/<words>.wav`` that of a word wherever it is said (``words/一千.wav``). Any rate, any number
of channels, PCM or FLAC.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ivr.datafile.problem import Problem
from ivr.speech.audio import shaping
from ivr.speech.audio.clip import Clip
from ivr.speech.errors import RecordingInvalid

SUFFIXES = (".wav", ".flac")
WORDS_FOLDER = "words"
LARGEST_BYTES = 64 << 20  # six minutes of the best studio quality
LOWEST_RATE = 8000  # below telephone quality
LONGEST_SECONDS = 300.0
QUIETEST_DBFS = -45.0  # below this the gain would make more noise than speech
CLIPPED_SHARE = 0.001  # a recording with more full-scale samples than this was made too loud
_FULL_SCALE = 0.999


@dataclass(frozen=True, slots=True)
class Recording:
    """One usable recording. ``digest`` names its content."""

    file: Path
    digest: str


class Recordings:
    """All usable recordings, and the problems of the others."""

    def __init__(self, prompts: dict[tuple[str, str], Recording], words: dict[tuple[str, str], Recording]) -> None:
        self._prompts = prompts
        self._words = words
        self.problems: tuple[Problem, ...] = ()

    @classmethod
    def load(cls, directory: Path) -> Recordings:
        """Find and check every recording under ``directory``. One that cannot be used is a problem, not an error."""
        recordings = cls({}, {})
        problems: list[Problem] = []
        for folder in sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else ():
            language = folder.name
            for kind, place in ((recordings._prompts, folder), (recordings._words, folder / WORDS_FOLDER)):
                for file in _sounds_in(place):
                    try:
                        kind[language, file.stem] = _checked(file)
                    except RecordingInvalid as error:
                        problems.append(Problem(str(file), 1, error.message, error.remedy))
        recordings.problems = tuple(problems)
        return recordings

    def find(self, language: str, words: str, prompt: str) -> Recording | None:
        """The recording of a fixed prompt, or of a word."""
        if prompt and (recording := self._prompts.get((language, prompt))):
            return recording
        return self._words.get((language, words))

    def strangers(self, known: frozenset[str]) -> list[Path]:
        """Recordings for prompts that do not exist."""
        return [recording.file for (_, prompt), recording in self._prompts.items() if prompt not in known]

    def __len__(self) -> int:
        return len(self._prompts) + len(self._words)


def clip_of_recording(recording: Recording) -> Clip:
    """The recording as a clip, as loud as everything else. Raises RecordingInvalid when the file has gone."""
    try:
        samples, rate = _decoded(recording.file)
    except OSError as error:
        raise RecordingInvalid(f"{recording.file} cannot be read: {error}.", remedy="Restart to drop it.") from error
    gain = shaping.TARGET_DBFS - shaping.level_dbfs(samples, rate)
    return shaping.shape(samples, rate, gain)


def put(file: Path, folder: Path, prompt: str) -> Path:
    """Check a recording and copy it to where it takes the place of a prompt; returns that path.

    ``folder``: the language's. One that was there before is replaced. Raises RecordingInvalid, OSError.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise RecordingInvalid(f"{file} is no recording.", remedy=f"Save it as {' or '.join(SUFFIXES)}.")
    target = folder / f"{prompt}{file.suffix.lower()}"
    temporary = folder / f"{prompt}.new{file.suffix.lower()}"
    shutil.copyfile(file, temporary)
    try:
        _checked(temporary)
    except RecordingInvalid as error:
        temporary.unlink()
        raise RecordingInvalid(f"{file}: {error.message}", remedy=error.remedy) from error
    remove(folder, prompt)
    return temporary.replace(target)


def remove(folder: Path, prompt: str) -> list[Path]:
    """Delete the recordings of a prompt; returns which there were."""
    gone = [file for suffix in SUFFIXES if (file := folder / f"{prompt}{suffix}").exists()]
    for file in gone:
        file.unlink()
    return gone


def _sounds_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        # A .wav comes after a .flac of the same name and replaces it.
        yield from sorted((file for file in folder.iterdir() if file.suffix in SUFFIXES), key=lambda file: file.name)


def _checked(file: Path) -> Recording:
    if file.stat().st_size > LARGEST_BYTES:
        raise RecordingInvalid(f"The file is over {LARGEST_BYTES >> 20} MiB.", remedy="Record it in mono at 48 kHz.")
    samples, rate = _decoded(file)
    if rate < LOWEST_RATE:
        raise RecordingInvalid(f"It has {rate} samples a second.", remedy=f"Record it at {LOWEST_RATE} or more.")
    if len(samples) > LONGEST_SECONDS * rate:
        raise RecordingInvalid(f"It is longer than {LONGEST_SECONDS:.0f} s.", remedy="Shorten it.")
    level = shaping.level_dbfs(samples, rate)
    if level < QUIETEST_DBFS:
        raise RecordingInvalid("It is silent or far too quiet.", remedy="Record it again, closer to the microphone.")
    if (abs(samples) >= _FULL_SCALE).mean() > CLIPPED_SHARE:
        raise RecordingInvalid("It is clipped.", remedy="Record it again with the level turned down.")
    return Recording(file, hashlib.sha256(file.read_bytes()).hexdigest()[:32])


def _decoded(file: Path) -> tuple[shaping.Samples, int]:
    data = file.read_bytes()
    if file.suffix == ".wav":
        try:
            return shaping.samples_of_wav(data)
        except ValueError as error:
            raise RecordingInvalid(f"It is {error}.", remedy="Save it as PCM WAV, 16 bit.") from error
    try:
        soundfile = importlib.import_module("soundfile")
    except ImportError as error:
        raise RecordingInvalid(
            "FLAC cannot be read here.", remedy="Save it as WAV, or install the Python package soundfile."
        ) from error
    try:
        frames, rate = soundfile.read(str(file), dtype="float32", always_2d=True)
    except RuntimeError as error:
        raise RecordingInvalid(f"It is no FLAC file: {error}.", remedy="Save it as WAV.") from error
    return frames.mean(axis=1), int(rate)
