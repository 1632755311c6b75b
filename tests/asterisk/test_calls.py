"""Callers dial in and help themselves: real calls through Asterisk, the dialplan and the controller.

Each test looks at both ends: what the journal has in SQL, and what came to the caller's ear, byte by byte. All calls of
this module are made at the same time.
"""

from __future__ import annotations

import pytest
from hotline import Hotline, Journal, Together, Voice, hotline, price_before
from sipp import AUDIBLE_RMS, rms, seconds, tones

pytestmark = pytest.mark.asterisk
__all__ = ["hotline"]

together = Together()
told = together.fixture()


@together
async def test_a_caller_hears_a_price_and_a_notice(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press("1")
        await call.until_said("enter_code")
        phone.press("600519#")
        assert "贵州茅台" in (await call.until_said("quote_share"))["data"]["text"]
        place = await phone.hears(await voice.opening("after_quote"))
        phone.press("2")
        await call.until_said("quote_share")
        await phone.hears(await voice.opening("after_quote"), place)
        phone.press("*")
        await call.until_said("main_menu")
        phone.press("2")
        await call.until_said("notice")
        await call.until_said("after_notice")
        phone.hang_up()
        assert await phone.over() == 0
    row = await call.until_ended("caller")
    assert (row.caller, row.line, row.language, row.flow) == (phone.caller, "95500", "zh", "main")
    assert row.answered_at
    assert row.started_at <= row.answered_at < row.ended_at  # type: ignore[operator]
    quote = ["quote_share", "after_quote"]
    beginning = ["greeting", "demonstration_data", "main_menu", "enter_code"]
    assert await call.said() == [*beginning, *quote, *quote, "main_menu", "notice", "after_notice"]
    kinds = await call.kinds()
    assert kinds[:3] == ["call.started", "line", "call.answered"]
    assert kinds[-1] == "call.ended"
    assert [kind for kind in kinds if kind.startswith("call.")] == ["call.started", "call.answered", "call.ended"]
    # The caller's ear: prompts that nobody cut short came whole and unchanged, and nothing else between them.
    heard = phone.sound()
    greeting, demonstration = await voice.sound("greeting"), await voice.sound("demonstration_data")
    assert heard.startswith(greeting)
    place = heard.find(demonstration, len(greeting))
    assert len(greeting) <= place < len(greeting) + 800
    price = price_before(hotline, heard, await voice.sound("after_quote"))
    assert rms(price) > AUDIBLE_RMS
    assert heard.count(price) == 2
    spoken = (row.ended_at - row.answered_at).total_seconds()  # type: ignore[operator]
    assert 0.8 * spoken < seconds(heard) < spoken + 1


@together
async def test_keys_typed_ahead_in_one_go_are_all_understood(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled() as phone:
        await phone.hears_more(0.1)  # the greeting has begun
        phone.press("1600519#")
        call = await journal.call_of(phone)
        await call.until_said("quote_share")
        await call.until_said("after_quote")
        await phone.hears(await voice.opening("after_quote"))
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")
    assert (await call.keyed())[:2] == ["1", "600519"]
    price = price_before(hotline, phone.sound(), await voice.sound("after_quote"))
    assert rms(price) > AUDIBLE_RMS


@together
async def test_an_english_caller_is_spoken_to_in_english(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled() as phone:
        await phone.hears_more(0.1)
        phone.press("8")
        call = await journal.call_of(phone)
        assert (await call.until_said("main_menu"))["data"]["language"] == "en"
        await phone.hears(await voice.opening("main_menu", "en"))
        phone.press("1600519#")
        assert "Kweichow Moutai" in (await call.until_said("quote_share"))["data"]["text"]
        await call.until_said("after_quote")
        await phone.hears(await voice.opening("after_quote", "en"))
        phone.press("#")
        await call.until_said("goodbye")
        assert await phone.over() == 0
    await call.until_ended("hotline")
    assert phone.hung_up_on.is_set()
    assert phone.sound().endswith(await voice.sound("goodbye", "en"))


@together
async def test_silence_is_answered_twice_and_then_the_hotline_hangs_up(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("give_up")
        assert await phone.over() == 0
    await call.until_ended("hotline")
    assert phone.hung_up_on.is_set()
    asked_again = ["no_key", "main_menu"]
    assert await call.said() == ["greeting", "demonstration_data", "main_menu", *asked_again, *asked_again, "give_up"]
    heard = phone.sound()
    assert heard.count(await voice.sound("no_key")) == 2
    assert heard.endswith(await voice.sound("give_up"))


@together
async def test_wrong_codes_stars_and_pounds_lead_to_a_price_all_the_same(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        for keys, answer in [
            ("7", "wrong_key"),  # a key that means nothing
            ("*", "main_menu"),
            ("1", "enter_code"),
            ("*", "main_menu"),  # out of the entry at once
            ("1", "enter_code"),
            ("#", "code_wrong_length"),
            ("60*", "main_menu"),  # out of it in the middle
            ("1", "enter_code"),
            ("6005199#", "code_wrong_length"),  # one digit too many
            ("60051#", "code_wrong_length"),
            ("999999#", "enter_code"),
            ("600519", "after_quote"),  # no pound needed
        ]:
            phone.press(keys)
            await call.until_said(answer)
            if keys == "999999#":
                assert "code_unknown" in await call.said()
        await phone.hears(await voice.opening("after_quote"))
        phone.press("#")
        await call.until_said("goodbye")
        assert await phone.over() == 0
    await call.until_ended("hotline")
    assert await call.keyed() == ["7", "*", "1", "", "1", "", "", "1", "6005199", "60051", "999999", "600519", "#"]
    price_before(hotline, phone.sound(), await voice.sound("after_quote"))


@together
async def test_two_instruments_of_one_code_are_asked_about(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled() as phone:
        await phone.answered.wait()
        phone.press("1000001#")
        call = await journal.call_of(phone)
        await call.until_said("which_instrument")
        phone.press("2")
        assert "上证指数" in (await call.until_said("quote_index"))["data"]["text"]
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")


@together
async def test_a_telephone_without_events_is_understood_by_its_tones(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with hotline.dialled(events=False) as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.speak(tones("1"))
        await call.until_said("enter_code")
        phone.speak(tones("600519#"))
        await call.until_said("after_quote")
        await phone.hears(await voice.opening("after_quote"))
        phone.hang_up()
        assert await phone.over() == 0
    assert await call.keyed() == ["1", "600519"]
    price_before(hotline, phone.sound(), await voice.sound("after_quote"))


@together
async def test_keys_by_sip_info(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled(events=False) as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press_by_info("1")
        await call.until_said("enter_code")
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")
