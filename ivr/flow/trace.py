"""How a call's steps are written down: each at its path, ``main/menu/1 -> main/enter_code``. Pure.

Only what changed is written, and of a secret only that it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

HIDDEN = "(secret)"
MOST_TEXT = 500  # characters of one value in a trace: enough to recognise a notice


def shown(value: Value) -> Any:
    """A value as a trace shows it: JSON, short."""
    return _SHOWN[type(value)](value)


def _in_short(value: Name | Text) -> str:
    texts = value.by_language
    text = texts.get("zh") or next(iter(texts.values()), "")
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"


_SHOWN: dict[type[Value], Callable[[Any], Any]] = {
    Price: lambda value: str(value.amount),
    Percent: lambda value: str(value.percent),
    Change: lambda value: str(value.percent),
    Move: lambda value: f"{value.amount} {value.percent}%",
    Volume: lambda value: value.shares,
    Turnover: lambda value: str(value.amount),
    Code: lambda value: value.digits,
    Count: lambda value: value.number,
    Date: lambda value: value.day.isoformat(),
    Day: lambda value: value.day.isoformat(),
    Time: lambda value: value.time.isoformat("minutes"),
    Name: _in_short,
    Text: _in_short,
}
