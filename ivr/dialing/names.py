"""Ids of calls that campaigns make. Pure.

An attempt's call is known in Asterisk, the journal and the queue by ``attempt-`` and the number of its row, chosen
before Asterisk hears of it. Where a seat is rung first, its leg has that and a suffix of its own.
"""

from __future__ import annotations

from typing import Final

ATTEMPT_PREFIX: Final = "attempt-"


def call_of(attempt: int) -> str:
    """The id of the call of this row."""
    return f"{ATTEMPT_PREFIX}{attempt}"


def attempt_of(call: str) -> int | None:
    """The row of this call; None when it is no attempt's, and of the leg to a seat."""
    number = call.removeprefix(ATTEMPT_PREFIX)
    return int(number) if number != call and number.isascii() and number.isdigit() else None


def call_of_leg(channel: str) -> str:
    """The call for which this leg rings a seat; empty when it is no such leg."""
    call, dash, suffix = channel.rpartition("-")
    return call if dash and suffix and attempt_of(call) is not None else ""
