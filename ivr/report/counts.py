"""What is counted for one group (a line, a tier, an hour …): whole numbers, so that order does not matter. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate

from db.agent import State
from db.customer import Tier


@dataclass(slots=True)
class Waits:
    """How long the answered waited, as a count for each tenth of a second.

    So percentiles are exact, and memory grows with the longest wait, not with the calls.
    """

    counted: Counter[int] = field(default_factory=Counter)

    def add(self, tenths: int) -> None:
        self.counted[tenths] += 1

    @property
    def total(self) -> int:
        """Tenths of a second, of all together."""
        return sum(tenths * count for tenths, count in self.counted.items())

    @property
    def longest(self) -> int | None:
        return max(self.counted, default=None)

    def quantile(self, percent: int) -> tuple[int, int] | None:
        """Nearest rank: the least wait (tenths) that ``percent`` of them do not exceed, and how many do not."""
        waits = sorted(self.counted)
        upto = list(accumulate(self.counted[wait] for wait in waits))
        if not upto:
            return None
        place = bisect_left(upto, max(1, -(-percent * upto[-1] // 100)))
        return waits[place], upto[place]


@dataclass(slots=True)
class Counts:
    """One group. docs/report.md says what each of these is."""

    # Calls that began in the period
    calls: int = 0
    refused: int = 0
    closed: int = 0
    unallocated: int = 0
    wanting: int = 0  # of those that were served: wanted a person at least once
    # Calls that first wanted a person in the period
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    callbacks: int = 0
    left_by_key: int = 0
    unserved: int = 0
    waiting: int = 0
    resumed: int = 0  # a restarted controller went on with the wait
    by_asterisk: int = 0  # Asterisk's own queue had the caller, while no controller did
    decided: Counter[Tier] = field(default_factory=Counter)  # answered, over, or waiting past the target, by tier
    in_target: int = 0
    waits: Waits = field(default_factory=Waits)
    # Answered calls of known callers
    resolved: int = 0
    repeated: int = 0
    too_early: int = 0
    unknown_callers: int = 0
    # Offers made in the period
    offers: int = 0
    not_answered: int = 0
    refused_offers: int = 0
    lost_offers: int = 0
    # Talks that began in the period
    talks: int = 0
    going_on: int = 0
    cut: int = 0
    transferred: int = 0  # talks with a transfer, consult, conference … in them
    consulted: int = 0
    conferenced: int = 0
    taken_over: int = 0
    scores: Counter[int] = field(default_factory=Counter)
    # Talks and wrap-ups that began in the period and are over, by the history of agents
    handled: int = 0
    talk_us: int = 0  # microseconds
    wrap_up_us: int = 0
    # Agents' time in the period
    time_us: Counter[State] = field(default_factory=Counter)  # microseconds
