"""Reads the rules for tiers (``tiers.yaml``): every problem with its file, line and remedy. Pure but for ``read``."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Final

from agent_routing.tiers import LOWEST, MEASURES, Measure, TierRule, TierRules
from db.customer import TIERS
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

RULES_FILE: Final = Path(__file__).parent / "tiers.yaml"
LONGEST_GRACE: Final = 366  # days: a tier that is kept longer than a year is an override's matter
_AMOUNT: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")


class TierRulesInvalid(FileInvalid):
    """The rules for tiers cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "tier-rules-invalid"


def read(path: Path = RULES_FILE) -> TierRules:
    """The rules in this file. Raises TierRulesInvalid."""
    return read_checked(path, load, TierRulesInvalid)


def load(text: str, file: str) -> tuple[TierRules, list[Problem]]:
    """The rules in this text, and every problem; with problems the rules are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return TierRules(()), problems
    fields = Fields(file, top, problems)
    rules: list[TierRule] = []
    tiers = fields.inner("tiers")
    if tiers is None and not fields.has("tiers"):
        fields.problem("tiers", "tiers is missing.", "Add `tiers:` with a rule for platinum, gold and silver.")
    if tiers is not None:
        for tier in TIERS[:-1]:
            inner = tiers.inner(tier)
            if inner is None:
                continue
            rule = TierRule(tier, _thresholds(inner, "any"), _thresholds(inner, "all"))
            inner.done()
            if not rule.any_of and not rule.all_of:
                tiers.problem(tier, f"{tier} has no threshold.", "Give it `any: {assets: 1000000}`, or take it out.")
            for higher in rules:
                _compare(inner, rule, higher)
            rules.append(rule)
        if tiers.has(LOWEST):
            tiers.element(LOWEST)
            tiers.problem(LOWEST, f"{LOWEST} needs no rule: whoever reaches no other tier is {LOWEST}.", "Take it out.")
        tiers.done()
    grace = fields.number("grace", 0, 0, LONGEST_GRACE)
    fields.done()
    return TierRules(tuple(rules), grace), sorted(problems)


def _thresholds(fields: Fields, name: str) -> dict[Measure, Decimal]:
    found: dict[Measure, Decimal] = {}
    known: dict[str, Measure] = {measure: measure for measure in MEASURES}
    for word, text in fields.mapping(name, {}).items():
        measure = known.get(word)
        if measure is None:
            fields.problem(name, f"{name}: there is no figure {word!r}.", suggest(word, MEASURES))
        elif not _AMOUNT.fullmatch(text) or Decimal(text) == 0:
            fields.problem(
                name, f"{name}: {measure} cannot be {text!r}.", "Write a number above 0, without blanks: 1000000."
            )
        else:
            found[measure] = Decimal(text)
    return found


def _compare(fields: Fields, rule: TierRule, higher: TierRule) -> None:
    """A threshold that only whoever is in a higher tier already can reach is a slip of the pen."""
    for measure, least in rule.any_of.items():
        above = higher.any_of.get(measure)
        if above is not None and least >= above:
            fields.problem(
                "any",
                f"any: {measure} of {least:,} can never make {rule.tier}: {above:,} make {higher.tier} already.",
                "Give the lower tier the lower threshold.",
            )
