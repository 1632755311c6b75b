"""The agents at work: the state machine joined to the store, with a clock.

Every act is one transaction on the session as it stands then, whoever changed it last: another controller, the command
line, or this process before it was killed. Rings nothing and queues nobody: the steps say what has to be done.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from agent_routing.agents import Event, Expired, Forceable, NotAllowed, Pause, PauseAfter, Power, Step, force, step
from agent_routing.pause_reasons import PauseReasons
from agent_routing.seat_times import SeatTimes
from db.agent import Session
from db.agent_sessions import AgentSessions
from db.events import utcnow
from db.store import Store


class AgentDesk:
    """What agents do. Every method raises StoreError when the database refuses or is away."""

    def __init__(
        self,
        store: Store,
        times: SeatTimes,
        reasons: PauseReasons,
        now: Callable[[], datetime.datetime] = utcnow,
    ) -> None:
        self.sessions = AgentSessions(store)
        self._times = times
        self._reasons = reasons
        self._now = now

    async def load(self) -> tuple[Session, ...]:
        """Every session, after a start: leases that ended meanwhile are freed, everything else is as it was left."""
        now = self._now()
        for session in await self.sessions.all():
            if session.state == "reserved" and session.until is not None and session.until <= now:
                await self._free(session.agent)
        return await self.sessions.all()

    async def reserve(self, agent: str, call: str) -> Session | None:
        """Reserve an idle agent for this call; None when somebody else was quicker."""
        now = self._now()
        return await self.sessions.reserve(agent, call, now=now, until=now + self._times.longest["reserved"])

    async def do(self, agent: str, event: Event) -> Step:
        """The agent's own act, or what happened to the seat.

        Raises NotAllowed, NoSuchReason, NoSuchAgent, AgentHasLeft, NoSuchSeat, SeatTaken.
        """
        self._check_reason(event)
        now = self._now()
        return await self.sessions.change(agent, now, lambda session: step(session, event, now, self._times))

    async def force(self, agent: str, event: Forceable, *, actor: str, power: Power) -> Step:
        """The same, done to an agent by somebody else, and audited. Raises RoleNotAllowed as well."""
        self._check_reason(event)
        now = self._now()
        return await self.sessions.change(
            agent, now, lambda session: force(session, event, now, self._times, actor=actor, power=power)
        )

    async def _free(self, agent: str) -> None:
        try:
            await self.do(agent, Expired())
        except NotAllowed:
            return  # somebody went on with it meanwhile

    def _check_reason(self, event: Event) -> None:
        if isinstance(event, Pause | PauseAfter):
            self._reasons.get(event.reason)
