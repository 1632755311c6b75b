"""The wallboard against a manager over TCP: events, re-reads, restarts, a store that goes away, a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fake_manager import Account, Channel, FakeManager

from agent_routing.policy_file import read as read_policy
from db.agent import Agent, Seat, Session
from db.agent_sessions import AgentSessions
from db.agents import Agents
from db.calls import Calls
from db.errors import StoreAway
from db.events import Event, utcnow
from db.seats import Seats
from db.store import Store
from ivr.ami.errors import AuthFailed
from ivr.contract import AMI_MONITOR, VAR_CALL, VAR_SEAT, VAR_WAIT
from ivr.monitor import Monitor
from ivr.queueing.news import QueueNews, headers
from ivr.queueing.place import Place, encode
from ivr.wallboard.alerts_file import read as read_limits
from ivr.wallboard.board import board
from ivr.wallboard.picture import Picture
from ivr.wallboard.rows import Board
from ivr.wallboard.watch import ControllerAway, Watch

PATIENCE = 10.0
POLICY, LIMITS = read_policy(), read_limits()
PLACE = Place(time.time() - 7, "gold", "zh", line="95500")


@pytest.fixture
async def manager() -> AsyncIterator[FakeManager]:
    async with FakeManager({AMI_MONITOR: Account("look", write=frozenset({"reporting"}))}) as fake:
        fake.devices = {"PJSIP/801": "NOT_INUSE"}
        yield fake


class Onlooker:
    """A watch that runs, and what its board shows."""

    def __init__(self, manager: FakeManager, store: Store) -> None:
        self.picture = Picture(POLICY)
        self.controller_is_there = True
        self.watch = Watch(
            self.picture,
            lambda: Monitor(host="127.0.0.1", port=manager.port, secret="look"),
            store,
            self._ask,
            pulse_seconds=0.05,
        )

    async def _ask(self) -> None:
        if not self.controller_is_there:
            raise ControllerAway("no answer")

    @property
    def board(self) -> Board:
        return board(self.picture, time.time(), POLICY, LIMITS)

    async def until(self, wanted: Callable[[Board], object]) -> Board:
        async with asyncio.timeout(PATIENCE):
            while not wanted(shown := self.board):
                self.watch.changed.clear()
                await self.watch.changed.wait()
        return shown

    def waiting(self) -> list[str]:
        return [one.call for one in self.board.waiting]


@asynccontextmanager
async def onlooking(manager: FakeManager, store: Store) -> AsyncIterator[Onlooker]:
    one = Onlooker(manager, store)
    looking = asyncio.create_task(one.watch.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await one.watch.looked()
        yield one
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def waiting_caller(manager: FakeManager, call: str = "1.1", place: Place | None = PLACE) -> Channel:
    one = Channel("PJSIP/trunk", call, caller="13800138000", variables={VAR_WAIT: encode(place)} if place else {})
    manager.channels[call] = one
    return one


def seat_leg(channel: str = "1.2", call: str = "1.1") -> Channel:
    variables = {VAR_SEAT: "S1", VAR_CALL: call}
    return Channel(
        "PJSIP/801", channel, linkedid=call, state_name="Ringing", variables=variables, shown=(VAR_SEAT, VAR_CALL)
    )


def tell(manager: FakeManager, news: QueueNews) -> None:
    manager.emit("UserEvent", ("Privilege", "user,all"), *headers(news).items())


async def test_a_caller_who_waits_is_seen_from_the_channel_alone_and_leaves_with_the_hang_up(
    manager: FakeManager, store: Store
) -> None:
    one = waiting_caller(manager)
    async with onlooking(manager, store) as onlooker:
        (row,) = onlooker.board.waiting
        assert (row.call, row.tier, row.line, row.number) == ("1.1", "gold", "95500", "138****8000")
        assert row.waited >= 7
        manager.emit("Hangup", *one.headers(), ("Cause", "16"))
        await onlooker.until(lambda shown: not shown.waiting)
        assert onlooker.board.tiers[1].today.abandoned == 1


async def test_an_offer_and_a_talk_are_followed_by_events_alone(manager: FakeManager, store: Store) -> None:
    await Agents(store).put([Agent("801", "李雷")], actor="test")
    await Seats(store).put([Seat("S1", "softphone", "801")], actor="test")
    caller, leg = Channel("PJSIP/trunk", "1.1", caller="13800138000"), seat_leg()
    async with onlooking(manager, store) as onlooker:
        asked = len(manager.actions("Status"))
        manager.emit("Newchannel", *caller.headers())
        tell(manager, QueueNews("wait.joined", "1.1", tier="gold", joined=PLACE.joined, place=encode(PLACE)))
        tell(manager, QueueNews("session.changed", "", "801", "S1", state="idle", since=time.time(), version=1))
        await onlooker.until(lambda shown: shown.waiting)
        dialled = [(f"Dest{name}", value) for name, value in leg.headers()]
        manager.emit("DialBegin", *caller.headers(), *dialled)
        await onlooker.until(lambda shown: shown.waiting and shown.waiting[0].seat == "S1")
        tell(manager, QueueNews("talk.began", "1.1", "801", "S1", "gold", waited=9.0))
        tell(manager, QueueNews("session.changed", "1.1", "801", "S1", state="talking", since=time.time(), version=2))
        manager.emit("BridgeEnter", ("BridgeUniqueid", "b-1"), *leg.headers())
        shown = await onlooker.until(lambda shown: shown.talks)
        assert shown.waiting == ()
        assert (shown.talks[0].agent, shown.talks[0].tier) == ("801", "gold")
        assert shown.tiers[1].today.in_target == 1
        manager.emit("BridgeLeave", ("BridgeUniqueid", "b-1"), *leg.headers())
        manager.emit("Hangup", *leg.headers(), ("Cause", "16"))
        tell(manager, QueueNews("talk.ended", "1.1", "801", "S1", how="agent"))
        await onlooker.until(lambda shown: not shown.talks and not shown.waiting)
        assert len(manager.actions("Status")) == asked
        assert {action.name for action in manager.received} <= {"login", "status", "devicestatelist", "ping"}


async def test_an_asterisk_that_restarts_is_said_to_be_away_and_comes_back_by_itself(
    manager: FakeManager, store: Store
) -> None:
    waiting_caller(manager)
    async with onlooking(manager, store) as onlooker:
        assert onlooker.waiting() == ["1.1"]
        manager.channels.clear()
        await manager.close()
        shown = await onlooker.until(lambda shown: not shown.links["asterisk"].up)
        assert "asterisk_away" in [alert.kind for alert in shown.alerts]
        waiting_caller(manager, "2.1")
        await manager.listen()
        await onlooker.until(lambda shown: shown.links["asterisk"].up)
        assert onlooker.waiting() == ["2.1"]
        assert onlooker.board.tiers[1].today.abandoned == 1


async def test_a_controller_that_comes_back_has_asterisk_read_again(manager: FakeManager, store: Store) -> None:
    async with onlooking(manager, store) as onlooker:
        onlooker.controller_is_there = False
        await onlooker.until(lambda shown: not shown.links["controller"].up)
        waiting_caller(manager)
        onlooker.controller_is_there = True
        await onlooker.until(lambda shown: shown.links["controller"].up and shown.waiting)


async def test_events_while_the_state_is_read_are_not_lost(manager: FakeManager, store: Store) -> None:
    manager.faults.late_on.add("status")
    one = Onlooker(manager, store)
    looking = asyncio.create_task(one.watch.run())
    try:
        await manager.until(lambda: manager.actions("Status"))  # type: ignore[arg-type,return-value]
        manager.emit("Newchannel", *waiting_caller(manager, "3.1", None).headers())
        tell(manager, QueueNews("wait.joined", "3.1", tier="gold", joined=PLACE.joined, place=encode(PLACE)))
        gone = waiting_caller(manager, "3.2")
        manager.emit("Hangup", *gone.headers(), ("Cause", "16"))
        manager.release()
        await one.until(lambda shown: shown.links["asterisk"].up and "3.1" in one.waiting())
        assert one.waiting() == ["3.1"]
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def test_who_joins_while_the_state_is_read_anew_is_not_undone_by_the_older_list(
    manager: FakeManager, store: Store
) -> None:
    async with onlooking(manager, store) as onlooker:
        onlooker.controller_is_there = False
        await onlooker.until(lambda shown: not shown.links["controller"].up)
        asked = len(manager.actions("DeviceStateList"))
        manager.faults.late_on.add("devicestatelist")  # the channels are listed, the answer is not yet complete
        onlooker.controller_is_there = True
        await manager.until(lambda: len(manager.actions("DeviceStateList")) > asked)
        manager.emit("Newchannel", *waiting_caller(manager, "4.1").headers())
        tell(manager, QueueNews("wait.joined", "4.1", tier="gold", joined=PLACE.joined, place=encode(PLACE)))
        tell(manager, QueueNews("wait.joined", "4.2", tier="gold", joined=PLACE.joined, place=encode(PLACE)))
        tell(manager, QueueNews("wait.left", "4.2", how="key"))
        for _ in range(200):  # whoever took events at once would have taken them by now
            await asyncio.sleep(0)
        manager.devices["PJSIP/999"] = "NOT_INUSE"  # tells when the list has been taken
        manager.release()
        await onlooker.until(lambda _shown: "PJSIP/999" in onlooker.picture.devices)
        await onlooker.until(lambda shown: [one.call for one in shown.waiting] == ["4.1"])


async def test_a_wrong_secret_ends_the_look(manager: FakeManager, store: Store) -> None:
    manager.accounts[AMI_MONITOR].secret = "another"
    with pytest.raises(AuthFailed):
        await Onlooker(manager, store).watch.run()


async def test_the_store_is_read_at_the_start_and_when_something_changed_unheard(
    manager: FakeManager, store: Store
) -> None:
    now = utcnow()
    await Agents(store).put([Agent("801", "李雷")], actor="test")
    await Seats(store).put([Seat("S1", "softphone", "801")], actor="test")
    await Calls(store).record(
        [
            Event("9.1", "wait.joined", {"joined": now.isoformat(), "tier": "gold"}, now),
            Event("9.1", "talk.began", {"waited": 3.0, "agent": "801"}, now),
            Event("9.1", "said", {}, now),
        ]
    )
    async with onlooking(manager, store) as onlooker:
        shown = onlooker.board
        assert (shown.tiers[1].today.answered, shown.tiers[1].today.offered) == (1, 1)
        assert [(row.seat, row.agent) for row in shown.seats] == [("S1", "")]

        class Decision:
            session = Session("801", "idle", now, "S1", version=1)
            change = None
            audit = ()

        await AgentSessions(store).change("801", now, lambda _session: Decision())  # behind the controller's back
        await onlooker.until(lambda shown: shown.seats[0].agent == "801")
        # An agent and a seat that are new since the roster was read.
        await Agents(store).put([Agent("802", "韩梅梅")], actor="test")
        await Seats(store).put([Seat("S2", "softphone", "802")], actor="test")
        tell(manager, QueueNews("session.changed", "", "802", "S2", state="idle", since=time.time(), version=1))
        shown = await onlooker.until(lambda shown: len(shown.seats) == 2)
        assert shown.names["802"][0] == "韩梅梅"


async def test_a_database_that_is_away_is_said_and_found_again(
    manager: FakeManager, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with onlooking(manager, store) as onlooker:
        waiting_caller(manager)

        async def away(*_: Any) -> Any:
            raise StoreAway("The database is away.")

        with monkeypatch.context() as patched:
            patched.setattr(AgentSessions, "stamp", away)
            patched.setattr(AgentSessions, "all", away)
            await onlooker.until(lambda shown: not shown.links["database"].up)
            tell(manager, QueueNews("wait.joined", "1.1", tier="gold", joined=PLACE.joined, place=encode(PLACE)))
            await onlooker.until(lambda shown: shown.waiting)  # the rest of the board lives on
        await onlooker.until(lambda shown: shown.links["database"].up)


async def test_a_storm_of_events_is_taken_or_read_anew(
    manager: FakeManager, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.monitor.MAX_EVENTS", 50)
    async with onlooking(manager, store) as onlooker:
        waiting_caller(manager, "8.8")
        for number in range(2000):
            manager.emit("Newchannel", *Channel("PJSIP/a", f"7.{number}").headers())
        await onlooker.until(lambda shown: onlooker.waiting() == ["8.8"])
        assert len(manager.actions("Status")) > 1


def test_nothing_of_the_look_writes_anywhere() -> None:
    """The room of the wallboard uses no store but to read it."""
    from pathlib import Path

    room = Path(__file__).parents[2] / "ivr" / "wallboard"
    for file in room.glob("*.py"):
        text = file.read_text("utf-8")
        for word in ("writing(", ".put(", ".change(", ".reserve(", ".append(Audit", "AmiClient", "INSERT"):
            assert word not in text, f"{file.name} has {word}"
