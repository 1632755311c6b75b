"""Reads the routing policy (``policy.yaml``): every problem with its file, line and remedy. Pure but for ``read``."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Final

from agent_routing.policy import (
    ORDERS,
    REACHES,
    SPEAKS,
    WISHES,
    Lending,
    Order,
    Policy,
    Reaches,
    Ring,
    Speaks,
    Target,
    TierPolicy,
    Wishes,
)
from agent_routing.pool import INBOUND
from db.customer import TIERS, Tier
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import DURATION, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Row, Scalar, Table, parse

POLICY_FILE: Final = Path(__file__).parent / "policy.yaml"
LONGEST: Final = 3600.0  # seconds: nobody waits longer for a person; a greater figure is a slip of the pen
MOST_RESERVED: Final = 100  # idle seats; more means that the lower tiers are never served
MOST_CALLS: Final = 1000  # a day at one seat
MOST_RINGS: Final = 12  # what a supervisor can still reason about
_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


class PolicyInvalid(FileInvalid):
    """The routing policy cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "routing-policy-invalid"


def read(path: Path = POLICY_FILE) -> Policy:
    """The policy in this file. Raises PolicyInvalid."""
    return read_checked(path, load, PolicyInvalid)


def load(text: str, file: str) -> tuple[Policy | None, list[Problem]]:
    """The policy in this text and every problem; None when there is one."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    orders: dict[str, Order] = {word: word for word in ORDERS}
    order = orders[fields.one_of("order", ORDERS, "proportional")]
    tiers = _tiers(fields)
    rings = _rings(fields, tiers)
    policy = Policy(
        tiers,
        rings,
        order,
        _lending(fields),
        lease=fields.seconds("lease", "25s", 1, 120),
        same_caller_pause=fields.seconds("same_caller_pause", "60s", 1, LONGEST),
        seat_rest=fields.seconds("seat_rest", "5s", 0, LONGEST),
        manager_ahead=fields.seconds("manager_ahead", "0s", 0, LONGEST),
        most_calls_a_day=fields.number("most_calls_a_day", 0, 0, MOST_CALLS),
        reserve_one_of=fields.number("reserve_one_of", 10, 1, 1000),
        spare_specialists=fields.flag("spare_specialists", default=True),
    )
    fields.done()
    return (None if problems else policy), sorted(problems)


def _tiers(fields: Fields) -> dict[Tier, TierPolicy]:
    found: dict[Tier, TierPolicy] = {}
    tables = fields.inner("tiers")
    if tables is None:
        if not fields.has("tiers"):
            fields.problem("tiers", "tiers is missing.", "Add `tiers:` with platinum, gold, silver and normal.")
        return found
    reserve = 0
    strict = True
    for tier in TIERS:
        inner = tables.inner(tier)
        if inner is None:
            if not tables.has(tier):
                tables.problem(tier, f"{tier} is missing.", f"Add `{tier}: {{scale: 65s, longest_wait: 300s, …}}`.")
            continue
        rule = TierPolicy(
            scale=inner.seconds("scale", "60s", 0.1, LONGEST),
            head_start=inner.seconds("head_start", "0s", 0, LONGEST),
            bonus=inner.seconds("bonus", "0s", 0, LONGEST),
            strict=inner.flag("strict"),
            longest_wait=inner.seconds("longest_wait", "300s", 1, LONGEST),
            target=_target(inner),
            reserve=inner.number("reserve", 0, 0, MOST_RESERVED),
            hold=inner.seconds("hold", "0s", 0, 120),
        )
        inner.done()
        if rule.strict and not strict:
            inner.problem("strict", "strict: a tier above is not strict.", "Only the upper tiers can be strict.")
        if rule.reserve < reserve:
            inner.problem(
                "reserve",
                f"reserve: {rule.reserve} is less than the {reserve} that a tier above must leave.",
                "The lower the tier, the more it leaves.",
            )
        if rule.hold >= rule.longest_wait:
            inner.problem("hold", "hold must be shorter than longest_wait.")
        strict = strict and rule.strict
        reserve = max(reserve, rule.reserve)
        found[tier] = rule
    tables.done()
    return found


def _target(fields: Fields) -> Target:
    inner = fields.inner("target")
    if inner is None:
        if not fields.has("target"):
            fields.problem("target", "target is missing.", "Add `target: {share: 80, within: 20s}`.")
        return Target(0.8, 20.0)
    target = Target(inner.number("share", None, 1, 100) / 100, inner.seconds("within", "20s", 1, LONGEST))
    inner.done()
    return target


def _rings(fields: Fields, tiers: dict[Tier, TierPolicy]) -> tuple[Ring, ...]:
    reaches: dict[str, Reaches] = {word: word for word in REACHES}
    speaks: dict[str, Speaks] = {word: word for word in SPEAKS}
    wishes: dict[str, Wishes] = {word: word for word in WISHES}
    found: list[Ring] = []
    tables = _rows(fields, "rings")
    if not tables:
        fields.problem("rings", "rings has no ring.", "Add `- {name: anyone, reaches: everywhere}`.")
        return ()
    if len(tables) > MOST_RINGS:
        fields.problem("rings", f"there are {len(tables)} rings, at most {MOST_RINGS} are allowed.", "Join some.")
    for inner in tables:
        ring = Ring(
            inner.text("name"),
            reaches[inner.one_of("reaches", REACHES, "everywhere")],
            speaks[inner.one_of("speaks", SPEAKS, "language")],
            wishes[inner.one_of("wishes", WISHES, "kept")],
            _after(inner),
        )
        inner.done()
        if any(ring.name == other.name for other in found):
            inner.problem("name", f"the ring {ring.name!r} stands twice.", "Give it another name.")
        for tier, rule in tiers.items():
            if ring.after.get(tier, 0.0) >= rule.longest_wait:
                inner.problem(
                    "after",
                    f"after: {tier} waits {rule.longest_wait:g}s at the longest, by then every ring is open.",
                    "Give it fewer seconds.",
                )
        found.append(ring)
    _check_widening(found, tables)
    return tuple(found)


def _check_widening(rings: list[Ring], tables: list[Fields]) -> None:
    """Each ring asks no more than the one before it, and opens no earlier; the manager's comes first."""
    for (before, ring), inner in zip(pairwise(rings), tables[1:], strict=True):
        if REACHES.index(ring.reaches) <= REACHES.index(before.reaches):
            inner.problem(
                "reaches",
                f"reaches: {ring.reaches} is no wider than {before.reaches} of the ring before.",
                f"Order the rings: {', '.join(REACHES)}.",
            )
        if before.reaches != "manager":
            for name, order, word, earlier in (
                ("speaks", list[str](SPEAKS), ring.speaks, before.speaks),
                ("wishes", list[str](WISHES), ring.wishes, before.wishes),
            ):
                if order.index(word) < order.index(earlier):
                    inner.problem(
                        name, f"{name}: {word} asks more than {earlier} before it.", "A wider ring asks less."
                    )
        for tier in TIERS:
            if ring.after.get(tier, 0.0) < before.after.get(tier, 0.0):
                inner.problem("after", f"after: for {tier} this ring opens before the one above.", "Sort the seconds.")
    first, last = rings[0], rings[-1]
    if last.reaches != "everywhere":
        tables[-1].problem("reaches", "reaches: the last ring must be everywhere.", "Else callers wait for ever.")
    for tier in TIERS:
        if first.after.get(tier, 0.0):
            tables[0].problem("after", f"after: the first ring must be open for {tier} at once.", "Leave it out.")


