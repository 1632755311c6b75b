"""Days on the clock of the lines."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.agent import StateChange
from ivr.report.agent_time import Span, spans
from ivr.report.period import BadPeriod, Period
from tests.unit.report.without_store import TODAY

HOUR = datetime.timedelta(hours=1)
DAY = datetime.date(2026, 11, 20)


def test_a_day_begins_at_midnight_of_the_lines() -> None:
    assert TODAY.since == datetime.datetime(2026, 11, 19, 16, tzinfo=datetime.UTC)
    assert TODAY.until - TODAY.since == 24 * HOUR
    assert TODAY.since in TODAY
    assert TODAY.until not in TODAY
    assert TODAY.day(TODAY.until) == "2026-11-21"
    assert TODAY.hour(TODAY.since + 9.5 * HOUR) == "09:00"


@pytest.mark.parametrize(("first", "last"), [(DAY, DAY - datetime.timedelta(days=1)), (datetime.date(1990, 1, 1), DAY)])
def test_days_that_are_none(first: datetime.date, last: datetime.date) -> None:
    with pytest.raises(BadPeriod, match=r"Report on fewer|earlier"):
        Period(first, last, TODAY.zone)


@given(
    zone=st.sampled_from(("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")),
    day=st.dates(datetime.date(2026, 1, 1), datetime.date(2027, 12, 31)),
    since=st.integers(-5000, 5000),
    minutes=st.integers(0, 5000),
)
def test_cut_at_the_hours_nothing_is_lost_even_where_clocks_change(
    zone: str, day: datetime.date, since: int, minutes: int
) -> None:
    period = Period(day, day, ZoneInfo(zone))
    first = period.since + datetime.timedelta(minutes=since)
    last = first + datetime.timedelta(minutes=minutes)
    pieces = list(period.hours(first, last))
    inside = max(min(last, period.until) - max(first, period.since), datetime.timedelta(0))
    assert sum((piece for _, piece in pieces), datetime.timedelta(0)) == inside
    for at, piece in pieces:
        assert datetime.timedelta(0) < piece <= HOUR
        assert at in period


def test_what_an_agent_does_since_the_last_line_is_known_from_it() -> None:
    start, noon, end = TODAY.since, TODAY.since + 12 * HOUR, TODAY.until
    line = StateChange("801", "S1", start, noon, "idle", "paused", "pause", "801", id=7)
    assert spans([line, line], end) == [Span("idle", start, noon), Span("paused", noon, end)]
    assert spans([], end) == []
