"""Filling the places of a script's texts: ``{share}``, ``{deadline}``. Pure.

A target brings its values as text (``"2026-12-01"``), or as one text per language (``{"zh": "贵州茅台", "en": …}``);
each is written as the language writes it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ivr.errors import GoldlineError
from outbound.script import Script, ValueKind

PLACE: Final = re.compile(r"\{([^{}]*)\}")
LONGEST_VALUE: Final = 200  # characters
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,6})?%?")
_CODE: Final = re.compile(r"\+?[0-9A-Za-z*#-]{1,40}")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class BadValue(GoldlineError):
    """A value does not fit what the script says it is."""

    error_id: ClassVar[str] = "bad-value"


def places_of(text: str) -> tuple[str, ...]:
    """The values that a text names, in their order."""
    return tuple(PLACE.findall(text))


def filled(text: str, script: Script, values: Mapping[str, Any], language: str) -> str:
    """The text with its values written in. Raises BadValue when one is missing or of the wrong kind."""

    def write(match: re.Match[str]) -> str:
        name = match[1]
        kind = script.kind_of(name)
        if kind is None or name not in values:
            raise BadValue(f"There is no value {name!r} for the script {script.name}.", remedy="Give it to the target.")
        return written(name, kind, values[name], language)

    return PLACE.sub(write, text)


def filled_where_known(text: str, script: Script, values: Mapping[str, Any], language: str) -> str:
    """The same for an agent's eyes: what is missing stays as ``{name}``, and the agent sees that it is."""

    def write(match: re.Match[str]) -> str:
        try:
            return filled(match[0], script, values, language)
        except BadValue:
            return match[0]

    return PLACE.sub(write, text)


def faults_of(script: Script, data: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values that a target brings: one message for each."""
    faults = []
    for name, value in script.values.items():
        if name not in data:
            faults.append(f"there is no value {name!r}")
            continue
        for language in script.languages:
            try:
                written(name, value.kind, data[name], language)
            except BadValue as error:
                faults.append(error.message)
                break
    return faults


def written(name: str, kind: ValueKind, raw: Any, language: str) -> str:
    """A value as a language writes it. Raises BadValue."""
    if isinstance(raw, Mapping):
        raw = raw.get(language) or next((one for one in raw.values() if one), "")
    text = str(raw).strip() if isinstance(raw, str | int | float) and not isinstance(raw, bool) else ""
    if not text or len(text) > LONGEST_VALUE or not text.isprintable() or "{" in text or "}" in text:
        raise BadValue(f"The value {name!r} is empty, too long or not printable.", remedy="Correct the target's data.")
    try:
        match kind:
            case "date":
                day = datetime.date.fromisoformat(text)
                return f"{day.day} {_MONTHS[day.month - 1]} {day.year}" if language == "en" else _zh_day(day)
            case "time":
                time = datetime.time.fromisoformat(text)
                return f"{time:%H:%M}"
            case "number":
                return _matched(_NUMBER, text)
            case "code":
                return _matched(_CODE, text)
            case "text":
                return text
    except ValueError:
        raise BadValue(f"The value {name!r} is no {kind}.", remedy=_REMEDIES.get(kind, "")) from None


_REMEDIES: Final = {"date": "Write it as 2026-12-01.", "time": "Write it as 15:00.", "number": "Write digits."}


def _zh_day(day: datetime.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _matched(form: re.Pattern[str], text: str) -> str:
    if not form.fullmatch(text):
        raise ValueError(text)
    return text
