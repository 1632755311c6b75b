"""The controller is killed at every step of a campaign's call: nobody is dialled twice, and nobody is forgotten.

Whether somebody was dialled twice is judged by the telephone network's own record.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator

import pytest
from carrier import Behaviour, number
from dial_house import Campaigned, DialHouse, attempt_in, ended, on_the_line, promise, running, until
from hotline import Absences, CallOf, Hotline, Journal, Together, Voice
from queue_house import opened

from db.attempts import Attempts
from db.events import utcnow
from db.phone_numbers import canonical
from db.targets import Targets

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = DialHouse()
absences = Absences(Hotline.kill)
together = Together(absences)
told = together.fixture()

OPEN = {"kept_open": True}
RING = "90s"


def _campaign() -> Campaigned:
    story = house.queue.story(seat=OPEN)
    return house.campaign([number(Behaviour.WHEN_TOLD)], story=story, ring_at_most=RING)


LEASED, WRITTEN = _campaign(), _campaign()
RINGS, ANSWERED, GIVES_UP = _campaign(), _campaign(), _campaign()
TALKS, ENDS_ALONE, WRAPS_UP = _campaign(), _campaign(), _campaign()
SEAT_FIRST, SEAT_TALKS = _campaign(), _campaign()


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    with house.joined() as asterisk, house.hotline(asterisk, "dialing-killed") as one:
        yield one


async def rings(campaign: Campaigned) -> str:
    """The number, once the network has it."""
    (dialled,) = campaign.numbers
    await until(lambda: house.network.invited()[dialled] > 0, f"{dialled} rings")
    return dialled


async def talks(hotline: Hotline, campaign: Campaigned) -> str:
    """The number, once its customer talks with an agent."""
    dialled = await rings(campaign)
    await asyncio.to_thread(house.network.answer, dialled)
    await attempt_in(hotline, campaign, dialled, "talking")
    return dialled


async def dead_lease(hotline: Hotline, campaign: Campaigned, *, written: bool) -> None:
    """A controller that is dead now has leased the number, and written down that it dials it, or not."""
    (dialled,) = campaign.numbers
    lease = datetime.timedelta(seconds=5)
    async with opened(hotline) as store:
        target = await Targets(store).latest(campaign.name, canonical(dialled))
        assert target is not None
        attempts = Attempts(store)
        row = await attempts.lease(
            target, canonical(dialled), mode="progressive", holder="dead", now=utcnow(), lease=lease
        )
        assert row is not None
        if written:
            assert await attempts.dial(row, channel=row.call, now=utcnow(), lease=lease)


@together
async def test_before_the_row(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """Leased, and not written down: nobody has dialled it, and it is dialled."""
    async with running(hotline, LEASED):
        await absences.begins()
        await dead_lease(hotline, LEASED, written=False)
        await absences.ends()
        async with on_the_line(hotline, LEASED.agents) as (_, leg):
            dialled = await talks(hotline, LEASED)
            leg.hang_up()
            over = await ended(hotline, LEASED, dialled, attempts=2)
    assert [one.outcome for one in over.attempts] == ["not_dialled", "reached"]
    assert house.network.invited()[dialled] == 1


@together
async def test_right_after_the_row(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """Written down, and the controller died before Asterisk heard of it: nobody can know, and it is not dialled."""
    (dialled,) = WRITTEN.numbers
    async with running(hotline, WRITTEN):
        await absences.begins()
        await dead_lease(hotline, WRITTEN, written=True)
        await absences.ends()
        async with on_the_line(hotline, WRITTEN.agents):
            over = await ended(hotline, WRITTEN, dialled)
    assert over.last.outcome == "unknown"
    assert over.target.state == "waiting"
    assert over.target.due_at > utcnow() + datetime.timedelta(hours=1)
    assert house.network.invited()[dialled] == 0


@together
async def test_while_it_rings(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """… and is answered when there is a controller again: an agent is there."""
    async with on_the_line(hotline, RINGS.agents) as (desk, leg), running(hotline, RINGS):
        dialled = await rings(RINGS)
        await absences.begins()
        await absences.ends()
        await desk.seen("idle")
        await talks(hotline, RINGS)
        leg.hang_up()
        over = await ended(hotline, RINGS, dialled)
    assert (over.last.outcome, over.last.agent) == ("reached", desk.agent.id)
    assert house.network.invited()[dialled] == 1


@together
async def test_at_the_answer(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """Somebody answers, and there is no controller: they hear who called, which counts as an abandoned call."""
    async with on_the_line(hotline, ANSWERED.agents), running(hotline, ANSWERED):
        dialled = await rings(ANSWERED)
        await absences.begins()
        await asyncio.to_thread(house.network.answer, dialled)
        gone = lambda: any(one.number == dialled and one.what == "GONE" for one in house.network.record())  # noqa: E731
        await until(gone, "the customer was let go")
        await absences.ends()
        over = await ended(hotline, ANSWERED, dialled)
    heard = {one.what: one.at for one in house.network.record() if one.number == dialled}
    assert heard["GONE"] - heard["ANSWER"] > 3.0  # the message was said
    assert (over.last.outcome, over.last.live, over.last.abandoned) == ("abandoned", True, True)
    assert (over.target.state, over.target.guaranteed) == ("waiting", True)
    assert house.network.invited()[dialled] == 1


@together
async def test_it_rings_and_ends_meanwhile(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with on_the_line(hotline, GIVES_UP.agents), running(hotline, GIVES_UP):
        dialled = await rings(GIVES_UP)
        await absences.begins()
        row = await attempt_in(hotline, GIVES_UP, dialled, "dialling")
        await asyncio.to_thread(hotline.asterisk.cli, f"channel request hangup {await _channel(hotline, row.call)}")
        await absences.ends()
        over = await ended(hotline, GIVES_UP, dialled)
    assert over.last.outcome == "unknown"
    assert over.target.state == "waiting"
    assert house.network.invited()[dialled] == 1


@together
async def test_in_the_talk(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with on_the_line(hotline, TALKS.agents) as (desk, leg), running(hotline, TALKS):
        dialled = await talks(hotline, TALKS)
        await absences.begins()
        await absences.ends()
        await desk.until("talking")
        row = await attempt_in(hotline, TALKS, dialled, "talking")
        leg.hang_up()
        over = await ended(hotline, TALKS, dialled)
        await desk.until("wrap_up")
        await CallOf(journal, row.call).until_ended("hotline", "caller")
    assert (over.last.outcome, over.last.agent) == ("reached", desk.agent.id)
    assert over.target.state == "reached"
    assert house.network.invited()[dialled] == 1


@together
async def test_the_talk_ends_meanwhile(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with on_the_line(hotline, ENDS_ALONE.agents) as (_, leg), running(hotline, ENDS_ALONE):
        dialled = await talks(hotline, ENDS_ALONE)
        await absences.begins()
        leg.hang_up()
        gone = lambda: any(one.number == dialled and one.what == "GONE" for one in house.network.record())  # noqa: E731
        await until(gone, "the talk is over")
        await absences.ends()
        over = await ended(hotline, ENDS_ALONE, dialled)
    assert over.last.outcome == "reached"
    assert over.target.state == "reached"
    assert house.network.invited()[dialled] == 1


@together
async def test_in_the_wrap_up(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with on_the_line(hotline, WRAPS_UP.agents) as (desk, leg), running(hotline, WRAPS_UP):
        dialled = await talks(hotline, WRAPS_UP)
        leg.hang_up()
        await desk.until("wrap_up")
        await ended(hotline, WRAPS_UP, dialled)
        await absences.begins()
        await absences.ends()
        over = await ended(hotline, WRAPS_UP, dialled)
    assert [one.outcome for one in over.attempts] == ["reached"]
    assert house.network.invited()[dialled] == 1


@together
async def test_while_it_rings_for_an_agent_who_is_there(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """The agent was there first: the leg to the seat dials, and nobody is needed for the two to talk."""
    (dialled,) = SEAT_FIRST.numbers
    await promise(hotline, SEAT_FIRST, dialled)
    async with on_the_line(hotline, SEAT_FIRST.agents) as (desk, leg), running(hotline, SEAT_FIRST):
        await rings(SEAT_FIRST)
        await absences.begins()
        await asyncio.to_thread(house.network.answer, dialled)
        await absences.ends()
        row = await attempt_in(hotline, SEAT_FIRST, dialled, "talking")
        assert (row.mode, row.agent) == ("reserved", desk.agent.id)
        await desk.until("talking")
        leg.hang_up()
        over = await ended(hotline, SEAT_FIRST, dialled)
    assert over.last.outcome == "reached"
    assert house.network.invited()[dialled] == 1


@together
async def test_in_the_talk_of_an_agent_who_was_there_first(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    (dialled,) = SEAT_TALKS.numbers
    await promise(hotline, SEAT_TALKS, dialled)
    async with on_the_line(hotline, SEAT_TALKS.agents) as (desk, leg), running(hotline, SEAT_TALKS):
        await talks(hotline, SEAT_TALKS)
        await absences.begins()
        await absences.ends()
        await desk.until("talking")
        leg.hang_up()
        over = await ended(hotline, SEAT_TALKS, dialled)
        await desk.until("wrap_up")
    assert (over.last.outcome, over.last.agent) == ("reached", desk.agent.id)
    assert house.network.invited()[dialled] == 1


async def _channel(hotline: Hotline, call: str) -> str:
    """The name of the channel of this id."""
    listed = await asyncio.to_thread(hotline.asterisk.cli, "core show channels concise")
    return next(line.split("!")[0] for line in listed.splitlines() if line.endswith(f"!{call}"))
