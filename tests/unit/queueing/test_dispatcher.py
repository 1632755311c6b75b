"""The dispatcher over the real store, in a world where everything may come late, early, twice or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath
from random import Random

import pytest
from world import World

from agent_routing import pause_reasons, policy_file, seat_times
from agent_routing.agents import Event, LogIn, Step
from agent_routing.desk import AgentDesk
from agent_routing.talk_times import TalkTimes
from db.agent import Agent, Seat, Session
from db.agents import Agents
from db.events import utcnow
from db.in_memory import store_in_memory
from db.seats import Seats
from db.store import Store
from ivr.queueing.chronicle import Chronicle
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.offer import OfferMaker
from ivr.queueing.place import Place
from ivr.queueing.seen import EndpointReach
from ivr.queueing.staff import Staff
from ivr.speech.catalogue import Catalogue
from ivr.testing import FakeVoice, MemoryJournal

SHIPPED = policy_file.read()
POLICY = replace(SHIPPED, same_caller_pause=0.05, seat_rest=0.01, lease=5.0)
TIMES = replace(seat_times.read(), wrap_up=timedelta(0), missed_in_a_row=10**6)
TIERS = ("platinum", "gold", "silver", "normal")


class Hotline:
    """One store, and one dispatcher after the other in one world."""

    def __init__(self, store: Store, world: World) -> None:
        self.store = store
        self.world = world
        self.journal = MemoryJournal()
        self.staff: Staff
        self.desk = AgentDesk(store, TIMES, pause_reasons.read())

    async def start(self) -> Dispatcher:
        """A controller starts."""
        self.staff = Staff(self.desk, Agents(self.store), Seats(self.store), TIMES, utcnow, self._tell)
        offers = OfferMaker(_catalogue(), FakeVoice(), _nobody, PurePath("talks"), "zh")
        witness = Chronicle(self.journal, lambda _news: None)
        self.dispatcher = Dispatcher(self.staff, self.world, offers, witness, POLICY, TalkTimes([60.0]))
        await self.staff.load()
        self.world.dispatcher = self.dispatcher
        self.dispatcher.rebuild(self.world.snapshot())
        return self.dispatcher

    async def kill(self) -> None:
        """… and is no more."""
        self.world.dispatcher = None
        await self.dispatcher.stop()

    def _tell(self, session: Session) -> None:
        if self.world.dispatcher is not None:
            self.dispatcher.session_changed(session)


async def _nobody(_customer: int) -> None:
    return None


def _catalogue() -> Catalogue:
    from ivr.config import CHECKOUT

    return Catalogue.load(CHECKOUT / "prompts")


@asynccontextmanager
async def hotline(seed: int, agents: int) -> AsyncIterator[Hotline]:
    store = await store_in_memory()
    names = [f"80{number}" for number in range(agents)]
    await Agents(store).put([Agent(name, languages=("zh",)) for name in names], actor="test")
    await Seats(store).put([Seat(f"S{name}", "softphone", endpoint=name) for name in names], actor="test")
    one = Hotline(store, World(Random(seed)))
    for name in names:
        await one.desk.do(name, LogIn(f"S{name}"))
    # Device states are not what this is about: every telephone can be rung.
    one.world.snapshot = _reachable(one.world, names)  # type: ignore[method-assign]
    await one.start()
    try:
        yield one
    finally:
        await one.kill()
        await store.close()


def _reachable(world: World, names: list[str]):  # type: ignore[no-untyped-def]
    plain = world.snapshot

    def snapshot():  # type: ignore[no-untyped-def]
        return replace(plain(), reach=dict.fromkeys(names, "reachable"))

    return snapshot


def place(chance: Random) -> Place:
    return Place(time.time(), chance.choice(TIERS), language="zh")  # type: ignore[arg-type]


async def until_over(world: World, seconds: float = 100.0) -> None:
    """Until everybody is gone. What is stuck is stuck for ever; a loaded machine, and the leases of controllers that
    were killed, take their time."""
    deadline = time.monotonic() + seconds
    while left := [caller for caller in world.callers.values() if caller.where != "gone"]:
        assert time.monotonic() < deadline, f"{left}, legs {world.legs}, {world.dispatcher and stuck(world.dispatcher)}"
        await asyncio.sleep(0.01)


def stuck(dispatcher: Dispatcher) -> str:
    """What there is, for whoever has to find out why nothing happens."""
    return "\n".join(
        [
            f"waiting {list(dispatcher.waiting)} offers {dispatcher.offers} talks {dispatcher.talks}",
            *(f"{session}" for session in dispatcher._staff.sessions.values()),
            *(f"{stand.seat.id} {stand.state} {stand.caller}" for stand in dispatcher.engine.seats()),
            *(f"{dispatcher.explain(call)}" for call in dispatcher.waiting),
        ]
    )


@pytest.mark.parametrize("seed", range(3))
async def test_every_caller_is_served_once_or_gives_up(seed: int) -> None:
    chance = Random(seed)
    async with hotline(seed, agents=4) as house:
        world = house.world
        for number in range(40):
            world.calls(f"c{number}", place(chance))
            await asyncio.sleep(chance.random() * 0.006)
            if chance.random() < 0.2:
                world.hangs_up(f"c{chance.randrange(number + 1)}")
        await until_over(world)
        assert world.wrongs == []
        assert len(world.served) == len(set(world.served))
        assert world.legs == {}
        async with asyncio.timeout(5):
            while any(session.state != "idle" for session in house.staff.working() if session.state != "gone"):
                await asyncio.sleep(0.01)
        house.dispatcher.look_after()
        assert house.dispatcher.seating.mended == 0
        assert house.dispatcher.waiting == {}
        assert house.dispatcher.offers == {}
        assert house.dispatcher.talks == {}
        begun = [event.call_id for event in house.journal.events if event.kind == "talk.began"]
        ended = [event.call_id for event in house.journal.events if event.kind == "talk.ended"]
        assert sorted(begun) == sorted(ended)
        assert set(world.served) <= set(begun)


@pytest.mark.parametrize("seed", range(3))
async def test_controllers_come_and_go_and_nobody_is_lost_or_served_twice(seed: int) -> None:
    chance = Random(seed)
    async with hotline(seed, agents=4) as house:
        world = house.world
        for number in range(40):
            world.calls(f"c{number}", place(chance))
            await asyncio.sleep(chance.random() * 0.006)
            if chance.random() < 0.1:
                world.hangs_up(f"c{chance.randrange(number + 1)}")
            if number % 20 == 15:
                await house.kill()
                await asyncio.sleep(chance.random() * 0.05)
                await house.start()
                world.ask_again()
        await until_over(world)
        assert world.wrongs == []
        assert len(world.served) == len(set(world.served))
        assert world.legs == {}
        assert house.dispatcher.waiting == {}
        assert house.dispatcher.offers == {}
        async with asyncio.timeout(5):
            while any(session.state != "idle" for session in house.staff.working() if session.state != "gone"):
                await asyncio.sleep(0.01)


async def test_who_was_rung_for_before_a_restart_and_not_answered_is_offered_again() -> None:
    async with hotline(1, agents=1) as one:
        world = one.world
        does = iter(["ring_out"])
        world.seat_does = lambda _chance: next(does, "answer")
        world.slow = 0.05
        world.calls("c1", place(Random(1)))
        async with asyncio.timeout(5):
            while not world.legs:
                await asyncio.sleep(0.01)
        await one.kill()
        await one.start()
        world.slow = 0.003
        await until_over(world)
        assert world.served == ["c1"]


async def test_a_telephone_that_is_back_before_its_loss_is_written_down_is_not_lost() -> None:
    async with hotline(1, agents=1) as one:
        writing = asyncio.Event()
        do = one.desk.do

        async def slow(agent: str, event: Event) -> Step:
            await writing.wait()
            return await do(agent, event)

        one.desk.do = slow  # type: ignore[method-assign]
        one.dispatcher.take(EndpointReach("800", "unreachable"))
        await asyncio.sleep(0)
        one.dispatcher.take(EndpointReach("800", "reachable"))
        writing.set()
        await asyncio.wait(one.dispatcher._matching._tasks)
        assert one.staff.sessions["800"].state == "idle"
