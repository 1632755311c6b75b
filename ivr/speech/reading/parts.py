"""What the readings of all languages share: digits in groups, exact decimals, limits, pauses. Pure."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from ivr.speech.errors import SpeechError
from ivr.speech.utterance import Piece

LARGEST = 10**16 - 1  # 万亿 counts up to here; nothing on a stock exchange is larger
MOST_DECIMALS = 6  # more digits after the point are a number nobody rounded
MOST_DIGITS = 40  # the longest code read aloud: longer than any account or telephone number

CLAUSE_PAUSE_MS = 200  # between two figures that belong to one value
GROUP_PAUSE_MS = 120  # between groups of digits: 600 519
DIGIT_PAUSE_MS = 20  # between digits inside a group

# How people group the digits of a code of that length.
_GROUPS: dict[int, tuple[int, ...]] = {
    5: (5,),
    6: (3, 3),
    7: (3, 4),
    8: (4, 4),
    9: (3, 3, 3),
    10: (3, 3, 4),
    11: (3, 4, 4),
}


def exact(number: Decimal) -> tuple[bool, int, str]:
    """Whether it is below zero, the whole part, and the decimals without trailing zeros (``"05"``, ``""``).

    Raises SpeechError for what is no number, too large, or has too many decimals.
    """
    if not number.is_finite():
        raise SpeechError(f"{number} is not a number that can be said.", remedy="Hand over a finite decimal.")
    if abs(number) > LARGEST:
        raise SpeechError(f"{number} is too large to be said.", remedy=f"The largest is {LARGEST}.")
    whole, _, decimals = f"{abs(number):f}".partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) > MOST_DECIMALS:
        raise SpeechError(
            f"{number} has {len(decimals)} decimals.", remedy=f"Round it to {MOST_DECIMALS} or fewer before saying it."
        )
    return number < 0, int(whole), decimals


def rounded(number: Decimal, step: int, units: int) -> tuple[str, int]:
    """A large number as people say it: at most three or four figures (``"12.34"``) of a power of ``step``.

    The second is which power, ``units - 1`` at most. Below ``step`` itself it is rounded to a whole number.
    """
    if not number.is_finite() or not 0 <= number <= LARGEST:
        raise SpeechError(f"{number} is no amount that can be said.", remedy=f"It lies from 0 to {LARGEST}.")
    for power in range(units):
        scaled = number / step**power
        places = 0 if not power or scaled >= 1000 else 1 if scaled >= 100 else 2
        figures = scaled.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        if figures < step or power == units - 1:
            break
    return f"{figures:f}", power


def beyond_reading(figures: str) -> bool:
    """Whether a run of figures is too large to be read as a number."""
    return len(figures.lstrip("0")) > len(str(LARGEST))


def checked_count(number: int) -> int:
    """The number itself. Raises SpeechError when it is too large to be said."""
    if abs(number) > LARGEST:
        raise SpeechError(f"{number} is too large to be said.", remedy=f"The largest is {LARGEST}.")
    return number


def checked_code(digits: str) -> str:
    """The code in upper case. Raises SpeechError for anything but figures and Latin letters."""
    if not digits or len(digits) > MOST_DIGITS or not (digits.isascii() and digits.isalnum()):
        raise SpeechError(
            f"{digits[:MOST_DIGITS]!r} is no code.", remedy=f"A code is 1 to {MOST_DIGITS} figures or Latin letters."
        )
    return digits.upper()


def grouped(digits: str) -> list[str]:
    """The digits in the groups in which people say them."""
    sizes = _GROUPS.get(len(digits), ())
    groups: list[str] = []
    for size in sizes:
        groups.append(digits[:size])
        digits = digits[size:]
    while digits:
        groups.append(digits[:4])
        digits = digits[4:]
    return groups


def code_pieces(groups: Iterable[Iterable[str]]) -> tuple[Piece, ...]:
    """One piece for each digit word, with a breath between groups."""
    pieces: list[Piece] = []
    for group in groups:
        if pieces:
            pieces[-1] = Piece(pieces[-1].words, pause_after_ms=GROUP_PAUSE_MS)
        pieces += [Piece(word, pause_after_ms=DIGIT_PAUSE_MS) for word in group]
    return tuple(pieces)


def pieces_of(words: Iterable[str]) -> tuple[Piece, ...]:
    """One piece for each, with nothing between."""
    return tuple(Piece(word) for word in words)


def plain_figures(text: str) -> str:
    """Full-width letters and every script's digits as ASCII; control characters as spaces; nothing else changed."""
    out: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Nd":
            out.append(str(unicodedata.digit(character)))
        elif category in ("Cc", "Zl", "Zp", "Zs"):
            out.append(" ")
        elif "\uff01" <= character <= "\uff5e" and character not in "，：；！？（）":
            out.append(chr(ord(character) - 0xFEE0))
        elif category in ("No", "Nl") or category[0] == "L":
            out.append(unicodedata.normalize("NFKC", character))
        else:
            out.append(character)
    # NFKC may have brought new digits and slashes (½ is 1⁄2, ² is 2): still ASCII digits.
    return "".join(out)


def real_date(year: str, month: str, day: str) -> datetime.date | None:
    """The day those figures mean, when there is one."""
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError:
        return None


def real_time(hour: str, minute: str) -> datetime.time | None:
    """The time those figures mean, when there is one."""
    try:
        return datetime.time(int(hour), int(minute))
    except ValueError:
        return None
