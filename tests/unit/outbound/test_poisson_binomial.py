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
    values = np.ones((1, 33), dtype=complex)
    for chance in ups:
        values = values * np.exp(spectrum.logarithm(spectrum.one_more(np.array([chance]))))
    for chance in downs:
        values = values * np.exp(spectrum.logarithm(spectrum.one_less(np.array([chance]))))
    means = np.array([sum(ups) - sum(downs)])
    pairs = np.outer(exact(ups), exact(downs))
    expected = sum(
        float(pairs[up, down]) for up in range(len(ups) + 1) for down in range(len(downs) + 1) if up - down <= bound
    )
    assert float(spectrum.at_most(values, means, bound)[0]) == pytest.approx(expected, abs=1e-9)
