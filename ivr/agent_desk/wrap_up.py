"""The wrap-up of a campaign's talk lasts until the agent has said what came of it, and not a moment longer.

An agent who has said it already is ready as soon as the talk is over; one who has not gets more time, up to the longest
that seat_times.yaml allows.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Final

import structlog

from agent_routing.agents import MoreTime
from db.agent import Session
from db.attempt import is_attempt
from db.errors import StoreError
from db.events import utcnow
from ivr.agent_desk.desk import Desk
from ivr.agent_desk.ports import Sessions

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
SHORT: Final = datetime.timedelta(seconds=10)  # of wrap-up left: time for more


class WrapUps:
    """Looks after all agents who wrap up a campaign's talk."""

    def __init__(self, desk: Desk, sessions: Sessions, now: Callable[[], datetime.datetime] = utcnow) -> None:
        self._desk = desk
        self._sessions = sessions
        self._now = now
        self._at_the_limit: set[tuple[str, str]] = set()

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Once."""
        wrapping = [one for one in self._sessions.sessions.values() if one.state == "wrap_up" and is_attempt(one.call)]
        self._at_the_limit &= {(one.agent, one.call) for one in wrapping}
        for session in wrapping:
            try:
                await self._one(session)
            except StoreError as error:
                log.info("a wrap-up cannot be looked after now", agent=session.agent, error=error.error_id)

    async def _one(self, session: Session) -> None:
        if await self._desk.is_settled(session.call):
            await self._desk.end_wrap_up(session.agent, session.call)
            return
        key = (session.agent, session.call)
        if session.until is None or session.until - self._now() > SHORT or key in self._at_the_limit:
            return
        done = await self._sessions.do_then(
            session.agent, lambda now: MoreTime() if (now.state, now.call) == ("wrap_up", session.call) else None
        )
        if done is None:
            self._at_the_limit.add(key)
            log.warning("nobody has said what came of a talk", agent=session.agent, call=session.call)
