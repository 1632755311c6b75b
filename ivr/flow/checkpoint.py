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
from typing import Any, Literal

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

LONGEST = 3000  # Asterisk substitutes variables in 4,096 bytes (VAR_BUF_SIZE in pbx_variables.c)
LONGEST_VALUES = 2000  # bytes: base64 adds a third, the place takes up to 200

_quoted = json.encoder.encode_basestring


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
    encoded = {name: _ENCODED[type(value)](value) for name, value in values.items()}
    text = _joined(encoded)
    while len(text.encode()) > LONGEST_VALUES:
        del encoded[max(encoded, key=lambda name: len(encoded[name]))]
        text = _joined(encoded)
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


def _joined(encoded: Mapping[str, str]) -> str:
    # Names are letters, digits and _ (ivr.datafile.fields.NAME).
    return "{" + ",".join([f'"{name}":{value}' for name, value in encoded.items()]) + "}"


def _words(kind: str, by_language: Mapping[str, str]) -> str:
    texts = ",".join([f"{_quoted(language)}:{_quoted(text)}" for language, text in by_language.items()])
    return f'["{kind}",{{{texts}}}]'


# By hand: the library's encoder costs a call more than all the rest of a checkpoint. Only words need quoting.
_ENCODED: dict[type[Value], Callable[[Any], str]] = {
    Price: lambda value: f'["price","{value.amount}","{value.unit}"]',
    Percent: lambda value: f'["percent","{value.percent}"]',
    Change: lambda value: f'["change","{value.percent}"]',
    Move: lambda value: f'["move","{value.amount}","{value.percent}","{value.unit}"]',
    Volume: lambda value: f'["volume",{value.shares}]',
    Turnover: lambda value: f'["turnover","{value.amount}"]',
    Code: lambda value: f'["code",{_quoted(value.digits)}]',
    Count: lambda value: f'["count",{value.number}]',
    Date: lambda value: f'["date","{value.day.isoformat()}"]',
    Day: lambda value: f'["day","{value.day.isoformat()}"]',
    Time: lambda value: f'["time","{value.time.isoformat()}"]',
    Name: lambda value: _words("name", value.by_language),
    Text: lambda value: _words("text", value.by_language),
}


def _value(kind: str, first: Any, *rest: Any) -> Value:
    match kind:
        case "price":
            return Price(Decimal(first), _unit(rest[0]))
        case "percent":
            return Percent(Decimal(first))
        case "change":
            return Change(Decimal(first))
        case "move":
            return Move(Decimal(first), Decimal(rest[0]), _unit(rest[1]))
        case "volume":
            return Volume(int(first))
        case "turnover":
            return Turnover(Decimal(first))
        case "code":
            return Code(str(first))
        case "count":
            return Count(int(first))
        case "date":
            return Date(datetime.date.fromisoformat(first))
        case "day":
            return Day(datetime.date.fromisoformat(first))
        case "time":
            return Time(datetime.time.fromisoformat(first))
        case "name":
            return Name({str(language): str(text) for language, text in first.items()})
        case "text":
            return Text({str(language): str(text) for language, text in first.items()})
    raise KeyError(kind)


def _unit(word: str) -> Literal["yuan", "points"]:
    if word == "yuan":
        return "yuan"
    if word == "points":
        return "points"
    raise ValueError(word)
