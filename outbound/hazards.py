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

    It starts at 1 with the weight of ``prior`` events and forgets ``1/memory`` at each event.
    """

    def __init__(self, prior: float, memory: float) -> None:
        self.prior = prior
        self.keep = 1.0 - 1.0 / memory
        self.seen = 0.0
        self.expected = 0.0

    def event(self) -> None:
        self.seen = self.seen * self.keep + 1.0
        self.expected *= self.keep

    def expect(self, events: float) -> None:
        self.expected += events

    def value(self, ongoing: float = 0.0) -> float:
        """The factor now; ``ongoing`` = events expected so far of what has not ended."""
        return (self.prior + self.seen) / (self.prior + self.expected + ongoing)


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
        self.level = Level(15.0, 60.0)
        self._bin_of_second: NDArray[np.int64] = (
            np.searchsorted(self.edges, np.arange(longest) + 0.5, side="right").astype(np.int64) - 1
        )
        self._cumulative: Floats = np.zeros(len(bins))
        self._settle()

    def ended(self, age: float) -> None:
        """A stay ended at this age."""
        spent = self._spent(age)
        self.events *= self.keep
        self.exposure *= self.keep
        self.exposure += spent
        where = int(np.searchsorted(self.edges, age, side="right")) - 1
        self.events[max(where, 0)] += 1.0
        self.level.event()
        self.level.expect(self._expected(spent))

    def cut(self, age: float) -> None:
        """A stay was given up at this age by something else (the agent left): it would have gone on."""
        spent = self._spent(age)
        self.exposure += spent
        self.level.expect(self._expected(spent))

    def hazard(self, ongoing: Floats) -> Floats:
        """Ends per second at each whole second of age, given the ages of the stays that still go on."""
        going = np.clip(ongoing[:, None] - self.edges[None, :], 0.0, self.widths[None, :]).sum(axis=0)
        self._settle()
        slow = self.events / (self.exposure + going)
        factor = self.level.value(float((going * self._slow).sum()))
        hazard: Floats = (slow * factor)[self._bin_of_second]
        return hazard

    def mean(self) -> float:
        """What a stay lasts on average, s, by the slow hazard."""
        return float(survival(self._slow[self._bin_of_second]).sum())

    def as_data(self) -> dict[str, Any]:
        return {"events": rounded(self.events), "exposure": rounded(self.exposure)}

    def restore(self, data: Mapping[str, Any], weight: float) -> None:
        """Begin with what an earlier run knew, at ``weight`` (0..1) of its worth."""
        self.events = self.events + weight * np.asarray(data["events"], dtype=float)
        self.exposure = self.exposure + weight * np.asarray(data["exposure"], dtype=float)
        self._settle()

    def _settle(self) -> None:
        self._slow: Floats = self.events / self.exposure

    def _spent(self, age: float) -> Floats:
        spent: Floats = np.clip(age - self.edges, 0.0, self.widths)
        return spent

    def _expected(self, spent: Floats) -> float:
        return float((spent * self._slow).sum())


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
        self.level = Level(8.0, 45.0)
        self.resolved = 0
        self.settle(np.zeros(0))

    def answered(self, age: float, chance: float | None) -> None:
        self.answers *= self.keep
        self.failures *= self.keep
        self.exposure *= self.keep
        cell = self._spend(age)
        self.answers[cell] += 1.0
        self.level.event()
        self.level.expect(self._expected(age, chance))
        self.resolved += 1

    def failed(self, age: float, chance: float | None) -> None:
        cell = self._spend(age)
        self.failures[cell] += 1.0
        self.level.expect(self._expected(age, chance))
        self.resolved += 1

    def cut(self, age: float, chance: float | None) -> None:
        """The dial was given up by us at this age."""
        self._spend(age)
        self.level.expect(self._expected(age, chance))

    def settle(self, ongoing: Floats, chances: Sequence[float | None] = ()) -> None:
        """Work out shape and level, given the ages of the dials that still ring (and their own chances)."""
        exposure = self.exposure
        if len(ongoing):
            cells = np.minimum(ongoing.astype(np.int64), self.longest - 1)
            counts = np.bincount(cells, minlength=self.longest)
            exposure = exposure + (counts[::-1].cumsum()[::-1] - 0.5 * counts)
        total = (self.answers + self.failures) / np.maximum(exposure, 1e-9)
        alive = np.concatenate(([1.0], np.exp(-np.cumsum(total))))
        ends = alive[:-1] - alive[1:]
        share = self.answers / np.maximum(self.answers + self.failures, 1e-12)
        answered = ends * share
        self.chance = float(min(max(answered.sum(), 0.002), 0.998))
        self.by_answer: Floats = np.concatenate(([0.0], np.minimum(np.cumsum(answered) / self.chance, 1.0)))
        failed = ends * (1.0 - share)
        failed[-1] += alive[-1]
        self.by_failure: Floats = np.concatenate(([0.0], np.minimum(np.cumsum(failed) / (1.0 - self.chance), 1.0)))
        self._compensators: dict[float | None, Floats] = {}
        waiting = sum(
            self._expected(age, chances[i] if i < len(chances) else None) for i, age in enumerate(ongoing.tolist())
        )
        self.factor = self.level.value(waiting)

    def odds(self, chance: float | None) -> float:
        """The odds that a new dial is answered, given what was thought of it beforehand and how things go now."""
        own = self.chance if chance is None else min(max(chance, 0.002), 0.998)
        return own / (1.0 - own) * self.factor

    def answer_by(self, chance: float | None, grid: NDArray[np.int64]) -> Floats:
        """P(a dial of age a is answered within grid[j] s), shape (longest, len(grid))."""
        odds = self.odds(chance)
        likely = odds / (1.0 + odds)
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
        self.settle(np.zeros(0))

    def _spend(self, age: float) -> int:
        cell = min(int(age), self.longest - 1)
        self.exposure[:cell] += 1.0
        self.exposure[cell] += 0.5
        return cell

    def _expected(self, age: float, chance: float | None) -> float:
        """How much answering was to be expected of a dial up to this age at factor 1 (its cumulative hazard)."""
        compensator = self._compensators.get(chance)
        if compensator is None:
            own = self.chance if chance is None else min(max(chance, 0.002), 0.998)
            alive = own * (1.0 - self.by_answer) + (1.0 - own) * (1.0 - self.by_failure)
            due = own * np.diff(self.by_answer)
            compensator = np.concatenate(([0.0], np.cumsum(due / np.maximum(alive[:-1], 1e-9))))
            self._compensators[chance] = compensator
        where = min(age, float(self.longest))
        cell = min(int(where), self.longest - 1)
        return float(compensator[cell] + (where - cell) * (compensator[cell + 1] - compensator[cell]))


def survival(hazard: Floats) -> Floats:
    """P(still going on) at the whole seconds 0, 1, .. len(hazard) - 1, of a hazard per second."""
    alive: Floats = np.exp(-np.concatenate(([0.0], np.cumsum(hazard[:-1]))))
    return alive


def rounded(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]
