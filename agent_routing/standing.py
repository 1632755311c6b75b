"""The engine's records of a waiting caller and of a seat, while they stand in its indexes. No decisions here."""

from __future__ import annotations

from typing import NamedTuple

from agent_routing.pool import Caller, Seat, SeatState
from agent_routing.shelves import Ability, Demand, Placed, Scope, Shelf

IdleKey = tuple[bool, int, float, str, "Stand"]  # over the cap, skills to spare, idle since, id


class Place(NamedTuple):
    """A ring open for a caller: its number (the lending rules count on after the rings), its circle, what it asks."""

    ring: int
    scope: Scope
    demand: Demand


class Waiting:
    """A caller in the engine."""

    __slots__ = (
        "barred", "caller", "held_for", "held_until", "lane", "placed", "places", "seat", "shelved", "shelves", "steps"
    )  # fmt: skip

    def __init__(self, caller: Caller, tier_index: int) -> None:
        self.caller = caller
        self.lane = 2 * tier_index + (0 if caller.front or caller.at_once else 1)
        self.placed: Placed
        self.places: list[Place] = []
        self.shelves: dict[Scope, tuple[Shelf, Placed]] = {}
        self.steps: list[tuple[float, int]] = []  # (due, ring), the next one last
        self.shelved = False
        self.barred: dict[str, float] = {}  # seats that refused, and until when
        self.seat = ""  # the one that is reserved
        self.held_for = ""  # the dedicated manager
        self.held_until = 0.0


class Stand:
    """A seat in the engine."""

    __slots__ = (
        "ability", "barred", "caller", "calls_today", "idle_key", "idle_lists", "idle_since", "lease_until", "own",
        "scopes", "seat", "shelves", "since", "state"
    )  # fmt: skip

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.ability: Ability
        self.scopes: tuple[Scope, ...] = ()
        self.shelves: tuple[tuple[Shelf, ...], ...] = ()  # that it can serve, by lane
        self.own: tuple[tuple[Shelf, ...], ...] = ()  # of customers whose manager sits here
        self.idle_lists: tuple[list[IdleKey], ...] = ()
        self.idle_key: IdleKey | None = None  # set while it stands among the idle seats
        self.state: SeatState = "paused"
        self.since = 0.0
        self.idle_since = 0.0
        self.caller = ""
        self.lease_until = 0.0
        self.calls_today = seat.calls_today
        self.barred: dict[str, float] = {}  # callers it refused, and until when
