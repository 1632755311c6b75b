"""Callers who want a person, real telephones at both ends: waiting, ringing, talking, and what goes wrong.

Each story has a line, agents and telephones of its own. All are told at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import Hotline, Journal, Together, Voice
from queue_house import QueueHouse, at_work, waiting

from agent_routing.agents import Ready

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = QueueHouse()
together = Together()
told = together.fixture()

TALK, HANGS_UP, GIVES_UP, RINGS_OUT, REFUSED, DROPS, ORDER = (house.story(agents) for agents in (1, 1, 1, 2, 2, 2, 1))
PLATINUM = TALK.caller("platinum", name_zh="王铂金")
FIRST_NORMAL, THEN_GOLD, THEN_PLATINUM = (ORDER.caller(tier) for tier in ("normal", "gold", "platinum"))


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(asterisk, "queue") as one:
        yield one


@together
async def test_a_caller_talks_to_an_agent_who_knows_who_it_is(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, TALK) as desk, waiting(hotline, journal, TALK, PLATINUM) as (phone, call):
        ring = await desk.phone.rung()
        assert ring.display == "铂金 王铂金"
        assert ring.number == PLATINUM
        await desk.until("ringing")
        ring.answer()
        began = await call.until("talk.began", agent=desk.agent.id, tier="platinum")
        assert began["data"]["waited"] < 5
        await desk.until("talking")
        whisper = await voice.sound("whisper_platinum")
        assert whisper[:4000] in bytes(desk.phone.heard)
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        await call.until_said("goodbye")
        await desk.until("wrap_up")
        assert await phone.over() == 0
    await call.until_ended("hotline")


@together
async def test_a_caller_hangs_up_in_the_talk(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, HANGS_UP) as desk, waiting(hotline, journal, HANGS_UP) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        phone.hang_up()
        await ring.ended()
        await call.until("talk.ended", how="caller")
        await desk.until("wrap_up")
    await call.until_ended("caller")


@together
async def test_a_caller_gives_up_while_the_seat_rings(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, GIVES_UP) as desk, waiting(hotline, journal, GIVES_UP) as (phone, call):
        ring = await desk.phone.rung()
        phone.hang_up()
        await ring.ended()
        assert ring.cancelled
        await call.until("wait.left", how="abandoned")
        await desk.until("idle")
    await call.until_ended("caller")


@together
async def test_a_seat_that_refuses_is_passed_over(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with (
        at_work(hotline, REFUSED, 0) as first,
        at_work(hotline, REFUSED, 1) as second,
        waiting(hotline, journal, REFUSED) as (phone, call),
    ):
        offer = await call.until("offer.made")
        refuses, takes = (first, second) if offer["data"]["agent"] == first.agent.id else (second, first)
        (await refuses.phone.rung()).refuse()
        await call.until("offer.failed", agent=refuses.agent.id, how="busy")
        ring = await takes.phone.rung()
        ring.answer()
        await call.until("talk.began", agent=takes.agent.id)
        await refuses.until("idle")
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        assert await phone.over() == 0
    await call.until_ended("hotline")


@together
async def test_a_seat_whose_line_drops_gives_the_caller_back_in_front(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, DROPS, 0) as first, waiting(hotline, journal, DROPS) as (phone, call):
        ring = await first.phone.rung()
        ring.answer()
        await call.until("talk.began", agent=first.agent.id)
        first.phone.vanish()
        async with at_work(hotline, DROPS, 1) as second:
            await call.until("talk.ended", agent=first.agent.id, how="cut")
            await call.until("wait.joined", again=True)
            offer = await call.until("offer.made", agent=second.agent.id)
            assert offer["data"]["standing"] == "front"
            again = await second.phone.rung()
            again.answer()
            await call.until("talk.began", agent=second.agent.id)
            await first.until("gone")
            again.hang_up()
            await call.until("talk.ended", agent=second.agent.id, how="agent")
            assert await phone.over() == 0
    await call.until_ended("hotline")


@together
async def test_platinum_is_first_and_gold_before_normal(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with (
        at_work(hotline, ORDER) as desk,
        waiting(hotline, journal, ORDER, FIRST_NORMAL) as (_, normal),
    ):
        ring = await desk.phone.rung()
        ring.answer()
        await normal.until("talk.began")
        async with (
            waiting(hotline, journal, ORDER) as (_, nobody),
            waiting(hotline, journal, ORDER, THEN_GOLD) as (_, gold),
            waiting(hotline, journal, ORDER, THEN_PLATINUM) as (_, platinum),
        ):
            order = []
            for _turn in range(3):
                ring.hang_up()
                await desk.until("wrap_up")
                await desk.do(Ready())
                ring = await desk.phone.rung()
                order.append(ring.display.split()[0])
                ring.answer()
                await desk.until("talking")
            assert order == ["铂金", "黄金", "普通"]
            ring.hang_up()
            for call in (platinum, gold, nobody):
                await call.until_ended("hotline")
