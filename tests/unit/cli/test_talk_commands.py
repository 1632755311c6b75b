"""``ivr talk`` and ``ivr supervise``: what is asked of the controller, and what is told when it is not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from ivr.cli import cli

Asked = list[tuple[str, str, Mapping[str, Any] | None]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the controller is asked; it does everything."""
    found: Asked = []

    def done(method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        found.append((method, path, body))
        return {"to": "there", "position": 1, "stage": "held", "seat": "S1", "call": "1.2", "asked": ""}

    monkeypatch.setattr("ivr.cli.talks.done", done)
    monkeypatch.setattr("ivr.cli.supervision.done", done)
    return found


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == code, result.output
    return result.output


def test_what_an_agent_does(asked: Asked) -> None:
    assert "on hold" in run("talk", "hold", "801")
    run("talk", "transfer", "801", "--to", "802")
    run("talk", "transfer", "801", "--skill", "licensed:3")
    run("talk", "consult", "801", "--number", "02155501234")
    run("talk", "consult", "801", "--branch", "SH01")
    assert json.loads(run("talk", "show", "801", "--json"))["stage"] == "held"
    assert asked == [
        ("POST", "/talks/801/hold", {}),
        ("POST", "/talks/801/transfer", {"agent": "802"}),
        ("POST", "/talks/801/transfer", {"skill": "licensed", "level": 3}),
        ("POST", "/talks/801/consult", {"number": "02155501234"}),
        ("POST", "/talks/801/consult", {"branch": "SH01"}),
        ("GET", "/talks/801", None),
    ]


def test_a_target_is_one(asked: Asked) -> None:
    assert "Say one of" in run("talk", "transfer", "801", code=2)
    assert "Say one of" in run("talk", "transfer", "801", "--to", "802", "--branch", "SH01", code=2)
    assert "licensed:3" in run("talk", "transfer", "801", "--skill", "licensed:many", code=2)
    assert not asked


def test_what_a_supervisor_does(asked: Asked) -> None:
    run("supervise", "take-over", "801", "--at", "S9", "--actor", "chen")
    assert "number 1" in run("supervise", "up", "1.2", "--actor", "chen")
    assert asked == [
        ("POST", "/talks/801/take-over", {"at": "S9", "actor": "chen"}),
        ("POST", "/queue/1.2/up", {"actor": "chen"}),
    ]


@pytest.mark.parametrize("group", ["talk", "supervise"])
def test_help_shows_examples(group: str) -> None:
    for line in run(group, "--help").partition("Commands:")[2].splitlines():
        if line.strip():
            assert "  ivr " in run(group, line.split()[0], "--help")
