"""The rules of talks as data: what comes with Goldline, and every problem with its line."""

from __future__ import annotations

from agent_routing import talk_rules

GOOD = 'outside: [senior]\ntransferred: place\nring: 20s\nskills: {"1": licensed:3}\n'


def problems(text: str) -> list[str]:
    return [str(one) for one in talk_rules.load(text, "talk_rules.yaml")[1]]


def test_what_comes_with_goldline_is_right() -> None:
    rules = talk_rules.read()
    assert rules.front
    assert "agent" not in rules.outside


def test_a_good_file() -> None:
    rules, wrong = talk_rules.load(GOOD, "x")
    assert not wrong
    assert rules == talk_rules.TalkRules(frozenset(("senior",)), False, 20, {"1": ("licensed", 3)})


def test_every_problem_has_its_line() -> None:
    wrong = problems('outside: [boss]\ntransferred: back\nring: 1s\nskills: {"100": a:3, "2": orders}\nother: 1\n')
    assert len(wrong) == 6
    for text, line in (("boss", 1), ("back", 2), ("ring", 3), ("'100'", 4), ("orders", 4), ("other", 5)):
        assert any(text in one and f":{line}" in one for one in wrong), (text, wrong)
