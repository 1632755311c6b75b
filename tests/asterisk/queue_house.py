"""A hotline with lines that lead straight into a queue, one for each story, and agents with telephones of their own.

Each story's queue requires a skill that only its agents have: stories that are told at the same time do not take one
another's seats.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from conftest import RunningAsterisk
from hotline import LOOK_SECONDS, LOOPBACK, ROOT, CallOf, Hotline, Journal
from known_customers import KnownCustomers, own_hotline
from seat_phone import PATIENCE, SeatPhone, seat_phone
from sipp import Phone, fresh_number

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import Event, LogIn, Pause, Resume
from agent_routing.desk import AgentDesk
from db.agent import Agent, Role, Seat, Session, State
from db.agents import Agents
from db.customer import Customer, Tier
from db.customer import Phone as Telephone
from db.customers import Customers
from db.seat_passwords import SeatPasswords
from db.seats import Seats
from db.store import Store
from ivr.contract import SIP_REALM

ACTOR = "test"
FLOW = """flow: {name}
languages: [zh, en]
start: wait
nodes:
  wait:
    type: queue
    say: queue_welcome
    reason: reason_orders
    requires: {{{name}: 1}}
    {recorded}
    every: 5s
    keys: {{"1": call_back, "*": goodbye}}
    talked: after
    on_nobody: nobody
    on_longest: over
  nobody: {{type: say, say: nobody_at_work, next: over}}
  call_back: {{type: goto, to: person/call_back}}
  after: {after}
  over: {{type: hangup, say: goodbye}}
  goodbye: {{type: hangup, say: goodbye}}
"""
SURVEY, GOODBYE = "{type: goto, to: survey/}", "{type: hangup, say: goodbye}"


_mobiles = itertools.count(secrets.randbelow(10**8))


@dataclass
class Story:
    """One story's line and people. Taken from ``QueueHouse.story`` while the module is being read."""

    name: str
    number: str
    agents: tuple[Agent, ...]
    seats: tuple[Seat, ...]
    passwords: tuple[str, ...]
    customers: dict[str, Customer] = field(default_factory=dict)  # by the number that they call from
    recorded: bool = False
    survey: bool = False

    def caller(self, tier: Tier = "normal", **said: Any) -> str:
        """A customer of that tier; the number that they call from."""
        number = f"139{next(_mobiles) % 10**8:08d}"
        account = f"8{secrets.randbelow(10**11):011d}"
        self.customers[number] = Customer(
            account, tier=tier, status="active", phones=(Telephone(f"+86{number}"),), **said
        )
        return number


class QueueHouse:
    """The stories of one test module."""

    def __init__(self) -> None:
        self._stories: list[Story] = []
        self._ids = itertools.count(secrets.randbelow(800) * 1000 + 100_000)
        self._numbers = itertools.count(7001)

    def story(
        self,
        agents: int = 1,
        *,
        recorded: bool = False,
        survey: bool = False,
        role: Role = "agent",
        seat: dict[str, Any] | None = None,
        all_seats: bool = False,
    ) -> Story:
        """A line with so many agents. ``seat`` are fields of the first one's seat, or of all."""
        name = f"story_{len(self._stories)}"
        ids = [str(next(self._ids)) for _ in range(agents)]
        story = Story(
            name,
            str(next(self._numbers)),
            tuple(Agent(one, name_zh=f"坐席{one}", languages=("zh", "en"), skills={name: 3}, role=role) for one in ids),
            tuple(
                Seat(
                    **{
                        "id": f"S{one}",
                        "kind": "softphone",
                        "endpoint": one,
                        **(seat or {} if all_seats or one == ids[0] else {}),
                    }
                )
                for one in ids
            ),
            tuple(secrets.token_hex(8) for _ in ids),
            recorded=recorded,
            survey=survey,
        )
        self._stories.append(story)
        return story

    @property
    def stories(self) -> tuple[Story, ...]:
        """All that were taken until now."""
        return tuple(self._stories)

    @contextmanager
    def hotline(
        self,
        asterisk: RunningAsterisk,
        name: str,
        known: KnownCustomers | None = None,
        *,
        time_zone: str = "Asia/Shanghai",
        **changed: Any,
    ) -> Iterator[Hotline]:
        """The controller, running, with all of it, and with these customers."""
        house = asterisk.settings.run_dir / f"{name}-dialplans"
        shutil.copytree(ROOT / "dialplans", house)
        for flow in house.glob("*.test.yaml"):
            flow.unlink()
        lines = (house / "lines.yaml").read_text("utf-8").replace("Asia/Shanghai", time_zone)
        for story in self._stories:
            recorded = 'recorded: recording_notice\n    refuse: "9"' if story.recorded else ""
            flow = FLOW.format(name=story.name, recorded=recorded, after=SURVEY if story.survey else GOODBYE)
            (house / f"{story.name}.yaml").write_text(flow, "utf-8")
            lines += (
                f'\n  {story.name}:\n    name: {story.name}\n    numbers: ["{story.number}"]\n'
                f"    trunks: city\n    flow: {story.name}\n    channel: others\n"
            )
        (house / "lines.yaml").write_text(lines, "utf-8")
        one = own_hotline(asterisk, name, dialplans=house, **changed)

        async def begin() -> None:
            await one.prepare()
            await self._plant(one)
            if known is not None:
                await known.plant(one)
            await one.start()

        try:
            asyncio.run(begin())
            yield one
        finally:
            one.stop()

    async def _plant(self, hotline: Hotline) -> None:
        async with opened(hotline) as store:
            for story in self._stories:
                await Agents(store).put(story.agents, actor=ACTOR)
                await Seats(store).put(story.seats, actor=ACTOR)
                telephones = zip(story.seats, story.passwords, strict=True)
                for seat, password in ((seat, password) for seat, password in telephones if seat.endpoint):
                    await SeatPasswords(store).put(seat.id, password, realm=SIP_REALM, actor=ACTOR)
                for customer in story.customers.values():
                    await Customers(store).put(customer, why="test")


