"""The picture of a simulated day: which share of callers waited longer than so many seconds, as an SVG text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import leather

POINTS: Final = 60  # of each curve
LONGEST: Final = 300.0  # seconds: the promise to the lowest tier ends there
WIDTH, HEIGHT = 900, 560


def waits_svg(waits: Mapping[str, Sequence[float]]) -> str:
    """A curve for each name: the share of the answered calls that waited longer."""
    chart = leather.Chart("Share of answered callers who waited longer than so many seconds")
    chart.add_x_scale(0, LONGEST)
    chart.add_x_axis(name="seconds")
    chart.add_y_scale(0, 1)
    chart.add_y_axis(tick_formatter=lambda value, *_: f"{value:.0%}")
    for name, found in waits.items():
        if found:
            moments = [LONGEST * point / POINTS for point in range(POINTS + 1)]
            chart.add_line([(at, sum(wait > at for wait in found) / len(found)) for at in moments], name=name)
    return str(chart.to_svg(width=WIDTH, height=HEIGHT))
