"""Recognising callers: whoever has one good telephone to one customer, and never at the price of a pause."""

from __future__ import annotations

import asyncio
import time

import pytest

from db.customer import PhoneState, Status
from db.customers import Customer, Customers, Phone
from db.errors import StoreAway
from db.recognition import Recognised, Recognition
from db.store import Store
from ivr.customers.recognise import MOST_WAITING, Recogniser

NUMBER = "+8613800138001"
SOMEBODY = Recognised(7, "gold", "active", "zh")


def customer(account: str, *, state: PhoneState = "good", status: Status = "active") -> Customer:
    return Customer(account, tier="gold", status=status, languages=("en", "zh"), phones=(Phone(NUMBER, state),))


@pytest.mark.parametrize("written", ["13800138001", "+8613800138001", "008613800138001", "013800138001"])
async def test_a_customer_is_recognised_however_the_trunk_writes_the_number(store: Store, written: str) -> None:
    await Customers(store).put(customer("9000001"))
    found = await Recognition(store).of_number(written)
    assert found is not None
    assert (found.tier, found.status, found.language) == ("gold", "active", "en")


@pytest.mark.parametrize("state", ["unallocated", "stopped", "switched_off", "wrong_person"])
async def test_a_telephone_that_is_not_good_is_nobodys(store: Store, state: PhoneState) -> None:
    await Customers(store).put(customer("9000001", state=state))
    assert await Recognition(store).of_number(NUMBER) is None


@pytest.mark.parametrize("status", ["closed", "lost"])
async def test_who_has_left_is_not_recognised_and_hides_nobody(store: Store, status: Status) -> None:
    await Customers(store).put(customer("9000001", status=status))
    assert await Recognition(store).of_number(NUMBER) is None
    await Customers(store).put(customer("9000002"))
    assert await Recognition(store).of_number(NUMBER) is not None


async def test_a_telephone_of_two_customers_is_nobodys(store: Store) -> None:
    for account in ("9000001", "9000002"):
        await Customers(store).put(customer(account))
    assert await Recognition(store).of_number(NUMBER) is None


@pytest.mark.parametrize("number", ["", "anonymous", "\udcff", "1" * 500, "+"])
async def test_a_number_that_is_none_is_nobodys(store: Store, number: str) -> None:
    assert await Recogniser(Recognition(store).of_number).recognise(number) is None


async def test_a_withheld_number_is_not_looked_up() -> None:
    async def look_up(_: str) -> Recognised | None:
        raise AssertionError("looked up")

    assert await Recogniser(look_up).recognise("") is None


async def test_nobody_waits_for_a_database_that_hangs_not_even_for_its_undoing() -> None:
    asked = 0

    async def look_up(_: str) -> Recognised | None:
        nonlocal asked
        asked += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()  # a driver that waits for the server's word
        return SOMEBODY

    recogniser = Recogniser(look_up, deadline=0.02)
    began = time.monotonic()
    found = await asyncio.gather(*(recogniser.recognise(f"1380000{n:04}") for n in range(3 * MOST_WAITING)))
    assert set(found) == {None}
    assert time.monotonic() - began < 2.0
    assert (asked, recogniser.missed) == (MOST_WAITING, 3 * MOST_WAITING)
    await recogniser.stop()


@pytest.mark.parametrize("error", [StoreAway("away"), RuntimeError("a fault of ours")])
async def test_a_database_that_is_away_costs_no_call(error: Exception) -> None:
    async def look_up(_: str) -> Recognised | None:
        raise error

    recogniser = Recogniser(look_up)
    assert await recogniser.recognise("13800138000") is None
    assert recogniser.missed == 1


async def test_whoever_is_known_in_time_is_recognised() -> None:
    async def look_up(_: str) -> Recognised | None:
        return SOMEBODY

    recogniser = Recogniser(look_up)
    assert await recogniser.recognise("13800138000") == SOMEBODY
    assert recogniser.missed == 0
