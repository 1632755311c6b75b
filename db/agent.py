"""An agent, a seat and what an agent is doing, as the rest of Goldline sees them. Pure, knows no table.

Agent: a person. Seat: where an agent can be rung. Session: the agent at a seat, in exactly one state.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from db.customer import Dialect, Language

Role = Literal["agent", "senior", "supervisor"]
Standing = Literal["active", "left"]
SeatKind = Literal["softphone", "browser", "mobile", "trunk"]
State = Literal["logged_out", "idle", "reserved", "ringing", "talking", "wrap_up", "paused", "gone"]

ROLES: Final[tuple[Role, ...]] = ("agent", "senior", "supervisor")
STANDINGS: Final[tuple[Standing, ...]] = ("active", "left")
SEAT_KINDS: Final[tuple[SeatKind, ...]] = ("softphone", "browser", "mobile", "trunk")
ENDPOINT_KINDS: Final[frozenset[SeatKind]] = frozenset(("softphone", "browser"))  # the others are dialled by number
STATES: Final[tuple[State, ...]] = (
    "logged_out",
    "idle",
    "reserved",
    "ringing",
    "talking",
    "wrap_up",
    "paused",
    "gone",
)
WITH_CALL: Final[frozenset[State]] = frozenset(("reserved", "ringing", "talking"))
OFFERED: Final[frozenset[State]] = frozenset(("reserved", "ringing"))  # one call is offered to one agent at a time

LEVELS: Final = range(1, 6)  # of a skill; 5 is the best


@dataclass(frozen=True, slots=True)
class Agent:
    """One person who answers calls. Never holds a PIN nor its hash: those stay in ``db.agent_pins``."""

    id: str  # digits, so that a telephone can key it
    name_zh: str = ""
    name_en: str = ""
    branch: str = ""  # its code; "": head office
    languages: tuple[Language, ...] = ("zh",)
    dialects: tuple[Dialect, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)  # by name, with a level from LEVELS
    role: Role = "agent"
    calls_per_day: int | None = None  # for fairness: after so many, others come first; None: no limit
    standing: Standing = "active"

    def name(self, language: str) -> str:
        """The name in this language, or the one there is."""
        return (self.name_en or self.name_zh) if language == "en" else (self.name_zh or self.name_en)


@dataclass(frozen=True, slots=True)
class Seat:
    """One place that can be rung: a PJSIP endpoint of ours, or a number that is reached through a trunk."""

    id: str
    kind: SeatKind
    endpoint: str = ""  # of a softphone or browser
    trunk: str = ""  # of a mobile or trunk seat: the name of the trunk …
    number: str = ""  # … and the number, in stored form or an extension behind that trunk
    branch: str = ""  # its code; "": head office
    accept_key: bool = False  # the agent presses a key to take a call, so that no voicemail does
    kept_open: bool = False  # the leg to this seat stays up between calls


@dataclass(frozen=True, slots=True)
class Session:
    """What an agent is doing. ``version`` rises with every change: whoever saw an older one decides anew."""

    agent: str
    state: State
    since: datetime.datetime
    seat: str = ""  # empty exactly when logged out
    call: str = ""  # the call that is offered, talked or wrapped up
    until: datetime.datetime | None = None  # when the lease, the ringing or the wrap-up ends by itself
    reason: str = ""  # of a pause; of a gone seat, what happened to it
    next_state: State | None = None  # after the call: paused or logged_out; of a gone seat: what its return brings
    next_reason: str = ""  # of the pause that comes then
    missed: int = 0  # offers in a row that were refused or not answered
    version: int = 0


@dataclass(frozen=True, slots=True)
class StateChange:
    """One line of the history: the agent was in ``from_state`` from ``since`` until ``at``. Never changed.

    Since each line spans a whole interval, every figure of time is a sum over lines.
    """

    agent: str
    seat: str
    since: datetime.datetime
    at: datetime.datetime
    from_state: State
    to_state: State
    why: str  # what happened: answer, no_answer, hang_up, pause, expired …
    actor: str  # an agent's id, a person at the command line, or goldline
    call: str = ""
    from_reason: str = ""  # of the pause that ends; what had happened to a gone seat
    to_reason: str = ""  # of the pause that begins; what happened to a seat that is gone now
    id: int = 0  # given by the store
