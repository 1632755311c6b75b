"""What an auditor reads of a call and of an account: who was proven how, what was asked, what was said back. Pure.

Made of the journal (what happened in calls) and of the audit trail (what was done to customers), in the order it
happened. Nothing here is secret: neither source holds a PIN, and the journal knows customers by the store's own number.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from db.audit import AuditEntry
from db.events import Event

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the trail. ``what`` is a word to look for, ``text`` what happened in words."""

    at: datetime.datetime
    what: str
    text: str
    who: str = ""  # a person or a command; empty for what happened in the call itself


def steps_of_call(events: Iterable[Event], entries: Iterable[AuditEntry]) -> list[Step]:
    """A call as an auditor reads it, with what it did to customers. Machine details of the journal are left out."""
    steps = [Step(event.at, _WHAT[event.kind], told(event.data)) for event in events if (told := _TOLD.get(event.kind))]
    steps += [Step(entry.at, entry.what, _in_words(entry.data)) for entry in entries]
    return sorted(steps, key=lambda step: step.at)


def steps_of_account(entries: Iterable[AuditEntry]) -> list[Step]:
    """What was done to a customer's data, the oldest first."""
    steps = [Step(entry.at, entry.what, _in_words(entry.data), entry.actor) for entry in entries]
    return sorted(steps, key=lambda step: step.at)


def _in_words(data: Data) -> str:
    return ", ".join(f"{name} {value}" for name, value in data.items() if value not in (None, "", {}, []))


def _began(data: Data) -> str:
    caller = data.get("caller") or "withheld"
    return f"line {data.get('line', '')}, caller ID {caller} (a hint, no proof), {data.get('language', '')}"


def _said(data: Data) -> str:
    return str(data.get("text", ""))


def _keyed(data: Data) -> str:
    return f"{data.get('keys') or 'nothing'} at {data.get('path', '')}"


def _service(data: Data) -> str:
    if "error" in data:
        return f"{data.get('name')} failed: {data['error']}"
    return f"{data.get('name')}: {data.get('exit')}"


_TOLD: Final[Mapping[str, Callable[[Data], str]]] = {
    "call.started": _began,
    "call.resumed": lambda data: f"goes on at {data.get('node', '')} with another controller",
    "call.ended": lambda data: f"by the {data.get('how', '')} at {data.get('node', 'the dialplan')}",
    "said": _said,
    "keyed": _keyed,
    "cut_short": lambda data: f"after {data.get('seconds')} s by a key",
    "skipped": lambda data: f"{', '.join(data.get('prompts', ()))}: the caller had typed ahead",
    "service": _service,
    "proven": lambda data: f"customer {data.get('customer')} by {_HOW.get(str(data.get('how')), data.get('how'))}",
    "recording": lambda data: f"into {data.get('name')}",
    "recorded": lambda data: f"{data.get('seconds')} s in {data.get('name')}",
    "language": lambda data: str(data.get("language", "")),
    "fault": lambda data: f"{data.get('error')} at {data.get('path', '')}",
}
_WHAT: Final[Mapping[str, str]] = {
    "call.started": "began",
    "call.resumed": "resumed",
    "call.ended": "ended",
    "said": "said",
    "keyed": "keyed",
    "cut_short": "cut short",
    "skipped": "skipped",
    "service": "asked",
    "proven": "PROVEN",
    "recording": "recording",
    "recorded": "recorded",
    "language": "language",
    "fault": "fault",
}
_HOW: Final[Mapping[str, str]] = {"pin": "PIN", "sms": "a code sent by text message"}
