"""The recompute of tiers: every customer against the rules, a page at a time: memory does not grow with them."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent_routing.tiers import TierRules, decide
from db.store import Store
from db.tier_changes import TierBook, TierHolder, TierMove


@dataclass(frozen=True, slots=True)
class Decided:
    """One page of customers: how many were looked at, and the moves of those for whom something changes."""

    looked_at: int
    moves: tuple[TierMove, ...]


async def decided(store: Store, rules: TierRules, today: datetime.date) -> AsyncIterator[Decided]:
    """What the rules make of every customer on this day. Writes nothing. Raises StoreError."""
    async for holders in TierBook(store).holders():
        moves = [move for holder in holders if (move := move_of(holder, rules, today)) is not None]
        yield Decided(len(holders), tuple(moves))


def move_of(holder: TierHolder, rules: TierRules, today: datetime.date) -> TierMove | None:
    """What changes for one customer; None: nothing, not even beneath the tier in force."""
    decision = decide(holder.figures, holder.standing, holder.override, rules, today)
    if decision.tier == holder.tier and decision.standing == holder.standing:
        return None
    return TierMove(holder, decision.tier, decision.standing, decision.why)
