"""How likely a number is to be answered now: by hour, kind of day, attempt, list, and what its own past says.

A small logistic model, learned one attempt at a time: log-odds = base + hour + weekend + attempt + list + kind of
number + what the customer, the number and this part of the day deviated by in the past. Each effect is drawn to zero
until enough was seen of it (a normal prior: shrinkage), and forgets slowly. The update is the diagonal form of online
Bayesian logistic regression (Spiegelhalter & Lauritzen 1990, "Sequential updating of conditional probabilities on
directed graphical structures", Networks 20:579). The pacer takes the chances as they are and corrects their level.

Pure: hours are passed in; ``as_data`` and ``from_data`` keep what was learned in the store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PARTS: Final = ((0, 11), (11, 14), (14, 18), (18, 24))  # of the day, hours: morning, noon, afternoon, evening
MOST_ATTEMPT: Final = 8  # later attempts are like this one
# How much effects differ (standard deviation of the log-odds): the weaker, the more it takes to believe in one.
SPREAD: Final = {"base": 2.0, "hour": 0.6, "weekend": 0.5, "attempt": 0.4, "list": 0.6, "kind": 0.6, "last": 0.5}
CUSTOMER_SPREAD: Final = 0.8
NUMBER_SPREAD: Final = 0.7
PART_SPREAD: Final = 0.7
MEMORY: Final = 5000.0  # attempts after which an effect's certainty has faded to its half
_FADE: Final = 0.5 ** (1.0 / MEMORY)


@dataclass(frozen=True, slots=True)
class Past:
    """How often something was tried, and answered by a person."""

    tried: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a number before it is dialled."""

    hour: int  # 0..23, where the person called lives
    attempt: int = 1  # 1 = the first of this campaign
    weekend: bool = False  # or a holiday
    list: str = ""  # the campaign, or the query that the target came from
    kind: str = ""  # of number: mobile, home, office
    last: str = ""  # outcome of the attempt before: busy, no_answer, …
    customer: Past = Past()  # all numbers of this person
    number: Past = Past()  # this number
    part: Past = Past()  # this number in the part of the day in which `hour` lies


class AnswerChance:
    """The model of one brokerage (all campaigns together: what is learned from one helps the next)."""

    def __init__(self, start: float = 0.35) -> None:
        """``start``: the share that is thought to be answered before anything is seen."""
        self._mean: dict[str, float] = {"base": math.log(start / (1.0 - start))}
        self._sure: dict[str, float] = {"base": 1.0}  # inverse variance; the start is taken for little

    def chance(self, facts: Facts) -> float:
        """The probability that a person answers."""
        return _logistic(sum(self._mean.get(name, 0.0) for name in _effects(facts)) + self._own(facts))

    def observe(self, facts: Facts, answered: bool) -> None:
        """What became of an attempt. ``facts`` as they were before it. (Not for dials that we gave up.)"""
        names = _effects(facts)
        own = self._own(facts)
        believed = _logistic(sum(self._mean.get(name, 0.0) for name in names) + own)
        variance = believed * (1.0 - believed)
        surprise = float(answered) - believed
        # One observation is shared by all effects in it, by how unsure each is.
        unsure = {name: 1.0 / self._sure.get(name, _prior(name)) for name in names}
        total = 1.0 + variance * sum(unsure.values())
        for name, share in unsure.items():
            self._mean[name] = self._mean.get(name, 0.0) + share * surprise / total
            prior = _prior(name)
            sure = self._sure.get(name, prior) + variance
            self._sure[name] = max(prior + (sure - prior) * _FADE, 1e-6)

    def by_hour(self, facts: Facts, hours: Iterable[int]) -> dict[int, float]:
        """The chance of the same number at other hours of the day (what is known of a part of the day goes with it)."""
        part = part_of(facts.hour)
        found: dict[int, float] = {}
        for hour in hours:
            same = facts.part if part_of(hour) == part else Past()
            moved = Facts(
                hour=hour,
                attempt=facts.attempt,
                weekend=facts.weekend,
                list=facts.list,
                kind=facts.kind,
                last=facts.last,
                customer=facts.customer,
                number=facts.number,
                part=same,
            )
            found[hour] = self.chance(moved)
        return found

    def order(self, candidates: Sequence[Facts], hours_left: Sequence[int] = ()) -> list[int]:
        """The order in which to dial: first those for whom now is the best of the hours that are left, then by chance.

        Indices of ``candidates``. A number that is likelier to answer later today can wait for that hour.
        """
        hours = sorted(set(hours_left))

        def key(index: int) -> tuple[float, int]:
            facts = candidates[index]
            now = self.chance(facts)
            later = max(self.by_hour(facts, hours).values(), default=0.0) if hours else 0.0
            return -(now - max(later - now, 0.0)), index

        return sorted(range(len(candidates)), key=key)

    def as_data(self) -> dict[str, Any]:
        """Plain numbers, for the store."""
        return {name: [round(self._mean[name], 5), round(self._sure.get(name, _prior(name)), 4)] for name in self._mean}

    @classmethod
    def from_data(cls, data: Mapping[str, Sequence[float]]) -> AnswerChance:
        """What ``as_data`` gave. Raises ValueError when it is not that."""
        made = cls()
        for name, pair in data.items():
            mean, sure = pair
            if not (math.isfinite(mean) and math.isfinite(sure) and sure > 0.0):
                raise ValueError(f"{name}: {pair} is no effect")
            made._mean[name] = float(mean)
            made._sure[name] = float(sure)
        return made

    def _own(self, facts: Facts) -> float:
        """What this person, number and part of the day deviate by, each drawn to what stands above it."""
        base = _logistic(self._mean["base"])
        customer = _deviation(facts.customer, base, CUSTOMER_SPREAD)
        number = _deviation(facts.number, _logistic(self._mean["base"] + customer), NUMBER_SPREAD)
        part = _deviation(facts.part, _logistic(self._mean["base"] + customer + number), PART_SPREAD)
        return customer + number + part


def part_of(hour: int) -> int:
    """The part of the day in which an hour lies: 0 morning, 1 noon, 2 afternoon, 3 evening."""
    return next(number for number, (begin, end) in enumerate(PARTS) if begin <= hour < end)


def _effects(facts: Facts) -> list[str]:
    names = ["base", f"hour {facts.hour}", f"attempt {min(facts.attempt, MOST_ATTEMPT)}"]
    if facts.weekend:
        names.append("weekend")
        names.append(f"weekend hour {facts.hour}")
    if facts.list:
        names.append(f"list {facts.list}")
    if facts.kind:
        names.append(f"kind {facts.kind}")
        names.append(f"kind {facts.kind} hour {facts.hour}")
    if facts.last:
        names.append(f"last {facts.last}")
    return names


def _prior(name: str) -> float:
    """How sure a new effect is of being zero (inverse variance)."""
    spread = SPREAD[name.split(" ", 1)[0]] * (0.6 if name.count(" hour ") else 1.0)
    return 1.0 / (spread * spread)


def _deviation(past: Past, expected: float, spread: float) -> float:
    """The most likely deviation of the log-odds, given so many answers where a share of ``expected`` was due."""
    if past.tried <= 0:
        return 0.0
    due = past.tried * expected
    return (past.answered - due) / (1.0 / (spread * spread) + due * (1.0 - expected))


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(odds, -30.0), 30.0)))
