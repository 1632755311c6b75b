"""Opening hours: is a line open at this moment? Pure.

A day's row is that of its weekday, unless the day is a holiday or a make-up day (a weekend day worked in exchange for a
holiday, 调休). A period belongs to the day on which it begins, also when it ends after midnight. Hours are those of the
clock on the wall in the plan's time zone.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLIDAY = "holiday"
MAKE_UP_DAY = "make_up_day"
DAY_MINUTES = 24 * 60
_ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``opens`` (included) to ``closes`` (not included), in minutes after midnight of the day it begins on.

    ``closes`` may lie up to a day later than midnight: 21:00 to 03:00 is ``Period(1260, 1620)``.
    """

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{'24:00' if self.closes == DAY_MINUTES else _clock(self.closes % DAY_MINUTES)}"


WHOLE_DAY = (Period(0, DAY_MINUTES),)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that are not like their weekday."""

    holidays: frozenset[datetime.date] = frozenset()
    make_up_days: frozenset[datetime.date] = frozenset()

    def kind_of(self, day: datetime.date) -> str:
        """``holiday``, ``make_up_day``, or the weekday."""
        if day in self.holidays:
            return HOLIDAY
        if day in self.make_up_days:
            return MAKE_UP_DAY
        return WEEKDAYS[day.weekday()]


@dataclass(frozen=True, slots=True)
class Hours:
    """When a line is open: the periods of each kind of day (``WEEKDAYS``, ``HOLIDAY``, ``MAKE_UP_DAY``)."""

    name: str
    periods: Mapping[str, tuple[Period, ...]]

    def open_at(self, moment: datetime.datetime, zone: ZoneInfo, calendar: Calendar) -> bool:
        """Whether the line is open at this moment (timezone-aware)."""
        local = moment.astimezone(zone)
        minute = local.hour * 60 + local.minute
        today = local.date()
        return self._within(today, minute, calendar) or self._within(today - _ONE_DAY, minute + DAY_MINUTES, calendar)

    def on(self, day: datetime.date, calendar: Calendar) -> tuple[Period, ...]:
        """The periods that begin on this day."""
        return self.periods.get(calendar.kind_of(day), ())

    def _within(self, day: datetime.date, minute: int, calendar: Calendar) -> bool:
        return any(period.opens <= minute < period.closes for period in self.on(day, calendar))


ALWAYS = Hours("always", dict.fromkeys((*WEEKDAYS, HOLIDAY, MAKE_UP_DAY), WHOLE_DAY))


def period(text: str) -> Period:
    """Read ``08:30-17:00``; an end at or before the beginning is on the next day. Raises ValueError."""
    opens, separator, closes = text.partition("-")
    if not separator:
        raise ValueError(text)
    begin, end = _minutes(opens.strip()), _minutes(closes.strip())
    if begin >= DAY_MINUTES:
        raise ValueError(text)
    return Period(begin, end if end > begin else end + DAY_MINUTES)


def _minutes(text: str) -> int:
    hour, separator, minute = text.partition(":")
    if not (separator and hour.isdecimal() and minute.isdecimal() and len(minute) == 2 and len(hour) <= 2):
        raise ValueError(text)
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > DAY_MINUTES:
        raise ValueError(text)
    return minutes


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
