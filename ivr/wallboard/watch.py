"""Looks at Asterisk, the controller and the store, and tells a picture what it sees, until it is cancelled.

Asterisk tells by itself (events of the read-only account); what it has is read whole after each connection and after
the controller came back. The store is read at the start and when a session there is newer than what was told. Asking
now and then serves one end only: to know that controller and database are still there, and that nothing changed
unheard. Whatever is away is tried again, for ever. It writes nothing anywhere.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any, Final, Protocol

from db.agent_sessions import AgentSessions
from db.agents import Agents
from db.branches import Branches
from db.errors import StoreError
from db.queue_events import QueueEvents
from db.seats import Seats
from db.store import Store
from ivr.ami.backoff import Backoff
from ivr.ami.errors import AmiError, AuthFailed
from ivr.contract import VAR_CALL, VAR_SEAT, VAR_WAIT
from ivr.monitor import Monitor
from ivr.wallboard.picture import Picture
from ivr.wallboard.service import midnight_before
from ivr.wallboard.sights import JournalRead, LinkSeen, Part, RosterRead, Sight, Told, sights_of, state_of

PULSE_SECONDS: Final = 2.0  # between two questions whether controller and database are there
STEADY_SECONDS: Final = 5.0  # a link that held so long is tried again soon when it breaks
STOP_SECONDS: Final = 2.0  # for the last question to the database, when the look ends
LONGEST_BACKOFF: Final = 4.0  # somebody looks at the board: it must not take long to come back


class ControllerAway(Exception):
    """The controller does not answer; the message says how."""


class AskController(Protocol):
    """Ask the controller whether it is there. Raises ControllerAway."""

    def __call__(self) -> Awaitable[None]: ...


class Watch:
    """One onlooker. ``run`` it as a task; wait for ``changed``, clear it, and look at the picture.

    ``connect`` makes a Monitor that is not started. Raises AuthFailed when Asterisk refuses the account: trying on
    would be of no use.
    """

    def __init__(
        self,
        picture: Picture,
        connect: Callable[[], Monitor],
        store: Store,
        ask_controller: AskController,
        *,
        clock: Callable[[], float] = time.time,
        pulse_seconds: float = PULSE_SECONDS,
    ) -> None:
        self.picture = picture
        self.changed = asyncio.Event()
        self._connect = connect
        self._sessions = AgentSessions(store)
        self._agents, self._seats, self._branches = Agents(store), Seats(store), Branches(store)
        self._journal = QueueEvents(store)
        self._ask_controller = ask_controller
        self._clock = clock
        self._pulse_seconds = pulse_seconds
        self._looked: Mapping[Part, asyncio.Event] = {
            "asterisk": asyncio.Event(),
            "controller": asyncio.Event(),
            "database": asyncio.Event(),
        }
        self._stopping = asyncio.Event()
        self._read_anew = asyncio.Event()
        self._stranger_told = asyncio.Event()
        self._unknown: frozenset[str] = frozenset()  # agents and seats that the store does not know either

    async def run(self) -> None:
        """Look on until cancelled. Raises AuthFailed."""
        self._stopping.clear()
        reading = asyncio.create_task(self._database())
        looking = [asyncio.create_task(part()) for part in (self._asterisk, self._controller)]
        try:
            done, _ = await asyncio.wait((reading, *looking), return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            # A question to the database is not broken off half way: its driver would answer into a closed loop.
            self._stopping.set()
            for task in looking:
                task.cancel()
            await asyncio.wait({reading}, timeout=STOP_SECONDS)
            reading.cancel()
            await asyncio.gather(reading, *looking, return_exceptions=True)

    async def looked(self) -> None:
        """Until each of the three has been looked at once, whether it was there or not."""
        for event in self._looked.values():
            await event.wait()

    # --- Asterisk -----------------------------------------------------------------------------------------------------

    async def _asterisk(self) -> None:
        backoff = Backoff(longest=LONGEST_BACKOFF, stable=STEADY_SECONDS)
        while True:
            began = self._clock()
            try:
                async with self._connect() as monitor:
                    await self._follow(monitor)
            except AuthFailed:
                raise
            except AmiError as error:
                self._link("asterisk", False, error.message)
            backoff.after_link(self._clock() - began)
            await asyncio.sleep(backoff.next_wait())

    async def _follow(self, monitor: Monitor) -> None:
        following = monitor.follow(self._sights)
        missed = 0
        self._read_anew.set()
        while True:
            if self._read_anew.is_set():
                await self._read_state(monitor)
                self._link("asterisk", True)
            for sight in chain.from_iterable(following.arrived()):
                self._take(sight)
            if following.dropped > missed:
                missed = following.dropped
                self._read_anew.set()
            self.changed.set()
            await monitor.lasts_until(_any(following.some, self._read_anew.wait))

    async def _read_state(self, monitor: Monitor) -> None:
        """Events that come meanwhile wait, or a list made before them would undo them.

        They are taken after it; taking one again makes no difference.
        """
        self._read_anew.clear()
        channels = await monitor.channels(VAR_WAIT, VAR_SEAT, VAR_CALL)
        devices = await monitor.devices()
        self._take(state_of(channels, devices, self._clock()))

    def _sights(self, event: Mapping[str, Any]) -> tuple[Sight, ...] | None:
        return sights_of(event, self._clock()) or None

    # --- the controller -----------------------------------------------------------------------------------------------

    async def _controller(self) -> None:
        while True:
            try:
                await self._ask_controller()
            except ControllerAway as error:
                self._link("controller", False, str(error))
            else:
                self._controller_is_there()
            await asyncio.sleep(self._pulse_seconds)

    def _controller_is_there(self) -> None:
        known = self.picture.links.get("controller")
        if known is not None and not known.up:
            self._read_anew.set()  # what it did before we heard of it again
        self._link("controller", True)

    # --- the store ----------------------------------------------------------------------------------------------------

    async def _database(self) -> None:
        day = -1.0
        while not self._stopping.is_set():
            try:
                today = midnight_before(self._clock())
                if day != today or not self._database_up:
                    await self._read_roster()
                    since = datetime.datetime.fromtimestamp(today, datetime.UTC)
                    self._take(JournalRead(await self._journal.since(since)))
                    day = today
                elif self._strange or await self._sessions.stamp() != self._told_stamp:
                    await self._read_roster()
            except StoreError as error:
                self._link("database", False, error.message)
            else:
                self._link("database", True)
            self._stranger_told.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pulse_seconds):
                    await _any(self._stranger_told.wait, self._stopping.wait)

    async def _read_roster(self) -> None:
        sessions = await self._sessions.all()
        agents, seats = await self._agents.all(), await self._seats.all()
        self._take(RosterRead(agents, seats, await self._branches.all(), sessions))
        self._unknown = self.picture.strangers
        self.changed.set()

    @property
    def _strange(self) -> bool:
        return bool(self.picture.strangers - self._unknown)

    @property
    def _told_stamp(self) -> int:
        return sum(session.version for session in self.picture.sessions.values())

    @property
    def _database_up(self) -> bool:
        link = self.picture.links.get("database")
        return link is not None and link.up

    # --- all of them --------------------------------------------------------------------------------------------------

    def _take(self, sight: Sight) -> None:
        self.picture.take(sight)
        if isinstance(sight, Told):
            self._controller_is_there()
            if self._strange:
                self._stranger_told.set()

    def _link(self, part: Part, up: bool, why: str = "") -> None:
        known = self.picture.links.get(part)
        if known is None or known.up != up:
            self.picture.take(LinkSeen(part, up, self._clock(), why))
            self.changed.set()
        self._looked[part].set()


async def _any(*waits: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Until the first of them is over; the others are given up."""
    tasks = [asyncio.ensure_future(wait()) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
