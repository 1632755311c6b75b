"""The traffic of the busiest hour, from calls; and its picture."""

from __future__ import annotations

import datetime
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.lines.plot import blocking_svg
from ivr.lines.traffic import BusyHour, TrafficMeter

NINE = datetime.datetime(2026, 3, 4, 9, 0, tzinfo=datetime.UTC)


def minutes(number: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=number)


def measured(*calls: tuple[float, float, str]) -> BusyHour | None:
    """From calls as (minutes after nine, minutes long, how it ended)."""
    meter = TrafficMeter()
    for after, long, how in calls:
        meter.add(NINE + minutes(after), NINE + minutes(after + long), how)
    return meter.busiest()


def test_one_line_that_is_always_busy_is_one_erlang() -> None:
    hour = measured(*[(after, 3, "caller") for after in range(0, 60, 3)])
    assert hour == BusyHour(NINE, 20, 0, 180.0, pytest.approx(1.0), pytest.approx(1.0))


def test_the_busiest_hour_may_begin_at_any_quarter() -> None:
    quiet = [(after, 1.0, "caller") for after in range(0, 240, 10)]
    busy = [(45.0 + after, 2.0, "caller") for after in range(60)]
    hour = measured(*quiet, *busy)
    assert hour is not None
    assert hour.begins == NINE + minutes(45)
    assert hour.carried == pytest.approx((60 * 2 + 6 - 1) / 60, abs=0.02)


def test_a_call_counts_where_it_held_its_line() -> None:
    hour = measured((0, 180, "caller"))
    assert hour is not None
    assert hour.carried == pytest.approx(1.0)


def test_refused_calls_would_have_held_a_line_as_long_as_the_others() -> None:
    hour = measured(*[(after, 3, "caller") for after in range(0, 60, 3)], *[(30, 0.1, "busy")] * 5, (31, 0, "refused"))
    assert hour is not None
    assert (hour.served, hour.refused) == (20, 6)
    assert hour.carried == pytest.approx(1.0)
    assert hour.offered == pytest.approx(1.0 + 6 * 180 / 3600)


def test_an_hour_of_refusals_alone_takes_the_holding_time_of_the_other_hours() -> None:
    hour = measured((0, 4, "caller"), *[(600, 0, "busy")] * 30)
    assert hour is not None
    assert (hour.served, hour.refused, hour.carried) == (0, 30, 0.0)
    assert hour.offered == pytest.approx(30 * 240 / 3600)


def test_calls_whose_end_makes_no_sense_are_no_traffic() -> None:
    assert measured((0, -5, "caller"), (0, 60 * 24, "unseen")) is None
    assert measured() is None


def test_a_call_to_a_closed_line_or_to_nobody_is_no_traffic() -> None:
    hour = measured((0, 4, "caller"), (5, 4, "closed"), (6, 0, "unallocated"))
    assert hour
    assert (hour.served, hour.refused) == (1, 0)


spans = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 90), st.sampled_from(["caller", "busy"])), max_size=30)


@given(spans)
def test_no_hour_carries_more_than_there_were_calls(calls: Sequence[tuple[int, int, str]]) -> None:
    hour = measured(*calls)
    if hour is None:
        assert not calls
        return
    total = sum(long for _, long, how in calls if how == "caller") / 60
    assert 0 <= hour.carried <= total + 1e-9
    assert hour.offered >= hour.carried
    again = measured(*reversed(calls))
    assert again is not None
    assert again.offered == pytest.approx(hour.offered)


@pytest.mark.parametrize("erlangs", [0.0, 0.2, 1.0, 380.0])
def test_the_picture_is_an_svg_that_stands_alone(erlangs: float) -> None:
    text = blocking_svg({"city <&>": erlangs}, 0.01)
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "src=" not in text
    assert ("city &lt;&amp;&gt;" in text) is (erlangs > 0)  # no traffic has no curve
