"""``ivr outbound run`` without a telephone: the lease, why it ends, and with which code."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.campaigns import Campaigns, NoSuchCampaign
from db.store import Store
from db.target import TargetMove
from db.targets import Targets
from db.trading_calendar import TradingCalendar
from ivr.dialing.run import CampaignRun, Following
from outbound import rules_file
from outbound.campaign import Campaign
from outbound.campaign_file import load
from outbound.hours import Clock
from tests.unit.db.outbound_rows import CAMPAIGN, TEN, new_target

RULES = rules_file.read()
TEXT = f"""campaign: {CAMPAIGN}
title: test
who: {{list: yes}}
what: {{call: agent, script: dormant}}
when: {{weekdays: [10:00-12:00, 13:30-16:00], days: 9}}
seats: {{skills: {{revisit: 1}}}}
"""
WELL = {
    "ami": "connected",
    "dialing": {"trunks": ["city"], "skills": [{"revisit": 1}], "campaigns": {CAMPAIGN: {"dials": 2, "why": "risk"}}},
}


class Weekdays:
    def kind_of(self, day: datetime.date, /) -> str:
        return ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[day.weekday()]


def campaign() -> Campaign:
    found, problems = load(TEXT, "file", CAMPAIGN, RULES)
    assert not problems
    assert found is not None
    return found


class Run:
    def __init__(self, store: Store, health: Mapping[str, Any] | None = WELL) -> None:
        self.told: list[Following] = []
        self.now = TEN + datetime.timedelta(minutes=10)

        async def ask() -> Mapping[str, Any] | None:
            return health

        clock = Clock(ZoneInfo("Asia/Shanghai"), Weekdays(), TradingCalendar())
        self.one = CampaignRun(store, campaign(), RULES, clock, ask, self.told.append, lambda: self.now, 0.01)


async def planned(store: Store) -> None:
    """Planned, and followed by nobody yet."""
    await Campaigns(store).put_planned(
        CAMPAIGN, title="", digest="", now=TEN, ends_at=TEN + datetime.timedelta(days=9), actor="test"
    )
    await Targets(store).add_many(CAMPAIGN, [new_target(1)], now=TEN)


async def live(store: Store, run: Run) -> bool:
    row = await Campaigns(store).get(CAMPAIGN)
    assert row is not None
    return row.is_live(run.now)


async def until_told(run: Run) -> None:
    async with asyncio.timeout(20):
        while not run.told:
            await asyncio.sleep(0.01)


async def test_it_holds_the_lease_and_gives_it_back_when_told_to_end(store: Store) -> None:
    await planned(store)
    run = Run(store)
    going = asyncio.create_task(run.one.run())
    await until_told(run)
    assert await live(store, run)
    assert run.told[0].dials == 2
    assert "enough is ringing" in run.told[0].note
    run.one.end()
    end = await going
    assert (end.why, end.code) == ("told", 0)
    assert not await live(store, run)


async def test_a_second_run_ends_at_once_and_says_who_holds_it(store: Store) -> None:
    await planned(store)
    first, second = Run(store), Run(store)
    going = asyncio.create_task(first.one.run())
    await until_told(first)
    end = await second.one.run()
    assert (end.why, end.code) == ("busy", 75)
    assert first.one.holder in end.words
    assert await live(store, first)
    first.one.end()
    await going


async def test_it_ends_when_everybody_is_done(store: Store) -> None:
    await planned(store)
    (target,) = await Targets(store).next(CAMPAIGN, TEN, 1)
    await Targets(store).move(target, TargetMove("reached"), now=TEN)
    run = Run(store)
    assert (await run.one.run()).why == "done"
    row = await Campaigns(store).get(CAMPAIGN)
    assert row is not None
    assert row.state == "done"


async def test_it_goes_on_over_noon_and_ends_with_the_hours_of_the_day(store: Store) -> None:
    await planned(store)
    run = Run(store)
    run.now = TEN + datetime.timedelta(hours=2, minutes=30)  # 12:30: they begin again at 13:30
    going = asyncio.create_task(run.one.run())
    await until_told(run)
    run.now = TEN + datetime.timedelta(hours=6)  # 16:00
    end = await going
    assert (end.why, end.code) == ("hours", 0)
    assert "2026-11-23 10:00" in end.words  # Monday


async def test_it_ends_when_the_campaign_is_over_and_lets_those_go_who_were_not_reached(store: Store) -> None:
    await planned(store)
    run = Run(store)
    run.now = TEN + datetime.timedelta(days=10)  # a Monday
    end = await run.one.run()
    assert end.why == "over"
    assert await Targets(store).counts(CAMPAIGN) == {"expired": 1}


@pytest.mark.parametrize("order", ["pause", "stop"])
async def test_it_ends_when_it_is_paused_or_stopped(store: Store, order: str) -> None:
    await planned(store)
    run = Run(store)
    going = asyncio.create_task(run.one.run())
    await until_told(run)
    await Campaigns(store).order(CAMPAIGN, order, actor="anna")  # type: ignore[arg-type]
    end = await going
    assert (end.why, end.code) == ("ordered", 0)
    assert "anna" in end.words
    assert (await Run(store).one.run()).why == "ordered"


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (None, "no controller"),
        ({**WELL, "ami": "backing_off"}, "no Asterisk"),
        ({**WELL, "dialing": {"trunks": [], "skills": [{"revisit": 1}]}}, "no trunk"),
        ({**WELL, "dialing": {"trunks": ["city"], "skills": [{"orders": 5}]}}, "revisit 1"),
        ({**WELL, "dialing": {"trunks": ["city"], "skills": []}}, "revisit 1"),
    ],
)
async def test_without_what_it_takes_nobody_is_held_and_it_says_what(
    store: Store, health: Mapping[str, Any] | None, words: str
) -> None:
    await planned(store)
    run = Run(store, health)
    end = await run.one.run()
    assert end.code == 69
    assert words in end.words
    assert not await live(store, run)


async def test_what_was_never_planned_is_said(store: Store) -> None:
    with pytest.raises(NoSuchCampaign):
        await Run(store).one.run()
