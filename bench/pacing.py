"""How busy agents are kept at a held cap on abandoned calls: our pacer and others on the same simulated days.

    python bench/pacing.py [--sizes 5,10,20,50,200] [--cases steady,changing,short,machines]
                           [--policies progressive,power:2,power:3,adaptive,predictive,clairvoyant]
                           [--days 6] [--results FILE] [--json]
    python bench/pacing.py --lists            what the answer chance of each number gains, on lists whose numbers differ
    python bench/pacing.py --cost             processor time of one decision

Days of 8 hours from a cold start (the model of ``outbound/simulation.py``). A cell is utilisation % / abandoned % of
the answered calls / worst clock hour %, means over the days but for the worst hour, which is the worst of all days.
Every policy is held to 3 %. Days are kept in the results file (``.run/pacing.jsonl``) as they are done: a run that was
cut goes on where it was, and one with other code begins anew.

Exit code 1 when our pacer misses a target: the utilisation of the reference in each cell, 3.00 % on every single day,
and on changing days no hour above 5 %.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from bench.pacing_parts import lists, one_decision  # noqa: E402
from bench.pacing_parts.cells import CAP, HOUR_CAP, SEEDS, SIZES, Cell, cells  # noqa: E402
from bench.pacing_parts.results import Result, Results  # noqa: E402
from outbound.policies import policy  # noqa: E402
from outbound.simulation import Simulation  # noqa: E402

POLICIES = "progressive,power:2,power:3,adaptive,predictive,clairvoyant"
OURS = "predictive"
EAGER_UP_TO = 50  # seats: asked each second and after each fact; above, twice a second (as the reference did for all)


def main() -> int:
    options = _options()
    if options.cost:
        return one_decision.main(options.json)
    if options.lists:
        return lists.main(options.days or 4, options.json)
    sizes = [int(size) for size in options.sizes.split(",")]
    policies = options.policies.split(",")
    results = Results(Path(options.results), _version())
    missed: list[str] = []
    told: list[dict[str, Any]] = []
    for cell in cells(options.cases.split(","), sizes):
        seeds = range(options.days or SEEDS[cell.seats])
        for name in policies:
            for seed in seeds:
                if results.get(cell, name, seed) is None:
                    results.add(_day(cell, name, seed))
            done = results.of(cell, name, seeds)
            if not options.json:
                _print(cell, name, done)
            told.append(_summary(cell, name, done))
            if name == OURS:
                missed += _missed(cell, done)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    print(json.dumps({"bench": "pacing", "cells": told, "missed": missed}))
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Pacing on simulated days", epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(str(size) for size in SIZES), help="seats")
    parser.add_argument("--cases", default="steady,changing,short,machines")
    parser.add_argument("--policies", default=POLICIES)
    parser.add_argument("--days", type=int, default=0, help="days for each cell (default 6 for few seats, 1 for 200)")
    parser.add_argument("--results", default=str(ROOT / ".run" / "pacing.jsonl"))
    parser.add_argument("--lists", action="store_true")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    return parser.parse_args()


def _version() -> str:
    """A digest of the code that the days depend on."""
    digest = hashlib.sha256()
    for name in (
        "abandonment",
        "hazards",
        "pacing",
        "pacing_peers",
        "poisson_binomial",
        "policies",
        "simulation",
    ):
        path = ROOT / "outbound" / f"{name}.py"
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:16]


def _day(cell: Cell, name: str, seed: int) -> Result:
    began = time.process_time()
    eager = cell.seats <= EAGER_UP_TO
    day = Simulation(cell.world(), policy(name)(), seed, eager=eager, tick=1.0 if eager else 0.5).run()
    cpu = time.process_time() - began
    total = day.total()
    return Result(
        case=cell.case,
        seats=cell.seats,
        answer=cell.answer,
        policy=name,
        seed=seed,
        utilisation=100 * total.utilisation,
        abandoned=100 * total.abandoned_share,
        worst_hour=100 * day.worst_hour(),
        answered=total.answered,
        dials_per_answer=total.dialled / max(total.answered, 1),
        cancelled=100 * total.cancelled / max(total.dialled, 1),
        cpu=round(cpu, 2),
        decision_us=round(1e6 * cpu / max(day.decisions, 1), 1),
    )


def _summary(cell: Cell, name: str, done: list[Result]) -> dict[str, Any]:
    return {
        "case": cell.case,
        "seats": cell.seats,
        "answer": cell.answer,
        "policy": name,
        "days": len(done),
        "utilisation": round(statistics.fmean(one.utilisation for one in done), 2),
        "abandoned": round(statistics.fmean(one.abandoned for one in done), 2),
        "worst_day": round(max(one.abandoned for one in done), 2),
        "worst_hour": round(max(one.worst_hour for one in done), 1),
        "dials_per_answer": round(statistics.fmean(one.dials_per_answer for one in done), 2),
        "cancelled": round(statistics.fmean(one.cancelled for one in done), 1),
        "decision_us": round(statistics.fmean(one.decision_us for one in done), 1),
    }


def _print(cell: Cell, name: str, done: list[Result]) -> None:
    row = _summary(cell, name, done)
    target = f"  (reference {cell.target})" if name == OURS and cell.target else ""
    print(
        f"{cell.case:<9}{cell.seats:>4} seats  p={cell.answer:.2f}  {name:<12}{row['utilisation']:>6.1f} /"
        f"{row['abandoned']:>5.2f} /{row['worst_hour']:>5.1f}   worst day {row['worst_day']:.2f}, "
        f"{row['dials_per_answer']:.2f} dials per answer, {row['cancelled']:.0f} % given up{target}",
        flush=True,
    )


def _missed(cell: Cell, done: list[Result]) -> list[str]:
    row = _summary(cell, OURS, done)
    where = f"{cell.case}, {cell.seats} seats, p={cell.answer}"
    found: list[str] = []
    if cell.target is not None and round(row["utilisation"], 1) < cell.target:
        found.append(f"{where}: {row['utilisation']} % busy, the reference {cell.target} %")
    found += [f"{where}, day {one.seed}: {one.abandoned:.2f} %" for one in done if one.abandoned > 100 * CAP]
    if cell.case == "changing":
        found += [
            f"{where}, day {one.seed}: an hour of {one.worst_hour:.1f} %"
            for one in done
            if one.worst_hour > 100 * HOUR_CAP
        ]
    return found


if __name__ == "__main__":
    sys.exit(main())
