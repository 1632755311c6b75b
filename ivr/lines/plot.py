"""The picture of a plan: blocking against lines, as an SVG text. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import pygal
from pygal.style import CleanStyle

from ivr.lines.blocking import erlang_b_list

LEAST_BLOCKING: Final = 1e-5  # below it nobody cares, and the scale is logarithmic
MOST_BLOCKING: Final = 0.5  # above it nobody plans
MARKS: Final = {"0.001 %": 1e-5, "0.01 %": 1e-4, "0.1 %": 1e-3, "1 %": 1e-2, "10 %": 1e-1, "50 %": 0.5}


def blocking_svg(traffics: Mapping[str, float], target: float) -> str:
    """The share of refused calls by number of lines, a curve for each named traffic (erlangs), and the target."""
    curves = {
        name: [
            (lines, math.log10(blocking))
            for lines, blocking in enumerate(erlang_b_list(traffic, _most_lines(traffic)))
            if LEAST_BLOCKING <= blocking <= MOST_BLOCKING
        ]
        for name, traffic in traffics.items()
    }
    drawn = [lines for points in curves.values() for lines, _ in points] or [0, 1]
    chart = pygal.XY(
        title="Blocking against lines (Erlang B)",
        x_title="lines",
        y_title="share of calls that find no line",
        # pygal's own logarithmic scale would be one for the lines, too: so the logarithms are drawn on a plain one.
        y_labels=[{"label": label, "value": math.log10(mark)} for label, mark in MARKS.items()],
        range=(math.log10(LEAST_BLOCKING), math.log10(MOST_BLOCKING)),
        show_dots=False,
        x_value_formatter=lambda lines: f"{lines:.0f}",
        style=CleanStyle,
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        truncate_legend=-1,
        js=[],  # a picture needs nothing from elsewhere
    )
    for name, points in curves.items():
        chart.add(name, points)
    if LEAST_BLOCKING <= target <= MOST_BLOCKING:
        level = math.log10(target)
        ends = [(min(drawn), level), (max(drawn), level)]
        chart.add(f"target: {target:.3%} refused", ends, stroke_style={"dasharray": "6, 6"})
    return str(chart.render(is_unicode=True))


def _most_lines(traffic: float) -> int:
    """Enough lines for the curve to reach the bottom of the picture."""
    return int(traffic + 6 * traffic**0.5) + 12
