"""The trading days: what is shipped, what staff say over it, how far it reaches."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.audit import Audit
from db.closing_days import Closure, Day, doubts, read_closures, shipped, year_of
from db.store import Store
from db.trading_calendar import TradingCalendar
from db.trading_days import TradingDays, YearUnknown

# Two calendars that others keep agree on these (exchange-calendars 4.13 XSHG, chinesecalendar 1.11).
CLOSED_WEEKDAYS_2026 = (
    "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25 10-01 10-02 10-05 10-06 10-07"
)
CSV_2027 = "first,last,name\n2027-01-01,2027-01-03,New Year\n2027-02-05,2027-02-14,Spring Festival\n" + "".join(
    f"{day},{day},Some holiday\n" for day in ("2027-04-05", "2027-05-03", "2027-05-04", "2027-06-09", "2027-10-01")
)


def date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_the_shipped_year_is_that_of_the_exchanges() -> None:
    calendar = TradingCalendar()
    closed = [f"{day:%m-%d}" for day in sorted(shipped()) if day.weekday() < 5 and not calendar.is_trading_day(day)]
    assert " ".join(closed) == CLOSED_WEEKDAYS_2026
    assert not calendar.is_trading_day(date("2026-02-14")), "a weekend day that is worked is no trading day"
    assert calendar.next_trading_day(date("2026-09-30")) == date("2026-10-08")
    assert calendar.last_trading_day(date("2026-02-24")) == date("2026-02-13")


def test_the_alarm_comes_thirty_days_before_the_end() -> None:
    calendar = TradingCalendar()
    assert calendar.known_until(date("2026-06-01")) == date("2026-12-31")
    assert calendar.runs_out(date("2026-12-01")) is None
    warning = calendar.runs_out(date("2026-12-02"))
    assert warning
    assert "2026-12-31" in warning
    assert "29 days" in warning
    assert "not known" in str(calendar.runs_out(date("2027-01-01")))
    assert not calendar.knows(date("2027-01-01"))
    assert calendar.is_trading_day(date("2027-01-01")), "a guess: a Friday"


def test_a_gap_ends_what_is_known() -> None:
    days = {day: one for day, one in shipped().items() if day != date("2026-07-01")}
    assert TradingCalendar(days).known_until(date("2026-06-01")) == date("2026-06-30")


@given(st.dates(datetime.date(1990, 1, 1), datetime.date(2200, 1, 1)), st.sets(st.integers(0, 60)))
def test_the_neighbours_of_a_day_are_trading_days_with_none_between(start: datetime.date, closed: set[int]) -> None:
    days = {start + datetime.timedelta(days=number): Day(trading=False) for number in closed if number < 30}
    calendar = TradingCalendar(days)
    following = calendar.next_trading_day(start)
    assert following > start
    assert calendar.is_trading_day(following)
    between = start + datetime.timedelta(days=1)
    while between < following:
        assert not calendar.is_trading_day(between)
        between += datetime.timedelta(days=1)
    assert calendar.last_trading_day(following) <= start or not calendar.is_trading_day(start)


def test_a_file_of_closing_days_says_every_fault_with_its_line() -> None:
    text = "first,last,name\n2027-02-31,,x\n2027-05-01,2027-04-30,x\n2027-10-01,2027-11-30,x\n2027/01/01,,x\n"
    closures, faults = read_closures(text)
    assert closures == []
    assert [fault.line for fault in faults] == [2, 3, 4, 5]
    assert read_closures("date\n2027-01-01\n")[1][0].line == 1
    assert read_closures("first,last,name,extra\n")[1]
    assert read_closures("")[1]


def test_too_few_closures_cannot_be_a_year() -> None:
    closures, _ = read_closures(CSV_2027)
    assert doubts(2027, closures) == []
    assert "Only 1 weekdays" in doubts(2027, [Closure(date("2027-01-01"), date("2027-01-03"))])[0]
    assert "not in 2027" in doubts(2027, [*closures, Closure(date("2026-10-01"), date("2026-10-07"))])[0]


async def test_a_year_is_imported_and_a_day_set(store: Store) -> None:
    table = TradingDays(store)
    assert (await table.calendar()).days == shipped()
    with pytest.raises(YearUnknown, match="2027"):
        await table.set_day(date("2027-02-08"), False, "x", actor="li.si")
    closures, _ = read_closures(CSV_2027)
    await table.put_year(2027, year_of(2027, closures), actor="li.si")
    calendar = await table.calendar()
    assert calendar.known_until(date("2026-06-01")) == date("2027-12-31")
    assert not calendar.is_trading_day(date("2027-02-08"))
    assert await table.set_day(date("2027-02-08"), True, "a correction", actor="wang.wu")
    assert not await table.set_day(date("2027-02-08"), True, "a correction", actor="wang.wu")
    assert (await table.calendar()).is_trading_day(date("2027-02-08"))
    trail = [(entry.actor, entry.what) for entry in await Audit(store).latest()]
    assert trail == [("wang.wu", "trading_day.set"), ("li.si", "trading_days.imported")]
    await table.put_year(2027, year_of(2027, closures), actor="li.si")
    assert not (await table.calendar()).is_trading_day(date("2027-02-08")), "importing again takes corrections back"


async def test_staff_go_over_what_was_shipped(store: Store) -> None:
    table = TradingDays(store)
    assert await table.set_day(date("2026-09-18"), False, "typhoon", actor="li.si")
    (edited,) = await table.edited()
    assert (edited.day, edited.trading, edited.note, edited.actor) == (date("2026-09-18"), False, "typhoon", "li.si")
    assert not (await table.calendar()).is_trading_day(date("2026-09-18"))
