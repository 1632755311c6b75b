"""How English reads typed values on this hotline. Pure: values in, pieces out.

The rules: prices as ``one thousand seven hundred eighty-eight yuan fifty`` (under ten fen: ``yuan zero five``), index
levels in points, percentages by their digits after the point, movements with their direction, codes digit by digit,
dates as ``November twenty-first, twenty twenty-six``, times on the twelve-hour clock.

Pieces are number words (``seven hundred`` ``eighty-eight``): ``vocabulary`` is every word that a value can give.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from ivr.speech.reading import parts
from ivr.speech.utterance import Piece
from ivr.speech.values import Change, Code, Count, Date, Day, Move, Percent, Price, Time, Turnover, Volume

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_ORDINALS = (
    "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
    "nineteenth",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def price(value: Price) -> tuple[Piece, ...]:
    """``1788.50`` → one thousand, seven hundred, eighty-eight, yuan, fifty; in points: … point one seven points."""
    below, whole, decimals = parts.exact(value.amount)
    words = ["minus"] if below else []
    if value.unit == "points":
        words += _decimal(whole, decimals)
        return parts.pieces_of([*words, "point" if words == ["one"] else "points"])
    if len(decimals) > 2:  # ETFs are quoted to 0.001 yuan
        return parts.pieces_of([*words, *_decimal(whole, decimals), "yuan"])
    words += [*cardinal(whole), "yuan"]
    fen = int(decimals.ljust(2, "0")) if decimals else 0
    if fen:
        words += ["zero", small(fen)] if fen < 10 else [small(fen)]
    return parts.pieces_of(words)


def percent(value: Percent) -> tuple[Piece, ...]:
    """``1.23`` → one, point, two, three, percent."""
    below, whole, decimals = parts.exact(value.percent)
    return parts.pieces_of([*(["minus"] if below else []), *_decimal(whole, decimals), "percent"])


def change(value: Change) -> tuple[Piece, ...]:
    """``-1.23`` → down, one, point, two, three, percent; zero → unchanged."""
    below, whole, decimals = parts.exact(value.percent)
    if not whole and not decimals:
        return (Piece("unchanged"),)
    return parts.pieces_of(["down" if below else "up", *_decimal(whole, decimals), "percent"])


def move(value: Move) -> tuple[Piece, ...]:
    """``18.50``, ``1.05`` → up, eighteen, yuan, fifty; one, point, zero, five, percent; zero → unchanged."""
    if not value.amount:
        return (Piece("unchanged"),)
    far = price(Price(abs(value.amount), value.unit))
    far = (*far[:-1], Piece(far[-1].words, pause_after_ms=parts.CLAUSE_PAUSE_MS))
    _, whole, decimals = parts.exact(value.percent)
    return (
        Piece("up" if value.amount > 0 else "down"),
        *far,
        *parts.pieces_of([*_decimal(whole, decimals), "percent"]),
    )


def volume(value: Volume) -> tuple[Piece, ...]:
    """``1234567`` → one, point, two, three, million, shares."""
    return parts.pieces_of([*_large(Decimal(value.shares)), "share" if value.shares == 1 else "shares"])


def turnover(value: Turnover) -> tuple[Piece, ...]:
    """``1234567890`` → one, point, two, three, billion, yuan."""
    return parts.pieces_of([*_large(value.amount), "yuan"])


def code(value: Code) -> tuple[Piece, ...]:
    """``600519`` → six zero zero, five one nine."""
    groups = parts.grouped(parts.checked_code(value.digits))
    return parts.code_pieces([code_word(character) for character in group] for group in groups)


def count(value: Count, before: str = "") -> tuple[Piece, ...]:  # noqa: ARG001 - the same in every place
    """``2`` → two."""
    return parts.pieces_of(cardinal(parts.checked_count(value.number)))


def date(value: Date) -> tuple[Piece, ...]:
    """``2026-11-21`` → November, twenty-first, twenty twenty-six."""
    day = value.day
    return parts.pieces_of([MONTHS[day.month - 1], ordinal(day.day), year_word(day.year)])


def day(value: Day) -> tuple[Piece, ...]:
    """``2026-11-23`` → Monday, November, twenty-third."""
    day = value.day
    return parts.pieces_of([WEEKDAYS[day.weekday()], MONTHS[day.month - 1], ordinal(day.day)])


def time(value: Time) -> tuple[Piece, ...]:
    """``14:30`` → two thirty p.m.; ``09:05`` → nine oh five a.m.; ``12:00`` → twelve noon."""
    return parts.pieces_of(time_words(value.time))


def time_words(moment: datetime.time) -> list[str]:
    """The words of a time of day, to the minute."""
    if not moment.minute and moment.hour in (0, 12):
        return ["twelve", "noon" if moment.hour else "midnight"]
    words = [small((moment.hour + 11) % 12 + 1)]
    if moment.minute:
        words += ["oh", small(moment.minute)] if moment.minute < 10 else [small(moment.minute)]
    return [*words, "a.m." if moment.hour < 12 else "p.m."]


def year_word(year: int) -> str:
    """``2026`` → twenty twenty-six; ``2006`` → two thousand six; ``1905`` → nineteen oh five."""
    century, rest = divmod(year, 100)
    if not 10 <= century < 100 or (century % 10 == 0 and rest < 10):
        return " ".join(cardinal(year))
    return f"{small(century)} {'hundred' if not rest else f'oh {small(rest)}' if rest < 10 else small(rest)}"


def ordinal(number: int) -> str:
    """``21`` → twenty-first, up to 99."""
    if number < 20:
        return _ORDINALS[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ORDINALS[ones]}" if ones else f"{_TENS[tens][:-1]}ieth"


def code_word(character: str) -> str:
    """A figure or letter of a code."""
    return _ONES[int(character)] if character.isdigit() else character


def digits(figures: str) -> list[str]:
    """Figures one by one."""
    return [_ONES[int(figure)] for figure in figures]


def cardinal(number: int) -> list[str]:
    """A whole number in words: ``1788`` → one, thousand, seven hundred, eighty-eight."""
    if number < 0:
        return ["minus", *cardinal(-number)]
    if not number:
        return ["zero"]
    words: list[str] = []
    for power in range(len(_SCALES) - 1, -1, -1):
        group, number = divmod(number, 1000**power)
        hundreds, below = divmod(group, 100)
        if hundreds:
            words.append(f"{_ONES[hundreds]} hundred")
        if below:
            words.append(small(below))
        if group and power:
            words.append(_SCALES[power])
    return words


def small(number: int) -> str:
    """0 to 99 as one word: fifteen, twenty, ninety-nine."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def vocabulary() -> Iterator[str]:
    """Every word that the functions above can give, but for years."""
    yield from (small(number) for number in range(100))
    yield from (f"{digit} hundred" for digit in _ONES[1:10])
    yield from _SCALES[1:]
    yield from ("minus", "point", "points", "yuan", "share", "shares", "percent", "up", "down", "unchanged")
    yield from ("oh", "a.m.", "p.m.", "noon", "midnight")
    yield from MONTHS
    yield from WEEKDAYS
    yield from (ordinal(day) for day in range(1, 32))


def _large(number: Decimal) -> list[str]:
    # Up to a million as a whole number of thousands or less; nobody says "12.3 thousand shares".
    figures, power = parts.rounded(number, 1000, len(_SCALES))
    if power == 1:
        return cardinal(int(number.quantize(Decimal(1), ROUND_HALF_UP)))
    _, whole, decimals = parts.exact(Decimal(figures))
    return [*_decimal(whole, decimals), *([_SCALES[power]] if power else [])]


def phrases() -> Iterator[tuple[str, ...]]:
    """Rows of those words that are said in one breath: point two three, yuan fifty, yuan zero five."""
    for one in _ONES[:10]:
        yield ("point", one)
        yield from (("point", one, two) for two in _ONES[1:10])
    yield from (("yuan", *(["zero"] if fen < 10 else []), small(fen)) for fen in range(1, 100))


def _decimal(whole: int, decimals: str) -> list[str]:
    words = cardinal(whole)
    return [*words, "point", *digits(decimals)] if decimals else words
