"""Customers who are called back, over the real store and dispatcher, while controllers die at any moment."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from test_dispatcher import POLICY, TIMES, _catalogue, _nobody

from agent_routing import pause_reasons
from agent_routing.agents import LogIn
from agent_routing.callback_rules import DAY_KINDS, OUTCOMES, CallbackRules, Span
from agent_routing.desk import AgentDesk
from agent_routing.talk_times import TalkTimes
from db.agent import Agent, Seat, Session
from db.agents import Agents
from db.events import utcnow
from db.missed import MissedCallers
from db.seats import Seats
from db.store import Store
from db.waiting_callbacks import CALLED_IN, WaitingCallback, WaitingCallbacks
from db.waiting_callbacks import Place as KeptPlace
from ivr import contract
from ivr.ami.protocol import Event
from ivr.flow.service import Caller
from ivr.missed.rebuild import rebuild
from ivr.queueing.callback_outcome import outcome_of
from ivr.queueing.callbacks import PLACE, CallbackDesk
from ivr.queueing.chronicle import Chronicle
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.offer import OfferMaker
from ivr.queueing.place import Place, encode
from ivr.queueing.seen import SeatLeg, Snapshot, fact_of
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Witnesses
from ivr.testing import FakeVoice, MemoryJournal

ALWAYS = Span(datetime.time.min, datetime.time.max)
PAUSE = datetime.timedelta(seconds=0.1)
RULES = CallbackRules(
    dict.fromkeys(DAY_KINDS, ALWAYS),
    datetime.timedelta(hours=1),
    3,
    {outcome: None if outcome in ("bad_number", "refused") else PAUSE for outcome in OUTCOMES},
)
LEASE = datetime.timedelta(seconds=0.6)


class Days:
    def kind_of(self, _day: datetime.date, /) -> str:
        return "monday"


@dataclass
class Asking:
    """The session of a leg that asks whether it may dial."""

    leg: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"agi_uniqueid": self.leg}

    @property
    def hung_up(self) -> bool:
        return False

    async def command(self, *words: str | int | float, deadline: float | None = None) -> Any:
        self.variables[str(words[2])] = str(words[3])


@dataclass
class Telephones:
    """Seats and customers. What they do is drawn at random; what they tell is lost while no controller listens."""

    chance: Random
    slow: float = 0.01
    agent_does: tuple[str, ...] = ("answer", "answer", "answer", "BUSY", "NOANSWER")
    customer_does: tuple[str, ...] = ("ANSWER", "ANSWER", "BUSY", "NOANSWER", "CHANUNAVAIL")
    house: House | None = None
    legs: dict[str, SeatLeg] = field(default_factory=dict)
    dialled: Counter[str] = field(default_factory=Counter)
    ringing: set[str] = field(default_factory=set)  # customers
    talked: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _lives: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    # What Asterisk can be told

    async def ring(self, leg: str, call: str, line: str, variables: Mapping[str, str]) -> None:
        assert line
        await self._pause()
        seat = variables[contract.VAR_OFFER_SEAT]
        if any(one.seat == seat for one in self.legs.values()):
            self.wrongs.append(f"{seat} was rung twice")
        self.legs[leg] = SeatLeg(call, seat, leg, "ringing", variables[contract.VAR_OFFER_ID])
        self._lives[leg] = self.go(self._live(leg))

    async def hang_up(self, leg: str) -> None:
        await self._pause()
        if leg in self.legs:
            self._lives[leg].cancel()
            self._gone(leg, 16)

    async def offer(self, call: str, variables: Mapping[str, str]) -> None:
        raise AssertionError("no caller is on the line")

    async def take_back(self, call: str) -> None:
        raise AssertionError("no caller is on the line")

    async def tell(self, headers: Mapping[str, str]) -> None:
        pass

    # What happens

    async def _live(self, leg: str) -> None:
        await self._pause()
        self._tell("DialBegin", leg, "Dest", DestUniqueid=leg, DestChannel=leg)
        await self._pause()
        if (agent := self.chance.choice(self.agent_does)) != "answer":
            self._tell("DialEnd", leg, "Dest", DestUniqueid=leg, DialStatus=agent)
            self._gone(leg, 17 if agent == "BUSY" else 19)
            return
        self._tell("DialEnd", leg, "Dest", DestUniqueid=leg, DialStatus="ANSWER")
        for _ in range(200):
            await self._pause()
            said = await self._ask(leg)
            if said.get(contract.VAR_DONE) == contract.DONE_DIAL:
                await self._dial(leg, said[contract.VAR_CALLBACK_DIAL])
                return
            if said.get(contract.VAR_DONE) == contract.DONE_HANGUP:
                break
            await asyncio.sleep(5 * self.slow)
        self._gone(leg, 16)

    async def _ask(self, leg: str) -> Mapping[str, str]:
        """A controller that dies over it leaves nothing behind but, perhaps, what it wrote down."""
        if self.house is None:
            return {}
        session = Asking(leg)
        asking = self.house.serves(session)
        with suppress(asyncio.CancelledError):
            await asyncio.shield(asyncio.gather(asking, return_exceptions=True))
        return {} if asking.cancelled() else session.variables

    async def _dial(self, leg: str, number: str) -> None:
        if number in self.ringing:
            self.wrongs.append(f"{number} is rung twice at once")
        if self.talked[number]:
            self.wrongs.append(f"{number} was served and is called again")
        self.dialled[number] += 1
        self.ringing.add(number)
        await self._pause()
        await self._pause()
        status = self.chance.choice(self.customer_does)
        self._tell("DialEnd", leg, "", Uniqueid=leg, DestUniqueid=f"c-{leg}", DialStatus=status)
        self.ringing.discard(number)
        if status != "ANSWER":
            self._gone(leg, {"BUSY": 17, "NOANSWER": 19}.get(status, 1))
            return
        self.talked[number] += 1
        one = self.legs[leg]
        self.legs[leg] = SeatLeg(one.call, one.seat, leg, "bridged", one.offer)
        self._tell("BridgeEnter", leg, "own", Uniqueid=leg, Channel=leg)
        await asyncio.sleep(10 * self.slow * self.chance.random())
        self._tell("BridgeLeave", leg, "own", Uniqueid=leg, Channel=leg)
        self._gone(leg, 16)

    def _gone(self, leg: str, cause: int) -> None:
        self._tell("Hangup", leg, "own", Uniqueid=leg, Cause=str(cause))
        del self.legs[leg]

    def _tell(self, name: str, leg: str, whose: str, **headers: str) -> None:
        one = self.legs[leg]
        known = {contract.VAR_SEAT: one.seat, contract.VAR_CALL: one.call, contract.VAR_OFFER_ID: one.offer}
        header = {"Dest": "DestChanVariable", "own": "ChanVariable"}.get(whose)
        variables = [(header, f"{name}={value}") for name, value in known.items()] if header else []
        event = Event([("Event", name), *headers.items(), *variables])
        house = self.house
        if house is not None:
            asyncio.get_running_loop().call_later(self.slow, lambda: house.hears(event))

    async def _pause(self) -> None:
        await asyncio.sleep(2 * self.slow * self.chance.random())

    def go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.wrongs.append(repr(error))


class Mortal:
    """The store of a controller that may die: what was begun is done, and it never learns of it."""

    def __init__(self, store: Store) -> None:
        self.lasting = store
        self._inside = 0
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lasting, name)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        async with self._until_death(), self.lasting.reading() as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        async with self._until_death(), self.lasting.writing() as session:
            yield session

    @asynccontextmanager
    async def _until_death(self) -> AsyncIterator[None]:
        await self._unless_dead()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
        await self._unless_dead()

    async def _unless_dead(self) -> None:
        if self.dead:
            await asyncio.Event().wait()

    async def die(self) -> None:
        self.dead = True
        while self._inside:
            await asyncio.sleep(0.001)


class House:
    """One controller's part."""

    def __init__(self, lasting: Store, phones: Telephones, journal: MemoryJournal, outside: str = "{}") -> None:
        self.phones = phones
        self.mortal = Mortal(lasting)
        store: Store = self.mortal  # type: ignore[assignment]
        self.journal = journal
        self.alive = True
        self.staff = Staff(
            AgentDesk(store, TIMES, pause_reasons.read()), Agents(store), Seats(store), TIMES, utcnow, self._tell
        )
        offers = OfferMaker(_catalogue(), FakeVoice(), _nobody, PurePath("talks"), "zh")
        witnesses = Witnesses(Chronicle(journal, lambda _news: None))
        self.dispatcher = Dispatcher(self.staff, phones, offers, witnesses, POLICY, TalkTimes([60.0]))
        self.desk = CallbackDesk(
            store,
            journal,
            self.dispatcher,
            offers,
            phones,
            RULES,
            lambda: (ZoneInfo("Asia/Shanghai"), Days()),
            outside.format,
            "95500",
            lease=LEASE,
            look_seconds=0.05,
        )
        witnesses.add(self.desk)
        self._serving: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None]

    async def start(self) -> None:
        await self.staff.load()
        self.phones.house = self
        legs = {one.seat: one for one in self.phones.legs.values()}
        reach = dict.fromkeys((seat.endpoint for seat in self.staff.seats.values()), "reachable")
        snapshot = Snapshot({}, legs, reach, frozenset(self.phones.legs))  # type: ignore[arg-type]
        await self.desk.load(snapshot)
        self.dispatcher.rebuild(snapshot)
        self._following = asyncio.get_running_loop().create_task(self._follow())

    async def kill(self) -> None:
        self.alive = False
        self.phones.house = None
        await self.mortal.die()
        for task in (*self._serving, self._following):
            task.cancel()
        await asyncio.gather(*self._serving, self._following, return_exceptions=True)
        await self.desk.stop()
        await self.dispatcher.stop()

    async def _follow(self) -> None:
        following = asyncio.get_running_loop().create_task(self.desk.follow())
        try:
            while True:
                await asyncio.sleep(0.05)
                self.dispatcher.look_after()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def stuck(self, rows: Any) -> str:
        """What there is, for whoever has to find out why nothing happens."""
        desk = self.dispatcher
        return "\n".join(
            [
                *(
                    f"{row.call} {row.state} {row.attempts} {row.outcome} {row.next_try} {row.lease_until}"
                    for row in rows
                ),
                f"now {utcnow()} waiting {list(desk.waiting)} offers {desk.offers} talks {desk.talks}",
                *(f"{one.agent} {one.state} {one.call} {one.until}" for one in self.staff.sessions.values()),
                *(f"{one.seat.id} {one.state} {one.caller}" for one in desk.engine.seats()),
                *(f"{desk.explain(call)}" for call in desk.waiting),
                f"legs {self.phones.legs} tries {self.desk._tries}",
            ]
        )

    def serves(self, session: Asking) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self.desk.serve(session))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return task

    def hears(self, event: Event) -> None:
        if self.alive:
            self.desk.saw(event)
            if (fact := fact_of(event)) is not None:
                self.dispatcher.take(fact)

    def _tell(self, session: Session) -> None:
        if self.alive:
            self.dispatcher.session_changed(session)


