"""The values of a target, as a script says them."""

from __future__ import annotations

from typing import Any

import pytest
from good_script import good

from outbound.script_values import BadValue, faults_of, filled, filled_where_known, written

DATA: dict[str, Any] = {"share": {"zh": "贵州茅台", "en": "Kweichow Moutai"}, "deadline": "2026-12-01"}


def test_a_text_is_filled_as_each_language_writes_it() -> None:
    told = good().steps["told"].say
    assert filled(told["zh"], good(), DATA, "zh") == "贵州茅台截止2026年12月1日。"
    assert filled(told["en"], good(), DATA, "en") == "Kweichow Moutai until 1 December 2026."


def test_an_agent_sees_what_is_missing() -> None:
    told = good().steps["told"].say["zh"]
    assert filled_where_known(told, good(), {"deadline": "2026-12-01"}, "zh") == "{share}截止2026年12月1日。"


def test_one_text_for_all_languages() -> None:
    assert filled("{share}", good(), {"share": "600519"}, "en") == "600519"


def test_what_a_target_lacks_is_told_before_anybody_is_called() -> None:
    assert faults_of(good(), DATA) == []
    faults = faults_of(good(), {"deadline": "tomorrow"})
    assert len(faults) == 2
    assert "share" in faults[0]
    assert "deadline" in faults[1]
    assert "tomorrow" not in faults[1], "a customer's data stands in no message"


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("date", "2026-13-01"),
        ("time", "25:00"),
        ("number", "ten"),
        ("code", "a b"),
        ("text", ""),
        ("text", "x" * 201),
        ("text", "a\nb"),
        ("text", "{name}"),
        ("text", None),
        ("text", True),
        ("text", ["a"]),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(kind: Any, raw: Any) -> None:
    with pytest.raises(BadValue):
        written("x", kind, raw, "zh")


@pytest.mark.parametrize(
    ("kind", "raw", "zh"), [("time", "15:00", "15:00"), ("number", 500, "500"), ("code", "600519", "600519")]
)
def test_other_kinds(kind: Any, raw: Any, zh: str) -> None:
    assert written("x", kind, raw, "zh") == zh
