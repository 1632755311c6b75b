"""Campaigns as files: the twelve that came with Goldline are right; every mistake is told with its line and remedy."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from outbound import campaign_file, script_file
from outbound.campaign_check import House, check_campaign
from outbound.campaign_file import CAMPAIGNS, CampaignInvalid
from tests.unit.outbound.campaign_texts import CLOCK, SHANGHAI, TEXT, campaign, rules

READY = sorted(path.stem for path in CAMPAIGNS.glob("*.yaml"))
FRIDAY = datetime.date(2026, 11, 20)


def said(text: str) -> list[str]:
    _, problems = campaign_file.load(text, "revisit.yaml", "revisit", rules())
    return [str(problem) for problem in problems]


def test_there_are_twelve() -> None:
    assert READY == [
        "allotment_result",
        "closed_transferred",
        "complaint_follow_up",
        "dormant",
        "event_invitation",
        "lost_customer",
        "new_account_revisit",
        "periodic_revisit",
        "price_alert",
        "rights_issue",
        "satisfaction_survey",
        "warrant_expiry",
    ]


@pytest.mark.parametrize("name", READY)
def test_the_ready_made_ones_fit_their_scripts(name: str) -> None:
    one = campaign_file.read(CAMPAIGNS / f"{name}.yaml", rules())
    flows = ("revisit", "notice_call", "questionnaire_call")
    house = House(script_file.read_all(), flows, {"revisit": 2, "complaints": 1}, ["city"])
    assert check_campaign(one, house, planned_on=FRIDAY, clock=CLOCK) == []


def test_what_is_read() -> None:
    one = campaign()
    assert (one.name, one.purpose, one.what.flow, one.seats.skills) == ("revisit", "service", "revisit", {"revisit": 1})
    assert (one.who.audience.statuses, one.who.within, one.exhausted) == (("new", "active"), 30, "by_hand")
    assert one.after["no_answer"] == datetime.timedelta(hours=4)
    assert one.after["network"] == datetime.timedelta(minutes=10), "what it does not say, the rules say"
    assert one.end(FRIDAY, SHANGHAI) == datetime.datetime(2026, 12, 21, tzinfo=SHANGHAI)
    assert not one.what.machines, "off unless it is asked for"
    assert campaign(TEXT.replace("call: agent", "call: agent, machines: yes")).what.machines
    assert one.digest != campaign(TEXT + "# another\n").digest


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("campaign: revisit", "campaign: other", 1, "campaign is 'other', the file is 'revisit'."),
        ("purpose: service", "purpose: servise", 3, "Did you mean 'service'?"),
        ("status: [new, active]", "status: [new, activ]", 4, "Did you mean 'active'?"),
        ("status: [new, active], opened_within_days: 30, within_days: 30", "order: tier", 4, "every customer"),
        ("who: {status: [new, active], opened_within_days: 30, within_days: 30}", "who: {}", 4, "nobody is named"),
        ("within_days: 30}", "within_days: 20}", 4, "within 20 days of their opening"),
        (
            "opened_within_days: 30, within",
            "opened_within_days: 30, opened_before_days: 40, within",
            4,
            "no account was",
        ),
        ("status: [new, active]", "watching: [60051]", 4, "no share's code"),
        ("status: [new, active]", "list: yes, columns: [account]", 4, "cannot be a column of its own"),
        ("status: [new, active]", "status: [new], columns: [share]", 4, "there is none. Write `list: yes`"),
        ("status: [new, active]", "list: yes, columns: [share], once_per: [shares]", 4, "Did you mean 'share'?"),
        ("status: [new, active]", "list: yes, again_after_days: 9", 4, "again_after_days is for queries"),
        ("call: agent", "call: robot", 5, "call cannot be 'robot'"),
        ("[09:30-12:00, 13:30-20:00]", "[07:00-12:00, 13:30-20:00]", 6, "outside the hours that the rules allow"),
        ("[09:30-12:00, 13:30-20:00]", "[09:30-12:00, 11:30-20:00]", 6, "begins before 09:30-12:00 ends"),
        ("[09:30-12:00, 13:30-20:00]", "20:00-09:30", 6, "ends before it begins"),
        ("[09:30-12:00, 13:30-20:00]", "morning", 6, "no time of a day"),
        ("[09:30-12:00, 13:30-20:00], make_up_day: 10:00-12:00", "none", 6, "nobody may ever be called"),
        ("weekdays: [09:30-12:00, 13:30-20:00]", "trading_days: yes", 6, "no hours on weekdays"),
        ("days: 31", "until: 2026-11-31", 6, "no date"),
        ("days: 31", "days: 31, until: 2026-12-31", 6, "when does it end?"),
        (", days: 31", "", 6, "when does it end?"),
        ("days: 31", "begins: 2026-12-31, until: 2026-12-01", 6, "before it begins"),
        ("seats: {skills: {revisit: 1}}\n", "", 1, "which agents?"),
        ("{revisit: 1}", "{revisit: 0}", 7, "whole number from 1"),
        ("day: 2", "day: 4", 8, "from 1 to 3"),
        ("day: 2, week: 4", "day: 3, week: 2", 8, "Each must allow the one before it"),
        ("days: 31", "days: 2", 8, "5 attempts in all cannot be made: 2 days at 2 a day are 4"),
        ("no_answer: 240m", "no_answer: 240", 9, "pause with its unit"),
        ("no_answer: 240m", "no_anwser: 240m", 9, "Did you mean 'no_answer'?"),
        ("days: 31", "days: 4", 9, ""),
        ("after:", "pacing: {mode: power, ratio_percent: 50}\nafter:", 9, "from 100 to 1000"),
        ("after:", "pacing: {ratio_percent: 150}\nafter:", 9, "for mode power"),
        ("after:", "pacing: {ring_at_least: 5s}\nafter:", 9, "between 15s and 60s"),
        ("after:", "pacing: {ring_at_least: 30s, ring_at_most: 20s}\nafter:", 9, "shorter than ring_at_least"),
        ("after:", "pacing: {aim_permille: 50}\nafter:", 9, "from 1 to 30"),
        ("after:", "from: {caller_id: hotline}\nafter:", 9, "no number"),
        ("after:", "exhausted: nobody\nafter:", 9, "exhausted cannot be 'nobody'"),
        ("after:", "colour: blue\nafter:", 9, "unknown field 'colour'"),
    ],
)
def test_every_mistake_has_its_line_and_remedy(old: str, new: str, line: int, message: str) -> None:
    assert old in TEXT
    if not message:
        text = TEXT.replace(old, new).replace("no_answer: 240m", "no_answer: 5760m").replace("in_all: 5", "in_all: 4")
        message = "the campaign is over before the pause is"
    else:
        text = TEXT.replace(old, new)
    found = said(text)
    assert any(one.startswith(f"revisit.yaml:{line}:") and message in one for one in found), found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("purpose: service", "purpose: marketing"), "evidence"),
        (lambda text: text.replace("call: agent", "call: notice"), "an automatic call has no seats"),
        (lambda text: text.replace("call: agent", "call: notice"), "Write `lines: 20`"),
        (
            lambda text: text.replace("call: agent", "call: notice") + "pacing: {mode: power}\n",
            "paces calls with agents",
        ),
        (lambda _: "", "the file is empty"),
        (lambda _: "- a\n", "must be a mapping"),
    ],
)
def test_what_does_not_fit_together(change: Callable[[str], str], message: str) -> None:
    assert any(message in one for one in said(change(TEXT)))


def test_all_problems_at_once() -> None:
    found = said("campaign: revisit\ncolour: blue\n")
    assert len(found) >= 6
    assert found == sorted(found, key=lambda one: int(one.split(":")[1]))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CampaignInvalid, match="cannot be read"):
        campaign_file.read(tmp_path / "revisit.yaml", rules())


@pytest.mark.parametrize(
    ("house", "message"),
    [
        ({"scripts": {}}, "no script 'new_account_revisit'"),
        ({"skills": {}}, "no agent has the skill revisit at level 1"),
        ({"trunks": []}, "no trunk to call out by. Name one in the settings"),
        ({"flows": ["main"]}, "no flow 'revisit'"),
    ],
)
def test_what_the_house_lacks(house: dict[str, object], message: str) -> None:
    full = House(script_file.read_all(), ["revisit"], {"revisit": 3}, ["city"])
    assert check_campaign(campaign(), full) == []
    (problem,) = check_campaign(campaign(), replace(full, **house))  # type: ignore[arg-type]
    assert message in str(problem)


def test_names_that_are_not_there() -> None:
    house = House(script_file.read_all(), trunks=["city"], branches=["SH01"])
    one = campaign(TEXT.replace("after:", "from: {trunk: citi}\nafter:").replace("who: {", "who: {branch: [SH02], "))
    assert [problem.message for problem in check_campaign(one, house)] == [
        "there is no trunk 'citi'.",
        "there is no branch 'SH02'.",
    ]


def test_a_script_that_does_not_fit() -> None:
    house = House(script_file.read_all())
    wants = campaign(TEXT.replace("script: new_account_revisit", "script: closed_transferred"))
    assert "closed_on, which no target brings" in str(check_campaign(wants, house)[0])
    keys = "seats: {skills: {revisit: 1}}\n"
    notice = TEXT.replace("call: agent", "call: notice").replace(keys, "pacing: {lines: 9}\n")
    assert "has no notice" in str(check_campaign(campaign(notice), house)[0])
    asked = notice.replace("call: notice", "call: questionnaire")
    assert "cannot be asked by keys" in str(check_campaign(campaign(asked), house)[0])


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("holiday: 10:00-12:00, days: 5", "no hour is left to call in, from 2026-11-20 to 2026-11-24"),
        ("weekdays: 10:00-12:00, begins: 2026-11-21, until: 2026-11-22", "no hour is left"),
        ("weekdays: 10:00-12:00, until: 2026-11-19", "the campaign ended on 2026-11-19"),
    ],
)
def test_hours_that_never_come(when: str, message: str) -> None:
    old = "weekdays: [09:30-12:00, 13:30-20:00], make_up_day: 10:00-12:00, days: 31"
    text = TEXT.replace(old, when).replace(
        "attempts: {day: 2, week: 4, in_all: 5}", "attempts: {day: 1, week: 1, in_all: 1}"
    )
    text = text.replace("after: {no_answer: 240m, busy: 20m}\n", "")
    found = check_campaign(campaign(text), House(script_file.read_all()), planned_on=FRIDAY, clock=CLOCK)
    assert [message in str(problem) for problem in found] == [True]
