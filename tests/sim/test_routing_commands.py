"""``ivr routing`` and ``ivr simulate``, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from agent_routing.policy_file import POLICY_FILE
from ivr.cli import cli


def test_a_day_is_compared_told_and_drawn(tmp_path: Path) -> None:
    chart = tmp_path / "day.svg"
    typed = ["simulate", "--days", "1", "--calls", "400", "--seats", "12", "--plot", str(chart), "--json"]
    told = CliRunner().invoke(cli, typed)
    assert told.exit_code == 0, told.output
    rows = json.loads(told.stdout)["rows"]
    assert len({row["rule"] for row in rows}) == 3
    offered = {(row["tier"], row["offered"]) for row in rows}
    assert len(offered) == 4, "each rule is given the same callers"
    assert "</svg>" in chart.read_text("utf-8")


def test_a_wrong_policy_is_told_with_its_line(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["routing", "check"]).exit_code == 0
    wrong = tmp_path / "policy.yaml"
    wrong.write_text(POLICY_FILE.read_text("utf-8").replace("scale: 12s", "scale: twelve"), "utf-8")
    told = CliRunner().invoke(cli, ["routing", "check", "--policy", str(wrong)])
    assert told.exit_code == 1
    assert "scale must be a duration" in told.output
    assert f"{wrong}:" in told.output


def test_the_policy_is_shown_tier_by_tier() -> None:
    told = CliRunner().invoke(cli, ["routing", "show"])
    assert told.exit_code == 0
    assert "own branch" in told.output
    assert "platinum" in told.output
