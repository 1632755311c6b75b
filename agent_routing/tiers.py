"""Which tier a customer is in, and why. Pure: figures, standing, override, rules and a date in; a decision out.

Rises take effect at once. A fall waits out the grace, so that a customer whose assets swing around a threshold does not
flap; after it, the best tier reached meanwhile counts. An override wins up to and including its last day, and the
rules' own standing goes on beneath it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from db.customer import TIERS, Tier
from db.tier_changes import TierFigures, TierOverride, TierStanding

Measure = Literal["assets", "commission", "points"]
MEASURES: Final[tuple[Measure, ...]] = ("assets", "commission", "points")
LOWEST: Final[Tier] = TIERS[-1]

_RANK: Final = {tier: len(TIERS) - place for place, tier in enumerate(TIERS)}
_UNIT: Final = {"assets": "yuan of assets", "commission": "yuan of commission in twelve months", "points": "points"}


@dataclass(frozen=True, slots=True)
class TierRule:
    """What reaches one tier: any one of ``any_of``, or all of ``all_of`` together. At least, in yuan and points."""

    tier: Tier
    any_of: Mapping[Measure, Decimal] = field(default_factory=dict)
    all_of: Mapping[Measure, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TierRules:
    """The rules, from the highest tier down; whoever reaches none is ``normal``."""

    rules: tuple[TierRule, ...]
    grace_days: int = 0


@dataclass(frozen=True, slots=True)
class TierDecision:
    """What is decided: the tier in force, where the rules alone stand, and why, in words."""

    tier: Tier
    standing: TierStanding
    why: str


def at_least(tier: Tier, other: Tier) -> bool:
    """Whether ``tier`` is ``other`` or a higher one."""
    return _RANK[tier] >= _RANK[other]


def decide(
    figures: TierFigures,
    standing: TierStanding,
    override: TierOverride | None,
    rules: TierRules,
    today: datetime.date,
) -> TierDecision:
    """The tier of one customer on this day. Deciding again on the same day with the new standing changes nothing."""
    settled, why = _settle(figures, standing, rules, today)
    if override is not None and override.in_force(today):
        until = override.until.isoformat()
        by_rules = f" (the rules alone give {settled.tier}: {why})" if settled.tier != override.tier else ""
        return TierDecision(
            override.tier, settled, f"override until {until} by {override.actor}: {override.why}{by_rules}"
        )
    if override is not None and override.tier != settled.tier:
        why = f"{why}; the override to {override.tier} ended on {override.until.isoformat()}"
    return TierDecision(settled.tier, settled, why)


def reached(figures: TierFigures, rules: TierRules) -> tuple[Tier, str]:
    """The highest tier that these figures reach, and by what."""
    for rule in rules.rules:
        for measure, least in rule.any_of.items():
            if _is(figures, measure, least):
                return rule.tier, _said(figures, measure, rule.tier, least)
        if rule.all_of and all(_is(figures, measure, least) for measure, least in rule.all_of.items()):
            parts = [_said(figures, measure, rule.tier, least) for measure, least in rule.all_of.items()]
            return rule.tier, " and ".join(parts)
    return LOWEST, "no threshold is reached"


def _settle(
    figures: TierFigures, standing: TierStanding, rules: TierRules, today: datetime.date
) -> tuple[TierStanding, str]:
    if figures == TierFigures():
        return standing, "no figures are known, so the tier stays"
    earned, why = reached(figures, rules)
    if at_least(earned, standing.tier):
        return TierStanding(earned), why
    since, best = standing.below_since, standing.below_best
    if since is None or best is None:
        since, best = today, earned
    elif not at_least(best, earned):
        best = earned
    falls_on = since + datetime.timedelta(days=rules.grace_days)
    if today < falls_on:
        waiting = TierStanding(standing.tier, since, best)
        return (
            waiting,
            f"below {standing.tier} since {since.isoformat()} ({why}); kept until {falls_on.isoformat()}",
        )
    if best == earned or not rules.grace_days:
        return TierStanding(earned), f"below {standing.tier} since {since.isoformat()}: {why}"
    fallen = TierStanding(best, today, earned)
    return fallen, f"below {standing.tier} since {since.isoformat()}, {best} at best since then; now {why}"


def _is(figures: TierFigures, measure: Measure, least: Decimal) -> bool:
    value: Decimal | int | None = getattr(figures, measure)
    return value is not None and value >= least


def _said(figures: TierFigures, measure: Measure, tier: Tier, least: Decimal) -> str:
    return f"{_amount(getattr(figures, measure))} {_UNIT[measure]} reach {tier} ({_amount(least)})"


def _amount(value: Decimal | int) -> str:
    return f"{value:,.2f}".removesuffix(".00")
