"""The picture of a period by the hour: what share was answered in time, and how many calls there were. Pure, SVG."""

from __future__ import annotations

from typing import ClassVar, Final

import leather

from ivr.errors import GoldlineError
from ivr.report.counts import Counts
from ivr.report.figures import Figure, figures_of
from ivr.report.reckoning import Report

WIDTH, HEIGHT = 1400, 560  # of both pictures together
LEVEL, TARGET, OFFERED, ANSWERED, ABANDONED = "#1f4e79", "#777777", "#8a6d00", "#3d5a1e", "#7a1f1f"
_WORDS: Final = {
    "zh": {
        "level": "服务水平与目标（按小时）",
        "served": "服务水平",
        "target": "目标",
        "calls": "请求人工的来电（按小时）",
        "offered": "请求人工",
        "answered": "接通",
        "abandoned": "放弃",
        "hour": "时",
    },
    "en": {
        "level": "Service level by hour, and what the targets ask",
        "served": "service level",
        "target": "target",
        "calls": "Calls that wanted a person, by hour",
        "offered": "wanted a person",
        "answered": "answered",
        "abandoned": "abandoned",
        "hour": "hour",
    },
}


class NothingToDraw(GoldlineError):
    """The period has no calls that a chart could show."""

    error_id: ClassVar[str] = "report-nothing-to-draw"


def hours_svg(report: Report, language: str) -> str:
    """Both pictures, of the whole period's hours of the day. ``report`` must have been reckoned by hour.

    Raises NothingToDraw when nobody wanted a person.
    """
    words = _WORDS["en" if language == "en" else "zh"]
    # Agents may be at work when nobody calls: those hours have nothing to show.
    hours = sorted(int(group[:2]) for group, count in report.counts["hour"].items() if count.calls or count.offered)
    if not any(count.offered for count in report.counts["hour"].values()):
        raise NothingToDraw(
            f"Nobody wanted a person from {report.period.first} to {report.period.last}.", remedy="Choose other days."
        )
    first, last = hours[0], hours[-1]
    counts = {hour: report.counts["hour"].get(f"{hour:02}:00", Counts()) for hour in range(first, last + 1)}
    figures = {
        hour: {figure.kind.name: figure for figure in figures_of(count, "hour", report.rules)}
        for hour, count in counts.items()
    }
    first_day, last_day = report.period.first, report.period.last
    days = f"{first_day} – {last_day}" if last_day > first_day else str(first_day)
    level = leather.Chart(f"{words['level']}, {days}")
    _clock(level, first, last, words["hour"])
    level.add_y_scale(0, 1)
    level.add_y_axis(tick_formatter=lambda value, *_: f"{value:.0%}")
    for name, label, style in (
        ("service_level_target", words["target"], {"stroke_color": TARGET, "stroke_dasharray": "6 6"}),
        ("service_level", words["served"], {"stroke_color": LEVEL}),
    ):
        # A line is broken where an hour has no calls: nothing was promised, and nothing missed.
        if points := _points(figures, name):
            level.add_line(points, name=label, **style)
    alone = [point for point in _points(figures, "service_level") if point[1] is not None]
    if alone:
        level.add_dots(alone, fill_color=LEVEL)  # an hour between two without calls is no line
    calls = leather.Chart(f"{words['calls']}, {days}")
    _clock(calls, first, last, words["hour"])
    calls.add_y_scale(0, max((count.offered for count in counts.values()), default=0) or 1)
    for name, label, colour in (
        ("offered", words["offered"], OFFERED),
        ("answered", words["answered"], ANSWERED),
        ("abandoned", words["abandoned"], ABANDONED),
    ):
        if points := _points(figures, name):
            calls.add_line(points, name=label, stroke_color=colour)
    grid = leather.Grid()
    # While all calls are too young to be judged there is no level; leather draws no chart of nothing.
    grid.add_many([level, calls] if alone else [calls])
    return str(grid.to_svg(width=WIDTH, height=HEIGHT))


def _clock(chart: leather.Chart, first: int, last: int, name: str) -> None:
    chart.add_x_scale(first, max(last, first + 1))
    chart.add_x_axis(ticks=list(range(first, max(last, first + 1) + 1)), name=name)


def _points(figures: dict[int, dict[str, Figure]], name: str) -> list[tuple[int, float | None]]:
    points = [(hour, of_hour[name].value) for hour, of_hour in figures.items()]
    return points if any(value is not None for _, value in points) else []  # leather draws no line of nothing
