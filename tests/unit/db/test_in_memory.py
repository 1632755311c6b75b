"""The store in memory: for one event loop after another, and for many uses at once."""

from __future__ import annotations

import asyncio

from db.customers import Customer, Customers
from db.in_memory import store_in_memory
from db.wishes import Wishes


def test_it_serves_one_event_loop_after_another_and_no_other_store() -> None:
    first, second = asyncio.run(store_in_memory()), asyncio.run(store_in_memory())
    asyncio.run(Customers(first).put(Customer("900000000009", name_zh="王小明")))
    found = asyncio.run(Customers(first).by_account("900000000009"))
    assert found
    assert found.name_zh == "王小明"
    assert asyncio.run(Customers(second).count()) == 0


async def test_many_writers_and_readers_wait_for_each_other() -> None:
    store = await store_in_memory()
    customers, wishes = Customers(store), Wishes(store)
    await customers.put(Customer("900000000009"))
    customer = await customers.id_of("900000000009")
    assert customer
    turns = [wishes.opt_out(customer, actor="a"), wishes.opt_in(customer, actor="b"), customers.by_id(customer)]
    await asyncio.gather(*turns, *(customers.put(Customer(f"90000000{n:04}")) for n in range(10, 30)))
    assert await customers.count() == 21
