"""What Asterisk's manager tells of dials: events in, facts out. Pure.

The channel of a customer who is dialled straight has the call's own id from ``Newchannel`` on (``ChannelId`` of
Originate); where a seat dials the customer, the customer's channel carries VAR_CALL and no VAR_SEAT. Both give the same
facts. Sources: the managerEvent documentation in main/manager_channels.c of Asterisk 22; main/dial.c for DialState;
action_originate and fast_originate in main/manager.c.
"""

from __future__ import annotations

from dataclasses import dataclass

from db.attempt import is_attempt
from ivr.ami.protocol import Event
from ivr.contract import VAR_CALL, VAR_SEAT
from ivr.queueing.seen import UP, variables_of
from outbound.outcomes import sip_code


@dataclass(frozen=True, slots=True)
class Began:
    """The customer's channel is there; the network works on it. ``channel`` is its unique id, here and below."""

    call: str
    channel: str


@dataclass(frozen=True, slots=True)
class Rings:
    """The telephone rings (180)."""

    call: str
    channel: str


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """The network sends sound before any answer (183)."""

    call: str
    channel: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody or something took the call. ``at`` is when Asterisk saw it, however late we hear of it: seconds since
    1970; None: it does not say."""

    call: str
    channel: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Asterisk gave it up (OriginateResponse). The channel ends as well, if there ever was one."""

    call: str
    reason: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The customer's channel was hung up. ``cause`` as Q.850 has it, ``sip`` is the final code; 0: none. ``at`` as
    above."""

    call: str
    channel: str
    cause: int
    sip: int
    at: float | None = None


DialFact = Began | Rings | EarlyMedia | Answered | Failed | Gone


def fact_of(event: Event) -> DialFact | None:
    """What an event says of a dial; None for most of them."""
    match event.name:
        case "Newchannel":
            return _began(*_customer(event, "Uniqueid", "ChanVariable"))
        case "DialBegin":  # the first that tells of a customer whom a seat dials: Newchannel comes before its variables
            return _began(*_customer(event, "DestUniqueid", "DestChanVariable"))
        case "DialState":
            call, channel = _customer(event, "DestUniqueid", "DestChanVariable")
            match event.get("DialStatus") if call else "":
                case "RINGING":
                    return Rings(call, channel)
                case "PROGRESS":
                    return EarlyMedia(call, channel)
            return None
        case "Newstate" if event.get("ChannelStateDesc") == UP:
            call, channel = _customer(event, "Uniqueid", "ChanVariable")
            return Answered(call, channel, _moment(event)) if call else None
        case "OriginateResponse" if event.get("Response") == "Failure":
            call = event.get("Uniqueid")
            return Failed(call, _number(event.get("Reason"))) if is_attempt(call) else None
        case "Hangup":
            call, channel = _customer(event, "Uniqueid", "ChanVariable")
            if not call:
                return None
            cause, sip = _number(event.get("Cause")), sip_code(event.get("TechCause"))
            return Gone(call, channel, cause, sip, _moment(event))
    return None


def _began(call: str, channel: str) -> Began | None:
    return Began(call, channel) if call else None


def _moment(event: Event) -> float | None:
    """The event's own time (timestampevents in manager.conf)."""
    try:
        return float(event.get("Timestamp"))
    except ValueError:
        return None


def _customer(event: Event, id_header: str, variables: str) -> tuple[str, str]:
    """The attempt's call and the customer's channel that an event tells of; nothing when it is another's."""
    channel = event.get(id_header)
    if is_attempt(channel):
        return channel, channel
    carried = variables_of(event, variables)
    call = carried.get(VAR_CALL, "")
    if carried.get(VAR_SEAT) or not is_attempt(call):
        return "", ""
    return call, channel


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
