"""Campaigns that call a whole network, by real calls. All stories are told at the same time.

Whom the network has heard of, and how often, is judged by its own record.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator

import pytest
from carrier import Behaviour, number
from dial_house import (
    DialHouse,
    announcements,
    attempt_in,
    command,
    ended,
    held_by,
    on_the_line,
    promise,
    running,
    until,
)
from hotline import CallOf, Hotline, Journal, Together, Voice
from queue_house import at_work, opened

from agent_routing.agents import Ready
from db.campaigns import Campaigns
from db.do_not_call import DoNotCall
from db.events import utcnow
from db.phone_numbers import canonical
from db.targets import Targets

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = DialHouse(announcements())
together = Together()
told = together.fixture()

OPEN = {"kept_open": True}
NOTICE = "event_invitation"
WAYS = {
    number(Behaviour.BUSY, 1): "busy",
    number(Behaviour.NO_SUCH): "unallocated",
    number(Behaviour.DECLINES, 1): "refused",
    number(Behaviour.OVERLOADED): "network",
    number(Behaviour.NOT_THERE): "out_of_reach",
    number(Behaviour.RINGS): "no_answer",
    number(Behaviour.GLIMPSE, 1): "hung_up",
    number(Behaviour.SAYS_UNALLOCATED, 1): "unallocated",
    number(Behaviour.SAYS_STOPPED, 1): "stopped",
    number(Behaviour.SAYS_SWITCHED_OFF): "switched_off",
    number(Behaviour.SAYS_BUSY): "busy",
}
UNREACHED = house.campaign(list(WAYS), script=NOTICE)
TALK = house.queue.story(seat=OPEN)
TALKING = house.campaign([number(Behaviour.PERSON, 1)], story=TALK)
SCARCE = house.queue.story(seat=OPEN)
TWO = house.campaign(
    [number(Behaviour.PERSON, 2), number(Behaviour.PERSON, 2)], story=SCARCE, mode="power", ratio_percent="200"
)
RESERVED = house.queue.story(seat=OPEN)
PROMISED = house.campaign([number(Behaviour.PERSON, 1)], story=RESERVED)
RINGING = house.queue.story()
RUNG = house.campaign([number(Behaviour.PERSON, 1), number(Behaviour.NO_SUCH)], story=RINGING)
NINE = number(Behaviour.PRESSES_9, 1)
REFUSING = house.campaign([NINE], script=NOTICE)
AGAIN = house.campaign([NINE], script=NOTICE)
ONE = number(Behaviour.PRESSES_1, 1)
HEARD = house.campaign([ONE], script=NOTICE)
NOBODY = house.campaign([number(Behaviour.PERSON, 1)], story=house.queue.story())
ORDERED = house.campaign([number(Behaviour.RINGS), number(Behaviour.RINGS)], script=NOTICE, lines="1")


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
            await call.until("outbound.leased", number=canonical(dialled))
            await call.until("outbound.dialled")
            await call.until("outbound.ended", outcome=outcome, target=over.target.state)
    assert {one: house.network.invited()[one] for one in WAYS} == dict.fromkeys(WAYS, 1)
    assert not list((hotline.settings.run_dir / "early").iterdir())


@together
async def test_who_answers_talks_with_an_agent(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    (dialled,) = TALKING.numbers
    async with on_the_line(hotline, TALK) as (desk, leg), running(hotline, TALKING):
        row = await attempt_in(hotline, TALKING, dialled, "talking")
        call = CallOf(journal, row.call)
        connected = await call.until("outbound.connected", agent=desk.agent.id)
        assert connected["data"]["seconds"] < 2.0
        await desk.until("talking")
        leg.hang_up()
        over = await ended(hotline, TALKING, dialled)
        await desk.until("wrap_up")
        await call.until("outbound.ended", outcome="reached", target="reached")
        ended_row = await call.until_ended("hotline", "caller")
    assert (over.last.outcome, over.last.agent, over.target.state) == ("reached", desk.agent.id, "reached")
    assert ended_row.caller == dialled
    assert house.network.invited()[dialled] == 1


@together
async def test_two_answer_and_there_is_one_agent(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """One is told who called, at once, is counted as abandoned, and an agent is guaranteed to the next call."""
    async with on_the_line(hotline, SCARCE) as (_, leg), running(hotline, TWO):
        rows = [await attempt_in(hotline, TWO, dialled, "talking", "ended") for dialled in TWO.numbers]
        overs = {}
        for dialled, row in zip(TWO.numbers, rows, strict=True):
            if row.state == "ended":
                overs[dialled] = await ended(hotline, TWO, dialled)
        leg.hang_up()
        for dialled in TWO.numbers:
            overs[dialled] = await ended(hotline, TWO, dialled)
    assert sorted(one.last.outcome for one in overs.values()) == ["abandoned", "reached"]
    left, over = next((dialled, one) for dialled, one in overs.items() if one.last.outcome == "abandoned")
    assert over.last.abandoned
    assert over.last.live
    assert (over.target.state, over.target.guaranteed) == ("waiting", True)
    call = CallOf(journal, over.last.call)
    abandoned = await call.until("outbound.abandoned")
    assert abandoned["data"]["seconds"] < 2.0
    said = await call.said()
    assert "safe_harbour" in said
    record = {one.what: one.at for one in house.network.record() if one.number == left}
    assert record["GONE"] - record["ANSWER"] > 3.0


@together
async def test_who_was_promised_an_agent_is_dialled_once_the_agent_is_there(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    (dialled,) = PROMISED.numbers
    await promise(hotline, PROMISED, dialled)
    async with on_the_line(hotline, RESERVED) as (desk, leg), running(hotline, PROMISED):
        row = await attempt_in(hotline, PROMISED, dialled, "talking")
        assert (row.mode, row.agent) == ("reserved", desk.agent.id)
        call = CallOf(journal, row.call)
        await call.until("offer.made", agent=desk.agent.id)
        await call.until("outbound.dialled", seat=True)
        await desk.until("talking")
        leg.hang_up()
        over = await ended(hotline, PROMISED, dialled)
        await desk.until("wrap_up")
    assert over.last.outcome == "reached"
    assert house.network.invited()[dialled] == 1


@together
async def test_a_telephone_that_must_ring_is_rung_first(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """… and that the customer was not there is no fault of the agent's."""
    person, unallocated = RUNG.numbers
    async with at_work(hotline, RINGING) as desk, running(hotline, RUNG):
        ring = await desk.phone.rung()
        assert not house.network.invited()[person]
        ring.answer()
        await attempt_in(hotline, RUNG, person, "talking")
        ring.hang_up()
        assert (await ended(hotline, RUNG, person)).last.outcome == "reached"
        await desk.until("wrap_up")
        await desk.do(Ready())
        ring = await desk.phone.rung()
        assert not house.network.invited()[unallocated]
        ring.answer()
        assert (await ended(hotline, RUNG, unallocated)).last.outcome == "unallocated"
        await desk.until("idle")
        assert (await desk.session()).missed == 0
    assert {one: house.network.invited()[one] for one in RUNG.numbers} == dict.fromkeys(RUNG.numbers, 1)


