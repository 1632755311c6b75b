"""The list of missed callers keeps up with the journal, and can be had anew out of it; on both databases."""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from db.calls import Calls
from db.errors import StoreAway
from db.events import CALL_ENDED, CALL_STARTED, TALK_BEGAN, TALK_ENDED, WAIT_JOINED, WAIT_LEFT, Event
from db.missed import MissedCall, MissedCaller, MissedCallers
from db.store import Store
from db.waiting_callbacks import Place, WaitingCallbacks
from ivr.missed.feed import MissedFeed
from ivr.missed.rebuild import Rebuilt, rebuild

TEN = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
NIGHT = TEN + datetime.timedelta(hours=12)
LEASE = datetime.timedelta(minutes=5)


def at(minutes: float) -> datetime.datetime:
    return TEN + datetime.timedelta(minutes=minutes)


def abandoned(call: str, number: str, minute: float, tier: str = "normal") -> list[Event]:
    return _call(
        call, number, minute, (WAIT_JOINED, {"tier": tier, "line": "95500"}), (WAIT_LEFT, {"how": "abandoned"})
    )


def served(call: str, number: str, minute: float) -> list[Event]:
    talk = {"agent": "801"}
    return _call(call, number, minute, (WAIT_JOINED, {"tier": "normal"}), (TALK_BEGAN, talk), (TALK_ENDED, talk))


def _call(call: str, number: str, minute: float, *told: tuple[str, dict[str, Any]]) -> list[Event]:
    all_ = [(CALL_STARTED, {"caller": number, "line": "95500"}), *told, (CALL_ENDED, {"how": "caller"})]
    return [Event(call, kind, data, at(minute + n / 60)) for n, (kind, data) in enumerate(all_)]


@pytest.fixture
async def feed(store: Store) -> AsyncIterator[MissedFeed]:
    feed = MissedFeed(MissedCallers(store), Calls(store).events)
    feed.start()
    yield feed
    await feed.stop()


async def told(feed: MissedFeed, events: Sequence[Event]) -> None:
    for event in events:
        feed.note(event)
    await feed.drained()


async def test_who_hangs_up_in_the_queue_is_listed_until_a_later_call_is_answered(
    store: Store, feed: MissedFeed
) -> None:
    missed = MissedCallers(store)
    await told(feed, abandoned("c1", "13800138001", 0, "gold"))
    await told(feed, abandoned("c2", "+8613800138001", 5))
    (one,) = await missed.open()
    assert (one.number, one.times, one.tier) == ("+8613800138001", 2, "gold")
    await told(feed, served("c3", "13800138001", 9))
    assert await missed.open() == ()


async def test_a_call_that_is_older_than_the_controller_is_read_from_the_journal(store: Store) -> None:
    events = abandoned("c1", "13800138001", 0)
    await Calls(store).record(events[:2])
    feed = MissedFeed(MissedCallers(store), Calls(store).events)
    feed.start()
    await told(feed, events[2:])
    await feed.stop()
    (one,) = await MissedCallers(store).open()
    assert (one.reason, one.number) == ("abandoned", "+8613800138001")


async def test_a_database_that_is_away_is_waited_for(store: Store) -> None:
    away = asyncio.Event()

    class Faulty(MissedCallers):
        async def note(self, missed: MissedCall) -> bool:
            if not away.is_set():
                away.set()
                raise StoreAway("It is away.")
            return await super().note(missed)

    feed = MissedFeed(Faulty(store), Calls(store).events, retry_seconds=0.01)
    feed.start()
    await told(feed, abandoned("c1", "13800138001", 0))
    await feed.stop()
    assert len(await MissedCallers(store).open()) == 1


async def entries(store: Store) -> set[tuple[Any, ...]]:
    async def key(one: MissedCaller) -> tuple[Any, ...]:
        return one.number, one.times, one.tier, one.reason, one.state, one.first_at, one.last_at, one.closed_by

    return {await key(one) for one in await MissedCallers(store).since(TEN)}


async def test_the_list_can_be_had_anew_out_of_the_journal(store: Store, feed: MissedFeed) -> None:
    chance = random.Random(7)
    for n in range(60):
        make = abandoned if chance.random() < 0.6 else served
        events = make(f"c{n}", f"1380013800{chance.randrange(8)}", 5 * n)
        await Calls(store).record(events)
        await told(feed, events)
    before = await entries(store)
    assert any(one[4] == "open" for one in before)
    assert any(one[4] == "closed" for one in before)
    assert (await rebuild(store, TEN, NIGHT)).new == 0
    assert await entries(store) == before, "once more is no change"

    async with store.writing() as session:
        await session.execute(sa.text("DELETE FROM missed_calls"))
        await session.execute(sa.text("DELETE FROM missed_callers"))
    assert (await rebuild(store, TEN, NIGHT)).new > 20
    assert await entries(store) == before


async def test_what_an_agent_closed_stays_closed(store: Store) -> None:
    missed = MissedCallers(store)
    await Calls(store).record(abandoned("c1", "13800138001", 0))
    await Calls(store).record(abandoned("c2", "13800138001", 3))
    assert await rebuild(store, TEN, at(2)) == Rebuilt(1, 1, 0)
    one = await missed.take_next("801", now=at(10), lease=LEASE)
    assert one
    await missed.done(one.id, "801", "reached", now=at(12))
    assert await rebuild(store, TEN, NIGHT) == Rebuilt(2, 1, 0)
    assert await missed.open() == ()


async def test_a_callback_that_came_to_nothing_is_not_forgotten(store: Store) -> None:
    callbacks = WaitingCallbacks(store)
    await callbacks.ask(Place("c1", "13800138001", TEN, "gold"), now=TEN, expires=at(60))
    await callbacks.expire_due(at(61))
    await rebuild(store, TEN, NIGHT)
    await rebuild(store, TEN, NIGHT)
    (one,) = await MissedCallers(store).open()
    assert (one.reason, one.tier, one.times) == ("callback_expired", "gold", 1)


async def test_a_call_that_goes_on_is_not_missed_yet(store: Store) -> None:
    await Calls(store).record(abandoned("c1", "13800138001", 0)[:-1])
    assert await rebuild(store, TEN, NIGHT) == Rebuilt(0, 0, 0)


async def test_a_customer_who_was_deleted_since_leaves_the_number(store: Store) -> None:
    events = _call(
        "c1", "13800138001", 0, (WAIT_JOINED, {"tier": "gold", "customer": 4711}), (WAIT_LEFT, {"how": "limit"})
    )
    await Calls(store).record(events)
    assert (await rebuild(store, TEN, NIGHT)).new == 1
    (one,) = await MissedCallers(store).open()
    assert (one.customer, one.number, one.tier) == (None, "+8613800138001", "gold")
