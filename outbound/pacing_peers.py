"""Other ways to pace, for comparison on the same simulated days. None of them dials in a live campaign.

* ``Adaptive`` follows the rule of VICIdial's ``AST_VDadapt.pl`` (2.12, method ADAPT_HARD_LIMIT): a dial level, moved
  every 15 s by how many agents were ready, and 1 when more than the limit was abandoned today.
* ``Clairvoyant`` knows when each agent will be free and, once it is dialled, what becomes of each dial: about what
  could be reached at all. It is a rule of thumb on a grid of 2 s, no proven bound.
"""

# ruff: noqa: ARG002 - the simulator tells more than each of them listens to
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from outbound.abandonment import DAY, Ledger, Threshold, Window
from outbound.pacing import Limits, PacingDecision, PacingReason, SeatState
from outbound.simulation import Future, SimulatedSeat

START_LEVEL: Final = 1.0
MOST_LEVEL: Final = 3.0
ADAPTS_EVERY: Final = 15.0  # s
DROP_LIMIT: Final = 0.029
ENOUGH_CALLS: Final = 50


class Counting:
    """What both need to know of the present."""

    def __init__(self) -> None:
        self.seats: dict[str, SeatState] = {}
        self.live: set[str] = set()
        self.waiting: set[str] = set()
        self.calls = 0.0
        self.drops = 0.0

    def dialled(self, dial: str, now: float, chance: float | None = None) -> None:
        self.live.add(dial)

    def ringing(self, dial: str, now: float) -> None:
        pass

    def answered(self, dial: str, now: float) -> None:
        self.live.discard(dial)
        self.waiting.add(dial)
        self.calls += 1

    def failed(self, dial: str, now: float, *, fast: bool = False) -> None:
        self.live.discard(dial)

    def cancelled(self, dial: str, now: float) -> None:
        self.live.discard(dial)

    def connected(self, dial: str, now: float) -> None:
        self.waiting.discard(dial)

    def abandoned(self, dial: str, now: float) -> None:
        self.waiting.discard(dial)
        self.drops += 1

    def taken_for_machine(self, calls: float, now: float) -> None:
        self.calls += calls
        self.drops += calls

    def seat(self, seat: str, state: SeatState, now: float) -> None:
        if state == "gone":
            self.seats.pop(seat, None)
        else:
            self.seats[seat] = state

    def idle(self) -> int:
        return sum(state == "idle" for state in self.seats.values())

    def decided(self, count: int, limits: Limits) -> PacingDecision:
        count = max(min(count, limits.channels, limits.per_second, limits.most), 0)
        return PacingDecision(count, (), _NO_REASON)


class Adaptive(Counting):
    """VICIdial's rule."""

    def __init__(self) -> None:
        super().__init__()
        self._level = START_LEVEL
        self._looked = 0.0
        self._ready_seconds = 0.0
        self._since = 0.0
        self._recent: list[tuple[float, bool]] = []

    def answered(self, dial: str, now: float) -> None:
        super().answered(dial, now)
        self._recent.append((now, False))

    def abandoned(self, dial: str, now: float) -> None:
        super().abandoned(dial, now)
        self._recent.append((now, True))

    def decide(self, now: float, limits: Limits, upcoming: Sequence[float | None] = ()) -> PacingDecision:
        idle = self.idle()
        self._ready_seconds += idle * (now - self._since)
        self._since = now
        if now - self._looked >= ADAPTS_EVERY:
            self._adapt(now)
        busy = len(self.seats) - idle
        current = len(self.live) + len(self.waiting) + busy
        return self.decided(int(self._level * len(self.seats)) - current if self.seats else 0, limits)

    def _adapt(self, now: float) -> None:
        ready = self._ready_seconds / (now - self._looked)
        self._looked, self._ready_seconds = now, 0.0
        agents = max(len(self.seats), 1)
        self._level *= 1.0 + (ready - len(self.waiting)) / agents
        self._recent = [one for one in self._recent if one[0] > now - 60.0]
        dropped = sum(lost for _, lost in self._recent)
        if dropped > 0.5 * max(len(self._recent) - dropped, 1):
            self._level /= 2.0
        if self.calls > ENOUGH_CALLS and self.drops > DROP_LIMIT * self.calls:
            self._level = START_LEVEL
        self._level = min(max(self._level, START_LEVEL), MOST_LEVEL)


class Clairvoyant(Counting):
    """Sees the future of what has begun. ``look`` gives it the simulation's own books."""

    def __init__(self) -> None:
        super().__init__()
        self._threshold = Threshold(0.0292)
        self._ledger = Ledger((Window("day", DAY, 0.03, 3.0, 200.0, 0.5, 2.0, 0.0),))
        self._seats: Mapping[str, SimulatedSeat] = {}
        self._futures: Mapping[str, Future] = {}

    def look(self, seats: Mapping[str, SimulatedSeat], futures: Mapping[str, Future]) -> None:
        self._seats, self._futures = seats, futures

    def answered(self, dial: str, now: float) -> None:
        super().answered(dial, now)
        self._ledger.answered(now)

    def connected(self, dial: str, now: float) -> None:
        super().connected(dial, now)
        self._threshold.answered(now)

    def abandoned(self, dial: str, now: float) -> None:
        super().abandoned(dial, now)
        self._ledger.abandoned(now)
        self._threshold.abandoned()

    def decide(self, now: float, limits: Limits, upcoming: Sequence[float | None] = ()) -> PacingDecision:
        if not self.seats:
            return self.decided(0, limits)
        free = [self._seats[name].free_at - now for name, state in self.seats.items() if state != "idle"]
        due = [
            self._futures[dial].at - now
            for dial in self.live
            if self._futures[dial].kind in ("person", "missed_machine")
        ]
        pool = self.idle() - len(self.waiting)
        ahead = _AHEAD
        left = pool + (np.array(free)[:, None] <= ahead + 2.0).sum(0) - (np.array(due)[:, None] <= ahead).sum(0)
        empty = left <= 0
        risk = 0.5 * float(_ANSWERED_AT @ empty) + 0.5 * float(empty[2:].max())
        room = self._ledger.tightest(now)
        threshold = self._threshold.value() * room.ease
        if room.ease == 0.0:
            return self.decided(int(pool - len(due) > 0), limits)
        return self.decided(int(risk <= threshold), limits)


_AHEAD: Final = np.arange(2, 28, 2).astype(float)
# Share of the answers of a new dial that fall into each step: post-dial delay U(1, 3) and ringing Gamma(4), mean 10 s.
_ANSWERED_AT: Final = np.array([0.0, 0.03, 0.1, 0.15, 0.17, 0.15, 0.13, 0.1, 0.07, 0.04, 0.03, 0.02, 0.01])
_NO_REASON: Final = PacingReason(
    "power", "power", 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, "", 0.0, 0.0, ""
)  # peers do not explain themselves
