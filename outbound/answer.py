"""From what an agent types, or a customer keys, to the form in which an answer is kept. Pure."""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal
from typing import ClassVar, Final, Literal

from ivr.errors import GoldlineError
from outbound.script import MARKS, NO, SKIPPED, YES, Question

LONGEST_TEXT: Final = 500  # characters of an answer in words: a paragraph, not a letter
LONGEST_NUMBER: Final = 15  # digits: any amount in fen, exactly
LINE_BREAKS: Final = "\n\t"

Fault = Literal[
    "needed", "no_answer", "no_mark", "no_number", "too_small", "too_large", "no_date", "too_long", "bad_text"
]

_YES: Final = frozenset(("y", "yes", "1", "是", "有", "对", "好"))
_NO: Final = frozenset(("n", "no", "2", "否", "没有", "不", "不是"))
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_DATE: Final = re.compile(r"(\d{4})[-/年.]?(\d{1,2})[-/月.]?(\d{1,2})日?")


class BadAnswer(GoldlineError):
    """What was typed is no answer to this question. ``fault`` is a word for whoever says it in another language."""

    error_id: ClassVar[str] = "bad-answer"

    def __init__(self, fault: Fault, message: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.fault = fault


def read_answer(question: Question, typed: str) -> str:
    """The answer in the form in which it is kept. Nothing typed skips a question that may be. Raises BadAnswer."""
    text = unicodedata.normalize("NFKC", typed[: LONGEST_TEXT * 4]).strip()
    if not text:
        if question.required:
            raise BadAnswer("needed", "This question must be answered.", "Ask it, or end the talk with a disposition.")
        return SKIPPED
    match question.kind:
        case "yes_no":
            return _yes_no(text)
        case "choice":
            return _choice(question, text)
        case "mark":
            if text.isascii() and text.isdigit() and int(text) in MARKS:
                return str(int(text))
            raise BadAnswer("no_mark", "That is no mark.", f"Give one from {MARKS[0]} to {MARKS[-1]}.")
        case "number":
            return _number(question, text)
        case "date":
            return _date(text)
        case "text":
            return checked_text(typed)


def checked_text(typed: str, most: int = LONGEST_TEXT) -> str:
    """Words that a person typed: what cannot be printed is refused, blanks at the ends go. Raises BadAnswer."""
    text = typed.strip()
    if len(text) > most:
        raise BadAnswer("too_long", f"The text has {len(text)} characters.", f"At most {most}: shorten it.")
    if any(not (character.isprintable() or character in LINE_BREAKS) for character in text):
        raise BadAnswer("bad_text", "The text holds characters that cannot be printed.", "Type it anew.")
    return text


def _yes_no(text: str) -> str:
    word = text.lower()
    if word in _YES:
        return YES
    if word in _NO:
        return NO
    raise BadAnswer("no_answer", "That is neither yes nor no.", "Type y or n.")


def _choice(question: Question, text: str) -> str:
    """By its place (1 is the first), its id, or its words."""
    ids = list(question.options)
    if text in question.options:
        return text
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= len(ids):
        return ids[int(text) - 1]
    for option, words in question.options.items():
        if text in words.values():
            return option
    raise BadAnswer("no_answer", "That is none of the answers.", f"Type a figure from 1 to {len(ids)}.")


def _number(question: Question, text: str) -> str:
    digits = text.replace(",", "")
    if not _NUMBER.fullmatch(digits) or len(digits) > LONGEST_NUMBER + 2:
        raise BadAnswer("no_number", "That is no number.", "Type digits, as 1200 or 12.5.")
    number = Decimal(digits)
    if question.least is not None and number < question.least:
        raise BadAnswer("too_small", f"The number is below {question.least}.", "Ask again.")
    if question.most is not None and number > question.most:
        raise BadAnswer("too_large", f"The number is above {question.most}.", "Ask again.")
    plain = format(number.normalize(), "f")
    return "0" if plain == "-0" else plain


def _date(text: str) -> str:
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        return datetime.date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        raise BadAnswer("no_date", "That is no date.", "Type it as 2026-11-28.") from None
