"""Campaigns and calendars for tests of what is decided about them."""

from __future__ import annotations

import datetime

from db.trading_calendar import TradingCalendar
from ivr.lines.hours import Calendar
from outbound import campaign_file, rules_file
from outbound.campaign import Campaign
from outbound.hours import Clock
from outbound.rules import Rules

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
HOLIDAY = datetime.date(2026, 11, 27)  # a Friday, made a holiday for the tests
MAKE_UP = datetime.date(2026, 11, 29)  # a Sunday that is worked in exchange
CLOCK = Clock(SHANGHAI, Calendar(frozenset([HOLIDAY]), frozenset([MAKE_UP])), TradingCalendar())

TEXT = """\
campaign: revisit
title: 回访
purpose: service
who: {status: [new, active], opened_within_days: 30, within_days: 30}
what: {call: agent, script: new_account_revisit}
when: {weekdays: [09:30-12:00, 13:30-20:00], make_up_day: 10:00-12:00, days: 31}
seats: {skills: {revisit: 1}}
attempts: {day: 2, week: 4, in_all: 5}
after: {no_answer: 240m, busy: 20m}
"""


def local(day: int, hour: int, minute: int = 0) -> datetime.datetime:
    """A moment of November 2026 in Shanghai; the 20th is a Friday."""
    return datetime.datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def rules() -> Rules:
    """Those that came with Goldline."""
    return rules_file.read()


def campaign(text: str = TEXT, stem: str = "revisit") -> Campaign:
    """The campaign in this text, which is right."""
    found, problems = campaign_file.load(text, f"{stem}.yaml", stem, rules())
    assert not problems, problems
    assert found
    return found