_open: dict[tuple[asyncio.AbstractEventLoop, str], list[Store]] = {}  # the same one, once for each story that has it


@asynccontextmanager
async def opened(hotline: Hotline) -> AsyncIterator[Store]:
    """The hotline's store. The stories of one event loop share it: its writers wait in line, while twenty stores of
    their own would look again and again whether the file is free, and on a loaded machine some too late."""
    place = asyncio.get_running_loop(), hotline.settings.database_url
    stores = _open.setdefault(place, [])
    stores.append(stores[0] if stores else await Store.open(hotline.settings.database_url))
    try:
        yield stores[0]
    finally:
        store = stores.pop()
        if not stores:
            del _open[place]
            await store.close()


@dataclass
class Desk:
    """One agent at work, with a telephone."""

    agent: Agent
    seat: Seat
    phone: SeatPhone
    _desk: AgentDesk
    _hotline: Hotline

    async def do(self, event: Event) -> None:
        """Something that the agent does."""
        await self._desk.do(self.agent.id, event)

    async def session(self) -> Session:
        """What the agent does now, says the store."""
        found = await self._desk.sessions.get(self.agent.id)
        assert found is not None
        return found

    async def pause(self) -> None:
        """A break, of which the controller knows."""
        await self.do(Pause("break"))
        await self.seen("paused")

    async def resume(self) -> None:
        """Back from the break."""
        await self.do(Resume())

    async def seen(self, state: str) -> None:
        """Until the controller sees the seat in this state."""
        async with asyncio.timeout(PATIENCE):
            while not any(
                one["agent"] == self.agent.id and one["state"] == state for one in await seats(self._hotline)
            ):
                await asyncio.sleep(LOOK_SECONDS)

    async def until(self, *states: State) -> Session:
        """Until the store says that the agent is in one of these states."""
        deadline = time.monotonic() + PATIENCE
        while (session := await self.session()).state not in states:
            assert time.monotonic() < deadline, f"agent {self.agent.id} is not {states}, but {session}"
            await asyncio.sleep(LOOK_SECONDS)
        return session


@asynccontextmanager
async def at_work(hotline: Hotline, story: Story, number: int = 0) -> AsyncIterator[Desk]:
    """The story's agent of this number, logged in at a registered telephone."""
    seat, password = story.seats[number], story.passwords[number]
    async with (
        seat_phone(seat.endpoint, password, hotline.asterisk.port("sip")) as phone,
        at_phone(hotline, story, phone, number) as desk,
    ):
        yield desk


@asynccontextmanager
async def at_phone(hotline: Hotline, story: Story, phone: SeatPhone, number: int = 0) -> AsyncIterator[Desk]:
    """The same at a telephone that is there already."""
    agent, seat = story.agents[number], story.seats[number]
    async with opened(hotline) as store:
        desk = Desk(agent, seat, phone, AgentDesk(store, seat_times.read(), pause_reasons.read()), hotline)
        await desk.do(LogIn(seat.id))
        await desk.seen("idle")
        yield desk


async def seats(hotline: Hotline) -> list[dict[str, Any]]:
    """The seats as the controller sees them now."""
    return list((await queue(hotline))["seats"])


async def waiters(hotline: Hotline) -> dict[str, dict[str, Any]]:
    """Who waits now, by call, as the controller sees it."""
    return {one["call"]: one for one in (await queue(hotline))["waiting"]}


async def queue(hotline: Hotline) -> dict[str, list[dict[str, Any]]]:
    """The whole queue; nothing while there is no controller."""
    url = f"http://{LOOPBACK}:{hotline.asterisk.port('http')}/queue"
    headers = {"Authorization": f"Bearer {hotline.asterisk.secrets.http_token}"}
    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
            return dict(await answer.json())
    return {"seats": [], "waiting": [], "talks": []}


@asynccontextmanager
async def waiting(
    hotline: Hotline, journal: Journal, story: Story, caller: str = ""
) -> AsyncIterator[tuple[Phone, CallOf]]:
    """A caller on the story's line, who waits for a person."""
    async with hotline.dialled(story.number, caller=caller or fresh_number()) as phone:
        call = await journal.call_of(phone)
        await call.until("wait.joined")
        yield phone, call
