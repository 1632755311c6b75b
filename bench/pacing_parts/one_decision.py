"""Processor time of one decision of the predictive pacer, by number of seats."""

from __future__ import annotations

import json
import statistics
import time

from outbound.pacing import Limits, Pacer, PacingDecision, PacingRules
from outbound.simulation import Simulation, Stretch, World

SIZES = (5, 20, 50, 200)
MINUTES = 12  # the first half of them is not counted: an even load comes after the rush of the beginning


class Timed(Pacer):
    """The pacer, with a stopwatch."""

    def __init__(self, after: float) -> None:
        super().__init__(PacingRules())
        self.after = after
        self.spent: list[float] = []

    def decide(self, now: float, limits: Limits, upcoming: tuple[float | None, ...] = ()) -> PacingDecision:  # type: ignore[override]
        began = time.process_time_ns()
        decision = super().decide(now, limits, upcoming)
        if now > self.after:
            self.spent.append((time.process_time_ns() - began) / 1e6)
        return decision


def main(as_json: bool) -> int:
    rows = []
    for seats in SIZES:
        timed = Timed(after=30.0 * MINUTES)
        Simulation(World((Stretch(60.0 * MINUTES, seats, 0.4),)), timed, seed=1).run()
        spent = sorted(timed.spent)
        row = {
            "seats": seats,
            "decisions": len(spent),
            "median_ms": round(statistics.median(spent), 3),
            "p99_ms": round(spent[int(0.99 * len(spent))], 3),
        }
        rows.append(row)
        if not as_json:
            print(
                f"{seats:>4} seats: median {row['median_ms']} ms, p99 {row['p99_ms']} ms of processor time", flush=True
            )
    print(json.dumps({"bench": "pacing --cost", "decisions": rows}))
    return 0
