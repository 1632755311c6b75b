"""What services are given, taken out of its wrapping. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Final

from ivr.speech.values import Code, Count, Value

_HHMM: Final = re.compile(r"([01][0-9]|2[0-4])([0-5][0-9])")
MOST_ROW_DIGITS: Final = 18  # of a row's number: both databases count to 9.2e18


def digits(inputs: Mapping[str, Value], name: str) -> str:
    """The digits of a Code. Raises TypeError: the flow's check lets nothing else come here."""
    value = inputs[name]
    if not isinstance(value, Code):
        raise TypeError(f"the input `{name}` is a {type(value).__name__}, not a Code")
    return value.digits


def number(inputs: Mapping[str, Value], name: str) -> int:
    """The number of a Count. Raises TypeError."""
    value = inputs[name]
    if not isinstance(value, Count):
        raise TypeError(f"the input `{name}` is a {type(value).__name__}, not a Count")
    return value.number


def row_number(keyed: str) -> int:
    """A row's number out of digits; 0, which no row has, for anything else."""
    return int(keyed) if keyed.isascii() and keyed.isdigit() and len(keyed) <= MOST_ROW_DIGITS else 0


def time_of_day(keyed: str) -> datetime.time | None:
    """Four digits ``hhmm`` as a time; 2400 is midnight; None for what is no time."""
    match = _HHMM.fullmatch(keyed)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2])
    if hour == 24:
        return datetime.time(0, 0) if minute == 0 else None
    return datetime.time(hour, minute)
