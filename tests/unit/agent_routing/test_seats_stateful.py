"""Agents, seats and calls for hours, whatever happens in whatever order, over the real store in memory.

An agent is in exactly one state, a seat never has two agents, a call is never offered to two, a lease ends, and the
history of each agent has no gap.
"""

from __future__ import annotations

import asyncio
import datetime
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import (
    Answer,
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
    Resume,
    Ring,
    SeatBack,
    SeatLost,
)
from agent_routing.desk import AgentDesk
from agent_routing.seats import SeatSeen, overdue, reconcile
from db.agent import OFFERED, STATES, WITH_CALL, Agent, Seat, Session
from db.agent_sessions import SeatTaken
from db.agents import Agents
from db.in_memory import store_in_memory
from db.seats import Seats

AGENTS = ("801", "802", "803")
SEATS = ("S1", "S2")
CALLS = ("c1", "c2", "c3")
START = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
TIMES = seat_times.read()
REASONS = pause_reasons.read()

agents = st.sampled_from(AGENTS)
seats = st.sampled_from(SEATS)
calls = st.sampled_from(CALLS)
events = st.one_of(
    st.builds(LogIn, seats),
    st.sampled_from([LogOut(), MoreTime(), Ready(), Pause("lunch"), PauseAfter("break"), Resume(), Expired()]),
    st.sampled_from([SeatLost("unreachable"), SeatBack()]),
    st.builds(Release, calls),
    st.builds(Missed, calls, st.sampled_from(["no_answer", "refused", "busy", "lost"])),
    st.builds(Ring, calls),
    st.builds(Answer, calls),
    st.builds(HangUp, calls),
    st.builds(FoundTalking, calls),
)
sights = st.builds(
    SeatSeen,
    st.sampled_from(["reachable", "unreachable", "unknown"]),
    st.sampled_from(["none", "ringing", "bridged"]),
    calls,
)


class Work(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = START
        store = self.runner.run(store_in_memory())
        self.runner.run(Agents(store).put((Agent(agent) for agent in AGENTS), actor="test"))
        self.runner.run(Seats(store).put((Seat(seat, "softphone", endpoint=seat) for seat in SEATS), actor="test"))
        self.desk = AgentDesk(store, TIMES, REASONS, lambda: self.now)

    def teardown(self) -> None:
        self.runner.close()

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def sessions(self) -> dict[str, Session]:
        return {session.agent: session for session in self.run(self.desk.sessions.all())}

    @rule(agent=agents, seat=seats)
    def log_in(self, agent: str, seat: str) -> None:
        before = self.sessions()
        try:
            self.run(self.desk.do(agent, LogIn(seat)))
        except SeatTaken:
            assert any(session.seat == seat for session in before.values())
        except NotAllowed:
            assert before[agent].state != "logged_out"

    @rule(agent=agents, call=calls)
    def reserve(self, agent: str, call: str) -> None:
        before = self.sessions()
        free = agent in before and before[agent].state == "idle"
        offered = any(session.call == call and session.state in OFFERED for session in before.values())
        given = self.run(self.desk.reserve(agent, call))
        assert (given is not None) == (free and not offered)
        if given:
            assert given == self.sessions()[agent]

    @rule(agent=agents, event=events)
    def happen(self, agent: str, event: Any) -> None:
        before = self.sessions().get(agent)
        try:
            made = self.run(self.desk.do(agent, event))
        except (NotAllowed, SeatTaken):
            after = self.sessions().get(agent)
            assert after == before
            return
        assert self.sessions()[agent] == made.session

    @rule(agent=agents, how=st.sampled_from([Pause("meeting"), Resume(), LogOut()]))
    def force(self, agent: str, how: Any) -> None:
        before = self.sessions().get(agent)
        try:
            made = self.run(self.desk.force(agent, how, actor="900", power="supervisor"))
        except NotAllowed:
            return
        if before and before.state in WITH_CALL:
            assert (made.session.state, made.session.call) == (before.state, before.call), "no caller is cut off"

    @rule(seen=st.dictionaries(seats, sights))
    def look_at_asterisk(self, seen: dict[str, SeatSeen]) -> None:
        for correction in reconcile(self.sessions().values(), seen):
            if correction.event:
                self.run(self.desk.do(correction.agent, correction.event))
        assert not reconcile(self.sessions().values(), seen), "what was put right is right"

    @rule(seconds=st.sampled_from([1, 9, 31, 700, 20_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += datetime.timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        for correction in overdue(self.sessions().values(), {}, self.now, TIMES):
            if correction.event:
                self.run(self.desk.do(correction.agent, correction.event))
        assert not any(
            session.state in OFFERED and session.until and session.until <= self.now
            for session in self.sessions().values()
        ), "a lease ends"

    @rule()
    def restart(self) -> None:
        before = self.sessions()
        after = {session.agent: session for session in self.run(self.desk.load())}
        for agent, session in before.items():
            if session.state == "reserved" and session.until and session.until <= self.now:
                assert after[agent].state in ("idle", "paused", "logged_out")
            else:
                assert after[agent] == session

    @invariant()
    def one_agent_one_seat_one_state_one_call(self) -> None:
        sessions = list(self.sessions().values())
        taken = [session.seat for session in sessions if session.seat]
        assert len(taken) == len(set(taken))
        offered = [session.call for session in sessions if session.state in OFFERED]
        assert len(offered) == len(set(offered))
        for session in sessions:
            assert session.state in STATES
            assert (session.seat == "") == (session.state == "logged_out")
            assert (session.reason != "") == (session.state in ("paused", "gone"))
            assert session.call or session.state not in WITH_CALL
            assert (session.until is not None) == (session.state in ("reserved", "ringing", "wrap_up"))

    @invariant()
    def the_history_has_no_gap(self) -> None:
        lines = self.run(self.desk.sessions.history(since=START, until=self.now + datetime.timedelta(seconds=1)))
        for agent, session in self.sessions().items():
            own = [line for line in lines if line.agent == agent]
            assert all(
                (before.at, before.to_state, before.to_reason) == (after.since, after.from_state, after.from_reason)
                for before, after in pairwise(own)
            )
            if own:
                assert (own[-1].to_state, own[-1].at) == (session.state, session.since)


TestWork = Work.TestCase
TestWork.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
