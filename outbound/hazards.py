"""How long things last, learned from what has ended and from what still goes on (censored observations).

A call that has lasted four minutes says something though nobody knows its length yet; a dial cut after 15 s says that
it was not answered before. So durations are kept as *hazards*: events at an age, over the time spent at that age. Old
observations fade, one step for each new event.

Pure: ages in seconds are passed in. ``Stays`` is for one way to end (a talk, a wrap-up), ``Rings`` for two (a dial is
answered or fails). Source of the construction: the occurrence/exposure rate of survival analysis (Andersen, Borgan,
Gill, Keiding, "Statistical Models Based on Counting Processes", 1993, ch. VI).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TALK_BINS: Final = (0, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 180, 220, 270, 330, 400, 520)
WRAP_BINS: Final = (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 21, 25, 30, 36, 44, 54, 68, 90)


class Level:
    """Observed over expected events, with a short memory: follows a jump while the shape of the hazard stays.

    What was spent at each age is kept, not what was expected of it: so it is always held against the hazard as it is
    known now. Starts at 1 with the weight of ``prior`` events and forgets ``1/memory`` at each event.
    """

    def __init__(self, ages: int, prior: float, memory: float) -> None:
        self.prior = prior
        self.keep = 1.0 - 1.0 / memory
        self.seen = 0.0
        self.spent: Floats = np.zeros(ages)
        self.expected = 0.0  # of what is expected by another measure than the common hazard

    def event(self) -> None:
        self.seen = self.seen * self.keep + 1.0
        self.spent *= self.keep
        self.expected *= self.keep

    def value(self, hazard: Floats) -> float:
        """The factor now, on what ``hazard`` (events per s at each age) expects."""
        return (self.prior + self.seen) / (self.prior + float((self.spent * hazard).sum()) + self.expected)


class Stays:
    """How long a seat stays in a state (talk or wrap-up)."""

    def __init__(self, bins: Sequence[float], *, longest: int, mean: float, keep: float, weight: float = 1.0) -> None:
        """``bins``: the lower ends of the age bins, s. ``longest``: length of ``survival`` in whole s. ``mean``: what a
        stay is thought to last before any is seen, s; each bin starts with ``weight`` events of it. ``keep``: what is
        kept of the past at each event."""
        self.edges: Floats = np.asarray(bins, dtype=float)
        self.widths: Floats = np.append(np.diff(self.edges), np.inf)
        self.keep = keep
        self.events: Floats = np.full(len(bins), float(weight))
        self.exposure: Floats = np.full(len(bins), float(weight) * mean)
        self.level = Level(len(bins), 15.0, 60.0)
        self._bin_of_second: NDArray[np.int64] = (
            np.searchsorted(self.edges, np.arange(longest) + 0.5, side="right").astype(np.int64) - 1
        )

    def ended(self, age: float, counted: float = 0.0) -> None:
        """A stay ended at this age. ``counted``: the age up to which ``spend`` has been told of it."""
        self.events *= self.keep
        self.exposure *= self.keep
        self.level.event()
        self.spend(np.array([counted]), np.array([age]))
        where = int(np.searchsorted(self.edges, age, side="right")) - 1
        self.events[max(where, 0)] += 1.0

    def spend(self, begins: Floats, ends: Floats) -> None:
        """Stays went on from these ages to those. (Told while they last, so that old and new fade alike.)"""
        spent = (self._spent(ends) - self._spent(begins)).sum(axis=0)
        self.exposure += spent
        self.level.spent += spent

    def hazard(self) -> Floats:
        """Ends per second at each whole second of age."""
        slow = self.events / self.exposure
        hazard: Floats = (slow * self.level.value(slow))[self._bin_of_second]
        return hazard

    def as_data(self) -> dict[str, Any]:
        return {"events": rounded(self.events), "exposure": rounded(self.exposure)}

    def restore(self, data: Mapping[str, Any], weight: float) -> None:
        """Begin with what an earlier run knew, at ``weight`` (0..1) of its worth."""
        self.events = self.events + weight * np.asarray(data["events"], dtype=float)
        self.exposure = self.exposure + weight * np.asarray(data["exposure"], dtype=float)

    def _spent(self, ages: Floats) -> Floats:
        spent: Floats = np.clip(ages[:, None] - self.edges, 0.0, self.widths)
        return spent


class Rings:
    """How long a dial takes to be answered or to fail, and whether it is answered.

    A dial is either one that would be answered or one that would not; how long either takes does not depend on who is
    called, whether does. So the shape is shared by all numbers, and each dial has its own odds.
    """

    def __init__(self, longest: int, *, chance: float, mean: float, weight: float, keep: float) -> None:
        """``longest``: the age in whole s by which every dial has ended. ``chance`` and ``mean``: the share that is
        answered and after how many s, before any is seen; worth ``weight`` dials."""
        self.longest = longest
        self.keep = keep
        ages = np.arange(longest) + 0.5
        answered = ages * np.exp(-2.0 * ages / mean)  # Gamma(2): wide, so that it bends to what is seen
        answered *= chance / answered.sum()
        failed = np.full(longest, 0.3 * (1.0 - chance) / longest)
        failed[-1] += 0.7 * (1.0 - chance)
        alive = 1.0 - np.concatenate(([0.0], np.cumsum(answered + failed)[:-1]))
        self.answers: Floats = weight * answered
        self.failures: Floats = weight * failed
        self.exposure: Floats = weight * alive
        self.level = Level(longest, 8.0, 45.0)
        self.resolved = 0
        self.settle()

    def answered(self, age: float, chance: float | None, counted: float = -1.0) -> None:
        """``chance``: what was thought of it beforehand; None: like the others. ``counted``: the age up to which
        ``spend`` has been told of it, -1 = never."""
        self.answers *= self.keep
        self.failures *= self.keep
        self.exposure *= self.keep
        self.level.event()
        self.spend(counted, age, chance)
        self.answers[self._cell(age)] += 1.0
        self.resolved += 1

    def failed(self, age: float, chance: float | None, counted: float = -1.0) -> None:
        self.spend(counted, age, chance)
        self.failures[self._cell(age)] += 1.0
        self.resolved += 1

    def spend(self, begin: float, end: float, chance: float | None) -> None:
        """A dial rang from this age to that one; -1 = from the beginning. (Told while it rings, so that old and new
        fade alike.) Each second is counted as it is entered."""
        first = 0 if begin < 0.0 else self._cell(begin) + 1
        entered = slice(first, self._cell(end) + 1)
        self.exposure[entered] += 1.0
        if chance is None:
            self.level.spent[entered] += 1.0
        else:
            self.level.expected += float(self._compensator(chance)[entered].sum())

    def settle(self) -> None:
        """Work out shape and level from what was told since the last time."""
        exposure = np.maximum(self.exposure, 1e-9)
        ends_now = np.minimum((self.answers + self.failures) / exposure, 1.0)
        alive = np.concatenate(([1.0], np.cumprod(1.0 - ends_now)))
        ends = alive[:-1] - alive[1:]
        share = self.answers / np.maximum(self.answers + self.failures, 1e-12)
        answered = ends * share
        self.chance = float(min(max(answered.sum(), 0.002), 0.998))
        self.by_answer: Floats = np.concatenate(([0.0], np.minimum(np.cumsum(answered) / self.chance, 1.0)))
        failed = ends * (1.0 - share)
        failed[-1] += alive[-1]
        self.by_failure: Floats = np.concatenate(([0.0], np.minimum(np.cumsum(failed) / (1.0 - self.chance), 1.0)))
        self._compensators: dict[float, Floats] = {}
        self.factor = self.level.value(self.answers / exposure)

    def likely(self, chance: float | None) -> float:
        """How likely a new dial is to be answered, given what was thought of it beforehand and how things go now."""
        own = self.chance if chance is None else min(max(chance, 0.002), 0.998)
        return min(1.0 - float((1.0 - own) ** self.factor), 0.998)  # the factor is one on the hazard

    def answer_by(self, chance: float | None, grid: NDArray[np.int64]) -> Floats:
        """P(a dial of age a is answered within grid[j] s), shape (longest, len(grid))."""
        likely = self.likely(chance)
        ages = np.arange(self.longest)
        later = np.minimum(ages[:, None] + grid[None, :], self.longest)
        still = likely * (1.0 - self.by_answer[ages]) + (1.0 - likely) * (1.0 - self.by_failure[ages])
        due = likely * (self.by_answer[later] - self.by_answer[ages][:, None])
        within: Floats = np.clip(due / np.maximum(still, 1e-9)[:, None], 0.0, 1.0)
        return within

    def as_data(self) -> dict[str, Any]:
        return {
            "answers": rounded(self.answers),
            "failures": rounded(self.failures),
            "exposure": rounded(self.exposure),
        }

    def restore(self, data: Mapping[str, Any], weight: float) -> None:
        """Begin with what an earlier run knew, at ``weight`` (0..1) of its worth; the prior is forgotten for it."""
        self.answers = 0.1 * self.answers + weight * np.asarray(data["answers"], dtype=float)
        self.failures = 0.1 * self.failures + weight * np.asarray(data["failures"], dtype=float)
        self.exposure = 0.1 * self.exposure + weight * np.asarray(data["exposure"], dtype=float)
        self.settle()

    def _cell(self, age: float) -> int:
        return min(int(age), self.longest - 1)

    def _compensator(self, chance: float) -> Floats:
        """How likely a dial of its own chance is to be answered in each second that it enters, at factor 1."""
        found = self._compensators.get(chance)
        if found is None:
            own = min(max(chance, 0.002), 0.998)
            alive = own * (1.0 - self.by_answer) + (1.0 - own) * (1.0 - self.by_failure)
            found = own * np.diff(self.by_answer) / np.maximum(alive[:-1], 1e-9)
            self._compensators[chance] = found
        return found


def survival(hazard: Floats) -> Floats:
    """P(still going on) at the whole seconds 0, 1, .. len(hazard) - 1, of a hazard per second."""
    alive: Floats = np.exp(-np.concatenate(([0.0], np.cumsum(hazard[:-1]))))
    return alive


def rounded(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]
