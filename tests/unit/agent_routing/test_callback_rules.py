"""When a number may be called: never at night, never against the customer's wish, not too often, not for ever."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_routing.callback_rules import (
    OUTCOMES,
    CallbackRulesInvalid,
    Never,
    NotBefore,
    Now,
    Tried,
    Verdict,
    load,
    may_dial,
    read,
)
from ivr.lines.hours import Calendar

RULES = read()
SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(
    holidays=frozenset(datetime.date(2026, 10, day) for day in range(1, 8)),
    make_up_days=frozenset([datetime.date(2026, 10, 10)]),
)
TEXT = Path(__file__).parents[3].joinpath("agent_routing/callback_rules.yaml").read_text("utf-8")


def local(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


FRIDAY = local("2026-11-20 10:00")
TRIED = Tried(expires=FRIDAY + datetime.timedelta(days=30))


def asked(tried: Tried, now: datetime.datetime = FRIDAY) -> Verdict:
    return may_dial(RULES, tried, now.astimezone(datetime.UTC), SHANGHAI, CALENDAR)


def test_on_a_working_morning() -> None:
    assert asked(TRIED) == Now()


@pytest.mark.parametrize(
    ("now", "earliest"),
    [
        ("2026-11-20 08:29:59", "2026-11-20 08:30"),
        ("2026-11-20 21:00", "2026-11-21 09:00"),  # a Friday night; Saturdays begin later
        ("2026-11-21 08:45", "2026-11-21 09:00"),
        ("2026-11-22 23:30", "2026-11-23 08:30"),
        ("2026-11-20 00:10", "2026-11-20 08:30"),
        ("2026-10-01 08:40", "2026-10-01 09:00"),  # a Thursday, but National Day
        ("2026-10-10 08:29", "2026-10-10 08:30"),  # a Saturday that is worked
    ],
)
def test_not_at_night(now: str, earliest: str) -> None:
    tried = replace(TRIED, expires=local(now) + datetime.timedelta(days=2))
    assert asked(tried, local(now)) == NotBefore(local(earliest).astimezone(datetime.UTC), "hours")
    assert asked(tried, local(earliest)) == Now()


@pytest.mark.parametrize(
    ("outcome", "minutes"), [("no_answer", 15), ("busy", 3), ("switched_off", 30), ("network", 5), ("voicemail", 30)]
)
def test_a_pause_by_what_came_of_it(outcome: str, minutes: int) -> None:
    tried = replace(TRIED, attempts=1, outcome=outcome, tried_at=FRIDAY)  # type: ignore[arg-type]
    after = FRIDAY + datetime.timedelta(minutes=minutes)
    assert asked(tried) == NotBefore(after.astimezone(datetime.UTC), "pause")
    assert asked(tried, after) == Now()


@pytest.mark.parametrize("outcome", ["bad_number", "refused"])
def test_never_again(outcome: str) -> None:
    tried = replace(TRIED, attempts=1, outcome=outcome, tried_at=FRIDAY)  # type: ignore[arg-type]
    assert asked(tried) == Never(outcome)  # type: ignore[arg-type]


def test_do_not_call_goes_before_everything() -> None:
    assert asked(replace(TRIED, do_not_call="the customer's wish")) == Never("do_not_call")


def test_three_calls_in_vain_are_enough() -> None:
    tried = replace(TRIED, attempts=3, outcome="busy", tried_at=FRIDAY - datetime.timedelta(hours=5))
    assert asked(tried) == Never("attempts")


def test_a_wish_that_is_too_old() -> None:
    assert asked(replace(TRIED, expires=FRIDAY)) == Never("expired")
    soon = replace(TRIED, attempts=1, outcome="no_answer", tried_at=FRIDAY)
    assert asked(replace(soon, expires=FRIDAY + datetime.timedelta(minutes=15))) == Never("expired")
    late = local("2026-11-20 21:30")
    assert asked(replace(TRIED, expires=late + datetime.timedelta(hours=4)), late) == Never("expired")


def test_the_customers_quiet_hours() -> None:
    noon = replace(TRIED, quiet_from=datetime.time(9, 30), quiet_until=datetime.time(14))
    assert asked(noon) == NotBefore(local("2026-11-20 14:00").astimezone(datetime.UTC), "quiet_hours")
    evening = replace(TRIED, quiet_from=datetime.time(18), quiet_until=datetime.time(9, 30))
    verdict = asked(evening, local("2026-11-20 19:00"))
    assert verdict == NotBefore(local("2026-11-21 09:30").astimezone(datetime.UTC), "quiet_hours")
    always = replace(TRIED, quiet_from=datetime.time(6), quiet_until=datetime.time(23))
    assert asked(always) == Never("expired")


def test_a_clock_that_is_put_forward() -> None:
    zone = ZoneInfo("Europe/Berlin")
    night = datetime.datetime(2026, 3, 28, 22, 0, tzinfo=zone)
    verdict = may_dial(RULES, replace(TRIED, expires=night + datetime.timedelta(days=2)), night, zone, Calendar())
    assert isinstance(verdict, NotBefore)
    assert verdict.at.astimezone(zone).time() == datetime.time(9, 0)


moments = st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 12, 31), timezones=st.just(SHANGHAI))
clocks = st.one_of(st.none(), st.times())
tries = st.builds(
    lambda now, days, attempts, outcome, ago, begin, end: (
        now,
        Tried(
            now + datetime.timedelta(days=days),
            attempts,
            outcome,
            None if outcome is None else now - datetime.timedelta(minutes=ago),
            "",
            begin if end is not None else None,
            end if begin is not None else None,
        ),
    ),
    moments,
    st.integers(-1, 5),
    st.integers(0, 4),
    st.one_of(st.none(), st.sampled_from(OUTCOMES)),
    st.integers(0, 60),
    clocks,
    clocks,
)


@given(tries)
def test_the_earliest_moment_is_one_at_which_it_may_be_called(case: tuple[datetime.datetime, Tried]) -> None:
    now, tried = case
    verdict = asked(tried, now)
    if isinstance(verdict, NotBefore):
        assert verdict.at > now
        assert asked(tried, verdict.at) == Now()
        before = verdict.at - datetime.timedelta(seconds=1)
        assert before < now or not isinstance(asked(tried, before), Now), "and no moment before it"
    if isinstance(verdict, Now):
        assert datetime.time(8, 30) <= now.time() < datetime.time(21)


def test_the_file_that_comes_with_goldline() -> None:
    assert set(RULES.after) == set(OUTCOMES)
    assert RULES.after["refused"] is None
    assert RULES.most_attempts == 3


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("weekdays: 08:30-21:00", "weekdays: 08:30-23:00", "f:7: hours: weekdays: 08:30-23:00 is at night."),
        ("weekdays: 08:30-21:00", "weekdays: 21:00-08:30", "f:7: hours: weekdays: 21:00-08:30 ends before it begins"),
        ("weekdays: 08:30-21:00", "weekdays: all day", "f:7: hours: weekdays: 'all day' is no time of a day"),
        ("weekdays: 08:30-21:00", "weekdays: 25:00-26:00", "f:7: hours: weekdays: '25:00-26:00' is no time of a day"),
        ("  holiday: 09:00-21:00\n", "", "f:7: hours: holiday is missing"),
        ("most_attempts: 3", "most_attempts: many", "most_attempts must be a whole number from 1 to 20"),
        ("busy: 3m", "busy: 3", "after: busy cannot be '3'. Write a pause with its unit (15m), or never."),
        ("busy: 3m", "bussy: 3m", "after: there is no outcome 'bussy'. Did you mean 'busy'?"),
        ("busy: 3m", "busy: 1s", "busy must be between 30s"),
        ("  busy: 3m\n", "", "after: busy is missing"),
        ("refused: never", "refused: 5m", "after: refused has a pause"),
        ("expires:", "expire:", "unknown field 'expire'. Did you mean 'expires'?"),
    ],
)
def test_faults_are_told_by_their_line(old: str, new: str, says: str) -> None:
    assert old in TEXT
    _, problems = load(TEXT.replace(old, new), "f")
    assert any(says in str(problem) for problem in problems), problems


def test_a_file_in_which_nobody_may_ever_be_called() -> None:
    text = TEXT
    for line in TEXT.splitlines():
        if line.startswith("  ") and "-21:00" in line:
            text = text.replace(line, f"{line.partition(':')[0]}: none")
    _, problems = load(text, "f")
    assert any("nobody may ever be called" in str(problem) for problem in problems)
    with pytest.raises(CallbackRulesInvalid, match="cannot be read"):
        read(Path("none.yaml"))
