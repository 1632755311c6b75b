"""Opening hours as a caller meets them: in the exchange's time, over midnight, on holidays and make-up days."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.lines.hours import ALWAYS, DAY_MINUTES, Calendar, Hours, Period, period

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = (period("08:30-17:30"),)
WEEK = Hours(
    "week",
    {
        **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), OFFICE),
        "make_up_day": (period("09:00-12:00"), period("13:00-16:00")),
    },
)
NIGHT = Hours("night", {"friday": (period("21:00-03:00"),)})
# In 2026 the Spring Festival is from Sunday 15 to Monday 23 February; Saturday the 14th and the 28th are worked.
CALENDAR = Calendar(
    frozenset(datetime.date(2026, 2, day) for day in range(15, 24)),
    frozenset({datetime.date(2026, 2, 14), datetime.date(2026, 2, 28)}),
)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-02-13 08:29:59", False),  # a Friday
        ("2026-02-13 08:30:00", True),
        ("2026-02-13 17:29:59", True),
        ("2026-02-13 17:30:00", False),
        ("2026-02-07 10:00:00", False),  # a Saturday like any
        ("2026-02-14 10:00:00", True),  # a Saturday that is worked
        ("2026-02-14 12:30:00", False),
        ("2026-02-14 17:00:00", False),
        ("2026-02-16 10:00:00", False),  # a Monday of the Spring Festival
        ("2026-02-24 10:00:00", True),
    ],
)
def test_open_on_the_days_and_hours_that_were_said(moment: str, is_open: bool) -> None:
    assert WEEK.open_at(at(moment), SHANGHAI, CALENDAR) is is_open


def test_hours_are_those_of_the_exchange_wherever_the_moment_comes_from() -> None:
    assert WEEK.open_at(datetime.datetime(2026, 2, 13, 0, 30, tzinfo=datetime.UTC), SHANGHAI, CALENDAR)
    assert not WEEK.open_at(datetime.datetime(2026, 2, 13, 9, 30, tzinfo=datetime.UTC), SHANGHAI, CALENDAR)
    assert WEEK.open_at(at("2026-02-12 19:30", ZoneInfo("America/New_York")), SHANGHAI, CALENDAR)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-06 20:59", False),
        ("2026-03-06 21:00", True),
        ("2026-03-06 23:59", True),
        ("2026-03-07 00:00", True),  # still Friday's
        ("2026-03-07 02:59", True),
        ("2026-03-07 03:00", False),
        ("2026-03-06 01:00", False),  # Thursday had none
    ],
)
def test_hours_over_midnight_belong_to_the_day_they_began_on(moment: str, is_open: bool) -> None:
    assert NIGHT.open_at(at(moment), SHANGHAI, CALENDAR) is is_open


def test_the_night_before_a_holiday_ends_in_it() -> None:
    eve = Calendar(frozenset({datetime.date(2026, 3, 7)}))
    assert NIGHT.open_at(at("2026-03-07 01:00"), SHANGHAI, eve)


def test_a_night_that_begins_on_a_holiday_is_not_open_at_all() -> None:
    friday = Calendar(frozenset({datetime.date(2026, 3, 6)}))
    assert not NIGHT.open_at(at("2026-03-07 01:00"), SHANGHAI, friday)


def test_hours_hold_when_the_clocks_change() -> None:
    paris = ZoneInfo("Europe/Paris")
    sunday = Hours("sunday", {"sunday": (period("08:00-12:00"),)})
    assert sunday.open_at(datetime.datetime(2026, 3, 29, 6, 0, tzinfo=datetime.UTC), paris, Calendar())
    assert not sunday.open_at(datetime.datetime(2026, 3, 29, 10, 0, tzinfo=datetime.UTC), paris, Calendar())
    assert not sunday.open_at(datetime.datetime(2026, 3, 22, 6, 0, tzinfo=datetime.UTC), paris, Calendar())


@given(st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1), timezones=st.just(datetime.UTC)))
def test_always_is_always(moment: datetime.datetime) -> None:
    assert ALWAYS.open_at(moment, SHANGHAI, CALENDAR)


@given(st.integers(0, DAY_MINUTES - 1), st.integers(0, DAY_MINUTES - 1))
def test_a_period_reads_as_it_is_written(opens: int, closes: int) -> None:
    written = Period(opens, closes if closes > opens else closes + DAY_MINUTES)
    assert period(str(written)) == written


def test_a_whole_day() -> None:
    assert period("00:00-24:00") == Period(0, DAY_MINUTES)


@pytest.mark.parametrize("text", ["", "8", "08:30", "08:30-", "8:3-9:00", "25:00-26:00", "08:60-09:00", "24:00-01:00"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError):
        period(text)
