"""Callers who hang up at every single point, and callers whose number is an attack. All at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from hotline import CallOf, Hotline, Journal, Together, Voice, hotline
from sipp import Phone

pytestmark = pytest.mark.asterisk
__all__ = ["hotline"]

together = Together()
told = together.fixture()


async def at_the_first_word(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.answered.wait()


async def in_the_greeting(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.hears(await voice.opening("greeting"))


async def in_the_menu(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.hears(await voice.opening("main_menu"))


async def after_the_menu(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.hears(await voice.sound("main_menu"))


async def in_the_middle_of_the_digits(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.hears_more(0.1)  # the greeting has begun
    phone.press("1")
    await call.until_said("enter_code")
    phone.press("600")
    await phone.pressed()


async def after_the_last_digit(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.hears_more(0.1)  # the greeting has begun
    phone.press("1600519")
    await phone.pressed()


async def in_the_price(phone: Phone, call: CallOf, voice: Voice) -> None:
    await phone.hears_more(0.1)  # the greeting has begun
    phone.press("1600519#")
    await call.until_said("quote_share")
    await phone.hears_more(0.5)


async def in_a_notice(phone: Phone, call: CallOf, voice: Voice) -> None:
    await call.until_said("main_menu")
    phone.press("2")
    await call.until_said("notice")


async def at_the_goodbye(phone: Phone, call: CallOf, voice: Voice) -> None:
    await call.until_said("main_menu")
    phone.press("#")
    await call.until_said("goodbye")


async def at_the_end_of_the_goodbye(phone: Phone, call: CallOf, voice: Voice) -> None:
    await call.until_said("main_menu")
    phone.press("#")
    await phone.hears((await voice.sound("goodbye"))[:-800])


POINTS: list[Callable[[Phone, CallOf, Voice], Awaitable[None]]] = [
    at_the_first_word,
    in_the_greeting,
    in_the_menu,
    after_the_menu,
    in_the_middle_of_the_digits,
    after_the_last_digit,
    in_the_price,
    in_a_notice,
    at_the_goodbye,
    at_the_end_of_the_goodbye,
]


def hanging_up(
    point: Callable[[Phone, CallOf, Voice], Awaitable[None]],
) -> Callable[[dict[str, BaseException | None]], None]:
    async def story(hotline: Hotline, journal: Journal, voice: Voice) -> None:
        async with hotline.dialled() as phone:
            call = await journal.call_of(phone)
            await point(phone, call, voice)
            phone.hang_up()
            assert await phone.over() == 0
        await call.until_ended("caller", *(["hotline"] if "goodbye" in point.__name__ else []))
        kinds = await call.kinds()
        assert (kinds[0], kinds[-1], kinds.count("call.ended")) == ("call.started", "call.ended", 1)
        assert "fault" not in kinds

    story.__name__ = f"test_hanging_up_{point.__name__}"
    return together(story)


for one in POINTS:
    globals()[f"test_hanging_up_{one.__name__}"] = hanging_up(one)


# Every From header here is what a trunk might bring: some by mistake, some by malice. `mark` is how the journal shows
# who it was: the number or the name, whichever is harmless.
CANARY = "goldline-canary"  # a file that would be there if anything of this were executed
CALLERS: dict[str, tuple[bytes, str]] = {
    "quotes": (rb'"Say \"hi\" \\ now" <sip:13800000001@127.0.0.1>', "13800000001"),
    "commas_and_pipes": (b'"a,b|c;d&e^f" <sip:13800000002@127.0.0.1>', "13800000002"),
    "a_dialplan_function": (
        b'"${SHELL(touch RUN/' + CANARY.encode() + b')}" <sip:13800000003@127.0.0.1>',
        "13800000003",
    ),
    "a_dialplan_function_as_number": (
        b'"mark-4" <sip:%24%7BSHELL(touch%20RUN%2F' + CANARY.encode() + b")%7D@127.0.0.1>",
        "mark-4",
    ),
    "line_breaks_as_number": (b'"mark-5" <sip:1%0d%0aagi_arg_1%3a%20evil%0a%0a@127.0.0.1>', "mark-5"),
    "sql": (b'"\'; DROP TABLE calls; --" <sip:13800000006@127.0.0.1>', "13800000006"),
    "no_utf8": (b'"\xff\xfe\xc3(\x80\xed\xa0\x80" <sip:13800000007@127.0.0.1>', "13800000007"),
    "no_utf8_as_number": (b'"mark-8" <sip:%ff%fe%c3%28%80@127.0.0.1>', "mark-8"),
    "five_thousand_characters": (b'"' + b"x" * 5000 + b'" <sip:13800000009@127.0.0.1>', "13800000009"),
    "five_thousand_digits": (b'"mark-10" <sip:' + b"1" * 5000 + b"@127.0.0.1>", "mark-10"),
    "a_nul": (b'"mark-11" <sip:1%002@127.0.0.1>', "mark-11"),
    "chinese": ('"张三" <sip:13800000012@127.0.0.1>'.encode(), "张三"),
    "nobody": (b"<sip:127.0.0.1>", ""),
}


def calling_as(name: str, header: bytes, mark: str) -> Callable[[dict[str, BaseException | None]], None]:
    async def story(hotline: Hotline, journal: Journal, voice: Voice) -> None:
        run = str(hotline.settings.run_dir).encode()
        async with hotline.dialled(caller=mark or "-", from_header=header.replace(b"RUN", run)) as phone:
            phone.caller = mark
            call = await journal.call_of(phone)
            await phone.hears_more(0.1)
            phone.press("1600519#")
            await call.until_said("after_quote")
            await phone.hears(await voice.opening("after_quote"))
            phone.hang_up()
            assert await phone.over() == 0
        row = await call.until_ended("caller")
        assert row.line == "95500"
        assert (await call.keyed())[:2] == ["1", "600519"]
        assert not (hotline.settings.run_dir / CANARY).exists()

    story.__name__ = f"test_a_caller_with_{name}"
    return together(story)


for name, (header, mark) in CALLERS.items():
    globals()[f"test_a_caller_with_{name}"] = calling_as(name, header, mark)
