"""Values to words, in the languages we read. Pure: no sound, no files, no clock.

``read`` gives the pieces of one typed value, ``read_text`` those of free text. A language is two modules beside this
one (its values, its free text) and a line in ``_LANGUAGES``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ivr.speech.errors import SpeechError
from ivr.speech.reading import en, en_text, parts, zh, zh_text
from ivr.speech.reading.scripts import spans
from ivr.speech.utterance import Piece
from ivr.speech.values import (
    Change,
    Code,
    Count,
    Date,
    Day,
    Move,
    Name,
    Percent,
    Price,
    Text,
    Time,
    Turnover,
    Value,
    Volume,
)

LONGEST_TEXT = 10_000  # characters of one free text: half an hour of speech
LONGEST_NAME = 200  # characters of a proper name
LONGEST_PIECE = {"zh": 80, "en": 240}  # characters said in one go: a worker is never busy for long with one

COMMA_PAUSE_MS = 200
STOP_PAUSE_MS = 450
VALUE_PAUSE_MS = 40  # after a value, before the words that go on

_STOPS = "。！？!?；;…\n"
_COMMAS = "，、,：:—"
_OPENING = "“\"'《（(「【‘"
_CLOSING = "”\"'》）)」】’"
_EDGES = _STOPS + _COMMAS + ". " + _OPENING + _CLOSING
# A point ends a sentence only where a space or the end follows: "p.m." in the middle of one does not.
_SENTENCE = re.compile(r".+?(?:[。！？!?；;…\n]+[”」）)\"']*|\.(?=\s|$)(?<![ap]\.m\.)|$)", re.DOTALL)
_CLAUSE = re.compile(r".+?(?:[，、,：:—]+\s*|$)", re.DOTALL)
_WORD = re.compile(r".+?(?:\s+|$)", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_BRACKETS = re.compile(r"\s*[()（）【】\[\]{}]\s*")
_NEXT_TO_HAN = re.compile(r"(?<=[\u4e00-\u9fff，。、：；])\s+(?=[\u4e00-\u9fff，。、：；])|\s+(?=[，。、：；])")
_MARKS_SAID = frozenset("，。、：；！？,.:;!?'’-—… ")  # marks that shape how a text is said; all others are dropped

MOST_NAMES = 16384  # names remembered: every instrument of both exchanges in two languages
MOST_FIGURES = 8192  # readings remembered: the popular shares' prices are asked for again and again


@dataclass(frozen=True, slots=True)
class _Language:
    price: Callable[[Price], tuple[Piece, ...]]
    percent: Callable[[Percent], tuple[Piece, ...]]
    change: Callable[[Change], tuple[Piece, ...]]
    move: Callable[[Move], tuple[Piece, ...]]
    volume: Callable[[Volume], tuple[Piece, ...]]
    turnover: Callable[[Turnover], tuple[Piece, ...]]
    code: Callable[[Code], tuple[Piece, ...]]
    count: Callable[[Count, str], tuple[Piece, ...]]
    date: Callable[[Date], tuple[Piece, ...]]
    day: Callable[[Day], tuple[Piece, ...]]
    time: Callable[[Time], tuple[Piece, ...]]
    text: Callable[[str], str]
    vocabulary: Callable[[], Iterator[str]]
    phrases: Callable[[], Iterator[tuple[str, ...]]]


_LANGUAGES = {
    "zh": _Language(
        zh.price,
        zh.percent,
        zh.change,
        zh.move,
        zh.volume,
        zh.turnover,
        zh.code,
        zh.count,
        zh.date,
        zh.day,
        zh.time,
        zh_text.words_of,
        zh.vocabulary,
        zh.phrases,
    ),
    "en": _Language(
        en.price,
        en.percent,
        en.change,
        en.move,
        en.volume,
        en.turnover,
        en.code,
        en.count,
        en.date,
        en.day,
        en.time,
        en_text.words_of,
        en.vocabulary,
        en.phrases,
    ),
}
LANGUAGES: tuple[str, ...] = tuple(_LANGUAGES)


def read(language: str, value: Value, before: str = "") -> tuple[Piece, ...]:
    """The pieces of one value. ``before`` is the text that stands before it (第 makes an ordinal of a count).

    Raises SpeechError when the value cannot be said, or not in that language.
    """
    match value:
        case Name():
            return _name(language, _in_language(language, value))
        case Text():
            return read_text(language, _in_language(language, value))
        case _:
            return _read_figure(language, value, before)


@lru_cache(maxsize=MOST_FIGURES)
def _read_figure(
    language: str,
    value: Price | Percent | Change | Move | Volume | Turnover | Code | Count | Date | Day | Time,
    before: str,
) -> tuple[Piece, ...]:
    rules = _rules(language)
    match value:
        case Price():
            return rules.price(value)
        case Percent():
            return rules.percent(value)
        case Change():
            return rules.change(value)
        case Move():
            return rules.move(value)
        case Volume():
            return rules.volume(value)
        case Turnover():
            return rules.turnover(value)
        case Code():
            return rules.code(value)
        case Count():
            return rules.count(value, before)
        case Date():
            return rules.date(value)
        case Day():
            return rules.day(value)
        case Time():
            return rules.time(value)


def read_text(language: str, text: str) -> tuple[Piece, ...]:
    """The pieces of free text: one for each sentence, or clause of a long one. None when it holds nothing to say.

    Raises SpeechError when it is longer than ``LONGEST_TEXT`` characters.
    """
    if len(text) > LONGEST_TEXT:
        raise SpeechError(
            f"A text of {len(text)} characters is too long to be said.",
            remedy=f"Shorten it to {LONGEST_TEXT} characters or split it.",
        )
    pieces: list[Piece] = []
    for sentence in _SENTENCE.findall(words_of(language, text)):
        said = [
            Piece(words, pause_after_ms=pause_of(trailing_marks(clause)))
            for clause in _clauses(sentence, LONGEST_PIECE[language])
            if (words := tidy(clause))
        ]
        if said:
            said[-1] = Piece(said[-1].words, pause_after_ms=STOP_PAUSE_MS)
        pieces += said
    return tuple(pieces)


def words_of(language: str, text: str) -> str:
    """The text with every figure and sign as words of its own language."""
    _rules(language)
    text = _TAG.sub(" ", text)
    words = "".join(f" {_LANGUAGES[span.language].text(span.text)} " for span in spans(language, text))
    comma = {"zh": "，", "en": ", "}[language]
    return _NEXT_TO_HAN.sub("", _BRACKETS.sub(comma, words)).strip()


def tidy(words: str) -> str:
    """Without the marks and spaces at its ends, and no two spaces in a row. Empty when no word is in it."""
    said = "".join(character for character in words if _is_said(character))
    tidied = re.sub(r"\s+", " ", said).strip(_EDGES)
    # An abbreviation keeps its last point, or it would be said as a word.
    if tidied.endswith(("a.m", "p.m")):
        tidied += "."
    return tidied if any(character.isalpha() for character in tidied) else ""


def pause_of(marks: str) -> int:
    """Milliseconds of silence that these punctuation marks stand for."""
    if any(mark in _STOPS or mark == "." for mark in marks):
        return STOP_PAUSE_MS
    return COMMA_PAUSE_MS if any(mark in _COMMAS for mark in marks) else 0


def leading_marks(text: str) -> str:
    """The marks and spaces that a text begins with."""
    return text[: len(text) - len(text.lstrip(_EDGES))]


def trailing_marks(text: str) -> str:
    """The marks and spaces that a text ends with."""
    return text[len(text.rstrip(_EDGES)) :]


def vocabulary(language: str) -> Iterator[str]:
    """Every word that values give, to be rendered beforehand."""
    return _rules(language).vocabulary()


def phrases(language: str) -> Iterator[tuple[Piece, ...]]:
    """Rows of such words that belong together: a price's jiao and fen, a percentage's decimals."""
    return (parts.pieces_of(words) for words in _rules(language).phrases())


def _is_said(character: str) -> bool:
    return character in _MARKS_SAID or character.isspace() or unicodedata.category(character)[0] in "LM"


def _rules(language: str) -> _Language:
    if language not in _LANGUAGES:
        raise SpeechError(f"There are no reading rules for {language!r}.", remedy=f"Known: {', '.join(LANGUAGES)}.")
    return _LANGUAGES[language]


def _in_language(language: str, value: Name | Text) -> str:
    if language not in value.by_language:
        raise SpeechError(
            f"The {value.kind} {next(iter(value.by_language.values()), '')[:40]!r} has no text in {language!r}.",
            remedy="Add it where the value is kept.",
        )
    return value.by_language[language]


@lru_cache(maxsize=MOST_NAMES)
def _name(language: str, name: str) -> tuple[Piece, ...]:
    if len(name) > LONGEST_NAME:
        raise SpeechError(f"The name {name[:40]!r}… is too long.", remedy=f"At most {LONGEST_NAME} characters.")
    words = tidy(words_of(language, name))
    return (Piece(words),) if words else ()


def _clauses(sentence: str, longest: int) -> list[str]:
    """The sentence in parts of at most that many characters, cut at commas, else at spaces, else where it is."""
    if len(sentence) <= longest:
        return [sentence]
    clauses: list[str] = []
    for clause in _CLAUSE.findall(sentence):
        for part in [clause] if len(clause) <= longest else _WORD.findall(clause):
            if clauses and len(clauses[-1]) + len(part) <= longest:
                clauses[-1] += part
            else:
                clauses += [part[start : start + longest] for start in range(0, len(part), longest)]
    return clauses
