"""Kokoro in a process of its own: ``python -m ivr.speech.engines.kokoro.worker VOICES``. Lowest priority."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivr.speech.audio import shaping
from ivr.speech.audio.clip import Clip, silence
from ivr.speech.engines.engine import NOTHING_MS, SPAN_PAUSE_MS, english_said
from ivr.speech.engines.kokoro import english, mandarin
from ivr.speech.engines.kokoro.model import RATE, Model
from ivr.speech.engines.kokoro.symbols import MOST
from ivr.speech.engines.kokoro.voices import VOICES
from ivr.speech.engines.worker_exchange import Say, run
from ivr.speech.reading import COMMA_PAUSE_MS, STOP_PAUSE_MS
from ivr.speech.reading.scripts import spans

NICENESS = 19  # calls come first, always
# Single words come out drawn out; a little faster they join to a sentence.
WORD_SYMBOLS = 24
WORD_SPEED = 1.1

_STOPS = ".!?;"


@dataclass(frozen=True, slots=True)
class Part:
    """What is said in one go: phonemes of one language, and the pause before it."""

    language: str
    phonemes: str
    pause_ms: int


def parts_of(language: str, words: str) -> list[Part]:
    """Words as parts: one for each sentence and language, long sentences cut at commas."""
    parts: list[Part] = []
    for span in spans(language, words):
        phonemes = mandarin.phonemes(span.text) if span.language == "zh" else english.phonemes(english_said(span.text))
        pause = SPAN_PAUSE_MS
        for said, marks in _cut(phonemes):
            parts.append(Part(span.language, said, pause if parts else 0))
            pause = STOP_PAUSE_MS if marks in _STOPS else COMMA_PAUSE_MS
    return parts


def _cut(phonemes: str) -> list[tuple[str, str]]:
    """Phonemes in parts that the model says well, each with the mark that ends it."""
    cut: list[tuple[str, str]] = []
    for sentence in _split(phonemes, _STOPS):
        for part in [sentence] if len(sentence) <= MOST else _gathered(_split(sentence, ",:")):
            said = part.strip(" ,:" + _STOPS)
            if said:
                cut.append((said + ".", part.rstrip()[-1]))
    return cut


def _split(phonemes: str, marks: str) -> list[str]:
    parts = [""]
    for symbol in phonemes:
        parts[-1] += symbol
        if symbol in marks:
            parts.append("")
    return [part for part in parts if part.strip()]


def _gathered(clauses: list[str]) -> list[str]:
    """Clauses in rows of about the same length, none longer than the model takes unless one clause is."""
    rows = -(-sum(len(clause) for clause in clauses) // MOST)
    wanted = sum(len(clause) for clause in clauses) / rows
    gathered = [""]
    for clause in clauses:
        if gathered[-1] and len(gathered[-1]) + len(clause) / 2 > wanted:
            gathered.append("")
        gathered[-1] += clause
    return [row[start : start + MOST] for row in gathered for start in range(0, len(row), MOST)]


def clip_of(model: Model, language: str, words: str) -> Clip:
    """Words as a clip."""
    row: list[shaping.Samples] = []
    for part in parts_of(language, words):
        speed = WORD_SPEED if len(part.phonemes) <= WORD_SYMBOLS else 1.0
        sound = shaping.trim(model.speak(part.language, part.phonemes, speed), RATE)
        gain = shaping.TARGET_DBFS - VOICES[part.language].level_dbfs
        row += [np.zeros(part.pause_ms * RATE // 1000, np.float32), sound * np.float32(10 ** (gain / 20))]
    return shaping.clip_of(np.concatenate(row), RATE) if row else silence(NOTHING_MS)


def main() -> None:
    """Serve until there are no more requests."""
    voices = Path(sys.argv[1])

    def start() -> Say:
        model = Model(voices)
        return lambda language, words: clip_of(model, language, words)

    run(start, NICENESS)


if __name__ == "__main__":
    main()
