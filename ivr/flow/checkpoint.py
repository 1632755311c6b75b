"""Where a call is, small enough to ride on its channel: flow, node, language, proof and the plain values. Pure.

``main.menu.zh.PROOF.VALUES``: names and base64url, because a dialplan hands it back as an AGI argument, where commas
and quotes have meanings of their own. Secret values are never in it; a proof is sealed (``ivr.flow.proof``).
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ivr.speech.values import Change, Code, Count, Date, Name, Percent, Price, Text, Time, Value

LONGEST = 3000  # Asterisk substitutes variables in 4,096 bytes (VAR_BUF_SIZE in pbx_variables.c)
LONGEST_VALUES = 2000  # bytes: base64 adds a third, the place takes up to 200

_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode  # json.dumps would make one each time


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place in a flow."""

    flow: str
    node: str
    language: str
    values: Mapping[str, Value]
    proof: str = ""


def encode(checkpoint: Checkpoint) -> str:
    """As text for a channel variable. Values that make it too long are left behind, longest first."""
    place = (checkpoint.flow, checkpoint.node, checkpoint.language, checkpoint.proof)
    return ".".join((*place, encoded_values(checkpoint.values)))


def encoded_values(values: Mapping[str, Value]) -> str:
    """The last part of a checkpoint, which many checkpoints of one call share. Empty when there are no values."""
    if not values:
        return ""
    plain = {name: _PLAIN[type(value)](value) for name, value in values.items()}
    text = _json(plain)
    while len(text.encode()) > LONGEST_VALUES:
        del plain[max(plain, key=lambda name: len(str(plain[name])))]
        text = _json(plain)
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode(text: str) -> Checkpoint | None:
    """Back from text; None for anything that is not one of ours (a channel variable can hold whatever it likes)."""
    if not text or len(text) > 2 * LONGEST:
        return None
    try:
        flow, node, language, proof, coded = text.split(".")
        plain = dict(json.loads(base64.urlsafe_b64decode(coded.encode("ascii")))) if coded else {}
        return Checkpoint(flow, node, language, {str(name): _value(*item) for name, item in plain.items()}, proof)
    except (ValueError, TypeError, KeyError, ArithmeticError, UnicodeError):
        return None


_PLAIN: dict[type[Value], Callable[[Any], tuple[Any, ...]]] = {
    Price: lambda value: ("price", str(value.amount), value.unit),
    Percent: lambda value: ("percent", str(value.percent)),
    Change: lambda value: ("change", str(value.percent)),
    Code: lambda value: ("code", value.digits),
    Count: lambda value: ("count", value.number),
    Date: lambda value: ("date", value.day.isoformat()),
    Time: lambda value: ("time", value.time.isoformat()),
    Name: lambda value: ("name", dict(value.by_language)),
    Text: lambda value: ("text", dict(value.by_language)),
}


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
