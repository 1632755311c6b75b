"""The agents at work, as this controller knows them: sessions of the store held in memory, and every act on them.

The store decides; while it is away the same state machine goes on in memory, because a caller must not wait for a
database, and what was done meanwhile is put right by reconciliation once it is back. Acts on one agent happen in the
order in which they were asked for. Must not know: the engine, channels, callers.
"""

from __future__ import annotations

import asyncio
import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import structlog

from agent_routing.agents import Event, NotAllowed, Step, ends_at, step
from agent_routing.desk import AgentDesk
from agent_routing.seat_times import SeatTimes
from db.agent import ENDPOINT_KINDS, Agent, Seat, Session
from db.agents import Agents
from db.errors import StoreError
from db.seats import Seats
from ivr.errors import GoldlineError

log = structlog.get_logger(__name__)


class Staff:
    """Who is at work. ``tell`` is called with each session that changed, in order, whoever changed it."""

    def __init__(
        self,
        desk: AgentDesk,
        agents: Agents,
        seats: Seats,
        times: SeatTimes,
        now: Callable[[], datetime.datetime],
        tell: Callable[[Session], None],
    ) -> None:
        self._desk = desk
        self._agents = agents
        self._seats = seats
        self._now = now
        self._tell = tell
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stamp = -1
        self._ahead: set[str] = set()  # agents whose session went on in memory while the store was away
        self._sitting: dict[str, str] = {}  # agents by seat
        self._due: datetime.datetime | None = None
        self._due_is_old = True
        self.times = times
        self.sessions: dict[str, Session] = {}
        self.agents: Mapping[str, Agent] = {}
        self.seats: Mapping[str, Seat] = {}

    async def load(self) -> None:
        """Everything, at the start or after the store was away. Raises StoreError."""
        await self.read_people()
        for session in await self._desk.load():
            self._keep(session)

    async def read_people(self) -> None:
        """Agents and seats as they are written down now. Raises StoreError."""
        self.agents = {agent.id: agent for agent in await self._agents.all()}
        self.seats = {seat.id: seat for seat in await self._seats.all()}

    async def refresh(self) -> None:
        """Take over what others changed. Cheap when nobody did. Raises StoreError."""
        stamp = await self._desk.sessions.stamp()
        if stamp == self._stamp and not self._ahead:
            return
        fresh = await self._desk.sessions.all()
        if any(self._has_sat_down(session) for session in fresh):
            await self.read_people()
        if self._ahead:
            log.warning("the store is back, and is believed again", agents=sorted(self._ahead))
        for session in fresh:
            self._keep(session)
        self._ahead.clear()
        self._stamp = stamp

    def at(self, seat: str) -> Session | None:
        """The session of whoever sits there."""
        session = self.sessions.get(self._sitting.get(seat, ""))
        return session if session is not None and session.seat == seat else None

    def endpoints(self) -> dict[str, str]:
        """Each seat's endpoint; empty for seats behind a trunk."""
        return {seat.id: seat.endpoint if seat.kind in ENDPOINT_KINDS else "" for seat in self.seats.values()}

    def working(self) -> Iterable[Session]:
        """The sessions of who is logged in."""
        return [one for one in self.sessions.values() if one.state != "logged_out"]

    def next_due(self) -> datetime.datetime | None:
        """When the first state of anybody is over by itself."""
        if self._due_is_old:
            ends = [end for one in self.working() if (end := ends_at(one, self.times)) is not None]
            self._due = min(ends, default=None)
            self._due_is_old = False
        return self._due

    async def reserve(self, agent: str, call: str) -> bool:
        """Reserve this agent for this call; False when somebody else was quicker."""
        async with self._locks[agent]:
            try:
                session = await self._desk.reserve(agent, call)
            except StoreError as error:
                return self._reserve_in_memory(agent, call, error)
            if session is None:
                await self._read_one(agent)
                return False
            self._keep(session)
            return True

    async def do(self, agent: str, event: Event) -> Step | None:
        """What happened to the agent's seat or call; None when the session is elsewhere by now."""
        async with self._locks[agent]:
            return await self._do(agent, event)

    async def do_then(self, agent: str, choose: Callable[[Session], Event | None]) -> Step | None:
        """The same for what depends on what the agent is doing once everything asked for before is done; ``choose``
        is given that."""
        async with self._locks[agent]:
            session = self.sessions.get(agent)
            event = choose(session) if session is not None else None
            return await self._do(agent, event) if event is not None else None

    async def _do(self, agent: str, event: Event) -> Step | None:
        try:
            done = await self._desk.do(agent, event)
        except NotAllowed as error:
            log.debug("a late event of a seat", agent=agent, what=type(event).__name__, error=str(error))
            await self._read_one(agent)
            return None
        except StoreError as error:
            return self._do_in_memory(agent, event, error)
        except GoldlineError as error:
            log.warning("an agent's session cannot be changed", agent=agent, error=str(error))
            return None
        self._keep(done.session)
        return done

    async def _read_one(self, agent: str) -> None:
        try:
            session = await self._desk.sessions.get(agent)
        except StoreError:
            return
        if session is not None:
            self._keep(session)
            self._tell(session)  # even when it is not news: whoever asked believed something else

    def _reserve_in_memory(self, agent: str, call: str, error: StoreError) -> bool:
        session = self.sessions.get(agent)
        if session is None or session.state != "idle":
            return False
        log.warning("an agent is reserved without the store", agent=agent, error=str(error))
        until = self._now() + self.times.longest["reserved"]
        self._go_ahead(replace(session, state="reserved", call=call, until=until, version=session.version + 1))
        return True

    def _do_in_memory(self, agent: str, event: Event, error: StoreError) -> Step | None:
        session = self.sessions.get(agent)
        if session is None:
            return None
        log.warning("a session goes on without the store", agent=agent, error=str(error))
        try:
            done = step(session, event, self._now(), self.times)
        except NotAllowed:
            return None
        self._go_ahead(done.session)
        return done

    def _go_ahead(self, session: Session) -> None:
        self._ahead.add(session.agent)
        self._keep(session)

    def _has_sat_down(self, session: Session) -> bool:
        known = self.sessions.get(session.agent)
        return bool(session.seat) and (known is None or known.seat != session.seat)

    def _keep(self, session: Session) -> None:
        known = self.sessions.get(session.agent)
        if known is not None and known.version >= session.version and session.agent not in self._ahead:
            return
        self.sessions[session.agent] = session
        self._due_is_old = True
        if session.seat:
            self._sitting[session.seat] = session.agent
        self._tell(session)
