"""The picture of a plan: blocking against lines, as an SVG text. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import leather

from ivr.lines.blocking import erlang_b_list

LEAST_BLOCKING: Final = 1e-5  # below it nobody cares, and the scale is logarithmic
MOST_BLOCKING: Final = 0.5  # above it nobody plans
MARKS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, MOST_BLOCKING)
WIDTH, HEIGHT = 900, 560
TARGET_COLOUR: Final = "#777777"


def blocking_svg(traffics: Mapping[str, float], target: float) -> str:
    """The share of refused calls by number of lines, a curve for each named traffic (erlangs), and the target."""
    # Scales are linear: logarithms are drawn, and marked with what they are logarithms of.
    curves = {
        name: [
            (lines, math.log10(blocking))
            for lines, blocking in enumerate(erlang_b_list(traffic, _most_lines(traffic)))
            if LEAST_BLOCKING <= blocking <= MOST_BLOCKING
        ]
        for name, traffic in traffics.items()
    }
    drawn = [lines for points in curves.values() for lines, _ in points]
    least, most = min(drawn, default=0), max(drawn, default=0)
    chart = leather.Chart("Share of calls that find no line, by number of lines (Erlang B)")
    chart.add_x_scale(least, max(most, least + 1))
    chart.add_x_axis(name="lines")
    chart.add_y_scale(math.log10(LEAST_BLOCKING), math.log10(MOST_BLOCKING))
    chart.add_y_axis(
        ticks=[math.log10(mark) for mark in MARKS],
        tick_formatter=lambda value, *_: f"{10**value:.3%}".rstrip("%").rstrip("0").rstrip(".") + " %",
    )
    for name, points in curves.items():
        if points:
            chart.add_line(points, name=name)
    if LEAST_BLOCKING <= target <= MOST_BLOCKING:
        level = math.log10(target)
        ends = [(least, level), (max(most, least + 1), level)]
        name = f"target: {target:.3%} refused"
        chart.add_line(ends, name=name, stroke_color=TARGET_COLOUR, stroke_dasharray="6 6")
    return str(chart.to_svg(width=WIDTH, height=HEIGHT))


def _most_lines(traffic: float) -> int:
    """Enough lines for the curve to reach the bottom of the picture."""
    return int(traffic + 6 * traffic**0.5) + 12
