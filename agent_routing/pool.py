"""Who waits and who may answer, as the routing engine sees them. Pure data.

Times are seconds on whatever clock the engine is driven with. Knows neither channels nor tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from db.customer import Tier

SeatState = Literal["idle", "reserved", "busy", "resting", "paused", "gone"]
INBOUND: Final = "inbound"  # the pool of seats that answer callers in the ordinary way


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller who wants a person.

    ``joined`` is when the wait began; a caller who comes back (after a restart, a lost seat, a callback) keeps it.
    ``managers`` are agent ids: the dedicated manager, then who stands in. ``required`` and ``wished`` say the least
    level of each skill; what is required is never relaxed. ``front`` marks a caller who lost the seat in the middle of
    a talk, or whom a supervisor moved up: such a caller comes right after the strict tiers. ``at_once`` marks somebody
    whom we called, who waits for nobody: comes before everybody, and every ring is open from the beginning.
    """

    id: str
    tier: Tier
    joined: float
    language: str = ""
    dialect: str = ""
    branch: str = ""
    managers: tuple[str, ...] = ()
    required: Mapping[str, int] = field(default_factory=dict)
    wished: Mapping[str, int] = field(default_factory=dict)
    front: bool = False
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat and the agent who sits there. ``languages`` holds dialects, too. ``calls_today`` is for fairness."""

    id: str
    agent: str
    skills: Mapping[str, int] = field(default_factory=dict)
    languages: frozenset[str] = frozenset()
    branch: str = ""
    head_office: bool = False
    pool: str = INBOUND
    calls_today: int = 0


@dataclass(frozen=True, slots=True)
class SeatNow:
    """A seat, its state, since when, and whom it is reserved for or talks with ("" when nobody)."""

    seat: Seat
    state: SeatState
    since: float
    caller: str = ""
