"""What a board is made of. Pure data; times in seconds since 1970 or plain seconds, as each says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agent_routing.decisions import Standing
from agent_routing.policy import Target
from agent_routing.seats import Finding, Leg, Reach
from db.agent import State
from db.customer import Tier
from ivr.wallboard.picture import Link
from ivr.wallboard.service import Level
from ivr.wallboard.sights import Part

AlertKind = Literal[
    "asterisk_away",
    "controller_away",
    "database_away",
    "waits_too_long",
    "no_language",
    "no_skill",
    "branch_offline",
    "below_target",
    "disagreement",
]
PARTS: Final[tuple[Part, ...]] = ("asterisk", "controller", "database")


@dataclass(frozen=True, slots=True)
class WaitingCaller:
    """One caller who waits, or is being offered to ``seat``. ``joined`` in seconds since 1970."""

    call: str
    number: str
    tier: Tier
    joined: float
    waited: float
    urgency: float
    standing: Standing
    language: str
    branch: str
    line: str
    seat: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """A caller and an agent in conversation, ``seconds`` long by now."""

    call: str
    number: str
    tier: Tier | None
    agent: str
    seat: str
    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class SeatRow:
    """One seat and who sits there; ``finding`` says how the store and Asterisk disagree, "" when they agree."""

    seat: str
    branch: str
    agent: str
    state: State
    since: float
    reason: str
    reach: Reach
    leg: Leg
    finding: Finding | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class TierRow:
    """One tier: who waits now, and how well it was served lately and today."""

    tier: Tier
    waiting: int
    longest: float
    target: Target
    lately: Level
    today: Level


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a supervisor should look at. ``subject`` is a tier, branch, language, skill, seat or nothing."""

    kind: AlertKind
    subject: str = ""
    count: int = 0
    seconds: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that is shown, at ``at`` (seconds since 1970)."""

    at: float
    links: Mapping[Part, Link]
    alerts: tuple[Alert, ...]
    tiers: tuple[TierRow, ...]
    waiting: tuple[WaitingCaller, ...]  # whoever is next comes first
    talks: tuple[Talk, ...]  # the longest first
    seats: tuple[SeatRow, ...]  # by branch, then seat; only those where somebody sits, or that can be watched
    names: Mapping[str, tuple[str, str]] = field(repr=False)  # of agents and branches, by id: in Chinese, in English
