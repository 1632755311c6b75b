"""One campaign's lane: what the pacer is told of its seats, and the journal of its decisions."""

from __future__ import annotations

import datetime

from db.agent import Agent, Seat, Session
from ivr.dialing.crew import CrewSeat, crew, has_skills
from ivr.dialing.lane import SUMMARY_SECONDS, Lane
from ivr.dialing.plan import Plan
from outbound.pacing import Limits, Pacer, PacingRules

NOW = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
PLAN = Plan("revisit", "progressive", "revisit", {"revisit": 2}, pacing=PacingRules(mode="progressive"))


def seat(name: str, state: str = "idle", *, at_once: bool = True) -> CrewSeat:
    return CrewSeat(name, f"agent of {name}", state, 0.0, at_once)  # type: ignore[arg-type]


def lane() -> Lane:
    return Lane(PLAN, Pacer(PLAN.pacing))


def test_one_call_for_each_seat_that_can_be_put_through_at_once() -> None:
    one = lane()
    one.see([seat("a"), seat("b"), seat("rings first", at_once=False), seat("c", "talking")], 100.0, 0.0)
    decision = one.decide(100.0, Limits(), [None] * 10)
    assert (decision.dial, decision.why.seats) == (2, 3)


def test_a_seat_that_is_no_more_counts_no_more() -> None:
    one = lane()
    one.see([seat("a"), seat("b")], 100.0, 0.0)
    one.see([seat("b")], 101.0, 0.0)
    assert one.decide(101.0, Limits(), [None] * 10).dial == 1
    one.see([], 102.0, 0.0)
    decision = one.decide(102.0, Limits(), [None] * 10)
    assert (decision.dial, decision.why.limited_by) == (0, "no_seats")


def test_nobody_upcoming_is_nobody_dialled() -> None:
    one = lane()
    one.see([seat("a")], 100.0, 0.0)
    assert one.decide(100.0, Limits(), []).dial == 0


def test_the_journal_hears_of_what_changes_and_of_a_sum_now_and_then() -> None:
    one = lane()
    one.see([seat("a")], 100.0, 0.0)
    first = one.news(one.decide(100.0, Limits(), [None]), 100.0)
    assert first is not None
    assert first["dial"] == 1
    assert one.news(one.decide(100.5, Limits(), [None]), 100.5) is None
    late = one.news(one.decide(101.0 + SUMMARY_SECONDS, Limits(), [None]), 101.0 + SUMMARY_SECONDS)
    assert late is not None
    assert late["dial"] == 2  # since the last line
    one.see([], 120.0, 0.0)
    none = one.news(one.decide(120.0, Limits(), [None]), 120.0)
    assert none is not None
    assert none["limited_by"] == "no_seats"
    assert one.why_none == "no_seats"


def test_who_serves_a_campaign_and_what_they_do() -> None:
    agents = {
        name: Agent(name, skills={"revisit": level})
        for name, level in (("801", 2), ("802", 3), ("803", 1), ("804", 2), ("805", 2), ("806", 2))
    }
    seats = {f"S{name}": Seat(f"S{name}", "softphone", name, kept_open=name != "802") for name in agents}

    def session(agent: str, state: str, call: str = "", **more: object) -> Session:
        return Session(agent, state, NOW, f"S{agent}", call, **more)  # type: ignore[arg-type]

    sessions = [
        session("801", "idle"),
        session("802", "idle"),
        session("803", "idle"),  # lacks the skill
        session("804", "talking", "attempt-7"),
        session("805", "talking", "a caller's"),
        session("806", "wrap_up", "attempt-8", next_state="paused"),  # a break comes next
    ]
    found = crew({"revisit": 2}, sessions, agents, seats, {"S801": True, "S802": False}, frozenset(("attempt-7",)))
    assert [(one.agent, one.state, one.at_once) for one in found] == [
        ("801", "idle", True),
        ("802", "away", False),  # idle, and not to be had just now
        ("804", "talking", True),
        ("805", "away", True),
        ("806", "away", True),
    ]
    assert not has_skills(agents["803"], {"revisit": 2})
    assert has_skills(agents["803"], {})
