"""How Mandarin reads typed values, as the mainland market does. Pure: values in, pieces out.

The rules: prices in 元角分 (ETF prices with three decimals by their digits), index levels in 点, 幺 for 1 in codes
and nowhere else, percentages as 百分之, movements with their direction, 两 for 2 before 元角分点, before 千万亿 that
begin a number, and when counting things (but 第二, 十二, 二百). One 零 for each gap of zeros inside a number.

Pieces are number words (``一千`` ``七百`` ``八十八`` ``元``): ``vocabulary`` is every word that a value can give, so
that all of them can be rendered beforehand.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

from ivr.speech.reading import parts
from ivr.speech.utterance import Piece
from ivr.speech.values import Change, Code, Count, Date, Day, Move, Percent, Price, Time, Turnover, Volume

DIGITS = "零一二三四五六七八九"
WEEKDAYS = tuple(f"星期{day}" for day in "一二三四五六日")
ORDINAL = "第"
_TEN_THOUSAND = 10**4
_HUNDRED_MILLION = 10**8
_LARGE_UNITS = ("", "万", "亿", "万亿")


def price(value: Price) -> tuple[Piece, ...]:
    """``1788.50`` → 一千七百八十八 元 五角; in points: 三千零五十二 点 一 七 点."""
    below, whole, decimals = parts.exact(value.amount)
    sign = ["负"] if below else []
    if value.unit == "points":
        return parts.pieces_of(sign + _decimal(whole, decimals) + ["点"])
    if len(decimals) > 2:  # ETFs are quoted to 0.001 yuan; nobody says 厘
        return parts.pieces_of(sign + _decimal(whole, decimals) + ["元"])
    jiao, fen = (int(digit) for digit in decimals.ljust(2, "0"))
    words = sign
    if whole or not decimals:
        words += ([_two(whole)] if whole == 2 else cardinal(whole)) + ["元"]
    if jiao:
        words.append(f"{_two(jiao)}角")
    if fen:
        if whole and not jiao:
            words.append("零")
        words.append(f"{_two(fen)}分")
    return parts.pieces_of(words)


def percent(value: Percent) -> tuple[Piece, ...]:
    """``1.23`` → 百分之 一 点 二 三; below zero with 负."""
    below, whole, decimals = parts.exact(value.percent)
    return parts.pieces_of((["负"] if below else []) + ["百分之", *_decimal(whole, decimals)])


def change(value: Change) -> tuple[Piece, ...]:
    """``-1.23`` → 下跌百分之 一 点 二 三; zero → 平盘."""
    below, whole, decimals = parts.exact(value.percent)
    if not whole and not decimals:
        return (Piece("平盘"),)
    return parts.pieces_of(["下跌百分之" if below else "上涨百分之", *_decimal(whole, decimals)])


def move(value: Move) -> tuple[Piece, ...]:
    """``18.50``, ``1.05`` → 上涨 十八 元 五角, 涨幅百分之 一 点 零 五; zero → 平盘."""
    if not value.amount:
        return (Piece("平盘"),)
    up = value.amount > 0
    far = price(Price(abs(value.amount), value.unit))
    far = (Piece("上涨" if up else "下跌"), *far[:-1], Piece(far[-1].words, pause_after_ms=parts.CLAUSE_PAUSE_MS))
    _, whole, decimals = parts.exact(value.percent)
    return far + parts.pieces_of(["涨幅百分之" if up else "跌幅百分之", *_decimal(whole, decimals)])


def volume(value: Volume) -> tuple[Piece, ...]:
    """``1234567`` → 一百二十三 点 五 万 股."""
    return parts.pieces_of([*_large(Decimal(value.shares)), "股"])


def turnover(value: Turnover) -> tuple[Piece, ...]:
    """``1234567890`` → 十二 点 三 五 亿 元."""
    return parts.pieces_of([*_large(value.amount), "元"])


def code(value: Code) -> tuple[Piece, ...]:
    """``600519`` → 六 零 零, 五 幺 九."""
    return parts.code_pieces(
        [code_word(digit) for digit in group] for group in parts.grouped(parts.checked_code(value.digits))
    )


def count(value: Count, before: str = "") -> tuple[Piece, ...]:
    """``2`` → 两; after 第 it is 二. ``before`` is the text that stands before it."""
    number = parts.checked_count(value.number)
    if number == 2 and not before.rstrip().endswith(ORDINAL):
        return (Piece("两"),)
    return parts.pieces_of(cardinal(number))


def date(value: Date) -> tuple[Piece, ...]:
    """``2026-11-21`` → 二零二六年 十一月 二十一日."""
    day = value.day
    return parts.pieces_of([year_word(day.year), f"{_small(day.month)}月", f"{_small(day.day)}日"])


def day(value: Day) -> tuple[Piece, ...]:
    """``2026-11-23`` → 十一月 二十三日 星期一."""
    day = value.day
    return parts.pieces_of([f"{_small(day.month)}月", f"{_small(day.day)}日", WEEKDAYS[day.weekday()]])


def time(value: Time) -> tuple[Piece, ...]:
    """``14:30`` → 十四点 三十分; ``09:05`` → 九点 零五分; ``15:00`` → 十五点整."""
    return parts.pieces_of(time_words(value.time))


def time_words(moment: datetime.time) -> list[str]:
    """The words of a time of day, to the minute, on the 24-hour clock that trading uses."""
    hour = "两" if moment.hour == 2 else _small(moment.hour)
    if not moment.minute:
        return [f"{hour}点整"]
    minute = _small(moment.minute)
    return [f"{hour}点", f"零{minute}分" if moment.minute < 10 else f"{minute}分"]


def year_word(year: int) -> str:
    """``2026`` → 二零二六年."""
    return f"{digits(str(year))}年"


def digits(figures: str) -> str:
    """Figures one by one, 一 for 1: decimals and years."""
    return "".join(DIGITS[int(figure)] for figure in figures)


def code_word(character: str) -> str:
    """A figure or letter of a code: 幺 for 1, as it cannot be taken for 七 on a bad line."""
    if character == "1":
        return "幺"
    return DIGITS[int(character)] if character.isdigit() else character


def cardinal(number: int) -> list[str]:
    """A whole number in words: ``20015`` → 两 万 零 一十五."""
    if number < 0:
        return ["负", *cardinal(-number)]
    if not number:
        return ["零"]
    words = _whole(number)
    if words[0].startswith("一十"):
        words[0] = words[0][1:]
    elif words[0] == "二千":
        words[0] = "两千"
    elif words[0] == "二" and len(words) > 1:
        words[0] = "两"  # 两万, 两亿
    return words


def vocabulary() -> Iterator[str]:
    """Every word that the functions above can give, but for years long past or far off."""
    yield from DIGITS
    yield from ("幺", "两", "负", "点", "元", "万", "亿", "百分之", "上涨百分之", "下跌百分之", "平盘")
    yield from ("上涨", "下跌", "涨幅百分之", "跌幅百分之", "股")
    yield from (_small(number) for number in range(10, 100))
    yield from (f"一{_small(number)}" for number in range(10, 20))
    yield from (f"{digit}百" for digit in DIGITS[1:])
    yield from (f"{digit}千" for digit in DIGITS[1:])
    yield "两千"
    yield from (f"{_two(digit)}{unit}" for digit in range(1, 10) for unit in "角分")
    for hour in range(24):
        yield from time_words(datetime.time(hour, 0))
        yield time_words(datetime.time(hour, 30))[0]
    yield from (time_words(datetime.time(1, minute))[1] for minute in range(1, 60))
    yield from (f"{_small(month)}月" for month in range(1, 13))
    yield from (f"{_small(day)}日" for day in range(1, 32))
    yield from WEEKDAYS


def phrases() -> Iterator[tuple[str, ...]]:
    """Rows of those words that are said in one breath: 点二三, 元五角, 元零五分."""
    for one in DIGITS:
        yield ("点", one)
        yield from (("点", one, two) for two in DIGITS[1:])
    for fen in range(1, 100):
        yield tuple(word for piece in price(Price(Decimal(100 + fen) / 100)) if (word := piece.words) != "一")


def _decimal(whole: int, decimals: str) -> list[str]:
    words = cardinal(whole)
    return [*words, "点", *digits(decimals)] if decimals else words


def _large(number: Decimal) -> list[str]:
    figures, power = parts.rounded(number, _TEN_THOUSAND, len(_LARGE_UNITS))
    _, whole, decimals = parts.exact(Decimal(figures))
    words = ["两"] if whole == 2 and not decimals else _decimal(whole, decimals)
    return [*words, *_LARGE_UNITS[power]]


def _two(number: int) -> str:
    return "两" if number == 2 else DIGITS[number]


def _small(number: int) -> str:
    """0 to 99 as one word: 十五, 二十, 九十九."""
    if number < 10:
        return DIGITS[number]
    tens, ones = divmod(number, 10)
    return f"{DIGITS[tens] if tens > 1 else ''}十{DIGITS[ones] if ones else ''}"


def _whole(number: int) -> list[str]:
    if number >= _HUNDRED_MILLION:
        return _with_unit(number, _HUNDRED_MILLION, "亿")
    if number >= _TEN_THOUSAND:
        return _with_unit(number, _TEN_THOUSAND, "万")
    words: list[str] = []
    thousands, rest = divmod(number, 1000)
    hundreds, below = divmod(rest, 100)
    if thousands:
        words.append(f"{DIGITS[thousands]}千")
    if hundreds:
        words.append(f"{DIGITS[hundreds]}百")
    if below:
        gap = (thousands and not hundreds) or (hundreds and below < 10)
        if gap:
            words.append("零")
        words.append(f"一{_small(below)}" if 10 <= below < 20 else _small(below))
    return words


def _with_unit(number: int, size: int, unit: str) -> list[str]:
    high, low = divmod(number, size)
    words = [*_whole(high), unit]
    if low:
        if low < size // 10:
            words.append("零")
        words += _whole(low)
    return words
