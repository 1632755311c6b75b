"""Scenario files: what is wrong in one is told with its line and a remedy, and the shipped ones can be played."""

from __future__ import annotations

from pathlib import Path

import pytest

from outbound.policies import PolicyUnknown, policy
from outbound.scenario import SCENARIOS, ScenarioInvalid, load, read, shipped


@pytest.mark.parametrize("name", shipped())
def test_shipped_scenarios_can_be_played(name: str) -> None:
    scenario = read(SCENARIOS / f"{name}.json")
    assert scenario.title
    assert 3600.0 <= scenario.world.seconds <= 24 * 3600.0


def test_at_least_three_are_shipped() -> None:
    assert len(shipped()) >= 3


def test_every_problem_is_told_with_its_line_and_a_remedy() -> None:
    text = '{\n "polcy": "fast",\n "hours": [\n  {"seats": 2000, "answer": 0.4},\n  {"seats": 3, "answer": 1.5}\n ],\n'
    text += ' "dial": {"setup": [3, 1]}\n}'
    _, problems = load(text, "day.json")
    told = "\n".join(str(problem) for problem in problems)
    assert "day.json:2: unknown field 'polcy'. Did you mean 'policy'?" in told
    assert "day.json:4: hours, number 1: seats must be a whole number from 0 to 500, not '2000'." in told
    assert "day.json:5: hours, number 2: answer must be a number from 0 to 1, not '1.5'." in told
    assert "day.json:7: dial: setup must be two times" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is not JSON"),
        ("", "the file is empty"),
        ("[]", "must be a mapping"),
        ("{}", "hours is missing"),
        ('{"hours": []}', "nothing happens"),
        ('{"hours": [{"seats": 0, "answer": 0.4}]}', "no seats in any of them"),
        ('{"hours": [{"seats": 5, "answer": 0.8}], "machines": {"share": 0.4}}', "more than every dial"),
        ('{"hours": [{"seats": 5, "answer": 0.8, "talk": 90}]}', "must be a duration with its unit"),
        ('{"hours": [7]}', "number 1 is not a table"),
        (
            '{"hours": [{"seats": 5, "answer": 0.8, "lasts": "1440m"}, {"seats": 5, "answer": 0.8}]}',
            "more than 24 hours",
        ),
    ],
)
def test_a_bad_scenario_is_refused(text: str, message: str) -> None:
    _, problems = load(text, "day.json")
    assert message in "\n".join(str(problem) for problem in problems)


def test_an_unknown_scenario_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="revisit"):
        read(Path("revisits"))
    with pytest.raises(ScenarioInvalid, match="cannot be read"):
        read(tmp_path / "nowhere.json")


@pytest.mark.parametrize("name", ["fast", "power:0", "power:x", "progressive:2"])
def test_an_unknown_policy_is_refused(name: str) -> None:
    with pytest.raises(PolicyUnknown, match=r"Choose from|As power"):
        policy(name)
