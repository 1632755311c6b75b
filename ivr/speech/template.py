"""One prompt's text, cut at its placeholders: ``现价{last:price}元`` → literal, slot, literal. Pure.

Knows nothing of files; ``ivr.speech.catalogue`` adds file and line to what is wrong here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ivr.speech.reading import VALUE_PAUSE_MS, leading_marks, pause_of, tidy, trailing_marks, words_of
from ivr.speech.utterance import Piece
from ivr.speech.values import KINDS

LONGEST_PROMPT = 1000  # characters: three minutes of speech; nobody listens to more of a fixed text

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SLOT = re.compile(r"\{([^{}]*)\}")
_MARK_UP = re.compile(r"[<>\[\]\\]|&[a-z]+;|&#\d+;")
_FORMAT_CHARACTERS = ("Cc", "Cf", "Co", "Cs", "Cn")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value. ``before`` is the text it follows, ``pause_ms`` the silence that follows it."""

    name: str
    kind: str
    before: str
    pause_ms: int


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt's text, ready to be filled: fixed pieces and slots in order."""

    parts: tuple[Piece | Slot, ...]

    @property
    def slots(self) -> dict[str, str]:
        """Each placeholder's name and kind."""
        return {part.name: part.kind for part in self.parts if isinstance(part, Slot)}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text, and the remedy."""

    what: str
    remedy: str


def faults_of(text: str) -> list[Fault]:
    """Everything that keeps a text from being a prompt."""
    faults: list[Fault] = []
    if not text.strip():
        return [Fault("The text is empty.", "Write what the caller shall hear.")]
    if len(text) > LONGEST_PROMPT:
        faults.append(Fault(f"The text has {len(text)} characters.", f"At most {LONGEST_PROMPT}: split it."))
    for character in sorted({each for each in text if unicodedata.category(each) in _FORMAT_CHARACTERS}):
        if character not in "\n\t":
            faults.append(Fault(f"The text holds the control character U+{ord(character):04X}.", "Delete it."))
    kinds: dict[str, str] = {}
    for inside in _SLOT.findall(text):
        name, colon, kind = (part.strip() for part in inside.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            faults.append(Fault(f"{{{inside}}} is no placeholder.", "Write {name:kind}, the name in a-z, 0-9 and _."))
        elif kind not in KINDS:
            faults.append(Fault(f"{{{inside}}}: there is no kind {kind!r}.", f"Known: {', '.join(KINDS)}."))
        elif kinds.setdefault(name, kind) != kind:
            faults.append(Fault(f"{{{inside}}}: {name} is also a {kinds[name]}.", "Give one of them another name."))
    rest = _SLOT.sub("", text)
    if "{" in rest or "}" in rest:
        faults.append(Fault("A brace has no partner.", "Braces stand around placeholders only: {name:kind}."))
    marks = sorted(set(_MARK_UP.findall(rest)))
    if marks:
        faults.append(Fault(f"The text holds mark-up: {' '.join(marks)}.", "Write plain words; nothing else is said."))
    if not faults and not kinds and not any(character.isalpha() for character in words_of("zh", text)):
        faults.append(Fault("The text has no word in it.", "Write what the caller shall hear."))
    return faults


def compile_template(language: str, prompt: str, text: str) -> Template:
    """A template of a text without faults. A prompt with no placeholder is one piece that carries the prompt's name."""
    cuts = _SLOT.split(text)
    literals = cuts[::2]
    if len(literals) == 1:
        words = tidy(words_of(language, text))
        return Template((Piece(words, prompt=prompt, pause_after_ms=pause_of(trailing_marks(text))),))
    compiled: list[Piece | Slot] = []
    for literal, inside, following in zip(literals, cuts[1::2], literals[1:], strict=False):
        compiled += _literal(language, literal)
        name, kind = (part.strip() for part in inside.split(":"))
        marks = following if not tidy(following) else leading_marks(following)
        compiled.append(Slot(name, kind, literal, pause_of(marks) or VALUE_PAUSE_MS))
    compiled += _literal(language, literals[-1])
    return Template(tuple(compiled))


def _literal(language: str, text: str) -> list[Piece]:
    words = tidy(words_of(language, text))
    return [Piece(words, pause_after_ms=pause_of(trailing_marks(text)))] if words else []
