"""How long a seat may be in each state (``seat_times.yaml``), checked with line and remedy. Pure but for ``read``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from db.agent import State
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

TIMES_FILE: Final = Path(__file__).parent / "seat_times.yaml"
DAY: Final = 24 * 3600.0


class SeatTimesInvalid(FileInvalid):
    """The times of seats cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "seat-times-invalid"


@dataclass(frozen=True, slots=True)
class SeatTimes:
    """``longest`` holds the states that can be stuck; a wrap-up ends by itself."""

    longest: Mapping[State, datetime.timedelta]
    wrap_up: datetime.timedelta
    more_time: datetime.timedelta
    wrap_up_most: datetime.timedelta
    missed_in_a_row: int


def read(path: Path = TIMES_FILE) -> SeatTimes:
    """The times in this file. Raises SeatTimesInvalid."""
    return read_checked(path, load, SeatTimesInvalid)


def load(text: str, file: str) -> tuple[SeatTimes | None, list[Problem]]:
    """The times in this text, and every problem; with problems the times are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)

    def span(name: str, default: str, least: float, most: float) -> datetime.timedelta:
        return datetime.timedelta(seconds=fields.seconds(name, default, least, most))

    # A lease shorter than a round to Asterisk would free every seat before it rings.
    longest: dict[State, datetime.timedelta] = {
        "reserved": span("reserved", "3s", 1, 120),
        "ringing": span("ringing", "20s", 3, 300),
        "talking": span("talking", "240m", 60, DAY),
        "gone": span("gone", "30m", 10, DAY),
        "paused": span("paused", "720m", 60, DAY),
    }
    times = SeatTimes(
        longest,
        wrap_up=span("wrap_up", "30s", 0, 3600),
        more_time=span("more_time", "60s", 1, 3600),
        wrap_up_most=span("wrap_up_most", "10m", 0, DAY),
        missed_in_a_row=fields.number("missed_in_a_row", 3, 1, 100),
    )
    if times.wrap_up_most < times.wrap_up:
        fields.problem("wrap_up_most", "wrap_up_most is shorter than wrap_up.", "Make it at least as long.")
    fields.done()
    return times, sorted(problems)
