"""Days of an outbound campaign on a virtual clock: the pacer of the live dialer, or another policy, at simulated seats.

Pure: everything is drawn from a seed; the same seed and policy give the same day. The model is the one in which the
targets of docs/pacing.md were measured: post-dial delay U(1, 3) s, ringing until the answer Gamma(4) with mean 10 s cut
at the longest ring, a share of the dials that are not answered fails at once and the rest rings out, talk and wrap-up
lognormal, an answered call that has no agent within 2 s is abandoned. Agents ask to leave: from then on the policy does
not count them; they go at the end of their call, but stay for up to 25 s for whoever was dialled with them in mind.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal, Protocol, runtime_checkable

from outbound.pacing import Limits, PacingDecision, SeatState

TICK: Final = 0.5  # seconds between two decisions
NO_LIMITS: Final = Limits()
MOST_ONE_BY_ONE: Final = 500  # dials of a policy that waits for what becomes of each


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the day in which things are as they are."""

    seconds: float
    seats: int
    answer: float  # share of the dials that a person answers
    talk_mean: float = 120.0
    talk_cv: float = 0.8
    wrap_mean: float = 20.0
    wrap_cv: float = 0.5


@dataclass(frozen=True, slots=True)
class World:
    """What a day is made of."""

    stretches: tuple[Stretch, ...]
    setup: tuple[float, float] = (1.0, 3.0)  # post-dial delay, s
    ring_mean: float = 10.0
    ring_shape: float = 4.0
    ring_at_most: float = 25.0
    patience: float = 2.0
    leaving: float = 25.0  # seconds for which an agent who asked to leave still takes a call that was dialled before
    fast: float = 0.2  # share of the unanswered dials that fail at once
    short: float = 0.0  # share of the talks that are short
    short_mean: float = 12.0
    machines: float = 0.0  # share of the dials that a machine answers
    false_machine: float = 0.0  # share of the persons that are taken for a machine and hung up on
    missed_machine: float = 0.0  # share of the machines that reach an agent
    missed_seconds: float = 8.0  # what that costs the agent

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.stretches)


