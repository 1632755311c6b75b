"""What agents are doing, in both databases: one agent at a seat, one call for an agent, nothing lost by a restart."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
import sqlalchemy as sa

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import (
    Answer,
    HangUp,
    LogIn,
    LogOut,
    MoreTime,
    NotAllowed,
    Pause,
    PauseAfter,
    Ready,
    Release,
    Resume,
    Ring,
    SeatLost,
)
from agent_routing.desk import AgentDesk
from agent_routing.pause_reasons import NoSuchReason
from db.agent import Agent, Seat, StateChange
from db.agent_sessions import AgentHasLeft, AgentSessions, SeatTaken
from db.agents import Agents, NoSuchAgent
from db.audit import Audit
from db.errors import StoreError
from db.seats import NoSuchSeat, Seats
from db.store import Store

NINE = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
TIMES = seat_times.read()
REASONS = pause_reasons.read()


class Clock:
    def __init__(self) -> None:
        self.now = NINE

    def __call__(self) -> datetime.datetime:
        return self.now

    def after(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(store: Store, clock: Clock) -> AgentDesk:
    """Twenty agents and twenty seats; nobody is logged in."""
    await Agents(store).put((Agent(f"{801 + n}", name_en=f"Agent {n}") for n in range(20)), actor="test")
    await Seats(store).put((Seat(f"S{n + 1}", "softphone", endpoint=f"{801 + n}") for n in range(20)), actor="test")
    return opened(store, clock)


def opened(store: Store, clock: Callable[[], datetime.datetime]) -> AgentDesk:
    return AgentDesk(store, TIMES, REASONS, clock)


async def of(desk: AgentDesk, agent: str = "801") -> tuple[str, str, str]:
    found = await desk.sessions.get(agent)
    assert found
    return found.state, found.seat, found.call


async def test_a_call_from_log_in_to_log_out_is_kept_line_by_line(desk: AgentDesk, clock: Clock) -> None:
    await desk.do("801", LogIn("S1"))
    clock.after(60)
    assert await desk.reserve("801", "c1")
    clock.after(1)
    await desk.do("801", Ring("c1"))
    clock.after(4)
    await desk.do("801", Answer("c1"))
    clock.after(120)
    await desk.do("801", HangUp("c1"))
    clock.after(10)
    await desk.do("801", MoreTime())
    clock.after(30)
    await desk.do("801", Ready())
    clock.after(5)
    await desk.do("801", Pause("lunch"))
    clock.after(600)
    await desk.do("801", Resume())
    clock.after(30)
    await desk.do("801", LogOut())
    assert await of(desk) == ("logged_out", "", "")
    lines = await desk.sessions.history(since=NINE, until=clock.now + datetime.timedelta(seconds=1), agent="801")
    assert [(line.from_state, line.to_state, line.why, line.call) for line in lines] == [
        ("logged_out", "idle", "log_in", ""),
        ("idle", "reserved", "reserve", "c1"),
        ("reserved", "ringing", "ring", "c1"),
        ("ringing", "talking", "answer", "c1"),
        ("talking", "wrap_up", "hang_up", "c1"),
        ("wrap_up", "idle", "ready", "c1"),
        ("idle", "paused", "pause", ""),
        ("paused", "idle", "resume", ""),
        ("idle", "logged_out", "log_out", ""),
    ]
    assert {line.seat for line in lines} == {"S1"}
    assert all(before.at == after.since for before, after in pairwise(lines)), "no gaps"
    assert figures(lines) == {"aht": 160.0, "occupancy": 160 / 260, "lunch": 600.0}
    assert await desk.sessions.calls_since(NINE) == {"801": 1}


def figures(lines: tuple[StateChange, ...]) -> dict[str, float]:
    """Out of the history alone: AHT (talk and wrap-up per call), occupancy (the same, of the time not paused)."""
    spent: Counter[str] = Counter()
    for line in lines:
        spent[line.from_state] += int((line.at - line.since).total_seconds())
        spent[line.from_reason] += int((line.at - line.since).total_seconds()) if line.from_reason else 0
    handled = spent["talking"] + spent["wrap_up"]
    calls = sum(line.to_state == "talking" for line in lines)
    at_work = sum(spent[state] for state in ("idle", "reserved", "ringing", "talking", "wrap_up"))
    return {"aht": handled / calls, "occupancy": handled / at_work, "lunch": float(spent["lunch"])}


async def test_twenty_reservations_of_one_agent_and_one_wins(desk: AgentDesk) -> None:
    await desk.do("801", LogIn("S1"))
    won = await asyncio.gather(*(desk.reserve("801", f"c{number}") for number in range(20)))
    (one,) = [session for session in won if session]
    assert await of(desk) == ("reserved", "S1", one.call)
    lines = await desk.sessions.history(since=NINE, until=NINE + datetime.timedelta(days=1))
    assert [line.why for line in lines] == ["log_in", "reserve"]


async def test_twenty_controllers_offer_one_call_and_one_agent_gets_it(desk: AgentDesk) -> None:
    for number in range(20):
        await desk.do(f"{801 + number}", LogIn(f"S{number + 1}"))
    won = await asyncio.gather(*(desk.reserve(f"{801 + number}", "c1") for number in range(20)))
    assert len([session for session in won if session]) == 1
    states = Counter(session.state for session in await desk.sessions.all())
    assert states == {"reserved": 1, "idle": 19}


async def test_two_controllers_with_a_store_each(desk: AgentDesk, database_url: str, clock: Clock) -> None:
    await desk.do("801", LogIn("S1"))
    other = await Store.open(database_url)
    try:
        desks = [desk, opened(other, clock)] * 10
        won = await asyncio.gather(*(one.reserve("801", f"c{number}") for number, one in enumerate(desks)))
    finally:
        await other.close()
    assert len([session for session in won if session]) == 1


async def test_twenty_agents_run_for_one_seat_and_one_sits(desk: AgentDesk) -> None:
    tried = await asyncio.gather(
        *(desk.do(f"{801 + number}", LogIn("S1")) for number in range(20)), return_exceptions=True
    )
    refused = [one for one in tried if isinstance(one, SeatTaken)]
    assert len(refused) == 19
    assert sum(session.seat == "S1" for session in await desk.sessions.all()) == 1
    assert all("sits at seat S1" in one.message for one in refused)


async def test_the_database_itself_refuses_two_agents_at_a_seat(desk: AgentDesk, store: Store) -> None:
    await desk.do("801", LogIn("S1"))
    await desk.do("802", LogIn("S2"))
    with pytest.raises(StoreError):
        async with store.writing() as session:
            await session.execute(sa.text("UPDATE agent_sessions SET seat = 'S1' WHERE agent = '802'"))
    with pytest.raises(StoreError):
        async with store.writing() as session:
            await session.execute(sa.text("UPDATE agent_sessions SET seat = NULL WHERE agent = '802'"))


async def test_an_agent_logs_in_at_one_seat_only(desk: AgentDesk) -> None:
    tried = await asyncio.gather(*(desk.do("801", LogIn(f"S{n}")) for n in range(1, 11)), return_exceptions=True)
    assert sum(isinstance(one, NotAllowed) for one in tried) == 9
    assert (await of(desk))[0] == "idle"


async def test_a_restart_finds_everything_as_it_was(desk: AgentDesk, database_url: str, clock: Clock) -> None:
    for number, agent in enumerate(("801", "802", "803", "804", "805"), start=1):
        await desk.do(agent, LogIn(f"S{number}"))
    await desk.reserve("801", "c1")  # its lease ends while nobody is there
    await desk.reserve("802", "c2")
    await desk.do("802", Ring("c2"))
    await desk.do("802", Answer("c2"))
    await desk.do("802", PauseAfter("lunch"))
    await desk.do("803", Pause("lunch"))
    await desk.do("804", SeatLost("unregistered"))
    clock.after(TIMES.longest["reserved"].total_seconds() - 1)
    await desk.reserve("805", "c5")  # and this one does not
    before = {session.agent: session for session in await desk.sessions.all()}
    clock.after(2)

    again = await Store.open(database_url)
    try:
        after = {session.agent: session for session in await opened(again, clock).load()}
    finally:
        await again.close()
    assert after["801"].state == "idle"
    assert {agent: after[agent] for agent in ("802", "803", "804", "805")} == {
        agent: before[agent] for agent in ("802", "803", "804", "805")
    }
    assert (after["802"].state, after["802"].since, after["802"].next_reason) == ("talking", NINE, "lunch")
    lines = await desk.sessions.history(since=NINE, until=clock.now + datetime.timedelta(1), agent="801")
    assert (lines[-1].why, lines[-1].call, lines[-1].to_state) == ("expired", "c1", "idle")
    assert await desk.reserve("801", "c9"), "whose lease is over is free for the next call"


async def test_what_is_refused_leaves_everything_as_it_was(desk: AgentDesk) -> None:
    await desk.do("801", LogIn("S1"))
    before = await desk.sessions.get("801")
    for event in (Answer("c1"), Ready(), Release("c1")):
        with pytest.raises(NotAllowed):
            await desk.do("801", event)
    with pytest.raises(NoSuchReason):
        await desk.do("801", Pause("nap"))
    assert await desk.sessions.get("801") == before
    assert await desk.reserve("899", "c1") is None


async def test_who_may_not_sit_down(desk: AgentDesk, store: Store) -> None:
    with pytest.raises(NoSuchAgent):
        await desk.do("899", LogIn("S1"))
    with pytest.raises(NoSuchSeat):
        await desk.do("801", LogIn("S99"))
    await Agents(store).leave("801", actor="boss")
    with pytest.raises(AgentHasLeft):
        await desk.do("801", LogIn("S1"))
    assert await desk.sessions.get("899") is None


async def test_a_forced_act_and_its_audit_entry_are_one(desk: AgentDesk, store: Store) -> None:
    await desk.do("801", LogIn("S1"))
    await desk.force("801", Pause("meeting"), actor="900", power="supervisor")
    assert (await of(desk))[0] == "paused"
    with pytest.raises(NotAllowed):
        await desk.force("801", LogIn("S2"), actor="boss", power="operator")
    (entry,) = await Audit(store).by_actor("900", NINE, NINE)
    assert (entry.actor, entry.what, entry.data["agent"], entry.data["reason"]) == (
        "900",
        "agent.paused",
        "801",
        "meeting",
    )


async def test_the_stamp_differs_after_every_change(desk: AgentDesk) -> None:
    stamps = [await desk.sessions.stamp()]
    for event in (LogIn("S1"), Pause("lunch"), Resume(), LogOut()):
        await desk.do("801", event)
        stamps.append(await desk.sessions.stamp())
    assert len(set(stamps)) == len(stamps)


async def test_the_history_is_appended_only(desk: AgentDesk, store: Store) -> None:
    await desk.do("801", LogIn("S1"))
    for statement in ("UPDATE agent_changes SET actor = 'x'", "DELETE FROM agent_changes"):
        with pytest.raises(StoreError):
            async with store.writing() as session:
                await session.execute(sa.text(statement))
    assert len(await AgentSessions(store).history(since=NINE, until=NINE + datetime.timedelta(1))) == 1
