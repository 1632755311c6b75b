"""A value of each kind, to hear a prompt without a call, and values written as words of a command line. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from ivr.speech.errors import SpeechError
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


def _both(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


_WRITTEN: dict[str, Callable[[str], Value]] = {
    "price": lambda text: Price(Decimal(text)),
    "percent": lambda text: Percent(Decimal(text)),
    "change": lambda text: Change(Decimal(text)),
    "move": lambda text: Move(Decimal(text.partition("/")[0]), Decimal(text.partition("/")[2])),
    "volume": lambda text: Volume(int(text)),
    "turnover": lambda text: Turnover(Decimal(text)),
    "code": Code,
    "count": lambda text: Count(int(text)),
    "date": lambda text: Date(datetime.date.fromisoformat(text)),
    "day": lambda text: Day(datetime.date.fromisoformat(text)),
    "time": lambda text: Time(datetime.time.fromisoformat(text)),
    "name": lambda text: Name(_both(text)),
    "text": lambda text: Text(_both(text)),
}
_EXAMPLES: dict[str, Value] = {
    "price": Price(Decimal("1788.50")),
    "percent": Percent(Decimal("1.23")),
    "change": Change(Decimal("-0.86")),
    "move": Move(Decimal("18.50"), Decimal("1.05")),
    "volume": Volume(1_234_000),
    "turnover": Turnover(Decimal(1_234_000_000)),
    "code": Code("600519"),
    "count": Count(3),
    "date": Date(datetime.date(2026, 11, 23)),
    "day": Day(datetime.date(2026, 11, 23)),
    "time": Time(datetime.time(14, 30)),
    "name": Name({"zh": "贵州茅台", "en": "Kweichow Moutai"}),
    "text": Text({"zh": "今日市场总体平稳。", "en": "The market was steady today."}),
}


def example(kind: str) -> Value:
    """A value of that kind (``ivr.speech.values.KINDS``)."""
    return _EXAMPLES[kind]


def parsed(kind: str, text: str) -> Value:
    """A value as it is written: ``1788.50``, ``18.50/1.05``, ``2026-11-23``, ``14:30``. Raises SpeechError."""
    try:
        return _WRITTEN[kind](text)
    except (ValueError, InvalidOperation) as error:
        raise SpeechError(f"{text!r} is no {kind}.", remedy=f"Write it like {_EXAMPLES[kind]}.") from error
