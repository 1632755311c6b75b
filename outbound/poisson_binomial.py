"""How many of several independent things happen, each with its own probability (the Poisson-binomial distribution).

``exact`` adds one thing after the other: the reference. ``Spectrum`` is what the pacer uses: the same distribution as a
product of characteristic functions on a ring of ``size`` whole numbers, so that groups of equal things cost one
multiplication and differences cost nothing more. It is exact as long as the whole support fits into the ring, and
wrong by the probability outside of it otherwise (Hong 2013, "On computing the distribution function for the Poisson
binomial distribution", Comp. Stat. & Data Analysis 59:41).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_TINY = 1e-30  # keeps the logarithm of a factor that is exactly zero (p = 1/2 at the highest frequency) finite


def exact(chances: Iterable[float]) -> Floats:
    """P(k of them happen) for k = 0, 1, …"""
    found: Floats = np.array([1.0])
    for chance in chances:
        found = np.append(found, 0.0) * (1.0 - chance) + np.insert(found, 0, 0.0) * chance
    return found


class Spectrum:
    """Distributions of whole numbers by their characteristic function at ``size // 2 + 1`` frequencies.

    A distribution is known on ``size`` whole numbers around its mean.
    """

    def __init__(self, size: int) -> None:
        """``size``: even."""
        self.size = size
        self.frequencies: Floats = 2.0 * np.pi * np.arange(size // 2 + 1) / size
        self._up: Complexes = np.exp(1j * self.frequencies) - 1.0
        self._down: Complexes = np.conj(self._up)
        mirror = np.full(size // 2 + 1, 2.0)  # the other half of the frequencies is the mirror of this one
        mirror[0] = mirror[-1] = 1.0
        # P(X <= 0) of an X on low .. low + size - 1 is the real part of the characteristic function times row -low.
        steps = np.exp(1j * np.outer(np.arange(size), self.frequencies))  # of -k = 0, 1, ..
        self._at_most_zero: Complexes = np.cumsum(steps, axis=0) * mirror / size

    def one_more(self, chances: Floats) -> Complexes:
        """The factor of one thing that adds 1 with such a chance, shape (*chances.shape, frequencies)."""
        factor: Complexes = 1.0 + chances[..., None] * self._up
        return factor

    def one_less(self, chances: Floats) -> Complexes:
        """The factor of one thing that takes 1 away with such a chance."""
        factor: Complexes = 1.0 + chances[..., None] * self._down
        return factor

    def logarithm(self, factor: Complexes) -> Complexes:
        found: Complexes = np.log(factor + _TINY)
        return found

    def at_most(self, values: Complexes, means: Floats, bound: int) -> Floats:
        """P(X <= bound) of each distribution, one in each row of ``values``, with such means."""
        low = np.rint(means).astype(np.int64) - self.size // 2 - bound  # lowest whole number of X - bound
        rows = self._at_most_zero[np.clip(-low, 0, self.size - 1)]
        shifted = rows * np.exp(-1j * bound * self.frequencies) if bound else rows
        found = np.clip((values * shifted).real.sum(axis=1), 0.0, 1.0)
        found[low > 0] = 0.0
        found[low + self.size - 1 <= 0] = 1.0
        result: Floats = found
        return result
