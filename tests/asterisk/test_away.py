"""The controller is killed and stays away: callers are served by Asterisk's own queue, by tier, and the next controller
takes over what it finds. Nobody is lost, nobody waits in two queues, no seat gets two calls, no voicemail a customer.

One story, because that queue is one: whoever is at work is rung for whoever waits.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from conftest import RunningAsterisk, settings_for, start_asterisk
from hotline import LOOK_SECONDS, OPENING, CallOf, Hotline, following, voice
from queue_house import Desk, QueueHouse, at_work, seats, waiters, waiting
from sipp import PATIENCE, Phone, fresh_number

from agent_routing.agents import Ready
from ivr.contract import QUEUE_AWAY

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

AWAY_SECONDS = 4

house = QueueHouse()
ORDINARY = house.story(1)
CAREFUL = house.story(1, seat={"accept_key": True})
SILVER, PLATINUM = ORDINARY.caller("silver"), ORDINARY.caller("platinum")


@pytest.fixture(scope="module")
def impatient() -> Iterator[RunningAsterisk]:
    """An Asterisk that waits for no controller longer than a few seconds."""
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))
    running = start_asterisk(settings_for(run_dir, **{"limits.away_seconds": AWAY_SECONDS}))
    yield running
    running.process.stop()
    shutil.rmtree(run_dir)


@pytest.fixture(scope="module")
def hotline(impatient: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(impatient, "away") as one:
        yield one


async def test_asterisks_own_queue_serves_and_gives_back(hotline: Hotline) -> None:
    async with following(hotline) as journal, voice(hotline) as speech, AsyncExitStack() as stack:
        ordinary = await stack.enter_async_context(at_work(hotline, ORDINARY))
        talker, talk = await stack.enter_async_context(waiting(hotline, journal, ORDINARY))
        first_talk = await ordinary.phone.rung()
        first_talk.answer()
        await talk.until("talk.began")
        careful = await stack.enter_async_context(at_work(hotline, CAREFUL))
        _, silver = await stack.enter_async_context(waiting(hotline, journal, ORDINARY, SILVER))
        _, platinum = await stack.enter_async_context(waiting(hotline, journal, ORDINARY, PLATINUM))
        before = await waiters(hotline)
        assert set(before) == {silver.id, platinum.id}
        hotline.kill()

        # The seat that is free is rung for the platinum caller, though the silver one came first. Its voicemail takes
        # nobody; who presses the key does.
        ring = await careful.phone.rung()
        ring.answer()
        await ring.ended()
        careful_talk = await careful.phone.rung()
        whispered = len(careful.phone.heard)
        careful_talk.answer()
        await heard(careful, await speech.sound("accept_call"), whispered)
        assert (await speech.sound("whisper_platinum"))[:OPENING] in bytes(careful.phone.heard)
        careful_talk.press("1")

        # Who comes now hears the menu. One presses the key, and gives up in the queue; one stays on the line.
        gives_up = await stack.enter_async_context(hotline.dialled(ORDINARY.number, caller=fresh_number()))
        stays = await stack.enter_async_context(hotline.dialled(ORDINARY.number, caller=fresh_number()))
        gave_up, stayed = await call_id(hotline, gives_up), await call_id(hotline, stays)
        await gives_up.hears((await speech.sound("controller_away_menu"))[:OPENING])
        gives_up.press("1")
        await gives_up.hears((await speech.sound("controller_away_queue"))[:OPENING])
        gives_up.hang_up()
        assert await gives_up.over() == 0
        await stays.hears((await speech.sound("controller_away_queue"))[:OPENING])
        since = time.time()
        await queued(hotline, 2)

        # The talk that went on all the time ends: its seat is rung for who came first.
        assert not first_talk.over.is_set()
        talker.hang_up()
        await first_talk.ended()
        ringing = await ordinary.phone.rung()
        assert careful.phone.rings.empty()

        # There is a controller again.
        await hotline.start()
        assert set(back := await waiters(hotline)) >= {stayed}
        assert back[stayed]["joined"] == pytest.approx(since, abs=AWAY_SECONDS)
        assert "0 calls" in queue_line(hotline) or "1 call" in queue_line(hotline)
        assert not careful_talk.over.is_set()
        await careful.until("talking")
        assert not ringing.over.is_set(), "it rings on"
        ringing.answer()
        began = await silver.until("talk.began", agent=ordinary.agent.id)
        assert began["data"]["tier"] == "silver"
        await ordinary.until("talking")
        ringing.hang_up()
        await silver.until("talk.ended", how="agent")
        await silver.until_ended("hotline")
        await ordinary.until("wrap_up")
        await ordinary.do(Ready())
        last = await ordinary.phone.rung()
        last.answer()
        here = CallOf(journal, stayed)
        await here.until("talk.began", agent=ordinary.agent.id)
        last.hang_up()
        await here.until_ended("hotline")
        careful_talk.hang_up()
        await platinum.until("talk.ended")
        await platinum.until_ended("hotline")
        await careful.until("wrap_up")
        assert (await CallOf(journal, gave_up).until("away.queue", how="abandoned", tier="normal"))["data"][
            "seconds"
        ] < 9
        await CallOf(journal, gave_up).until_ended("caller")
        await CallOf(journal, platinum.id).until("away.queue", how="answered", seat=careful.seat.id)
        await talk.until_ended("caller", "unseen")
        assert all(one["state"] != "gone" for one in await seats(hotline))
        assert ordinary.phone.rings.empty()
        assert careful.phone.rings.empty()
        await hotline.idle()


async def call_id(hotline: Hotline, phone: Phone) -> str:
    """Asterisk's own id of the call that this telephone makes."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for line in (await asyncio.to_thread(hotline.asterisk.cli, "core show channels concise")).splitlines():
                if phone.caller in line.split("!"):
                    return line.split("!")[-1]
            await asyncio.sleep(LOOK_SECONDS)


async def queued(hotline: Hotline, calls: int) -> None:
    """Until so many wait in Asterisk's own queue."""
    async with asyncio.timeout(PATIENCE):
        while f"has {calls} calls" not in await asyncio.to_thread(queue_line, hotline):
            await asyncio.sleep(LOOK_SECONDS)


def queue_line(hotline: Hotline) -> str:
    return hotline.asterisk.cli(f"queue show {QUEUE_AWAY}")


async def heard(desk: Desk, sound: bytes, since: int) -> None:
    """Until the agent has heard it."""
    async with asyncio.timeout(PATIENCE):
        while sound[:OPENING] not in bytes(desk.phone.heard[since:]):
            await asyncio.sleep(LOOK_SECONDS)
