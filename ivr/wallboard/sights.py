"""What can be seen, one kind of sight each, and how AMI's messages are read as sights. Pure.

A sight says how something *is*, never by how much it has changed: seeing it twice, or once more after the whole state
was read, makes no difference. Times are seconds since 1970. Must not know: connections, tables, what a board looks
like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from agent_routing.seats import Reach
from db.agent import Agent, Seat, Session
from db.customer import Branch
from db.events import Event
from ivr.contract import VAR_CALL, VAR_LINE, VAR_SEAT, VAR_WAIT
from ivr.queueing.news import QueueNews, read
from ivr.queueing.place import Place, decode
from ivr.queueing.seen import IN_A_TALK

Part = Literal["asterisk", "controller", "database"]

UNKNOWN: Final = "<unknown>"  # what Asterisk writes for a number that it was not given
UNSET: Final = "(null)"  # … and for a variable that is not set, in a list of channels
# manager.c's words for a device's state (ast_devstate_str). PJSIP calls an endpoint without a contact unavailable.
UNREACHABLE: Final = frozenset(("UNAVAILABLE", "INVALID"))
HELD: Final = "held"  # in a bridge's stead: the caller is on hold, or elsewhere for a moment
DEVICE_OF: Final = "PJSIP/"  # … and an endpoint's name


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. A leg to a seat has ``seat`` and ``call``, the call it is rung for; other channels have neither.

    ``bridge`` and ``place`` are None where the message did not speak of them.
    """

    id: str
    caller: str = ""
    line: str = ""
    up: bool = False
    seat: str = ""
    call: str = ""
    bridge: str | None = None
    place: Place | None = None
    since: float = 0.0  # when it was first seen


@dataclass(frozen=True, slots=True)
class StateRead:
    """All of Asterisk's state that matters here, read whole: what is not in it is not."""

    channels: tuple[Channel, ...]
    devices: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """A channel, new or changed."""

    channel: Channel
    at: float


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """A channel ended. It never comes back: ids are not used twice."""

    id: str
    at: float


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """A device's state, in Asterisk's words."""

    device: str
    state: str
    at: float


@dataclass(frozen=True, slots=True)
class Told:
    """The controller told something."""

    news: QueueNews
    at: float


@dataclass(frozen=True, slots=True)
class RosterRead:
    """Who works where, from the store: what is not in it is not."""

    agents: tuple[Agent, ...]
    seats: tuple[Seat, ...]
    branches: tuple[Branch, ...]
    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class JournalRead:
    """What happened to waiting callers today, from the store, the oldest first."""

    events: tuple[Event, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """Whether one of the parts is there."""

    part: Part
    up: bool
    at: float
    why: str = ""


Sight = StateRead | ChannelSeen | ChannelGone | DeviceSeen | Told | RosterRead | JournalRead | LinkSeen


def sights_of(event: Mapping[str, Any], now: float) -> tuple[Sight, ...]:
    """What an AMI event shows; nothing for most. ``now`` counts where the event has no time of its own."""
    at = _seconds(event.get("Timestamp"), now)
    match _text(event, "Event"):
        case "Newchannel" | "Newstate" | "NewCallerid" | "NewExten":
            channel = _channel(event, "", at, bridge=HELD if _holds(event) else None)
            return (ChannelSeen(channel, at),) if channel else ()
        case "BridgeEnter":
            channel = _channel(event, "", at, bridge=_text(event, "BridgeUniqueid"))
            return (ChannelSeen(channel, at),) if channel else ()
        case "BridgeLeave":
            channel = _channel(event, "", at, bridge=HELD if _holds(event) else "")
            return (ChannelSeen(channel, at),) if channel else ()
        case "DialBegin" | "DialState":
            channel = _channel(event, "Dest", at)
            return (ChannelSeen(channel, at),) if channel else ()
        case "Hangup":
            gone = _text(event, "Uniqueid")
            return (ChannelGone(gone, at),) if gone else ()
        case "DeviceStateChange":
            return (DeviceSeen(_text(event, "Device"), _text(event, "State"), at),)
        case "UserEvent":
            news = read(event)
            return (Told(news, at),) if news else ()
    return ()


def state_of(channels: Iterable[Mapping[str, Any]], devices: Iterable[Mapping[str, Any]], now: float) -> StateRead:
    """The state in the items of AMI's ``Status`` (with our variables) and ``DeviceStateList``."""
    found = []
    for item in channels:
        variables = _variables(item, "Variable")
        began = now - _seconds(item.get("Seconds"), 0.0)
        bridge = _text(item, "BridgeID") or (HELD if _holds(item) else "")
        channel = _channel(item, "", began, bridge=bridge, variables=variables)
        if channel:
            found.append(channel)
    return StateRead(tuple(found), {_text(item, "Device"): _text(item, "State") for item in devices}, now)


def reach_of(seat: Seat, devices: Mapping[str, str]) -> Reach:
    """Whether Asterisk can ring this seat; a number behind a trunk has no device state."""
    state = devices.get(DEVICE_OF + seat.endpoint, "UNKNOWN") if seat.endpoint else "UNKNOWN"
    return "unreachable" if state in UNREACHABLE else "unknown" if state == "UNKNOWN" else "reachable"


def _holds(event: Mapping[str, Any]) -> bool:
    """A leg to a seat that has its caller on hold is in a talk as well."""
    return _text(event, "Context") in IN_A_TALK


def _channel(
    event: Mapping[str, Any],
    prefix: str,
    since: float,
    *,
    bridge: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Channel | None:
    channel = _text(event, f"{prefix}Uniqueid")
    if not channel:
        return None
    shown = _variables(event, f"{prefix}ChanVariable") | dict(variables or {})
    caller, exten = _text(event, f"{prefix}CallerIDNum"), _text(event, f"{prefix}Exten")
    return Channel(
        id=channel,
        caller="" if caller == UNKNOWN else caller,
        line=shown.get(VAR_LINE, "") or (exten if exten.isdigit() else ""),
        up=_text(event, f"{prefix}ChannelStateDesc") == "Up",
        seat=shown.get(VAR_SEAT, ""),
        call=shown.get(VAR_CALL, ""),
        bridge=bridge,
        place=decode(shown.get(VAR_WAIT, "")),
        since=since,
    )


def _variables(event: Mapping[str, Any], name: str) -> dict[str, str]:
    shown = event.get(name, [])
    pairs = (str(pair).partition("=") for pair in ([shown] if isinstance(shown, str) else shown))
    return {key: _printable(value) for key, _, value in pairs if value != UNSET}


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name, "")
    return _printable(value if isinstance(value, str) else str(value[0]) if value else "")


def _printable(text: str) -> str:
    """Without what could steer a terminal: callers and telephones choose some of these texts."""
    return text if text.isprintable() else "".join(character for character in text if character.isprintable())


def _seconds(value: Any, otherwise: float) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return otherwise
    return seconds if 0 <= seconds < float("inf") else otherwise
