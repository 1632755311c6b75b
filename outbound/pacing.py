"""How many numbers to dial now: preview, progressive, power and predictive pacing.

The live dialer and the simulator tell a ``Pacer`` what happens (a dial rings, is answered, fails; a seat talks, wraps
up, is free, leaves; callers of the hotline wait) and ask it to ``decide``. It answers with how many of the next
candidates to dial, which ringing dials to give up, and why.

Pure: no clock, no I/O, no randomness. ``now`` is seconds of any clock that does not go back. The same facts at the same
times give the same decisions. The predictive mode is chance-constrained pacing with a dual threshold; docs/pacing.md
explains it, docs/decisions/0007-chance-constrained-pacing.md says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from outbound.abandonment import WINDOWS, Counted, Ledger, Threshold, Window
from outbound.hazards import TALK_BINS, WRAP_BINS, Floats, Rings, Stays, survival
from outbound.poisson_binomial import Spectrum

Mode = Literal["preview", "progressive", "power", "predictive"]
SeatState = Literal["idle", "talking", "wrap_up", "away", "gone"]
"""``idle`` can take a call now. ``talking`` and ``wrap_up``: of this campaign. ``away``: in another talk (an inbound
one, say), reserved, on a break: comes back some time, counted only once it is idle. ``gone``: logged out, or has asked
to leave: never counted; the talk that goes on is its last."""

LimitedBy = Literal[
    "", "no_seats", "risk", "room", "learning", "channels", "per_second", "most", "candidates", "danger"
]


@dataclass(frozen=True, slots=True)
class PacingRules:
    """How a campaign is paced."""

    mode: Mode = "predictive"
    ratio: float = 1.5  # of mode power: lines for each idle seat
    windows: tuple[Window, ...] = WINDOWS  # caps on the abandoned share
    aim: float = 0.0292  # the abandoned share that is aimed at, a little under the cap
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
class PacingReason:
    """Why so many: written to the journal, read by supervisors."""

    mode: Mode
    acting: Mode  # what the mode fell back to
    seats: int  # logged in and not leaving
    idle: int  # seats free for this campaign now
    talking: int
    wrapping_up: int
    waiting: int  # answered calls that have no agent yet, callers of the hotline included
    live: int  # dials that ring, before this decision
    seats_expected: float  # idle seats and those expected within 12 s
    answers_expected: float  # answers expected within 12 s, the new dials included
    over_answer: float  # chance that the next answer finds no seat, after this decision
    threshold: float  # the highest such chance that is accepted now
    room: float  # calls that may yet be abandoned in the tightest window
    window: str  # that window
    answer_chance: float  # of an average new dial
    talk: float  # mean talk, s
    limited_by: LimitedBy
    shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # window: (answered, abandoned)

    def as_data(self) -> dict[str, Any]:
        """For the journal: plain numbers, rounded."""
        return {
            "mode": self.mode,
            "acting": self.acting,
            "seats": self.seats,
            "idle": self.idle,
            "talking": self.talking,
            "wrapping_up": self.wrapping_up,
            "waiting": self.waiting,
            "live": self.live,
            "seats_expected": round(self.seats_expected, 2),
            "answers_expected": round(self.answers_expected, 2),
            "over_answer": round(self.over_answer, 4),
            "threshold": round(self.threshold, 4),
            "room": round(self.room, 2),
            "window": self.window,
            "answer_chance": round(self.answer_chance, 3),
            "talk": round(self.talk, 1),
            "limited_by": self.limited_by,
            "abandoned": {name: round(lost / max(calls, 1.0), 4) for name, (calls, lost) in self.shares.items()},
        }


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
    threshold: float

    def as_data(self) -> dict[str, Any]:
        return {
            "rings": dict(self.rings),
            "talks": dict(self.talks),
            "wraps": dict(self.wraps),
            "threshold": round(self.threshold, 6),
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
_GRID: Final[NDArray[np.int64]] = np.array([2, 4, 6, 8, 10, 12, 15, 18, 22, 26])  # the looks ahead, s
_SOON: Final = 5  # index of 12 s
_FIRST_LOOK: Final = 2  # index of 6 s: hardly a dial is answered sooner
_CANCEL_AT: Final = 1  # index of 4 s
_REFRESH: Final = 8.0  # seconds between two looks at the estimators
_MOST_AT_ONCE: Final = 60
_CHANCE_STEP: Final = 0.25  # own chances are rounded to steps of the log-odds
_TALK_AGES: Final = np.concatenate([np.arange(0, 60, 2), np.arange(60, 180, 5), np.arange(180, 620, 20)]).astype(float)
_WRAP_AGES: Final = np.concatenate([np.arange(0, 60, 1), np.arange(60, 130, 10)]).astype(float)
_LONGEST_TALK: Final = 680
_LONGEST_WRAP: Final = 170
_SECONDS: Final = 1.0  # of the patience in which a seat that comes free still saves the call


@dataclass(slots=True)
class _Dial:
    since: float
    chance: float | None
    grade: int | None  # the chance in steps of log-odds
    ringing: float | None = None
    counted: float = -1.0  # the age up to which the estimators have been told of it


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
        self._talks = Stays(TALK_BINS, longest=_LONGEST_TALK, mean=90.0, keep=0.998)
        self._wraps = Stays(WRAP_BINS, longest=_LONGEST_WRAP, mean=15.0, keep=0.998)
        self._threshold = Threshold(rules.aim)
        self._ledger = Ledger(rules.windows)
        self._dials: dict[str, _Dial] = {}
        self._answered: dict[str, float] = {}  # dials that wait for an agent
        self._seats: dict[str, _Seat] = {}
        self._inbound = (0, 0, False)
        self._warm = warm is not None
        self._refreshed = -np.inf
        self._tables: _Tables | None = None
        if warm is not None:
            self._rings.restore(warm.rings, 0.5)
            self._talks.restore(warm.talks, 0.5)
            self._wraps.restore(warm.wraps, 0.5)
            self._threshold.log = min(max(warm.threshold, self._threshold.LOWEST), self._threshold.HIGHEST)

    # facts

    def restore(self, counts: Iterable[Counted]) -> None:
        """The answered and abandoned calls of the past 30 days, from the store; times on the clock of ``now`` (they may
        be negative). Slices of an hour are fine for what is older than a day, of a minute for the last hour."""
        self._ledger.restore(counts)

    def dialled(self, dial: str, now: float, chance: float | None = None) -> None:
        """A number was handed to the trunk. ``chance``: the probability that it is answered, as thought beforehand
        (``outbound.answer_chance``); None: like the others. The pacer corrects the level of all of them by itself."""
        self._dials[dial] = _Dial(now, chance, _grade(chance))

    def ringing(self, dial: str, now: float) -> None:
        """It rings (180, or early media). Without this it is taken to ring from 3 s after dialling on."""
        known = self._dials.get(dial)
        if known is not None and known.ringing is None:
            known.ringing = now

    def answered(self, dial: str, now: float) -> None:
        """A person answered and waits for an agent. (With machine detection: when it has decided.)"""
        known = self._dials.pop(dial, None)
        if known is None:
            return
        self._rings.answered(now - known.since, _chance(known.grade), known.counted)
        self._answered[dial] = now
        self._ledger.answered(now)

    def failed(self, dial: str, now: float, *, fast: bool = False) -> None:
        """It ended without a person: busy, refused, no answer, machine. ``fast``: it never rang (a number that does not
        exist, a trunk that refused)."""
        del fast  # the age says it
        known = self._dials.pop(dial, None)
        if known is not None:
            self._rings.failed(now - known.since, _chance(known.grade), known.counted)

    def cancelled(self, dial: str, now: float) -> None:
        """We gave it up, by a decision of the pacer or for any other reason, before anything else ended it."""
        known = self._dials.pop(dial, None)
        if known is not None:
            self._rings.spend(known.counted, now - known.since, _chance(known.grade))

    def connected(self, dial: str, now: float) -> None:
        """An agent has it. The seat's own ``talking`` is told by ``seat``."""
        del now
        if self._answered.pop(dial, None) is not None:
            self._threshold.answered()

    def abandoned(self, dial: str, now: float) -> None:
        """No agent came within the patience: it heard the safe-harbour message."""
        if self._answered.pop(dial, None) is not None:
            self._ledger.abandoned(now)
            self._threshold.answered()
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
        age = max(now - known.since, known.counted)
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
        view = self._view(now)
        if self._tables is None or now - self._refreshed >= _REFRESH:
            self._refresh(now, view)
        tables = self._tables
        assert tables is not None
        most, limited = _bound(limits, len(upcoming) if upcoming else None)
        room = self._ledger.tightest(now)
        acting = self._acting(view, room.calls)
        cancel: tuple[str, ...] = ()
        over = threshold = 0.0
        why: LimitedBy
        pool = _Pool(tables, view, self._dials.values(), now)
        if not view.seats:
            count, why = 0, "danger" if view.danger else "no_seats"
            cancel = self._given_up(pool, now, 0.0)
        elif acting == "predictive":
            threshold = self._threshold.value() * room.ease
            count, cancel, over, why = self._predict(pool, now, threshold, most, limited, upcoming)
        else:
            count, why = self._by_ratio(self.rules.ratio if acting == "power" else 1.0, view), ""
            if acting != self.rules.mode:
                why = "room" if room.calls < 1.0 else "learning"
            if count > most:
                count, why = most, limited
        expected = pool.expected()
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

    def _by_ratio(self, ratio: float, view: _View) -> int:
        return max(int(ratio * max(view.idle - view.waiting, 0) + 1e-9) - len(self._dials), 0)

    def _acting(self, view: _View, room: float) -> Mode:
        mode = self.rules.mode
        if mode == "power" and room < 1.0:
            return "progressive"
        if mode == "predictive":
            enough = min(self.rules.learning, 3 * max(view.seats, 1))
            if room < 0.3 or (not self._warm and self._rings.resolved < enough):
                return "progressive"
        return mode

    def _predict(
        self,
        pool: _Pool,
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

    def _given_up(self, pooled: _Pool, now: float, threshold: float) -> tuple[str, ...]:
        if not self.rules.cancelling:
            return ()
        ripe = [
            (known.since, dial, known)
            for dial, known in self._dials.items()
            if now - (known.since + 3.0 if known.ringing is None else known.ringing) >= self.rules.ring_at_least
        ]
        found: list[str] = []
        for _, dial, known in sorted(ripe, key=lambda each: each[:2]):
            if pooled.without(known, now, threshold):
                found.append(dial)
        return tuple(found)

    def _view(self, now: float) -> _View:
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
                talking.append(now - known.since)
            elif known.state == _WRAPPING_UP:
                wrapping.append(now - known.since)
            else:
                continue
            seats += 1
        promised = 0 if danger else min(waiting + reserve, shared)
        return _View(seats, idle, len(self._answered) + promised, talking, wrapping, danger)

    def _refresh(self, now: float, view: _View) -> None:
        self._refreshed = now
        for dial in self._dials.values():
            age = max(now - dial.since, dial.counted)
            self._rings.spend(dial.counted, age, _chance(dial.grade))
            dial.counted = age
        self._rings.settle()
        for stays, state in ((self._talks, _TALKING), (self._wraps, _WRAPPING_UP)):
            going = [seat for seat in self._seats.values() if seat.state == state]
            ends = np.array([max(now - seat.since, seat.counted) for seat in going])
            stays.spend(np.array([seat.counted for seat in going]), ends)
            for seat, end in zip(going, ends.tolist(), strict=True):
                seat.counted = end
        talk, wrap = self._talks.hazard(), self._wraps.hazard()
        seats = max(view.seats, 1)
        size = 32 if seats <= 24 else 64 if seats <= 100 else 128 if seats <= 400 else 256
        self._tables = _Tables(size, talk, wrap, self._rings)


@dataclass(frozen=True, slots=True)
class _View:
    """The campaign's side of the seats at one moment."""

    seats: int
    idle: int
    waiting: int
    talking: list[float]  # ages, s
    wrapping: list[float]
    danger: bool


class _Rows:
    """For each age what one seat or dial of that age adds to the distributions, at every look ahead: logarithm of size,
    angle and mean in one row. Worked out when it is first needed."""

    def __init__(self, spectrum: Spectrum, chances: Floats, sign: float) -> None:
        self._spectrum = spectrum
        self._chances = chances
        self._sign = sign
        half = chances.shape[1] * len(spectrum.frequencies)
        self._rows: Floats = np.empty((len(chances), 2 * half + chances.shape[1]))
        self._known = np.zeros(len(chances), dtype=bool)
        self._half = half

    def sum(self, where: NDArray[np.int64]) -> Floats:
        """The sum of the rows of these ages; an age may be there several times."""
        counts = np.bincount(where, minlength=len(self._rows))
        used = counts.nonzero()[0]
        self._know(used)
        found: Floats = counts[used].astype(float) @ self._rows[used]
        return found

    def row(self, age: int) -> Floats:
        if not self._known[age]:
            self._know(np.array([age]))
        found: Floats = self._rows[age]
        return found

    def _know(self, ages: NDArray[np.int64]) -> None:
        missing = ages[~self._known[ages]]
        if len(missing):
            chances = self._chances[missing]
            size, angle = self._spectrum.logarithms(chances)
            self._rows[missing, : self._half] = size.reshape(len(missing), -1)
            self._rows[missing, self._half : 2 * self._half] = self._sign * angle.reshape(len(missing), -1)
            self._rows[missing, 2 * self._half :] = self._sign * chances
            self._known[missing] = True


class _Tables:
    """What the estimators say, worked out for every age and every look ahead; good for a few seconds."""

    def __init__(self, size: int, talk_hazard: Floats, wrap_hazard: Floats, rings: Rings) -> None:
        self.spectrum = _spectrum(size)
        self.size = size
        self.chance = rings.likely(None)
        self.rings = rings
        talk = survival(talk_hazard)
        wrap = survival(wrap_hazard)
        self.talk = float(talk.sum())
        ahead = _GRID + int(_SECONDS)
        farthest = int(ahead[-1])
        ages = _WRAP_AGES.astype(np.int64)
        by_wrap = 1.0 - wrap[ages[:, None] + ahead[None, :]] / np.maximum(wrap[ages][:, None], 1e-12)
        steps = np.arange(1, farthest + 1)
        starts = np.minimum(_TALK_AGES.astype(np.int64), _LONGEST_TALK - farthest - 2)
        begun = talk[starts[:, None] + steps[None, :] - 1] / np.maximum(talk[starts][:, None], 1e-12)
        density = begun * (1.0 - np.exp(-talk_hazard[starts[:, None] + steps[None, :] - 1]))
        rest = ahead[None, :] - steps[:, None]
        wrapped = np.where(rest >= 0, 1.0 - wrap[np.maximum(rest, 0)], 0.0)
        by_talk = density @ wrapped
        self.free_by = np.clip(np.concatenate([by_talk, by_wrap]), 0.0, 1.0)
        self.seats = _Rows(self.spectrum, self.free_by, 1.0)
        self._grades: dict[int | None, _Rows] = {}

    def of_grade(self, grade: int | None) -> _Rows:
        """The rows of dials of this grade, by age in whole seconds."""
        found = self._grades.get(grade)
        if found is None:
            by = self.rings.answer_by(_chance(grade), _GRID)
            found = self._grades[grade] = _Rows(self.spectrum, by, -1.0)
        return found


class _Pool:
    """The distribution of seats minus answers at each look ahead, for one decision."""

    def __init__(self, tables: _Tables, view: _View, dials: Iterable[_Dial], now: float) -> None:
        self.tables = tables
        self.longest = tables.rings.longest
        width = len(_GRID) * (tables.size // 2 + 1) * 2
        self._half = width // 2
        self._width = width
        total = np.zeros(width + len(_GRID))
        if view.talking or view.wrapping:
            where = np.concatenate(
                [
                    np.searchsorted(_TALK_AGES, np.array(view.talking), side="right") - 1,
                    np.searchsorted(_WRAP_AGES, np.array(view.wrapping), side="right") - 1 + len(_TALK_AGES),
                ]
            ).astype(np.int64)
            total += tables.seats.sum(where)
        self._free = float(total[width + _SOON])
        self.base = view.idle - view.waiting
        self.idle = view.idle
        grades: dict[int | None, list[int]] = {}
        for known in dials:
            grades.setdefault(known.grade, []).append(min(max(int(now - known.since), 0), self.longest - 1))
        for grade, ages in grades.items():
            total += tables.of_grade(grade).sum(np.array(ages))
        self._total = total

    def risk(self) -> float:
        """How likely one more dial is to cost an abandoned call: the worst look ahead at which no seat is left."""
        return float(self._empty()[_FIRST_LOOK:].max())

    def add(self, chance: float | None) -> None:
        self._total = self._total + self.tables.of_grade(_grade(chance)).row(0)

    def without(self, known: _Dial, now: float, threshold: float) -> bool:
        """Whether this dial had better be given up; if so it is taken out."""
        age = min(max(int(now - known.since), 0), self.longest - 1)
        row = self.tables.of_grade(known.grade).row(age)
        self._total = self._total - row
        if float(self._empty()[_CANCEL_AT]) > threshold:
            return True
        self._total = self._total + row
        return False

    def expected(self) -> tuple[float, float]:
        """(idle seats and those due within 12 s, answers due within 12 s)."""
        at = self._width + _SOON
        return self.idle + self._free, self._free - float(self._total[at])

    def _empty(self) -> Floats:
        """P(no seat is left for one more answer) at each look ahead."""
        spectrum = self.tables.spectrum
        size = self._total[: self._half].reshape(len(_GRID), -1)
        angle = self._total[self._half : self._width].reshape(len(_GRID), -1)
        return spectrum.at_most(size, angle, self._total[self._width :], -self.base)


@cache
def _spectrum(size: int) -> Spectrum:
    return Spectrum(size)


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


def _grade(chance: float | None) -> int | None:
    if chance is None:
        return None
    kept = min(max(chance, 0.004), 0.996)
    return round(float(np.log(kept / (1.0 - kept))) / _CHANCE_STEP)


def _chance(grade: int | None) -> float | None:
    return None if grade is None else float(1.0 / (1.0 + np.exp(-grade * _CHANCE_STEP)))
