"""Trouble around callers: too many of them, strangers at the door, broken files, no database. Their calls go on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from conftest import RunningAsterisk
from hotline import CallOf, Hotline, Journal, Voice, journal, running, voice
from sipp import LOOPBACK, Phone

from db.events import utcnow
from db.notices import Notice, Notices, NoticeText
from ivr.config import CHECKOUT, Database

pytestmark = pytest.mark.asterisk
__all__ = ["journal"]

TAKEN_SECONDS = 1.0  # promised: a changed flow file is taken in
HEARD_SECONDS = 5.0  # promised: a published notice is heard
LOAD_SECONDS = 3.0  # what a loaded test machine may add to either
STRANGERS = 60
GARBAGE = [
    b"",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,  # TLS
    b"\xff" * 70_000,
    b"agi_network: yes\n",  # and nothing more
    b"\n\n\n\n",
    b"agi_request: agi://127.0.0.1/call\n" * 500,
    b"SSH-2.0-scan\r\n",
]


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    """A controller whose flows and database a test may break: it has its own of both."""
    place = asterisk.settings.run_dir / "trouble"
    shutil.copytree(CHECKOUT / "dialplans", place / "dialplans")
    url = f"sqlite+aiosqlite:///{place}/database/goldline.db"
    settings = asterisk.settings.model_copy(update={"dialplans": place / "dialplans", "database": Database(url=url)})
    with running(Hotline(asterisk, settings)) as one:
        yield one


@pytest.fixture
async def expected(hotline: Hotline) -> AsyncIterator[Voice]:
    """What prompts sound like."""
    async with voice(hotline) as one:
        yield one


async def gets_a_price(phone: Phone, call: CallOf, expected: Voice) -> None:
    """She keys it in, hears it and hangs up."""
    place = len(phone.sound())
    phone.press("1600519#")
    await call.until_said("quote_share")
    await phone.hears(await expected.opening("after_quote"), place)
    phone.hang_up()
    assert await phone.over() == 0


async def test_one_caller_too_many_hears_that_all_lines_are_busy(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    hotline.stop()
    await hotline.start(limits={**hotline.settings.limits.model_dump(), "live_calls": 2})
    try:
        async with hotline.dialled() as first, hotline.dialled() as second:
            calls = [await journal.call_of(first), await journal.call_of(second)]
            async with hotline.dialled() as third:
                refused = await journal.call_of(third)
                await third.hears(await expected.sound("all_lines_busy"))
                assert await third.over() == 0
                assert third.hung_up_on.is_set()
            await refused.until_ended("busy")
            await asyncio.gather(gets_a_price(first, calls[0], expected), gets_a_price(second, calls[1], expected))
        for call in calls:
            await call.until_ended("caller")
        await hotline.idle()
    finally:
        hotline.stop()
        await hotline.start()


async def test_strangers_at_the_controllers_door_disturb_nobody(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await asyncio.gather(
            gets_a_price(phone, call, expected),
            *(stranger(hotline.asterisk.port("agi"), number) for number in range(STRANGERS)),
        )
    await call.until_ended("caller")
    assert (await call.kinds()).count("call.started") == 1
    async with hotline.dialled() as phone:  # and the next caller is served
        await gets_a_price(phone, await journal.call_of(phone), expected)


async def stranger(port: int, number: int) -> None:
    """Connects, says something that is no call, and goes: politely or with a reset."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(GARBAGE[number % len(GARBAGE)])
        async with asyncio.timeout(0.5):
            await reader.read()
    if number % 2:
        linger = struct.pack("ii", 1, 0)  # close with RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_broken_flow_is_refused_and_a_mended_one_taken_while_calls_go_on(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    file = hotline.settings.dialplans / "main.yaml"
    good = file.read_text("utf-8")
    before = (await hotline.health())["flows"]["main"]
    try:
        async with hotline.dialled() as phone, hotline.dialled() as late:
            phone.press("*")
            call = await journal.call_of(phone)
            file.write_text(good.replace('"1": code', '"1": nowhere'), "utf-8")
            state = await hotline.until(lambda state: bool(state["flow_problems"]), "the problem is named")
            line = good[: good.index('"1": code')].count("\n") + 1
            assert f"main.yaml:{line}" in str(state["flow_problems"])
            assert state["flows"]["main"] == before
            await gets_a_price(phone, call, expected)
            mended = time.monotonic()
            file.write_text(good.replace("say: main_menu", "say: [greeting, main_menu]"), "utf-8")
            state = await hotline.until(lambda state: state["flows"]["main"] != before, "the new flow")
            assert time.monotonic() - mended < TAKEN_SECONDS + LOAD_SECONDS
            assert state["flow_problems"] == []
            # Who was in the old flow ends in the old one; who calls now gets the new one.
            old = await journal.call_of(late)
            late.press("*")
            await old.until_said("main_menu")
            await gets_a_price(late, old, expected)
            assert (await old.until_ended("caller")).version == before
            async with hotline.dialled() as newcomer:
                new = await journal.call_of(newcomer)
                newcomer.press("*")
                while (await new.until_said("main_menu"))["data"]["prompts"] != ["greeting", "main_menu"]:
                    pass
                newcomer.hang_up()
                assert await newcomer.over() == 0
            assert (await new.until_ended("caller")).version == state["flows"]["main"]
    finally:
        file.write_text(good, "utf-8")
        await hotline.until(lambda state: state["flows"]["main"] == before, "the old flow again")


