"""Numbers to be called back, on both databases."""

from __future__ import annotations

import asyncio
import datetime

import pytest
import sqlalchemy as sa

from db.audit import Audit
from db.callbacks import Callbacks, CallbackWish, NoSuchCallback
from db.customers import Customer, Customers, Phone
from db.recognition import Recognition
from db.store import Store

NUMBER = "+8613800138001"
FIRST = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)


def wish(number: str = NUMBER, minute: int = 0, customer: int | None = None) -> CallbackWish:
    return CallbackWish(
        number, "95500", "zh", f"call-{minute}", customer, asked_at=FIRST + datetime.timedelta(minutes=minute)
    )


async def test_a_number_is_kept_once_until_it_was_called_back(store: Store) -> None:
    callbacks = Callbacks(store)
    assert await callbacks.leave(wish())
    assert not await callbacks.leave(wish(minute=5))
    (one,) = await callbacks.open()
    assert one.wish == wish(), "the first wish keeps its place"
    await callbacks.done(one.id, actor="clerk")
    assert await callbacks.open() == ()
    assert await callbacks.leave(wish(minute=9)), "who was called back may ask again"
    assert [(kept.state, kept.done_by) for kept in await callbacks.all()] == [("done", "clerk"), ("open", "")]
    assert [(entry.actor, entry.what) for entry in await Audit(store).latest()] == [("clerk", "callback.done")]


async def test_fifty_calls_at_once_leave_one_number_once(store: Store) -> None:
    callbacks = Callbacks(store)
    kept = await asyncio.gather(*(callbacks.leave(wish(minute=n)) for n in range(50)))
    assert sum(kept) == 1
    assert len(await callbacks.open()) == 1


async def test_who_has_waited_longest_comes_first(store: Store) -> None:
    callbacks = Callbacks(store)
    for minute in (7, 3, 5):
        await callbacks.leave(wish(f"+86138001380{minute:02}", minute))
    assert [one.wish.call_id for one in await callbacks.open()] == ["call-3", "call-5", "call-7"]
    assert len(await callbacks.open(most=2)) == 2


async def test_what_is_not_open_cannot_be_done(store: Store) -> None:
    callbacks = Callbacks(store)
    with pytest.raises(NoSuchCallback):
        await callbacks.done(1, actor="clerk")
    await callbacks.leave(wish())
    (one,) = await callbacks.open()
    await callbacks.done(one.id, actor="clerk")
    with pytest.raises(NoSuchCallback):
        await callbacks.done(one.id, actor="another")


async def test_a_customer_who_is_deleted_leaves_the_number(store: Store) -> None:
    await Customers(store).put(Customer("9000001", status="active", phones=(Phone(NUMBER),)))
    known = await Recognition(store).of_number(NUMBER)
    assert known
    await Callbacks(store).leave(wish(customer=known.customer))
    async with store.writing() as session:
        await session.execute(sa.text("DELETE FROM customers"))
    (one,) = await Callbacks(store).open()
    assert one.wish.customer is None
