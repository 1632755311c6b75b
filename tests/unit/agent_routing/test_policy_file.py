"""What a supervisor is told about a policy file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_routing.policy_file import POLICY_FILE, PolicyInvalid, load, read

GOOD = POLICY_FILE.read_text("utf-8")


def told(change: str, by: str) -> list[str]:
    assert change in GOOD
    policy, problems = load(GOOD.replace(change, by, 1), "policy.yaml")
    assert policy is None
    return [str(problem) for problem in problems]


def line_of(words: str) -> int:
    return next(number for number, line in enumerate(GOOD.splitlines(), 1) if words in line)


def test_the_policy_that_comes_with_goldline_is_right() -> None:
    policy = read()
    assert [ring.name for ring in policy.rings] == ["own manager", "own branch", "any branch", "head office", "anyone"]
    assert policy.tiers["platinum"].strict
    assert policy.tiers["gold"].target.share == 0.9
    assert policy.rings[2].after["gold"] == 3.0
    assert policy.lending[0].at == 0.7


@pytest.mark.parametrize(
    ("change", "by", "said"),
    [
        ("order: proportional", "order: proportionel", "Did you mean 'proportional'?"),
        ("strict: yes  ", "strict: no\n    longest_wat: 3s", "unknown field 'longest_wat'"),
        ("hold: 20s", "hold: 120s", "hold must be shorter than longest_wait"),
        ("reserve: 2", "reserve: 0", "less than the 1 that a tier above must leave"),
        ("reaches: everywhere", "reaches: head_office", "no wider than head_office"),
        ("name: anyone", "name: any branch", "stands twice"),
        ("normal: 10s}", "normal: 400s}", "by then every ring is open"),
        ("normal: 10s}", "normal: 1s}", "opens before the one above"),
        ("normal: 10s}", "normal: ten}", "'ten' is no duration"),
        ("normal: 10s}", "bronze: 10s}", "there is no tier 'bronze'"),
        ("lender: outbound, to: [silver]", "lender: inbound, to: [silver]", "serves every caller anyhow"),
        ("lender: outbound, to: [silver]", "lender: outbound, to: [gold]", "lends to gold by another rule already"),
        ("speaks: any,", "speaks: all,", "speaks cannot be 'all'"),
        ("lease: 25s", "lease: 0s", "lease must be between 1s and 120s"),
    ],
)
def test_each_slip_is_told_with_its_remedy(change: str, by: str, said: str) -> None:
    assert any(said in one for one in told(change, by)), told(change, by)


def test_a_problem_names_its_line() -> None:
    found = told("scale: 33s", "scale: 33")
    assert any(one.startswith(f"policy.yaml:{line_of('scale: 33s')}: ") for one in found), found


def test_a_missing_tier_is_told() -> None:
    text = GOOD[: GOOD.index("  normal:\n")] + GOOD[GOOD.index("# Which seats may answer") :]
    policy, problems = load(text, "policy.yaml")
    assert policy is None
    assert any("normal is missing" in str(problem) for problem in problems)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "rings: {a: b}\n", "tiers: [a]\nrings: [a]\n", "rings:\n"])
def test_no_text_is_too_wrong_to_be_told_about(text: str) -> None:
    policy, problems = load(text, "policy.yaml")
    assert policy is None
    assert problems


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="cannot be read"):
        read(tmp_path / "none.yaml")
