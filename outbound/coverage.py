"""Coverage: who of a campaign was reached, branch by branch, who was not and why, and what people must see to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from db.targets import Share

ALL: Final = ""  # the row of all branches together
NO_BRANCH: Final = "-"
STATES: Final = ("reached", "refused", "by_hand", "exhausted", "expired", "excluded", "waiting", "held")


@dataclass(frozen=True, slots=True)
class Row:
    """One branch, or all of them (``ALL``)."""

    branch: str
    states: Mapping[str, int] = field(default_factory=dict)
    whys: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (state, why) of those that were not reached

    @property
    def targets(self) -> int:
        """Everybody who was asked for, those that were left out included."""
        return sum(self.states.values())

    @property
    def coverage(self) -> float:
        """The share of them that was reached, 0..1; of nobody: 1."""
        return self.states.get("reached", 0) / self.targets if self.targets else 1.0

    def as_data(self, campaign: str) -> dict[str, Any]:
        """For machines, and the cells of a CSV file."""
        counts = {state: self.states.get(state, 0) for state in STATES}
        counts["waiting"] += counts.pop("held")
        return {
            "campaign": campaign,
            "branch": self.branch or "all",
            "targets": self.targets,
            **counts,
            "coverage": round(self.coverage, 4),
        }


def coverage(shares: Iterable[Share]) -> tuple[Row, ...]:
    """A row for each branch, by name, and the last one for all together."""
    states: dict[str, Counter[str]] = {}
    whys: dict[str, Counter[tuple[str, str]]] = {}
    for share in shares:
        for branch in (share.branch or NO_BRANCH, ALL):
            states.setdefault(branch, Counter())[share.state] += share.targets
            if share.state != "reached":
                whys.setdefault(branch, Counter())[(share.state, why_of(share))] += share.targets
    ordered = sorted(branch for branch in states if branch != ALL)
    return tuple(Row(branch, dict(states.get(branch, {})), dict(whys.get(branch, {}))) for branch in (*ordered, ALL))


def why_of(share: Share) -> str:
    """Why these were not reached: how their last attempt ended, when they were tried as often as may be."""
    if share.state in ("waiting", "held"):
        return share.last_outcome or "not_tried"
    if share.why in ("campaign_in_all", "campaign_over", "number_state", "too_late", "no_number"):
        return f"{share.why}: {share.last_outcome}" if share.last_outcome else share.why
    return share.why or share.last_outcome or "not_said"
