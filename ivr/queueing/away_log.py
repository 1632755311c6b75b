"""What happened in Asterisk's own queue while there was no controller, as events of the journal. Pure.

Asterisk writes one line for each thing that happens (``queue_log``: seconds since 1970, call, queue, seat, what, and up
to five more): app_queue the lines that its own documentation names, our dialplan those of ``ivr.contract.AWAY_*``. A
line that is not of this form, or of another queue, says nothing. Ids of events are made of what they tell: reading a
record twice is reading it once. Must not know: files, the manager, the queue of the controller.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from db.events import AWAY_QUEUE, CALL_ENDED, CALL_STARTED, Event
from ivr.contract import AWAY_CAME, AWAY_GONE, AWAY_NOBODY, AWAY_WAITS, QUEUE_AWAY

StayEnd = Literal["answered", "abandoned", "nobody", "returned"]
CONNECT: Final = "CONNECT"  # a seat and the caller talk
ABANDON: Final = "ABANDON"  # the caller hung up, or was taken back


@dataclass(slots=True)
class Stay:
    """One wait in that queue, from joining it to a talk or to the end. Seconds since 1970."""

    tier: str
    began: int
    ended: int = 0
    how: StayEnd | None = None
    seat: str = ""


@dataclass(slots=True)
class AwayCall:
    """One call of which the record tells. ``came`` and ``gone``: when it found no controller, and when it was over."""

    call: str
    came: int = 0
    caller: str = ""
    line: str = ""
    gone: int = 0
    stays: list[Stay] = field(default_factory=list)


def calls_in(lines: Iterable[str]) -> list[AwayCall]:
    """The calls that came while there was no controller, in the order in which they did."""
    found: dict[str, AwayCall] = {}
    for line in lines:
        at, call, queue, seat, what, *rest = (line.rstrip("\n") + "||||||||").split("|")
        if queue != QUEUE_AWAY or not (at.isascii() and at.isdigit()):
            continue
        second = int(at)
        if what == AWAY_CAME:
            found[call] = AwayCall(call, second, rest[0], rest[1])
        one = found.get(call)
        if one is None and what == AWAY_WAITS:  # it came while an earlier controller was away
            one = found[call] = AwayCall(call)
        if one is not None:
            _take(one, second, seat, what, rest[0])
    return list(found.values())


def _take(one: AwayCall, at: int, seat: str, what: str, first: str) -> None:
    stay = one.stays[-1] if one.stays and one.stays[-1].how is None else None
    if what == AWAY_WAITS and stay is None:
        one.stays.append(Stay(first, at))
    elif what == AWAY_GONE:
        one.gone = at
    if stay is None:
        return
    if what == CONNECT:
        stay.ended, stay.how, stay.seat = at, "answered", seat
    elif what == AWAY_NOBODY:
        stay.ended, stay.how = at, "nobody"
    elif what in (ABANDON, AWAY_GONE):
        stay.ended, stay.how = at, "abandoned"


def events_of(one: AwayCall, there: bool, known: bool, now: float) -> list[Event]:
    """What the journal has to be told. ``there``: the call is still up; ``known``: the journal has its beginning."""
    found = []
    if one.came and not known:
        found.append(_event(one.call, CALL_STARTED, one.came, {"caller": one.caller, "line": one.line}))
    last = one.stays[-1] if one.stays else None
    for stay in one.stays:
        how = stay.how
        if how is None or (how == "abandoned" and there and stay is last):
            how = "returned" if there else "abandoned"
        ended = stay.ended or one.gone or int(now)
        data = {"tier": stay.tier, "seconds": max(ended - stay.began, 0), "how": how}
        if stay.seat:
            data["seat"] = stay.seat
        found.append(_event(one.call, AWAY_QUEUE, ended, data))
    if not there:
        found.append(_event(one.call, CALL_ENDED, one.gone or int(now), {"how": "caller" if one.gone else "unseen"}))
    return found


def _event(call: str, kind: str, at: int, data: dict[str, object]) -> Event:
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    digest = hashlib.blake2b(f"{kind} {call} {at}".encode(), digest_size=20).hexdigest()
    return Event(call, kind, data, moment, f"away-{digest}")
