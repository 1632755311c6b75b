"""What a report reads from the store, on both databases."""

from __future__ import annotations

import datetime
import random

import sqlalchemy as sa

from bench.report_parts.made_day import Day, make
from db.agent import Agent, StateChange
from db.agents import Agents
from db.calls import Calls
from db.events import Event
from db.models import AgentChangeRow
from db.report_rows import ReportRows
from db.store import Store
from ivr.report.period import Period
from ivr.report.reckoning import reckon
from ivr.report.tally import DIMENSIONS, FIRST_CONTACT_DAYS
from tests.unit.report import oracle
from tests.unit.report.without_store import MIDNIGHT, RULES, TODAY, reckoned, values

HOUR = datetime.timedelta(hours=1)


async def keep(store: Store, day: Day, chance: random.Random) -> None:
    """Store the day's rows in no order, half of them twice."""
    events = day.events + day.events[::2]
    chance.shuffle(events)
    for first in range(0, len(events), 500):
        await Calls(store).record(events[first : first + 500])
    await Agents(store).put((Agent(shift.agent) for shift in day.shifts), actor="test")
    await keep_changes(store, day.changes)


async def keep_changes(store: Store, changes: list[StateChange]) -> None:
    async with store.writing() as session:
        for change in changes:
            names = {name: getattr(change, name) for name in StateChange.__slots__ if name not in ("call", "id")}
            await session.execute(sa.insert(AgentChangeRow).values(**names, call_id=change.call))


async def test_a_day_from_the_store_is_the_day_that_was_meant(store: Store) -> None:
    before = make(300, 5, 8, MIDNIGHT - datetime.timedelta(days=1), asked_after=20 * 24 * 3600)
    day = make(700, 5, 7, MIDNIGHT, asked_after=19 * 24 * 3600)
    after = make(300, 5, 9, MIDNIGHT + datetime.timedelta(days=3), asked_after=16 * 24 * 3600)
    chance = random.Random(7)
    await keep(store, day, chance)
    for other in (before, after):
        await Calls(store).record(other.events)
    report = await reckon(ReportRows(store), TODAY, day.asked_at, RULES, DIMENSIONS)
    # Other days' calls matter to one figure: who of this day's callers came back.
    meant = oracle.figures(Day(day.asked_at, [], [], day.facts + after.facts, day.shifts), TODAY.since, TODAY.until)
    found = values(report)
    for name, value in meant.items():
        assert value is not None
        assert found[name] is not None, name
        assert abs((found[name] or 0) - value) < (0.051 if value > 1 else 1e-4), name
    listed = reckoned(day.events + after.events, day.changes, day.asked_at, DIMENSIONS)
    assert values(listed) == found
    for dimension in DIMENSIONS:
        assert report.groups(dimension) == listed.groups(dimension)
        for group in report.groups(dimension):
            assert values(report, dimension, group) == values(listed, dimension, group)


