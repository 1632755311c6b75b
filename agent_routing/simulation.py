"""A day of a hotline on a virtual clock: the engine of the live hotline, and other switches' rules beside it.

Pure: everything is drawn from a seed; the same seed gives the same day, and every rule that is compared is given the
same callers with the same patience and the same talks. Peers follow what their sources do:

* ``AppQueue`` (Asterisk 22, ``app_queue``): one queue for each need; strict priority, first come first served within
  it; each caller looks for a turn every second on the own beat, and has it when fewer callers stand ahead in the queue
  than members are free; least recent member first.
* ``MostSenior`` (FreeSWITCH, ``mod_callcenter``): all who wait in the order of waited + base score, looked through ten
  times a second; each gets the longest idle agent who fits.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from agent_routing.decisions import Decision, Reserve
from agent_routing.engine import Engine
from agent_routing.events import CallerJoins, CallerLeaves, SeatAccepted, SeatIdle, SeatKnown, Tick
from agent_routing.policy import Policy
from agent_routing.pool import Caller, Seat
from db.customer import TIERS, Tier

RECHECK: Final = 1.0  # seconds between two looks of a caller in app_queue
DISPATCH: Final = 0.1  # seconds between two looks of mod_callcenter's one thread
FOREVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """A caller, with what only fate knows: how long they wait at most, and how long they will talk."""

    caller: Caller
    patience: float
    talk: float


@dataclass(slots=True)
class Waits:
    """What became of the calls of one tier."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    delayed: int = 0  # answered or abandoned after a wait
    waited: float = 0.0  # seconds, of all calls
    waits: list[float] = field(default_factory=list)  # of the answered; only when kept


Answer = tuple[str, str]  # seat, caller


class Rule(Protocol):
    """A way to bring callers and seats together."""

    def joins(self, caller: Caller, now: float) -> Iterable[Answer]: ...

    def leaves(self, caller: Caller, now: float) -> Iterable[Answer]: ...

    def idle(self, seat: str, now: float) -> Iterable[Answer]: ...

    def next_look(self) -> float | None: ...

    def look(self, now: float) -> Iterable[Answer]: ...


class Goldline:
    """The engine; seats accept at once."""

    def __init__(self, policy: Policy, seats: Sequence[Seat], rest_of_talk: Callable[[float], float] | None) -> None:
        self._engine = Engine(policy, rest_of_talk)
        for seat in seats:
            self._engine.handle(SeatKnown(seat), 0.0)

    def joins(self, caller: Caller, now: float) -> Iterable[Answer]:
        return self._accept(self._engine.handle(CallerJoins(caller), now), now)

    def leaves(self, caller: Caller, now: float) -> Iterable[Answer]:
        return self._accept(self._engine.handle(CallerLeaves(caller.id), now), now)

    def idle(self, seat: str, now: float) -> Iterable[Answer]:
        return self._accept(self._engine.handle(SeatIdle(seat), now), now)

    def next_look(self) -> float | None:
        return self._engine.next_wakeup()

    def look(self, now: float) -> Iterable[Answer]:
        return self._accept(self._engine.handle(Tick(), now), now)

    def _accept(self, decisions: list[Decision], now: float) -> list[Answer]:
        found: list[Answer] = []
        while decisions:
            more: list[Decision] = []
            for decision in decisions:
                if isinstance(decision, Reserve):
                    found.append((decision.seat, decision.caller))
                    more += self._engine.handle(SeatAccepted(decision.seat, decision.caller), now)
            decisions = more
        return found


def serves(seat: Seat, caller: Caller) -> bool:
    """Whether a seat has what a call requires; the peers know no wishes and no rings."""
    return (not caller.language or caller.language in seat.languages) and all(
        seat.skills.get(skill, 0) >= level for skill, level in caller.required.items()
    )


def queue_of(caller: Caller) -> tuple[str, tuple[tuple[str, int], ...]]:
    """The queue into which a switch without skills would put this call."""
    return caller.language, tuple(sorted(caller.required.items()))


