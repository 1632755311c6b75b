"""What an agent may do next: every state with every event, and what a supervisor may do."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from agent_routing import seat_times
from agent_routing.agents import (
    MOVES,
    WHY,
    Answer,
    Event,
    Expired,
    FoundTalking,
    HangUp,
    LogIn,
    LogOut,
    Missed,
    MoreTime,
    NotAllowed,
    Pause,
    PauseAfter,
    Ready,
    Release,
    Reserve,
    Resume,
    Ring,
    RoleNotAllowed,
    SeatBack,
    SeatLost,
    Step,
    force,
    logged_out,
    step,
)
from agent_routing.seat_times import SeatTimes
from db.agent import STATES, Session, State

TIMES = seat_times.read()
NINE = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)

IN: dict[State, Session] = {
    "logged_out": Session("801", "logged_out", NINE),
    "idle": Session("801", "idle", NINE, "S1"),
    "reserved": Session("801", "reserved", NINE, "S1", "c1", NINE + 10 * SECOND),
    "ringing": Session("801", "ringing", NINE, "S1", "c1", NINE + 20 * SECOND),
    "talking": Session("801", "talking", NINE, "S1", "c1"),
    "wrap_up": Session("801", "wrap_up", NINE, "S1", "c1", NINE + 30 * SECOND),
    "paused": Session("801", "paused", NINE, "S1", reason="lunch"),
    "gone": Session("801", "gone", NINE, "S1", reason="unregistered"),
}
EVENTS: tuple[Event, ...] = (
    LogIn("S1"),
    LogOut(),
    Reserve("c1"),
    Release("c1"),
    Ring("c1"),
    Answer("c1"),
    Missed("c1", "no_answer"),
    HangUp("c1"),
    MoreTime(),
    Ready(),
    Pause("meeting"),
    PauseAfter("meeting"),
    Resume(),
    SeatLost("unregistered"),
    SeatBack(),
    FoundTalking("c9"),
    Expired(),
)
# What each state becomes; an event that is not named is refused. "=" goes on in the same state.
TABLE: dict[State, dict[type[Event], str]] = {
    "logged_out": {LogIn: "idle"},
    "idle": {
        LogOut: "logged_out",
        Reserve: "reserved",
        Pause: "paused",
        SeatLost: "gone",
        FoundTalking: "talking",
    },
    "reserved": {
        Release: "idle",
        Ring: "ringing",
        Missed: "idle",
        PauseAfter: "=",
        SeatLost: "gone",
        FoundTalking: "talking",
        Expired: "idle",
    },
    "ringing": {
        Release: "idle",
        Answer: "talking",
        Missed: "idle",
        PauseAfter: "=",
        SeatLost: "gone",
        FoundTalking: "talking",
        Expired: "idle",
    },
    "talking": {HangUp: "wrap_up", PauseAfter: "=", SeatLost: "gone", FoundTalking: "=", Expired: "wrap_up"},
    "wrap_up": {
        LogOut: "logged_out",
        MoreTime: "=",
        Ready: "idle",
        Pause: "paused",
        PauseAfter: "=",
        SeatLost: "gone",
        FoundTalking: "talking",
        Expired: "idle",
    },
    "paused": {
        LogOut: "logged_out",
        Pause: "=",
        Resume: "idle",
        SeatLost: "gone",
        FoundTalking: "talking",
        Expired: "logged_out",
    },
    "gone": {
        LogOut: "logged_out",
        Resume: "idle",
        SeatBack: "idle",
        FoundTalking: "talking",
        Expired: "logged_out",
    },
}


def late(session: Session) -> datetime.datetime:
    return NINE + datetime.timedelta(days=1)


def go(session: Session, *events: Event, at: datetime.datetime = NINE + SECOND, times: SeatTimes = TIMES) -> Step:
    made = None
    for event in events:
        made = step(session, event, at, times)
        session = made.session
    assert made
    return made


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", STATES)
def test_every_state_with_every_event(state: State, event: Event) -> None:
    session = IN[state]
    now = late(session) if isinstance(event, Expired) else NINE + SECOND
    becomes = TABLE[state].get(type(event))
    if becomes is None:
        with pytest.raises(NotAllowed) as refused:
            step(session, event, now, TIMES)
        assert f"Agent 801 is {state}" in refused.value.message
        assert refused.value.remedy
        return
    made = step(session, event, now, TIMES)
    assert made.session.state == (state if becomes == "=" else becomes)
    assert made.session.version == session.version + 1
    assert (made.session.seat == "") == (made.session.state == "logged_out")
    if made.change is None:
        assert made.session.since == session.since
    else:
        assert (made.change.from_state, made.change.to_state) == (state, made.session.state)
        assert (made.change.since, made.change.at, made.session.since) == (session.since, now, now)


def test_the_table_of_this_test_knows_all_there_is() -> None:
    assert {type(event) for event in EVENTS} == set(MOVES) == set(WHY) | {Missed}
    assert set(TABLE) == set(STATES)


def test_a_whole_call_and_its_history() -> None:
    session, lines = logged_out("801", NINE), []
    events: tuple[Event, ...] = (
        LogIn("S1"),
        Reserve("c1"),
        Ring("c1"),
        Answer("c1"),
        HangUp("c1"),
        Ready(),
        LogOut(),
    )
    for number, event in enumerate(events):
        made = step(session, event, NINE + number * SECOND, TIMES)
        session = made.session
        assert made.change
        lines.append((made.change.why, made.change.call, made.change.actor))
    assert lines == [
        ("log_in", "", "801"),
        ("reserve", "c1", "goldline"),
        ("ring", "c1", "goldline"),
        ("answer", "c1", "801"),
        ("hang_up", "c1", "goldline"),
        ("ready", "c1", "801"),
        ("log_out", "", "801"),
    ]


@pytest.mark.parametrize(
    ("state", "event", "fate"),
    [
        ("reserved", SeatLost("unregistered"), "keeps_place"),
        ("ringing", SeatLost("unregistered"), "keeps_place"),
        ("ringing", Missed("c1", "no_answer"), "keeps_place"),
        ("reserved", Expired(), "keeps_place"),
        ("talking", SeatLost("line_dropped"), "front_of_queue"),
        ("talking", HangUp("c1"), "none"),
        ("ringing", Release("c1"), "none"),
        ("wrap_up", SeatLost("unregistered"), "none"),
        ("idle", SeatLost("unregistered"), "none"),
    ],
)
def test_what_becomes_of_the_caller(state: State, event: Event, fate: str) -> None:
    assert step(IN[state], event, late(IN[state]), TIMES).caller == fate


def test_a_pause_wished_for_in_a_call_begins_after_the_wrap_up() -> None:
    made = go(IN["talking"], PauseAfter("lunch"), HangUp("c1"))
    assert made.session.state == "wrap_up", "what the talk was about is still to be noted down"
    made = go(made.session, Ready())
    assert (made.session.state, made.session.reason) == ("paused", "lunch")


def test_a_pause_wished_for_begins_at_once_when_the_caller_goes() -> None:
    made = go(IN["ringing"], PauseAfter("lunch"), Release("c1"))
    assert (made.session.state, made.session.reason) == ("paused", "lunch")


def test_a_pause_wished_for_can_be_given_up() -> None:
    assert go(IN["talking"], PauseAfter("lunch"), Resume(), HangUp("c1"), Ready()).session.state == "idle"


def test_no_wrap_up_where_none_is_given() -> None:
    assert go(IN["talking"], HangUp("c1"), times=replace(TIMES, wrap_up=0 * SECOND)).session.state == "idle"


def test_more_time_has_an_end() -> None:
    session = IN["wrap_up"]
    ends = session.since + TIMES.wrap_up_most
    while session.until and session.until < ends:
        session = go(session, MoreTime()).session
    assert session.until == ends
    with pytest.raises(NotAllowed, match="longest time"):
        go(session, MoreTime())


def test_nothing_expires_before_its_time() -> None:
    for state in ("reserved", "ringing", "talking", "wrap_up", "paused", "gone"):
        with pytest.raises(NotAllowed, match="for longer"):
            step(IN[state], Expired(), NINE + SECOND, TIMES)


def test_an_event_of_another_call_comes_late_and_is_left() -> None:
    late_ones: tuple[tuple[State, Event], ...] = (
        ("reserved", Ring("c0")),
        ("reserved", Release("c0")),
        ("ringing", Answer("c0")),
        ("ringing", Missed("c0", "no_answer")),
        ("talking", HangUp("c0")),
    )
    for state, event in late_ones:
        with pytest.raises(NotAllowed, match="another call than c0"):
            go(IN[state], event)


def test_who_lets_calls_ring_is_paused_and_starts_anew_on_return() -> None:
    session = IN["idle"]
    for number in range(TIMES.missed_in_a_row):
        assert session.state == "idle"
        session = go(session, Reserve(f"c{number}"), Ring(f"c{number}"), Missed(f"c{number}", "no_answer")).session
    assert (session.state, session.reason) == ("paused", "missed")
    session = go(session, Resume(), Reserve("c9"), Ring("c9"), Missed("c9", "refused")).session
    assert (session.state, session.missed) == ("idle", 1)


def test_a_ring_that_asterisk_lost_is_not_held_against_the_agent() -> None:
    session = IN["idle"]
    for number in range(TIMES.missed_in_a_row + 1):
        session = go(session, Reserve(f"c{number}"), Ring(f"c{number}"), Missed(f"c{number}", "lost")).session
    assert (session.state, session.missed) == ("idle", 0)


@pytest.mark.parametrize(
    ("before", "state", "reason"),
    [
        (IN["idle"], "idle", ""),
        (IN["reserved"], "idle", ""),
        (IN["talking"], "wrap_up", ""),
        (IN["wrap_up"], "wrap_up", ""),
        (IN["paused"], "paused", "lunch"),
        (replace(IN["talking"], next_state="paused", next_reason="lunch"), "paused", "lunch"),
    ],
)
def test_a_seat_that_comes_back(before: Session, state: State, reason: str) -> None:
    lost = go(before, SeatLost("unregistered"))
    assert (lost.session.state, lost.session.reason) == ("gone", "unregistered")
    back = go(lost.session, SeatBack()).session
    assert (back.state, back.reason, back.next_state) == (state, reason, None)


def test_whoever_was_to_be_logged_out_does_not_come_back() -> None:
    before = replace(IN["talking"], next_state="logged_out")
    made = go(before, SeatLost("unregistered"))
    assert (made.session.state, made.caller) == ("logged_out", "front_of_queue")


def test_a_talk_found_in_a_pause_goes_back_to_the_pause() -> None:
    made = go(IN["paused"], FoundTalking("c5"), HangUp("c5"), Ready())
    assert (made.session.state, made.session.reason) == ("paused", "lunch")


# --- by a supervisor --------------------------------------------------------------------------------------------------


def forced(session: Session, event: Any, power: Any = "supervisor") -> Step:
    return force(session, event, NINE + SECOND, TIMES, actor="900", power=power)


@pytest.mark.parametrize("state", ["reserved", "ringing", "talking"])
def test_a_supervisor_never_cuts_a_caller_off(state: State) -> None:
    made = forced(IN[state], Pause("meeting"))
    assert (made.session.state, made.session.next_state, made.change) == (state, "paused", None)
    made = forced(IN[state], LogOut())
    assert (made.session.state, made.session.next_state) == (state, "logged_out")
    (entry,) = made.audit
    assert (entry.actor, entry.what, entry.data["agent"], entry.at) == (
        "900",
        "agent.logged_out",
        "801",
        NINE + SECOND,
    )
    with pytest.raises(NotAllowed, match="logs agent 801 out after this call"):
        go(made.session, PauseAfter("lunch"))
    with pytest.raises(NotAllowed, match="logs agent 801 out after this call"):
        go(made.session, Resume())
    assert forced(made.session, Resume()).session.next_state is None


def test_logged_out_after_the_wrap_up() -> None:
    made = go(forced(IN["talking"], LogOut()).session, HangUp("c1"), Ready())
    assert made.session.state == "logged_out"


def test_a_supervisor_pauses_resumes_and_logs_out() -> None:
    made = forced(IN["idle"], Pause("meeting"))
    assert (made.session.state, made.session.reason) == ("paused", "meeting")
    assert made.change
    assert made.change.actor == "900"
    assert made.audit[0].data["reason"] == "meeting"
    assert forced(made.session, Resume()).session.state == "idle"
    assert forced(made.session, LogOut()).session.state == "logged_out"


@pytest.mark.parametrize("power", ["agent", "senior"])
@pytest.mark.parametrize("event", [Pause("lunch"), Resume(), LogOut(), LogIn("S1")])
def test_others_may_not(event: Any, power: str) -> None:
    with pytest.raises(RoleNotAllowed, match=f"900 is {power}"):
        forced(IN["idle"], event, power)


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    made = step(IN["idle"], Pause("lunch"), NINE - 60 * SECOND, TIMES)
    assert made.change
    assert made.change.at == made.change.since == made.session.since == NINE
