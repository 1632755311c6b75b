"""``ivr outbound script``: scripts checked, shown and played in a terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ivr.cli import cli
from ivr.errors import GoldlineError
from outbound.script_file import SCRIPTS


def run(*words: str, keys: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["outbound", "script", *words], input=keys, catch_exceptions=False)
    return result.exit_code, result.output


def test_ours_are_right() -> None:
    code, said = run("check")
    assert (code, said) == (0, "12 scripts right, 0 problems.\n")


def test_a_dead_end_is_told_before_anybody_is_called(tmp_path: Path) -> None:
    file = tmp_path / "dormant.yaml"
    text = (SCRIPTS / "dormant.yaml").read_text("utf-8")
    file.write_text(text.replace("    end: call_back\n", "", 1), "utf-8")
    code, said = run("check", str(file), "--json")
    assert code == 1
    (problem,) = json.loads(said)["problems"]
    assert "dead end" in problem["message"]
    assert text.split("\n")[problem["line"] - 1] == "  other_time:"


def test_bad_dispositions_of_an_installation_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    (tmp_path / "dispositions.yaml").write_text("completed: {zh: 好, en: ok, target: reched}\n", "utf-8")
    monkeypatch.setenv("GOLDLINE_OUTBOUND", str(tmp_path))
    code, said = run("check")
    assert code == 1
    assert "Did you mean 'reached'?" in said


def test_a_script_in_words_and_as_json() -> None:
    _, said = run("show", "rights_issue", "--language", "en")
    assert "deadline: date" in said
    assert "There is a rights issue of {share}" in said
    _, said = run("show", "event_invitation", "--json")
    assert json.loads(said)["values"]["event"] == {"kind": "text", "personal": False}


def test_a_talk_is_played() -> None:
    code, said = run("try", "dormant", keys="maybe\ny\n1\n<\n3\n\n")
    assert code == 0
    assert "neither yes nor no" in said
    assert "已有较长时间没有交易记录" in said
    assert said.rstrip().endswith("=> completed"), said  # back, to be closed, no reason given


def test_a_talk_is_left() -> None:
    assert run("try", "dormant", keys="q\n")[0] == 0


def test_no_such_script() -> None:
    with pytest.raises(GoldlineError, match="Did you mean 'dormant'"):
        run("show", "dormand")
    assert run("try", "dormant", "--value", "x=1")[0] == 64
