"""The limits of alerts are data that people edit: every mistake is told with its line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.customer import TIERS
from ivr.wallboard.alerts_file import ALERTS_FILE, AlertsInvalid, load, read

GOOD = ALERTS_FILE.read_text("utf-8")


def test_the_file_that_comes_with_goldline_is_right() -> None:
    limits = read()
    assert limits.waits["platinum"] == 20.0
    assert set(limits.waits) == set(TIERS)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("platinum: 20s", "platinum: 20", 4, "platinum must be a duration with its unit"),
        ("  gold: 60s\n", "", 4, "gold is missing"),
        ("gold: 60s", "golden: 60s", 5, "unknown field 'golden'"),
        ("branch_offline: 5s", "branch_offline: -5s", 9, "must be a duration"),
        ("no_skill: 0s", "no_skil: 0s", 11, "unknown field 'no_skil'. Did you mean 'no_skill'?"),
        ("service_level_after: 5 ", "service_level_after: many ", 16, "must be a whole number"),
        ("disagreement: 5s", "disagreement: 2h", 12, "must be a duration"),
        ("asterisk_away: 0s", "asterisk_away: 4000s", 15, "between 0s and 3600s"),
    ],
)
def test_each_mistake_has_its_line(old: str, new: str, line: int, said: str, tmp_path: Path) -> None:
    assert old in GOOD
    file = tmp_path / "alerts.yaml"
    file.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(AlertsInvalid) as wrong:
        read(file)
    assert [said in str(problem) for problem in wrong.value.problems if problem.line == line].count(True) == 1, str(
        wrong.value
    )


def test_a_file_without_limits_of_waits_is_refused() -> None:
    limits, problems = load("branch_offline: 5s\n", "a.yaml")
    assert any("waits is missing. Add `waits:`" in str(problem) for problem in problems)
    assert load("", "a.yaml")[0] is None
    assert limits is not None


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(AlertsInvalid, match="cannot be read"):
        read(Path("nowhere.yaml"))
