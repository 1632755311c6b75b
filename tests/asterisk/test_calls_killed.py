"""The controller is killed under its callers and comes back: nobody loses the line, the place or the record of it.

One absence serves all callers: each brings its call to the point where the controller is to go, and goes on when it
is back. Who is still there then lives through a second one, an upgrade.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hotline import Absences, CallOf, Hotline, Journal, Together, Voice, hotline
from sipp import AUDIBLE_RMS, Phone, rms

pytestmark = pytest.mark.asterisk
__all__ = ["hotline"]

MUSIC_SECONDS = 5.0  # longer than two of the dialplan's rounds: it has asked in vain in between

absences = Absences(Hotline.kill, Hotline.stop)
together = Together(absences)
told = together.fixture()


async def went_on(journal: Journal, call: CallOf, *, resumed: int = 1) -> None:
    """It is one call, and everything that any controller said of it stands in SQL exactly once."""
    row = await call.until_ended("caller")
    kinds = Counter(await call.kinds())
    assert (kinds["call.started"], kinds["call.resumed"], kinds["call.ended"]) == (1, resumed, 1)
    assert row.resumed == resumed
    stored = Counter(event["id"] for event in await journal.stored(call.id))
    assert set(stored.values()) == {1}
    assert {event["id"] for event in journal.fed if event["call"] == call.id} <= set(stored)


async def hears_the_price(phone: Phone, call: CallOf, expected: Voice) -> None:
    """She does, and hangs up."""
    place = len(phone.sound())
    await call.until_said("quote_share")
    await phone.hears(await expected.opening("after_quote"), place)
    phone.hang_up()
    assert await phone.over() == 0


@together
async def test_killed_in_the_menu(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await phone.hears(await expected.opening("main_menu"))
        place = len(phone.sound())
        await absences.begins()
        await phone.hears_more(MUSIC_SECONDS)
        assert rms(phone.sound()[place:]) > AUDIBLE_RMS  # music, after the rest of the menu
        await absences.ends()
        assert (await call.until("call.resumed"))["data"]["node"] == "menu"
        await phone.hears(await expected.opening("main_menu"), place)
        phone.press("1600519#")
        await hears_the_price(phone, call, expected)
    await went_on(journal, call)


@together
async def test_killed_in_the_middle_of_the_digits(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press("1")
        await call.until_said("enter_code")
        await phone.hears(await expected.sound("enter_code"))
        phone.press("600")
        await phone.pressed()
        await absences.begins()
        await absences.ends()
        assert (await call.until("call.resumed"))["data"]["node"] == "code"
        await call.until_said("enter_code")  # the question is asked again, and the digits are given again
        phone.press("600519#")
        await hears_the_price(phone, call, expected)
    await went_on(journal, call)


@together
async def test_killed_in_the_price(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press("1600519#")
        before = await call.until_said("quote_share")
        await phone.hears_more(1.0)
        await absences.begins()
        await absences.ends()
        assert (await call.until("call.resumed"))["data"]["node"] in ("share", "after_share")
        place = len(phone.sound())
        phone.press("2")  # whichever it was: heard again
        again = await call.until_said("quote_share")
        assert again["data"]["text"] == before["data"]["text"]  # the price that was asked for, with its time
        await phone.hears(await expected.opening("after_quote"), place)
        phone.hang_up()
        assert await phone.over() == 0
    await went_on(journal, call)


@together
async def test_killed_and_then_stopped_for_an_upgrade(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        for _ in range(2):
            await absences.begins()
            await absences.ends()
            await call.until("call.resumed")
            await call.until_said("main_menu")
        phone.press("1600519#")
        await hears_the_price(phone, call, expected)
    await went_on(journal, call, resumed=2)


@together
async def test_a_caller_who_leaves_while_nobody_looks_has_an_end(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        await absences.begins()
        phone.hang_up()
        assert await phone.over() == 0
        await absences.ends()
        row = await call.until_ended("unseen")
        assert row.answered_at
        assert "call.resumed" not in await call.kinds()


@together
async def test_a_caller_who_comes_while_nobody_is_there_is_served_later(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    await absences.begins()
    async with hotline.dialled() as phone:
        await phone.hears_more(1.0)
        assert rms(phone.sound()) > AUDIBLE_RMS  # music
        await absences.ends()
        call = await journal.call_of(phone)
        await phone.hears(await expected.opening("greeting"))
        phone.press("1600519#")
        await hears_the_price(phone, call, expected)
    row = await call.until_ended("caller")
    assert (row.caller, row.resumed) == (phone.caller, 0)
