"""The exchanges' closing days, in the shape in which they are announced: a few ranges of days for a whole year.

Shanghai and Shenzhen close together, on weekends and on the public holidays; weekend days that are worked in exchange
for a holiday (调休) are no trading days. A year is either known as a whole or not at all. Pure, but for ``shipped``.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

COLUMNS: Final = ("first", "last", "name")
LONGEST: Final = 16  # days of one closure: more is a slip in the year or the month
FEWEST: Final = 10  # weekdays on which a year is closed at least: 2026 has 19
SATURDAY: Final = 5  # of date.weekday()
LONGEST_NAME: Final = 128
_ONE_DAY: Final = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closure:
    """The exchanges are closed from ``first`` to ``last``, both included."""

    first: datetime.date
    last: datetime.date
    name: str = ""

    def days(self) -> Iterator[datetime.date]:
        """Every day of it, weekends included."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + number * _ONE_DAY


@dataclass(frozen=True, slots=True)
class Day:
    """One day: are the exchanges open, and if not on a weekday, for what."""

    trading: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one line of a file of closing days."""

    line: int
    what: str


def read_closures(text: str) -> tuple[list[Closure], list[Fault]]:
    """The closures of a CSV text with the columns ``first``, ``last`` and ``name``; the last two may be empty."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    unknown = [str(name) for name in rows.fieldnames or () if name not in COLUMNS]
    if "first" not in (rows.fieldnames or ()) or unknown:
        return [], [Fault(1, "The columns are first, last and name; the first must be there.")]
    found: list[Closure] = []
    faults: list[Fault] = []
    try:
        for row in rows:
            try:
                found.append(_closure(row))
            except ValueError as error:
                faults.append(Fault(rows.line_num, str(error)))
    except csv.Error as error:
        faults.append(Fault(rows.line_num, f"This is not CSV: {error}."))
    return found, faults


def year_of(year: int, closures: Sequence[Closure]) -> dict[datetime.date, Day]:
    """Every day of a year. Closures of other years are left out."""
    days: dict[datetime.date, Day] = {}
    day = datetime.date(year, 1, 1)
    while day.year == year:
        days[day] = Day(trading=day.weekday() < SATURDAY)
        day += _ONE_DAY
    for closure in closures:
        for closed in closure.days():
            if closed in days:
                days[closed] = Day(trading=False, note=closure.name)
    return days


def doubts(year: int, closures: Sequence[Closure]) -> list[str]:
    """Why these closures cannot be all of a year's; nothing when they may be."""
    found = [f"{closure.first} is not in {year}." for closure in closures if year not in _years(closure)]
    closed = sum(day.weekday() < SATURDAY and not one.trading for day, one in year_of(year, closures).items())
    if closed < FEWEST:
        found.append(f"Only {closed} weekdays of {year} are closed: a whole year has more.")
    return found


@cache
def shipped() -> Mapping[datetime.date, Day]:
    """Every day of the years that came with this version."""
    closures, faults = read_closures(resources.files("db.calendar").joinpath("closing_days.csv").read_text("utf-8"))
    assert not faults, faults
    years = sorted({closure.first.year for closure in closures})
    return {day: one for year in years for day, one in year_of(year, closures).items()}


def _closure(row: Mapping[str, str | None]) -> Closure:
    first = _date(row["first"] or "")
    last = _date(row.get("last") or "") if (row.get("last") or "").strip() else first
    name = (row.get("name") or "").strip()
    if not 1 <= (last - first).days + 1 <= LONGEST:
        raise ValueError(f"From {first} to {last} is no closure of 1 to {LONGEST} days.")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"The name is longer than {LONGEST_NAME} characters.")
    return Closure(first, last, name)


def _date(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no date. Write it like 2027-02-08.") from None


def _years(closure: Closure) -> set[int]:
    return {closure.first.year, closure.last.year}
