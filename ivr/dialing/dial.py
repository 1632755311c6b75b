"""One dial, as far as it has come: what was seen of it, in memory. Pure: whoever writes here passes the time in.

Times are seconds since 1970.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from db.attempt import Attempt, End
from db.target import Target
from ivr.dialing.plan import Plan
from outbound.outcomes import FACTS, RANG_OUT, AfterAnswer, EndOfDial, Outcome

NEARLY: Final = 0.5  # seconds before the end of ringing that are the end of it, on another clock than Asterisk's


@dataclass(slots=True)
class Dial:
    """``row`` as the store had it last. ``leg`` is the channel to a seat that dials the customer, if one does;
    ``channel`` is the customer's. ``seen``: Asterisk has told of that channel. ``heard``, ``announcement``: what early
    media said. ``then``: the furthest that it came after the answer. ``lost``: nobody saw it end."""

    row: Attempt
    target: Target
    plan: Plan
    trunk: str = ""
    leg: str = ""
    channel: str = ""
    seen: bool = False
    sent: bool = False
    dialled_at: float | None = None
    rang_at: float | None = None
    answered_at: float | None = None
    served_at: float | None = None  # an agent, a notice, the safe-harbour message
    ended_at: float | None = None
    agent: str = ""
    reason: int | None = None
    cause: int = 0
    sip: int = 0
    cancelled: bool = False
    lost: bool = False
    heard: Outcome | None = None
    heard_ringing: bool = False
    announcement: str = ""
    then: AfterAnswer = ""
    disposition: str = ""
    over: bool = False  # its end is being written down
    told: asyncio.Event = field(default_factory=asyncio.Event)  # Asterisk has given it up, or it was answered

    @property
    def call(self) -> str:
        """The call's id."""
        return self.row.call

    @property
    def key(self) -> str:
        """By which the pacer knows it: from before there was a row."""
        return str(self.target.id)

    @property
    def by_seat(self) -> bool:
        """An agent was there first, and the leg to the seat dials the customer."""
        return self.row.mode in ("reserved", "preview")

    @property
    def ring_seconds(self) -> float:
        """From the network's work on it to the answer, or to the end."""
        if self.dialled_at is None:
            return 0.0
        until = self.answered_at or self.ended_at or self.dialled_at
        return max(until - (self.rang_at or self.dialled_at), 0.0)


def end_of(dial: Dial) -> EndOfDial:
    """All that was seen, for ``outbound.outcomes.outcome_of``."""
    reason = dial.reason
    if dial.answered_at is None and not dial.cancelled and not dial.lost and _rang_out(dial):
        reason = RANG_OUT  # told late or never: Asterisk gives a call up after just this time
    waited = 0.0
    if dial.answered_at is not None:
        waited = max((dial.served_at or dial.ended_at or dial.answered_at) - dial.answered_at, 0.0)
    return EndOfDial(
        trunk=dial.trunk,
        cause=dial.cause,
        sip=dial.sip,
        reason=reason,
        rang=dial.rang_at is not None or dial.heard_ringing,
        heard=dial.heard,
        cancelled=dial.cancelled,
        lost=dial.lost,
        answered=dial.answered_at is not None,
        for_agent=dial.plan.for_agents,
        then=dial.then,
        answered_seconds=waited,
    )


def written(dial: Dial, outcome: Outcome) -> End:
    """The end as the store keeps it."""
    facts = FACTS[outcome]
    return End(
        outcome,
        cause=dial.cause,
        sip=dial.sip,
        announcement=dial.announcement,
        ring_seconds=round(dial.ring_seconds, 1),
        live=facts.live,
        abandoned=outcome == "abandoned",
        phone=facts.phone,
    )


def _rang_out(dial: Dial) -> bool:
    if dial.dialled_at is None or dial.ended_at is None:
        return False
    return dial.ended_at - dial.dialled_at >= dial.plan.ring - NEARLY
