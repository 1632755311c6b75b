"""The picture of a simulated day: which share of callers waited longer than so many seconds, as an SVG text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Final

import leather

POINTS: Final = 60  # of each curve
LONGEST: Final = 300.0  # seconds: the promise to the lowest tier ends there
COLOURS: Final = ("#7a1f1f", "#d95f5f", "#8a6d00", "#e0b400", "#1f4e79", "#6fa8dc", "#3d5a1e", "#9bbf65")
WIDTH, HEIGHT = 900, 560


def waits_svg(waits: Mapping[str, Sequence[float]]) -> str:
    """A curve for each name: the share of the answered calls that waited longer."""
    chart = leather.Chart("Share of answered callers who waited longer than so many seconds")
    chart.add_x_scale(0, LONGEST)
    chart.add_x_axis(name="seconds")
    chart.add_y_scale(0, 1)
    chart.add_y_axis(tick_formatter=lambda value, *_: f"{value:.0%}")
    for (name, found), colour in zip(waits.items(), cycle(COLOURS), strict=False):
        if found:
            moments = [LONGEST * point / POINTS for point in range(POINTS + 1)]
            curve = [(at, sum(wait > at for wait in found) / len(found)) for at in moments]
            chart.add_line(curve, name=name, stroke_color=colour)
    return str(chart.to_svg(width=WIDTH, height=HEIGHT))
