"""What automatic calls say, ask and keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ivr.flow.service import Caller, Result, Service
from ivr.outreach.in_memory import NoOutreach, OutreachInMemory
from ivr.outreach.matter import Matter
from ivr.outreach.services import outreach_services
from ivr.speech.values import Code, Text, Value
from outbound import script_file
from outbound.script_file import SCRIPTS

CALLER = Caller("attempt-7")
VALUES: dict[str, Any] = {
    "name": "王伟",
    "brokerage": "金线证券",
    "branch": "浦东营业部",
    "hotline": "95500",
    "share": "贵州茅台",
    "quantity": "500",
    "amount": "8650",
    "deadline": "2026-11-23",
    "event": "投资者教育讲座",
    "day": "2026-12-05",
    "at": "14:00",
    "where": "浦东营业部三楼",
}


def about(script: str, account: str = "900000000001") -> Matter:
    return Matter(script_file.read(SCRIPTS / f"{script}.yaml"), {"zh": "王伟", "en": "Wang Wei"}, account, VALUES)


class Line:
    """One call and its services."""

    def __init__(self, matter: Matter | None) -> None:
        self.kept = OutreachInMemory(lambda: matter) if matter else NoOutreach()  # type: ignore[arg-type, return-value]
        self.services: Mapping[str, Service] = {one.name: one for one in outreach_services(self.kept)}

    async def ask(self, name: str, **inputs: str) -> Result:
        values: dict[str, Value] = {key: Code(digits) for key, digits in inputs.items()}
        service = self.services[f"outbound.{name}"]
        result = await service.within_deadline(CALLER, values)
        assert {key: value.kind for key, value in result.values.items()} == dict(service.exits[result.exit])
        return result

    @property
    def settled(self) -> list[str]:
        assert isinstance(self.kept, OutreachInMemory)
        return self.kept.settled


def text_of(result: Result, name: str) -> str:
    value = result.values[name]
    assert isinstance(value, Text)
    return value.by_language["zh"]


async def test_a_personal_notice_is_said_only_to_who_knows_the_account() -> None:
    line = Line(about("allotment_result"))
    assert (await line.ask("notice")).exit == "personal"
    assert (await line.ask("identify", digits="0002")).exit == "wrong"
    assert line.settled == ["not_identified"]
    right = await line.ask("identify", digits="0001")
    assert "中签500股，应缴款8650元。请于2026年11月23日" in text_of(right, "notice")
    await line.ask("acknowledge")
    assert line.settled == ["not_identified", "heard_only", "acknowledged"]


async def test_an_invitation_is_said_to_whoever_answers() -> None:
    line = Line(about("event_invitation"))
    assert "诚邀您参加投资者教育讲座" in text_of(await line.ask("notice"), "notice")
    assert line.settled == ["heard_only"]


async def test_nine_refuses_wherever_digits_are_asked() -> None:
    line = Line(about("allotment_result"))
    assert (await line.ask("identify", digits="9")).exit == "refuses"
    survey = Line(about("satisfaction_survey"))
    assert (await survey.ask("answer", keys="9")).exit == "refuses"
    await survey.ask("refuse_calls")
    assert survey.settled == ["number_refuses"]


@pytest.mark.parametrize("account", ["", "12", "90000000ABCD"])
async def test_who_cannot_be_asked_for_an_account_hears_nothing_personal(account: str) -> None:
    line = Line(about("allotment_result", account))
    assert (await line.ask("notice")).exit == "nothing"
    assert (await line.ask("identify", digits=account or "0000")).exit == "nothing"
    assert line.settled == ["not_told"], "people see to it: another call would say no more"


async def test_a_target_without_its_values_hears_nothing() -> None:
    matter = about("event_invitation")
    line = Line(replace(matter, values={key: value for key, value in VALUES.items() if key != "where"}))
    assert (await line.ask("notice")).exit == "nothing"
    assert (await line.ask("next_question")).exit == "nothing"
    assert line.settled == ["not_told", "not_told"]


async def test_a_call_that_is_none_of_a_campaign() -> None:
    line = Line(None)
    assert (await line.ask("notice")).exit == "nothing"
    assert (await line.ask("next_question")).exit == "nothing"
    assert (await line.ask("answer", keys="1")).exit == "nothing"
    assert (await line.ask("after_talk")).exit == "no"


async def test_a_script_that_is_not_for_keys_is_not_asked() -> None:
    assert (await Line(about("dormant")).ask("next_question")).exit == "nothing"


async def test_question_after_question_and_every_answer_is_kept_at_once() -> None:
    line = Line(about("satisfaction_survey"))
    assert isinstance(line.kept, OutreachInMemory)
    asked = []
    for keys in ("1", "4", "0", "5", "3", "2"):
        question = await line.ask("next_question")
        asked.append(question.exit)
        assert (await line.ask("answer", keys=keys)).exit == "kept"
    done = await line.ask("next_question")
    assert asked == ["yes_no", "mark", "mark", "mark", "choice", "yes_no"]
    assert done.exit == "done"
    assert "感谢您的参与" in text_of(done, "question")
    assert line.kept.given == {
        "opening": "yes",
        "service": "4",
        "hotline": "",
        "trading": "5",
        "best": "software",
        "recommend": "no",
        "improve": "",  # takes words, and may be left out
    }
    assert line.settled == ["partly", "completed"]


async def test_a_wrong_key_is_told_and_nothing_is_kept() -> None:
    line = Line(about("satisfaction_survey"))
    assert isinstance(line.kept, OutreachInMemory)
    for keys in ("0", "3", "#", "*", "11"):
        assert (await line.ask("answer", keys=keys)).exit == "wrong"
    assert line.kept.given == {}


async def test_who_will_not_be_asked_now_ends_as_the_script_says() -> None:
    line = Line(about("satisfaction_survey"))
    await line.ask("next_question")
    await line.ask("answer", keys="2")
    assert (await line.ask("next_question")).exit == "done"
    assert line.settled == ["partly", "no_time"]


async def test_a_number_by_keys() -> None:
    line = Line(about("event_invitation"))
    await line.ask("answer", keys="1")
    question = await line.ask("next_question")
    assert question.exit == "number"
    assert (await line.ask("answer", keys="12")).exit == "wrong"  # at most 8
    assert (await line.ask("answer", keys="3")).exit == "kept"
