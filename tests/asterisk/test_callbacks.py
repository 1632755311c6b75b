"""Callers who hang up and keep their place, real telephones at all ends: the agent is rung first, then the customer.

Each story has a line, an agent and customers of its own. All are told at the same time.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator

import pytest
from callback_house import NOON, asks_to_be_called, missed, row_of
from hotline import Hotline, Journal, Together, Voice
from network import Network
from queue_house import QueueHouse, at_work, opened, waiters
from tones import CALLER, FIRST, hear, hum

from db.recordings import Recordings
from db.waiting_callbacks import CALLED_IN

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = QueueHouse()
network = Network()
together = Together()
told = together.fixture()

SERVED, BUSY, UNALLOCATED, CALLS_IN, QUIET, REFUSES = (house.story(recorded=story == 0) for story in range(6))
PLATINUM = SERVED.caller("platinum", name_zh="王铂金")
BUSY_ONE, NOBODY, GOLD, REFUSED = (
    BUSY.caller(),
    UNALLOCATED.caller("silver"),
    CALLS_IN.caller("gold"),
    REFUSES.caller(),
)
ASLEEP = QUIET.caller("gold", quiet_from=datetime.time(11), quiet_until=datetime.time(15))


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    with network.joined() as asterisk, house.hotline(asterisk, "callbacks", time_zone=NOON) as one:
        yield one


@together
async def test_a_customer_is_called_back_from_the_place_that_was_kept(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with network.up(hotline), at_work(hotline, SERVED) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, SERVED, PLATINUM)
        await desk.resume()
        ring = await desk.phone.rung()
        assert ring.display == "铂金 王铂金"
        assert not network.dialled[PLATINUM], "the customer is rung before the agent has accepted"
        ring.answer()
        customer = await network.rung(PLATINUM)
        assert customer.number == hotline.settings.sip.number
        assert (await voice.sound("whisper_callback"))[:4000] in bytes(desk.phone.heard)
        customer.answer()
        call = await asked.calls_back(journal)
        began = await call.until("talk.began", agent=desk.agent.id, tier="platinum")
        assert began["data"]["waited"] >= asked.waited
        await desk.until("talking")
        desk.phone.hum(hum(FIRST))
        customer.phone.hum(hum(CALLER))
        await hear(agent=(desk.phone, {CALLER}), customer=(customer.phone, {FIRST}))
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        await customer.ended()
        row = await row_of(hotline, asked, "done")
        assert (row.attempts, row.outcome) == (1, "")
        await desk.until("wrap_up")
        async with opened(hotline) as store, asyncio.timeout(10):
            while not (kept := await Recordings(store).listed(call=call.id)):
                await asyncio.sleep(0.05)
        assert (kept[0].agent, kept[0].state) == (desk.agent.id, "kept")
        assert "wait.joined" not in await call.kinds()
    await call.until_ended("done")
    assert network.dialled[PLATINUM] == 1


@together
async def test_a_busy_customer_is_tried_later_and_the_agent_is_free_at_once(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with network.up(hotline), at_work(hotline, BUSY) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, BUSY, BUSY_ONE)
        await desk.resume()
        ring = await desk.phone.rung()
        ring.answer()
        (await network.rung(BUSY_ONE)).refuse(486, "Busy Here")
        await ring.ended()
        row = await row_of(hotline, asked, "waiting", attempts=1)
        assert row.outcome == "busy"
        assert datetime.timedelta(minutes=2) < row.next_try - row.asked_at < datetime.timedelta(minutes=5)
        assert (await desk.until("idle")).missed == 0
        assert asked.callback not in await waiters(hotline)
    assert network.dialled[BUSY_ONE] == 1


@together
async def test_an_unallocated_number_goes_to_the_missed_callers(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with network.up(hotline), at_work(hotline, UNALLOCATED) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, UNALLOCATED, NOBODY)
        await desk.resume()
        ring = await desk.phone.rung()
        ring.answer()
        (await network.rung(NOBODY)).refuse(404, "Not Found")
        await ring.ended()
        row = await row_of(hotline, asked, "failed")
        assert row.outcome == "bad_number"
        entry = await missed(hotline, NOBODY)
        assert (entry.reason, entry.tier) == ("callback_expired", "silver")
        await desk.until("idle")


@together
async def test_who_calls_in_meanwhile_has_the_kept_place_and_is_not_called(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with network.up(hotline), at_work(hotline, CALLS_IN) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, CALLS_IN, GOLD)
        async with hotline.dialled(CALLS_IN.number, caller=GOLD) as phone:
            call = await asked.next_call(journal, GOLD)
            assert (await call.until("wait.joined"))["data"]["joined"] == asked.joined
            row = await row_of(hotline, asked, "done")
            assert row.outcome == CALLED_IN
            assert asked.callback not in await waiters(hotline)
            await desk.resume()
            ring = await desk.phone.rung()
            ring.answer()
            await call.until("talk.began")
            ring.hang_up()
            assert await phone.over() == 0
    assert not network.dialled[GOLD]


@together
async def test_nobody_is_called_in_their_quiet_hours(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with network.up(hotline), at_work(hotline, QUIET) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, QUIET, ASLEEP)
        await desk.resume()
        async with asyncio.timeout(10):
            row = await row_of(hotline, asked, "waiting")
            while row.next_try - row.asked_at < datetime.timedelta(hours=1):
                await asyncio.sleep(0.05)
                row = await row_of(hotline, asked, "waiting")
        assert asked.callback not in await waiters(hotline)
        assert (await desk.session()).state == "idle"
        assert desk.phone.rings.empty()


@together
async def test_an_agent_who_does_not_take_it_costs_the_customer_nothing(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with network.up(hotline), at_work(hotline, REFUSES) as desk:
        await desk.pause()
        asked = await asks_to_be_called(hotline, journal, REFUSES, REFUSED)
        await desk.resume()
        (await desk.phone.rung()).refuse()
        row = await row_of(hotline, asked, "waiting", attempts=0)
        await desk.until("idle", "paused")
        assert asked.callback in await waiters(hotline)
        assert (await desk.session()).missed == 1
        assert row.next_try <= row.asked_at
    assert not network.dialled[REFUSED]
