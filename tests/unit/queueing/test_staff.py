"""Who is at work: the store decides; while it is away work goes on in memory and is put right afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import Answer, HangUp, LogIn, Pause, Ring
from agent_routing.desk import AgentDesk
from db.agent import Agent, Seat, Session
from db.agents import Agents
from db.errors import StoreAway
from db.events import utcnow
from db.in_memory import store_in_memory
from db.seats import Seats
from db.store import Store
from ivr.queueing.staff import Staff

TIMES = seat_times.read()


class House:
    def __init__(self, store: Store) -> None:
        self.told: list[tuple[str, str]] = []
        self.desk = AgentDesk(store, TIMES, pause_reasons.read())
        self.staff = Staff(self.desk, Agents(store), Seats(store), TIMES, utcnow, self._tell)

    def _tell(self, session: Session) -> None:
        self.told.append((session.agent, session.state))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    store = await store_in_memory()
    await Agents(store).put([Agent("801"), Agent("802")], actor="test")
    await Seats(store).put(
        [Seat("S1", "softphone", endpoint="801"), Seat("S2", "mobile", trunk="t", number="1")], actor="t"
    )
    one = House(store)
    await one.desk.do("801", LogIn("S1"))
    await one.staff.load()
    yield one
    await store.close()


async def test_it_knows_who_sits_where(house: House) -> None:
    assert house.told == [("801", "idle")]
    session = house.staff.at("S1")
    assert session is not None
    assert session.agent == "801"
    assert house.staff.at("S2") is None
    assert house.staff.endpoints() == {"S1": "801", "S2": ""}


async def test_what_others_change_is_taken_over_once(house: House) -> None:
    await house.desk.do("801", Pause("lunch"))
    await house.desk.do("802", LogIn("S2"))
    await house.staff.refresh()
    await house.staff.refresh()
    assert house.told[1:] == [("801", "paused"), ("802", "idle")]


async def test_of_two_who_reserve_one_is_told_no_and_what_the_agent_does(house: House) -> None:
    assert await house.staff.reserve("801", "c1")
    assert not await house.staff.reserve("801", "c2")
    assert house.told[-1] == ("801", "reserved")


async def test_a_late_event_changes_nothing(house: House) -> None:
    assert await house.staff.do("801", HangUp("c1")) is None
    assert house.staff.sessions["801"].state == "idle"


async def test_a_call_is_served_while_the_store_is_away_and_the_store_is_believed_again_afterwards(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_words: Any, **_named: Any) -> Any:
        raise StoreAway("The database does not answer.", remedy="")

    with monkeypatch.context() as gone:
        gone.setattr(house.desk, "do", away)
        gone.setattr(house.desk, "reserve", away)
        assert await house.staff.reserve("801", "c1")
        assert not await house.staff.reserve("801", "c2")
        for event in (Ring("c1"), Answer("c1"), HangUp("c1")):
            assert await house.staff.do("801", event) is not None
        assert house.staff.sessions["801"].state == "wrap_up"
    await house.staff.refresh()
    assert house.staff.sessions["801"].state == "idle"
