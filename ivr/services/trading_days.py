"""The trading days, in memory: whoever asks waits for no database, and the last good copy serves while it is away.

Says in the log, once a day, that the calendar runs out; ``/health`` and ``ivr doctor`` say it all the time.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from db.closing_days import SATURDAY
from db.customer import brokerage_day
from db.errors import StoreError
from db.events import utcnow
from db.trading_calendar import TradingCalendar

log = logging.getLogger("goldline.calendar")

REREAD_SECONDS: Final = 30.0  # a day that staff set counts this soon
REMEDY: Final = "Import the next year as soon as it is announced: ivr calendar import FILE --year YEAR."


class TradingDayBook:
    """The calendar that is in force. ``follow`` it in a task; until then what was shipped serves."""

    def __init__(
        self,
        read: Callable[[], Awaitable[TradingCalendar]],
        now: Callable[[], datetime.datetime] = utcnow,
    ) -> None:
        """``read`` reads the calendar (``TradingDays(store).calendar``); ``now`` gives an aware moment."""
        self.current = TradingCalendar()
        self._read = read
        self._now = now
        self._warned: datetime.date | None = None
        self._failing = False

    def state(self) -> dict[str, str | None]:
        """For ``/health``: the last day that is known, and what must be done about it soon."""
        today = brokerage_day(self._now())
        until, warning = self.current.known_until(today), self.current.runs_out(today)
        return {"known_until": until.isoformat() if until else None, "warning": warning and f"{warning} {REMEDY}"}

    async def look(self) -> None:
        """Read the table once, and warn when the calendar runs out."""
        try:
            self.current = await self._read()
            self._failing = False
        except StoreError as error:
            if not self._failing:
                log.error("The trading days cannot be read; what is known of them serves: %s", error)
            self._failing = True
        today = brokerage_day(self._now())
        warning = self.current.runs_out(today)
        if warning and self._warned != today:
            self._warned = today
            log.warning("%s %s", warning, REMEDY)

    async def follow(self) -> None:
        """Look again and again, for good."""
        while True:
            await self.look()
            await asyncio.sleep(REREAD_SECONDS)


def at_odds(calendar: TradingCalendar, holidays: Iterable[datetime.date], today: datetime.date) -> list[str]:
    """Weekdays ahead that the lines take for a holiday and the exchanges do not, or the other way round. Pure."""
    holidays = set(holidays)
    found = []
    for day, one in sorted(calendar.days.items()):
        if day < today or day.weekday() >= SATURDAY or one.trading != (day in holidays):
            continue
        found.append(
            f"{day} is a holiday there, and the exchanges trade."
            if one.trading
            else f"{day} is no holiday there, and the exchanges are closed."
        )
    return found