class AppQueue:
    """app_queue's rule (apps/app_queue.c: join_queue, is_our_turn, RECHECK), with autofill and strategy leastrecent."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self._seats = {seat.id: seat for seat in seats}
        self._free: dict[str, float] = {}
        self._queues: dict[object, list[tuple[int, float, str, Caller]]] = defaultdict(list)
        self._beats: list[tuple[float, str, Caller]] = []
        self._here: set[str] = set()

    def joins(self, caller: Caller, now: float) -> Iterable[Answer]:
        self._here.add(caller.id)
        queue = self._queues[queue_of(caller)]
        queue.append((TIERS.index(caller.tier), caller.joined, caller.id, caller))
        queue.sort(key=lambda one: one[:3])
        return self._turn(caller, now)

    def leaves(self, caller: Caller, now: float) -> Iterable[Answer]:  # noqa: ARG002 - one shape for all rules
        self._forget(caller)
        return ()

    def idle(self, seat: str, now: float) -> Iterable[Answer]:
        self._free[seat] = now
        return ()

    def next_look(self) -> float | None:
        while self._beats and self._beats[0][1] not in self._here:
            heapq.heappop(self._beats)
        return self._beats[0][0] if self._beats else None

    def look(self, now: float) -> Iterable[Answer]:
        found: list[Answer] = []
        while self._beats and self._beats[0][0] <= now:
            _, name, caller = heapq.heappop(self._beats)
            if name in self._here:
                found += self._turn(caller, now)
        return found

    def _turn(self, caller: Caller, now: float) -> list[Answer]:
        free = [seat for seat in self._free if serves(self._seats[seat], caller)]
        ahead = next(place for place, one in enumerate(self._queues[queue_of(caller)]) if one[2] == caller.id)
        if ahead >= len(free):
            heapq.heappush(self._beats, (now + RECHECK, caller.id, caller))
            return []
        seat = min(free, key=lambda one: (self._free[one], one))
        del self._free[seat]
        self._forget(caller)
        return [(seat, caller.id)]

    def _forget(self, caller: Caller) -> None:
        self._here.discard(caller.id)
        queue = self._queues[queue_of(caller)]
        queue[:] = [one for one in queue if one[2] != caller.id]


class MostSenior:
    """mod_callcenter's rule: one list by waited + base score, one thread, the longest idle agent who fits."""

    def __init__(self, seats: Sequence[Seat], base_score: Mapping[Tier, float]) -> None:
        self._seats = {seat.id: seat for seat in seats}
        self._score = base_score
        self._free: dict[str, float] = {}
        self._waiting: dict[str, Caller] = {}
        self._next: float | None = None

    def joins(self, caller: Caller, now: float) -> Iterable[Answer]:
        self._waiting[caller.id] = caller
        return self._soon(now)

    def leaves(self, caller: Caller, now: float) -> Iterable[Answer]:  # noqa: ARG002 - one shape for all rules
        self._waiting.pop(caller.id, None)
        return ()

    def idle(self, seat: str, now: float) -> Iterable[Answer]:
        self._free[seat] = now
        return self._soon(now)

    def next_look(self) -> float | None:
        return self._next

    def look(self, now: float) -> Iterable[Answer]:  # noqa: ARG002 - one shape for all rules
        self._next = None
        found: list[Answer] = []
        order = sorted(self._waiting.values(), key=lambda one: (one.joined - self._score[one.tier], one.id))
        for caller in order:
            free = [seat for seat in self._free if serves(self._seats[seat], caller)]
            if free:
                seat = min(free, key=lambda one: (self._free[one], one))
                del self._free[seat]
                del self._waiting[caller.id]
                found.append((seat, caller.id))
            if not self._free:
                break
        return found

    def _soon(self, now: float) -> Iterable[Answer]:
        if self._next is None and self._free and self._waiting:
            self._next = (math.floor(now / DISPATCH) + 1) * DISPATCH
        return ()


def simulate(
    rule: Rule, seats: Sequence[Seat], calls: Iterable[SimulatedCall], warm_up: int = 0, keep: bool = True
) -> dict[Tier, Waits]:
    """Let these calls (by joining time) meet these seats. The first ``warm_up`` calls are not counted."""
    seen: dict[Tier, Waits] = {tier: Waits() for tier in TIERS}
    pending: list[tuple[float, int, str, str]] = []  # (when, kind, seat or caller, caller)
    talking, left = 1, 2
    here: dict[str, tuple[SimulatedCall, bool]] = {}
    arrivals: Iterator[SimulatedCall] = iter(calls)
    coming = next(arrivals, None)
    number = 0
    for seat in seats:
        rule.idle(seat.id, 0.0)

    def connect(answers: Iterable[Answer], now: float) -> None:
        for seat, name in answers:
            call, counted = here.pop(name)
            heapq.heappush(pending, (now + call.talk, talking, seat, name))
            if counted:
                waited = now - call.caller.joined
                one = seen[call.caller.tier]
                one.answered += 1
                one.waited += waited
                one.delayed += waited > 0
                if keep:
                    one.waits.append(waited)

    while coming is not None or pending:
        at = coming.caller.joined if coming is not None else FOREVER
        if pending and pending[0][0] <= at:
            at = pending[0][0]
        look = rule.next_look()
        if look is not None and look <= at:
            connect(rule.look(look), look)
            continue
        if coming is not None and coming.caller.joined <= at:
            call, coming = coming, next(arrivals, None)
            counted = number >= warm_up
            number += 1
            here[call.caller.id] = (call, counted)
            if counted:
                seen[call.caller.tier].offered += 1
            if call.patience < FOREVER:
                heapq.heappush(pending, (at + call.patience, left, call.caller.id, call.caller.id))
            connect(rule.joins(call.caller, at), at)
            continue
        _, kind, first, name = heapq.heappop(pending)
        if kind == talking:
            connect(rule.idle(first, at), at)
        elif name in here:
            call, counted = here.pop(name)
            if counted:
                one = seen[call.caller.tier]
                one.abandoned += 1
                one.waited += call.patience
                one.delayed += 1
            connect(rule.leaves(call.caller, at), at)
    return seen


def poisson_calls(
    rates: Mapping[Tier, float], talk: float, patience: float, count: int, chance: Random
) -> Iterator[SimulatedCall]:
    """The textbook's callers: random arrivals (calls a second, by tier), exponential talks and patience."""
    tiers, weights = list(rates), list(rates.values())
    total = sum(weights)
    now = 0.0
    for number in range(count):
        now += chance.expovariate(total)
        tier = chance.choices(tiers, weights)[0]
        waits = FOREVER if patience == FOREVER else chance.expovariate(1.0 / patience)
        yield SimulatedCall(Caller(str(number), tier, now), waits, chance.expovariate(1.0 / talk))
