"""On which days Shanghai and Shenzhen trade, and how far that is known. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from db.closing_days import SATURDAY, Day, shipped

ALARM_DAYS: Final = 30  # before the calendar ends: the exchanges announce the next year in November or December
FARTHEST: Final = 40  # days within which there is a trading day; the longest closure ever had 16
_ONE_DAY: Final = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TradingCalendar:
    """Every known day. Beyond them Monday to Friday is a guess, which ``runs_out`` warns of in time."""

    days: Mapping[datetime.date, Day] = field(default_factory=shipped)

    def knows(self, day: datetime.date) -> bool:
        """Whether it is known, and not guessed, that the exchanges trade on this day or do not."""
        return day in self.days

    def is_trading_day(self, day: datetime.date) -> bool:
        """Whether the exchanges trade on this day; a guess beyond what is known."""
        known = self.days.get(day)
        return known.trading if known else day.weekday() < SATURDAY

    def next_trading_day(self, after: datetime.date) -> datetime.date:
        """The first trading day behind this day."""
        return self._look(after, _ONE_DAY)

    def last_trading_day(self, before: datetime.date) -> datetime.date:
        """The latest trading day ahead of this day."""
        return self._look(before, -_ONE_DAY)

    def known_until(self, today: datetime.date) -> datetime.date | None:
        """The last day up to which every day from today on is known; None: not even today is."""
        day = today
        while day in self.days:
            day += _ONE_DAY
        return None if day == today else day - _ONE_DAY

    def runs_out(self, today: datetime.date) -> str | None:
        """A warning when fewer than ALARM_DAYS lie ahead; None when all is well."""
        until = self.known_until(today)
        if until is None:
            return f"The trading days of {today.year} are not known: Monday to Friday is taken for open, holidays too."
        left = (until - today).days
        if left >= ALARM_DAYS:
            return None
        return f"The trading days are known until {until} only, {left} days from now."

    def _look(self, day: datetime.date, step: datetime.timedelta) -> datetime.date:
        for _ in range(FARTHEST):
            day += step
            if self.is_trading_day(day):
                return day
        return day  # somebody closed everything: no answer is right, and none must hang
