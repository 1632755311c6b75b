"""The picture of a plan: blocking against lines, as an SVG text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pygal
from pygal.style import CleanStyle

from ivr.lines.blocking import erlang_b_list

LEAST_BLOCKING: Final = 1e-5  # below it nobody cares, and the scale is logarithmic
MARKS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def blocking_svg(traffics: Mapping[str, float], target: float) -> str:
    """The share of refused calls by number of lines, a curve for each named traffic (erlangs), and the target."""
    curves = {
        name: [
            (lines, blocking)
            for lines, blocking in enumerate(erlang_b_list(traffic, _most_lines(traffic)))
            if blocking >= LEAST_BLOCKING
        ]
        for name, traffic in traffics.items()
    }
    most = max((points[-1][0] for points in curves.values()), default=1)
    chart = pygal.XY(
        title="Blocking against lines (Erlang B)",
        x_title="lines",
        y_title="share of calls that find no line",
        logarithmic=True,
        y_labels=list(MARKS),
        range=(LEAST_BLOCKING, 1.0),
        show_dots=False,
        x_value_formatter=lambda value: f"{value:.0f}",
        value_formatter=lambda value: f"{value:.3%}".rstrip("0%").rstrip(".") + " %",
        style=CleanStyle,
        legend_at_bottom=True,
        js=[],  # a picture needs nothing from elsewhere
    )
    for name, points in curves.items():
        chart.add(name, points)
    chart.add(f"target {target:.2%}", [(0, target), (most, target)], stroke_style={"dasharray": "6, 6"})
    return str(chart.render(is_unicode=True))


def _most_lines(traffic: float) -> int:
    """Enough lines for the curve to reach the bottom of the picture."""
    return int(traffic + 6 * traffic**0.5) + 12
