"""The brokerage of ``house.py``, once on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.customer import Customer, Phone
from db.customers import Customers
from db.store import Store
from ivr.identity.identity import Identity
from ivr.identity.keys import pepper
from ivr.identity.sms import SmsInMemory
from tests.unit.identity.house import (
    ACCOUNT,
    CLOSED,
    CODE,
    KEY,
    MOBILE,
    NO_MOBILE,
    OTHER,
    PIN,
    QUICK,
    Clock,
    CountedPins,
    House,
)


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    customers = Customers(store)
    phones = (Phone("+862155501234"), Phone("+8613955550009", "stopped"), Phone(MOBILE))
    await customers.put(Customer(ACCOUNT, phones=phones, status="active"))
    await customers.put(Customer(OTHER, phones=(Phone("+8613955550002"),), status="active", languages=("en",)))
    await customers.put(Customer(CLOSED, phones=(Phone("+8613955550003"),), status="active"))
    await customers.put(Customer(NO_MOBILE, phones=(Phone("+862155501234"),), status="active"))
    pins = CountedPins(store, pepper(KEY), QUICK)
    for account in (ACCOUNT, OTHER, CLOSED, NO_MOBILE):
        await pins.set_pin(account, PIN, actor="tests")
    await customers.put(Customer(CLOSED, phones=(Phone("+8613955550003"),), status="closed"))
    clock, sms = Clock(), SmsInMemory()
    identity = Identity(store, pins, KEY, clock, sms=sms, brokerage="演示证券", new_code=lambda: CODE)
    yield House(store, pins, clock, sms, identity)
    pins.close()