async def test_calls_are_served_without_a_database_and_recorded_when_it_is_back(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    directory = Path(hotline.settings.database.url.partition("///")[2]).parent
    away = directory.with_name("database-away")
    async with hotline.dialled() as early:
        before = await journal.call_of(early)
        directory.rename(away)
        try:
            async with hotline.dialled() as phone:
                during = await journal.call_of(phone)
                await asyncio.gather(gets_a_price(phone, during, expected), gets_a_price(early, before, expected))
            await during.until("call.ended", how="caller")
            await before.until("call.ended", how="caller")
            assert (await hotline.health())["journal"]["database_away"]
        finally:
            away.rename(directory)
    for call in (before, during):
        row = await call.until_ended("caller")
        assert row.answered_at
        await hotline.until(lambda state: state["journal"]["waiting"] == 0, "everything is stored")
        told = [event["id"] for event in journal.fed if event["call"] == call.id]
        assert [event["id"] for event in await journal.stored(call.id)] == told


async def test_a_published_notice_is_heard_within_seconds(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:  # somebody has just heard the notices as they were
        call = await journal.call_of(phone)
        phone.press("2")
        await call.until_said("notice")
        phone.hang_up()
        assert await phone.over() == 0
    fresh = f"今日新公告{time.monotonic_ns() % 1000}"
    text = NoticeText(fresh, "这是刚刚发布的内容。")
    await Notices(journal.store).put(Notice("TEST-1", "service", "published", utcnow(), texts={"zh": text}))
    published = time.monotonic()
    heard = asyncio.Event()

    async def calls_and_listens() -> None:
        async with hotline.dialled() as phone:
            call = await journal.call_of(phone)
            phone.press("2")
            if fresh[:5] in (await call.until_said("notice"))["data"]["text"]:
                await phone.hears_more(0.5)
                heard.set()
            phone.hang_up()
            assert await phone.over() == 0

    while not heard.is_set():
        assert time.monotonic() - published < HEARD_SECONDS + LOAD_SECONDS
        await calls_and_listens()
    assert time.monotonic() - published < HEARD_SECONDS + LOAD_SECONDS


async def test_a_call_that_is_taken_back_before_it_is_answered(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    hotline.freeze()  # so that nobody answers
    try:
        async with hotline.dialled() as phone:
            await phone.trying.wait()
            phone.hang_up()
            assert await phone.over() == 0
            assert (phone.status, phone.answered.is_set()) == (487, False)
    finally:
        hotline.thaw()
    async with hotline.dialled() as phone:
        await gets_a_price(phone, await journal.call_of(phone), expected)
