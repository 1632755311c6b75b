"""The trading days in memory: the last good copy serves, and the alarm is said once a day."""

from __future__ import annotations

import datetime

import pytest

from db.closing_days import Day, shipped
from db.errors import StoreAway
from db.trading_calendar import TradingCalendar
from ivr.services.trading_days import TradingDayBook, at_odds

TYPHOON = datetime.date(2026, 9, 18)


class House:
    def __init__(self, now: str) -> None:
        self.now = datetime.datetime.fromisoformat(now)
        self.away = False
        self.calendar = TradingCalendar()
        self.book = TradingDayBook(self.read, lambda: self.now)

    async def read(self) -> TradingCalendar:
        if self.away:
            raise StoreAway("The database is away.")
        return self.calendar


async def test_the_last_good_copy_serves(caplog: pytest.LogCaptureFixture) -> None:
    house = House("2026-09-17T10:00+08:00")
    house.calendar = TradingCalendar({**shipped(), TYPHOON: Day(trading=False)})
    await house.book.look()
    house.away = True
    await house.book.look()
    await house.book.look()
    assert not house.book.current.is_trading_day(TYPHOON)
    assert caplog.text.count("cannot be read") == 1
    assert house.book.state() == {"known_until": "2026-12-31", "warning": None}


async def test_the_alarm_is_said_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    house = House("2026-12-01T23:59+08:00")
    await house.book.look()
    assert "2026-12-31" not in caplog.text
    house.now = datetime.datetime.fromisoformat("2026-12-02T00:01+08:00")
    await house.book.look()
    await house.book.look()
    assert caplog.text.count("known until 2026-12-31") == 1
    assert "ivr calendar import" in caplog.text
    assert "29 days" in str(house.book.state()["warning"])
    house.now += datetime.timedelta(days=1)
    await house.book.look()
    assert caplog.text.count("known until 2026-12-31") == 2


def test_the_lines_and_the_exchanges_are_compared() -> None:
    holidays = {day for day, one in shipped().items() if one.note and not one.trading}
    today = datetime.date(2026, 6, 1)
    assert at_odds(TradingCalendar(), holidays, today) == []
    odd = at_odds(TradingCalendar(), (holidays - {datetime.date(2026, 10, 7)}) | {datetime.date(2026, 6, 8)}, today)
    assert [line.split()[0] for line in odd] == ["2026-06-08", "2026-10-07"]
    assert at_odds(TradingCalendar(), holidays, datetime.date(2026, 10, 8)) == []
