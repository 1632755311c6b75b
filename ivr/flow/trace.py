"""What a call did, step by step, each step at its path: ``main/menu/1 -> main/enter_code``. Pure.

Only what changed is written, and of a secret only that it was given.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivr.speech.values import Code, Count, Value

HIDDEN = "(secret)"
MOST_STEPS = 2000  # kept in memory per call; the journal has all of them
MOST_TEXT = 500  # characters of one value in a trace: enough to recognise a notice


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened in a flow."""

    kind: str
    path: str
    data: Mapping[str, Any]


@dataclass
class Trace:
    """The steps of one call; ``follow`` sees each one as it happens."""

    follow: Callable[[Step], None] | None = None
    steps: list[Step] = field(default_factory=list)

    def add(self, kind: str, path: str, data: Mapping[str, Any]) -> None:
        """Write one step."""
        step = Step(kind, path, data)
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)
        if self.follow:
            self.follow(step)


def shown(value: Value) -> Any:
    """A value as a trace shows it: JSON, short."""
    if isinstance(value, Code):
        return value.digits
    if isinstance(value, Count):
        return value.number
    inner = next(getattr(value, name) for name in type(value).__dataclass_fields__)
    if isinstance(inner, Mapping):
        text = inner.get("zh") or next(iter(inner.values()), "")
        return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
    if isinstance(inner, decimal.Decimal | datetime.date | datetime.time):
        return str(inner)
    return inner
