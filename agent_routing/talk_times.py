"""How long talks last, from talks that were: the expected rest of one that goes on, and one possible end. Pure.

The distribution is the measured one, never a formula: talks have more short and more very long ones than an
exponential law has, so how long a talk has lasted says something about its rest. Beyond the longest talk measured it is
taken to end at a constant rate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from random import Random
from typing import ClassVar, Final

from ivr.errors import GoldlineError

LEAST: Final = 1.0  # seconds; a shorter talk is a wrong connection and says nothing of the others
FEW: Final = 5  # talks: with fewer longer ones than this the tail is taken as exponential


class NoTalkTimes(GoldlineError):
    """There are no talks to learn from."""

    error_id: ClassVar[str] = "no-talk-times"


class TalkTimes:
    """The measured talk times, wrap-up included, in seconds. Raises NoTalkTimes when none is left."""

    def __init__(self, seconds: Iterable[float]) -> None:
        self._sorted = sorted(one for one in seconds if one >= LEAST)
        if not self._sorted:
            raise NoTalkTimes("There are no talk times.", remedy="Give at least one measured talk of a second or more.")
        self._sums = [0.0, *accumulate(self._sorted)]
        self.mean = self._sums[-1] / len(self._sorted)
        few = min(FEW, len(self._sorted))
        edge = self._sorted[-few - 1] if few < len(self._sorted) else 0.0
        # The mean rest of the longest talks; equally long ones say nothing about a rest.
        self._tail = sum(self._sorted[-few:]) / few - edge or self.mean

    def rest(self, age: float) -> float:
        """The expected rest of a talk that has lasted ``age`` seconds."""
        longer = bisect_right(self._sorted, age)
        count = len(self._sorted) - longer
        if count < FEW:
            return self._tail
        return (self._sums[-1] - self._sums[longer]) / count - age

    def draw(self, age: float, chance: Random) -> float:
        """One possible rest of a talk that has lasted ``age`` seconds."""
        longer = bisect_right(self._sorted, age)
        count = len(self._sorted) - longer
        if count < FEW:
            return chance.expovariate(1.0 / self._tail)
        return self._sorted[longer + int(chance.random() * count)] - age