def _after(fields: Fields) -> dict[Tier, float]:
    words: dict[str, Tier] = {tier: tier for tier in TIERS}
    found: dict[Tier, float] = {}
    for word, text in fields.mapping("after", {}).items():
        match = DURATION.match(text)
        if word not in words:
            fields.problem("after", f"after: there is no tier {word!r}.", suggest(word, TIERS))
        elif not match:
            fields.problem("after", f"after: {text!r} is no duration.", "For example 5s or 1m.")
        else:
            found[words[word]] = float(match[1]) * _UNIT[match[2]]
    return found


def _lending(fields: Fields) -> tuple[Lending, ...]:
    words: dict[str, Tier] = {tier: tier for tier in TIERS}
    found: list[Lending] = []
    for inner in _rows(fields, "lending"):
        lender = inner.name("lender")
        if lender == INBOUND:
            inner.problem("lender", f"lender: {INBOUND} serves every caller anyhow.", "Name another pool.")
        to: list[Tier] = []
        for word in inner.words("to"):
            if word in words:
                to.append(words[word])
            else:
                inner.problem("to", f"to: there is no tier {word!r}.", suggest(word, TIERS))
        at, keep = inner.number("at", 80, 0, 100) / 100, inner.number("keep", 0, 0, MOST_RESERVED)
        inner.done()
        for tier in to:
            if any(other.lender == lender and tier in other.to for other in found):
                inner.problem("to", f"to: {lender} lends to {tier} by another rule already.", "Keep one of them.")
        found.append(Lending(lender, tuple(to), at, keep))
    return tuple(found)


def _rows(fields: Fields, name: str) -> list[Fields]:
    """The tables of a list."""
    element = fields.element(name)
    if element is None or (isinstance(element, Scalar) and not element.text):
        return []
    if not isinstance(element, Row):
        fields.problem(name, f"{name} must be a list.", "Begin each entry with a dash.")
        return []
    found = []
    for number, item in enumerate(element.items, 1):
        if isinstance(item, Table):
            found.append(Fields(fields.file, item, fields.problems, f"{name}, entry {number}: "))
        else:
            fields.problem(name, f"{name}, entry {number} must be a mapping.", "Write `- {name: …}`.")
    return found
