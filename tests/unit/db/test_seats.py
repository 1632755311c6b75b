"""Seats, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import LogIn, LogOut
from agent_routing.desk import AgentDesk
from db.agent import Agent, Seat
from db.agents import Agents, Put
from db.audit import Audit
from db.errors import AlreadyThere, StoreError
from db.seats import NoSuchSeat, SeatInUse, Seats
from db.store import Store

DESK = Seat("S1", "softphone", endpoint="801")
MOBILE = Seat("M1", "mobile", trunk="carrier", number="+8613800138000", accept_key=True)


async def test_what_is_put_is_found_and_putting_it_again_changes_nothing(store: Store) -> None:
    seats = Seats(store)
    assert await seats.put([DESK, MOBILE], actor="boss") == Put(2, 0, 0)
    assert await seats.all() == (MOBILE, DESK)
    moved = replace(DESK, kind="trunk", endpoint="", trunk="branch", number="801", kept_open=True)
    assert await seats.put([moved, MOBILE], actor="boss") == Put(0, 1, 1)
    assert await seats.get("S1") == moved
    with pytest.raises(NoSuchSeat):
        await seats.get("S9")


async def test_no_two_seats_ring_the_same_telephone(store: Store) -> None:
    seats = Seats(store)
    await seats.put([DESK, MOBILE], actor="boss")
    with pytest.raises(AlreadyThere):
        await seats.put([replace(DESK, id="S2")], actor="boss")
    with pytest.raises(AlreadyThere):
        await seats.put([replace(MOBILE, id="M2")], actor="boss")
    assert len(await seats.all()) == 2


async def test_two_seats_may_swap_their_telephones(store: Store) -> None:
    seats = Seats(store)
    await seats.put([DESK, replace(DESK, id="S2", endpoint="802")], actor="boss")
    assert await seats.put([replace(DESK, endpoint="802"), replace(DESK, id="S2")], actor="boss") == Put(0, 2, 0)
    assert [seat.endpoint for seat in await seats.all()] == ["802", "801"]


async def test_a_seat_that_cannot_be_dialled_is_refused_by_the_database(store: Store) -> None:
    with pytest.raises(StoreError):
        await Seats(store).put([Seat("S1", "sofa", endpoint="801")], actor="boss")  # type: ignore[arg-type]


async def test_nobody_is_left_without_a_seat(store: Store) -> None:
    seats, desk = Seats(store), AgentDesk(store, seat_times.read(), pause_reasons.read())
    await seats.put([DESK], actor="boss")
    await Agents(store).put([Agent("801")], actor="boss")
    await desk.do("801", LogIn("S1"))
    with pytest.raises(SeatInUse, match="Agent 801 sits"):
        await seats.remove("S1", actor="boss")
    await desk.do("801", LogOut())
    await seats.remove("S1", actor="boss")
    with pytest.raises(NoSuchSeat):
        await seats.remove("S1", actor="boss")
    assert (await Audit(store).latest())[0].what == "seat.removed"
