"""The controller is killed over talks that are recorded: they are told once, and their recordings are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import Absences, Hotline, Journal, Together, Voice
from kept import kept
from queue_house import QueueHouse, at_work, waiting
from tones import FIRST, hear, hum

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

absences = Absences(Hotline.kill)
house = QueueHouse()
together = Together(absences)
told = together.fixture()

KILLED, ENDS_ALONE = house.story(recorded=True), house.story(recorded=True)


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(asterisk, "kept-killed") as one:
        yield one


@together
async def test_the_recording_of_a_talk_outlives_a_killed_controller(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, KILLED) as desk, waiting(hotline, journal, KILLED) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        await desk.until("talking")
        await absences.begins()
        await absences.ends()
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        assert await phone.over() == 0
    row = await kept(hotline, call)
    assert (row.state, row.agent, row.seat) == ("kept", desk.agent.id, desk.seat.id)
    assert [kind for kind in await call.kinds() if kind.startswith("talk.")] == ["talk.began", "talk.ended"]


@together
async def test_a_talk_that_nobody_saw_is_told_once_and_its_recording_kept(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, ENDS_ALONE) as desk, waiting(hotline, journal, ENDS_ALONE) as (phone, call):
        ring = await desk.phone.rung()
        await desk.until("ringing")
        await absences.begins()
        ring.answer()
        await ring.talks()
        desk.phone.hum(hum(FIRST))
        await hear(caller=(phone, {FIRST}))
        ring.hang_up()
        await absences.ends()
        await call.until("talk.ended")
        assert await phone.over() == 0
    row = await kept(hotline, call)
    assert (row.state, row.agent, row.seat) == ("kept", desk.agent.id, desk.seat.id)
    await call.until_ended("hotline")
    assert [kind for kind in await call.kinds() if kind.startswith("talk.")] == ["talk.began", "talk.ended"]
