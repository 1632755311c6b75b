"""Where a call is, small enough to ride on its channel: flow, node, language and the plain values. Pure.

The text is base64url JSON: a dialplan hands it back as an AGI argument, where commas and quotes have meanings of their
own. Secret values are never in it.
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ivr.speech.values import Change, Code, Count, Date, Name, Percent, Price, Text, Time, Value

LONGEST = 3000  # Asterisk substitutes variables in 4,096 bytes (VAR_BUF_SIZE in pbx_variables.c)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place in a flow."""

    flow: str
    node: str
    language: str
    values: Mapping[str, Value]


def encode(checkpoint: Checkpoint) -> str:
    """As text for a channel variable. Values that make it too long are left behind, longest first."""
    values = {name: [value.kind, *_plain(value)] for name, value in checkpoint.values.items()}
    while True:
        body = [checkpoint.flow, checkpoint.node, checkpoint.language, values]
        text = base64.urlsafe_b64encode(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()).decode()
        if len(text) <= LONGEST or not values:
            return text
        del values[max(values, key=lambda name: len(str(values[name])))]


def decode(text: str) -> Checkpoint | None:
    """Back from text; None for anything that is not one of ours (a channel variable can hold whatever it likes)."""
    if not text or len(text) > 2 * LONGEST:
        return None
    try:
        flow, node, language, values = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        return Checkpoint(
            str(flow), str(node), str(language), {str(name): _value(*item) for name, item in dict(values).items()}
        )
    except (ValueError, TypeError, KeyError, ArithmeticError, UnicodeError):
        return None


def _plain(value: Value) -> tuple[Any, ...]:
    match value:
        case Price(amount, unit):
            return (str(amount), unit)
        case Percent(percent) | Change(percent):
            return (str(percent),)
        case Code(digits):
            return (digits,)
        case Count(number):
            return (number,)
        case Date(day):
            return (day.isoformat(),)
        case Time(time):
            return (time.isoformat(),)
        case Name(texts) | Text(texts):
            return (dict(texts),)


def _value(kind: str, first: Any, *rest: Any) -> Value:
    match kind:
        case "price":
            unit = rest[0]
            if unit not in ("yuan", "points"):
                raise ValueError(unit)
            return Price(Decimal(first), unit)
        case "percent":
            return Percent(Decimal(first))
        case "change":
            return Change(Decimal(first))
        case "code":
            return Code(str(first))
        case "count":
            return Count(int(first))
        case "date":
            return Date(datetime.date.fromisoformat(first))
        case "time":
            return Time(datetime.time.fromisoformat(first))
        case "name":
            return Name({str(language): str(text) for language, text in first.items()})
        case "text":
            return Text({str(language): str(text) for language, text in first.items()})
    raise KeyError(kind)
