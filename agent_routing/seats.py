"""What the store believes of seats against what Asterisk sees, and which seats are stuck. Pure.

Both give corrections: an event for the agent's session (``agent_routing.agents.step``) and the reason to report. They
decide nothing about callers: what becomes of one is what the step says.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from agent_routing.agents import Answer, Event, Expired, FoundTalking, HangUp, Missed, Ring, SeatBack, SeatLost, ends_at
from agent_routing.seat_times import SeatTimes
from db.agent import ENDPOINT_KINDS, Seat, Session
from db.phone_numbers import spoken_form
from ivr.contract import CONTEXT_OPEN_SEAT

Reach = Literal["reachable", "unreachable", "unknown"]  # unknown: a number behind a trunk has no device state
Leg = Literal["none", "ringing", "bridged"]
Finding = Literal["answered", "freed", "other_call", "returned", "rings", "still_talking", "stuck", "vanished"]


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """What Asterisk reports of one seat. ``call`` is the id of the call that its leg belongs to."""

    reach: Reach
    leg: Leg = "none"
    call: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing to put right, or (without an event) only to report."""

    agent: str
    seat: str
    finding: Finding
    why: str
    event: Event | None


_NOT_THERE: Final = SeatSeen("unreachable")


def dial_string(seat: Seat) -> str:
    """How Asterisk is told to ring this seat; a trunk is given the number as people at home dial it."""
    if seat.kind in ENDPOINT_KINDS:
        return f"PJSIP/{seat.endpoint}"
    return f"PJSIP/{spoken_form(seat.number)}@{seat.trunk}"


def road_to(seat: Seat) -> str:
    """How a caller gets to this seat: by ringing it, or to the leg that is kept on the line."""
    return f"Local/{seat.id}@{CONTEXT_OPEN_SEAT}/n" if seat.kept_open else dial_string(seat)


def reconcile(stored: Iterable[Session], seen: Mapping[str, SeatSeen]) -> list[Correction]:
    """What has to be put right so that the store agrees with Asterisk, in the order in which it is to be done.

    ``seen`` holds every seat that Asterisk knows, by id, with ``unknown`` for those behind a trunk: a seat that is not
    in it is gone. A lease that has not rung yet is left to its own end.
    """
    return [correction for session in stored for correction in _of_one(session, seen.get(session.seat, _NOT_THERE))]


def overdue(
    stored: Iterable[Session], seen: Mapping[str, SeatSeen], now: datetime.datetime, times: SeatTimes
) -> list[Correction]:
    """The sessions whose time is over: leases, rings and wrap-ups to be ended, stuck ones to be freed.

    A talk that Asterisk still has is reported and goes on: freeing its seat would give it a second call.
    """
    found = []
    for session in stored:
        ends = ends_at(session, times)
        if ends is None or now < ends:
            continue
        minutes = (now - session.since).total_seconds() / 60
        why = f"{session.state} for {minutes:.1f} minutes"
        if session.state == "talking" and seen.get(session.seat, _NOT_THERE).leg == "bridged":
            found.append(_correction(session, "still_talking", f"{why}, and Asterisk still has the call", None))
        else:
            found.append(_correction(session, "stuck", why, Expired()))
    return found


def _of_one(session: Session, seen: SeatSeen) -> Iterator[Correction]:
    if session.state == "logged_out":
        return
    if seen.leg == "bridged":
        yield from _in_talk(session, seen.call)
    elif session.state == "talking":
        if seen.reach == "unreachable":
            yield _correction(session, "vanished", "the seat dropped out of its talk", SeatLost("unreachable"))
        else:
            yield _correction(session, "freed", "Asterisk has no such talk any more", HangUp(session.call))
    elif seen.reach == "unreachable":
        if session.state != "gone":
            yield _correction(session, "vanished", "Asterisk cannot reach the seat", SeatLost("unreachable"))
    elif session.state == "gone":
        if seen.reach == "reachable":
            yield _correction(session, "returned", "Asterisk reaches the seat again", SeatBack())
    elif session.state == "ringing" and (seen.leg, seen.call) != ("ringing", session.call):
        yield _correction(session, "freed", "Asterisk does not ring the seat any more", Missed(session.call, "lost"))
    elif session.state == "reserved" and (seen.leg, seen.call) == ("ringing", session.call):
        yield _correction(session, "rings", "the seat rings already", Ring(session.call))


def _in_talk(session: Session, call: str) -> Iterator[Correction]:
    """Media goes both ways: whether the seat answers a qualify does not matter."""
    if session.state == "talking" and session.call == call:
        return
    if session.call == call and session.state in ("reserved", "ringing"):
        if session.state == "reserved":
            yield _correction(session, "rings", "the seat rang meanwhile", Ring(call))
        yield _correction(session, "answered", "the call was answered meanwhile", Answer(call))
    elif session.state == "talking":
        yield _correction(session, "other_call", "the seat talks in another call", FoundTalking(call))
    else:
        yield _correction(session, "still_talking", f"{session.state}, but the seat is in a talk", FoundTalking(call))


def _correction(session: Session, finding: Finding, why: str, event: Event | None) -> Correction:
    return Correction(session.agent, session.seat, finding, why, event)
