"""Windows, the room they leave, and the threshold that follows from what happened."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.abandonment import DAY, HOUR, WINDOWS, Counted, Ledger, Rolling, Threshold


def test_a_window_lets_go_of_what_is_older_never_earlier() -> None:
    counts = Rolling(HOUR)
    counts.add(0.0, 10.0, 1.0)
    counts.add(1800.0, 10.0, 0.0)
    counts.forget(3600.0)
    assert (counts.answered, counts.abandoned) == (20.0, 1.0)
    counts.forget(3600.0 + counts.slice)
    assert (counts.answered, counts.abandoned) == (10.0, 0.0)
    counts.forget(9000.0)
    assert counts.share == 0.0


@given(st.lists(st.tuples(st.floats(0, 300), st.integers(0, 5), st.integers(0, 2)), max_size=60))
def test_a_window_holds_at_least_what_lies_within_it(steps: list[tuple[float, int, int]]) -> None:
    counts = Rolling(HOUR)
    now, facts = 0.0, []
    for later, answered, abandoned in steps:
        now += later
        counts.add(now, float(answered), float(abandoned))
        facts.append((now, answered, abandoned))
        counts.forget(now)
        within = [one for one in facts if one[0] > now - HOUR]
        slack = [one for one in facts if one[0] > now - HOUR - 2 * counts.slice]
        assert sum(one[1] for one in within) - 1e-6 <= counts.answered <= sum(one[1] for one in slack) + 1e-6
        assert sum(one[2] for one in within) - 1e-6 <= counts.abandoned <= sum(one[2] for one in slack) + 1e-6


def test_the_tightest_window_rules() -> None:
    ledger = Ledger(WINDOWS)
    ledger.restore([Counted(-20 * HOUR, 1000.0, 29.0)])
    ledger.answered(0.0, 200.0)
    ledger.abandoned(0.0, 6.0)
    room = ledger.tightest(1.0)
    assert room.window == "day"
    assert room.calls == pytest.approx(0.03 * 1200 - 35 - 0.5)
    assert ledger.tightest(5 * HOUR).window == "day"  # the old calls have left the day, the six are 3 % of 200
    assert ledger.tightest(DAY + HOUR).calls > room.calls - 1


def test_a_bad_hour_is_noticed_in_a_good_day() -> None:
    ledger = Ledger(WINDOWS)
    ledger.restore([Counted(-5 * HOUR, 2000.0, 20.0)])
    ledger.answered(0.0, 100.0)
    ledger.abandoned(0.0, 5.0)
    assert ledger.tightest(1.0).window == "hour"
    assert ledger.tightest(1.0).calls < 0.0


def test_the_threshold_keeps_the_sum_of_what_was_abandoned_at_the_aim() -> None:
    threshold = Threshold(0.03, step=0.2, start=0.05)
    for number in range(100):
        threshold.answered(float(number))
        if number % 50 == 0:
            threshold.abandoned()
    assert threshold.log == pytest.approx(math.log(0.05) + 0.2 * (0.03 * 100 - 2))


def test_where_many_calls_are_answered_one_moves_it_less() -> None:
    quiet, busy = Threshold(0.03), Threshold(0.03)
    for number in range(5000):
        busy.answered(number * 0.7)
    before = busy.log
    quiet.abandoned()
    busy.abandoned()
    assert before - busy.log < 0.25 * (Threshold(0.03).log - quiet.log)


def test_the_threshold_stays_a_probability() -> None:
    threshold = Threshold(0.03)
    for _ in range(10_000):
        threshold.answered(0.0)
    assert threshold.value() < 0.5
    for _ in range(1000):
        threshold.abandoned()
    assert threshold.value() > 0.0
    threshold.restore(5.0)
    assert threshold.value() < 0.5
