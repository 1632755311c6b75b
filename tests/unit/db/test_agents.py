"""Agents and their PINs, on both databases."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import LogIn, LogOut
from agent_routing.desk import AgentDesk
from db.agent import Agent, Seat
from db.agent_pins import AgentPins
from db.agents import AgentAtWork, Agents, NoSuchAgent, Put
from db.audit import Audit
from db.branches import Branches
from db.customer import Branch
from db.errors import StoreError
from db.pins import PinRefused
from db.seats import Seats
from db.store import Store

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LI = Agent(
    "801", "李雷", "Li Lei", "SH01", ("zh", "en"), ("wuu",), {"licensed": 5, "orders": 3}, "senior", calls_per_day=80
)


@pytest.fixture
async def agents(store: Store) -> Agents:
    await Branches(store).put([Branch("SH01", "上海", "Shanghai")])
    return Agents(store)


@pytest.fixture
async def pins(store: Store) -> AsyncIterator[AgentPins]:
    opened = AgentPins(store, b"pepper", QUICK)
    yield opened
    opened.close()


async def test_what_is_put_is_found_and_putting_it_again_changes_nothing(agents: Agents, store: Store) -> None:
    han = Agent("802", "韩梅梅")
    assert await agents.put([LI, han], actor="boss") == Put(2, 0, 0)
    assert await agents.all() == (LI, han)
    assert await agents.get("801") == LI
    assert await agents.put([LI, replace(han, role="supervisor")], actor="boss") == Put(0, 1, 1)
    (entry, *_) = await Audit(store).latest()
    assert (entry.actor, entry.what) == ("boss", "agent.changed")
    assert entry.data == {"agent": "802", "fields": {"role": ["agent", "supervisor"]}}
    with pytest.raises(NoSuchAgent):
        await agents.get("899")


async def test_all_or_none(agents: Agents) -> None:
    with pytest.raises(StoreError):
        await agents.put([LI, Agent("802", branch="XX99")], actor="boss")
    assert await agents.all() == ()


async def test_nobody_leaves_in_the_middle_of_work(agents: Agents, pins: AgentPins, store: Store) -> None:
    await agents.put([LI], actor="boss")
    await Seats(store).put([Seat("S1", "softphone", endpoint="801")], actor="boss")
    await pins.set_pin("801", "290518", actor="boss")
    desk = AgentDesk(store, seat_times.read(), pause_reasons.read())
    await desk.do("801", LogIn("S1"))
    with pytest.raises(AgentAtWork, match="logout 801"):
        await agents.leave("801", actor="boss")
    with pytest.raises(AgentAtWork):
        await agents.put([replace(LI, standing="left")], actor="boss")
    await desk.do("801", LogOut())
    await agents.leave("801", actor="boss")
    await agents.leave("801", actor="boss")
    assert (await agents.get("801")).standing == "left"
    assert not await pins.check_pin("801", "290518")
    await agents.put([LI], actor="boss")
    assert not await pins.check_pin("801", "290518"), "who comes back gets a new PIN"


async def test_a_pin_proves_its_agent_and_no_other(agents: Agents, pins: AgentPins, store: Store) -> None:
    await agents.put([LI, Agent("802", "韩梅梅")], actor="boss")
    await pins.set_pin("801", "290518", actor="boss")
    assert await pins.check_pin("801", "290518")
    assert not await pins.check_pin("801", "290519")
    assert not await pins.check_pin("802", "290518")
    assert not await pins.check_pin("899", "290518")
    async with store.writing() as session:
        (kept,) = await session.scalars(sa.text("SELECT hash FROM agent_pins"))
        assert "290518" not in kept
        now = datetime.datetime.now(datetime.UTC).isoformat()
        await session.execute(
            sa.text("INSERT INTO agent_pins VALUES ('802', :kept, :now)"),
            {"kept": kept, "now": now if store.is_sqlite else datetime.datetime.now(datetime.UTC)},
        )
    assert not await pins.check_pin("802", "290518"), "a hash that was copied proves nobody else"
    other = AgentPins(store, b"another pepper", QUICK)
    assert not await other.check_pin("801", "290518")
    other.close()
    assert "290518" not in str(await Audit(store).latest())


async def test_a_pin_can_be_taken_away_and_a_weak_one_is_refused(agents: Agents, pins: AgentPins) -> None:
    await agents.put([LI], actor="boss")
    for weak in ("111111", "123456", "29051", "29051a"):
        with pytest.raises(PinRefused) as refused:
            await pins.set_pin("801", weak, actor="boss")
        assert weak not in str(refused.value)
    with pytest.raises(NoSuchAgent):
        await pins.set_pin("899", "290518", actor="boss")
    await pins.set_pin("801", "290518", actor="boss")
    await pins.remove_pin("801", actor="boss")
    assert not await pins.check_pin("801", "290518")
