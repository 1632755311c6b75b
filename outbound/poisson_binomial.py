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

_TINY = 1e-60  # keeps the logarithm of a factor that is exactly zero (p = 1/2 at the highest frequency) finite


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
        self._cosine: Floats = np.cos(self.frequencies)
        self._sine: Floats = np.sin(self.frequencies)
        mirror = np.full(size // 2 + 1, 2.0)  # the other half of the frequencies is the mirror of this one
        mirror[0] = mirror[-1] = 1.0
        # P(X <= 0) of an X on low .. low + size - 1 is the real part of the characteristic function times row -low.
        steps = np.exp(1j * np.outer(np.arange(size), self.frequencies))  # of -k = 0, 1, ..
        summed = np.cumsum(steps, axis=0) * mirror / size
        self._real: Floats = np.ascontiguousarray(summed.real)
        self._imaginary: Floats = np.ascontiguousarray(summed.imag)

    def logarithms(self, chances: Floats) -> tuple[Floats, Floats]:
        """Logarithm of size and angle of the factor of one thing that adds 1 with such a chance, each of the shape
        (*chances.shape, frequencies). Of one that takes 1 away the angle is the opposite."""
        chance = chances[..., None]
        size = 0.5 * np.log(np.maximum(1.0 - 2.0 * chance * (1.0 - chance) * (1.0 - self._cosine), _TINY))
        angle = np.arctan2(chance * self._sine, 1.0 - chance + chance * self._cosine)
        return size, angle

    def at_most(self, size: Floats, angle: Floats, means: Floats, bound: int) -> Floats:
        """P(X <= bound) of each distribution, one in each row of ``size`` and ``angle``, with such means."""
        low = np.rint(means - bound).astype(np.int64) - self.size // 2  # lowest whole number of X - bound
        rows = np.minimum(np.maximum(-low, 0), self.size - 1)
        turned = angle - bound * self.frequencies
        summed = (np.exp(size) * (np.cos(turned) * self._real[rows] - np.sin(turned) * self._imaginary[rows])).sum(
            axis=1
        )
        found: Floats = np.minimum(np.maximum(summed, 0.0), 1.0)
        found[low > 0] = 0.0
        found[low + self.size - 1 <= 0] = 1.0
        return found
