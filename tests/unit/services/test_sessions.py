"""The exchanges' day: every boundary of it, holidays, and of which moment the newest price is."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.customer import BROKERAGE_TIME
from db.trading_calendar import TradingCalendar
from ivr.services.quotes import sessions
from ivr.services.quotes.sessions import OF_TRADING, SessionsInvalid

CALENDAR = TradingCalendar()
DAY = sessions.read()


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=BROKERAGE_TIME)


@pytest.mark.parametrize(
    ("clock", "phase"),
    [
        ("00:00:00", "pre_open"),
        ("09:14:59", "pre_open"),
        ("09:15:00", "opening_auction"),
        ("09:24:59", "opening_auction"),
        ("09:25:00", "pre_open"),
        ("09:30:00", "morning"),
        ("11:29:59", "morning"),
        ("11:30:00", "lunch_break"),
        ("13:00:00", "afternoon"),
        ("14:56:59", "afternoon"),
        ("14:57:00", "closing_auction"),
        ("15:00:00", "closed"),
        ("23:59:59", "closed"),
    ],
)
def test_every_boundary_of_a_trading_day(clock: str, phase: str) -> None:
    assert DAY.phase(at(f"2026-11-20T{clock}"), CALENDAR) == phase
    elsewhere = at(f"2026-11-20T{clock}").astimezone(ZoneInfo("America/New_York"))
    assert DAY.phase(elsewhere, CALENDAR) == phase


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-22", "2026-10-07", "2026-02-14"])
def test_no_trading_on_weekends_holidays_and_weekend_days_that_are_worked(day: str) -> None:
    for clock in ("00:00", "10:00", "14:58", "23:59"):
        assert DAY.phase(at(f"{day}T{clock}"), CALENDAR) == "holiday"


@pytest.mark.parametrize(
    ("moment", "newest"),
    [
        ("2026-11-20T10:30:05", "2026-11-20T10:30:05"),
        ("2026-11-20T09:20:00", "2026-11-20T09:20:00"),
        ("2026-11-20T09:27:00", "2026-11-20T09:25:00"),
        ("2026-11-20T12:15:00", "2026-11-20T11:30:00"),
        ("2026-11-20T20:00:00", "2026-11-20T15:00:00"),
        ("2026-11-20T08:00:00", "2026-11-19T15:00:00"),
        ("2026-11-22T10:00:00", "2026-11-20T15:00:00"),
        ("2026-10-08T08:00:00", "2026-09-30T15:00:00"),
    ],
)
def test_the_newest_price_there_can_be(moment: str, newest: str) -> None:
    assert DAY.as_of(at(moment), CALENDAR) == at(newest)


@given(st.datetimes(datetime.datetime(2026, 1, 10), datetime.datetime(2027, 6, 1)))
def test_the_newest_price_is_never_of_the_future_and_always_of_a_session_or_its_end(naive: datetime.datetime) -> None:
    moment = naive.replace(tzinfo=BROKERAGE_TIME)
    newest = DAY.as_of(moment, CALENDAR)
    assert newest <= moment
    assert moment - newest < datetime.timedelta(days=12)
    assert CALENDAR.is_trading_day(newest.date())
    just_before = newest - datetime.timedelta(microseconds=1)
    assert DAY.phase(newest, CALENDAR) in OF_TRADING or DAY.phase(just_before, CALENDAR) in OF_TRADING


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('sessions: {"00:00": pre_open, "9:30": morning, "15:00": closed}', "'9:30' is no time"),
        ('sessions: {"00:00": pre_open, "09:30": mornings, "15:00": closed}', "Did you mean 'morning'"),
        ('sessions: {"09:30": morning, "15:00": closed}', "begin at midnight"),
        ('sessions: {"00:00": pre_open, "15:00": closed, "09:30": morning}', "must rise"),
        ('sessions: {"00:00": pre_open, "09:30": morning}', "same day"),
        ('sessions: {"00:00": closed}', "same day"),
        ("sessions: {}", "begin at midnight"),
        ('sessions: {"00:00": holiday}', "cannot be"),
        ("phases: {}", "unknown field"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str, complaint: str) -> None:
    found, problems = sessions.read_text(text, "sessions.yaml")
    assert found is None
    assert any(complaint in str(problem) and str(problem).startswith("sessions.yaml:1") for problem in problems)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SessionsInvalid, match="cannot be read"):
        sessions.read(sessions.SESSIONS_FILE.with_name("absent.yaml"))
