"""What the store believes against what Asterisk sees."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from agent_routing import seat_times
from agent_routing.agents import step
from agent_routing.seats import SeatSeen, dial_string, overdue, reconcile, road_to
from db.agent import STATES, Seat, Session, State

TIMES = seat_times.read()
NINE = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
UP = SeatSeen("reachable")
DOWN = SeatSeen("unreachable")
FAR = SeatSeen("unknown")


def at(state: State, call: str = "c1") -> Session:
    session = Session("801", state, NINE, "" if state == "logged_out" else "S1")
    if state in ("reserved", "ringing", "talking", "wrap_up"):
        session = replace(session, call=call)
    return replace(session, reason="lunch") if state == "paused" else session


def bridged(call: str, reach: str = "reachable") -> SeatSeen:
    return SeatSeen(reach, "bridged", call)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "seen", "findings", "becomes"),
    [
        ("idle", UP, [], "idle"),
        ("idle", FAR, [], "idle"),
        ("idle", DOWN, ["vanished"], "gone"),
        ("idle", bridged("c2"), ["still_talking"], "talking"),
        ("reserved", UP, [], "reserved"),
        ("reserved", SeatSeen("reachable", "ringing", "c1"), ["rings"], "ringing"),
        ("reserved", bridged("c1"), ["rings", "answered"], "talking"),
        ("reserved", DOWN, ["vanished"], "gone"),
        ("ringing", SeatSeen("reachable", "ringing", "c1"), [], "ringing"),
        ("ringing", UP, ["freed"], "idle"),
        ("ringing", SeatSeen("reachable", "ringing", "c2"), ["freed"], "idle"),
        ("ringing", bridged("c1"), ["answered"], "talking"),
        ("ringing", bridged("c2"), ["still_talking"], "talking"),
        ("talking", bridged("c1"), [], "talking"),
        ("talking", bridged("c1", "unreachable"), [], "talking"),
        ("talking", bridged("c2"), ["other_call"], "talking"),
        ("talking", UP, ["freed"], "wrap_up"),
        ("talking", FAR, ["freed"], "wrap_up"),
        ("talking", DOWN, ["vanished"], "gone"),
        ("wrap_up", UP, [], "wrap_up"),
        ("wrap_up", bridged("c1"), ["still_talking"], "talking"),
        ("paused", UP, [], "paused"),
        ("paused", DOWN, ["vanished"], "gone"),
        ("gone", UP, ["returned"], "idle"),
        ("gone", FAR, [], "gone"),
        ("gone", DOWN, [], "gone"),
        ("gone", bridged("c1"), ["still_talking"], "talking"),
        ("logged_out", UP, [], "logged_out"),
    ],
)
def test_each_state_against_each_sight(state: State, seen: SeatSeen, findings: list[str], becomes: State) -> None:
    session = at(state)
    corrections = reconcile([session], {"S1": seen})
    assert [correction.finding for correction in corrections] == findings
    for correction in corrections:
        assert correction.why
        assert correction.event
        session = step(session, correction.event, NINE + SECOND, TIMES).session
    assert session.state == becomes
    assert not reconcile([session], {"S1": seen}), "what was put right is right"


def test_a_seat_that_asterisk_does_not_know_has_vanished() -> None:
    (correction,) = reconcile([at("idle")], {})
    assert correction.finding == "vanished"


def test_a_talk_that_broke_off_puts_its_caller_in_front() -> None:
    (correction,) = reconcile([at("talking")], {"S1": DOWN})
    assert correction.event
    assert step(at("talking"), correction.event, NINE, TIMES).caller == "front_of_queue"


@pytest.mark.parametrize("state", STATES)
def test_what_is_stuck_is_reported_once_its_time_is_over_and_freed(state: State) -> None:
    session = at(state)
    longest = TIMES.longest.get(state)
    if longest is None:
        assert not overdue([session], {"S1": UP}, NINE + datetime.timedelta(days=9), TIMES)
        return
    assert not overdue([session], {"S1": UP}, NINE + longest - SECOND, TIMES)
    (correction,) = overdue([session], {"S1": UP}, NINE + longest, TIMES)
    assert correction.finding == "stuck"
    assert state in correction.why
    assert correction.event
    freed = step(session, correction.event, NINE + longest, TIMES).session
    assert freed.state in ("idle", "wrap_up", "logged_out")


def test_a_long_talk_is_reported_and_goes_on() -> None:
    (correction,) = overdue([at("talking")], {"S1": bridged("c1")}, NINE + datetime.timedelta(hours=5), TIMES)
    assert (correction.finding, correction.event) == ("still_talking", None)


def test_how_a_seat_is_dialled() -> None:
    assert dial_string(Seat("S1", "softphone", endpoint="801")) == "PJSIP/801"
    assert road_to(Seat("S1", "softphone", endpoint="801")) == "PJSIP/801"
    assert road_to(Seat("S1", "softphone", endpoint="801", kept_open=True)) == "Local/S1@goldline-open-seat/n"
    assert dial_string(Seat("S2", "mobile", trunk="carrier", number="+8613800138000")) == "PJSIP/13800138000@carrier"
