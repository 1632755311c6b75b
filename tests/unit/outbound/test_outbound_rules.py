"""May this number be dialled now? Hours, wishes, caps, pauses and quarantines, told apart by what held it back."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.attempt import PastDial
from outbound import rules_file
from outbound.campaign import Campaign
from outbound.rules import Candidate, Never, NotBefore, Now, Rules, Verdict, verdict
from outbound.rules_file import RULES_FILE, OutboundRulesInvalid
from tests.unit.outbound.campaign_texts import CLOCK, campaign, local, rules

NUMBER, OTHER = "+8613800138001", "+8613800138002"
END = local(30, 23)
ONE = Candidate(NUMBER, target=1, customer=7, ends_at=END)
MORNING = local(20, 10)  # a Friday


@pytest.fixture(scope="module")
def law() -> Rules:
    return rules()


@pytest.fixture(scope="module")
def revisit() -> Campaign:
    return campaign()


def dialled(
    at: datetime.datetime, outcome: str = "no_answer", number: str = NUMBER, target: int = 1, customer: int | None = 7
) -> PastDial:
    name = "revisit" if target == 1 else "another"
    return PastDial(number, customer, name, target, at, outcome, outcome == "abandoned")


def said(law: Rules, revisit: Campaign, one: Candidate, now: datetime.datetime = MORNING) -> Verdict:
    return verdict(now, law, revisit, one, CLOCK)


def test_nothing_stands_against_it(law: Rules, revisit: Campaign) -> None:
    assert said(law, revisit, ONE) == Now()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"do_not_call": "national list"}, "do_not_call"),
        ({"state": "wrong_person"}, "number_state"),
        ({"state": "unallocated"}, "number_state"),
        ({"ends_at": local(20, 9)}, "campaign_over"),
        ({"last_day": datetime.date(2026, 11, 19)}, "too_late"),
    ],
)
def test_never(law: Rules, revisit: Campaign, change: dict[str, object], why: str) -> None:
    assert said(law, revisit, replace(ONE, **change)) == Never(why)  # type: ignore[arg-type]


def test_marketing_needs_consent(law: Rules, revisit: Campaign) -> None:
    marketing = replace(revisit, purpose="marketing")
    assert said(law, marketing, ONE) == Never("no_consent")
    assert said(law, marketing, replace(ONE, consent="form 17 of 2026-03-02")) == Now()


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (local(20, 8), local(20, 9, 30)),
        (local(20, 12), local(20, 13, 30)),  # the noon of the campaign
        (local(20, 19, 59), None),
        (local(20, 20), local(23, 9, 30)),  # not on the weekend
        (local(26, 20), local(29, 10)),  # Friday is a holiday; Sunday is worked in exchange
        (local(29, 12), local(30, 9, 30)),
    ],
)
def test_hours(law: Rules, revisit: Campaign, now: datetime.datetime, at: datetime.datetime | None) -> None:
    assert said(law, revisit, ONE, now) == (Now() if at is None else NotBefore(at, "hours"))


def test_trading_days(law: Rules, revisit: Campaign) -> None:
    trading = replace(revisit, hours=replace(revisit.hours, trading=True))
    assert said(law, trading, ONE, local(26, 20)) == NotBefore(local(30, 9, 30), "hours"), "no trading on a make-up day"


@pytest.mark.parametrize(
    ("quiet", "at"),
    [
        ((datetime.time(9), datetime.time(11)), local(20, 11)),
        ((datetime.time(18), datetime.time(14)), local(20, 14)),  # over midnight
        ((datetime.time(0), datetime.time(12, 30)), local(20, 13, 30)),  # they end in the campaign's noon
        ((datetime.time(12), datetime.time(14)), None),
    ],
)
def test_quiet_hours(
    law: Rules, revisit: Campaign, quiet: tuple[datetime.time, datetime.time], at: datetime.datetime | None
) -> None:
    found = said(law, revisit, replace(ONE, quiet=quiet))
    assert found == Now() if at is None else isinstance(found, NotBefore) and found.at == at


def test_who_is_never_awake_in_the_hours_is_not_called(law: Rules, revisit: Campaign) -> None:
    all_day = (datetime.time(9), datetime.time(20, 30))
    assert said(law, revisit, replace(ONE, quiet=all_day)) == Never("campaign_over")


@pytest.mark.parametrize(
    ("past", "at", "why"),
    [
        ([dialled(local(20, 9, 30))], local(20, 10, 30), "pause"),
        ([dialled(local(20, 9, 30), number=OTHER)], local(20, 10, 30), "pause"),  # the same customer
        ([dialled(local(20, 9, 30), customer=9, target=5)], local(20, 10, 30), "pause"),  # the same number
        ([dialled(local(20, 9, 30), "")], local(20, 10, 30), "pause"),  # one that goes on
        (
            [dialled(local(20, 8)), dialled(local(20, 8, 10))],
            local(23, 9, 30),
            "campaign_per_day",
        ),  # two a day, then the weekend
        ([dialled(local(18, 10), "abandoned")], local(23, 9, 30), "abandoned"),  # 72 hours later it is Saturday
        ([dialled(local(19, 11), "machine")], local(20, 11), "machine"),
        ([dialled(local(day, 9)) for day in (16, 17, 18, 19)], local(23, 9, 30), "campaign_per_week"),  # four a week
        ([dialled(local(10, 9), target=5)] * 30, local(23, 9, 30), None),  # in all, over a year
    ],
)
def test_what_the_past_holds_back(
    law: Rules, revisit: Campaign, past: list[PastDial], at: datetime.datetime, why: str | None
) -> None:
    found = said(law, revisit, replace(ONE, past=past))
    if why is None:
        assert found == Never("campaign_over"), "until next year"
    else:
        assert found == NotBefore(at, why)  # type: ignore[arg-type]


def test_other_campaigns_count_for_the_customer_but_not_for_this_campaign(law: Rules, revisit: Campaign) -> None:
    elsewhere = [dialled(local(20, 7, minute), target=5) for minute in (0, 10)]
    assert said(law, revisit, replace(ONE, past=elsewhere)) == Now(), "two a day is this campaign's own cap"
    third = [*elsewhere, dialled(local(20, 7, 20), target=6)]
    found = said(law, revisit, replace(ONE, past=third))
    assert found == NotBefore(local(23, 9, 30), "number_per_day")
    strangers = [dialled(local(20, 7), target=5, customer=9, number=OTHER)] * 9
    assert said(law, revisit, replace(ONE, past=strangers)) == Now()


def test_as_often_as_may_be(law: Rules, revisit: Campaign) -> None:
    past = [dialled(local(day, 10)) for day in (2, 4, 6, 9, 11)]
    assert said(law, revisit, replace(ONE, past=past)) == Never("campaign_in_all")
    dead = [replace(dial, outcome="unallocated", number=OTHER) for dial in past]
    assert said(law, revisit, replace(ONE, past=dead)) == Now(), "no telephone rang: the customer was not disturbed"


def test_the_next_number_need_not_wait_when_the_first_was_of_no_use(law: Rules, revisit: Campaign) -> None:
    off = dialled(local(20, 9, 59), "switched_off")
    assert said(law, revisit, replace(ONE, past=[replace(off, number=OTHER)])) == Now()
    assert said(law, revisit, replace(ONE, past=[off])) == NotBefore(local(20, 10, 59), "pause")


def test_a_number_that_was_found_dead_rests(law: Rules, revisit: Campaign) -> None:
    for state, days in (("unallocated", 90), ("stopped", 7)):
        dead = replace(ONE, state=state, ends_at=local(20, 10) + datetime.timedelta(days=400))  # type: ignore[arg-type]
        fresh = said(law, revisit, replace(dead, past=[dialled(local(19, 10), state)]))
        assert isinstance(fresh, NotBefore)
        assert fresh.at >= local(19, 10) + datetime.timedelta(days=days)
        old = dialled(local(19, 10) - datetime.timedelta(days=days), state)
        assert said(law, revisit, replace(dead, past=[old])) == Now(), "numbers are given to others"


def test_a_reserved_agent_and_an_agreed_time(law: Rules, revisit: Campaign) -> None:
    abandoned = replace(ONE, past=[dialled(local(20, 8), "abandoned")])
    assert said(law, revisit, abandoned) == NotBefore(local(23, 9, 30), "abandoned")
    assert said(law, revisit, replace(abandoned, guaranteed=True)) == Now()
    just_now = replace(
        ONE, past=[dialled(local(20, 9, 50), "reached")] * 2, quiet=(datetime.time(9), datetime.time(11))
    )
    assert said(law, revisit, replace(just_now, agreed=True)) == Now(), "the customer has chosen this time"
    assert isinstance(said(law, revisit, replace(just_now, agreed=True), local(20, 21)), NotBefore), "not at night"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40 * 24 * 60),
            st.sampled_from(["no_answer", "busy", "abandoned", "machine", "unallocated", "reached", ""]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.integers(0, 7 * 24 * 60),
    st.sampled_from([None, (datetime.time(9), datetime.time(14)), (datetime.time(20), datetime.time(10))]),
)
def test_whatever_it_says_holds_when_the_time_has_come(
    past: list[tuple[int, str, bool, bool]], minutes: int, quiet: tuple[datetime.time, datetime.time] | None
) -> None:
    law, revisit = rules_file.read(), campaign()
    now = local(16, 0) + datetime.timedelta(minutes=minutes)
    dials = sorted(
        (
            dialled(
                now - datetime.timedelta(minutes=ago),
                outcome,
                NUMBER if same else OTHER,
                1 if here else 5,
            )
            for ago, outcome, same, here in past
        ),
        key=lambda dial: dial.dialled_at,
    )
    one = replace(ONE, past=dials, quiet=quiet, ends_at=now + datetime.timedelta(days=100))
    found = said(law, revisit, one, now)
    if isinstance(found, NotBefore):
        assert found.at > now
        later = said(law, revisit, one, found.at)
        assert not isinstance(later, NotBefore) or later.at > found.at
    if isinstance(found, Now):
        moment = now.timetz().replace(tzinfo=None)
        assert any(span.begin <= moment < span.end for span in revisit.hours.on(now.date(), CLOCK.days, CLOCK.trading))
        assert all(
            now - dial.dialled_at >= law.pause
            for dial in dials
            if dial.number == NUMBER and dial.outcome != "unallocated"
        )


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_rules_that_came_with_goldline(law: Rules) -> None:
    assert law.looks_back == datetime.timedelta(days=365)
    assert (law.number.day, law.customer.week, law.pause) == (3, 6, datetime.timedelta(hours=1))
    assert law.purposes["marketing"].consent
    assert law.numbers["wrong_person"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("weekdays: 09:00-21:00", "weekdays: 06:00-21:00"), "outside the hours"),
        (lambda text: text.replace("  busy: 15m\n", ""), "busy is missing"),
        (lambda text: text.replace("busy: 15m", "busi: 15m"), "Did you mean 'busy'"),
        (lambda text: text.replace("pause: 60m", "pause: 60"), "duration with its unit"),
        (lambda text: text.replace("{day: 3, week: 6,", "{day: 9, week: 6,", 1), "Each must allow the one before"),
        (lambda text: text.replace("  wrong_person: never\n", ""), "wrong_person is missing"),
        (lambda text: text.replace("consent: yes", "consent: perhaps"), "consent must be yes or no"),
        (lambda text: text + "colour: blue\n", "unknown field 'colour'"),
        (lambda _: "", "the file is empty"),
    ],
)
def test_what_is_wrong_in_the_file(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(change(RULES_FILE.read_text("utf-8")), "utf-8")
    with pytest.raises(OutboundRulesInvalid, match=message):
        rules_file.read(file)