@dataclass(slots=True)
class Hour:
    """What happened in one hour of the day (or in all of it)."""

    dialled: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: float = 0.0
    cancelled: int = 0
    worked: float = 0.0  # seconds of talk and wrap-up
    logged_in: float = 0.0  # seconds

    @property
    def utilisation(self) -> float:
        return self.worked / self.logged_in if self.logged_in else 0.0

    @property
    def abandoned_share(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0


@dataclass(slots=True)
class Day:
    """The hours of a simulated day."""

    hours: list[Hour]
    decisions: int = 0
    highest_rolling_hour: float = 0.0  # highest abandoned share of any rolling hour with enough answered calls
    _recent: list[tuple[float, int]] = field(default_factory=list)

    def total(self) -> Hour:
        total = Hour()
        for hour in self.hours:
            for name in Hour.__slots__:
                setattr(total, name, getattr(total, name) + getattr(hour, name))
        return total

    def worst_hour(self, enough: int = 1) -> float:
        return max((hour.abandoned_share for hour in self.hours if hour.answered >= enough), default=0.0)


class Policy(Protocol):
    """What the simulator tells and asks: ``outbound.pacing.Pacer`` has this shape."""

    def dialled(self, dial: str, now: float, chance: float | None = None) -> None: ...

    def ringing(self, dial: str, now: float) -> None: ...

    def answered(self, dial: str, now: float) -> None: ...

    def failed(self, dial: str, now: float, *, fast: bool = False) -> None: ...

    def cancelled(self, dial: str, now: float) -> None: ...

    def connected(self, dial: str, now: float) -> None: ...

    def abandoned(self, dial: str, now: float) -> None: ...

    def taken_for_machine(self, calls: float, now: float) -> None: ...

    def seat(self, seat: str, state: SeatState, now: float) -> None: ...

    def decide(self, now: float, limits: Limits, upcoming: Sequence[float | None] = ()) -> PacingDecision: ...


@runtime_checkable
class Seer(Protocol):
    """A policy that may see what only fate knows."""

    def look(self, seats: Mapping[str, SimulatedSeat], futures: Mapping[str, Future]) -> None: ...


class Leads(Protocol):
    """The list of numbers: whom to dial next, and whether they answer."""

    def upcoming(self, now: float) -> Sequence[float | None]:
        """The chances of the next candidates as the dialer believes them; empty: nothing is known."""

    def take(self, now: float, dial: int) -> tuple[float | None, float | None]:
        """The next candidate, dialled as number ``dial``: (believed chance, true chance); None as true chance: that of
        the stretch."""

    def resolved(self, now: float, dial: int, answered: bool | None) -> None:
        """What became of it; None: we gave it up."""


@dataclass(slots=True)
class Future:
    """What fate holds for one dial."""

    at: float
    kind: Literal["person", "machine", "missed_machine", "failed", "fast"]


@dataclass(slots=True)
class SimulatedSeat:
    """A seat's state and when it will be free of its talk and wrap-up."""

    state: SeatState = "gone"
    since: float = 0.0
    free_at: float = math.inf
    wrap: float = 0.0  # of the talk that goes on
    leaves_from: float = math.inf  # asked to leave, and may go from then on


_RINGING, _END, _PATIENCE, _TALK_END, _WRAP_END, _SHIFT, _LEAVE = range(7)


class Simulation:
    """One day of one policy."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        seed: int,
        *,
        leads: Leads | None = None,
        tick: float = TICK,
        eager: bool = True,
    ) -> None:
        """``tick``: seconds between two decisions. ``eager``: ask the policy after each fact that may change its mind
        too."""
        self.world = world
        self.policy = policy
        self.eager = eager
        self.tick = tick
        self.leads = leads
        self._one_by_one = isinstance(policy, Seer)
        self.now = 0.0
        self.day = Day([Hour() for _ in range(max(1, math.ceil(world.seconds / 3600.0)))])
        self.futures: dict[str, Future] = {}
        self.seats: dict[str, SimulatedSeat] = {}
        self._fate = Random(f"dials-{seed}")  # noqa: S311 - no secret is drawn
        self._work = Random(f"talks-{seed}")  # noqa: S311 - no secret is drawn
        self._events: list[tuple[float, int, int, str]] = []
        self._count = 0
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, float] = {}
        self._idle: dict[str, float] = {}  # in the order in which they came free
        self._leaving: dict[str, float] = {}  # idle, but asked to leave
        self._present = 0
        self._stretch = world.stretches[0]
        begin = 0.0
        for index, stretch in enumerate(world.stretches):
            self._push(begin, _SHIFT, str(index))
            begin += stretch.seconds
        self._logins_since = 0.0
        if isinstance(policy, Seer):
            policy.look(self.seats, self.futures)

    def run(self) -> Day:
        end = self.world.seconds
        tick = 0.0
        while True:
            at = self._events[0][0] if self._events else math.inf
            if tick <= at:
                if tick >= end:
                    break
                self.now = tick
                self._decide()
                tick += self.tick
                continue
            self.now, _, kind, name = heapq.heappop(self._events)
            if self._happens(kind, name) and self.eager:
                self._decide()
        self.now = end
        for seat in self.seats.values():
            if seat.state in ("talking", "wrap_up"):
                self._book_work(seat.since, end)
        self._book_logins()
        return self.day

    def _push(self, at: float, kind: int, name: str) -> None:
        self._count += 1
        heapq.heappush(self._events, (at, self._count, kind, name))

    def _hour(self) -> Hour:
        return self.day.hours[min(int(self.now // 3600.0), len(self.day.hours) - 1)]

    def _happens(self, kind: int, name: str) -> bool:
        if kind == _RINGING:
            if name in self.futures:
                self.policy.ringing(name, self.now)
            return False
        if kind == _END:
            return self._dial_ends(name)
        if kind == _PATIENCE:
            if self._waiting.pop(name, None) is None:
                return False
            self.policy.abandoned(name, self.now)
            self._hour().abandoned += 1
            return True
        if kind == _TALK_END:
            seat = self.seats[name]
            self._book_work(seat.since, self.now)
            if seat.leaves_from < math.inf:
                self._lingers(name)
                return True
            seat.state, seat.since = "wrap_up", self.now
            self._push(self.now + seat.wrap, _WRAP_END, name)
            self.policy.seat(name, "wrap_up", self.now)
            return True
        if kind == _WRAP_END:
            self._book_work(self.seats[name].since, self.now)
            if self.seats[name].leaves_from < math.inf:
                self._lingers(name)
            else:
                self._comes_free(name)
            return True
        if kind == _LEAVE:
            if self._leaving.pop(name, None) is not None:
                self._leave(name)
            return False
        self._shift(int(name))
        return True

    def _shift(self, index: int) -> None:
        self._stretch = self.world.stretches[index]
        staying = [name for name, seat in self.seats.items() if seat.state != "gone" and seat.leaves_from == math.inf]
        surplus = len(staying) - self._stretch.seats
        for name in [*self._idle, *(name for name in staying if name not in self._idle)][: max(surplus, 0)]:
            self.seats[name].leaves_from = self.now + self.world.leaving
            self.policy.seat(name, "gone", self.now)
            if name in self._idle:
                del self._idle[name]
                self._lingers(name)
        number = 0
        while surplus < 0:
            name = f"seat{number}"
            number += 1
            seat = self.seats.setdefault(name, SimulatedSeat())
            if seat.state == "gone":
                self._book_logins()
                self._present += 1
                surplus += 1
                self._comes_free(name)

    def _lingers(self, name: str) -> None:
        """An agent who asked to leave has no call now."""
        seat = self.seats[name]
        if self.now >= seat.leaves_from:
            self._leave(name)
            return
        seat.state, seat.since = "idle", self.now
        if self._waiting:
            dial = next(iter(self._waiting))
            del self._waiting[dial]
            self._connect(dial, name)
            return
        self._leaving[name] = self.now
        self._push(seat.leaves_from, _LEAVE, name)

    def _leave(self, name: str) -> None:
        self._book_logins()
        self._present -= 1
        seat = self.seats[name]
        seat.state, seat.leaves_from = "gone", math.inf

    def _comes_free(self, name: str) -> None:
        seat = self.seats[name]
        seat.state, seat.since = "idle", self.now
        if self._waiting:
            dial = next(iter(self._waiting))
            del self._waiting[dial]
            self.policy.seat(name, "idle", self.now)
            self._connect(dial, name)
        else:
            self._idle[name] = self.now
            self.policy.seat(name, "idle", self.now)

    def _connect(self, dial: str, name: str) -> None:
        seat = self.seats[name]
        stretch = self._stretch
        future = self.futures.pop(dial)
        if future.kind == "missed_machine":
            talk = self.world.missed_seconds
        elif self._work.random() < self.world.short:
            talk = self._lognormal(self.world.short_mean, stretch.talk_cv)
        else:
            talk = self._lognormal(stretch.talk_mean, stretch.talk_cv)
        seat.state, seat.since = "talking", self.now
        seat.wrap = self._lognormal(stretch.wrap_mean, stretch.wrap_cv)
        seat.free_at = self.now + talk + seat.wrap
        self._push(self.now + talk, _TALK_END, name)
        self.policy.connected(dial, self.now)
        if seat.leaves_from == math.inf:
            self.policy.seat(name, "talking", self.now)
        self._hour().connected += 1

    def _dial_ends(self, dial: str) -> bool:
        future = self.futures.get(dial)
        if future is None:
            return False
        if self.leads is not None:
            self.leads.resolved(self.now, self._taken.pop(dial), future.kind == "person")
        if future.kind in ("failed", "fast", "machine"):
            del self.futures[dial]
            self.policy.failed(dial, self.now, fast=future.kind == "fast")
            return True
        hour = self._hour()
        hour.answered += 1
        if future.kind == "person" and self._fate.random() < self.world.false_machine:
            del self.futures[dial]
            self.policy.failed(dial, self.now)
            self.policy.taken_for_machine(1.0, self.now)
            hour.abandoned += 1
            return True
        self.policy.answered(dial, self.now)
        if self._idle:
            name = next(iter(self._idle))
            del self._idle[name]
            self._connect(dial, name)
        elif self._leaving:
            name = next(iter(self._leaving))
            del self._leaving[name]
            self._connect(dial, name)
        else:
            self._waiting[dial] = self.now
            self._push(self.now + self.world.patience, _PATIENCE, dial)
        return True

    def _decide(self) -> None:
        for _ in range(MOST_ONE_BY_ONE if self._one_by_one else 1):
            if not self._decide_once():
                break

    def _decide_once(self) -> bool:
        self.day.decisions += 1
        upcoming = self.leads.upcoming(self.now) if self.leads is not None else ()
        decision = self.policy.decide(self.now, NO_LIMITS, upcoming)
        for dial in decision.cancel:
            if self.futures.pop(dial, None) is not None:
                if self.leads is not None:
                    self.leads.resolved(self.now, self._taken.pop(dial), None)
                self._hour().cancelled += 1
                self.policy.cancelled(dial, self.now)
        for _ in range(decision.dial):
            self._dial()
        return decision.dial > 0

    def _dial(self) -> None:
        self._count += 1
        dial = f"d{self._count}"
        believed: float | None = None
        chance: float | None = None
        if self.leads is not None:
            believed, chance = self.leads.take(self.now, self._count)
            self._taken[dial] = self._count
        self._hour().dialled += 1
        fate = self._fate
        setup = fate.uniform(*self.world.setup)
        self.futures[dial] = future = self._future(self._stretch.answer if chance is None else chance, setup)
        if future.kind != "fast":
            self._push(self.now + setup, _RINGING, dial)
        self._push(future.at, _END, dial)
        self.policy.dialled(dial, self.now, believed)

    def _future(self, chance: float, setup: float) -> Future:
        world, fate = self.world, self._fate
        drawn = fate.random()
        if drawn < chance + world.machines:
            ring = fate.gammavariate(world.ring_shape, world.ring_mean / world.ring_shape)
            while ring > world.ring_at_most:
                ring = fate.gammavariate(world.ring_shape, world.ring_mean / world.ring_shape)
            at = self.now + setup + ring
            if drawn < chance:
                return Future(at, "person")
            return Future(at, "missed_machine" if fate.random() < world.missed_machine else "machine")
        if fate.random() < world.fast:
            return Future(self.now + setup, "fast")
        return Future(self.now + setup + world.ring_at_most, "failed")

    def _lognormal(self, mean: float, cv: float) -> float:
        if cv <= 0:
            return mean
        spread = math.log(1.0 + cv * cv)
        return self._work.lognormvariate(math.log(mean) - 0.5 * spread, math.sqrt(spread))

    def _book_work(self, begin: float, end: float) -> None:
        self._book(begin, end, 1, "worked")

    def _book_logins(self) -> None:
        self._book(self._logins_since, self.now, self._present, "logged_in")
        self._logins_since = self.now

    def _book(self, begin: float, end: float, seats: int, name: str) -> None:
        """Spread seat seconds over the hours in which they fall."""
        while begin < end:
            index = min(int(begin // 3600.0), len(self.day.hours) - 1)
            until = end if index == len(self.day.hours) - 1 else min(end, (index + 1) * 3600.0)
            hour = self.day.hours[index]
            setattr(hour, name, getattr(hour, name) + seats * (until - begin))
            begin = until
