"""Calling hours: the first moment from which somebody may be called. Pure.

Hours differ by the kind of day; a campaign may ask for trading days, and a customer for quiet hours. Times are those of
the clock on the wall in ``zone``. Days are told apart by whoever has the calendars.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from ivr.datafile.fields import Fields
from ivr.datafile.source import Row, Scalar

DayKind = Literal["weekdays", "weekends", "holiday", "make_up_day"]

DAY_KINDS: Final[tuple[DayKind, ...]] = get_args(DayKind)
FARTHEST: Final = 400  # days ahead in which an hour is looked for: longer than any row of holidays
_SPAN: Final = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_WEEKEND: Final = frozenset(("saturday", "sunday"))
_SPECIAL: Final[Mapping[str, DayKind]] = {"holiday": "holiday", "make_up_day": "make_up_day"}
_ONE_DAY: Final = datetime.timedelta(days=1)


class Days(Protocol):
    """Tells what kind of day a date is: a weekday's name, ``holiday`` or ``make_up_day`` (the lines' calendar)."""

    def kind_of(self, day: datetime.date, /) -> str: ...


class TradingDays(Protocol):
    """Tells on which days the exchanges trade (``db.trading_calendar.TradingCalendar``)."""

    def is_trading_day(self, day: datetime.date, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Span:
    """From ``begin`` (included) to ``end`` (not included) of one day."""

    begin: datetime.time
    end: datetime.time

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Hours:
    """The spans of each kind of day, in their order; no span: on no such day. ``trading``: on trading days alone."""

    spans: Mapping[DayKind, tuple[Span, ...]]
    trading: bool = False

    def on(self, day: datetime.date, days: Days, trading: TradingDays) -> tuple[Span, ...]:
        """The spans of this day."""
        if self.trading and not trading.is_trading_day(day):
            return ()
        return self.spans.get(day_kind(days.kind_of(day)), ())


@dataclass(frozen=True, slots=True)
class Clock:
    """What tells days and hours apart."""

    zone: datetime.tzinfo
    days: Days
    trading: TradingDays

    def day(self, moment: datetime.datetime) -> datetime.date:
        """The date on the wall at this (aware) moment."""
        return moment.astimezone(self.zone).date()


def day_kind(kind: str) -> DayKind:
    """The kind of hours for what the calendar calls the day."""
    if kind in _WEEKEND:
        return "weekends"
    return _SPECIAL.get(kind, "weekdays")


def first_open(hours: Hours, moment: datetime.datetime, clock: Clock) -> datetime.datetime | None:
    """This moment when it lies in the hours, or the next one that does; None when there is none for a year."""
    local = moment.astimezone(clock.zone)
    day = local.date()
    for _ in range(FARTHEST):
        for span in hours.on(day, clock.days, clock.trading):
            begin = datetime.datetime.combine(day, span.begin, clock.zone)
            if local < begin:
                return begin.astimezone(moment.tzinfo)
            if local < datetime.datetime.combine(day, span.end, clock.zone):
                return moment
        day += _ONE_DAY
    return None


def next_day(moment: datetime.datetime, clock: Clock) -> datetime.datetime:
    """The midnight that follows."""
    day = clock.day(moment) + _ONE_DAY
    return datetime.datetime.combine(day, datetime.time(), clock.zone).astimezone(moment.tzinfo)


def after_quiet(
    quiet: tuple[datetime.time, datetime.time] | None, moment: datetime.datetime, clock: Clock
) -> datetime.datetime:
    """This moment, or the end of the quiet hours (from, until; may go over midnight) when it lies in them."""
    if quiet is None or quiet[0] == quiet[1]:
        return moment
    begin, end = quiet
    local = moment.astimezone(clock.zone)
    time = local.time()
    over_midnight = begin > end
    if not ((time >= begin or time < end) if over_midnight else begin <= time < end):
        return moment
    day = local.date() + (_ONE_DAY if over_midnight and time >= begin else datetime.timedelta())
    return datetime.datetime.combine(day, end, clock.zone).astimezone(moment.tzinfo)


# --- in a file --------------------------------------------------------------------------------------------------------


def read_hours(fields: Fields, within: Hours | None = None, trading: bool = False) -> Hours:
    """The hours in this table, one field per kind of day; complains of spans that lie outside ``within``."""
    spans = {kind: _spans(fields, kind, within) for kind in DAY_KINDS}
    if not any(spans.values()) and not fields.problems:
        fields.problem(DAY_KINDS[0], "nobody may ever be called.", "Give one kind of day a time, as 09:00-20:00.")
    return Hours(spans, trading)


def _spans(fields: Fields, kind: DayKind, within: Hours | None) -> tuple[Span, ...]:
    element = fields.element(kind)
    if element is None:
        return ()
    items = element.items if isinstance(element, Row) else (element,)
    texts = [item.text for item in items if isinstance(item, Scalar)]
    if len(texts) < len(items):
        fields.problem(kind, f"{kind} must be a time of day or a list of them.", "Write 09:00-20:00.")
    if texts == ["none"]:
        return ()
    found: list[Span] = []
    for text in texts:
        span = _span(text)
        if span is None:
            fields.problem(kind, f"{kind}: {text!r} is no time of a day.", "Write 09:00-20:00, or none.")
        elif span.begin >= span.end:
            fields.problem(kind, f"{kind}: {text} ends before it begins.", "Nobody is called over midnight.")
        elif found and span.begin < found[-1].end:
            fields.problem(kind, f"{kind}: {text} begins before {found[-1]} ends.", "Give them in their order.")
        else:
            found.append(span)
            _inside(fields, kind, span, within)
    return tuple(found)


def _span(text: str) -> Span | None:
    match = _SPAN.fullmatch(text)
    try:
        return match and Span(datetime.time(int(match[1]), int(match[2])), datetime.time(int(match[3]), int(match[4])))
    except ValueError:
        return None


def _inside(fields: Fields, kind: DayKind, span: Span, within: Hours | None) -> None:
    if within is None:
        return
    allowed = within.spans.get(kind, ())
    if not any(one.begin <= span.begin and span.end <= one.end for one in allowed):
        said = ", ".join(map(str, allowed)) or "none"
        fields.problem(kind, f"{kind}: {span} is outside the hours that the rules allow ({said}).", "Stay within them.")
