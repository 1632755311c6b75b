"""A script as its author meets it: what it may say, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from good_script import GOOD, good, loaded

from outbound import script_file
from outbound.script_file import ScriptInvalid


def test_a_good_script_has_no_problems() -> None:
    script = good()
    assert script.languages == ("zh", "en")
    assert script.start == "opening"
    assert script.steps["content"].ways[0].to == "why"


# What the author changes, the line the message must name, and what it must say.
FAULTS = [
    pytest.param("yes: told, no: wrong", "yes: tolled, no: wrong", 11, "Did you mean 'told'?", id="missing step"),
    pytest.param("    end: completed\n", "", 45, "thanks is a dead end", id="dead end"),
    pytest.param(
        "    go: {1-2: why}\n    next: how\n", "    go: {1-2: why}\n", 18, "3, 4, 5", id="marks without a way"
    ),
    pytest.param("go: {app: amount}\n    next: thanks", "go: {app: amount}", 28, "answer branch", id="option without"),
    pytest.param("go: {0-10: thanks}\n    next: since", "go: {0-10: thanks}", 34, "all others", id="numbers without"),
    pytest.param(
        "    go: {0-10: thanks}\n    next: since", "    next: thanks", 40, "no answer leads here", id="unreach"
    ),
    pytest.param("    go: {1-2: why}\n    next: how", "    next: told", 15, "told -> content -> told", id="loop"),
    pytest.param("您好，请问是{name}吗", "您好，请问是{nam}吗", 7, "Did you mean 'name'?", id="unknown value"),
    pytest.param("您好，请问是{name}吗", "您好，{share}", 7, "may not be the customer", id="personal too soon"),
    pytest.param("    identity: yes\n", "", 14, "identity: yes", id="personal to anybody"),
    pytest.param("end: completed", "end: complete", 45, "Did you mean 'completed'?", id="unknown disposition"),
    pytest.param("end: completed", "end: heard_only", 45, "automatic calls alone", id="not an agent's"),
    pytest.param("script: small", "script: smal", 1, "Give both the same name", id="another name"),
    pytest.param("en: Small}", "fr: Small}", 2, "en is missing", id="language missing"),
    pytest.param("    ask: mark\n", "    ask: marks\n", 20, "Did you mean 'mark'?", id="unknown kind"),
    pytest.param("go: {1-2: why}", "go: {1-7: why}", 21, "outside the answers", id="no such mark"),
    pytest.param("go: {1-2: why}", "go: {1-3: why, 3: how}", 21, "overlap", id="two ways for one"),
    pytest.param("go: {app: amount}", "go: {apps: amount}", 32, "Did you mean 'app'?", id="no such option"),
    pytest.param("    least: 0", "    least: 200", 37, "Turn them round", id="bounds turned round"),
    pytest.param("    most: 100", "    most: many", 38, "is no number", id="bound no number"),
    pytest.param("go: {yes: told, no: wrong}", "next: told", 7, "go another way", id="identity without no"),
    pytest.param("    ask: text\n", "    ask: text\n    asks: x\n", 26, "unknown field 'asks'", id="unknown field"),
    pytest.param("deadline: date}", "deadline: day}", 4, "no kind 'day'", id="unknown value kind"),
    pytest.param("deadline: date}", "deadline: date, x: text}", 1, "nothing says 'x'", id="value never said"),
    pytest.param("deadline: date}", "deadline: date, name: text}", 4, "without being declared", id="built-in"),
    pytest.param("谢谢。", "谢谢}。", 45, "brace has no partner", id="brace"),
    pytest.param(
        "    end: completed", "    end: completed\n    next: how", 48, "the talk is over here", id="end, next"
    ),
    pytest.param(
        "    next: content", "    go: {yes: content}\n    next: content", 17, "nothing is asked", id="go alone"
    ),
    pytest.param("{zh: 营业部, en: branch}", "{zh: 应用, en: branch}", 31, "read alike", id="options alike"),
    pytest.param("start: opening", "start: open", 1, "Did you mean 'opening'?", id="no start"),
    pytest.param("languages: [zh, en]", "languages: [zh, en", 4, "not YAML", id="no YAML"),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), FAULTS)
def test_a_fault_is_named_with_its_line_and_remedy(old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    _, problems = loaded(GOOD.replace(old, new, 1))
    told = "\n".join(str(problem) for problem in problems)
    assert any(says in str(problem) and problem.line == line for problem in problems), told


def test_all_faults_are_told_at_once() -> None:
    _, problems = loaded(GOOD.replace("end: wrong_person", "end: wrong").replace("{share}截止", "{shar}截止"))
    assert len(problems) == 2


BY_KEYS = [
    pytest.param("ask: text\n    required: no", "ask: text", "words cannot be keyed", id="words"),
    pytest.param("most: 100", "most: 9", "refuses further calls", id="nine is an answer"),
    pytest.param("您好，请问是{name}吗", "{agent}，请问是{name}吗", "no agent is on an automatic call", id="agent"),
]


@pytest.mark.parametrize(("old", "new", "says"), BY_KEYS)
def test_what_keys_cannot_answer_is_refused_for_automatic_calls(old: str, new: str, says: str) -> None:
    keyed = GOOD.replace("start: opening", "by_keys: yes\nstart: opening").replace("most: 100", "most: 8")
    keyed = keyed.replace("go: {0-10: thanks}\n    next: since", "go: {0-4: thanks}\n    next: since")
    assert loaded(keyed)[1] == []
    old = old.replace("most: 100", "most: 8")
    _, problems = loaded(keyed.replace(old, new, 1))
    assert any(says in str(problem) for problem in problems), problems


def test_every_file_is_told_of_at_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        text = GOOD.replace("script: small", f"script: {name}").replace("end: completed", "end: nothing")
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    with pytest.raises(ScriptInvalid) as raised:
        script_file.read_all(tmp_path)
    assert len(raised.value.problems) == 2
    assert "one.yaml:45" in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScriptInvalid, match="cannot be read"):
        script_file.read(tmp_path / "none.yaml")


CAMPAIGNS = {
    "new_account_revisit",
    "periodic_revisit",
    "dormant",
    "closed_transferred",
    "complaint_follow_up",
    "lost_customer",
    "satisfaction_survey",
    "allotment_result",
    "rights_issue",
    "warrant_expiry",
    "price_alert",
    "event_invitation",
}


def test_there_is_a_script_for_each_ready_made_campaign() -> None:
    scripts = script_file.read_all()
    assert set(scripts) == CAMPAIGNS
    with_notice = {name for name, script in scripts.items() if script.notice}
    assert with_notice == {"allotment_result", "rights_issue", "warrant_expiry", "price_alert", "event_invitation"}
    assert {name for name, script in scripts.items() if script.by_keys} == {"satisfaction_survey", "event_invitation"}


def test_every_word_of_the_ready_made_scripts_is_there_in_both_languages() -> None:
    for script in script_file.read_all().values():
        assert script.languages == ("zh", "en")
        for step in script.steps.values():
            for words in (step.say, *(step.question.options.values() if step.question else ())):
                assert any("一" <= each <= "鿿" for each in words["zh"]), (script.name, step.name)
                assert words["en"].isascii(), (script.name, step.name)
