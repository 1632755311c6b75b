"""An attempt: one try to reach a target at one number. Frozen records; the rows are moved by ``db.attempts``."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from db.customer import PhoneState
from db.models import AttemptRow
from db.outbound_states import AttemptState, Mode

UNKNOWN: Final = "unknown"  # the outcome of an attempt that nobody saw end (outbound.outcomes)
NOT_DIALLED: Final = "not_dialled"  # … of one that was leased and given back
CALL_PREFIX: Final = "attempt-"


def is_attempt(call: str) -> bool:
    """This call's id is that of an attempt."""
    return call.startswith(CALL_PREFIX) and call.removeprefix(CALL_PREFIX).isdecimal()


def attempt_of_call(call: str) -> int | None:
    """The attempt's number in a call's id; None when the call is no attempt's."""
    return int(call.removeprefix(CALL_PREFIX)) if is_attempt(call) else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row. ``holder`` is whoever may move it: one life of one controller."""

    id: int
    campaign: str
    target: int
    customer: int | None
    number: str  # in stored form
    rank: int  # of the number: the customer's first telephone has 0
    mode: Mode
    chance: float  # of an answer, as it was thought when the number was chosen
    state: AttemptState
    holder: str
    lease_until: datetime.datetime | None
    channel: str  # the id of the channel that dials, and then talks
    trunk: str
    leased_at: datetime.datetime
    dialled_at: datetime.datetime | None
    answered_at: datetime.datetime | None
    connected_at: datetime.datetime | None  # an agent, or the notice, began to talk
    ended_at: datetime.datetime | None
    agent: str
    outcome: str  # a word of ``outbound.outcomes``, or NOT_DIALLED; "": not ended
    cause: int  # Q.850; 0: none
    sip: int  # the last SIP code; 0: none
    announcement: str  # which reference recording the early media was like; "": none
    ring_seconds: float
    live: bool  # a person answered
    abandoned: bool  # … and had no agent in time
    disposition: str  # what the agent says came of the talk
    note: str
    version: int

    @property
    def call(self) -> str:
        """The id under which the journal and Asterisk know the call."""
        return f"{CALL_PREFIX}{self.id}"


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended, and what that says of the number. ``outcome`` is a word of ``outbound.outcomes``."""

    outcome: str
    cause: int = 0
    sip: int = 0
    announcement: str = ""
    ring_seconds: float = 0.0
    live: bool = False
    abandoned: bool = False
    phone: PhoneState | None = None  # what the number has turned out to be; None: nothing new


@dataclass(frozen=True, slots=True)
class PastDial:
    """One dial of the past, for the rules on how often a number and a customer may be called."""

    number: str
    customer: int | None
    campaign: str
    target: int
    dialled_at: datetime.datetime
    outcome: str  # "": it goes on
    abandoned: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a campaign, by when people answered: of how many, and how many of them had no agent in time."""

    begins: datetime.datetime
    live: int
    abandoned: int


def attempt_of(row: AttemptRow) -> Attempt:
    """The record of this row."""
    return Attempt(
        id=row.id,
        campaign=row.campaign,
        target=row.target_id,
        customer=row.customer_id,
        number=row.number,
        rank=row.rank,
        mode=row.mode,  # type: ignore[arg-type]  # the table's own check
        chance=row.chance,
        state=row.state,  # type: ignore[arg-type]  # the table's own check
        holder=row.holder,
        lease_until=row.lease_until,
        channel=row.channel,
        trunk=row.trunk,
        leased_at=row.leased_at,
        dialled_at=row.dialled_at,
        answered_at=row.answered_at,
        connected_at=row.connected_at,
        ended_at=row.ended_at,
        agent=row.agent,
        outcome=row.outcome,
        cause=row.cause,
        sip=row.sip,
        announcement=row.announcement,
        ring_seconds=row.ring_seconds,
        live=row.live,
        abandoned=row.abandoned,
        disposition=row.disposition,
        note=row.note,
        version=row.version,
    )