async def test_more_calls_than_a_page_come_once_each_and_in_order(store: Store) -> None:
    moments = [MIDNIGHT + (number // 3) * datetime.timedelta(seconds=7) for number in range(1300)]
    await Calls(store).record([Event(f"c{n * 7919 % 1300:04}", "call.started", {}, at) for n, at in enumerate(moments)])
    found = [row.call async for row in ReportRows(store).calls(MIDNIGHT, MIDNIGHT + HOUR, HOUR)]
    inside = [at for at in moments if at < MIDNIGHT + HOUR]
    assert [call.started_at for call in found] == inside
    assert len({call.id for call in found}) == len(inside)


async def test_of_the_calls_before_those_that_went_on_come_too(store: Store) -> None:
    for name, began, ended in (
        ("over", -30, -5),
        ("long", -30, 5),
        ("alive", -30, None),
        ("old", -90, 5),
        ("in", 5, 6),
    ):
        await Calls(store).record([Event(name, "call.started", {}, MIDNIGHT + began / 60 * HOUR)])
        if ended is not None:
            await Calls(store).record([Event(name, "call.ended", {}, MIDNIGHT + ended / 60 * HOUR)])
    found = [row.call.id async for row in ReportRows(store).calls(MIDNIGHT, MIDNIGHT + HOUR, HOUR)]
    assert found == ["alive", "long", "in"]


async def test_an_agent_who_did_nothing_in_the_period_was_still_at_work(store: Store) -> None:
    await Agents(store).put((Agent("801"), Agent("802"), Agent("803")), actor="test")
    early, late = TODAY.since - 5 * HOUR, TODAY.until + 5 * HOUR
    lines = [
        StateChange("801", "S1", early - HOUR, early, "logged_out", "idle", "log_in", "801"),  # and nothing since
        StateChange("802", "S2", early - HOUR, early, "logged_out", "idle", "log_in", "802"),
        StateChange("802", "S2", early, late, "idle", "logged_out", "log_out", "802"),
    ]
    await keep_changes(store, lines)
    report = await reckon(ReportRows(store), TODAY, late, RULES, ("agent",))
    assert values(report, "agent", "801")["time_at_work"] == 24
    assert values(report, "agent", "802")["time_at_work"] == 24
    assert report.groups("agent") == ["801", "802"]
    two_days = Period(TODAY.first, TODAY.first + datetime.timedelta(days=1), TODAY.zone)
    both = await reckon(ReportRows(store), two_days, TODAY.until + 24 * HOUR, RULES, ("agent", "day"))
    assert values(both, "agent", "801")["time_at_work"] == 48
    assert values(both, "agent", "802")["time_at_work"] == 29
    asked_at_noon = await reckon(ReportRows(store), TODAY, TODAY.since + 12 * HOUR, RULES, ("agent",))
    assert values(asked_at_noon, "agent", "801")["time_at_work"] == 12


async def test_a_caller_of_another_day_who_comes_back(store: Store) -> None:
    def call(name: str, at: datetime.datetime, caller: str) -> list[Event]:
        return [
            Event(name, "call.started", {"caller": caller, "line": "95500"}, at),
            Event(name, "wait.joined", {"joined": at.isoformat(), "tier": "gold", "customer": None}, at),
            Event(
                name, "talk.began", {"agent": "801", "seat": "S1", "waited": 1.0}, at + datetime.timedelta(seconds=1)
            ),
            Event(name, "call.ended", {"how": "caller"}, at + datetime.timedelta(seconds=9)),
        ]

    began = TODAY.until - HOUR
    week = datetime.timedelta(days=FIRST_CONTACT_DAYS)
    await Calls(store).record(
        call("a", began, "13800138000")
        + call("b", began + week, "+8613800138000")  # the same number, at the last moment that counts
        + call("c", began, "13900139000")
        + call("d", began + week + HOUR, "13900139000")
    )
    report = await reckon(ReportRows(store), TODAY, began + 2 * week, RULES, ())
    figure = {one.kind.name: one for one in report.figures("all", "all")}["first_contact"]
    assert (figure.numerator, figure.denominator) == (1, 2)


async def test_calls_are_found_by_a_part_of_what_names_them(store: Store) -> None:
    await Calls(store).record(
        [
            Event(f"goldline-1a2b-{number}.1", "call.started", {"caller": caller}, MIDNIGHT + number * HOUR)
            for number, caller in enumerate(("13800138000", "13900138000", "+8613700137%00"))
        ]
    )
    rows = ReportRows(store)

    async def found(text: str, since: datetime.datetime = MIDNIGHT) -> list[str]:
        return [call.id[-3:] for call in await rows.find(text, since)]

    assert await found("goldline-1a2b-1.1") == ["1.1"]
    assert await found("goldline-1a2b") == ["2.1", "1.1", "0.1"], "the latest first"
    assert await found("2b-2.1") == ["2.1"]
    assert await found("138000") == ["1.1", "0.1"]
    assert await found("138000", MIDNIGHT + HOUR) == ["1.1"]
    assert await found("%00") == ["2.1"], "a sign is a sign"
    assert await found("nobody") == []
