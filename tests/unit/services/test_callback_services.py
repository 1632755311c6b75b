"""Leaving a number to be called back at."""

from __future__ import annotations

import pytest

from db.callbacks import CallbackWish
from ivr.flow.service import Caller, Result, Service
from ivr.services.callbacks import callback_services
from ivr.speech.values import Code


class Kept:
    """The services, and what was left through them."""

    def __init__(self) -> None:
        self.wishes: list[CallbackWish] = []
        self.services: dict[str, Service] = {one.name: one for one in callback_services(self.leave)}

    async def leave(self, wish: CallbackWish) -> bool:
        self.wishes.append(wish)
        return True

    async def own(self, number: str) -> Result:
        caller = Caller("call-1", number, "95500", "en", recognised=7)
        return await self.services["callbacks.leave_own"].run(caller, {})

    async def keyed(self, number: str) -> Result:
        caller = Caller("call-1", "13900000000", "95500")
        return await self.services["callbacks.leave"].run(caller, {"number": Code(number)})


@pytest.mark.parametrize(
    ("number", "stored", "spoken"),
    [
        ("13800138000", "+8613800138000", "13800138000"),
        ("02155501234", "+862155501234", "02155501234"),
        ("+85221234567", "+85221234567", "0085221234567"),
    ],
)
async def test_the_number_one_calls_from(number: str, stored: str, spoken: str) -> None:
    kept = Kept()
    assert await kept.own(number) == Result("left", {"number": Code(spoken)})
    (wish,) = kept.wishes
    assert (wish.number, wish.line, wish.language, wish.call_id, wish.customer) == (stored, "95500", "en", "call-1", 7)


@pytest.mark.parametrize("number", ["", "110", "95588", "1001", "anonymous", "12345"])
async def test_a_number_that_nobody_can_call_back(number: str) -> None:
    kept = Kept()
    assert (await kept.own(number)).exit == "no_number"
    assert kept.wishes == []


@pytest.mark.parametrize("number", ["110", "0085221234567", "00881612345678", "95588", "5550123"])
async def test_a_keyed_number_must_be_a_telephone_of_the_mainland(number: str) -> None:
    kept = Kept()
    assert (await kept.keyed(number)).exit == "no_number"
    assert kept.wishes == []


async def test_a_keyed_number() -> None:
    kept = Kept()
    assert await kept.keyed("02155501234") == Result("left", {"number": Code("02155501234")})
