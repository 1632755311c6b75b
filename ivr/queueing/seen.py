"""What Asterisk's manager tells of seats and of callers who wait or talk: events and lists in, facts out. Pure.

The leg to a seat carries VAR_SEAT and VAR_CALL from before it rings (CONTEXT_SEAT_LEG), and the manager shows both with
every event of that leg (``channelvars`` in manager.conf). Source of the fields: the ``managerEvent`` documentation in
main/manager_channels.c, manager_bridges.c and manager.c of Asterisk 22. Must not know: the engine, the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal

from agent_routing.seats import Leg, Reach, SeatSeen
from ivr.ami.protocol import Event
from ivr.contract import (
    ASKED,
    CONTEXT_CONFERENCE,
    CONTEXT_HOLD,
    CONTEXT_OUTSIDE,
    CONTEXT_SEAT_ASK,
    CONTEXT_SEAT_CONFERENCE,
    CONTEXT_SEAT_HOLD,
    CONTEXT_SEAT_JOIN,
    CONTEXT_TALK,
    CONTEXT_VERIFY,
    SEAT_OUTSIDE,
    VAR_CALL,
    VAR_OFFER_ID,
    VAR_OFFER_RECORD,
    VAR_SEAT,
    VAR_TALK,
    VAR_WAIT,
)

TECHNOLOGY: Final = "PJSIP/"
# Device states that a phone has which can be rung; the others: it is not registered, or not known at all.
REACHABLE: Final = frozenset(("NOT_INUSE", "INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD", "UNKNOWN"))
IN_USE: Final = frozenset(("INUSE", "BUSY", "RINGINUSE", "ONHOLD"))
UP: Final = "Up"
# Where a caller is with somebody, or about to be again …
WITH_SOMEBODY: Final = frozenset(
    (CONTEXT_TALK, CONTEXT_HOLD, CONTEXT_OUTSIDE, CONTEXT_CONFERENCE, CONTEXT_VERIFY),
)
# … and a leg to a seat has its caller, though it is in no bridge.
IN_A_TALK: Final = frozenset((CONTEXT_SEAT_HOLD, CONTEXT_SEAT_JOIN, CONTEXT_SEAT_ASK, CONTEXT_SEAT_CONFERENCE))
UNSET: Final = "(null)"  # what Status says of a variable that a channel does not have (manager.c, generate_status)

DialEnding = Literal["answered", "no_answer", "refused", "busy", "lost", "released"]
# DialStatus as manager_channels.c (dial_to_string) writes it. Who presses "reject" sends 486 or 603: both are BUSY.
ENDINGS: Final[Mapping[str, DialEnding]] = {
    "ANSWER": "answered",
    "NOANSWER": "no_answer",
    "CONTINUE": "no_answer",  # it was answered, and nobody pressed the key: a voicemail
    "BUSY": "busy",
    "DONTCALL": "refused",
    "TORTURE": "refused",
    "CANCEL": "released",
    "ABORT": "released",
    "CONGESTION": "lost",
    "CHANUNAVAIL": "lost",
    "INVALIDARGS": "lost",
}


@dataclass(frozen=True, slots=True)
class LegRings:
    """A seat is being rung for a call. ``channel`` is the leg's name, for later actions; ``offer`` says for which offer
    (VAR_OFFER_ID), here and below: one seat may be offered one call twice, and events come late."""

    call: str
    seat: str
    channel: str
    offer: str = ""


@dataclass(frozen=True, slots=True)
class LegEnds:
    """The ringing of a seat is over. ``answered`` is not yet a talk: there may be words or a key to come first."""

    call: str
    seat: str
    how: DialEnding
    offer: str = ""


@dataclass(frozen=True, slots=True)
class LegTalks:
    """The seat and its caller hear one another."""

    call: str
    seat: str
    channel: str
    offer: str = ""


@dataclass(frozen=True, slots=True)
class LegGone:
    """The leg to a seat was hung up. ``cause`` as Q.850 has it."""

    call: str
    seat: str
    cause: int
    offer: str = ""


@dataclass(frozen=True, slots=True)
class LeftBridge:
    """Somebody left a talk: the seat's leg, or (no seat) the channel of a caller."""

    channel_id: str
    call: str
    seat: str


@dataclass(frozen=True, slots=True)
class CallerGone:
    """A channel that is no seat's leg was hung up."""

    call: str


@dataclass(frozen=True, slots=True)
class EndpointReach:
    """A telephone of ours can be rung, or cannot any more; ``in_use``: somebody is on it, whoever it is with."""

    endpoint: str
    reach: Reach
    in_use: bool = False


STATUS_VARIABLES: Final = (VAR_WAIT, VAR_TALK, VAR_SEAT, VAR_CALL, VAR_OFFER_ID, VAR_OFFER_RECORD)

Fact = LegRings | LegEnds | LegTalks | LegGone | LeftBridge | CallerGone | EndpointReach


