"""A desk over a store, with seats that are moved by the real state machine; for the tests of whoever shows it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from agent_routing import seat_times
from agent_routing.agents import Event, NotAllowed, Step, step
from db.agent import Agent, Session, State
from db.agents import Agents
from db.attempts import Attempt
from db.customer import BROKERAGE_TIME
from db.store import Store
from ivr.agent_desk.appointments import AppointmentsByRules
from ivr.agent_desk.desk import Desk
from ivr.agent_desk.ports import NoPreviews, OnTheLine
from outbound import campaign_file, rules_file
from outbound.campaign_file import CAMPAIGNS
from outbound.hours import Clock
from tests.unit.outreach.campaigning import DATA, KNOWN, NOW, Campaigning

TIMES = seat_times.read()
ME, OTHER = "803", "804"


class Seated:
    """Sessions in memory, moved by the real state machine (``ivr.agent_desk.ports.Sessions``)."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.now = NOW

    def put(self, state: State, call: str = "", agent: str = ME) -> None:
        until = self.now + TIMES.wrap_up if state == "wrap_up" else None
        self.sessions[agent] = Session(agent, state, self.now, "S803", call, until)

    async def do(self, agent: str, event: Event) -> Step | None:
        try:
            done = step(self.sessions[agent], event, self.now, TIMES)
        except NotAllowed:
            return None
        self.sessions[agent] = done.session
        return done

    async def do_then(self, agent: str, choose: Callable[[Session], Event | None]) -> Step | None:
        event = choose(self.sessions[agent])
        return None if event is None else await self.do(agent, event)


class Weekdays:
    """A calendar without holidays (``outbound.hours.Days`` and ``TradingDays``)."""

    def is_trading_day(self, day: datetime.date, /) -> bool:
        return day.weekday() < 5

    def kind_of(self, day: datetime.date, /) -> str:
        return ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[day.weekday()]


class House:
    def __init__(self, store: Store, campaign: str = "allotment_result") -> None:
        self.store = store
        self.campaign = Campaigning(store, campaign)
        self.seated = Seated()
        self.on_the_line: dict[str, OnTheLine] = {}
        rules = rules_file.read()
        clock = Clock(BROKERAGE_TIME, Weekdays(), Weekdays())
        definition = campaign_file.read(CAMPAIGNS / f"{campaign}.yaml", rules)
        appointments = AppointmentsByRules(store, rules, lambda _name: definition, lambda: clock, lambda: NOW)
        self.desk = Desk(
            store,
            self.campaign.journal,
            self.seated,
            self.on_the_line.get,
            NoPreviews(),
            self.campaign.talks,
            self.campaign.matters,
            self.campaign.results,
            lambda: KNOWN,
            appointments,
            lambda: NOW,
        )

    async def talking(self, **data: str) -> Attempt:
        for agent, name in ((ME, "李敏"), (OTHER, "周强")):
            await Agents(self.store).put([Agent(agent, name, "Li Min")], actor="test")
        attempt = await self.campaign.talking(**(data or DATA))
        self.seated.put("talking", attempt.call)
        return attempt

    async def card(self, agent: str = ME) -> Mapping[str, Any]:
        return await self.desk.card(agent)

    async def answers(self, attempt: Attempt, *typed: str) -> None:
        for words in typed:
            question = (await self.card())["script"]["question"]
            await self.desk.answer(ME, attempt.call, question["step"], words)
