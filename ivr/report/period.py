"""The days of a report, on the clock of the lines. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from ivr.errors import GoldlineError

LONGEST_DAYS: Final = 3660  # ten years: more is a slip of the pen
HOUR: Final = datetime.timedelta(hours=1)


class BadPeriod(GoldlineError):
    """These are no days to report on."""

    error_id: ClassVar[str] = "report-period"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included, in ``zone``. Raises BadPeriod."""

    first: datetime.date
    last: datetime.date
    zone: datetime.tzinfo
    since: datetime.datetime = field(init=False)  # the first day's midnight …
    until: datetime.datetime = field(init=False)  # … and the midnight after the last, which is not in it

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BadPeriod(f"{self.last} comes before {self.first}.", remedy="Give --from the earlier day.")
        if (self.last - self.first).days >= LONGEST_DAYS:
            raise BadPeriod(f"{self.first} to {self.last} is more than ten years.", remedy="Report on fewer days.")
        object.__setattr__(self, "since", self._midnight(self.first))
        object.__setattr__(self, "until", self._midnight(self.last + datetime.timedelta(days=1)))

    def __contains__(self, moment: datetime.datetime) -> bool:
        return self.since <= moment < self.until

    def days(self) -> Iterator[Period]:
        """Each day by itself."""
        for number in range((self.last - self.first).days + 1):
            day = self.first + datetime.timedelta(days=number)
            yield Period(day, day, self.zone)

    def day(self, moment: datetime.datetime) -> str:
        """The day of a moment: 2026-11-20."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d}"

    def hour(self, moment: datetime.datetime) -> str:
        """The hour of the day: 09:00. The same hour of several days is one."""
        return f"{moment.astimezone(self.zone).hour:02}:00"

    def hours(
        self, since: datetime.datetime, until: datetime.datetime
    ) -> Iterator[tuple[datetime.datetime, datetime.timedelta]]:
        """What of a span lies in the period, cut at the hours of the clock: (the beginning, how long)."""
        at, until = max(since, self.since), min(until, self.until)
        while at < until:
            local = at.astimezone(self.zone)
            # Counted on from now: a clock that is put forward or back never leaves an hour out, or counts it twice.
            left = HOUR - datetime.timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            piece = min(left, until - at)
            yield at, piece
            at += piece

    def _midnight(self, day: datetime.date) -> datetime.datetime:
        return datetime.datetime.combine(day, datetime.time(), self.zone).astimezone(datetime.UTC)
