"""What queueing theory says, to hold the simulation against: eight cases with exact answers. Pure.

* Erlang C, and A. Cobham, "Priority assignment in waiting line problems" (Operations Research 2, 1954) for several
  servers: waits by class under strict priority without preemption.
* Erlang A (C. Palm 1946): callers who lose patience.
* Accumulating priority: L. Kleinrock, "A delay dependent queue discipline" (Naval Research Logistics 11, 1964),
  recursion as in D. Stanford, P. Taylor, I. Ziedins (Queueing Systems 77, 2014).

The waits of the last are means over all calls of a class. Times in seconds (case C and F: in mean talks).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from agent_routing.policy import Policy, strict_order
from agent_routing.pool import Seat
from agent_routing.simulation import FOREVER, Goldline, Waits, poisson_calls, simulate
from db.customer import TIERS, Tier

WARM_UP: Final = 0.05  # of the calls, before anything is counted
MOST_ERRORS: Final = 3.0  # standard errors
FIRST: Final[Tier] = TIERS[0]


def erlang_c(seats: int, traffic: float) -> float:
    """The share of calls that wait (nobody gives up); ``traffic`` in erlangs, below the number of seats."""
    blocked = 1.0
    for number in range(1, seats + 1):
        blocked = traffic * blocked / (number + traffic * blocked)
    return seats * blocked / (seats - traffic * (1.0 - blocked))


def cobham(seats: int, talk: float, rates: Sequence[float]) -> list[float]:
    """The mean wait by class, the highest first, under strict priority. ``rates`` in calls a second."""
    loads = [rate * talk / seats for rate in rates]
    first = erlang_c(seats, sum(rates) * talk) * talk / seats
    above = [sum(loads[:place]) for place in range(len(loads) + 1)]
    return [first / ((1.0 - above[place]) * (1.0 - above[place + 1])) for place in range(len(loads))]


def accumulating(seats: int, talk: float, rates: Sequence[float], slopes: Sequence[float]) -> list[float]:
    """The mean wait by class when urgency is slope x waiting, the steepest class first."""
    loads = [rate * talk / seats for rate in rates]
    together = erlang_c(seats, sum(rates) * talk) * talk / seats / (1.0 - sum(loads))
    waits = [0.0] * len(loads)
    for place in reversed(range(len(loads))):
        later = sum(loads[i] * waits[i] * (1 - slopes[i] / slopes[place]) for i in range(place + 1, len(loads)))
        sooner = sum(loads[i] * (1 - slopes[place] / slopes[i]) for i in range(place))
        waits[place] = (together - later) / (1.0 - sooner)
    return waits


def erlang_a(seats: int, talk: float, rate: float, patience: float) -> tuple[float, float, float]:
    """With callers who give up: the share that waits, the share that gives up, and the mean wait."""
    logs = [0.0]
    most = seats + 60 * math.ceil(math.sqrt(seats)) + 20 * math.ceil(rate * patience)
    for number in range(1, most):
        leaving = min(number, seats) / talk + max(number - seats, 0) / patience
        logs.append(logs[-1] + math.log(rate / leaving))
    weights = [math.exp(one - max(logs)) for one in logs]
    total = sum(weights)
    waiting = sum((number - seats) * one for number, one in enumerate(weights) if number > seats) / total
    return sum(weights[seats:]) / total, waiting / patience / rate, waiting / rate


@dataclass(frozen=True, slots=True)
class Case:
    """One textbook queue and what is exact about it."""

    name: str
    title: str
    seats: int
    talk: float
    rates: tuple[float, ...]
    policy: Policy
    patience: float
    exact: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure: exact, simulated, and the standard error of the latter."""

    case: str
    figure: str
    exact: float
    simulated: float
    error: float

    @property
    def errors_apart(self) -> float:
        """How many standard errors lie between the two."""
        return abs(self.simulated - self.exact) / self.error if self.error else math.inf

    @property
    def within(self) -> bool:
        """Whether the simulation reproduces the exact figure."""
        return self.errors_apart <= MOST_ERRORS


def cases() -> tuple[Case, ...]:
    """The eight reference cases."""
    ten = (0.5 / 60, 1.0 / 60, 1.5 / 60)
    return (
        _strict("A", 10, 180.0, ten),
        _strict("B", 5, 150.0, (0.2 / 60, 0.4 / 60, 1.0 / 60)),
        _strict("C", 1, 1.0, (0.2, 0.3, 0.3)),
        _impatient("D", 20, 200.0, 6.0 / 60, 120.0),
        _impatient("E", 20, 200.0, 5.0 / 60, 120.0),
        _accumulating("F", 1, 1.0, (0.2, 0.3, 0.3), (1.0, 0.5, 0.2)),
        _accumulating("G", 10, 180.0, ten, (1.0, 0.5, 0.2)),
        _accumulating("H", 10, 180.0, ten, (1.0, 0.4080, 0.1788)),
    )


def run(case: Case, calls: int, seeds: Sequence[int]) -> list[Compared]:
    """Simulate so many calls in all, in equal parts, one for each seed (at least two)."""
    found: dict[str, list[float]] = {name: [] for name, _ in case.exact}
    each = calls // len(seeds)
    for seed in seeds:
        seats = [Seat(f"{number:03}", f"{number:03}") for number in range(case.seats)]
        rates = dict(zip(TIERS, case.rates, strict=False))
        chance = Random(f"{case.name} {seed}")  # noqa: S311 - no secret is drawn
        arrivals = poisson_calls(rates, case.talk, case.patience, each, chance)
        rule = Goldline(case.policy, seats, None)
        seen = simulate(rule, seats, arrivals, int(each * WARM_UP), keep=False)
        for name, value in _figures(case, seen):
            found[name].append(value)
    return [
        Compared(
            case.name, name, exact, statistics.fmean(found[name]), statistics.stdev(found[name]) / math.sqrt(len(seeds))
        )
        for name, exact in case.exact
    ]


def _figures(case: Case, seen: dict[Tier, Waits]) -> list[tuple[str, float]]:
    if case.patience < FOREVER:
        one = seen[FIRST]
        return [
            ("P(wait)", one.delayed / one.offered),
            ("P(gives up)", one.abandoned / one.offered),
            ("mean wait", one.waited / one.offered),
        ]
    return [
        (f"wait {tier}", seen[tier].waited / seen[tier].answered) for tier, _ in zip(TIERS, case.rates, strict=False)
    ]


def _waits(exact: Sequence[float]) -> tuple[tuple[str, float], ...]:
    return tuple((f"wait {tier}", wait) for tier, wait in zip(TIERS, exact, strict=False))


def _strict(name: str, seats: int, talk: float, rates: tuple[float, ...]) -> Case:
    exact = _waits(cobham(seats, talk, rates))
    return Case(name, "strict priority (Cobham)", seats, talk, rates, strict_order(), FOREVER, exact)


def _impatient(name: str, seats: int, talk: float, rate: float, patience: float) -> Case:
    exact = zip(("P(wait)", "P(gives up)", "mean wait"), erlang_a(seats, talk, rate, patience), strict=True)
    return Case(name, "callers who give up (Erlang A)", seats, talk, (rate,), strict_order(), patience, tuple(exact))


def _accumulating(name: str, seats: int, talk: float, rates: tuple[float, ...], slopes: tuple[float, ...]) -> Case:
    policy = strict_order({tier: 1.0 / slope for tier, slope in zip(TIERS, slopes, strict=False)})
    exact = _waits(accumulating(seats, talk, rates, slopes))
    return Case(name, "accumulating priority (Kleinrock)", seats, talk, rates, policy, FOREVER, exact)
