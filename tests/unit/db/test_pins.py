"""PINs: set, checked, never readable, on both databases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from db.audit import Audit
from db.customers import Customer, Customers, Phone
from db.pins import PinRefused, Pins, weakness
from db.store import Store
from db.tier_changes import NoSuchCustomer

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
OTHER = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
ACCOUNT, PIN = "900000000009", "290518"


@pytest.fixture
async def pins(store: Store) -> AsyncIterator[Pins]:
    await Customers(store).put(Customer(ACCOUNT, phones=(Phone("+8613800752941"),)))
    opened = Pins(store, hasher=QUICK)
    yield opened
    opened.close()


async def hashed(store: Store) -> str:
    async with store.reading() as session:
        return str(await session.scalar(sa.text("SELECT hash FROM customer_pins")))


async def test_only_the_right_pin_proves(pins: Pins) -> None:
    assert not await pins.has_pin(ACCOUNT)
    assert not await pins.check_pin(ACCOUNT, PIN), "no PIN is no proof"
    await pins.set_pin(ACCOUNT, PIN, actor="clerk")
    assert await pins.has_pin(ACCOUNT)
    assert await pins.check_pin(ACCOUNT, PIN)
    for wrong in ("290519", "", "29051", "2905180", PIN + "#", "２９０５１８", "\udcff", "no PIN"):
        assert not await pins.check_pin(ACCOUNT, wrong), wrong
    assert not await pins.check_pin("1", PIN)


async def test_a_new_pin_replaces_the_old_and_a_removed_one_proves_nothing(pins: Pins) -> None:
    await pins.set_pin(ACCOUNT, PIN, actor="clerk")
    await pins.set_pin(ACCOUNT, "730264", actor="clerk")
    assert not await pins.check_pin(ACCOUNT, PIN)
    assert await pins.check_pin(ACCOUNT, "730264")
    await pins.remove_pin(ACCOUNT, actor="clerk")
    assert not await pins.check_pin(ACCOUNT, "730264")


async def test_the_pin_stands_nowhere(pins: Pins, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await pins.set_pin(ACCOUNT, PIN, actor="clerk")
    await pins.check_pin(ACCOUNT, PIN)
    assert (await hashed(store)).startswith("$argon2id$")
    assert PIN not in await hashed(store)
    assert PIN not in caplog.text
    trail = await Audit(store).of_account(ACCOUNT)
    assert [entry.what for entry in trail] == ["pin.set"]
    assert PIN not in str(trail)
    assert "argon" not in str(await Customers(store).by_account(ACCOUNT))


async def test_the_hash_is_renewed_when_the_parameters_change(pins: Pins, store: Store) -> None:
    await pins.set_pin(ACCOUNT, PIN, actor="clerk")
    before = await hashed(store)
    newer = Pins(store, hasher=OTHER)
    assert not await newer.check_pin(ACCOUNT, "730264")
    assert await hashed(store) == before, "only the right PIN can renew it"
    assert await newer.check_pin(ACCOUNT, PIN)
    after = await hashed(store)
    assert "t=1" in before
    assert "t=2" in after
    assert await newer.check_pin(ACCOUNT, PIN)
    assert await hashed(store) == after
    newer.close()


async def test_a_hash_alone_is_worth_nothing_without_the_pepper(pins: Pins, store: Store) -> None:
    peppered = Pins(store, b"a secret of the installation", QUICK)
    await peppered.set_pin(ACCOUNT, PIN, actor="clerk")
    assert await peppered.check_pin(ACCOUNT, PIN)
    assert not await peppered.check_pin(ACCOUNT, "730264")
    assert not await pins.check_pin(ACCOUNT, PIN), "whoever has the database only"
    with pytest.raises(VerifyMismatchError):
        QUICK.verify(await hashed(store), PIN)
    peppered.close()


async def test_an_unknown_account_costs_as_many_hashes_as_a_known_one(store: Store) -> None:
    class Counting(PasswordHasher):
        done: ClassVar[list[str]] = []

        def hash(self, *words: Any, **named: Any) -> str:
            self.done.append("hash")
            return super().hash(*words, **named)

        def verify(self, *words: Any, **named: Any) -> Literal[True]:
            self.done.append("verify")
            return super().verify(*words, **named)

    await Customers(store).put(Customer(ACCOUNT))
    setting = Pins(store, hasher=QUICK)
    await setting.set_pin(ACCOUNT, PIN, actor="clerk")
    setting.close()
    work = []
    for account in (ACCOUNT, "1"):
        Counting.done.clear()
        pins = Pins(store, hasher=Counting(time_cost=1, memory_cost=64, parallelism=1))
        assert not await pins.check_pin(account, "730264")
        assert not await pins.check_pin(account, "730264")
        pins.close()
        work.append(list(Counting.done))
    assert work[0] == work[1] == ["hash", "verify", "verify"]


async def test_the_loop_goes_on_while_pins_are_checked(pins: Pins) -> None:
    await pins.set_pin(ACCOUNT, PIN, actor="clerk")
    turns = 0
    checks = asyncio.gather(*(pins.check_pin(ACCOUNT, PIN) for _ in range(10)))
    while not checks.done():
        turns += 1
        await asyncio.sleep(0)
    assert await checks == [True] * 10
    assert turns > 10


@pytest.mark.parametrize(
    "pin",
    [
        "",
        "1",
        "12345",
        "1234567",
        "abcdef",
        "２９０５１８",
        "111111",
        "121212",
        "112211",
        "123456",
        "654321",
        "890123",
        "375375",
        "000009",
        "900000",
        "752941",
    ],
)
async def test_a_pin_that_is_guessed_at_once_is_refused_and_not_repeated(pins: Pins, pin: str) -> None:
    with pytest.raises(PinRefused) as caught:
        await pins.set_pin(ACCOUNT, pin, actor="clerk")
    assert not pin or len(pin) == 1 or pin not in str(caught.value)
    assert not await pins.has_pin(ACCOUNT)


def test_an_ordinary_pin_is_good() -> None:
    assert weakness(PIN, ACCOUNT) == ""


async def test_there_is_no_pin_without_a_customer(pins: Pins) -> None:
    with pytest.raises(NoSuchCustomer):
        await pins.set_pin("1", PIN, actor="clerk")
    with pytest.raises(NoSuchCustomer):
        await pins.remove_pin("1", actor="clerk")
