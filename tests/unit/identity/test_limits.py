"""The limits as pure decisions, whatever a guesser does."""

from __future__ import annotations

import datetime
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from db.identity_tries import Tally
from ivr.identity import limits
from ivr.identity.limits import ACCOUNT, CALLER, WITHHELD, Rule

START = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)
NONE = Tally(0.0, START)
GAPS = st.lists(st.integers(0, 6 * 3600), max_size=60)


def wrong(rule: Rule, tally: Tally, now: datetime.datetime) -> Tally:
    return limits.counted(rule, tally, now) if limits.standing(rule, tally, now).free else tally


@given(GAPS)
def test_an_account_is_tried_wrongly_six_times_at_most_however_long_a_guesser_waits(gaps: list[int]) -> None:
    tally, now, made = NONE, START, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        after = wrong(ACCOUNT, tally, now)
        made += after != tally
        tally = after
    assert made <= ACCOUNT.locks_at
    assert limits.standing(ACCOUNT, tally, now + timedelta(days=10_000)).locked == (made == ACCOUNT.locks_at)


@given(st.sampled_from([ACCOUNT, CALLER]), st.integers(0, 30))
def test_delays_never_shrink_with_another_wrong_try(rule: Rule, tries: int) -> None:
    fewer, more = (limits.standing(rule, Tally(float(n), START), START) for n in (tries, tries + 1))
    assert (more.locked, more.wait if not more.locked else fewer.wait) >= (fewer.locked, fewer.wait)


@given(st.sampled_from([CALLER, WITHHELD]), st.floats(0, 1_000), st.integers(0, 10**7))
def test_callers_are_never_locked_and_never_wait_longer_than_the_longest_delay(
    rule: Rule, level: float, later: int
) -> None:
    standing = limits.standing(rule, Tally(level, START), START + timedelta(seconds=later))
    assert not standing.locked
    assert timedelta(0) <= standing.wait <= max(rule.delays)


@given(st.sampled_from([ACCOUNT, CALLER, WITHHELD]), st.floats(0, 100), st.integers(1, 10**7))
def test_a_clock_set_back_makes_nobody_wait_longer_than_the_delay(rule: Rule, level: float, back: int) -> None:
    standing = limits.standing(rule, Tally(level, START), START - timedelta(seconds=back))
    assert standing.wait <= max(rule.delays)


@given(st.lists(st.tuples(st.integers(0, 3_600), st.booleans()), max_size=80))
def test_right_tries_of_an_own_account_wash_no_caller_clean(acts: list[tuple[int, bool]]) -> None:
    """The tally with right tries between the wrong ones is never below that of the same wrong tries alone."""
    washed, plain, now = NONE, NONE, START
    for gap, right in acts:
        now += timedelta(seconds=gap)
        if right:
            washed = limits.caller_after_right(CALLER, limits.counted(CALLER, washed, now), now)
        else:
            washed, plain = limits.counted(CALLER, washed, now), limits.counted(CALLER, plain, now)
        if limits.level(CALLER, plain, now) < CALLER.most - 1:
            assert limits.level(CALLER, washed, now) >= limits.level(CALLER, plain, now) - 1e-6


@given(st.floats(0, 1_000))
def test_a_right_try_leaves_nothing_against_the_account(level: float) -> None:
    after = limits.account_after_right(Tally(level, START), START)
    assert limits.standing(ACCOUNT, after, START) == limits.Standing(0)


def test_three_slips_cost_nothing_and_the_delays_grow() -> None:
    tally, waits = NONE, []
    for _ in range(ACCOUNT.locks_at):
        standing = limits.standing(ACCOUNT, tally, tally.at)
        waits.append(standing.wait)
        tally = limits.counted(ACCOUNT, tally, tally.at + standing.wait)
    assert waits == [timedelta(minutes=minutes) for minutes in (0, 0, 0, 5, 15, 60)]


def test_a_guesser_with_one_telephone_makes_few_tries_in_a_year() -> None:
    tally, now, made = NONE, START, 0
    while now < START + timedelta(days=365):
        now += limits.standing(CALLER, tally, now).wait
        tally, made = limits.counted(CALLER, tally, now), made + 1
    assert made < 365 * 6 + 15


def test_all_who_withhold_their_number_share_a_rate_that_no_honest_crowd_reaches() -> None:
    tally, now, made = NONE, START, 0
    while now < START + timedelta(days=1):
        now += max(limits.standing(WITHHELD, tally, now).wait, timedelta(seconds=1))
        tally, made = limits.counted(WITHHELD, tally, now), made + 1
    assert 360 <= made / 24 <= 370


@given(GAPS)
def test_any_hour_sees_three_codes_at_most(gaps: list[int]) -> None:
    now, sent = START, list[datetime.datetime]()
    for gap in gaps:
        now += timedelta(seconds=gap)
        if limits.wait_for_code(sent, 3, now) <= timedelta(0):
            sent.append(now)
    for moment in sent:
        assert sum(moment <= other < moment + timedelta(hours=1) for other in sent) <= 3


@given(GAPS)
def test_a_code_may_be_sent_once_the_wait_is_over(gaps: list[int]) -> None:
    sent = [START + timedelta(seconds=sum(gaps[:n])) for n in range(len(gaps))]
    now = sent[-1] if sent else START
    wait = limits.wait_for_code(sent, 3, now)
    assert limits.wait_for_code(sent, 3, now + wait) <= timedelta(0)
