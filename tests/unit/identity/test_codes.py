"""One-time codes by SMS, on both databases."""

from __future__ import annotations

import asyncio

from db.audit import Audit
from ivr.identity.identity import Identity, SentCode, random_code
from tests.unit.identity.house import ACCOUNT, CODE, HOME, KEY, MOBILE, NO_MOBILE, OTHER, UNKNOWN, House


async def send(house: House, account: str = ACCOUNT, caller: str = HOME) -> SentCode:
    return await house.identity.send_code("call-1", caller, account)


async def prove(house: House, code: str = CODE, account: str = ACCOUNT) -> str:
    return (await house.identity.prove_code("call-1", HOME, account, code)).how


async def test_a_code_proves_once(house: House) -> None:
    assert await prove(house) == "wrong", "none was sent"
    assert await send(house) == SentCode("sent")
    ((to, text),) = house.sms.sent
    assert to == MOBILE, "the first good mobile"
    assert CODE in text
    assert "演示证券" in text
    assert ACCOUNT not in text
    assert await prove(house) == "proven"
    assert await prove(house) == "wrong"
    entry = (await Audit(house.store).of_account(ACCOUNT))[1]
    assert (entry.what, dict(entry.data)) == ("identity.proven", {"how": "sms"})


async def test_it_is_worded_in_the_customers_language(house: House) -> None:
    await send(house, OTHER)
    assert "Your code" in house.sms.sent[0][1]


async def test_a_code_lasts_five_minutes(house: House) -> None:
    await send(house)
    house.clock.go(299)
    assert await prove(house) == "proven"
    await send(house)
    house.clock.go(300)
    assert await prove(house) == "wrong"


async def test_a_code_is_of_one_account(house: House) -> None:
    await send(house)
    assert await prove(house, account=OTHER) == "wrong"
    await send(house, UNKNOWN)
    assert await prove(house, account=UNKNOWN) == "wrong", "even one that somebody guessed"


async def test_two_at_once_use_a_code_once(house: House) -> None:
    await send(house)
    said = await asyncio.gather(*(prove(house) for _ in range(3)))
    assert said.count("proven") == 1


async def test_three_an_hour_for_an_account_known_or_not(house: House) -> None:
    for account in (ACCOUNT, UNKNOWN):
        said = [(await send(house, account, f"1380013800{number}")).how for number in range(4)]
        assert said == ["sent", "sent", "sent", "wait"]
    assert len(house.sms.sent) == 3
    house.clock.go(3_599)
    assert await send(house) == SentCode("wait", 1)
    house.clock.go(1)
    assert await send(house) == SentCode("sent")


async def test_many_at_once_are_three_as_well(house: House) -> None:
    others = [house.identity, house.restarted()]
    said = await asyncio.gather(*(others[n % 2].send_code("call", f"1380013800{n}", ACCOUNT) for n in range(10)))
    assert sorted(one.how for one in said) == ["sent"] * 3 + ["wait"] * 7
    assert len(house.sms.sent) == 3


async def test_one_telephone_asks_for_six_an_hour(house: House) -> None:
    said = [(await send(house, f"98000000040{number}")).how for number in range(7)]
    assert said == [*["sent"] * 6, "wait"]


async def test_an_account_without_a_mobile_or_none_at_all_is_answered_alike(house: House) -> None:
    assert await send(house, NO_MOBILE) == await send(house, UNKNOWN) == await send(house) == SentCode("sent")
    assert [to for to, _ in house.sms.sent] == [MOBILE]
    house.sms.broken = True
    assert await send(house) == SentCode("unavailable"), "the caller need not wait for it"
    assert await send(house, UNKNOWN) == SentCode("unavailable")


async def test_wrong_codes_count_as_wrong_pins(house: House) -> None:
    await send(house)
    assert [await prove(house, "000000") for _ in range(3)] == ["wrong"] * 3
    assert await prove(house) == "wait"
    assert (await send(house)).how == "wait", "nor is another sent meanwhile"


async def test_a_locked_account_gets_no_code(house: House) -> None:
    for number in range(6):
        await house.identity.prove_pin("call-1", f"1380013900{number}", ACCOUNT, "000000")
        house.clock.go(3_600)
    assert await send(house) == SentCode("locked")
    assert house.sms.sent == []


async def test_without_a_gateway_codes_are_off(house: House) -> None:
    assert await Identity(house.store, house.pins, KEY).send_code("call-1", HOME, ACCOUNT) == SentCode("off")


def test_codes_have_six_digits() -> None:
    codes = {random_code() for _ in range(200)}
    assert all(len(code) == 6 and code.isdecimal() for code in codes)
    assert len(codes) > 150
