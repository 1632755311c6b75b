"""How many answered calls were abandoned, over which windows, and how much room that leaves.

*Answered* = a person answered (machines, busy and no answer do not count). *Abandoned* = of those, whoever had no agent
within 2 s. The share is held under a cap over every window of ``WINDOWS``: 3 % over rolling 30 days (US 16 CFR
310.4(b)(4), per campaign) and over rolling 24 h (UK Ofcom, Persistent Misuse statement 2016), and a cap for each
rolling hour of our own, so that a good morning does not pay for a bad hour.

Pure: times are passed in, in seconds of any clock that does not go back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
MONTH: Final = 30 * DAY
HARDLY_ANY: Final = 0.05
LEAST_EASE: Final = 0.2  # a risk lower than that keeps more agents idle than calls from being abandoned


@dataclass(frozen=True, slots=True)
class Window:
    """A rolling window and the share of answered calls that may be abandoned within it."""

    name: str
    span: float  # seconds
    cap: float  # share, 0..1
    borrow: float  # calls that may be abandoned ahead of the answered ones that allow it, while there are few
    enough: float  # answered calls from which on nothing is borrowed
    spare: float  # calls of the allowance that are never used: what is in flight when it runs out
    care: float  # calls of room below which less risk is accepted
    strict: float  # answered calls from which on no risk at all is accepted once the room is used up


WINDOWS: Final = (
    # The half hour speaks first when the hour before had many calls and this one has few: those leave the hour soon.
    Window("half_hour", HOUR / 2, 0.055, 6.0, 250.0, 0.4, 1.5, 120.0),
    Window("hour", HOUR, 0.048, 2.5, 60.0, 0.4, 1.5, 120.0),
    Window("day", DAY, 0.03, 3.0, 200.0, 0.5, 2.0, 0.0),
    Window("month", MONTH, 0.03, 3.0, 200.0, 0.5, 2.0, 0.0),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened at a time (or in the slice that began then): how the store tells a new pacer of the past."""

    at: float
    answered: float
    abandoned: float


@dataclass(frozen=True, slots=True)
class Room:
    """What a window still allows."""

    window: str
    calls: float  # that may be abandoned at once without passing its cap
    ease: float  # the factor on the accepted risk; 1 = no care needed, 0 = no risk at all


class Rolling:
    """Answered and abandoned calls of the last ``span`` seconds, in slices; a slice leaves as a whole, never early."""

    def __init__(self, span: float) -> None:
        self.span = span
        self.slice = span / 240.0
        self.answered = 0.0
        self.abandoned = 0.0
        self._slices: deque[list[float]] = deque()  # [begin, answered, abandoned]

    def add(self, at: float, answered: float, abandoned: float) -> None:
        begin = math.floor(at / self.slice) * self.slice
        if self._slices and self._slices[-1][0] >= begin:
            self._slices[-1][1] += answered
            self._slices[-1][2] += abandoned
        else:
            self._slices.append([begin, answered, abandoned])
        self.answered += answered
        self.abandoned += abandoned

    def forget(self, now: float) -> None:
        """Let go of what is older than the window."""
        while self._slices and self._slices[0][0] + self.slice + self.span <= now:
            _, answered, abandoned = self._slices.popleft()
            self.answered -= answered
            self.abandoned -= abandoned
        if not self._slices:
            self.answered = self.abandoned = 0.0  # no crumbs of rounding

    @property
    def share(self) -> float:
        return self.abandoned / self.answered if self.answered > 0 else 0.0


class Ledger:
    """The windows of one campaign."""

    def __init__(self, windows: Iterable[Window]) -> None:
        self._windows = [(window, Rolling(window.span)) for window in windows]

    def answered(self, now: float, calls: float = 1.0) -> None:
        for _, counts in self._windows:
            counts.add(now, calls, 0.0)

    def abandoned(self, now: float, calls: float = 1.0) -> None:
        for _, counts in self._windows:
            counts.add(now, 0.0, calls)

    def restore(self, past: Iterable[Counted]) -> None:
        for one in sorted(past, key=lambda each: each.at):
            for _, counts in self._windows:
                counts.add(one.at, one.answered, one.abandoned)

    def tightest(self, now: float) -> Room:
        """The window that allows least."""
        found = [self._room(window, counts, now) for window, counts in self._windows]
        return min(found, key=lambda room: (room.ease, room.calls), default=Room("", 1e9, 1.0))

    def _room(self, window: Window, counts: Rolling, now: float) -> Room:
        counts.forget(now)
        young = max(0.0, 1.0 - counts.answered / window.enough)
        calls = window.cap * counts.answered + window.borrow * young - window.spare - counts.abandoned
        if calls < 0.0:
            return Room(window.name, calls, 0.0 if counts.answered >= window.strict else HARDLY_ANY)
        return Room(window.name, calls, min(max(calls / window.care, LEAST_EASE), 1.0))

    def shares(self, now: float) -> dict[str, tuple[float, float]]:
        """(answered, abandoned) of each window by its name."""
        for _, counts in self._windows:
            counts.forget(now)
        return {window.name: (counts.answered, counts.abandoned) for window, counts in self._windows}


class Threshold:
    """The risk that one more dial may carry: one number, moved by what happens (a dual variable).

    Each answered call raises it a little, each abandoned one lowers it, in the proportion of the aim: whatever the
    model of the pacer gets wrong, abandoned - aim x answered stays bounded. It starts low and moves slowly on purpose:
    a risk that swings costs more of the agents' time than it saves abandoned calls.
    """

    UP: Final = 1.6  # it moves so far from its start at most, as logarithms …
    DOWN: Final = 2.4
    MANY: Final = 600.0  # answered calls in an hour; the more there are beyond, the smaller the steps

    def __init__(self, aim: float, *, step: float = 0.2, start: float = 0.022) -> None:
        """``aim``: the abandoned share. ``step``: of the logarithm for one abandoned call."""
        self.aim = aim
        self.step = step
        self._start = self.log = math.log(start)
        self._lately = Rolling(HOUR)

    def answered(self, now: float) -> None:
        self._lately.add(now, 1.0, 0.0)
        self._lately.forget(now)
        self._move(self.aim)

    def abandoned(self, calls: float = 1.0) -> None:
        self._move(-calls)

    def restore(self, log: float) -> None:
        """Begin where an earlier one ended."""
        self.log = log
        self._move(0.0)

    def value(self) -> float:
        return math.exp(self.log)

    def _move(self, calls: float) -> None:
        step = self.step * min(1.0, self.MANY / max(self._lately.answered, 1.0)) ** 0.75
        self.log = min(max(self.log + step * calls, self._start - self.DOWN), self._start + self.UP)
