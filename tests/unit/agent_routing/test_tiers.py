"""Tiers by rules: what a customer and an auditor would notice, and what holds for every customer."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_routing.tier_rules import RULES_FILE, TierRulesInvalid, load, read
from agent_routing.tiers import TierRule, TierRules, at_least, decide, reached
from db.customer import TIERS, Tier
from db.tier_changes import TierFigures, TierOverride, TierStanding

RULES = read()
TODAY = datetime.date(2026, 11, 20)
DAY = datetime.timedelta(days=1)
A_MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

tiers = st.sampled_from(TIERS)
amounts = st.none() | st.decimals(0, 20_000_000, places=2)
figures = st.builds(TierFigures, amounts, amounts, st.none() | st.integers(0, 200_000))
days = st.dates(datetime.date(2026, 1, 1), datetime.date(2027, 12, 31))


@st.composite
def standings(draw: st.DrawFn) -> TierStanding:
    tier = draw(tiers)
    lower = [other for other in TIERS if other != tier and at_least(tier, other)]
    if not lower or draw(st.booleans()):
        return TierStanding(tier)
    return TierStanding(tier, draw(days), draw(st.sampled_from(lower)))


overrides = st.none() | st.builds(
    TierOverride,
    tiers,
    days,
    st.just("why"),
    st.just("boss"),
    st.just(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
)
rule_sets = st.builds(TierRules, st.just(RULES.rules), st.integers(0, 60))


def assets(amount: int) -> TierFigures:
    return TierFigures(Decimal(amount))


@pytest.mark.parametrize(
    ("have", "tier"),
    [
        (TierFigures(Decimal("5000000")), "platinum"),
        (TierFigures(Decimal("4999999.99")), "gold"),
        (TierFigures(None, Decimal(50_000)), "platinum"),
        (TierFigures(None, None, 20_000), "gold"),
        (TierFigures(Decimal("199999.99"), Decimal("1999.99"), 19_999), "silver"),
        (TierFigures(Decimal(50_000), None, 5_000), "silver"),
        (TierFigures(Decimal(50_000), None, 4_999), "normal"),
        (TierFigures(Decimal(49_999), None, 5_000), "normal"),
        (TierFigures(Decimal(0)), "normal"),
    ],
)
def test_the_rules_that_come_with_it(have: TierFigures, tier: Tier) -> None:
    assert reached(have, RULES)[0] == tier


def test_the_reason_names_figure_and_threshold() -> None:
    why = decide(assets(1_250_000), TierStanding("normal"), None, RULES, TODAY).why
    assert why == "1,250,000 yuan of assets reach gold (1,000,000)"
    why = decide(TierFigures(Decimal(60_000), None, 7_000), TierStanding("normal"), None, RULES, TODAY).why
    assert why == "60,000 yuan of assets reach silver (50,000) and 7,000 points reach silver (5,000)"


def test_a_customer_rises_at_once_and_falls_after_the_grace() -> None:
    standing = decide(assets(6_000_000), TierStanding("normal"), None, RULES, TODAY).standing
    assert standing == TierStanding("platinum")
    day = TODAY
    for _ in range(RULES.grace_days):
        decision = decide(assets(300_000), standing, None, RULES, day)
        assert decision.tier == "platinum", day
        assert "kept until 2026-12-20" in decision.why
        standing, day = decision.standing, day + DAY
    assert decide(assets(300_000), standing, None, RULES, day).tier == "silver"


def test_figures_that_swing_around_a_threshold_do_not_make_a_customer_flap() -> None:
    standing = TierStanding("gold")
    for number in range(120):
        have = assets(1_000_001 if number % 20 == 0 else 999_999)
        decision = decide(have, standing, None, RULES, TODAY + number * DAY)
        assert decision.tier == "gold"
        standing = decision.standing


def test_a_fall_goes_to_the_best_tier_reached_meanwhile_and_then_on() -> None:
    standing = decide(assets(2_000_000), TierStanding("platinum"), None, RULES, TODAY).standing
    standing = decide(assets(10), standing, None, RULES, TODAY + DAY).standing
    fallen = decide(assets(10), standing, None, RULES, TODAY + 30 * DAY)
    assert fallen.tier == "gold"
    assert "gold at best since then" in fallen.why
    assert decide(assets(10), fallen.standing, None, RULES, TODAY + 59 * DAY).tier == "gold"
    assert decide(assets(10), fallen.standing, None, RULES, TODAY + 60 * DAY).tier == "normal"


def test_a_customer_of_whom_no_figure_is_known_keeps_the_tier() -> None:
    standing = TierStanding("gold", TODAY - 90 * DAY, "normal")
    assert decide(TierFigures(), standing, None, RULES, TODAY).standing == standing


@given(
    figures, standings(), overrides, rule_sets, days, st.decimals(0, 10_000_000, places=2), st.sampled_from(range(3))
)
def test_more_is_never_less(
    have: TierFigures,
    standing: TierStanding,
    override: TierOverride | None,
    rules: TierRules,
    today: datetime.date,
    more: Decimal,
    which: int,
) -> None:
    richer = [
        replace(have, assets=(have.assets or 0) + more),
        replace(have, commission=(have.commission or 0) + more),
        replace(have, points=(have.points or 0) + int(more)),
    ][which]
    if have == TierFigures():
        have = assets(0)  # nothing known keeps the tier: that is not less than something
    before = decide(have, standing, override, rules, today)
    after = decide(richer, standing, override, rules, today)
    assert at_least(after.tier, before.tier)
    assert at_least(after.standing.tier, before.standing.tier)


@given(figures, standings(), overrides, rule_sets, days)
def test_an_override_wins_until_its_last_day_and_not_after(
    have: TierFigures, standing: TierStanding, override: TierOverride | None, rules: TierRules, today: datetime.date
) -> None:
    without = decide(have, standing, None, rules, today)
    decision = decide(have, standing, override, rules, today)
    assert decision.standing == without.standing, "beneath it the rules go on"
    if override is not None and today <= override.until:
        assert decision.tier == override.tier
        assert override.until.isoformat() in decision.why
    else:
        assert decision.tier == without.tier


@given(figures, standings(), overrides, rule_sets, days)
def test_deciding_twice_a_day_is_deciding_once(
    have: TierFigures, standing: TierStanding, override: TierOverride | None, rules: TierRules, today: datetime.date
) -> None:
    once = decide(have, standing, override, rules, today)
    twice = decide(have, once.standing, override, rules, today)
    assert (twice.tier, twice.standing) == (once.tier, once.standing)


@given(figures, standings(), rule_sets, days)
def test_whoever_reaches_a_tier_has_it_and_below_it_only_the_grace_holds(
    have: TierFigures, standing: TierStanding, rules: TierRules, today: datetime.date
) -> None:
    decision = decide(have, standing, None, rules, today)
    if have != TierFigures():
        assert at_least(decision.tier, reached(have, rules)[0])
    assert at_least(decision.tier, standing.tier) or today >= (standing.below_since or today) + rules.grace_days * DAY
    assert (decision.standing.below_since is None) == (decision.standing.below_best is None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("assets: 5000000", "asets: 5000000", "Did you mean 'assets'?"),
        ("assets: 5000000", "assets: 5,000,000", "platinum: any"),
        ("assets: 5000000", "assets: -1", "assets cannot be '-1'"),
        ("assets: 5000000", "assets: 0", "assets cannot be '0'"),
        ("assets: 1000000", "assets: 5000000", "can never make gold"),
        ("any: {assets: 1000000, commission: 10000, points: 20000}", "some: {assets: 1}", "unknown field 'some'"),
        ("any: {assets: 1000000, commission: 10000, points: 20000}", "all: {}", "gold has no threshold"),
        ("gold:", "golden:", "Did you mean 'gold'?"),
        ("gold:", "normal:", "normal needs no rule"),
        ("grace: 30", "grace: month", "whole number from 0 to 366"),
        ("grace: 30", "grace: 30\ngrase: 3", "Did you mean 'grace'?"),
        ("tiers:", "teirs:", "tiers is missing"),
        ("grace: 30   # days", "grace: [", "this is not YAML"),
    ],
)
def test_a_fault_in_the_rules_is_told_with_its_line(old: str, new: str, says: str, tmp_path: Path) -> None:
    text = RULES_FILE.read_text("utf-8")
    assert old in text
    file = tmp_path / "tiers.yaml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(TierRulesInvalid) as caught:
        read(file)
    assert says in str(caught.value)
    line = text[: text.index(old)].count("\n") + 1
    told = {problem.line for problem in caught.value.problems}
    assert "YAML" in says or min(abs(line - one) for one in told) <= 2 or "tiers is missing" in says


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(TierRulesInvalid, match="No such file"):
        read(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(TierRulesInvalid, match="not UTF-8"):
        read(tmp_path / "bad.yaml")


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    load(text, "tiers.yaml")


def test_rules_may_leave_tiers_out() -> None:
    rules, problems = load("tiers: {gold: {any: {points: 5}}}", "t.yaml")
    assert problems == []
    assert rules == TierRules((TierRule("gold", {"points": Decimal(5)}),), 0)
    assert decide(assets(9_000_000), TierStanding("silver"), None, rules, TODAY).tier == "normal", "no grace"
