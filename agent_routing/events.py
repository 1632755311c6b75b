"""What the routing engine is told. Every event is a fact about one caller or one seat, without a time: that is given
along with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent_routing.pool import Caller, Seat


@dataclass(frozen=True, slots=True)
class CallerJoins:
    """A caller wants a person."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class CallerChanges:
    """A waiting caller's tier, needs or place changed. The ``joined`` of the new record counts."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class CallerLeaves:
    """A caller hung up or is served elsewhere."""

    caller: str


@dataclass(frozen=True, slots=True)
class SeatKnown:
    """A seat is there, or what is known of it (agent, skills, branch) changed. A new one is paused at first."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class SeatIdle:
    """A seat can take a caller."""

    seat: str


@dataclass(frozen=True, slots=True)
class SeatBusy:
    """A seat talks or wraps up, whoever brought it there. ``since`` when the talk began, if not now."""

    seat: str
    since: float | None = None


@dataclass(frozen=True, slots=True)
class SeatPaused:
    """The agent takes a break."""

    seat: str


@dataclass(frozen=True, slots=True)
class SeatGone:
    """The seat is not there any more: logged out, or its line dropped."""

    seat: str


@dataclass(frozen=True, slots=True)
class SeatAccepted:
    """The seat took the caller it was reserved for; the two talk."""

    seat: str
    caller: str


@dataclass(frozen=True, slots=True)
class SeatRefused:
    """The seat refused the caller it was reserved for, or did not answer."""

    seat: str
    caller: str


@dataclass(frozen=True, slots=True)
class DayBegins:
    """A new day: calls are counted from nought."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened but time went by: sent at ``Engine.next_wakeup()``."""


Event = (
    CallerJoins
    | CallerChanges
    | CallerLeaves
    | SeatKnown
    | SeatIdle
    | SeatBusy
    | SeatPaused
    | SeatGone
    | SeatAccepted
    | SeatRefused
    | DayBegins
    | Tick
)
