"""Who finds no line when lines get scarce: simulated callers beside the formula.

    python bench/blocking.py [--calls 1000000] [--seed 1] [--json]

Callers arrive at random (Poisson) at the trunk groups of ``dialplans/lines.yaml`` (420 and 60 lines), hold their line
for a random time (exponential) on a virtual clock, and are let in or turned away by the very code that the hotline runs
(``ivr.lines.allocation.decide``). Beside the share of each class that found no line stands the formula's
(``ivr.lines.blocking``):

* reservation, all classes holding equally long: exact, judged;
* nested limits without reservation: exact, judged;
* reservation, classes holding differently long: the formula is an approximation then, shown and not judged;
* limits and reservation as in the file: there is no formula, shown as it is.

Exit code 1 when a judged share lies more than three standard errors from its formula. By chance alone one in some 250
does, so another seed may show one where the code is right. Standard errors are those of BATCHES batch means. A class
with fewer than LEAST_EXPECTED refusals to expect (or calls let in) is too rare to be judged by them: it must only be
rare in the simulation as well.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ivr.lines.allocation import CLASSES, RANK, CallClass, TrunkGroup, decide
from ivr.lines.blocking import nested_limit_blocking, reservation_blocking
from ivr.lines.load import read_lines

FILE = Path(__file__).resolve().parent.parent / "dialplans" / "lines.yaml"
BATCHES = 50
WARM_UP = 15  # mean holding times before anything is counted: e^-15 of the empty beginning is left
MOST_ERRORS = 3.0
LEAST_EXPECTED = 100  # refusals come in bursts: with fewer of them batch means know nothing of their own error

# How a brokerage's calls divide, a share of the traffic for each class.
DAY: Mapping[str, Mapping[CallClass, float]] = {
    "city": {"others": 0.55, "registered": 0.20, "trading": 0.20, "gold": 0.04, "platinum": 0.01},
    "priority": {"registered": 0.40, "trading": 0.30, "gold": 0.20, "platinum": 0.10},
}
# … and when the market falls and everybody wants to sell.
PANIC: Mapping[CallClass, float] = {"others": 0.15, "registered": 0.10, "trading": 0.60, "gold": 0.11, "platinum": 0.04}
LOADS = (0.9, 1.0, 1.3)  # offered erlangs for each line: a full hour, too many, far too many
PANIC_LOADS = (1.3, 1.8)
HOLDING: Mapping[CallClass, float] = {"others": 0.6, "registered": 1.0, "trading": 1.4, "gold": 1.6, "platinum": 1.6}


@dataclass(frozen=True)
class Case:
    """One trunk group under one load."""

    title: str
    group: TrunkGroup
    traffics: Sequence[float]  # erlangs, by rank of the class
    formula: Sequence[float] | None
    judged: bool = True
    holding: Mapping[CallClass, float] = field(default_factory=dict)  # mean, 1 where nothing is said


@dataclass
class Seen:
    """What became of a class's calls, in one batch."""

    calls: int = 0
    refused: int = 0


