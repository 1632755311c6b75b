"""A flow that cannot work is refused before it takes a call: with file, line, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from good_flow import GOOD


def test_a_good_flow_has_no_problems(check: Callable[..., Any]) -> None:
    flow, problems = check(GOOD)
    assert problems == []
    assert flow.languages == ("zh", "en")
    assert set(flow.assigned["about"]) == {"code", "who"}


# What the author changes, the line the message must name, and what it must say.
FAULTS = [
    pytest.param("next: menu}\n      menu", "next: menuu}\n      menu", 7, "Did you mean 'menu'?", id="missing target"),
    pytest.param("say: hello, next", "say: helo, next", 7, "Did you mean 'hello'?", id="missing prompt"),
    pytest.param("type: say, say: hello", "type: sey, say: hello", 7, "Did you mean 'say'?", id="unknown type"),
    pytest.param(
        "next: menu}\n      menu", "nxt: menu, next: menu}\n      menu", 7, "Did you mean 'next'?", id="unknown field"
    ),
    pytest.param("languages: [zh, en]", "languages: [zh, fr]", 1, "no prompts in 'fr'", id="unknown language"),
    pytest.param(
        "languages: [zh, en]", "languages: [zh]", 12, "does not speak 'en'", id="goto in a language not spoken"
    ),
    pytest.param("start: hello", "start: hallo", 1, "Did you mean 'hello'?", id="missing start"),
    pytest.param("    start: hello\n", "", 1, "start is missing", id="no start"),
    pytest.param('"1": code', '"x": code', 11, "'x' is not a key", id="not a key"),
    pytest.param('"1": code, "2"', '"1": code, "1"', 11, "stands twice", id="key twice"),
    pytest.param("min: 4, max: 4", "min: 5, max: 4", 16, "from 1 to 4", id="min over max"),
    pytest.param("min: 4, max: 4", "min: 4, max: many", 16, "whole number", id="not a number"),
    pytest.param("on_cancel: menu", "on_give_up: bye", 16, "on_cancel", id="cancel without a way"),
    pytest.param("save: code", "save: Code", 17, "is no name", id="bad name"),
    pytest.param("save: code\n", "save: code\n        secret: yes\n", 27, "'code', which is secret", id="secret said"),
    pytest.param("call: people.find", "call: people.fnd", 21, "Did you mean 'people.find'?", id="unknown service"),
    pytest.param("with: {code: code}", "with: {cod: code}", 21, "wants 'code'", id="service input missing"),
    pytest.param(
        "exits: {found: about, nobody: menu}",
        "exits: {found: about}",
        21,
        "may end with 'nobody'",
        id="exit not led on",
    ),
    pytest.param(
        "nobody: menu}", "nobody: menu, other: menu}", 25, "has no exit 'other'", id="exit that does not exist"
    ),
    pytest.param(
        "found: about, nobody: menu", "found: about, nobody: about", 26, "may not be there yet", id="value not sure"
    ),
    pytest.param("    on_error: bye\n", "", 20, "on_error", id="no way for errors"),
    pytest.param("    on_give_up: bye\n", "", 7, "on_give_up", id="no way for giving up"),
    pytest.param("found: about, nobody: menu", "found: menu, nobody: menu", 26, "no way leads here", id="unreachable"),
    pytest.param("type: hangup, say: bye", "type: goto, to: hello", 7, "menu -> bye -> hello", id="endless loop"),
    pytest.param("to: menu, language", "to: other/, language", 12, "no flow 'other'", id="missing flow"),
    pytest.param("    nodes:", "    nodes: 3\n    nodez:", 6, "must be a mapping", id="nodes no mapping"),
    pytest.param("say: menu\n", "say: menu\n        timeout: soon\n", 11, "duration", id="no duration"),
    pytest.param("say: menu\n", "say: menu\n        timeout: 5\n", 11, "For example 5s", id="duration without unit"),
    pytest.param(
        "say: about, next", "say: about, with: {wo: code}, next", 26, "no prompt here has a {wo}", id="binds nothing"
    ),
    pytest.param("say: about, next", "say: about, with: {who: code}, next", 26, "wants a name", id="wrong kind"),
    pytest.param('"*": menu}', "*: menu}", 11, "must stand in quotes", id="star without quotes"),
    pytest.param("languages: [zh, en]", "languages: [zh, en\n", 4, "not YAML", id="not YAML"),
    pytest.param("say: hello", "say: !!python/object hello", 7, "tag", id="tag"),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), FAULTS)
def test_a_fault_is_named_with_its_line_and_remedy(
    check: Callable[..., Any], old: str, new: str, line: int, says: str
) -> None:
    assert old in GOOD
    _, problems = check(GOOD.replace(old, new, 1))
    told = "\n".join(str(problem) for problem in problems)
    assert any(says in str(problem) and problem.line == line for problem in problems), told


def test_all_problems_are_told_at_once(check: Callable[..., Any]) -> None:
    text = GOOD.replace("type: say, say: hello", "type: sey, say: hello").replace("min: 4, max: 4", "min: 5, max: 4")
    _, problems = check(text)
    assert len({problem.line for problem in problems}) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "- a list", "just words", "flow: main", "a: &x [*x]", "\x00", "?" * 40])
def test_no_text_makes_the_reader_fall_over(check: Callable[..., Any], text: str) -> None:
    _, problems = check(text)
    assert problems
    assert all(problem.line >= 1 and problem.message for problem in problems)


def test_a_condition_with_a_name_that_cannot_be_there_is_refused(check: Callable[..., Any]) -> None:
    choose = """\
      english:
        type: choose
        when: [{if: "langage == 'zh'", go: menu}]
        else: menu
"""
    _, problems = check(GOOD.replace("      english: {type: goto, to: menu, language: en}\n", choose))
    assert [problem.line for problem in problems] == [14]
    assert "Did you mean 'language'?" in str(problems[0])


def test_a_condition_that_is_no_expression_is_refused(check: Callable[..., Any]) -> None:
    choose = """\
      english:
        type: choose
        when: [{if: "language ==", go: menu}]
        else: menu
"""
    _, problems = check(GOOD.replace("      english: {type: goto, to: menu, language: en}\n", choose))
    assert any("cannot be read" in str(problem) and problem.line == 14 for problem in problems)
