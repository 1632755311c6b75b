"""How long a caller will probably wait: the same engine, run forward. Pure; the seed makes it repeatable.

The waiting callers and the seats are put into a second engine. Every talk that goes on gets one possible end, drawn
from the measured talk times given how long it has lasted; every caller who is answered gets one possible talk. So the
rules, rings, skills and tiers weigh in exactly as they will. Repeated often enough this gives a range. Callers who have
yet to join are not made up: an estimate for a low tier errs on the short side while higher tiers keep joining.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from agent_routing.decisions import Reserve
from agent_routing.engine import Engine
from agent_routing.events import CallerJoins, SeatAccepted, SeatBusy, SeatIdle, SeatKnown, Tick
from agent_routing.policy import Policy
from agent_routing.pool import Caller, SeatNow
from agent_routing.talk_times import TalkTimes

LOW, HIGH = 0.2, 0.8  # the range that is announced holds three waits of five; its upper end is kept four times of five
FURTHEST: Final = 3600.0  # seconds: beyond it an estimate is a guess about who will be at work
MOST_EVENTS: Final = 20_000  # of one run: it must end, whatever the policy


@dataclass(frozen=True, slots=True)
class WaitRange:
    """Seconds still to wait: between these in three cases of five. ``high`` is FURTHEST when nobody can say."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Picture:
    """An engine at one moment: what an estimate looks at, so that it may be made in another thread."""

    policy: Policy
    now_at: tuple[SeatNow, ...]
    waiting: tuple[Caller, ...]

    @classmethod
    def of(cls, engine: Engine) -> Picture:
        """As it is now."""
        return cls(engine.policy, tuple(engine.seats()), tuple(engine.callers()))

    def seats(self) -> Sequence[SeatNow]:
        """Every seat."""
        return self.now_at

    def callers(self) -> Sequence[Caller]:
        """Everybody who waits."""
        return self.waiting


class AnnouncedWait:
    """What one caller has been told. What is announced never grows: patience is lost by nothing faster."""

    def __init__(self) -> None:
        self._least: WaitRange | None = None

    def next(self, estimate: WaitRange) -> WaitRange:
        """What to announce now, given the present estimate."""
        if self._least is not None:
            high = min(estimate.high, self._least.high)
            estimate = WaitRange(min(estimate.low, self._least.low, high), high)
        self._least = estimate
        return estimate


def estimate(
    engine: Engine | Picture, now: float, talks: TalkTimes, callers: Collection[str], runs: int, seed: int
) -> Mapping[str, WaitRange]:
    """How long these waiting callers will wait on, from so many runs. Strangers are left out."""
    chance = Random(seed)  # noqa: S311 - no secret is drawn
    asked = frozenset(callers)
    waits: dict[str, list[float]] = {caller.id: [] for caller in engine.callers() if caller.id in asked}
    for _ in range(runs):
        answered = _run(engine, now, talks, set(waits), chance)
        for caller, found in waits.items():
            found.append(answered.get(caller, FURTHEST))
    return {
        caller: WaitRange(found[int(LOW * len(found))], found[min(int(HIGH * len(found)), len(found) - 1)])
        for caller, found in ((caller, sorted(found)) for caller, found in waits.items())
        if found
    }


def _run(engine: Engine | Picture, now: float, talks: TalkTimes, asked: set[str], chance: Random) -> dict[str, float]:
    """One possible future: seconds from now until each of those asked for is answered."""
    future = Engine(engine.policy, talks.rest)
    ends: list[tuple[float, str]] = []
    idle: list[str] = []
    answered: dict[str, float] = {}
    for one in engine.seats():
        if one.state in ("paused", "gone"):
            continue
        future.handle(SeatKnown(one.seat), now)
        if one.state == "idle":
            idle.append(one.seat.id)
            continue
        since = one.since if one.state == "busy" else now
        future.handle(SeatBusy(one.seat.id, since), now)
        heapq.heappush(ends, (now + talks.draw(now - since, chance), one.seat.id))
    reserved = {one.caller for one in engine.seats() if one.state == "reserved"}
    for caller in engine.callers():
        if caller.id in reserved:
            if caller.id in asked:
                answered[caller.id] = 0.0
            continue
        future.handle(CallerJoins(caller), now)
    at = now
    decisions = [decision for seat in idle for decision in future.handle(SeatIdle(seat), now)]
    for _ in range(MOST_EVENTS):
        while decisions:
            decision = decisions.pop(0)
            if isinstance(decision, Reserve):
                decisions += future.handle(SeatAccepted(decision.seat, decision.caller), at)
                heapq.heappush(ends, (at + talks.draw(0.0, chance), decision.seat))
                if decision.caller in asked:
                    answered[decision.caller] = at - now
        due = future.next_wakeup()
        if len(answered) == len(asked) or (due is None and not ends):
            break
        if ends and (due is None or ends[0][0] <= due):
            at, seat = heapq.heappop(ends)
            if at - now > FURTHEST:
                break
            decisions = future.handle(SeatIdle(seat), at)
        elif due is not None:
            at = max(due, at)
            if at - now > FURTHEST:
                break
            decisions = future.handle(Tick(), at)
    return answered
