"""Whom a request, or keys, mean."""

from __future__ import annotations

from typing import Any

import pytest

from agent_routing.talk_rules import TalkRules
from db.phone_numbers import BadNumber
from ivr.queueing.target import BadTarget, Target, ToAgent, ToBranch, ToNumber, ToSkill, keyed, told

RULES = TalkRules(frozenset(), front=True, ring=25, skills={"1": ("licensed", 3)})


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"agent": "802"}, ToAgent("802")),
        ({"skill": "licensed", "level": 3}, ToSkill("licensed", 3)),
        ({"skill": "licensed"}, ToSkill("licensed", 1)),
        ({"branch": "SH01"}, ToBranch("SH01")),
        ({"number": "021-5550 1234"}, ToNumber("+862155501234")),
    ],
)
def test_a_request_names_one_target(body: dict[str, Any], target: Target) -> None:
    assert told(body) == target


@pytest.mark.parametrize("body", [{}, {"agent": ""}, {"agent": "802", "branch": "SH01"}])
def test_none_or_two_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadTarget, match="Say one"):
        told(body)


@pytest.mark.parametrize("level", [0, 6, "3", None, 2.5])
def test_a_level_is_from_one_to_five(level: Any) -> None:
    with pytest.raises(BadTarget, match="no level"):
        told({"skill": "licensed", "level": level})


@pytest.mark.parametrize("number", ["12", "PJSIP/evil", "021;rm", "+86\r\n13800138000x"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(BadNumber):
        told({"number": number})


@pytest.mark.parametrize(
    ("keys", "target"),
    [
        ("1", ToSkill("licensed", 3)),
        ("802", ToAgent("802")),
        ("80212345", ToAgent("80212345")),
        ("02155501234", ToNumber("+862155501234")),
        ("13800138000", ToNumber("+8613800138000")),
    ],
)
def test_keys_by_their_number(keys: str, target: Target) -> None:
    assert keyed(keys, RULES) == target


@pytest.mark.parametrize("keys", ["", "9", "012", "999999999"])
def test_keys_that_mean_nobody(keys: str) -> None:
    with pytest.raises(BadTarget):
        keyed(keys, RULES)
