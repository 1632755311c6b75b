"""Seats minus answers at each look ahead: the distributions on which the predictive pacer decides. Pure.

``Tables`` says for a seat or dial of each age how likely it is free, or answered, within so many seconds (from the
hazards of ``outbound.hazards``); ``Pool`` adds up those that there are and tells how likely one more answer is to find
no seat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from outbound.hazards import Floats, Rings, survival
from outbound.poisson_binomial import Spectrum

_GRID: Final[NDArray[np.int64]] = np.array([2, 4, 6, 8, 10, 12, 15, 18, 22, 26])  # the looks ahead, s
_SOON: Final = 5  # index of 12 s
_FIRST_LOOK: Final = 2  # index of 6 s: hardly a dial is answered sooner
_CANCEL_AT: Final = 1  # index of 4 s
_CHANCE_STEP: Final = 0.25  # own chances are rounded to steps of the log-odds
_TALK_AGES: Final = np.concatenate([np.arange(0, 60, 2), np.arange(60, 180, 5), np.arange(180, 620, 20)]).astype(float)
_WRAP_AGES: Final = np.concatenate([np.arange(0, 60, 1), np.arange(60, 130, 10)]).astype(float)
LONGEST_TALK: Final = 680
LONGEST_WRAP: Final = 170
_SECONDS: Final = 1.0  # of the patience in which a seat that comes free still saves the call


@dataclass(slots=True)
class Dial:
    since: float
    chance: float | None
    grade: int | None  # the chance in steps of log-odds
    ringing: float | None = None
    counted: float = -1.0  # the age up to which the estimators have been told of it


@dataclass(frozen=True, slots=True)
class View:
    """The campaign's side of the seats at one moment."""

    seats: int
    idle: int
    waiting: int
    talking: list[float]  # ages, s
    wrapping: list[float]
    danger: bool


class Rows:
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


class Tables:
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
        starts = np.minimum(_TALK_AGES.astype(np.int64), LONGEST_TALK - farthest - 2)
        begun = talk[starts[:, None] + steps[None, :] - 1] / np.maximum(talk[starts][:, None], 1e-12)
        density = begun * (1.0 - np.exp(-talk_hazard[starts[:, None] + steps[None, :] - 1]))
        rest = ahead[None, :] - steps[:, None]
        wrapped = np.where(rest >= 0, 1.0 - wrap[np.maximum(rest, 0)], 0.0)
        by_talk = density @ wrapped
        self.free_by = np.clip(np.concatenate([by_talk, by_wrap]), 0.0, 1.0)
        self.seats = Rows(self.spectrum, self.free_by, 1.0)
        self._grades: dict[int | None, Rows] = {}

    def of_grade(self, grade: int | None) -> Rows:
        """The rows of dials of this grade, by age in whole seconds."""
        found = self._grades.get(grade)
        if found is None:
            by = self.rings.answer_by(chance_of(grade), _GRID)
            found = self._grades[grade] = Rows(self.spectrum, by, -1.0)
        return found


class Pool:
    """The distribution of seats minus answers at each look ahead, for one decision."""

    def __init__(self, tables: Tables, view: View, dials: Iterable[Dial], now: float) -> None:
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
        return float(self._empty(_FIRST_LOOK, len(_GRID)).max())

    def add(self, chance: float | None) -> None:
        self._total = self._total + self.tables.of_grade(grade_of(chance)).row(0)

    def crowded(self, threshold: float) -> bool:
        """Whether a dial that is answered within 4 s may well find no seat; if not, none need be given up."""
        return float(self._empty(_CANCEL_AT, _CANCEL_AT + 1)[0]) > threshold

    def without(self, known: Dial, now: float, threshold: float) -> bool:
        """Whether this dial had better be given up; if so it is taken out."""
        age = min(max(int(now - known.since), 0), self.longest - 1)
        row = self.tables.of_grade(known.grade).row(age)
        self._total = self._total - row
        if self.crowded(threshold):
            return True
        self._total = self._total + row
        return False

    def expected(self) -> tuple[float, float]:
        """(idle seats and those due within 12 s, answers due within 12 s)."""
        at = self._width + _SOON
        return self.idle + self._free, self._free - float(self._total[at])

    def _empty(self, first: int, end: int) -> Floats:
        """P(no seat is left for one more answer) at these looks ahead."""
        spectrum, total, half = self.tables.spectrum, self._total, self._half
        wide = half // len(_GRID)
        size = total[first * wide : end * wide].reshape(end - first, wide)
        angle = total[half + first * wide : half + end * wide].reshape(end - first, wide)
        return spectrum.at_most(size, angle, total[self._width + first : self._width + end], -self.base)


@cache
def _spectrum(size: int) -> Spectrum:
    return Spectrum(size)


def grade_of(chance: float | None) -> int | None:
    if chance is None:
        return None
    kept = min(max(chance, 0.004), 0.996)
    return round(float(np.log(kept / (1.0 - kept))) / _CHANCE_STEP)


def chance_of(grade: int | None) -> float | None:
    return None if grade is None else float(1.0 / (1.0 + np.exp(-grade * _CHANCE_STEP)))