@together
async def test_who_presses_9_is_never_called_again(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with running(hotline, REFUSING):
        over = await ended(hotline, REFUSING, NINE)
    assert (over.last.outcome, over.target.state) == ("reached", "refused")
    async with opened(hotline) as store:
        assert await DoNotCall(store).reason(canonical(NINE))
    async with running(hotline, AGAIN), opened(hotline) as store:

        async def state() -> str:
            target = await Targets(store).get(AGAIN.targets[canonical(NINE)])
            assert target is not None
            return target.state

        async with asyncio.timeout(30):
            while await state() == "waiting":
                await asyncio.sleep(0.1)
        assert await state() in ("excluded", "refused")
    assert house.network.invited()[NINE] == 1


@together
async def test_who_hears_a_notice_confirms_it(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with running(hotline, HEARD):
        over = await ended(hotline, HEARD, ONE)
    assert over.last.outcome == "reached"
    assert house.network.invited()[ONE] == 1


@together
async def test_without_seats_nobody_is_dialled_and_the_command_says_why(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    (dialled,) = NOBODY.numbers
    code, said = await (await command(hotline, NOBODY)).over()
    assert code == 69
    assert "No agent at work" in said
    async with running(hotline, NOBODY):
        await hotline.until(lambda state: NOBODY.name in state["dialing"]["campaigns"], "it is followed")
        await hotline.until(
            lambda state: state["dialing"]["campaigns"][NOBODY.name]["why"] == "no_seats",
            "it says that nobody is there",
        )
    assert house.network.invited()[dialled] == 0


@together
async def test_the_command_holds_the_campaign_and_ends_in_order(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    one = await command(hotline, ORDERED)
    holder = await held_by(hotline, ORDERED)
    first, second = ORDERED.numbers
    code, said = await (await command(hotline, ORDERED)).over()
    assert code == 75
    assert holder in said
    await until(lambda: sum(house.network.invited()[each] for each in ORDERED.numbers) == 1, "one is dialled")
    one.process.terminate()
    code, said = await one.over()
    assert code == 0, said
    dialled = first if house.network.invited()[first] else second
    over = await ended(hotline, ORDERED, dialled)  # which rang on
    assert over.last.outcome == "no_answer"
    async with opened(hotline) as store:
        row = await Campaigns(store).get(ORDERED.name)
        assert row is not None
        assert not row.is_live(utcnow() + datetime.timedelta(seconds=1))
    assert sum(house.network.invited()[each] for each in ORDERED.numbers) == 1
