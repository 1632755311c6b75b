"""The controller is killed while callers are on hold, agents ask one another, and three talk: nobody is lost, talks go
on, and the next controller knows where each stands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import Absences, Hotline, Journal, Together, Voice
from queue_house import QueueHouse, at_work, seats
from talks import talking
from tones import CALLER, FIRST, SECOND, hear, hum

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

absences = Absences(Hotline.kill)
house = QueueHouse()
together = Together(absences)
told = together.fixture()

HOLD, LEFT = house.story(1), house.story(1)
CONSULT, ANSWERED_LESS, CONFERENCE = (house.story(2) for _ in range(3))
for each in house.stories:
    each.caller("platinum")


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(asterisk, "talks-killed") as one:
        yield one


@together
async def test_who_is_on_hold_stays_there_and_comes_back(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, HOLD) as talk:
        await talk.act("hold")
        await hear(caller=(talk.phone, set()), agent=(talk.desk.phone, set()))
        await absences.begins()
        await hear(caller=(talk.phone, set()), agent=(talk.desk.phone, set()))
        await absences.ends()
        assert await talk.stage() == "held"
        assert (await talk.desk.session()).state == "talking"
        await talk.act("resume")
        await talk.together()
        talk.ring.hang_up()
        await talk.call.until("talk.ended", how="agent")
        await talk.desk.until("wrap_up")
        assert await talk.phone.over() == 0


@together
async def test_who_is_left_on_hold_meanwhile_is_in_front(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, LEFT) as talk:
        await talk.act("hold")
        await hear(caller=(talk.phone, set()))
        await absences.begins()
        talk.ring.hang_up()
        await absences.ends()
        again = await talk.call.until("wait.joined", again=True)
        assert again["data"]["joined"] == talk.joined
        await talk.desk.until("wrap_up")
        talk.phone.hang_up()
        assert await talk.phone.over() == 0


@together
async def test_a_question_goes_on_and_can_be_completed(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, CONSULT, 1) as second:
        await second.pause()
        async with talking(hotline, journal, CONSULT) as talk:
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.act("consult", agent=second.agent.id)
            ring = await second.phone.rung()
            ring.answer()
            await hear(first=(talk.desk.phone, {SECOND}), second=(second.phone, {FIRST}))
            await second.until("talking")
            await absences.begins()
            await hear(first=(talk.desk.phone, {SECOND}), second=(second.phone, {FIRST}))
            await absences.ends()
            assert await talk.stage() == "asked"
            await talk.act("complete")
            await hear(caller=(talk.phone, {SECOND}), second=(second.phone, {CALLER}))
            await talk.desk.until("wrap_up")
            assert (await second.until("talking")).call == talk.call.id
            ring.hang_up()
            await second.until("wrap_up")
            assert await talk.phone.over() == 0


@together
async def test_a_question_that_ends_meanwhile_brings_the_caller_back(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, ANSWERED_LESS, 1) as second:
        await second.pause()
        async with talking(hotline, journal, ANSWERED_LESS) as talk:
            await second.resume()
            await second.seen("idle")
            await talk.act("consult", agent=second.agent.id)
            ring = await second.phone.rung()
            await absences.begins()
            ring.answer()
            await ring.talks()
            ring.hang_up()
            await talk.together()  # without any controller
            await absences.ends()
            assert await talk.stage() == "together"
            await second.until("wrap_up", "idle")
            assert (await talk.desk.session()).state == "talking"
            talk.phone.hang_up()
            await talk.ring.ended()
            await talk.desk.until("wrap_up")


@together
async def test_three_talk_on(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, CONFERENCE, 1) as second:
        await second.pause()
        async with talking(hotline, journal, CONFERENCE) as talk:
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.act("consult", agent=second.agent.id)
            ring = await second.phone.rung()
            ring.answer()
            await hear(first=(talk.desk.phone, {SECOND}))
            await talk.act("conference")
            ears = {
                "caller": (talk.phone, {FIRST, SECOND}),
                "first": (talk.desk.phone, {CALLER, SECOND}),
                "second": (second.phone, {CALLER, FIRST}),
            }
            await hear(**ears)
            await absences.begins()
            await hear(**ears)
            await absences.ends()
            assert await talk.stage() == "conference"
            assert {(await talk.desk.session()).state, (await second.session()).state} == {"talking"}
            ring.hang_up()
            await second.until("wrap_up")
            await talk.together()
            talk.ring.hang_up()
            await talk.desk.until("wrap_up")
            assert await talk.phone.over() == 0


async def test_no_seat_is_stuck_after_all_that(hotline: Hotline, told: object) -> None:
    async with asyncio.timeout(3.0):
        while any(one["state"] == "reserved" or one["call"] for one in await seats(hotline)):
            await asyncio.sleep(0.05)
