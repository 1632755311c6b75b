"""What may be done with a talk in which stage. Pure: no channels, no clock.

together ──hold──► held ──consult──► asking ──answer──► asked ──conference──► conference
    ▲               │  ▲                │                │
    └───resume──────┴──┴──── resume ────┴───resume───────┘        verifying ──► together, by itself
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from ivr.errors import GoldlineError

Stage = Literal["together", "held", "asking", "asked", "conference", "verifying", "elsewhere"]
Act = Literal["hold", "resume", "transfer", "consult", "complete", "conference", "verify", "take_over"]

_ALLOWED: Final[Mapping[Act, frozenset[Stage]]] = {
    "hold": frozenset(("together",)),
    "resume": frozenset(("held", "asking", "asked")),
    "transfer": frozenset(("together", "held")),
    "consult": frozenset(("together", "held")),
    "complete": frozenset(("asked",)),
    "conference": frozenset(("asked",)),
    "verify": frozenset(("together", "held")),
    "take_over": frozenset(("together", "held")),
}
_SAID: Final[Mapping[Stage, str]] = {
    "together": "talks with the caller",
    "held": "has the caller on hold",
    "asking": "is ringing somebody else",
    "asked": "is asking somebody else",
    "conference": "is in a conference",
    "verifying": "has a caller who is proving who it is",
    "elsewhere": "has a caller who is being moved at this moment",
}
_REMEDIES: Final[Mapping[Stage, str]] = {
    "together": "Put the caller on hold, or ask somebody, first.",
    "held": "Resume first, or ask somebody.",
    "asking": "Wait for an answer, or return to the caller.",
    "asked": "Complete, make it a conference, or return to the caller.",
    "conference": "Hang up to leave the conference; the others go on.",
    "verifying": "Wait until the caller is back.",
    "elsewhere": "Look again in a moment.",
}


class NotNow(GoldlineError):
    """The talk's stage does not allow it."""

    error_id: ClassVar[str] = "talk-not-now"


def check(agent: str, act: Act, stage: Stage) -> None:
    """Raises NotNow unless ``act`` is possible in ``stage``."""
    if stage not in _ALLOWED[act]:
        raise NotNow(f"Agent {agent} {_SAID[stage]}: no {act.replace('_', ' ')}.", remedy=_REMEDIES[stage])
