"""The picture of a campaign's coverage: the share that was reached, a bar for each branch, as an SVG text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import leather

from outbound.coverage import Row

WIDTH: Final = 900
PER_BRANCH: Final = 34  # pixels
AROUND: Final = 140
MOST_BRANCHES: Final = 60  # bars that one can read


def coverage_svg(title: str, rows: Sequence[Row]) -> str:
    """The picture. The worst branches stand on top; beyond MOST_BRANCHES only they are drawn."""
    branches = sorted((row for row in rows if row.branch), key=lambda row: (row.coverage, row.branch))[:MOST_BRANCHES]
    # leather draws the first bar at the top.
    bars = [(round(100 * row.coverage, 1), f"{row.branch} ({row.targets:,})") for row in branches]
    chart = leather.Chart(f"{title}: reached, % of the targets of each branch")
    chart.add_x_scale(0, 100)
    chart.add_x_axis(name="%", ticks=[0, 20, 40, 60, 80, 100])
    chart.add_bars(bars or [(0.0, "-")])
    return str(chart.to_svg(width=WIDTH, height=AROUND + PER_BRANCH * max(1, len(bars))))
