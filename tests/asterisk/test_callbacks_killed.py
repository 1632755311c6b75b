"""The controller is killed at every step of a callback: nobody is dialled twice, and nobody is forgotten."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from callback_house import NOON, Asked, asks_to_be_called, missed, row_of
from hotline import Absences, Hotline, Journal, Together, Voice
from network import Network
from queue_house import QueueHouse, at_work, opened
from tones import CALLER, FIRST, hear, hum

from db.events import utcnow
from db.waiting_callbacks import UNKNOWN, WaitingCallbacks

pytestmark = pytest.mark.asterisk

absences = Absences(Hotline.kill)
house = QueueHouse()
network = Network()
together = Together(absences)
told = together.fixture()

PLANNED, AGENT_RINGS, CUSTOMER_RINGS, TALKS, ENDS_ALONE, LOST = (house.story() for _ in range(6))
NUMBERS = {
    story.name: story.caller("gold") for story in (PLANNED, AGENT_RINGS, CUSTOMER_RINGS, TALKS, ENDS_ALONE, LOST)
}


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    with network.joined() as asterisk, house.hotline(asterisk, "callbacks-killed", time_zone=NOON) as one:
        yield one


@together
async def test_before_the_seat_rings(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """An agent was reserved in the store, and the controller died before Asterisk heard of it."""
    number = NUMBERS[PLANNED.name]
    async with network.up(hotline), at_work(hotline, PLANNED) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, PLANNED, number)
        await absences.begins()
        async with opened(hotline) as store:
            callbacks = WaitingCallbacks(store)
            row = await callbacks.get(asked.row)
            assert row is not None
            assert await callbacks.reserve(
                row,
                holder="dead",
                agent=desk.agent.id,
                now=utcnow(),
                lease=datetime.timedelta(seconds=5),
                channel=f"{asked.callback}-dead",
            )
        await desk.resume()
        await absences.ends()
        ring = await desk.phone.rung()
        ring.answer()
        customer = await network.rung(number)
        customer.answer()
        await row_of(hotline, asked, "talking")
        ring.hang_up()
        await row_of(hotline, asked, "done")
    assert network.dialled[number] == 1


@together
async def test_while_the_seat_rings(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    number = NUMBERS[AGENT_RINGS.name]
    async with network.up(hotline), at_work(hotline, AGENT_RINGS) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, AGENT_RINGS, number)
        await desk.resume()
        ring = await desk.phone.rung()
        await desk.until("ringing")
        await absences.begins()
        ring.answer()  # and waits for a controller
        await ring.talks()
        assert not network.dialled[number]
        await absences.ends()
        customer = await network.rung(number)
        customer.answer()
        call = await asked.calls_back(journal)
        await call.until("talk.began", agent=desk.agent.id)
        await desk.until("talking")
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        await row_of(hotline, asked, "done")
    assert network.dialled[number] == 1


@together
async def test_while_the_customer_rings(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    number = NUMBERS[CUSTOMER_RINGS.name]
    async with network.up(hotline), at_work(hotline, CUSTOMER_RINGS) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, CUSTOMER_RINGS, number)
        await desk.resume()
        ring = await desk.phone.rung()
        ring.answer()
        customer = await network.rung(number)
        await absences.begins()
        customer.answer()
        await customer.talks()
        await absences.ends()
        call = await asked.calls_back(journal)
        await call.until("talk.began", agent=desk.agent.id)
        await desk.until("talking")
        assert not ring.over.is_set()
        customer.hang_up()
        await call.until("talk.ended", how="caller")
        await row_of(hotline, asked, "done")
        await desk.until("wrap_up")
    assert network.dialled[number] == 1


@together
async def test_in_the_talk(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    number = NUMBERS[TALKS.name]
    async with network.up(hotline), at_work(hotline, TALKS) as desk:
        asked, ring, customer = await _talking(hotline, journal, TALKS, number, desk)
        customer.phone.hum(hum(CALLER))
        desk.phone.hum(hum(FIRST))
        await absences.begins()
        await hear(agent=(desk.phone, {CALLER}))
        await absences.ends()
        assert not ring.over.is_set()
        ring.hang_up()
        call = await asked.calls_back(journal)
        await call.until("talk.ended", how="agent")
        row = await row_of(hotline, asked, "done")
        assert row.outcome == ""
        await desk.until("wrap_up")
    assert network.dialled[number] == 1


@together
async def test_a_talk_that_ends_meanwhile(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    number = NUMBERS[ENDS_ALONE.name]
    async with network.up(hotline), at_work(hotline, ENDS_ALONE) as desk:
        asked, ring, customer = await _talking(hotline, journal, ENDS_ALONE, number, desk)
        await absences.begins()
        ring.hang_up()
        await customer.ended()
        await absences.ends()
        row = await row_of(hotline, asked, "done")
        assert row.outcome in ("", UNKNOWN)
        await desk.until("wrap_up", "idle")
        call = await asked.calls_back(journal)
        await call.until_ended("unknown", "done")
        assert [kind for kind in await call.kinds() if kind.startswith("talk.")] == ["talk.began", "talk.ended"]
    assert network.dialled[number] == 1


@together
async def test_a_try_of_which_nobody_saw_the_end(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """The customer rang and nobody knows whether it was answered: not again by us, but a person looks at it."""
    number = NUMBERS[LOST.name]
    async with network.up(hotline), at_work(hotline, LOST) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, LOST, number)
        await desk.resume()
        ring = await desk.phone.rung()
        ring.answer()
        customer = await network.rung(number)
        await absences.begins()
        ring.hang_up()
        await customer.ended()
        await absences.ends()
        row = await row_of(hotline, asked, "failed")
        assert row.outcome == UNKNOWN
        assert (await missed(hotline, number)).reason == "callback_expired"
        await desk.until("idle", "wrap_up")
    assert network.dialled[number] == 1


async def _talking(hotline, journal, story, number, desk):  # type: ignore[no-untyped-def]
    await desk.pause()
    asked: Asked = await asks_to_be_called(hotline, journal, story, number)
    await desk.resume()
    ring = await desk.phone.rung()
    ring.answer()
    customer = await network.rung(number)
    customer.answer()
    await row_of(hotline, asked, "talking")
    await desk.until("talking")
    return asked, ring, customer
