"""The manager's events and lists as facts, with the fields that a real Asterisk 22 sent."""

from __future__ import annotations

import pytest

from agent_routing.seats import SeatSeen
from ivr.ami.protocol import Event
from ivr.queueing.seen import (
    CallerGone,
    EndpointReach,
    LeftBridge,
    LegEnds,
    LegGone,
    LegRings,
    LegTalks,
    fact_of,
    snapshot_of,
)

LEG = [
    ("DestChanVariable", "GOLDLINE_LINE="),
    ("DestChanVariable", "GOLDLINE_SEAT=S1"),
    ("DestChanVariable", "GOLDLINE_CALL=c1"),
]
ON_LEG = [("ChanVariable", "GOLDLINE_SEAT=S1"), ("ChanVariable", "GOLDLINE_CALL=c1")]
ON_CALLER = [
    ("ChanVariable", "GOLDLINE_LINE=95500"),
    ("ChanVariable", "GOLDLINE_SEAT="),
    ("ChanVariable", "GOLDLINE_CALL="),
]


def event(name: str, *headers: tuple[str, str]) -> Event:
    return Event([("Event", name), *headers])


def test_a_leg_rings_is_answered_talks_and_is_gone() -> None:
    assert fact_of(event("DialBegin", *LEG, ("DestChannel", "PJSIP/801-1"))) == LegRings("c1", "S1", "PJSIP/801-1")
    assert fact_of(event("DialEnd", *LEG, ("DialStatus", "ANSWER"))) == LegEnds("c1", "S1", "answered")
    assert fact_of(event("BridgeEnter", *ON_LEG, ("Channel", "PJSIP/801-1"))) == LegTalks("c1", "S1", "PJSIP/801-1")
    assert fact_of(event("BridgeLeave", *ON_LEG, ("Uniqueid", "l1"))) == LeftBridge("l1", "c1", "S1")
    assert fact_of(event("BridgeLeave", *ON_CALLER, ("Uniqueid", "c1"))) == LeftBridge("c1", "c1", "")
    assert fact_of(event("Hangup", *ON_LEG, ("Cause", "16"))) == LegGone("c1", "S1", 16)
    assert fact_of(event("Hangup", *ON_CALLER, ("Uniqueid", "c1"), ("Cause", "16"))) == CallerGone("c1")


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("NOANSWER", "no_answer"),
        ("BUSY", "busy"),
        ("CANCEL", "released"),
        ("CHANUNAVAIL", "lost"),
        ("SOMETHING", "lost"),
    ],
)
def test_how_a_ringing_ends(status: str, how: str) -> None:
    assert fact_of(event("DialEnd", *LEG, ("DialStatus", status))) == LegEnds("c1", "S1", how)


@pytest.mark.parametrize(
    ("state", "fact"),
    [
        ("NOT_INUSE", EndpointReach("801", "reachable")),
        ("INUSE", EndpointReach("801", "reachable", in_use=True)),
        ("RINGING", EndpointReach("801", "reachable")),
        ("UNAVAILABLE", EndpointReach("801", "unreachable")),
        ("INVALID", EndpointReach("801", "unreachable")),
    ],
)
def test_a_telephone_can_be_rung_or_not(state: str, fact: EndpointReach) -> None:
    assert fact_of(event("DeviceStateChange", ("Device", "PJSIP/801"), ("State", state))) == fact


def test_what_is_none_of_our_business() -> None:
    assert fact_of(event("DialBegin", ("DestChannel", "PJSIP/trunk-1"))) is None
    assert fact_of(event("BridgeEnter", *ON_CALLER, ("Channel", "PJSIP/trunk-1"))) is None
    assert fact_of(event("DeviceStateChange", ("Device", "Queue:x"), ("State", "INUSE"))) is None
    assert fact_of(event("Newchannel", ("Uniqueid", "c1"))) is None


def test_a_snapshot_knows_who_waits_who_rings_and_who_talks() -> None:
    unset = [("Variable", "GOLDLINE_SEAT=(null)"), ("Variable", "GOLDLINE_CALL=(null)")]
    found = snapshot_of(
        [
            event("Status", ("Uniqueid", "c1"), ("ChannelStateDesc", "Up"), ("Variable", "GOLDLINE_WAIT=abc"), *unset),
            event(
                "Status", ("Uniqueid", "c2"), ("ChannelStateDesc", "Up"), ("Variable", "GOLDLINE_WAIT=(null)"), *unset
            ),
            event(
                "Status",
                *(("Uniqueid", "l1"), ("ChannelStateDesc", "Up"), ("BridgeID", "b"), ("Channel", "PJSIP/801-1")),
                *(("Variable", "GOLDLINE_SEAT=S1"), ("Variable", "GOLDLINE_CALL=c1")),
            ),
            event(
                "Status",
                *(("Uniqueid", "l2"), ("ChannelStateDesc", "Ringing"), ("BridgeID", ""), ("Channel", "PJSIP/802-2")),
                *(("Variable", "GOLDLINE_SEAT=S2"), ("Variable", "GOLDLINE_CALL=c3")),
            ),
        ],
        [
            event("DeviceStateChange", ("Device", "PJSIP/801"), ("State", "INUSE")),
            event("DeviceStateChange", ("Device", "PJSIP/802"), ("State", "RINGING")),
        ],
    )
    assert found.waiting == {"c1": "abc"}
    assert found.channels == {"c1", "c2", "l1", "l2"}
    assert found.in_use == {"801"}
    assert found.seen({"S1": "801", "S2": "802", "S3": "803", "M1": ""}) == {
        "S1": SeatSeen("reachable", "bridged", "c1"),
        "S2": SeatSeen("reachable", "ringing", "c3"),
        "S3": SeatSeen("unreachable"),
        "M1": SeatSeen("unknown"),
    }
