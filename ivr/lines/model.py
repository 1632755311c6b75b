"""The lines as records: what ``lines.yaml`` says, read and checked. Pure.

A *line* is a service that callers reach by its numbers; a *trunk group* is the telephone lines whose calls compete for
one another's place.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ivr.lines.allocation import CallClass, TrunkGroup
from ivr.lines.hours import Calendar, Hours

Channel = Literal["others", "registered", "trading"]
Tier = Literal["normal", "silver", "gold", "platinum"]
CHANNELS: Final[tuple[Channel, ...]] = ("others", "registered", "trading")
TIERS: Final[tuple[Tier, ...]] = ("normal", "silver", "gold", "platinum")  # the lowest first, as in the store


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a caller ID points to: a hint, never proof. Good enough for a place in line, for nothing else."""

    channel: Channel
    tier: Tier = "normal"


@dataclass(frozen=True, slots=True)
class Line:
    """One line."""

    id: str
    name: str
    numbers: tuple[str, ...]
    trunks: str  # the trunk group its calls come over
    flow: str
    language: str
    hours: Hours
    channel: Channel = "others"  # whom the number is for
    tier: Tier = "normal"  # … and from which tier on
    tier_flows: Mapping[Tier, str] = field(default_factory=dict)  # instead of ``flow``, for recognised callers
    closed_prompt: str = ""
    closed_flow: str = ""  # where a caller goes after the prompt; without it the call ends
    scarce_prompt: str = ""
    scarce_flow: str = ""  # the same for a caller who is asked to call back: to leave a number
    at: int = 1  # its place in the file

    def flow_for(self, tier: Tier) -> str:
        """The flow for a caller of this tier: its own, that of the nearest tier below that has one, or the ordinary."""
        for name in reversed(TIERS[: TIERS.index(tier) + 1]):
            if name in self.tier_flows:
                return self.tier_flows[name]
        return self.flow

    def class_of(self, known: Known | None) -> CallClass:
        """The class in which a call competes for a line.

        Who is recognised counts as what they are; who is not, as those the number is for: to know the gold line's
        number is as good a hint as a caller ID.
        """
        return call_class(known.channel, known.tier) if known else call_class(self.channel, self.tier)


@dataclass(frozen=True, slots=True)
class Trunks:
    """A trunk group, and how many callers who were asked to call back may leave their number at once beyond it."""

    group: TrunkGroup
    leaving_number: int = 0


@dataclass(frozen=True, slots=True)
class LinePlan:
    """All lines and trunk groups that serve at one moment."""

    lines: Mapping[str, Line]
    trunks: Mapping[str, Trunks]
    default: str  # the line of every number that is no line's; empty: such a number is unallocated
    zone: ZoneInfo
    calendar: Calendar
    version: str = ""
    _by_number: Mapping[str, Line] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_number = {number: line for line in self.lines.values() for number in line.numbers}
        object.__setattr__(self, "_by_number", by_number)

    def line_of(self, number: str) -> Line | None:
        """The line that a dialled number belongs to; None when it is nobody's."""
        return self._by_number.get(number) or self.lines.get(self.default)

    def open_at(self, line: Line, moment: datetime.datetime) -> bool:
        """Whether a line is open at a moment (timezone-aware)."""
        return line.hours.open_at(moment, self.zone, self.calendar)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number of every line."""
        return tuple(number for line in self.lines.values() for number in line.numbers)


def call_class(channel: Channel, tier: Tier) -> CallClass:
    """Gold and platinum are classes of their own; below them the access channel counts."""
    return tier if tier == "platinum" or tier == "gold" else channel