def simulate(
    group: TrunkGroup,
    traffics: Sequence[float],
    calls: int,
    seed: int,
    holding: Mapping[CallClass, float] | None = None,
    batches: int = BATCHES,
) -> list[list[Seen]]:
    """Let callers arrive; per batch and class, how many came and how many were refused. The same seed, the same day."""
    chance = random.Random(seed)
    means = [(holding or {}).get(name, 1.0) for name in CLASSES]
    rates = [traffic / mean for traffic, mean in zip(traffics, means, strict=True)]
    ranks = range(len(CLASSES))
    total = sum(rates)
    cumulative = [sum(rates[: rank + 1]) for rank in ranks]
    up = [0] * len(CLASSES)
    ends: list[tuple[float, int]] = []
    seen = [[Seen() for _ in ranks] for _ in range(batches)]
    now, counted = 0.0, 0
    warm_at = WARM_UP * max(means)
    while counted < calls:
        now += chance.expovariate(total)
        while ends and ends[0][0] <= now:
            up[heapq.heappop(ends)[1]] -= 1
        drawn = chance.random() * total
        rank = next(rank for rank in ranks if drawn < cumulative[rank])
        admitted = decide(group, up, CLASSES[rank]).admitted
        if admitted:
            up[rank] += 1
            heapq.heappush(ends, (now + chance.expovariate(1 / means[rank]), rank))
            if sum(up) > group.lines:
                raise AssertionError(f"{sum(up)} calls on {group.lines} lines")
        if now >= warm_at:
            one = seen[counted * batches // calls][rank]
            one.calls += 1
            one.refused += not admitted
            counted += 1
    return seen


def share_and_error(batches: Sequence[Seen]) -> tuple[float, float]:
    """The share of refused calls and its standard error, from batch means."""
    calls = sum(one.calls for one in batches)
    share = sum(one.refused for one in batches) / calls
    # A ratio estimate: batches have different numbers of calls.
    residuals = [one.refused - share * one.calls for one in batches]
    error = statistics.stdev(residuals) * math.sqrt(len(batches)) / calls
    return share, error


def cases() -> Iterator[Case]:
    """What is simulated."""
    plan, problems, _ = read_lines(FILE)
    if plan is None:
        raise SystemExit("\n".join(map(str, problems)))
    days = [(name, "a day's callers", mix, load) for name, mix in DAY.items() for load in LOADS]
    days += [("city", "a panic's callers", PANIC, load) for load in PANIC_LOADS]
    for name, callers, mix, load in days:
        reserved = replace(plan.trunks[name].group, limits={})
        traffics = _traffics(mix, load * reserved.lines)
        formula = reservation_blocking(traffics, reserved.lines, reserved.must_leave)
        yield Case(f"{name}, reservation, {callers}, {sum(traffics):.0f} erlangs", reserved, traffics, formula)
    city = plan.trunks["city"].group
    limited = replace(city, kept={}, limits={**city.limits, "platinum": city.lines})
    traffics = _traffics({"others": 0.8, "registered": 0.1, "trading": 0.1}, float(city.lines))
    bounds = [
        min(limit for name, limit in limited.limits.items() if RANK[name] >= rank) for rank in range(len(CLASSES))
    ]
    formula = nested_limit_blocking(traffics, bounds)
    yield Case(f"city, nested limits, {sum(traffics):.0f} erlangs", limited, traffics, formula)
    traffics = _traffics(PANIC, 1.3 * city.lines)
    reserved = replace(city, limits={})
    formula = reservation_blocking(traffics, city.lines, city.must_leave)
    yield Case("city, reservation, unequal holding times", reserved, traffics, formula, False, HOLDING)
    crash = _traffics(DAY["city"], 1.3 * city.lines)
    yield Case(f"city, limits and reservation as in the file, {sum(crash):.0f} erlangs", city, crash, None, False)


def _traffics(mix: Mapping[CallClass, float], erlangs: float) -> list[float]:
    return [mix.get(name, 0.0) * erlangs for name in CLASSES]


def measure(case: Case, calls: int, seed: int) -> list[dict[str, Any]]:
    """One row for each class that called."""
    batches = simulate(case.group, case.traffics, calls, seed, case.holding)
    rows = []
    for rank, name in enumerate(CLASSES):
        if not case.traffics[rank]:
            continue
        own = [batch[rank] for batch in batches]
        share, error = share_and_error(own)
        count = sum(one.calls for one in own)
        row: dict[str, Any] = {"class": name, "calls": count, "simulated": share, "standard_error": error}
        if case.formula is not None:
            expected = case.formula[rank]
            row["formula"] = expected
            row["errors_apart"] = abs(share - expected) / error if error else None
            if case.judged:
                row["verdict"] = _verdict(share, error, expected, count)
        rows.append(row)
    return rows


def _verdict(share: float, error: float, expected: float, calls: int) -> str:
    if min(expected, 1 - expected) * calls < LEAST_EXPECTED:
        return "rare" if abs(share - expected) * calls < 4 * LEAST_EXPECTED else "MISSED"
    return "within" if abs(share - expected) <= MOST_ERRORS * error else "MISSED"


def main() -> int:
    """Print a table and, last, one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls counted in each case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    began = time.perf_counter()
    report = []
    for number, case in enumerate(cases()):
        rows = measure(case, options.calls, options.seed * 1000 + number)
        report.append({"case": case.title, "lines": case.group.lines, "classes": rows})
        if not options.json:
            _print(case, rows)
    rows = [row for one in report for row in one["classes"]]
    judged = [row for row in rows if row.get("verdict") in ("within", "MISSED")]
    missed = sum(row.get("verdict") == "MISSED" for row in rows)
    furthest = max((row["errors_apart"] or 0.0 for row in judged), default=0.0)
    seconds = time.perf_counter() - began
    if not options.json:
        print(f"{len(judged)} shares judged, {missed} missed; the furthest lies {furthest:.2f} standard errors away")
    summary = {
        "bench": "blocking",
        "calls": options.calls * len(report),
        "seconds": round(seconds, 1),
        "judged": len(judged),
        "missed": missed,
        "furthest_errors": round(furthest, 2),
    }
    print(json.dumps({**summary, "cases": report}))
    return 1 if missed else 0


def _print(case: Case, rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"{case.title} ({case.group.lines} lines)")
    print(f"  {'class':<12}{'calls':>9}{'simulated':>12}{'± error':>11}{'formula':>12}{'errors':>8}")
    for row in rows:
        formula = f"{row['formula']:.4%}" if "formula" in row else "-"
        apart = row.get("errors_apart")
        print(
            f"  {row['class']:<12}{row['calls']:>9}{row['simulated']:>12.4%}{row['standard_error']:>11.4%}"
            f"{formula:>12}{'-' if apart is None else format(apart, '.2f'):>8}  {row.get('verdict', '')}"
        )
    print()


if __name__ == "__main__":
    sys.exit(main())
