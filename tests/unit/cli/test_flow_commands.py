"""``ivr check``, ``graph`` and ``try`` as an editor uses them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr import config
from ivr.cli import cli
from ivr.config import CHECKOUT
from ivr.errors import GoldlineError


@pytest.fixture
def dialplans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of our flows, which ``ivr`` takes for its own."""
    copy = tmp_path / "dialplans"
    shutil.copytree(CHECKOUT / "dialplans", copy)
    monkeypatch.setenv("GOLDLINE_DIALPLANS", str(copy))
    assert config.load().dialplans == copy
    return copy


def ivr(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, words, input=typed)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def test_good_flows_pass(dialplans: Path) -> None:
    result = ivr("check", "--test")
    assert result.exit_code == 0, result.output
    assert "0 problems" in result.output


def test_a_fault_is_printed_with_file_line_and_remedy_and_fails(dialplans: Path) -> None:
    edit(dialplans / "main.yaml", "next: source", "next: sorce")
    result = ivr("check")
    assert result.exit_code == 1
    line = (dialplans / "main.yaml").read_text().splitlines().index("    next: sorce") + 1
    assert f"dialplans/main.yaml:{line - 3}: " in result.output or f"dialplans/main.yaml:{line}: " in result.output
    assert "Did you mean 'source'?" in result.output


def test_a_flow_that_does_something_else_fails_its_test_with_the_tests_line(dialplans: Path) -> None:
    edit(
        dialplans / "main.yaml",
        "exits: {live: menu, demonstration: demonstration}",
        "exits: {live: demonstration, demonstration: menu}",
    )
    result = ivr("check", "--test")
    assert result.exit_code == 1
    assert "main.test.yaml:" in result.output
    assert "`hear demonstration_data`" in result.output


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- hear: greeting", "- here: greeting", "this is no step"),
        ('press: "600519#"', 'press: "six"', "not a key"),
        ("{quotes.look_up: suspended}", "{quotes.look_up: suspendid}", "Did you mean 'suspended'?"),
        ("{quotes.look_up: suspended}", "{quotes.lookup: suspended}", "there is no service 'quotes.lookup'"),
        ("ends: hotline", "ends: hotlin", "Did you mean 'hotline'?"),
    ],
)
def test_a_faulty_test_is_told(dialplans: Path, old: str, new: str, says: str) -> None:
    edit(dialplans / "main.test.yaml", old, new)
    result = ivr("check", "--test")
    assert result.exit_code == 1
    assert says in result.output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("say: quote_share, barge_in: pressed, next: after_share", "say: quote_share, barge_in: pressed, next: sorry"),
        ("wrong: code_wrong_length", "wrong: wrong_key"),
        ('"8": other_language', '"8": code'),
        ("on_cancel: menu", "on_cancel: goodbye"),
        ("say: [quote_old, quote_share]", "say: quote_share"),
        ("{type: hangup, say: give_up}", "{type: hangup, say: goodbye}"),
    ],
)
def test_the_tests_beside_the_flow_notice_a_change_a_caller_would_notice(dialplans: Path, old: str, new: str) -> None:
    edit(dialplans / "main.yaml", old, new)
    result = ivr("check", "--test")
    assert result.exit_code == 1, f"no test noticed: {old} -> {new}"


def test_json_for_machines(dialplans: Path) -> None:
    edit(dialplans / "main.yaml", "next: source", "next: sorce")
    result = json.loads(ivr("check", "--json").output)
    assert "main" not in result["flows"]
    assert "main.yaml" in result["problems"][0]


def test_a_flow_is_played_with_typed_keys(dialplans: Path) -> None:
    result = ivr("try", "main", typed="1\n600519#\n\nx\n")
    assert result.exit_code == 0, result.output
    assert "欢迎致电金线证券服务热线" in result.output
    assert "贵州茅台，代码六零零五幺九" in result.output
    assert "no_key" in result.output, "an empty line is silence"
    assert "no such key: x" in result.output
    assert "you hung up" in result.output


def test_a_flow_is_played_with_keys_given(dialplans: Path) -> None:
    result = ivr("try", "--language", "en", "--keys", "1 600519#")
    assert "Kweichow Moutai, code six zero zero five one nine" in result.output


def test_a_flow_is_drawn(dialplans: Path, tmp_path: Path) -> None:
    picture = tmp_path / "main.svg"
    result = ivr("graph", "main", "-o", str(picture))
    assert result.exit_code == 0, result.output
    svg = picture.read_text("utf-8")
    assert svg.count('class="node"') >= 29
    assert "enter_code" in svg


def test_dot_text_has_every_way(dialplans: Path) -> None:
    text = ivr("graph", "main", "--dot").output
    assert '"n_menu" -> "n_code" [label="1", style=solid];' in text


def test_an_unknown_flow_is_named_with_what_there_is(dialplans: Path) -> None:
    for command in (("graph", "mian"), ("try", "mian")):
        result = ivr(*command)
        assert isinstance(result.exception, GoldlineError)
        assert "Did you mean 'main'?" in str(result.exception)


def test_help_shows_examples() -> None:
    for name in ("check", "graph", "try", "dial", "calls", "run"):
        assert f"ivr {name}" in ivr(name, "--help").output
