"""The distribution of a difference of counts, held against adding one thing after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.poisson_binomial import Spectrum, exact

CHANCES = st.lists(st.floats(0.0, 1.0), max_size=10)


def test_of_equal_chances_is_binomial() -> None:
    assert exact([0.5] * 4) == pytest.approx([1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16])


@settings(deadline=None)
@given(ups=CHANCES, downs=CHANCES, bound=st.integers(-12, 12))
def test_spectrum_is_exact_while_the_support_fits(ups: list[float], downs: list[float], bound: int) -> None:
    spectrum = Spectrum(64)
    size, angle = np.zeros((1, 33)), np.zeros((1, 33))
    for sign, chances in ((1.0, ups), (-1.0, downs)):
        for chance in chances:
            its_size, its_angle = spectrum.logarithms(np.array([chance]))
            size += its_size
            angle += sign * its_angle
    means = np.array([sum(ups) - sum(downs)])
    pairs = np.outer(exact(ups), exact(downs))
    expected = sum(
        float(pairs[up, down]) for up in range(len(ups) + 1) for down in range(len(downs) + 1) if up - down <= bound
    )
    assert float(spectrum.at_most(size, angle, means, bound)[0]) == pytest.approx(expected, abs=1e-9)
