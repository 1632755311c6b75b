"""Legs kept on the line: opened when the agent is free, closed at a pause, found again, missed when they go."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from agent_routing import agents, seat_times
from db.agent import Seat, Session, State
from ivr.ami.errors import NotConnected
from ivr.ami.protocol import Event
from ivr.contract import OPEN_LEG
from ivr.queueing.open_legs import OpenLegs

SINCE = datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC)
SEATS = {
    "M1": Seat("M1", "mobile", trunk="carrier", number="+8613800138000", accept_key=True, kept_open=True),
    "S1": Seat("S1", "softphone", endpoint="801"),
}


class House:
    """Staff, dispatcher and manager in one, each as little as is needed."""

    def __init__(self) -> None:
        self.seats = SEATS
        self.times = seat_times.read()
        self.on_the_line: set[str] = set()
        self.now: dict[str, Session] = {}
        self.done: list[tuple[str, str]] = []
        self.refuses = False

    # The manager
    async def action(
        self, name: str, headers: Mapping[str, str], *, variables: Mapping[str, str] | None = None
    ) -> None:
        if self.refuses:
            raise NotConnected("There is no link.")
        self.done.append((name, headers.get("ChannelId") or headers["Channel"]))

    # The staff
    def at(self, seat: str) -> Session | None:
        return next((one for one in self.now.values() if one.seat == seat), None)

    def working(self) -> list[Session]:
        return list(self.now.values())

    async def do(self, agent: str, event: agents.Event) -> None:
        self.done.append((type(event).__name__, agent))

    # The dispatcher
    def leg_opened(self, seat: str) -> None:
        self.on_the_line.add(seat)

    def leg_closed(self, seat: str) -> None:
        self.on_the_line.discard(seat)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def legs(house: House) -> OpenLegs:
    return OpenLegs(house, house, house, lambda: "/sounds/accept")  # type: ignore[arg-type]


def event(name: str, seat: str = "M1", **headers: str) -> Event:
    return Event((("Event", name), ("Uniqueid", f"{OPEN_LEG}{seat}"), *headers.items()))


async def says(legs: OpenLegs, house: House, state: State, seat: str = "M1", **more: Any) -> None:
    house.now["801"] = Session("801", state, SINCE, seat, **more)
    legs.session(house.now["801"])
    await asyncio.sleep(0)


async def test_from_log_in_to_the_pause(legs: OpenLegs, house: House) -> None:
    legs.found([])
    legs.begin()
    await says(legs, house, "idle")
    await says(legs, house, "idle")
    assert house.done == [("Originate", f"{OPEN_LEG}M1")], "once"
    legs.saw(event("BridgeEnter"))
    assert house.on_the_line == {"M1"}
    for state in ("reserved", "ringing", "talking", "wrap_up", "idle"):
        await says(legs, house, state)  # type: ignore[arg-type]
    await says(legs, house, "paused")
    assert house.done[1:] == [("Hangup", f"{OPEN_LEG}M1")]
    legs.saw(event("Hangup"))
    await asyncio.sleep(0)
    assert house.done[2:] == [], "who has paused is not lost"
    await legs.stop()


async def test_other_seats_have_none(legs: OpenLegs, house: House) -> None:
    legs.found([])
    legs.begin()
    await says(legs, house, "idle", seat="S1")
    legs.saw(Event((("Event", "Hangup"), ("Uniqueid", "call-1"))))
    assert house.done == []


async def test_one_that_drops_loses_the_seat_and_one_that_ends_a_talk_is_opened_anew(
    legs: OpenLegs, house: House
) -> None:
    house.now["801"] = Session("801", "talking", SINCE, "M1")
    legs.found([event("Status", ChannelStateDesc="Up")])
    legs.begin()
    legs.saw(event("Hangup"))
    await asyncio.sleep(0)
    assert (house.done, house.on_the_line) == ([], set())
    await says(legs, house, "wrap_up")
    await says(legs, house, "idle")
    assert house.done == [("Originate", f"{OPEN_LEG}M1")]
    legs.saw(event("BridgeEnter"))
    legs.saw(event("Hangup"))
    await asyncio.sleep(0)
    assert house.done[1:] == [("SeatLost", "801")]
    await legs.stop()


async def test_one_that_nobody_answers_or_that_cannot_be_rung_loses_the_seat(legs: OpenLegs, house: House) -> None:
    legs.found([])
    legs.begin()
    await says(legs, house, "idle")
    legs.saw(event("Hangup"))  # it was never up
    await asyncio.sleep(0)
    assert house.done[1:] == [("SeatLost", "801")]
    house.done.clear()
    house.refuses = True
    await says(legs, house, "idle")
    await asyncio.sleep(0)
    assert house.done == [("SeatLost", "801")]
    await legs.stop()


async def test_another_controller_finds_them_and_hangs_up_those_of_nobody(legs: OpenLegs, house: House) -> None:
    house.now["801"] = Session("801", "idle", SINCE, "M1")
    found = [
        event("Status", ChannelStateDesc="Up"),
        event("Status", "M9", ChannelStateDesc="Up"),
        event("Status", "M8", ChannelStateDesc="Ringing"),
    ]
    legs.found(found)
    assert house.on_the_line == {"M1", "M9"}
    legs.begin()
    await asyncio.sleep(0)
    assert house.done == [("Hangup", f"{OPEN_LEG}M9")]
    legs.saw(event("BridgeEnter", "M8"))  # answered just now, and nobody sits there any more
    await asyncio.sleep(0)
    assert house.done[1:] == [("Hangup", f"{OPEN_LEG}M8")]
    await legs.stop()
