"""Typed values that can be said. How each is read is the business of ``ivr.speech.reading``. Pure.

A flow, a service and a prompt speak of the same types: ``{last:price}`` in a prompt takes a ``Price`` and nothing else.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Price:
    """What one share costs, in yuan (1788.50: 一千七百八十八元五角), or where an index stands, in points."""

    kind: ClassVar[str] = "price"
    amount: Decimal
    unit: Literal["yuan", "points"] = "yuan"


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of a hundred: ``Decimal("1.23")`` is 1.23 %. Below zero it is read with 负."""

    kind: ClassVar[str] = "percent"
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """A movement in percent, read with its direction: 上涨/下跌/平盘, up/down/unchanged."""

    kind: ClassVar[str] = "change"
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """How far a price has come, and in percent: 上涨十八元五角，涨幅百分之一点零五; 平盘 where it stands still.

    The direction is that of ``amount``; ``unit`` is that of the price.
    """

    kind: ClassVar[str] = "move"
    amount: Decimal
    percent: Decimal
    unit: Literal["yuan", "points"] = "yuan"


@dataclass(frozen=True, slots=True)
class Volume:
    """How many shares changed hands; read rounded, as people say it: 一百二十三点四万股."""

    kind: ClassVar[str] = "volume"
    shares: int


@dataclass(frozen=True, slots=True)
class Turnover:
    """What they cost together, in yuan; read rounded: 十二点三四亿元."""

    kind: ClassVar[str] = "turnover"
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Code:
    """Digits read one by one, 幺 for 1: share codes, account and telephone numbers."""

    kind: ClassVar[str] = "code"
    digits: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something."""

    kind: ClassVar[str] = "count"
    number: int


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day, said with its year."""

    kind: ClassVar[str] = "date"
    day: datetime.date


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day near now (an appointment): said with its weekday, without the year."""

    kind: ClassVar[str] = "day"
    day: datetime.date


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day, to the minute, in the exchange's own time zone."""

    kind: ClassVar[str] = "time"
    time: datetime.time


@dataclass(frozen=True, slots=True)
class Name:
    """A proper name, one text per language (``{"zh": "贵州茅台", "en": "Kweichow Moutai"}``)."""

    kind: ClassVar[str] = "name"
    by_language: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Text:
    """Free text in a known language, such as a notice; figures in it are read by the free-text rules."""

    kind: ClassVar[str] = "text"
    by_language: Mapping[str, str]


Value = Price | Percent | Change | Move | Volume | Turnover | Code | Count | Date | Day | Time | Name | Text
KINDS: dict[str, type[Value]] = {
    kind.kind: kind
    for kind in (Price, Percent, Change, Move, Volume, Turnover, Code, Count, Date, Day, Time, Name, Text)
}
