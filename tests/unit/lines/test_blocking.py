"""The loss formulas against published tables, against one another, and against simulated callers."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.blocking import share_and_error, simulate
from ivr.lines.allocation import CLASSES, TrunkGroup
from ivr.lines.blocking import (
    erlang_b,
    erlang_b_list,
    lines_needed,
    nested_limit_blocking,
    reservation_blocking,
    traffic_allowed,
)

traffics = st.floats(0.01, 600)


# The traffic that a group of lines may be offered, as Erlang B tables print it: (lines, blocking, erlangs).
@pytest.mark.parametrize(
    ("lines", "blocking", "erlangs"),
    [
        (1, 0.01, 0.0101),
        (2, 0.01, 0.153),
        (5, 0.01, 1.361),
        (5, 0.02, 1.657),
        (10, 0.001, 3.092),
        (10, 0.01, 4.461),
        (10, 0.05, 6.216),
        (15, 0.01, 8.108),
        (20, 0.01, 12.03),
        (20, 0.02, 13.18),
        (30, 0.01, 20.34),
        (50, 0.01, 37.90),
        (100, 0.01, 84.06),
        (100, 0.02, 87.97),
    ],
)
def test_the_tables_of_erlang_b(lines: int, blocking: float, erlangs: float) -> None:
    digits = len(str(erlangs).partition(".")[2])
    assert round(traffic_allowed(lines, blocking), digits) == erlangs
    assert erlang_b(erlangs, lines) == pytest.approx(blocking, rel=0.01)


def test_lines_for_a_target() -> None:
    assert lines_needed(1200 / 36, 0.01) == 45  # 1,200 calls of 100 s in an hour
    assert lines_needed(5.5, 0.03) == 10
    assert lines_needed(0, 0.01) == 1  # where there is no line, whoever might call finds none


def test_the_recursion_is_the_formula() -> None:
    for lines in range(8):
        terms = [7.5**k / math.factorial(k) for k in range(lines + 1)]
        assert erlang_b(7.5, lines) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


@given(traffics, st.integers(0, 500))
def test_more_lines_refuse_fewer_and_more_traffic_more(traffic: float, lines: int) -> None:
    here = erlang_b(traffic, lines)
    assert 0 <= here <= 1
    assert erlang_b(traffic, lines + 1) < here or here < 1e-300
    assert erlang_b(traffic * 1.1, lines) >= here
    assert erlang_b_list(traffic, lines)[-1] == here


@given(traffics, st.floats(1e-6, 0.9))
def test_the_lines_needed_are_the_fewest(traffic: float, target: float) -> None:
    lines = lines_needed(traffic, target)
    assert erlang_b(traffic, lines) <= target
    assert lines == 0 or erlang_b(traffic, lines - 1) > target


@given(st.integers(1, 400), st.floats(1e-4, 0.9))
def test_the_traffic_allowed_is_the_most(lines: int, target: float) -> None:
    assert erlang_b(traffic_allowed(lines, target), lines) == pytest.approx(target, rel=1e-6)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=4), st.integers(1, 450))
def test_reserving_nothing_is_erlang_b(offered: list[float], lines: int) -> None:
    expected = erlang_b(sum(offered), lines)
    for blocking in reservation_blocking(offered, lines, [0] * len(offered)):
        assert blocking == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(st.lists(st.tuples(st.floats(0.1, 60), st.integers(0, 30)), min_size=2, max_size=4), st.integers(31, 90))
def test_whoever_must_leave_more_is_refused_more(classes: list[tuple[float, int]], lines: int) -> None:
    blocking = reservation_blocking([a for a, _ in classes], lines, [leave for _, leave in classes])
    ordered = sorted(zip((leave for _, leave in classes), blocking, strict=True))
    assert [share for _, share in ordered] == sorted(share for _, share in ordered)


def test_reservation_against_the_chain_solved_by_hand() -> None:
    """Two lines, one kept for the higher class: p = (1, a+b, (a+b) b / 2) / sum."""
    low, high = 0.8, 0.3
    states = [1.0, low + high, (low + high) * high / 2]
    total = sum(states)
    got = reservation_blocking([low, high], 2, [1, 0])
    assert got == pytest.approx([(states[1] + states[2]) / total, states[2] / total])


def test_a_large_group_far_over_its_load_stays_finite() -> None:
    assert reservation_blocking([5000.0], 2000, [0])[0] == pytest.approx(erlang_b(5000, 2000), rel=1e-9)
    assert reservation_blocking([1e-9, 1e-9], 400, [10, 0])[1] == pytest.approx(0.0, abs=1e-30)


def test_nested_limits_against_all_states_counted() -> None:
    offered, limits = [1.5, 0.7, 2.0], [2, 3, 4]

    def weight(state: tuple[int, ...]) -> float:
        return math.prod(a**n / math.factorial(n) for a, n in zip(offered, state, strict=True))

    def allowed(state: tuple[int, ...]) -> bool:
        return all(sum(state[: rank + 1]) <= limit for rank, limit in enumerate(limits))

    states = [state for state in product(range(5), repeat=3) if allowed(state)]
    total = sum(map(weight, states))
    expected = []
    for rank in range(3):
        full = [s for s in states if not allowed(tuple(n + (own == rank) for own, n in enumerate(s)))]
        expected.append(sum(map(weight, full)) / total)
    assert nested_limit_blocking(offered, limits) == pytest.approx(expected)


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.integers(1, 80))
def test_limits_that_do_not_bind_are_erlang_b(one: float, other: float, lines: int) -> None:
    expected = erlang_b(one + other, lines)
    assert nested_limit_blocking([one, other], [lines, lines]) == pytest.approx([expected] * 2, rel=1e-6, abs=1e-12)


def test_simulated_callers_find_what_the_formula_says() -> None:
    """The seed is fixed: the same callers every time."""
    group = TrunkGroup("small", 20, kept={"trading": 4, "gold": 2})
    offered = [6.0, 3.0, 5.0, 3.0, 0.0]
    expected = reservation_blocking(offered, group.lines, group.must_leave)
    seen = simulate(group, offered, 60_000, seed=7)
    for rank in range(4):
        share, error = share_and_error([batch[rank] for batch in seen])
        assert abs(share - expected[rank]) <= 3 * error, CLASSES[rank]


def test_the_holding_times_do_not_matter_to_nested_limits() -> None:
    group = TrunkGroup("small", 12, limits={"others": 5})
    offered = [5.0, 0.0, 5.0, 0.0, 0.0]
    expected = nested_limit_blocking([5.0, 5.0], [5, 12])
    seen = simulate(group, offered, 60_000, seed=3, holding={"others": 0.3, "trading": 2.0})
    for rank, formula in ((0, expected[0]), (2, expected[1])):
        share, error = share_and_error([batch[rank] for batch in seen])
        assert abs(share - formula) <= 3 * error


@pytest.mark.parametrize(
    ("traffic", "target"), [(-1, 0.01), (float("nan"), 0.01), (float("inf"), 0.01), (1, 0), (1, 1), (1e9, 0.01)]
)
def test_what_makes_no_sense_is_refused(traffic: float, target: float) -> None:
    with pytest.raises(ValueError):
        lines_needed(traffic, target)
