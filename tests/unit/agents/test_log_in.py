"""Log-ins by telephone: how often a PIN may be tried, who is locked, and what an auditor reads. On both databases."""

from __future__ import annotations

import asyncio
import datetime

import pytest
from argon2 import PasswordHasher

from db.agent import Agent
from db.agent_pins import AgentPins
from db.agents import Agents, NoSuchAgent
from db.audit import Audit
from db.store import Store
from ivr.agents.log_in import LogIns

KEY = b"a key of the tests"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PIN, WRONG = "264813", "135790"
NOON = datetime.datetime(2036, 11, 20, 4, 0, tzinfo=datetime.UTC)


class CountedPins(AgentPins):
    """PINs that know how often one was looked at."""

    looked = 0

    async def check_pin(self, agent: str, pin: str) -> bool:
        self.looked += 1
        return await super().check_pin(agent, pin)


class House:
    """Two agents with PINs, and a clock that is moved by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pins = CountedPins(store, b"pepper", QUICK)
        self.now = NOON
        self.log_ins = LogIns(store, self.pins, KEY, lambda: self.now)

    async def tried(self, agent: str, pin: str, seat: str = "S1") -> tuple[str, int]:
        verdict = await self.log_ins.prove(seat, agent, pin)
        return verdict.how, verdict.minutes

    def go(self, minutes: float) -> None:
        self.now += datetime.timedelta(minutes=minutes)


@pytest.fixture
async def house(store: Store) -> House:
    house = House(store)
    await Agents(store).put([Agent("801", "李雷"), Agent("802", "韩梅梅")], actor="boss")
    for agent in ("801", "802"):
        await house.pins.set_pin(agent, PIN, actor="boss")
    return house


async def test_three_slips_cost_nothing_and_the_right_pin_forgives_them(house: House) -> None:
    for _ in range(2):
        assert await house.tried("801", WRONG) == ("wrong", 0)
    assert await house.tried("801", PIN) == ("proven", 0)
    assert (await house.log_ins.standing("801")).tries == 0


async def test_waits_grow_and_the_sixth_wrong_one_locks(house: House) -> None:
    for _ in range(3):
        assert await house.tried("801", WRONG) == ("wrong", 0)
    looked = house.pins.looked
    assert await house.tried("801", PIN) == ("wait", 1)
    assert house.pins.looked == looked, "in the wait nothing is looked at, not even the right one"
    house.go(1)
    assert await house.tried("801", WRONG) == ("wrong", 0)
    assert await house.tried("801", PIN) == ("wait", 5)
    house.go(5)
    assert await house.tried("801", WRONG) == ("wrong", 0)
    house.go(15)
    assert await house.tried("801", WRONG) == ("locked", 0)
    house.go(24 * 60)
    assert await house.tried("801", PIN) == ("locked", 0)
    assert await house.tried("802", PIN) == ("proven", 0), "nobody else is locked with them"


async def test_a_supervisor_unlocks_with_a_reason(house: House) -> None:
    for _ in range(6):
        await house.tried("801", WRONG)
        house.go(60)
    assert await house.log_ins.unlock("801", actor="boss", why="showed her badge") == 6
    assert await house.tried("801", PIN) == ("proven", 0)
    with pytest.raises(NoSuchAgent):
        await house.log_ins.unlock("999", actor="boss", why="?")
    entry = next(one for one in await Audit(house.store).latest() if one.what == "agent.unlocked")
    assert entry.data == {"agent": "801", "tries": 6, "why": "showed her badge"}


async def test_one_seat_cannot_try_one_pin_on_every_agent(house: House) -> None:
    many = [Agent(str(number)) for number in range(810, 820)]
    await Agents(house.store).put(many, actor="boss")
    ends = [await house.tried(agent.id, WRONG) for agent in many]
    assert ends[:5] == [("wrong", 0)] * 5
    assert ends[5:] == [("wait", 1)] * 5
    assert await house.tried("801", PIN, seat="S2") == ("proven", 0), "another seat is not concerned"


async def test_an_agent_who_does_not_exist_is_refused_like_one_who_does(house: House) -> None:
    ends = [await house.tried("888888", PIN, seat=f"S{number}") for number in range(4)]
    assert ends == [("wrong", 0)] * 3 + [("wait", 1)]
    said = [entry.data["agent"] for entry in await Audit(house.store).latest() if entry.what == "agent.log_in_refused"]
    assert said == [""] * 4, "what was keyed may be somebody's PIN, and is written down nowhere"


async def test_tries_at_the_same_time_are_tries_one_after_the_other(house: House) -> None:
    ends = await asyncio.gather(*(house.tried("801", WRONG, seat=f"S{number}") for number in range(12)))
    assert sorted(how for how, _ in ends) == ["wait"] * 9 + ["wrong"] * 3


async def test_who_has_left_is_not_proven(house: House) -> None:
    await Agents(house.store).leave("801", actor="boss")
    assert await house.tried("801", PIN) == ("wrong", 0)


async def test_without_a_store_nobody_is_proven_and_nothing_breaks() -> None:
    away = await Store.open("sqlite+aiosqlite:////nowhere/goldline.db")
    assert (await LogIns(away, AgentPins(away, b"pepper", QUICK), KEY).prove("S1", "801", PIN)).how == "unavailable"
    await away.close()
