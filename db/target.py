"""A target: somebody whom a campaign calls. Frozen records; ``db.targets`` and ``db.attempts`` move the rows."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from db.customer import Tier
from db.models import TargetRow
from db.outbound_states import TargetState


@dataclass(frozen=True, slots=True)
class NewTarget:
    """A target as it is planned. A customer's numbers are read when they are dialled, never kept here."""

    key: str  # once per campaign: the account, or the stored form of the number of who has none; "#" and the occasion
    customer: int | None = None
    account: str = ""
    name: str = ""
    branch: str = ""
    tier: Tier = "normal"
    language: str = "zh"
    numbers: tuple[str, ...] = ()  # in stored form, of who is no customer
    data: Mapping[str, Any] = field(default_factory=dict)  # JSON values for script and notice
    state: TargetState = "waiting"  # or "excluded"
    why: str = ""
    due_at: datetime.datetime | None = None  # None: when it is planned
    rank: int = 5


@dataclass(frozen=True, slots=True)
class Target:
    """One row. ``version`` rises with every move: whoever holds an older one can move it no more."""

    id: int
    campaign: str
    key: str
    customer: int | None
    account: str
    name: str
    branch: str
    tier: Tier
    language: str
    numbers: tuple[str, ...]
    data: Mapping[str, Any]
    state: TargetState
    why: str
    due_at: datetime.datetime  # not before
    rank: int  # 0 is dialled first
    guaranteed: bool  # an agent must be reserved before the number is dialled
    agent: str  # … this one; "": any
    attempts: int  # how often a number of this target was dialled
    last_outcome: str
    last_at: datetime.datetime | None
    closed_at: datetime.datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class TargetMove:
    """What becomes of a target: ``waiting`` until ``due_at``, or closed. What is None stays as it is."""

    state: TargetState
    why: str = ""
    due_at: datetime.datetime | None = None
    rank: int | None = None
    guaranteed: bool | None = None
    agent: str | None = None

    def values(self, now: datetime.datetime) -> dict[str, Any]:
        """The columns that change."""
        changed: dict[str, Any] = {
            "state": self.state,
            "why": self.why,
            "closed_at": None if self.state in ("waiting", "held") else now,
            "version": TargetRow.version + 1,
        }
        for name in ("due_at", "rank", "guaranteed", "agent"):
            value = getattr(self, name)
            if value is not None:
                changed[name] = value
        return changed


def target_of(row: TargetRow | Any) -> Target:
    """The record of this row."""
    return Target(
        id=row.id,
        campaign=row.campaign,
        key=row.key,
        customer=row.customer_id,
        account=row.account,
        name=row.name,
        branch=row.branch,
        tier=row.tier,  # type: ignore[arg-type]  # the table's own check
        language=row.language,
        numbers=tuple(row.numbers),
        data=row.data,
        state=row.state,  # type: ignore[arg-type]  # the table's own check
        why=row.why,
        due_at=row.due_at,
        rank=row.rank,
        guaranteed=row.guaranteed,
        agent=row.agent,
        attempts=row.attempts,
        last_outcome=row.last_outcome,
        last_at=row.last_at,
        closed_at=row.closed_at,
        version=row.version,
    )
