"""A call's row as a fold of its events. Pure.

The result depends on the set of events alone: not on the order in which they were stored, nor on how often.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.events import CALL_ANSWERED, CALL_ENDED, CALL_KINDS, CALL_REFUSED, CALL_RESUMED, CALL_STARTED, Event

REFUSED = "refused"  # how a call ended that got no line, also when its caller was heard out and left a number


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, as far as its events tell. Texts are empty where nothing is known."""

    id: str
    started_at: datetime.datetime
    caller: str = ""  # caller ID: a hint, never proof
    line: str = ""  # the number that was dialled
    language: str = ""  # the last one chosen
    flow: str = ""
    version: str = ""  # of the flow, when the call began
    answered_at: datetime.datetime | None = None
    resumed: int = 0  # how often a restarted controller went on with the call
    ended_at: datetime.datetime | None = None
    ended_how: str = ""


def fold(events: Iterable[Event]) -> CallRecord | None:
    """The row of one call. Events of other kinds than CALL_KINDS do not matter; None when there are none that do.

    What a call is known by (caller, line, flow, version) is what was said first, its language what was said last.
    A call that was resumed after it ended has not ended. One that got no line ended ``refused``, however it went on:
    it held no line, and figures of traffic must not take it for one that did.
    """
    known = {event.id: event for event in events if event.kind in CALL_KINDS}
    told = sorted(known.values(), key=lambda event: (event.at, event.id))
    if not told:
        return None
    started = _of(told, CALL_STARTED)
    answered = _of(told, CALL_ANSWERED)
    resumed = _of(told, CALL_RESUMED)
    ended = _of(told, CALL_ENDED)
    over = ended[-1] if ended and not (resumed and resumed[-1].at > ended[-1].at) else None
    return CallRecord(
        id=told[0].call_id,
        started_at=(started or told)[0].at,
        caller=_first(told, "caller"),
        line=_first(told, "line"),
        language=_first(told[::-1], "language"),
        flow=_first(told, "flow"),
        version=_first(told, "version"),
        answered_at=answered[0].at if answered else None,
        resumed=len(resumed),
        ended_at=over.at if over else None,
        ended_how=_how(told, over) if over else "",
    )


def _how(told: Sequence[Event], over: Event) -> str:
    return REFUSED if _of(told, CALL_REFUSED) else _first([over], "how")


def _of(events: Sequence[Event], kind: str) -> list[Event]:
    return [event for event in events if event.kind == kind]


def _first(events: Sequence[Event], name: str) -> str:
    for event in events:
        value = event.data.get(name)
        if value not in (None, ""):
            return str(value)
    return ""
