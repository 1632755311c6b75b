"""What an engine is, and the part that all of them share: words → spans, raw sound → clip. Pure.

An engine says words in a voice. What is heard must depend on nothing but ``identity``, the language and the words: the
three name a cached clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ivr.speech.audio import shaping
from ivr.speech.audio.clip import Clip, join, silence
from ivr.speech.pinyin import pinyin
from ivr.speech.reading.scripts import spans
from ivr.speech.voices import Voice, voice_of

# A render that takes longer is broken: 50 times what a piece of the greatest length takes on an idle core.
RENDER_SECONDS = 20.0
TEXT_VERSION = 2  # raise it when spoken_texts or ivr.speech.pinyin changes what is heard
SPAN_PAUSE_MS = 150  # between parts in different languages
NOTHING_MS = 20  # what is rendered for words with nothing to say in them
_ENGLISH_MARKS = frozenset(" ,.:;!?'-")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A clip and the identity of the engine that spoke."""

    clip: Clip
    engine: str


class Engine(Protocol):
    """Something that says words."""

    @property
    def identity(self) -> str:
        """Name, version and voices: changes whenever what is heard changes."""

    async def start(self) -> None:
        """Get ready. Raises EngineFailed with the remedy."""

    async def stop(self) -> None:
        """End every process and give back everything. May be called twice."""

    async def render(self, language: str, words: str) -> Rendered:
        """Say the words. Never blocks the event loop. Raises EngineFailed with the remedy."""


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A text as espeak NG is to read it, and the voice to read it in."""

    voice: Voice
    text: str


# Says a text in a voice: raw samples and their rate.
Speak = Callable[[SpokenText], tuple[shaping.Samples, int]]


def spoken_texts(language: str, words: str) -> list[SpokenText]:
    """The words as espeak NG is to read them, in parts of one voice each.

    Nothing but letters, tone figures and common marks is left: no mark-up, no option and no phoneme code of an engine
    can be smuggled in with a text.
    """
    texts: list[SpokenText] = []
    for span in spans(language, words):
        text = pinyin(span.text) if span.language == "zh" else english_said(span.text)
        if text:
            texts.append(SpokenText(voice_of(span.language), text))
    return texts


def clip_of_words(language: str, words: str, speak: Speak) -> Clip:
    """Words as a clip, said by ``speak``: shaped, and parts in different languages joined."""
    clips: list[Clip] = []
    for text in spoken_texts(language, words):
        samples, rate = speak(text)
        clip = shaping.shape(samples, rate, shaping.TARGET_DBFS - text.voice.level_dbfs)
        if clip.alaw:
            clips += [silence(SPAN_PAUSE_MS), clip] if clips else [clip]
    return join(clips) if clips else silence(NOTHING_MS)


def identity_of(engine: str, version: str) -> str:
    """An engine's identity: all that shapes its sound."""
    voices = "+".join(f"{name}@{wpm}{level:+}" for name, wpm, level in _voice_marks())
    return f"{engine} {version} {voices} shaping {shaping.VERSION} text {TEXT_VERSION}"


def _voice_marks() -> list[tuple[str, int, float]]:
    voices = (voice_of(language) for language in ("zh", "en"))
    return [(voice.program_name, voice.words_per_minute, voice.level_dbfs) for voice in voices]


def english_said(text: str) -> str:
    """English text with nothing in it but words and common marks."""
    text = text.replace("’", "'")
    said = "".join(letter if letter.isalpha() or letter in _ENGLISH_MARKS else " " for letter in text)
    # A leading hyphen reads as an option, and two as nothing that is said.
    said = " ".join(word for word in said.split() if any(letter.isalpha() or letter in ",.:;!?" for letter in word))
    said = said.lstrip("-',.:;!? ")
    return said if any(letter.isalpha() for letter in said) else ""
