"""The desk put together: routes, news of the queue, the end of wrap-ups. Knows all parts of this room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from agent_routing.desk import AgentDesk
from db.agent import Session
from db.events import EventSink, utcnow
from db.store import Store
from ivr.agent_desk.desk import Desk
from ivr.agent_desk.passes import Passes
from ivr.agent_desk.ports import AppointmentRules, OnTheLine, Previews
from ivr.agent_desk.routes import Answer, DeskRoutes
from ivr.agent_desk.unsettled import Unsettled
from ivr.agent_desk.wrap_up import WrapUps
from ivr.agents.log_in import LogIns
from ivr.identity.keys import derived_key
from ivr.outreach.matter import CampaignTalks
from ivr.outreach.results import Results
from ivr.outreach.stored import Matters
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Witness
from outbound.dispositions import Dispositions

R = TypeVar("R")


class DeskOffice(Witness):
    """The desk of one controller: a witness of its queue. ``start`` and ``stop`` are its life."""

    def __init__(
        self,
        store: Store,
        journal: EventSink,
        dispatcher: Dispatcher,
        staff: Staff,
        previews: Previews,
        talks: CampaignTalks,
        matters: Matters,
        results: Results,
        dispositions: Callable[[], Dispositions],
        appointments: AppointmentRules,
        log_ins: LogIns,
        agent_desk: AgentDesk,
        key: bytes,
    ) -> None:
        """``key`` is the installation's secret."""
        self._dispatcher = dispatcher
        self.desk = Desk(
            store,
            journal,
            staff,
            self.on_the_line,
            previews,
            talks,
            matters,
            results,
            dispositions,
            appointments,
        )
        self._routes = DeskRoutes(store, self.desk, log_ins, agent_desk, Passes(derived_key(key, "desk")))
        self._wrap_ups = WrapUps(self.desk, staff)
        self._unsettled = Unsettled(store, results, dispositions, utcnow)
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to look after wrap-ups, and talks that nobody settles."""
        loop = asyncio.get_running_loop()
        self._loops = [
            loop.create_task(self._wrap_ups.keep(), name="wrap-ups"),
            loop.create_task(self._unsettled.keep(), name="unsettled talks"),
        ]

    async def close(self) -> None:
        """Nobody waits for news any more."""
        await self.desk.close()

    async def stop(self) -> None:
        """End."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    def routes(self, route: Callable[[str, str, Answer], R]) -> list[R]:
        """Every route, made by ``route(method, path, answer)``."""
        return self._routes.all(route)

    def session(self, session: Session) -> None:
        """A witness's: an agent does something else."""
        self.desk.changed(session.agent, session.call)

    def on_the_line(self, call: str) -> OnTheLine | None:
        """Who waits or talks in this call, as its place in the queue has it."""
        talk, waiter = self._dispatcher.talk_of(call), self._dispatcher.waiting.get(call)
        place = talk.place if talk is not None else waiter.place if waiter is not None else None
        if place is None:
            place = self._dispatcher.left.get(call)
        if place is None:
            return None
        return OnTheLine(place.customer, place.tier, place.language, place.line, place.reason)
