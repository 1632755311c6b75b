"""The voice pack: clips of the natural voice that were rendered ahead and come with the prompts.

``prompts/<language>/voice/`` holds one Opus file per clip (16 kHz, about 22 kbit/s) and ``index.json``, which says
which words each file speaks and who spoke. A file is named by a hash of voice, language and words: words that change
in the catalogue are no longer found here, and the plain engine says them until they are rendered again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from ivr.datafile.problem import Problem
from ivr.speech.audio import shaping
from ivr.speech.audio.clip import SLN16_RATE, Clip
from ivr.speech.errors import RecordingInvalid
from ivr.speech.utterance import Piece

FOLDER = "voice"
INDEX = "index.json"
SUFFIX = ".opus"
MOST_PIECES = 8  # pieces that one clip of a phrase may take the place of
COMMA_MS = 100  # a pause between two pieces of a phrase that is said as a comma
_COMPRESSION = 0.93  # libsndfile's scale; 22 kbit/s, at which nobody hears a telephone suffer
_REMEDY = "Render it again: ivr prompts build --pack."


@dataclass(frozen=True, slots=True)
class Packed:
    """One clip of the pack."""

    file: Path

    def load(self) -> Clip:
        """The clip. Takes milliseconds: not on the loop. Raises RecordingInvalid when the file is not good."""
        try:
            soundfile = cast(Any, import_module("soundfile"))
            samples, rate = soundfile.read(io.BytesIO(self.file.read_bytes()), dtype="float32")
        except (OSError, RuntimeError, ImportError) as error:
            raise RecordingInvalid(f"{self.file} cannot be read: {error}.", remedy=_REMEDY) from error
        if samples.ndim != 1 or not len(samples):
            raise RecordingInvalid(f"{self.file} holds no sound.", remedy=_REMEDY)
        return shaping.clip_of(samples, rate)


class VoicePack:
    """All clips of the pack. ``identity`` is the voice's that spoke a language, or empty."""

    def __init__(self, directory: Path) -> None:
        """Empty. Use ``load``."""
        self._directory = directory
        self._identities: dict[str, str] = {}
        self._clips: dict[str, dict[str, str]] = {}  # language → words → name of the file
        self._phrase_starts: dict[str, set[str]] = {}
        self.problems: tuple[Problem, ...] = ()

    @classmethod
    def load(cls, directory: Path) -> VoicePack:
        """Read the index of every language under ``directory``; one that cannot be read is a problem, not an error."""
        pack = cls(directory)
        problems: list[Problem] = []
        for index in sorted(directory.glob(f"*/{FOLDER}/{INDEX}")):
            language = index.parent.parent.name
            try:
                told = json.loads(index.read_text("utf-8"))
                identity, clips, phrases = str(told["voice"]), dict(told["clips"]), list(told["phrases"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                problems.append(Problem(str(index), 1, f"This is no index of a voice pack: {error!r}.", _REMEDY))
                continue
            there = {file.name for file in index.parent.iterdir()}
            missing = [words for words, name in clips.items() if f"{name}{SUFFIX}" not in there]
            problems += [Problem(str(index), 1, f"There is no file for {words!r:.60}.", _REMEDY) for words in missing]
            pack._identities[language] = identity
            pack._clips[language] = {words: name for words, name in clips.items() if words not in set(missing)}
            pack._phrase_starts[language] = set(phrases)
        pack.problems = tuple(problems)
        return pack

    def identity(self, language: str) -> str:
        """Whose voice it is, with all that shaped it; empty when the pack does not speak that language."""
        return self._identities.get(language, "")

    def find(self, language: str, words: str) -> Packed | None:
        """The clip of these words."""
        name = self._clips.get(language, {}).get(words)
        return Packed(self._directory / language / FOLDER / f"{name}{SUFFIX}") if name else None

    def longest(self, language: str, pieces: Sequence[Piece]) -> int:
        """How many of these pieces, from the first on, one clip says together; 1 when none does."""
        if not pieces or pieces[0].words not in self._phrase_starts.get(language, ()):
            return 1
        clips = self._clips[language]
        for count in range(min(MOST_PIECES, len(pieces)), 1, -1):
            if phrase(language, pieces[:count]) in clips:
                return count
        return 1

    def words(self, language: str) -> Mapping[str, str]:
        """All words that it says, with the names of their files."""
        return self._clips.get(language, {})

    def strangers(self, wanted: Mapping[str, Iterable[str]]) -> list[Path]:
        """Files that say nothing of what is wanted (language → words), or are in no index."""
        found: list[Path] = []
        for folder in sorted(self._directory.glob(f"*/{FOLDER}")):
            clips = self._clips.get(folder.parent.name, {})
            used = {f"{clips[words]}{SUFFIX}" for words in wanted.get(folder.parent.name, ()) if words in clips}
            found += [file for file in sorted(folder.glob(f"*{SUFFIX}")) if file.name not in used]
        return found


def phrase(language: str, pieces: Sequence[Piece]) -> str:
    """The words of several pieces, as one clip says them."""
    gap, comma = (" ", ", ") if language == "en" else ("", "，")
    said = "".join(f"{piece.words}{comma if piece.pause_after_ms >= COMMA_MS else gap}" for piece in pieces[:-1])
    return said + pieces[-1].words


def write(
    directory: Path,
    language: str,
    identity: str,
    words: Iterable[str],
    starts: Iterable[str],
    clip: Callable[[str], Clip],
) -> int:
    """Write the pack of one language: these words and no others; returns how many files were new.

    ``starts``: the first piece of every phrase among them. ``clip`` gives a clip where no file is there yet. Raises
    OSError. The index is written last, so that a pack which was cut short is the old one.
    """
    folder = directory / language / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    new = 0
    for each in words:
        names[each] = hashlib.sha256(f"{identity}\x1f{language}\x1f{each}".encode()).hexdigest()[:20]
        file = folder / f"{names[each]}{SUFFIX}"
        if not file.exists():
            _replace(file, _encoded(clip(each)))
            new += 1
    index = {"voice": identity, "phrases": sorted(set(starts)), "clips": dict(sorted(names.items()))}
    _replace(folder / INDEX, (json.dumps(index, ensure_ascii=False, indent=1) + "\n").encode())
    for file in folder.glob(f"*{SUFFIX}"):
        if file.stem not in set(names.values()):
            file.unlink()
    return new


def _encoded(clip: Clip) -> bytes:
    wide = np.frombuffer(clip.sln16, dtype="<i2").astype(np.float32) / 2**15
    buffer = io.BytesIO()
    soundfile = cast(Any, import_module("soundfile"))
    soundfile.write(buffer, wide, SLN16_RATE, format="OGG", subtype="OPUS", compression_level=_COMPRESSION)
    return buffer.getvalue()


def _replace(file: Path, data: bytes) -> None:
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(file)
