"""The picture of a simulated day: how busy agents were and what was abandoned, hour by hour, as an SVG text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Final

import leather

from outbound.simulation import Day

COLOURS: Final = ("#1f4e79", "#d95f5f", "#8a6d00", "#3d5a1e", "#7a1f1f", "#6fa8dc")
CAP_COLOUR: Final = "#777777"
WIDTH, HEIGHT = 1400, 560  # of both pictures together


def day_svg(days: Mapping[str, Day], cap: float) -> str:
    """Two pictures, a line for each named day in both; the cap on the abandoned share beside."""
    busy = leather.Chart("Share of the logged-in time that agents talk or wrap up")
    lost = leather.Chart("Share of the answered calls that found no agent within 2 s")
    last = max(len(day.hours) for day in days.values())
    most = max([cap * 1.5, *(day.worst_hour() * 1.1 for day in days.values())])
    for chart, top in ((busy, 1.0), (lost, most)):
        chart.add_x_scale(1, max(last, 2))
        chart.add_x_axis(name="hour", ticks=list(range(1, max(last, 2) + 1)), tick_formatter=lambda hour, *_: f"{hour}")
        chart.add_y_scale(0, top)
        chart.add_y_axis(tick_formatter=lambda share, *_: f"{share:.0%}")
    for (name, day), colour in zip(days.items(), cycle(COLOURS), strict=False):
        hours = list(enumerate(day.hours, 1))
        worked = [(number, hour.utilisation) for number, hour in hours if hour.logged_in]
        abandoned = [(number, hour.abandoned_share) for number, hour in hours if hour.answered]
        if worked:
            busy.add_line(worked, name=name, stroke_color=colour)
        if abandoned:
            lost.add_line(abandoned, name=name, stroke_color=colour)
    lost.add_line([(1, cap), (max(last, 2), cap)], name="cap", stroke_color=CAP_COLOUR, stroke_dasharray="6 6")
    grid = leather.Grid()
    if any(hour.logged_in for day in days.values() for hour in day.hours):  # leather draws no chart of nothing
        grid.add_one(busy)
    grid.add_one(lost)
    return str(grid.to_svg(width=WIDTH, height=HEIGHT))
