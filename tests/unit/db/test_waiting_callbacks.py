"""Callers who keep their place after hanging up: each is dialled by one controller, and none is forgotten."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from db.callback_states import CLOSED_CALLBACKS, OPEN_CALLBACKS
from db.errors import StoreError
from db.in_memory import store_in_memory
from db.phone_numbers import BadNumber
from db.store import Store
from db.waiting_callbacks import Place, WaitingCallback, WaitingCallbacks

TEN = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
LEASE = datetime.timedelta(seconds=10)
HOUR = datetime.timedelta(hours=1)
PLACE = Place(
    "call-1",
    "138 0013 8001",
    TEN - datetime.timedelta(seconds=90),
    "gold",
    line="95500",
    language="en",
    needs={"skills": {"licensed": 3}, "dialect": "yue"},
)


def at(seconds: float) -> datetime.datetime:
    return TEN + datetime.timedelta(seconds=seconds)


async def asked(callbacks: WaitingCallbacks, place: Place = PLACE) -> WaitingCallback:
    return await callbacks.ask(place, now=TEN, expires=TEN + HOUR)


async def dialled(callbacks: WaitingCallbacks, one: WaitingCallback, holder: str = "a") -> WaitingCallback:
    reserved = await callbacks.reserve(one, holder=holder, agent="801", now=at(1), lease=LEASE)
    assert reserved
    dialling = await callbacks.dial(reserved, channel=f"try-{one.id}", now=at(2), lease=LEASE)
    assert dialling
    return dialling


async def test_the_place_is_kept_as_it_was(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    one = await asked(callbacks)
    assert one.place == replace(PLACE, number="+8613800138001")
    assert (one.state, one.attempts, one.next_try, one.expires) == ("waiting", 0, TEN, TEN + HOUR)
    assert await callbacks.due(at(1)) == (one,)
    assert await callbacks.open() == (one,)


async def test_who_asks_twice_waits_once_in_the_earlier_place(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    first = await asked(callbacks)
    again = await callbacks.ask(
        replace(PLACE, call="call-2", number="+8613800138001", joined=at(500)), now=at(600), expires=at(9000)
    )
    assert (again.id, again.place, again.expires) == (first.id, first.place, at(9000))
    assert len(await callbacks.open()) == 1


async def test_twenty_calls_at_once_ask_for_one_number(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    rows = await asyncio.gather(*(asked(callbacks, replace(PLACE, call=f"call-{n}")) for n in range(20)))
    assert len({row.id for row in rows}) == 1


@pytest.mark.parametrize("number", ["", "1001", "110", "95500", "anonymous"])
async def test_what_is_nobodys_telephone_keeps_no_place(store: Store, number: str) -> None:
    with pytest.raises(BadNumber):
        await asked(WaitingCallbacks(store), replace(PLACE, number=number))


async def test_from_waiting_to_done(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    dialling = await dialled(callbacks, await asked(callbacks))
    assert (dialling.state, dialling.attempts, dialling.agent, dialling.channel) == ("dialling", 1, "801", "try-1")
    talking = await callbacks.answered(dialling, now=at(8), lease=LEASE)
    assert talking
    talking = await callbacks.keep(talking, holder="a", now=at(15), lease=LEASE)
    assert talking
    assert talking.lease_until == at(25)
    done = await callbacks.done(talking, now=at(100))
    assert done
    assert (done.state, done.closed_at, done.lease_until) == ("done", at(100), None)
    assert await callbacks.open() == ()
    assert await callbacks.closed(TEN, at(101)) == (done,)
    assert (await asked(callbacks)).id != done.id, "who was served may ask again"


async def test_nobody_answered(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    again = await callbacks.try_again(await dialled(callbacks, await asked(callbacks)), "no_answer", at(600))
    assert again
    assert (again.state, again.outcome, again.attempts, again.agent) == ("waiting", "no_answer", 1, "")
    assert await callbacks.due(at(599)) == ()
    assert await callbacks.reserve(again, holder="a", agent="801", now=at(599), lease=LEASE) is None
    assert await callbacks.due(at(600)) == (again,)
    failed = await callbacks.fail(await dialled_at(callbacks, again, 700), "bad_number", now=at(720))
    assert failed
    assert (failed.state, failed.outcome, failed.attempts) == ("failed", "bad_number", 2)


async def dialled_at(callbacks: WaitingCallbacks, one: WaitingCallback, second: float) -> WaitingCallback:
    reserved = await callbacks.reserve(one, holder="a", agent="801", now=at(second), lease=LEASE)
    assert reserved
    dialling = await callbacks.dial(reserved, channel="again", now=at(second), lease=LEASE)
    assert dialling
    return dialling


async def test_other_ends(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    numbers = [f"138001380{n:02}" for n in range(5)]
    refused, postponed, back, called_in, late = [
        await asked(callbacks, replace(PLACE, number=number)) for number in numbers
    ]
    one = await callbacks.refuse(refused, "the customer's wish", now=at(1))
    assert one
    assert (one.state, one.outcome) == ("refused", "the customer's wish")
    one = await callbacks.postpone(postponed, at(3000))
    assert one
    assert (one.state, one.next_try, one.attempts) == ("waiting", at(3000), 0)
    reserved = await callbacks.reserve(back, holder="a", agent="801", now=at(1), lease=LEASE)
    assert reserved
    one = await callbacks.give_back(reserved)
    assert one
    assert (one.state, one.agent, one.holder, one.lease_until) == ("waiting", "", "", None)
    (one,) = await callbacks.called_in(called_in.place.number, now=at(5))
    assert (one.id, one.state, one.outcome) == (called_in.id, "done", "called_in")
    one = await callbacks.expire(late, now=at(6))
    assert one
    assert one.state == "expired"
    expired = await callbacks.expire_due(TEN + HOUR)
    assert [row.id for row in expired] == [postponed.id, back.id]
    assert await callbacks.expire_due(TEN + HOUR) == ()
    assert await callbacks.open() == ()


async def test_a_caller_who_rings_in_while_being_dialled_is_left_alone(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    dialling = await dialled(callbacks, await asked(callbacks))
    assert await callbacks.called_in(dialling.place.number, now=at(5)) == ()
    assert await callbacks.expire_due(TEN + 2 * HOUR) == ()


async def test_two_controllers_and_one_dials(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)
    try:
        desks = [WaitingCallbacks(store), WaitingCallbacks(other)] * 10
        one = await asked(desks[0])
        won = await asyncio.gather(
            *(
                desk.reserve(one, holder=f"h{n}", agent=f"{800 + n}", now=at(1), lease=LEASE)
                for n, desk in enumerate(desks)
            )
        )
        (reserved,) = [row for row in won if row]
        dialling = await asyncio.gather(
            *(desk.dial(reserved, channel=f"try-{n}", now=at(2), lease=LEASE) for n, desk in enumerate(desks))
        )
        (row,) = [row for row in dialling if row]
        assert row.attempts == 1
        assert await desks[1].get(one.id) == row
    finally:
        await other.close()


async def test_who_was_slow_dials_no_more(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    slow = await callbacks.reserve(await asked(callbacks), holder="a", agent="801", now=at(1), lease=LEASE)
    assert slow
    assert await callbacks.settle(slow, now=at(5)) is None, "the lease is running"
    assert await callbacks.dial(slow, channel="late", now=at(11), lease=LEASE) is None
    (lapsed,) = await callbacks.lapsed(at(11))
    back = await callbacks.settle(lapsed, now=at(11))
    assert back
    assert back.state == "waiting"
    assert await callbacks.dial(slow, channel="later", now=at(2), lease=LEASE) is None
    assert (await dialled(callbacks, back, "b")).attempts == 1


async def test_a_try_that_nobody_saw_end_goes_to_a_person(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    dialling = await dialled(callbacks, await asked(callbacks))
    failed = await callbacks.settle(dialling, now=at(60))
    assert failed
    assert (failed.state, failed.outcome) == ("failed", "unknown")
    assert await callbacks.due(at(600)) == ()


async def test_a_call_that_goes_on_is_taken_over(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    dialling = await dialled(callbacks, await asked(callbacks))
    (lapsed,) = await callbacks.lapsed(at(60))
    taken = await callbacks.keep(lapsed, holder="b", now=at(60), lease=LEASE)
    assert taken
    assert (taken.state, taken.holder) == ("dialling", "b")
    assert await callbacks.answered(dialling, now=at(61), lease=LEASE) is None, "the old holder knows an older row"
    talking = await callbacks.answered(taken, now=at(61), lease=LEASE)
    assert talking
    done = await callbacks.settle(talking, now=at(100))
    assert done
    assert (done.state, done.outcome) == ("done", "unknown")


async def test_the_database_itself_refuses_a_number_twice(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    await asked(callbacks)
    other = await asked(callbacks, replace(PLACE, number="13800138002"))
    with pytest.raises(StoreError):
        async with store.writing() as session:
            await session.execute(
                sa.text("UPDATE waiting_callbacks SET number = '+8613800138001' WHERE id = :id"), {"id": other.id}
            )


STEPS = ("look", "reserve", "dial", "ring", "answer", "end", "again", "settle", "crash", "wait", "expire")


class Controller:
    """One controller, driven a step at a time; a crash takes what it knew, not what the network does."""

    def __init__(self, name: str, callbacks: WaitingCallbacks, network: Network) -> None:
        self.name = name
        self.callbacks = callbacks
        self.network = network
        self.held: WaitingCallback | None = None

    async def step(self, what: str, now: datetime.datetime) -> None:
        if what == "crash":
            self.held = None
        elif what == "settle":
            for one in await self.callbacks.lapsed(now):
                await self.callbacks.settle(one, now=now)
        elif what == "expire":
            await self.callbacks.expire_due(now)
        elif what == "look" and self.held is None:
            rows = await self.callbacks.due(now)
            self.held = rows[0] if rows else None
        elif self.held is not None:
            self.held = await self._on(self.held, what, now)

    async def _on(self, one: WaitingCallback, what: str, now: datetime.datetime) -> WaitingCallback | None:
        if what == "reserve" and one.state == "waiting":
            return await self.callbacks.reserve(one, holder=self.name, agent="801", now=now, lease=LEASE)
        if what == "dial" and one.state == "agent_reserved":
            return await self.callbacks.dial(
                one, channel=f"{self.name}-{one.id}-{one.attempts + 1}", now=now, lease=LEASE
            )
        if what == "ring" and one.state == "dialling" and one.channel not in self.network.mine:
            self.network.dial(one)  # between this and the move before it, a crash may come
        if what == "answer" and one.state == "dialling" and one.channel in self.network.mine:
            return await self.callbacks.answered(one, now=now, lease=LEASE)
        if what == "end" and one.state == "talking":
            return await self.callbacks.done(one, now=now)
        if what == "again" and one.state == "dialling" and one.channel in self.network.mine:
            await self.callbacks.try_again(one, "no_answer", now + datetime.timedelta(seconds=5))
            return None
        return one


class Network:
    """The telephone network: who was dialled, by which channel, in which attempt."""

    def __init__(self) -> None:
        self.mine: set[str] = set()
        self.dialled: list[tuple[int, int]] = []

    def dial(self, one: WaitingCallback) -> None:
        self.mine.add(one.channel)
        self.dialled.append((one.id, one.attempts))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(STEPS), st.integers(0, 12)), max_size=60))
def test_whatever_crashes_no_number_is_dialled_twice_and_none_is_forgotten(
    steps: Sequence[tuple[int, str, int]],
) -> None:
    asyncio.run(_story(steps))


async def _story(steps: Sequence[tuple[int, str, int]]) -> None:
    callbacks, network, now = WaitingCallbacks(await store_in_memory()), Network(), TEN
    controllers = [Controller(name, callbacks, network) for name in "ab"]
    asked_ids = {(await asked(callbacks, replace(PLACE, number=f"1380013800{n}"))).id for n in range(2)}
    for who, what, seconds in steps:
        now += datetime.timedelta(seconds=seconds)
        await controllers[who].step(what, now)
        assert len(network.dialled) == len(set(network.dialled)), "an attempt is dialled once"
    rows = [one for one in [await callbacks.get(id_) for id_ in asked_ids] if one]
    assert {row.id for row in rows} == asked_ids
    for row in rows:
        dials = sorted(attempt for id_, attempt in network.dialled if id_ == row.id)
        assert len(dials) <= row.attempts, "nothing is dialled that the store does not know of"
    # Everybody is gone; whoever comes next finds each of them settled or due, and dials only who waits.
    now += 10 * LEASE
    for one in await callbacks.lapsed(now):
        await callbacks.settle(one, now=now)
    due = {one.id for one in await callbacks.due(now)}
    for row in [one for one in [await callbacks.get(id_) for id_ in asked_ids] if one]:
        assert row.state in CLOSED_CALLBACKS or row.id in due or now >= row.expires or row.next_try > now
        assert row.state not in OPEN_CALLBACKS or row.state == "waiting"
