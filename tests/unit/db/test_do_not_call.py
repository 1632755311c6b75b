"""Numbers that are not called, on both databases."""

from __future__ import annotations

import datetime

import pytest

from db.audit import Audit
from db.customer import Customer, Phone
from db.customers import Customers
from db.do_not_call import CUSTOMERS_WISH, DoNotCall, DoNotCallEntry, NotListed
from db.store import Store

NUMBER = "+8613800138001"


async def test_a_number_is_listed_once_with_its_first_reason(store: Store) -> None:
    numbers = DoNotCall(store)
    assert await numbers.reason(NUMBER) == ""
    since = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    assert await numbers.add([DoNotCallEntry(NUMBER, "said so in a call", since)], actor="li.si") == 1
    assert await numbers.add([DoNotCallEntry(NUMBER, "again")], actor="wang.wu") == 0
    assert await numbers.reason(NUMBER) == "said so in a call"
    assert await numbers.all() == (DoNotCallEntry(NUMBER, "said so in a call", since, "li.si"),)
    (entry,) = await Audit(store).latest()
    assert (entry.actor, entry.what, entry.data["number"]) == ("li.si", "do_not_call.added", NUMBER)


async def test_taking_a_number_off_is_audited(store: Store) -> None:
    numbers = DoNotCall(store)
    await numbers.add([DoNotCallEntry(NUMBER, "said so")], actor="li.si")
    await numbers.remove(NUMBER, actor="wang.wu", why="asked in writing")
    assert await numbers.reason(NUMBER) == ""
    with pytest.raises(NotListed):
        await numbers.remove(NUMBER, actor="wang.wu", why="again")
    assert (await Audit(store).latest())[0].data == {"number": NUMBER, "why": "asked in writing"}


async def test_a_customers_wish_counts_for_all_their_telephones(store: Store) -> None:
    customer = Customer("9000001", status="active", phones=(Phone(NUMBER), Phone("+862155501234")), do_not_call=True)
    await Customers(store).put(customer)
    numbers = DoNotCall(store)
    assert await numbers.reason(NUMBER) == await numbers.reason("+862155501234") == CUSTOMERS_WISH
    with pytest.raises(NotListed, match="taken back by the customer"):
        await numbers.remove(NUMBER, actor="li.si", why="mistake")


async def test_a_long_list(store: Store) -> None:
    numbers = DoNotCall(store)
    entries = [DoNotCallEntry(f"+86138{n:08}", "national list") for n in range(1200)]
    assert await numbers.add(entries, actor="import") == 1200
    assert await numbers.add(entries, actor="import") == 0
    assert len(await numbers.all(most=5000)) == 1200
