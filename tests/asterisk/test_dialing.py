"""Campaigns that call a whole network, by real calls. All stories are told at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from carrier import Behaviour, number
from dial_house import DialHouse, attempt_in, ended, on_the_line, running
from hotline import CallOf, Hotline, Journal, Together, Voice

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = DialHouse()
together = Together()
told = together.fixture()

OPEN = {"kept_open": True}
WAYS = {
    number(Behaviour.BUSY, 1): "busy",
    number(Behaviour.NO_SUCH): "unallocated",
    number(Behaviour.DECLINES, 1): "refused",
    number(Behaviour.OVERLOADED): "network",
    number(Behaviour.NOT_THERE): "out_of_reach",
    number(Behaviour.RINGS): "no_answer",
    number(Behaviour.GLIMPSE, 1): "hung_up",
}
UNREACHED = house.campaign(list(WAYS), script="event_invitation")
TALK = house.queue.story(seat=OPEN)
TALKING = house.campaign([number(Behaviour.PERSON, 1)], story=TALK)


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    with house.joined() as asterisk, house.hotline(asterisk, "dialing") as one:
        yield one


@together
async def test_every_way_not_to_reach_anybody(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with running(hotline, UNREACHED):
        for dialled, outcome in WAYS.items():
            over = await ended(hotline, UNREACHED, dialled)
            assert over.last.outcome == outcome, dialled
            call = CallOf(journal, over.last.call)
            await call.until("outbound.leased")
            await call.until("outbound.dialled")
            await call.until("outbound.ended", outcome=outcome)
    assert {one: house.network.invited()[one] for one in WAYS} == dict.fromkeys(WAYS, 1)


@together
async def test_who_answers_talks_with_an_agent(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    (dialled,) = TALKING.numbers
    async with on_the_line(hotline, TALK) as (desk, leg), running(hotline, TALKING):
        row = await attempt_in(hotline, TALKING, dialled, "talking")
        call = CallOf(journal, row.call)
        connected = await call.until("outbound.connected", agent=desk.agent.id)
        assert connected["data"]["seconds"] < 1.8
        await desk.until("talking")
        leg.hang_up()
        over = await ended(hotline, TALKING, dialled)
        assert over.last.outcome == "reached"
        assert over.last.agent == desk.agent.id
        assert over.target.state == "reached"
        await call.until("outbound.ended", outcome="reached")
    assert house.network.invited()[dialled] == 1
