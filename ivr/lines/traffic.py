"""The traffic offered in the busiest hour, from calls that were. Pure.

Measured in quarters of an hour, the busiest hour being any four in a row (ITU-T E.500). What was offered is what was
carried plus what was refused:

    offered = carried + refused calls x mean holding time of the calls begun in that hour

(ITU-T E.501 estimates the second term from the blocking; we need not, each refused call is in the journal.) Callers who
try again are counted each time, so the figure errs towards more lines.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

QUARTER: Final = 900  # seconds
HOUR: Final = 3600
FORMULA: Final = "offered = carried erlangs + refused calls x mean holding time"
REFUSED: Final = frozenset({"busy", "refused"})  # how a call ended that got no line
NO_TRAFFIC: Final = frozenset({"closed", "unallocated"})  # … and one that wanted none: more lines would not serve it
LONGEST: Final = datetime.timedelta(hours=12)  # a longer one is a call whose end was found late, not traffic


@dataclass(frozen=True, slots=True)
class BusyHour:
    """The busiest hour: when it began, its calls, and its traffic in erlangs."""

    begins: datetime.datetime
    served: int  # calls begun in it
    refused: int
    holding_seconds: float  # mean, of the served
    carried: float
    offered: float


class TrafficMeter:
    """Adds up calls; memory grows with the quarters of an hour they cover, not with their number."""

    def __init__(self) -> None:
        self._carried: defaultdict[int, float] = defaultdict(float)  # seconds, by quarter
        self._served: defaultdict[int, int] = defaultdict(int)
        self._held: defaultdict[int, float] = defaultdict(float)  # seconds, by the quarter the call began in
        self._refused: defaultdict[int, int] = defaultdict(int)

    def add(self, began: datetime.datetime, ended: datetime.datetime, how: str) -> None:
        """One call: when it began and ended (timezone-aware), and how it ended."""
        if how in NO_TRAFFIC:
            return
        first, last = began.timestamp(), ended.timestamp()
        quarter = int(first // QUARTER)
        if how in REFUSED:
            self._refused[quarter] += 1
            return
        if not began <= ended <= began + LONGEST:
            return
        self._served[quarter] += 1
        self._held[quarter] += last - first
        while first < last:
            until = min((quarter + 1) * QUARTER, last)
            self._carried[quarter] += until - first
            first, quarter = until, quarter + 1

    def busiest(self) -> BusyHour | None:
        """The hour with the most offered traffic (the earliest of equals), or None when there was no call."""
        quarters = sorted({*self._carried, *self._served, *self._refused})
        starts = sorted({quarter - back for quarter in quarters for back in range(4)})
        hours = (self._hour(start) for start in starts)
        return max(hours, key=lambda hour: hour.offered, default=None)

    def _hour(self, start: int) -> BusyHour:
        quarters = range(start, start + 4)
        served = sum(self._served.get(one, 0) for one in quarters)
        refused = sum(self._refused.get(one, 0) for one in quarters)
        if served:
            holding = sum(self._held.get(one, 0.0) for one in quarters) / served
        else:  # only refused calls: the mean of all there are
            holding = sum(self._held.values()) / max(sum(self._served.values()), 1)
        carried = sum(self._carried.get(one, 0.0) for one in quarters) / HOUR
        begins = datetime.datetime.fromtimestamp(start * QUARTER, datetime.UTC)
        return BusyHour(begins, served, refused, holding, carried, carried + refused * holding / HOUR)
