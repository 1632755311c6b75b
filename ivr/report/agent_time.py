"""What an agent did from when to when, out of the lines of history. Pure.

Each line spans a whole interval; what the agent does since the last one is known from where it led. Lines in any order,
lines told twice, and lines from before and after the period give the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import NamedTuple

from db.agent import State, StateChange


class Span(NamedTuple):
    """The agent was in this state."""

    state: State
    since: datetime.datetime
    until: datetime.datetime


def spans(lines: Iterable[StateChange], asked_at: datetime.datetime) -> list[Span]:
    """The spans of one agent; the last one goes on until ``asked_at``."""
    known = sorted(dict.fromkeys(lines), key=lambda line: (line.at, line.id))
    found = [Span(line.from_state, line.since, line.at) for line in known if line.at > line.since]
    if known and known[-1].at < asked_at:
        found.append(Span(known[-1].to_state, known[-1].at, asked_at))
    return found
