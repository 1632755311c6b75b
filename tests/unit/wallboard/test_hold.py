"""A leg whose caller is on hold is in a talk for the board as well: store and Asterisk do not disagree about it."""

from __future__ import annotations

import pytest

from ivr.contract import CONTEXT_SEAT, CONTEXT_SEAT_ASK, CONTEXT_SEAT_HOLD
from ivr.wallboard.sights import ChannelSeen, sights_of, state_of

LEG = {"Uniqueid": "1.2", "Channel": "PJSIP/801-1", "ChannelStateDesc": "Up", "Timestamp": "100.0"}


@pytest.mark.parametrize(
    ("event", "context", "together"),
    [
        ("BridgeLeave", CONTEXT_SEAT, False),
        ("BridgeLeave", CONTEXT_SEAT_HOLD, True),
        ("NewExten", CONTEXT_SEAT_HOLD, True),
        ("NewExten", CONTEXT_SEAT_ASK, True),
    ],
)
def test_hold_is_a_talk(event: str, context: str, together: bool) -> None:
    (sight,) = sights_of({**LEG, "Event": event, "Context": context}, 100.0)
    assert isinstance(sight, ChannelSeen)
    assert bool(sight.channel.bridge) is together


def test_in_the_whole_state_as_well() -> None:
    state = state_of([{**LEG, "Context": CONTEXT_SEAT_HOLD, "Seconds": "5"}], [], 100.0)
    assert state.channels[0].bridge
