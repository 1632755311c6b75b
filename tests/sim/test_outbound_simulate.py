"""``ivr outbound simulate``, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ivr.cli import cli
from outbound.scenario import ScenarioInvalid, shipped

SHORT = '{"title": "short", "hours": [{"seats": 6, "answer": 0.5, "lasts": "20m"}, {"seats": 0, "answer": 0.5}]}'


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.json"
    path.write_text(SHORT, "utf-8")
    return path


def test_a_day_is_told_and_drawn(short: Path, tmp_path: Path) -> None:
    chart = tmp_path / "day.svg"
    typed = [
        "outbound",
        "simulate",
        str(short),
        "--policy",
        "progressive",
        "--policy",
        "adaptive",
        "--plot",
        str(chart),
    ]
    told = CliRunner().invoke(cli, typed)
    assert told.exit_code == 0, told.output
    assert "progressive" in told.output
    assert "adaptive" in told.output
    assert "█" in told.output
    assert "</svg>" in chart.read_text("utf-8")


def test_the_same_seed_is_the_same_day(short: Path) -> None:
    typed = ["outbound", "simulate", str(short), "--policy", "progressive", "--seed", "7", "--json"]
    told = [CliRunner().invoke(cli, typed) for _ in range(2)]
    assert told[0].output == told[1].output
    day = json.loads(told[0].stdout)["policies"]["progressive"]
    assert 0.5 < day["utilisation"] < 1.0
    assert day["hours"][1]["dialled"] == 0  # nobody is logged in


def test_without_a_scenario_those_there_are_are_named(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["outbound", "simulate"])
    assert told.exit_code == 64  # a wrong command line, as every command of the group says it
    assert all(name in told.output for name in shipped())
    listed = CliRunner().invoke(cli, ["outbound", "simulate", "--list", "--json"])
    assert set(json.loads(listed.stdout)) == set(shipped())
    wrong = tmp_path / "wrong.json"
    wrong.write_text(SHORT.replace("0.5", "5", 1), "utf-8")
    refused = CliRunner().invoke(cli, ["outbound", "simulate", str(wrong)])
    assert isinstance(refused.exception, ScenarioInvalid)
    assert f"{wrong}:1: hours, number 1: answer must be a number from 0 to 1" in str(refused.exception)
