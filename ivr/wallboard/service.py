"""How well callers were served today and lately, out of what happened to each call that wanted a person. Pure.

One record for each call, by its id, as ``ivr report`` counts: it was offered when it first waited, it is answered when
a talk began in it, however often it waited; else what its last wait ended in counts. Telling the same twice, or late,
changes nothing. Sums are kept as records change, so that a board costs the same at noon and in the evening.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent_routing.policy import Policy
from db.customer import BROKERAGE_TIME, TIERS, Tier
from db.events import TALK_BEGAN, WAIT_JOINED, WAIT_LEFT, Event

LATELY: Final = 30 * 60.0  # seconds that count as now
ABANDONED: Final = "abandoned"
TALK: Final = "talk"
OPEN: Final = ""


@dataclass(slots=True)
class _Record:
    tier: Tier
    joined: float
    how: str = OPEN  # … or TALK, or how its last wait ended
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Level:
    """Calls of one tier over some time.

    ``offered`` all that wanted a person; ``decided`` those among them that are over, or wait past the target by now;
    ``in_target`` those answered within the target's seconds; ``answered``; ``abandoned`` those who hung up waiting.
    """

    offered: int = 0
    decided: int = 0
    in_target: int = 0
    answered: int = 0
    abandoned: int = 0

    @property
    def service(self) -> float | None:
        """Service level: in_target / decided; None: nothing is decided yet."""
        return self.in_target / self.decided if self.decided else None

    @property
    def abandonment(self) -> float | None:
        """abandoned / offered; None: nobody was offered."""
        return self.abandoned / self.offered if self.offered else None

    def __add__(self, other: Level) -> Level:
        return Level(
            self.offered + other.offered,
            self.decided + other.decided,
            self.in_target + other.in_target,
            self.answered + other.answered,
            self.abandoned + other.abandoned,
        )

    def __mul__(self, count: int) -> Level:
        return Level(
            self.offered * count,
            self.decided * count,
            self.in_target * count,
            self.answered * count,
            self.abandoned * count,
        )


# What one call adds, by what is known of it.
_UNDECIDED, _LATE, _IN_TARGET, _ANSWERED_LATE, _ABANDONED = range(5)  # late: or served otherwise, as by a call back
_ADDS: Final = (
    Level(offered=1),
    Level(offered=1, decided=1),
    Level(offered=1, decided=1, in_target=1, answered=1),
    Level(offered=1, decided=1, answered=1),
    Level(offered=1, decided=1, abandoned=1),
)


class Service:
    """The records of a day and their sums."""

    def __init__(self, policy: Policy) -> None:
        self._within: Mapping[Tier, float] = {tier: policy.tiers[tier].target.within for tier in TIERS}
        self._records: dict[str, _Record] = {}
        self._lately: dict[str, _Record] = {}  # those of the last half hour, and some that are older by now
        self._open: dict[str, _Record] = {}
        self._closed: dict[Tier, Level] = {tier: Level() for tier in TIERS}
        self._day_began = 0.0

    def read(self, events: tuple[Event, ...]) -> None:
        """Take over what the journal has, the oldest first."""
        for event in events:
            data = event.data
            match event.kind:
                case k if k == WAIT_JOINED:
                    joined, tier = _moment(data.get("joined"), event.at), data.get("tier")
                    if tier in TIERS:
                        self.joined(event.call_id, tier, joined)
                case k if k == TALK_BEGAN:
                    self.answered(event.call_id, _number(data.get("waited")))
                case k if k == WAIT_LEFT:
                    self.left(event.call_id, str(data.get("how", "")), _number(data.get("waited")))

    def joined(self, call: str, tier: Tier, joined: float) -> None:
        """The call wants a person. What is known of it already stays: a wait that goes on began once."""
        if joined < self._day_began:
            return
        record = self._records.get(call)
        if record is not None:
            # Seen before the journal told of an earlier wait.
            if joined < record.joined:
                self._change(call, record, record.how, record.waited, joined)
            return
        record = _Record(tier, joined)
        self._records[call] = self._lately[call] = self._open[call] = record

    def answered(self, call: str, waited: float) -> None:
        """A talk began; the first one counts."""
        record = self._records.get(call)
        if record is not None and record.how != TALK:
            self._change(call, record, TALK, waited, record.joined)

    def left(self, call: str, how: str, waited: float) -> None:
        """A wait ended without a talk."""
        record = self._records.get(call)
        if record is not None and record.how != TALK:
            self._change(call, record, how or ABANDONED, waited, record.joined)

    def gone(self, call: str, at: float) -> None:
        """The call is over: whoever still waited has abandoned it."""
        record = self._open.get(call)
        if record is not None:
            self._change(call, record, ABANDONED, max(0.0, at - record.joined), record.joined)

    @property
    def open_calls(self) -> tuple[str, ...]:
        """The calls of which no end of the wait is known."""
        return tuple(self._open)

    def today(self, now: float) -> dict[Tier, Level]:
        """Since the brokerage's midnight, by tier."""
        self._begin_day(now)
        found = dict(self._closed)
        for record in self._open.values():
            found[record.tier] += _ADDS[self._stands(record, now)]
        return found

    def lately(self, now: float) -> dict[Tier, Level]:
        """Those who joined in the last LATELY seconds, by tier."""
        old = [call for call, record in self._lately.items() if record.joined < now - LATELY]
        for call in old:
            del self._lately[call]
        found = {tier: Level() for tier in TIERS}
        counts = Counter([(record.tier, self._stands(record, now)) for record in self._lately.values()])
        for (tier, stands), count in counts.items():
            found[tier] += _ADDS[stands] * count
        return found

    def _change(self, call: str, record: _Record, how: str, waited: float, joined: float) -> None:
        if record.how != OPEN:
            self._closed[record.tier] += _ADDS[self._stands(record, 0.0)] * -1
        record.how, record.waited, record.joined = how, waited, joined
        if how != OPEN:
            self._open.pop(call, None)
            self._closed[record.tier] += _ADDS[self._stands(record, 0.0)]

    def _stands(self, record: _Record, now: float) -> int:
        within = self._within[record.tier]
        if record.how == OPEN:
            return _LATE if now - record.joined > within else _UNDECIDED
        if record.how == TALK:
            return _IN_TARGET if record.waited <= within else _ANSWERED_LATE
        return _ABANDONED if record.how == ABANDONED else _LATE

    def _begin_day(self, now: float) -> None:
        began = midnight_before(now)
        if began <= self._day_began:
            return
        self._day_began = began
        kept = {call: record for call, record in self._records.items() if record.joined >= began}
        self._records = kept
        self._open = {call: record for call, record in self._open.items() if call in kept}
        self._closed = {tier: Level() for tier in TIERS}
        for record in kept.values():
            if record.how != OPEN:
                self._closed[record.tier] += _ADDS[self._stands(record, now)]


def midnight_before(now: float) -> float:
    """When the brokerage's day of this moment began; seconds since 1970."""
    moment = datetime.datetime.fromtimestamp(now, BROKERAGE_TIME)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _moment(value: object, otherwise: datetime.datetime) -> float:
    if isinstance(value, str):
        try:
            return datetime.datetime.fromisoformat(value).timestamp()
        except ValueError:
            pass
    return otherwise.timestamp()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