def fact_of(event: Event) -> Fact | None:
    """What an event says that matters here; None for most of them."""
    match event.name:
        case "DialBegin" | "DialEnd":
            leg = variables_of(event, "DestChanVariable")
            if not leg.get(VAR_SEAT):
                return None
            call, seat, offer = leg.get(VAR_CALL, ""), leg[VAR_SEAT], leg.get(VAR_OFFER_ID, "")
            if event.name == "DialBegin":
                return LegRings(call, seat, event.get("DestChannel"), offer)
            return LegEnds(call, seat, ENDINGS.get(event.get("DialStatus"), "lost"), offer)
        case "BridgeEnter":
            leg = variables_of(event, "ChanVariable")
            seat = leg.get(VAR_SEAT, "")
            if not seat:
                return None
            return LegTalks(leg.get(VAR_CALL, ""), seat, event.get("Channel"), leg.get(VAR_OFFER_ID, ""))
        case "BridgeLeave":
            leg = variables_of(event, "ChanVariable")
            seat = leg.get(VAR_SEAT, "")
            channel_id = event.get("Uniqueid")
            return LeftBridge(channel_id, leg.get(VAR_CALL, "" if seat else channel_id), seat)
        case "Hangup":
            leg = variables_of(event, "ChanVariable")
            if seat := leg.get(VAR_SEAT, ""):
                return LegGone(leg.get(VAR_CALL, ""), seat, _cause(event), leg.get(VAR_OFFER_ID, ""))
            return CallerGone(event.get("Uniqueid"))
        case "DeviceStateChange":
            device = event.get("Device")
            if device.startswith(TECHNOLOGY):
                return EndpointReach(device.removeprefix(TECHNOLOGY), *_device(event.get("State")))
    return None


@dataclass(frozen=True, slots=True)
class SeatLeg:
    """The leg to a seat at one moment; ``offer`` and ``recording`` as in ``ivr.queueing.stages.Offer``."""

    call: str
    seat: str
    channel: str
    leg: Leg
    offer: str = ""
    recording: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is at one moment. ``waiting``: place texts by call; ``channels``: every channel's unique id."""

    waiting: Mapping[str, str]
    legs: Mapping[str, SeatLeg]  # by seat
    reach: Mapping[str, Reach]  # by endpoint
    channels: frozenset[str]
    in_use: frozenset[str] = frozenset()  # endpoints that somebody is on
    engaged: frozenset[str] = frozenset()  # callers who are with somebody, or on hold: they wait for nobody
    second_calls: tuple[SeatLeg, ...] = ()  # legs of those whom an agent asks about a caller

    def seen(self, endpoints: Mapping[str, str]) -> dict[str, SeatSeen]:
        """By seat, as ``agent_routing.seats`` wants it. ``endpoints``: each seat's own, empty behind a trunk."""
        found = {}
        for seat, endpoint in endpoints.items():
            reach = self.reach.get(endpoint, "unreachable") if endpoint else "unknown"
            leg = self.legs.get(seat)
            found[seat] = SeatSeen(reach, leg.leg, leg.call) if leg else SeatSeen(reach)
        return found


def snapshot_of(channels: Iterable[Event], devices: Iterable[Event]) -> Snapshot:
    """From the lists of the actions Status (with STATUS_VARIABLES) and DeviceStateList."""
    waiting: dict[str, str] = {}
    legs: dict[str, SeatLeg] = {}
    second_calls: list[SeatLeg] = []
    ids, engaged = set(), set()
    for event in channels:
        ids.add(event.get("Uniqueid"))
        variables = variables_of(event, "Variable") | variables_of(event, "ChanVariable")
        if event.get("Context") in WITH_SOMEBODY:
            engaged.add(event.get("Uniqueid"))
        if seat := variables.get(VAR_SEAT):
            here = bool(event.get("BridgeID")) or event.get("Context") in IN_A_TALK
            leg: Leg = "bridged" if here and event.get("ChannelStateDesc") == UP else "ringing"
            found = SeatLeg(
                variables.get(VAR_CALL, ""),
                seat,
                event.get("Channel"),
                leg,
                variables.get(VAR_OFFER_ID, ""),
                PurePath(variables.get(VAR_OFFER_RECORD, "")).stem,
            )
            if found.call.startswith(ASKED):
                second_calls.append(found)
            if seat != SEAT_OUTSIDE:
                legs[seat] = found
        elif (place := variables.get(VAR_WAIT)) and not has_talked(variables.get(VAR_TALK, "")):
            waiting[event.get("Uniqueid")] = place
    states = {
        event.get("Device").removeprefix(TECHNOLOGY): _device(event.get("State"))
        for event in devices
        if event.get("Device").startswith(TECHNOLOGY)
    }
    reach = {endpoint: reach for endpoint, (reach, _) in states.items()}
    in_use = frozenset(endpoint for endpoint, (_, is_used) in states.items() if is_used)
    return Snapshot(waiting, legs, reach, frozenset(ids), in_use, frozenset(engaged), tuple(second_calls))


def _device(state: str) -> tuple[Reach, bool]:
    word = state.upper().replace(" ", "_")
    return ("reachable" if word in REACHABLE else "unreachable"), word in IN_USE


def variables_of(event: Event, header: str) -> dict[str, str]:
    """The channel variables that an event shows under this header."""
    found = {}
    for value in event.all(header):
        name, equals, text = value.partition("=")
        if equals and text and text != UNSET:
            found[name] = text
    return found


def has_talked(text: str) -> bool:
    """By VAR_TALK, this caller comes back from a talk: whether anything is to be waited for its session will say."""
    return text.partition(":")[2].partition(":")[0].isdigit()


def _cause(event: Event) -> int:
    text = event.get("Cause")
    return int(text) if text.isascii() and text.isdigit() else 0
