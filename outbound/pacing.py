"""How many numbers to dial now: preview, progressive, power and predictive pacing.

The live dialer and the simulator tell a ``Pacer`` what happens (a dial rings, is answered, fails; a seat talks, wraps
up, is free, leaves; callers of the hotline wait) and ask it to ``decide``. It answers with how many of the next
candidates to dial, which ringing dials to give up, and why.

Pure: no clock, no I/O, no randomness. ``now`` is seconds of any clock that does not go back. The same facts at the same
times give the same decisions. The predictive mode is chance-constrained pacing with a dual threshold; docs/pacing.md
explains it, docs/decisions/0010-chance-constrained-pacing.md says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from outbound.abandonment import WINDOWS, Counted, Ledger, Room, Threshold, Window
from outbound.hazards import TALK_BINS, WRAP_BINS, Rings, Stays
from outbound.pacing_reason import LimitedBy, Mode, PacingReason
from outbound.seat_pool import LONGEST_TALK, LONGEST_WRAP, Dial, Pool, Tables, View, chance_of, grade_of

__all__ = [
    "History",
    "Limits",
    "Mode",
    "Pacer",
    "PacingDecision",
    "PacingReason",
    "PacingRules",
    "SeatState",
]

SeatState = Literal["idle", "talking", "wrap_up", "away", "gone"]
"""``idle`` can take a call now. ``talking`` and ``wrap_up``: of this campaign. ``away``: in another talk (an inbound
one, say), reserved, on a break: comes back some time, counted only once it is idle. ``gone``: logged out, or has asked
to leave: never counted; the talk that goes on is its last."""


@dataclass(frozen=True, slots=True)
class PacingRules:
    """How a campaign is paced."""

    mode: Mode = "predictive"
    ratio: float = 1.5  # of mode power: lines for each idle seat
    windows: tuple[Window, ...] = WINDOWS  # caps on the abandoned share
    aim: float = 0.029  # the abandoned share that is aimed at, a little under the cap
    patience: float = 2.0  # seconds from the answer within which an agent must be there
    ring_at_least: float = 15.0  # seconds of ringing before a dial may be given up (US: 15 s or four rings; UK: 15 s)
    ring_at_most: float = 25.0  # seconds of ringing after which the dialer gives up by itself
    cancelling: bool = True  # whether dials that ring longer than ring_at_least may be given up
    learning: int = 60  # dials that must have ended (or 3 for each seat, if that is fewer) before it predicts


@dataclass(frozen=True, slots=True)
class Limits:
    """What else bounds a decision."""

    channels: int = 1_000_000  # free channels of the trunk
    per_second: int = 1_000_000  # tokens left of the trunk's calls-per-second bucket
    most: int = 1_000_000  # anything else (a test run, a licence)


@dataclass(frozen=True, slots=True)
class PacingDecision:
    """How many of the next candidates to dial, and which dials to give up now.

    In mode ``preview`` ``dial`` is how many targets to *show* to idle seats (one each); the seat is then ``away`` until
    its agent lets the number be dialled.
    """

    dial: int
    cancel: tuple[str, ...]
    why: PacingReason


@dataclass(frozen=True, slots=True)
class History:
    """What a pacer has learned, for the next one of the same campaign and hour. Plain data, JSON-able."""

    rings: Mapping[str, Any]
    talks: Mapping[str, Any]
    wraps: Mapping[str, Any]
    threshold: float  # its logarithm

    def as_data(self) -> dict[str, Any]:
        return {
            "rings": dict(self.rings),
            "talks": dict(self.talks),
            "wraps": dict(self.wraps),
            "threshold": round(self.threshold, 4),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> History:
        """Raises KeyError when it is not what ``as_data`` gave."""
        return cls(data["rings"], data["talks"], data["wraps"], float(data["threshold"]))


_IDLE, _TALKING, _WRAPPING_UP, _AWAY, _GONE = range(5)
_CODES: Final[dict[str, int]] = {
    "idle": _IDLE,
    "talking": _TALKING,
    "wrap_up": _WRAPPING_UP,
    "away": _AWAY,
    "gone": _GONE,
}
_REFRESH: Final = 8.0  # seconds between two looks at the estimators
_MOST_AT_ONCE: Final = 60
RINGS_AFTER: Final = 10.0  # seconds after dialling at which it rings at the latest, if nobody says so
POWER_NEEDS: Final = 1.5  # calls of room that mode power needs: it does not see what is in flight
FORGET_EVERY: Final = 5.0  # s
LOST_AFTER: Final = 30.0  # seconds after which a call that should have ended is taken for lost


@dataclass(slots=True)
class _Seat:
    state: int
    since: float
    shared: bool
    counted: float = 0.0


class Pacer:
    """The pacing of one campaign. Tell it what happens as it happens; ask it at least twice a second, and after each
    fact that frees a seat or ends a dial."""

    def __init__(self, rules: PacingRules, warm: History | None = None) -> None:
        self.rules = rules
        longest = int(rules.ring_at_most) + 7  # post-dial delay of up to 5 s, and a little
        self._rings = Rings(longest, chance=0.55, mean=9.0, weight=10.0, keep=0.9985)
        self._talks = Stays(TALK_BINS, longest=LONGEST_TALK, mean=90.0, keep=0.998)
        self._wraps = Stays(WRAP_BINS, longest=LONGEST_WRAP, mean=15.0, keep=0.998)
        self._threshold = Threshold(rules.aim)
        self._ledger = Ledger(rules.windows)
        self._dials: dict[str, Dial] = {}
        self._answered: dict[str, float] = {}  # dials that wait for an agent
        self._seats: dict[str, _Seat] = {}
        self._inbound = (0, 0, False)
        self._warm = warm is not None
        self._refreshed = self._forgot = -np.inf
        self._tables: Tables | None = None
        if warm is not None:
            self._rings.restore(warm.rings, 0.5)
            self._talks.restore(warm.talks, 0.5)
            self._wraps.restore(warm.wraps, 0.5)
            self._threshold.restore(warm.threshold)

    # facts

    def restore(self, counts: Iterable[Counted]) -> None:
        """The answered and abandoned calls of the past 30 days, from the store; times on the clock of ``now`` (they may
        be negative). Slices of an hour are fine for what is older than a day, of a minute for the last hour."""
        self._ledger.restore(counts)

    def dialled(self, dial: str, now: float, chance: float | None = None) -> None:
        """A number was handed to the trunk. ``chance``: the probability that it is answered, as thought beforehand
        (``outbound.answer_chance``); None: like the others. The pacer corrects the level of all of them by itself."""
        self._dials[dial] = Dial(now, chance, grade_of(chance))

    def ringing(self, dial: str, now: float) -> None:
        """It rings (180, or early media). Without this it is taken to ring from 10 s after dialling on."""
        known = self._dials.get(dial)
        if known is not None and known.ringing is None:
            known.ringing = now

    def answered(self, dial: str, now: float) -> None:
        """A person answered and waits for an agent. (With machine detection: when it has decided.) A dial that was
        given up a moment ago, or of which nothing was known, counts too: the person is there."""
        if dial in self._answered:
            return
        known = self._dials.pop(dial, None)
        if known is not None:
            self._rings.answered(_age(known, now), chance_of(known.grade), known.counted)
        self._answered[dial] = now
        self._ledger.answered(now)

    def failed(self, dial: str, now: float, *, fast: bool = False) -> None:
        """It ended without a person: busy, refused, no answer, machine. ``fast``: it never rang (a number that does not
        exist, a trunk that refused)."""
        del fast  # the age says it
        known = self._dials.pop(dial, None)
        if known is not None:
            self._rings.failed(_age(known, now), chance_of(known.grade), known.counted)

    def cancelled(self, dial: str, now: float) -> None:
        """We gave it up, by a decision of the pacer or for any other reason, before anything else ended it."""
        known = self._dials.pop(dial, None)
        if known is not None:
            self._rings.spend(known.counted, _age(known, now), chance_of(known.grade))

    def connected(self, dial: str, now: float) -> None:
        """An agent has it. The seat's own ``talking`` is told by ``seat``."""
        if self._answered.pop(dial, None) is not None:
            self._threshold.answered(now)

    def abandoned(self, dial: str, now: float) -> None:
        """No agent came within the patience: it heard the safe-harbour message."""
        if self._answered.pop(dial, None) is not None:
            self._ledger.abandoned(now)
            self._threshold.answered(now)
            self._threshold.abandoned()

    def hung_up(self, dial: str, now: float) -> None:
        """The person hung up by themselves before an agent came and before the patience was over."""
        self.connected(dial, now)

    def taken_for_machine(self, calls: float, now: float) -> None:
        """An estimate: so many persons were taken for machines and hung up on (UK rule: they count as abandoned)."""
        self._ledger.answered(now, calls)
        self._ledger.abandoned(now, calls)
        self._threshold.abandoned(calls)

    def seat(self, seat: str, state: SeatState, now: float, *, shared: bool = True, since: float | None = None) -> None:
        """A seat's state. ``shared``: it also serves the hotline. ``since``: when the state began, if that was earlier
        (after a restart)."""
        code = _CODES[state]
        began = now if since is None else min(since, now)
        known = self._seats.get(seat)
        if known is None:
            if code != _GONE:
                self._seats[seat] = _Seat(code, began, shared)
            return
        known.shared = shared
        if code == known.state:
            return
        self._learn(known, code, now)
        if code == _GONE:
            del self._seats[seat]
            return
        known.state = code
        known.since = began
        known.counted = 0.0

    def inbound(self, waiting: int, reserve: int, in_danger: bool, now: float) -> None:
        """The hotline's side of the shared seats: callers that wait, seats to keep free for those to come, and whether
        a queue's service level is in danger (then no shared seat is counted)."""
        del now
        self._inbound = (max(waiting, 0), max(reserve, 0), in_danger)

    def history(self) -> History:
        return History(self._rings.as_data(), self._talks.as_data(), self._wraps.as_data(), self._threshold.log)

    def _learn(self, known: _Seat, code: int, now: float) -> None:
        age = _age(known, now)
        if known.state == _TALKING:
            if code in (_WRAPPING_UP, _IDLE):
                self._talks.ended(age, known.counted)
                if code == _IDLE:
                    self._wraps.ended(0.0)
            else:
                self._talks.spend(np.array([known.counted]), np.array([age]))
        elif known.state == _WRAPPING_UP:
            if code == _IDLE:
                self._wraps.ended(age, known.counted)
            else:
                self._wraps.spend(np.array([known.counted]), np.array([age]))

    # decision

    def decide(self, now: float, limits: Limits, upcoming: Sequence[float | None] = ()) -> PacingDecision:
        """How many of the next candidates to dial. ``upcoming``: their chances, in the order in which they would be
        dialled; empty: all like the others, and as many as needed. Dial exactly the first ``dial`` of them."""
        self._forget(now)
        view = self._view(now)
        if self._tables is None or now - self._refreshed >= _REFRESH:
            self._refresh(now, view)
        tables = self._tables
        assert tables is not None
        most, limited = _bound(limits, len(upcoming) if upcoming else None)
        room = self._ledger.tightest(now)
        acting = self._acting(view, room)
        cancel: tuple[str, ...] = ()
        over = threshold = 0.0
        why: LimitedBy
        expected = (float(view.idle), tables.chance * len(self._dials))
        if not view.seats:
            count, why = 0, "danger" if view.danger else "no_seats"
            if self.rules.mode == "predictive":
                cancel = self._given_up(Pool(tables, view, self._dials.values(), now), now, 0.0)
        elif acting == "predictive":
            threshold = self._threshold.value() * room.ease
            pool = Pool(tables, view, self._dials.values(), now)
            count, cancel, over, why = self._predict(pool, now, threshold, most, limited, upcoming)
            expected = pool.expected()
        else:
            count, why = self._by_ratio(self.rules.ratio if acting == "power" else 1.0, view), ""
            if acting != self.rules.mode:
                why = "learning" if self.rules.mode == "predictive" and room.ease else "room"
            if count > most:
                count, why = most, limited
        reason = PacingReason(
            mode=self.rules.mode,
            acting=acting,
            seats=view.seats,
            idle=view.idle,
            talking=len(view.talking),
            wrapping_up=len(view.wrapping),
            waiting=view.waiting,
            live=len(self._dials),
            seats_expected=expected[0],
            answers_expected=expected[1],
            over_answer=over,
            threshold=threshold,
            room=room.calls,
            window=room.window,
            answer_chance=tables.chance,
            talk=tables.talk,
            limited_by=why,
            shares=self._ledger.shares(now),
        )
        return PacingDecision(count, cancel, reason)

    def _forget(self, now: float) -> None:
        """Let go of calls of which no news came when it was due: a lost event must not hold up a campaign."""
        if now < self._forgot + FORGET_EVERY:
            return
        self._forgot = now
        for dial in [one for one, at in self._answered.items() if now - at > self.rules.patience + LOST_AFTER]:
            del self._answered[dial]
        for dial in [one for one, known in self._dials.items() if now - known.since > self._rings.longest + LOST_AFTER]:
            del self._dials[dial]

    def _by_ratio(self, ratio: float, view: View) -> int:
        return max(int(ratio * max(view.idle - view.waiting, 0) + 1e-9) - len(self._dials), 0)

    def _acting(self, view: View, room: Room) -> Mode:
        mode = self.rules.mode
        if mode == "power" and room.calls < POWER_NEEDS:
            return "progressive"
        if mode == "predictive":
            enough = min(self.rules.learning, 3 * max(view.seats, 1))
            if room.ease == 0.0 or (not self._warm and self._rings.resolved < enough):
                return "progressive"
        return mode

    def _predict(
        self,
        pool: Pool,
        now: float,
        threshold: float,
        most: int,
        limited: LimitedBy,
        upcoming: Sequence[float | None],
    ) -> tuple[int, tuple[str, ...], float, LimitedBy]:
        count = 0
        over = pool.risk()
        while over <= threshold:
            if count >= min(most, _MOST_AT_ONCE):
                return count, (), over, limited if count >= most else "risk"
            pool.add(upcoming[count] if upcoming else None)
            count += 1
            over = pool.risk()
        return count, self._given_up(pool, now, threshold) if count == 0 else (), over, "risk"

    def _given_up(self, pooled: Pool, now: float, threshold: float) -> tuple[str, ...]:
        if not self.rules.cancelling or not pooled.crowded(threshold):
            return ()
        ripe = [
            (known.since, dial, known)
            for dial, known in self._dials.items()
            if now - (known.since + RINGS_AFTER if known.ringing is None else known.ringing) >= self.rules.ring_at_least
        ]
        found: list[str] = []
        for _, dial, known in sorted(ripe, key=lambda each: each[:2]):
            if pooled.without(known, now, threshold):
                found.append(dial)
        return tuple(found)

    def _view(self, now: float) -> View:
        waiting, reserve, danger = self._inbound
        talking: list[float] = []
        wrapping: list[float] = []
        idle = seats = shared = 0
        for known in self._seats.values():
            if known.shared:
                if danger:
                    continue
                shared += 1
            if known.state == _IDLE:
                idle += 1
            elif known.state == _TALKING:
                talking.append(_age(known, now))
            elif known.state == _WRAPPING_UP:
                wrapping.append(_age(known, now))
            else:
                continue
            seats += 1
        promised = 0 if danger else min(waiting + reserve, shared)
        return View(seats, idle, len(self._answered) + promised, talking, wrapping, danger)

    def _refresh(self, now: float, view: View) -> None:
        self._refreshed = now
        for dial in self._dials.values():
            age = _age(dial, now)
            self._rings.spend(dial.counted, age, chance_of(dial.grade))
            dial.counted = age
        self._rings.settle()
        for stays, state in ((self._talks, _TALKING), (self._wraps, _WRAPPING_UP)):
            going = [seat for seat in self._seats.values() if seat.state == state]
            ends = np.array([_age(seat, now) for seat in going])
            stays.spend(np.array([seat.counted for seat in going]), ends)
            for seat, end in zip(going, ends.tolist(), strict=True):
                seat.counted = end
        talk, wrap = self._talks.hazard(), self._wraps.hazard()
        seats = max(view.seats, 1)
        size = 32 if seats <= 24 else 64 if seats <= 100 else 128 if seats <= 400 else 256
        self._tables = Tables(size, talk, wrap, self._rings)


def _age(known: Dial | _Seat, now: float) -> float:
    """Seconds, never less than what was counted already: news may come a little out of order."""
    return max(now - known.since, known.counted, 0.0)


def _bound(limits: Limits, candidates: int | None) -> tuple[int, LimitedBy]:
    bounds: list[tuple[int, LimitedBy]] = [
        (limits.channels, "channels"),
        (limits.per_second, "per_second"),
        (limits.most, "most"),
    ]
    if candidates is not None:
        bounds.append((candidates, "candidates"))
    least, name = min(bounds, key=lambda each: each[0])
    return max(least, 0), name
