"""The controller is killed with calls in every state of the queue: nobody loses a place, no talk is disturbed, every
seat is right within three seconds of the restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import Absences, Hotline, Journal, Together, Voice
from queue_house import QueueHouse, at_work, seats, waiters, waiting

from agent_routing.agents import Ready

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

SECONDS_TO_BE_RIGHT = 3.0

absences = Absences(Hotline.kill)
house = QueueHouse()
together = Together(absences)
told = together.fixture()

QUEUE, RINGS, ANSWERED, TALK, ENDS, WRAPS_UP, GIVES_UP = (house.story(agents) for agents in (1, 1, 1, 1, 1, 1, 1))
SILVER = QUEUE.caller("silver")


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(asterisk, "queue-killed") as one:
        yield one


@together
async def test_who_waits_keeps_the_place(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, QUEUE) as desk:
        await desk.pause()
        async with waiting(hotline, journal, QUEUE, SILVER) as (phone, call):
            joined = (await waiters(hotline))[call.id]
            await absences.begins()
            await absences.ends()
            began = time.monotonic()
            while call.id not in (found := await waiters(hotline)):
                assert time.monotonic() - began < SECONDS_TO_BE_RIGHT, "the queue has lost a caller"
            assert found[call.id]["joined"] == pytest.approx(joined["joined"], abs=0.002)
            assert found[call.id]["tier"] == "silver"
            await desk.resume()
            ring = await desk.phone.rung()
            ring.answer()
            began = await call.until("talk.began", agent=desk.agent.id)
            ring.hang_up()
            await call.until("talk.ended", how="agent")
            assert await phone.over() == 0
    await call.until_ended("hotline")


@together
async def test_a_seat_rings_on_and_its_answer_counts(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, RINGS) as desk, waiting(hotline, journal, RINGS) as (phone, call):
        ring = await desk.phone.rung()
        await desk.until("ringing")
        await absences.begins()
        await absences.ends()
        ring.answer()
        await call.until("talk.began", agent=desk.agent.id)
        await desk.until("talking")
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        await desk.until("wrap_up")
        assert await phone.over() == 0


@together
async def test_a_seat_answers_while_nobody_looks(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, ANSWERED) as desk, waiting(hotline, journal, ANSWERED) as (phone, call):
        ring = await desk.phone.rung()
        await desk.until("ringing")
        await absences.begins()
        ring.answer()
        await ring.talks()
        await absences.ends()
        await call.until("talk.began", agent=desk.agent.id)
        await desk.until("talking")
        assert not ring.over.is_set()
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        await desk.until("wrap_up")
        assert await phone.over() == 0


@together
async def test_a_talk_goes_on(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, TALK) as desk, waiting(hotline, journal, TALK) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        await desk.until("talking")
        await absences.begins()
        before = len(desk.phone.heard)
        await absences.ends()
        assert len(desk.phone.heard) > before, "the agent hears the caller no more"
        assert not ring.over.is_set()
        assert (await desk.session()).state == "talking"
        phone.hang_up()
        await ring.ended()
        await call.until("talk.ended", how="caller")
        await desk.until("wrap_up")
    await call.until_ended("caller")


@together
async def test_a_talk_ends_while_nobody_looks(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, ENDS) as desk, waiting(hotline, journal, ENDS) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        await desk.until("talking")
        await absences.begins()
        ring.hang_up()
        await absences.ends()
        await desk.until("wrap_up", "idle")
        await call.until_said("goodbye")
        assert await phone.over() == 0
    await call.until_ended("hotline")


@together
async def test_a_wrap_up_goes_on(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, WRAPS_UP) as desk, waiting(hotline, journal, WRAPS_UP) as (_phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        ring.hang_up()
        session = await desk.until("wrap_up")
        await absences.begins()
        await absences.ends()
        assert (await desk.session()).until == session.until
        await desk.do(Ready())
        await desk.seen("idle")


@together
async def test_who_gives_up_while_nobody_looks_is_waited_for_no_more(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, GIVES_UP) as desk:
        await desk.pause()
        async with waiting(hotline, journal, GIVES_UP) as (phone, call):
            await absences.begins()
            phone.hang_up()
            await phone.over()
            await absences.ends()
            await call.until_ended("unseen", "caller")
            assert call.id not in await waiters(hotline)
        await desk.resume()
        await desk.seen("idle")


async def test_no_seat_is_stuck_after_all_that(hotline: Hotline, told: object) -> None:
    async with asyncio.timeout(SECONDS_TO_BE_RIGHT):
        while any(one["state"] == "reserved" or one["call"] for one in await seats(hotline)):
            await asyncio.sleep(0.05)