async def staffed(store: Store, agents: int) -> None:
    names = [f"80{number}" for number in range(agents)]
    await Agents(store).put([Agent(name, languages=("zh",)) for name in names], actor="test")
    await Seats(store).put([Seat(f"S{name}", "softphone", endpoint=name) for name in names], actor="test")
    for name in names:
        await AgentDesk(store, TIMES, pause_reasons.read()).do(name, LogIn(f"S{name}"))


async def asked(store: Store, number: int) -> WaitingCallback:
    now = utcnow()
    place = Place(time.time() - 30, "gold", language="zh")
    joined = datetime.datetime.fromtimestamp(place.joined, datetime.UTC)
    kept = KeptPlace(f"c{number}", f"1380013{number:04d}", joined, "gold", "95500", "zh", {PLACE: encode(place)})
    return await WaitingCallbacks(store).ask(kept, now=now, expires=now + RULES.expires)


async def until_closed(house: House, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while rows := await WaitingCallbacks(house.mortal.lasting).open():
        assert time.monotonic() < deadline, house.stuck(rows)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_dies_nobody_is_dialled_twice_and_nobody_forgotten(store: Store, seed: int) -> None:
    chance = Random(seed)
    await staffed(store, 3)
    phones = Telephones(Random(seed))
    journal = MemoryJournal()
    rows = [await asked(store, number) for number in range(8)]
    house = House(store, phones, journal)
    await house.start()
    for _ in range(6):
        await asyncio.sleep(chance.random() * 0.3)
        await house.kill()
        await asyncio.sleep(chance.random() * 0.1)
        house = House(store, phones, journal)
        await house.start()
    await until_closed(house)
    assert phones.wrongs == []
    await rebuild(store, utcnow() - datetime.timedelta(hours=1), utcnow())  # as each start does (ivr.missed.following)
    missed = {entry.number for entry in await MissedCallers(store).open()}
    for row in rows:
        closed = await WaitingCallbacks(store).get(row.id)
        assert closed is not None
        number = f"1380013{row.id - rows[0].id:04d}"
        assert phones.dialled[number] <= closed.attempts <= RULES.most_attempts, "dialled without being written down"
        assert phones.talked[number] <= 1
        if closed.state == "failed":
            assert closed.place.number in missed
        else:
            assert closed.state == "done"
            assert phones.talked[number] == 1
    async with asyncio.timeout(10):
        while any(session.state not in ("idle", "paused") for session in house.staff.working()):
            await asyncio.sleep(0.02)
    assert house.dispatcher.seating.mended == 0
    await house.kill()


async def test_an_agent_is_not_blamed_for_a_customer_who_is_busy(store: Store) -> None:
    await staffed(store, 1)
    phones = Telephones(Random(1), agent_does=("answer",), customer_does=("BUSY",))
    house = House(store, phones, MemoryJournal())
    row = await asked(store, 1)
    await house.start()
    await until_closed(house)
    closed = await WaitingCallbacks(store).get(row.id)
    assert closed is not None
    assert (closed.state, closed.outcome, closed.attempts) == ("failed", "busy", 3)
    async with asyncio.timeout(5):
        while house.staff.sessions["800"].state != "idle":
            await asyncio.sleep(0.02)
    assert house.staff.sessions["800"].missed == 0
    await house.kill()


async def test_who_calls_in_while_the_seat_rings_has_the_place_and_is_not_dialled(store: Store) -> None:
    await staffed(store, 1)
    phones = Telephones(Random(1), slow=0.05, agent_does=("answer",))
    house = House(store, phones, MemoryJournal())
    row = await asked(store, 1)
    await house.start()
    async with asyncio.timeout(5):
        while not phones.legs:
            await asyncio.sleep(0.01)
    place = await house.desk.called_in(Caller("c9", "13800130001", "95500"), None)
    assert place is not None
    assert place.joined == pytest.approx(row.place.joined.timestamp(), abs=0.001)
    closed = await WaitingCallbacks(store).get(row.id)
    assert closed is not None
    assert (closed.state, closed.outcome) == ("done", CALLED_IN)
    async with asyncio.timeout(5):
        while phones.legs or house.staff.sessions["800"].state != "idle":
            await asyncio.sleep(0.01)
    assert not phones.dialled
    await house.kill()


async def test_who_calls_in_while_the_row_is_looked_at_does_not_wait_twice(store: Store) -> None:
    await staffed(store, 0)
    house = House(store, Telephones(Random(1)), MemoryJournal())
    await house.start()
    for number in range(1, 6):
        row = await asked(store, number)
        looking = asyncio.gather(house.desk.look(), house.desk.look())
        caller = Caller(f"c{number}", row.place.number.removeprefix("+86"), "95500")
        while await house.desk.called_in(caller, None) is None:  # not read yet
            await asyncio.sleep(0)
        await looking
        assert row.call not in house.dispatcher.waiting
    await house.kill()


async def test_without_a_trunk_the_place_waits(store: Store) -> None:
    await staffed(store, 1)
    phones = Telephones(Random(1))
    house = House(store, phones, MemoryJournal(), outside="")
    row = await asked(store, 1)
    await house.start()
    await house.desk.look()
    assert row.call not in house.dispatcher.waiting
    assert not phones.legs
    await house.kill()


@pytest.mark.parametrize(
    ("status", "cause", "outcome"),
    [
        ("BUSY", 17, "busy"),
        ("NOANSWER", 0, "no_answer"),
        ("NOANSWER", 19, "no_answer"),
        ("CHANUNAVAIL", 1, "bad_number"),
        ("CHANUNAVAIL", 28, "bad_number"),
        ("CHANUNAVAIL", 20, "switched_off"),
        ("CONGESTION", 34, "network"),
        ("CHANUNAVAIL", 0, "network"),
        ("CANCEL", 16, "network"),  # the agent hung up
        ("", 0, "network"),
        ("CONGESTION", 21, "no_answer"),
    ],
)
def test_what_came_of_a_call(status: str, cause: int, outcome: str) -> None:
    assert outcome_of(status, cause) == outcome
