"""Callers who were missed: counted once each, called back by one agent, closed when they are reached."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.audit import Audit
from db.customer import Customer, Phone
from db.customers import Customers
from db.do_not_call import DoNotCall, DoNotCallEntry
from db.in_memory import store_in_memory
from db.missed import MayNotBeCalled, MissedCall, MissedCallers, MissedCallerTaken, NoSuchMissedCaller
from db.recognition import Recognition
from db.store import Store
from db.waiting_callbacks import Place, WaitingCallbacks

TEN = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
LEASE = datetime.timedelta(minutes=5)
NUMBER = "+8613800138001"
MISSED = MissedCall("call-0", NUMBER, TEN, "abandoned", "silver", "95500", "zh")


def at(minutes: float) -> datetime.datetime:
    return TEN + datetime.timedelta(minutes=minutes)


def other(n: int, **changes: object) -> MissedCall:
    return replace(MISSED, call=f"call-{n}", number=f"+861380013{n:04}", at=at(n), **changes)  # type: ignore[arg-type]


async def customer_of(store: Store, number: str, **fields: object) -> int:
    phones = (Phone(number),)
    await Customers(store).put(Customer(f"9{number[-8:]}", status="active", phones=phones, **fields))  # type: ignore[arg-type]
    known = await Recognition(store).of_number(number)
    assert known
    return known.customer


async def test_an_impatient_caller_is_one_entry(store: Store) -> None:
    missed = MissedCallers(store)
    assert await missed.note(MISSED)
    assert await missed.note(replace(MISSED, call="call-1", at=at(3), reason="turned_away", tier="gold"))
    assert not await missed.note(MISSED), "noted before"
    (one,) = await missed.open()
    assert (one.number, one.times, one.tier, one.reason, one.line) == (NUMBER, 2, "gold", "turned_away", "95500")
    assert (one.first_at, one.last_at, one.last_call) == (TEN, at(3), "call-1")


async def test_twenty_calls_of_one_number_end_at_once(store: Store) -> None:
    missed = MissedCallers(store)
    noted = await asyncio.gather(*(missed.note(replace(MISSED, call=f"call-{n % 5}")) for n in range(20)))
    assert sum(noted) == 5
    (one,) = await missed.open()
    assert one.times == 5


async def test_who_cannot_be_called_back_is_not_listed(store: Store) -> None:
    missed = MissedCallers(store)
    assert not await missed.note(replace(MISSED, number=""))
    assert await missed.answered("call-9", "", None, at(9)) == 0
    assert await missed.open() == ()


async def test_a_customer_is_one_entry_whatever_telephone_it_was(store: Store) -> None:
    customer = await customer_of(store, NUMBER)
    missed = MissedCallers(store)
    await missed.note(replace(MISSED, customer=customer))
    await missed.note(other(1, customer=customer))
    await missed.note(replace(MISSED, call="call-2", number="", customer=customer))
    (one,) = await missed.open()
    assert (one.times, one.number, one.customer) == (3, NUMBER, customer)


async def test_two_entries_that_turn_out_to_be_one_caller_become_one(store: Store) -> None:
    customer = await customer_of(store, NUMBER)
    missed = MissedCallers(store)
    await missed.note(replace(MISSED, call="withheld", number="", customer=customer, tier="platinum"))
    await missed.note(other(1))
    (_, second) = await missed.open()
    await missed.take(second.id, "801", now=at(2), lease=LEASE)
    await missed.note(replace(other(1), call="call-2", at=at(2), customer=customer))
    (one,) = await missed.open()
    assert (one.times, one.tier, one.customer, one.number) == (3, "platinum", customer, "+8613800130001")
    assert (one.id, one.state, one.agent) == (second.id, "taken", "801"), "who is calling goes on"


async def test_who_gets_through_is_on_the_list_no_more(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(MISSED)
    await missed.note(other(5))
    assert await missed.answered("call-9", NUMBER, None, at(9)) == 1
    assert [one.number for one in await missed.open()] == ["+8613800130005"]
    (closed, _) = await missed.since(TEN)
    assert (closed.state, closed.outcome, closed.closed_by, closed.closed_at) == (
        "closed",
        "got_through",
        "call-9",
        at(9),
    )
    assert await missed.note(replace(MISSED, call="call-10", at=at(10))), "missed again: a new entry"
    assert len(await missed.open()) == 2


async def test_an_older_answer_does_not_close_what_was_missed_later(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(replace(MISSED, at=at(5)))
    assert await missed.answered("call-9", NUMBER, None, at(4)) == 0
    assert len(await missed.open()) == 1


async def test_a_missed_call_that_is_noted_late_counts_where_it_was_closed(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(MISSED)
    await missed.answered("call-9", NUMBER, None, at(9))
    assert await missed.note(replace(MISSED, call="call-1", at=at(4)))
    assert await missed.open() == ()
    (closed,) = await missed.since(TEN)
    assert (closed.times, closed.last_at, closed.state) == (2, at(4), "closed")


async def test_the_order_in_which_callers_are_called_back(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(other(1, tier="normal"))
    await missed.note(other(2, tier="platinum"))
    await missed.note(other(3, tier="normal"))
    await missed.note(other(4, tier="platinum"))
    numbers = [one.number[-1] for one in await missed.open()]
    taken = [await missed.take_next(f"80{n}", now=at(10), lease=LEASE) for n in range(5)]
    assert [one.number[-1] for one in taken if one] == numbers == ["2", "4", "1", "3"]
    assert taken[4] is None


async def test_what_came_of_it(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(MISSED)
    one = await missed.take_next("801", now=at(1), lease=LEASE)
    assert one
    again = await missed.done(one.id, "801", "no_answer", now=at(2), again_at=at(32))
    assert (again.state, again.attempts, again.outcome) == ("open", 1, "no_answer")
    assert await missed.take_next("801", now=at(31), lease=LEASE) is None, "not yet"
    assert await missed.take_next("802", now=at(32), lease=LEASE)
    closed = await missed.done(one.id, "802", "reached", now=at(33))
    assert (closed.state, closed.attempts, closed.outcome, closed.closed_by) == ("closed", 2, "reached", "802")
    with pytest.raises(NoSuchMissedCaller):
        await missed.take(one.id, "801", now=at(34), lease=LEASE)
    trail = await Audit(store).latest()
    assert sorted((entry.actor, entry.data["outcome"]) for entry in trail) == [
        ("801", "no_answer"),
        ("802", "reached"),
    ]


async def test_a_lease_keeps_others_away_until_it_ends(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(MISSED)
    (one,) = await missed.open()
    await missed.take(one.id, "801", now=at(0), lease=LEASE)
    with pytest.raises(MissedCallerTaken, match="801"):
        await missed.take(one.id, "802", now=at(4), lease=LEASE)
    with pytest.raises(MissedCallerTaken):
        await missed.done(one.id, "802", "reached", now=at(4))
    assert (await missed.take(one.id, "801", now=at(4), lease=LEASE)).lease_until == at(9), "one's own is prolonged"
    assert (await missed.take(one.id, "802", now=at(9), lease=LEASE)).agent == "802"
    with pytest.raises(MissedCallerTaken):
        await missed.done(one.id, "801", "reached", now=at(9))
    assert (await missed.release(one.id, "802")).state == "open"
    with pytest.raises(MissedCallerTaken, match="take it first"):
        await missed.done(one.id, "801", "reached", now=at(10))


async def test_whose_lease_ran_out_may_still_say_what_came_of_it(store: Store) -> None:
    missed = MissedCallers(store)
    await missed.note(MISSED)
    one = await missed.take_next("801", now=at(0), lease=LEASE)
    assert one
    assert (await missed.done(one.id, "801", "wrong_number", now=at(60))).state == "closed"


async def test_twenty_agents_take_at_once(store: Store, database_url: str) -> None:
    second = await Store.open(database_url)
    try:
        lists = [MissedCallers(store), MissedCallers(second)] * 10
        await lists[0].note(other(1))
        await lists[0].note(other(2))
        taken = await asyncio.gather(
            *(one.take_next(f"{801 + n}", now=at(5), lease=LEASE) for n, one in enumerate(lists))
        )
        assert len([one for one in taken if one]) == 2
        assert len({one.id for one in taken if one}) == 2
        (first, _) = await lists[0].open()
        tried = await asyncio.gather(
            *(one.take(first.id, f"{901 + n}", now=at(20), lease=LEASE) for n, one in enumerate(lists)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, MissedCallerTaken) for one in tried) == 19
    finally:
        await second.close()


async def test_numbers_not_to_be_called(store: Store) -> None:
    missed = MissedCallers(store)
    await DoNotCall(store).add([DoNotCallEntry(NUMBER, "said so")], actor="li.si")
    await customer_of(store, "+8613800130001", do_not_call=True)
    for call in (MISSED, other(1), other(2)):
        await missed.note(call)
    one = await missed.take_next("801", now=at(5), lease=LEASE)
    assert one
    assert one.number.endswith("2")
    assert await missed.take_next("801", now=at(5), lease=LEASE) is None
    for entry in await missed.open():
        if entry.id != one.id:
            with pytest.raises(MayNotBeCalled):
                await missed.take(entry.id, "801", now=at(5), lease=LEASE)


async def test_whom_the_hotline_itself_calls_back_no_agent_calls(store: Store) -> None:
    missed, callbacks = MissedCallers(store), WaitingCallbacks(store)
    await missed.note(MISSED)
    place = Place("call-1", NUMBER, TEN, "silver")
    callback = await callbacks.ask(place, now=at(1), expires=at(60))
    assert await missed.take_next("801", now=at(2), lease=LEASE) is None
    (one,) = await missed.open()
    with pytest.raises(MissedCallerTaken, match="the hotline itself"):
        await missed.take(one.id, "801", now=at(2), lease=LEASE)
    await callbacks.fail(callback, "bad_number", now=at(3))
    assert await missed.take_next("801", now=at(4), lease=LEASE)


CALLERS = st.sampled_from(["+8613800138001", "+8613800138002", "+8613800138003"])
HAPPENINGS = st.one_of(
    st.tuples(st.just("missed"), CALLERS, st.integers(0, 20)),
    st.tuples(st.just("answered"), CALLERS, st.integers(21, 40)),
)


@settings(max_examples=60)
@given(st.lists(HAPPENINGS, max_size=25), st.randoms(use_true_random=False))
def test_however_late_and_often_calls_are_noted_the_list_is_the_same(
    happenings: list[tuple[str, str, int]], chance: Random
) -> None:
    once = sorted({(minute, what, number) for what, number, minute in happenings})
    again = [*once, *once]
    chance.shuffle(again)
    missed_first = sorted(again, key=lambda one: one[1] == "answered")
    assert asyncio.run(_listed(once)) == asyncio.run(_listed(missed_first))


async def _listed(story: list[tuple[int, str, str]]) -> set[tuple[str, int]]:
    missed = MissedCallers(await store_in_memory())
    for minute, what, number in story:
        if what == "missed":
            await missed.note(MissedCall(f"{number}-{minute}", number, at(minute), "abandoned"))
        else:
            await missed.answered(f"{number}-{minute}", number, None, at(minute))
    return {(one.number, one.times) for one in await missed.open()}
