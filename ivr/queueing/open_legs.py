"""Seats whose leg is kept on the line between calls: rung when the agent begins, hung up at a pause and at the log-out.

In Asterisk such a leg is known by its unique id (OPEN_LEG and the seat), so a seat never has two, and a restarted
controller finds it. Callers are brought to it by the dialplan as to any seat (CONTEXT_OPEN_SEAT). A leg that drops
makes its seat ``gone``; one that the agent puts down to end a talk is opened anew after the wrap-up. Must not know: the
engine, callers, offers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import structlog

from agent_routing import agents
from agent_routing.seats import dial_string
from db.agent import Seat, Session
from ivr.ami.client import AmiClient
from ivr.ami.errors import AmiError
from ivr.ami.protocol import Event
from ivr.contract import CONTEXT_OPEN_LEG, OPEN_LEG, VAR_OFFER_ACCEPT, VAR_OPEN
from ivr.queueing.seating import Seating
from ivr.queueing.staff import Staff

log = structlog.get_logger(__name__)

OPENING_SECONDS: Final = 45.0  # to ring, and to ask for the key twice
AT_WORK: Final = frozenset(("idle", "reserved", "ringing", "talking", "wrap_up"))
UP: Final = "Up"


class OpenLegs:
    """Those of one controller."""

    def __init__(self, actions: AmiClient, staff: Staff, seating: Seating, accept: Callable[[], str]) -> None:
        """``accept()`` is the sound that asks for the key."""
        self._actions = actions
        self._staff = staff
        self._seating = seating
        self._accept = accept
        self._opening: dict[str, asyncio.Task[None]] = {}  # by seat
        self._seat_of: dict[str, str] = {}  # by agent
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = False  # what there is has been read

    def found(self, channels: Iterable[Event]) -> None:
        """The channels that there are, after a connect."""
        self._began = False
        for opening in self._opening.values():
            opening.cancel()
        self._opening.clear()
        self._seating.on_the_line = {
            channel.get("Uniqueid").removeprefix(OPEN_LEG)
            for channel in channels
            if channel.get("Uniqueid").startswith(OPEN_LEG) and channel.get("ChannelStateDesc") == UP
        }

    def begin(self) -> None:
        """Legs are brought to what the sessions say, from now on."""
        self._began = True
        wanted = {session.seat for session in self._staff.working() if session.state in AT_WORK}
        for seat in self._seating.on_the_line - wanted:
            self._go(self._hang_up(seat))
        for session in self._staff.working():
            self.session(session)

    def session(self, session: Session) -> None:
        """An agent does something else now. Never waits."""
        before = self._seat_of.pop(session.agent, "")
        if session.seat:
            self._seat_of[session.agent] = session.seat
        if not self._began:
            return
        if before and (before != session.seat or session.state not in AT_WORK):
            self._close(before)
        seat = self._staff.seats.get(session.seat)
        if seat is None or not seat.kept_open or session.state != "idle":
            return
        if seat.id not in self._seating.on_the_line and seat.id not in self._opening:
            self._opening[seat.id] = self._go(self._open(session.agent, seat))

    def saw(self, event: Event) -> None:
        """An event of Asterisk's manager."""
        leg = event.get("Uniqueid")
        if not leg.startswith(OPEN_LEG):
            return
        seat = leg.removeprefix(OPEN_LEG)
        if event.name == "BridgeEnter" and seat not in self._seating.on_the_line:
            self._opened(seat)
        elif event.name == "Hangup":
            self._gone(seat)

    async def stop(self) -> None:
        """No more; the legs stay on the line."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _opened(self, seat: str) -> None:
        if opening := self._opening.pop(seat, None):
            opening.cancel()
        session = self._staff.at(seat)
        if session is None or session.state not in AT_WORK:
            self._go(self._hang_up(seat))
            return
        self._seating.leg_opened(seat)

    def _gone(self, seat: str) -> None:
        if opening := self._opening.pop(seat, None):
            opening.cancel()
        self._seating.leg_closed(seat)
        session = self._staff.at(seat)
        if session is not None and session.state == "idle":
            self._go(self._lost(session.agent))

    def _close(self, seat: str) -> None:
        if opening := self._opening.pop(seat, None):
            opening.cancel()
        elif seat not in self._seating.on_the_line:
            return
        self._go(self._hang_up(seat))

    async def _open(self, agent: str, seat: Seat) -> None:
        headers = {
            "Channel": dial_string(seat),
            "Context": CONTEXT_OPEN_LEG,
            "Exten": "s",
            "Priority": "1",
            "ChannelId": f"{OPEN_LEG}{seat.id}",
            "Timeout": str(int(self._staff.times.longest["ringing"].total_seconds() * 1000)),
            "Async": "true",
        }
        variables = {VAR_OPEN: seat.id, VAR_OFFER_ACCEPT: self._accept() if seat.accept_key else ""}
        try:
            await self._actions.action("Originate", headers, variables=variables)
            await asyncio.sleep(OPENING_SECONDS)  # it is cancelled as soon as anything is known
        except AmiError as error:
            log.warning("a seat's leg cannot be opened", seat=seat.id, error=str(error))
        self._opening.pop(seat.id, None)
        await self._lost(agent)

    async def _lost(self, agent: str) -> None:
        await self._staff.do(agent, agents.SeatLost("line_dropped"))

    async def _hang_up(self, seat: str) -> None:
        try:
            await self._actions.action("Hangup", {"Channel": f"{OPEN_LEG}{seat}"})
        except AmiError as error:
            log.debug("a seat's leg is down already", seat=seat, error=str(error))

    def _go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="a leg that is kept on the line")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the legs that are kept on the line broke at something", exc_info=error)
