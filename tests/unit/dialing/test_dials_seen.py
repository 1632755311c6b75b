"""Events of Asterisk's manager as they were recorded from a live Asterisk 22, and what they say of a dial."""

from __future__ import annotations

import pytest

from ivr.ami.protocol import Event
from ivr.dialing.names import call_of_leg
from ivr.dialing.seen import Answered, Began, DialFact, EarlyMedia, Failed, Gone, Rings, fact_of

CARRIED = "GOLDLINE_CALL=attempt-7"


@pytest.mark.parametrize(
    ("headers", "fact"),
    [
        ({"Event": "Newchannel", "Uniqueid": "attempt-7"}, Began("attempt-7", "attempt-7")),
        ({"Event": "DialBegin", "DestUniqueid": "attempt-7"}, Began("attempt-7", "attempt-7")),
        (
            {"Event": "DialState", "DestUniqueid": "attempt-7", "DialStatus": "RINGING"},
            Rings("attempt-7", "attempt-7"),
        ),
        (
            {"Event": "DialState", "DestUniqueid": "attempt-7", "DialStatus": "PROGRESS"},
            EarlyMedia("attempt-7", "attempt-7"),
        ),
        ({"Event": "DialState", "DestUniqueid": "attempt-7", "DialStatus": "PROCEEDING"}, None),
        ({"Event": "Newstate", "Uniqueid": "attempt-7", "ChannelStateDesc": "Ringing"}, None),
        (
            {"Event": "Newstate", "Uniqueid": "attempt-7", "ChannelStateDesc": "Up"},
            Answered("attempt-7", "attempt-7"),
        ),
        (
            {"Event": "OriginateResponse", "Uniqueid": "attempt-7", "Response": "Failure", "Reason": "3"},
            Failed("attempt-7", 3),
        ),
        ({"Event": "OriginateResponse", "Uniqueid": "attempt-7", "Response": "Success", "Reason": "4"}, None),
        ({"Event": "OriginateResponse", "Uniqueid": "<unknown>", "Response": "Failure", "Reason": "0"}, None),
        (
            {"Event": "Hangup", "Uniqueid": "attempt-7", "Cause": "1", "TechCause": "404"},
            Gone("attempt-7", "attempt-7", 1, 404),
        ),
        ({"Event": "Hangup", "Uniqueid": "attempt-7", "Cause": "0"}, Gone("attempt-7", "attempt-7", 0, 0)),
        # a customer whom a seat dials: the channel has another id, and carries the call's
        (
            {"Event": "DialBegin", "DestUniqueid": "x-1.2", "DestChanVariable": CARRIED},
            Began("attempt-7", "x-1.2"),
        ),
        (
            {"Event": "Newstate", "Uniqueid": "x-1.2", "ChannelStateDesc": "Up", "ChanVariable": CARRIED},
            Answered("attempt-7", "x-1.2"),
        ),
        (
            {"Event": "Hangup", "Uniqueid": "x-1.2", "Cause": "17", "TechCause": "486", "ChanVariable": CARRIED},
            Gone("attempt-7", "x-1.2", 17, 486),
        ),
        # callers, callbacks, and the seat's leg for an attempt
        ({"Event": "Hangup", "Uniqueid": "x-1.3", "Cause": "16"}, None),
        ({"Event": "Hangup", "Uniqueid": "callback-7", "Cause": "16"}, None),
        ({"Event": "Hangup", "Uniqueid": "attempt-7-0a", "Cause": "16"}, None),
        ({"Event": "Newchannel", "Uniqueid": "attempt-"}, None),
    ],
)
def test_what_an_event_says(headers: dict[str, str], fact: DialFact | None) -> None:
    assert fact_of(Event(list(headers.items()))) == fact


def test_the_leg_of_a_seat_is_no_customer() -> None:
    event = Event(
        [
            ("Event", "Hangup"),
            ("Uniqueid", "attempt-7-0a"),
            ("ChanVariable", "GOLDLINE_SEAT=S801"),
            ("ChanVariable", CARRIED),
        ]
    )
    assert fact_of(event) is None


def test_names_of_legs() -> None:
    assert call_of_leg("attempt-7-0a1b") == "attempt-7"
    assert [call_of_leg(text) for text in ("attempt-7", "callback-7-0a", "attempt-7-", "x", "")] == [""] * 5
