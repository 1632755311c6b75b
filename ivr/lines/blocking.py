"""How often callers find no line: the loss formulas, and the lines needed. Pure.

All take offered traffic in erlangs (calls per hour times mean holding time in hours). Calls arrive as a Poisson stream;
a refused caller is gone. Where it says "any holding times", only their mean matters.

* Erlang B: A. K. Erlang 1917; the recursion and its stability: D. L. Jagerman, "Some properties of the Erlang loss
  function", Bell System Technical Journal 53 (1974).
* Trunk reservation, exact where all classes have the same mean holding time, exponentially distributed: the number of
  calls that are up, whatever their classes, is then a birth-death chain. With different means the same recursion is the
  approximation of J. W. Roberts (ITC 10, 1983), which takes to reservation the one that J. S. Kaufman ("Blocking in a
  shared resource environment", IEEE Transactions on Communications 29, 1981) and J. W. Roberts (1981) found without.
* Nested limits without reservation, exact for any holding times: the states are those of unlimited lines, cut off
  (product form; J. S. Kaufman 1981, section II).

For limits and reservation together there is no formula; ``bench/blocking.py`` simulates them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

MOST_LINES = 100_000  # no trunk group has as many: a search beyond is a mistake in the traffic


def erlang_b(traffic: float, lines: int) -> float:
    """The share of calls that find all lines busy. Any distribution of holding times. Raises ValueError below zero."""
    _check(traffic, lines)
    blocking = 1.0
    for busy in range(1, lines + 1):
        blocking = traffic * blocking / (busy + traffic * blocking)
    return blocking


def erlang_b_list(traffic: float, most_lines: int) -> list[float]:
    """``erlang_b`` for 0, 1, … ``most_lines`` lines."""
    _check(traffic, most_lines)
    return list(accumulate(range(1, most_lines + 1), lambda b, busy: traffic * b / (busy + traffic * b), initial=1.0))


def lines_needed(traffic: float, target: float) -> int:
    """The fewest lines at which no more than ``target`` of the calls find all lines busy.

    Raises ValueError for a target outside (0, 1) and for a traffic that would need more than MOST_LINES.
    """
    _check(traffic, 0)
    if not 0.0 < target < 1.0:
        raise ValueError(f"the blocking must lie between 0 and 1, not {target}")
    blocking, lines = 1.0, 0
    while blocking > target:
        lines += 1
        if lines > MOST_LINES:
            raise ValueError(f"{traffic:g} erlangs would need more than {MOST_LINES} lines")
        blocking = traffic * blocking / (lines + traffic * blocking)
    return lines


def traffic_allowed(lines: int, target: float) -> float:
    """The most traffic that may be offered to so many lines: the inverse of ``erlang_b`` in its traffic."""
    if lines < 1 or not 0.0 < target < 1.0:
        raise ValueError("there must be a line, and the blocking must lie between 0 and 1")
    low, high = 0.0, lines / (1.0 - target)  # more is refused even by lines that are always full
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if erlang_b(middle, lines) <= target else (low, middle)
    return low


def reservation_blocking(traffics: Sequence[float], lines: int, must_leave: Sequence[int]) -> list[float]:
    """Blocking per class under trunk reservation: class c gets a line when more than ``must_leave[c]`` are free.

    Exact when all classes have the same mean holding time, exponentially distributed (see the module's head).
    """
    for traffic in traffics:
        _check(traffic, lines)
    weights = [1.0]
    for busy in range(lines):
        arriving = math.fsum(a for a, leave in zip(traffics, must_leave, strict=True) if lines - busy > leave)
        weights.append(weights[-1] * arriving / (busy + 1))
        if weights[-1] > 1e200:  # only the proportions count
            weights = [weight / weights[-1] for weight in weights]
    total = math.fsum(weights)
    return [math.fsum(weights[max(lines - leave, 0) :]) / total for leave in must_leave]


def nested_limit_blocking(traffics: Sequence[float], limits: Sequence[int]) -> list[float]:
    """Blocking per class, the lowest first, where at most ``limits[c]`` calls of class c and below may be up at once.

    The last limit is the number of lines. Exact for any distribution of holding times, also with different means.
    """
    for traffic, limit in zip(traffics, limits, strict=True):
        _check(traffic, limit)
    everything = _weight(traffics, limits)
    return [
        1.0 - _weight(traffics, [*limits[:rank], *(limit - 1 for limit in limits[rank:])]) / everything
        for rank in range(len(traffics))
    ]


def _weight(traffics: Sequence[float], limits: Sequence[int]) -> float:
    """The probability that unlimited lines would be in a state within the limits."""
    if min(limits) < 0:
        return 0.0
    together = [1.0]
    for traffic, limit in zip(traffics, limits, strict=True):
        own = _poisson(traffic, limit)
        together = [
            math.fsum(together[lower] * own[up - lower] for lower in range(min(up + 1, len(together))))
            for up in range(limit + 1)
        ]
    return math.fsum(together)


def _poisson(mean: float, most: int) -> list[float]:
    if not mean:
        return [1.0] + [0.0] * most
    return [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(most + 1)]


def _check(traffic: float, lines: int) -> None:
    if not (traffic >= 0.0 and math.isfinite(traffic)):
        raise ValueError(f"the traffic must be zero or more erlangs, not {traffic}")
    if lines < 0:
        raise ValueError(f"there cannot be {lines} lines")
