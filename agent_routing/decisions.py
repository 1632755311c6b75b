"""What the routing engine decides, and why. Pure data, and its words for the trace of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from db.customer import Tier

# In the order in which they are served.
Standing = Literal["strict", "front", "past the longest wait", "by urgency"]
WithdrawReason = Literal["caller left", "lease expired", "seat not idle", "reservation over"]


class Rival(NamedTuple):
    """A caller who wanted the same seat and was less urgent: the first of each tier."""

    caller: str
    tier: Tier
    standing: Standing
    waited: float
    urgency: float


class Why(NamedTuple):
    """Why this caller got this seat. ``ring`` is the one through which they met; ``idle_others`` other idle seats."""

    caller: str
    tier: Tier
    standing: Standing
    waited: float
    urgency: float
    ring: str
    seat: str
    idle_for: float
    idle_others: int
    rivals: tuple[Rival, ...]

    def words(self) -> tuple[str, ...]:
        """The reasons as sentences."""
        found = [
            f"{self.caller} ({self.tier}, {self.standing}, urgency {self.urgency:.2f}) waited {self.waited:.1f} s.",
            f"Seat {self.seat} was reached through the ring {self.ring!r} and had been idle for {self.idle_for:.1f} s.",
        ]
        found += [
            f"{rival.caller} ({rival.tier}, {rival.standing}, urgency {rival.urgency:.2f}, waited {rival.waited:.1f} s)"
            " wanted the same seat and comes later."
            for rival in self.rivals
        ]
        if self.idle_others:
            found.append(
                f"{self.idle_others} other seats were idle: in a wider ring, after it in turn, or not fitting."
            )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Ring this seat for this caller; without an answer by ``lease_until`` the reservation ends by itself."""

    seat: str
    caller: str
    lease_until: float
    why: Why


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Stop ringing this seat for this caller: the reservation is over."""

    seat: str
    caller: str
    reason: WithdrawReason


Decision = Reserve | Withdraw


@dataclass(frozen=True, slots=True)
class WhyWaiting:
    """Why a caller still waits: the place in the order, the rings, and how many seats fail for which reason."""

    caller: str
    tier: Tier
    standing: Standing
    waited: float
    urgency: float
    position: int
    rings_open: tuple[str, ...]
    next_ring: str
    next_ring_at: float | None
    seats: Mapping[str, int]
    held_for: str = ""

    def words(self) -> tuple[str, ...]:
        """The reasons as sentences."""
        found = [
            f"{self.caller} ({self.tier}, {self.standing}, urgency {self.urgency:.2f}) has waited {self.waited:.1f} s "
            f"and is number {self.position} in the order of urgency.",
            f"Rings open: {', '.join(self.rings_open) or 'none'}.",
        ]
        if self.held_for:
            found.append(f"Held for a moment for the dedicated manager {self.held_for}.")
        if self.next_ring_at is not None:
            found.append(f"Next: {self.next_ring!r} at {self.next_ring_at:.1f}.")
        found += [f"{count} seats: {reason}." for reason, count in self.seats.items()]
        return tuple(found)
