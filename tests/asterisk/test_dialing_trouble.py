"""Asterisk is killed, and the database goes away, while a campaign is dialled: nobody twice, and nobody forgotten."""

from __future__ import annotations

import asyncio
import datetime
import signal
from collections.abc import Iterator

import pytest
from carrier import Behaviour, number
from dial_house import DialHouse, attempt_in, ended, on_the_line, running, until
from hotline import Hotline, following
from queue_house import opened

from db.campaigns import Campaigns
from db.events import utcnow
from ivr.config import Database
from tests.private_postgres import PrivatePostgres

pytestmark = [pytest.mark.asterisk, pytest.mark.seats, pytest.mark.postgres]

house = DialHouse()
OPEN = {"kept_open": True}
RING = "90s"

CUT_STORY, AWAY_STORY = house.queue.story(seat=OPEN), house.queue.story(seat=OPEN)
CUT = house.campaign(
    [number(Behaviour.WHEN_TOLD) for _ in range(2)],
    story=CUT_STORY,
    mode="power",
    ratio_percent="200",
    ring_at_most=RING,
)
AWAY = house.campaign([number(Behaviour.WHEN_TOLD), number(Behaviour.PERSON)], story=AWAY_STORY, ring_at_most=RING)


@pytest.fixture(scope="module")
def hotline(postgres: PrivatePostgres) -> Iterator[Hotline]:
    url = postgres.new_database()
    with house.joined() as asterisk, house.hotline(asterisk, "trouble", database=Database(url=url)) as one:
        yield one


async def test_the_database_goes_away_in_the_middle(hotline: Hotline, postgres: PrivatePostgres) -> None:
    """Nothing new is dialled; the talk goes on, and its end is written when the database is back."""
    first, second = AWAY.numbers
    async with on_the_line(hotline, AWAY_STORY) as (desk, leg), running(hotline, AWAY), following(hotline):
        await until(lambda: house.network.invited()[first] == 1, "the first is dialled")
        await asyncio.to_thread(house.network.answer, first)
        row = await attempt_in(hotline, AWAY, first, "talking")
        postgres.stop(signal.SIGQUIT)
        leg.hang_up()
        gone = lambda: any(one.number == first and one.what == "GONE" for one in house.network.record())  # noqa: E731
        await until(gone, "the talk is over")
        await hotline.until(lambda state: state["dialing"]["behind"] > 0, "its end waits to be written")
        assert house.network.invited()[second] == 0
        postgres.start()
        over = await ended(hotline, AWAY, first)
        assert (over.last.id, over.last.outcome, over.last.agent) == (row.id, "reached", desk.agent.id)
        assert over.target.state == "reached"
        async with opened(hotline) as store:  # whoever follows it goes on to do so
            assert await Campaigns(store).renew(
                AWAY.name, holder="test run", now=utcnow(), lease=datetime.timedelta(seconds=60)
            )
    assert house.network.invited()[first] == 1


async def test_asterisk_is_killed_in_the_middle(hotline: Hotline) -> None:
    """What rang ends as unknown and is tried again hours later; who talked was reached."""
    first, second = CUT.numbers
    async with running(hotline, CUT), on_the_line(hotline, CUT_STORY):
        await until(lambda: all(house.network.invited()[one] for one in CUT.numbers), "both are dialled")
        await asyncio.to_thread(house.network.answer, first)
        await attempt_in(hotline, CUT, first, "talking")
        await asyncio.to_thread(hotline.asterisk.process.kill)
        hotline.asterisk.process.launch()
        await asyncio.to_thread(hotline.asterisk.process.wait_until_booted)
        talked, rang = await ended(hotline, CUT, first), await ended(hotline, CUT, second)
    assert talked.last.outcome == "reached"
    assert rang.last.outcome == "unknown"
    assert rang.target.state == "waiting"
    assert rang.target.due_at > utcnow() + datetime.timedelta(hours=1)
    assert {one: house.network.invited()[one] for one in CUT.numbers} == dict.fromkeys(CUT.numbers, 1)
