"""What the answer chance of each number gains, on a list whose numbers differ: nothing known, the model, the truth."""

from __future__ import annotations

import json
import statistics
from typing import Any

from outbound.pacing import Pacer, PacingRules
from outbound.simulated_list import Knows, SimulatedList
from outbound.simulation import Simulation, Stretch, World

HOURS = 8
SEATS = (10, 50)
SPREAD = 1.2  # of the log-odds of the numbers
ANSWER = 0.25
NUMBERS_PER_SEAT = 400
WAYS: tuple[tuple[str, Knows, bool], ...] = (
    ("one chance for all", "nothing", False),
    ("each number's own", "model", False),
    ("the same, the best hour first", "model", True),
    ("the truth", "truth", False),
    ("the truth, the best hour first", "truth", True),
)


def main(days: int, as_json: bool) -> int:
    """Print the table; ``days`` for 10 seats, a third of them for 50."""
    rows: list[dict[str, Any]] = []
    for seats in SEATS:
        for title, knows, sorts in WAYS:
            found: list[tuple[float, float, float, int]] = []
            for seed in range(days if seats <= 10 else max(1, days // 3)):
                leads = SimulatedList(
                    NUMBERS_PER_SEAT * seats, seed, answer=ANSWER, spread=SPREAD, knows=knows, sorts=sorts
                )
                world = World((Stretch(HOURS * 3600.0, seats, ANSWER),))
                total = (
                    Simulation(world, Pacer(PacingRules()), seed, leads=leads, tick=1.0, eager=seats <= 50)
                    .run()
                    .total()
                )
                share = leads.reached / max(leads.attempts, 1)
                found.append((total.utilisation, total.abandoned_share, share, total.connected))
            means = [statistics.fmean(each) for each in zip(*found, strict=True)]
            row = {
                "seats": seats,
                "way": title,
                "days": len(found),
                "utilisation": round(100 * means[0], 2),
                "abandoned": round(100 * means[1], 2),
                "answered": round(100 * means[2], 1),
                "connected": round(means[3]),
            }
            rows.append(row)
            if not as_json:
                print(
                    f"{seats:>4} seats  {title:<31}{row['utilisation']:>6.1f} % busy,{row['abandoned']:>5.2f} % "
                    f"abandoned, {row['answered']:.1f} % of the dials answered, {row['connected']:,} talks",
                    flush=True,
                )
    print(json.dumps({"bench": "pacing --lists", "rows": rows}))
    return 0
