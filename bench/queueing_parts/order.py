"""Was everybody served in the order of urgency? Read from the journal alone, judged by the policy alone.

At each decision (``offer.made``) nobody may have waited, whom this seat could have served as well, who came before the
chosen one by the policy: strict tiers in their order, then who was put in front, then who has passed the tier's longest
wait, then urgency. In the bench every seat can serve everybody, so only rank counts.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_routing.policy import Policy
from db.customer import TIERS, Tier

GRAIN = 0.15  # seconds: `waited` is told to a tenth, so a decision's moment is known to this


@dataclass
class Wait:
    """One caller's wait, and when it was out of the pool."""

    call: str
    tier: Tier
    joined: float
    offers: list[tuple[float, float]] = field(default_factory=list)  # decided, came to nothing (or never)
    over: float = float("inf")


@dataclass(frozen=True)
class Order:
    """What was found."""

    decisions: int
    overtaken: list[str]  # in words
    waits: dict[str, list[float]]  # seconds until the talk, by tier
    joined: int
    talked: int
    lost: int  # whose call ended without a talk while the house was open


def judged(database: Path, policy: Policy, closed_at: float) -> Order:
    """Read the journal and judge it. ``closed_at``: from then on callers were sent away (seconds since 1970)."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT call_id, at, kind, data FROM call_events ORDER BY position").fetchall()
    finally:
        connection.close()
    waits: dict[str, Wait] = {}
    decisions: list[tuple[float, Wait]] = []
    spoken: dict[str, list[float]] = {tier: [] for tier in TIERS}
    talked: set[str] = set()
    ended: set[str] = set()
    for call, at, kind, text in rows:
        data: dict[str, Any] = json.loads(text)
        now = _seconds(at)
        if kind == "wait.joined":
            joined = datetime.datetime.fromisoformat(data["joined"]).timestamp()
            waits[call] = Wait(call, data["tier"], joined)
        elif kind == "offer.made":
            wait = waits[call]
            decided = wait.joined + data["waited"]
            decisions.append((decided, wait))
            wait.offers.append((decided, float("inf")))
        elif kind == "offer.failed":
            began, _ = waits[call].offers[-1]
            waits[call].offers[-1] = (began, now)
        elif kind == "talk.began":
            talked.add(call)
            spoken[waits[call].tier].append(data["waited"])
            waits[call].over = min(waits[call].over, now)
        elif kind == "wait.left":
            waits[call].over = min(waits[call].over, now)
        elif kind == "call.ended" and now < closed_at:
            ended.add(call)
    overtaken = [words for decided, wait in decisions for words in _overtaken(decided, wait, waits, policy)]
    lost = sum(call in ended and call not in talked for call in waits)
    return Order(len(decisions), overtaken, spoken, len(waits), len(talked), lost)


def _overtaken(decided: float, chosen: Wait, waits: dict[str, Wait], policy: Policy) -> list[str]:
    best = _rank(chosen, decided, policy)
    found = []
    for other in waits.values():
        if other is chosen or other.joined > decided - 2 * GRAIN or other.over < decided + 2 * GRAIN:
            continue
        if any(began - GRAIN <= decided <= until + GRAIN for began, until in other.offers):
            continue
        # The chosen one at the latest, the other at the earliest moment that it may have been.
        if _rank(other, decided - GRAIN, policy) < _rank(chosen, decided + GRAIN, policy):
            found.append(f"{chosen.call} ({chosen.tier}, rank {best}) before {other.call} ({other.tier}) at {decided}")
    return found


def _rank(wait: Wait, now: float, policy: Policy) -> tuple[int, float]:
    rule = policy.tiers[wait.tier]
    if rule.strict:
        return (TIERS.index(wait.tier), wait.joined)
    if now >= wait.joined + rule.longest_wait:
        return (len(TIERS) + 1, wait.joined)
    return (len(TIERS) + 2, -policy.urgency(wait.tier, now - wait.joined))


def _seconds(at: str) -> float:
    return datetime.datetime.fromisoformat(at).replace(tzinfo=datetime.UTC).timestamp()
