"""The FastAGI server: takes calls from Asterisk, as many as it may, and hands each to its handler.

Decides who is let in and sees every call to its end; what a session is stands in ``ivr.agi.session``. Knows nothing of
what a handler does with a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from ivr.agi.errors import AgiError, CallerHungUp, RemoteProtocolError, SessionClosed
from ivr.agi.session import AgiSession, Observe

__all__ = ["AgiServer", "AgiSession", "Counters", "Handler"]

BACKLOG: Final = 1024
"""Connections the kernel holds for us. After a restart every live call comes back within a second or two; what does not
fit here waits a second for TCP to ask again."""

OVERLOAD_SHARE: Final = 10
"""One more call per ten may be told at once that all lines are busy. Beyond that even saying so would cost the live
calls their time, and the connection is closed: the dialplan has its own way to say it."""

LEAST_OVERLOAD: Final = 8
"""However few calls are allowed, so many may be told that all lines are busy."""

CANCEL_SECONDS: Final = 5.0
"""What a cancelled handler has to clean up in. One that takes longer loses its connection."""

Handler = Callable[[AgiSession], Awaitable[None]]

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counters:
    """What has happened since the server began. A live figure is the server's ``live``."""

    accepted: int = 0  # calls given to the handler
    overloaded: int = 0  # calls given to the overload handler
    rejected: int = 0  # calls closed because even that was full
    failed: int = 0  # calls whose handler ended with an error
    dropped: int = 0  # connections that were no call: port scans, wrong protocols, silence


class AgiServer:
    """Listens for Asterisk and runs ``handler`` once per call, each in its own task.

    When the handler returns, or raises, the connection is closed and Asterisk goes on in the dialplan. Above
    ``max_calls`` live calls a new one goes to ``on_overload`` at once, which should be brief; without one it is closed.
    ``observe`` is told of each answered command (``ivr.agi.session.Observe``).
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_calls: int = 600,
        on_overload: Handler | None = None,
        command_seconds: float = 30.0,
        environment_seconds: float = 5.0,
        observe: Observe | None = None,
    ) -> None:
        self.counters = Counters()
        self._handler = handler
        self._on_overload = on_overload
        self._host = host
        self._port = port
        self._max_calls = max_calls
        self._max_overload = max(LEAST_OVERLOAD, max_calls // OVERLOAD_SHARE) if on_overload else 0
        self._command_seconds = command_seconds
        self._environment_seconds = environment_seconds
        self._observe = observe
        self._loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._open: set[AgiSession] = set()  # every connection
        self._newcomers: set[AgiSession] = set()  # those of them whose environment is not read yet
        self._calls: dict[asyncio.Task[None], AgiSession] = {}
        self._overload: dict[asyncio.Task[None], AgiSession] = {}
        self._none_open = asyncio.Event()

    @property
    def port(self) -> int:
        """Where it listens: the port asked for, or the one the system chose when that was 0."""
        return self._port

    @property
    def live(self) -> int:
        """Calls in the handler's hands now."""
        return len(self._calls)

    async def start(self) -> None:
        """Begin to take calls. Raises OSError when the address cannot be had."""
        loop = self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._server = await loop.create_server(
            lambda: AgiSession(
                self,
                loop,
                command_seconds=self._command_seconds,
                environment_seconds=self._environment_seconds,
                observe=self._observe,
            ),
            self._host,
            self._port,
            backlog=BACKLOG,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self, grace_seconds: float) -> None:
        """Take no new call, let live ones end for so many seconds, then cancel their handlers.

        A cancelled call is not lost: its connection closes and the dialplan keeps the caller. Returns when every
        handler has ended and every connection is closed.
        """
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for newcomer in list(self._newcomers):
            newcomer.drop(SessionClosed("The server is stopping."))
        running = {**self._calls, **self._overload}
        if running:
            _, late = await asyncio.wait(running, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                _log.info("calls given back to the dialplan", calls=len(late))
                _, stuck = await asyncio.wait(late, timeout=CANCEL_SECONDS)
                for task in stuck:
                    _log.error("a call's handler does not end though cancelled", call=running[task].call_id)
        for session in list(self._open):
            session.drop(SessionClosed("The server is stopping."))
        if self._open:
            self._none_open.clear()
            await self._none_open.wait()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    # Called by the sessions

    def session_began(self, session: AgiSession) -> None:
        """A peer has connected."""
        self._open.add(session)
        self._newcomers.add(session)
        if self._stopping:
            session.drop(SessionClosed("The server is stopping."))
        elif len(self._newcomers) > self._max_calls + self._max_overload:
            # So many that say nothing are no calls: Asterisk sends its environment at once.
            session.drop(RemoteProtocolError("Too many connections have not said what they are."))

    def session_ready(self, session: AgiSession) -> None:
        """A call has come."""
        self._newcomers.discard(session)
        if len(self._calls) < self._max_calls:
            self.counters.accepted += 1
            self._begin(session, self._handler, self._calls)
        elif self._on_overload is not None and len(self._overload) < self._max_overload:
            self.counters.overloaded += 1
            _log.warning("more calls than allowed", call=session.call_id, live=self.live)
            self._begin(session, self._on_overload, self._overload)
        else:
            self.counters.rejected += 1
            _log.warning("call refused: far more calls than allowed", call=session.call_id, live=self.live)
            session.close()

    def session_ended(self, session: AgiSession, why: AgiError) -> None:
        """A connection is closed."""
        self._open.discard(session)
        if session in self._newcomers:
            self._newcomers.discard(session)
            if not isinstance(why, SessionClosed):
                self.counters.dropped += 1
                tell = _log.debug if isinstance(why, CallerHungUp) else _log.info
                tell("connection dropped: not a call", peer=session.peer, why=why.message)
        elif isinstance(why, RemoteProtocolError):
            _log.warning("session out of step", call=session.call_id, why=why.message)
        if not self._open:
            self._none_open.set()

    def _begin(self, session: AgiSession, handler: Handler, running: dict[asyncio.Task[None], AgiSession]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            del running[task]
            self._handler_ended(session, task)

        task = self._loop.create_task(_handle(session, handler))
        running[task] = session
        task.add_done_callback(ended)

    def _handler_ended(self, session: AgiSession, task: asyncio.Task[None]) -> None:
        session.close()
        if task.cancelled():
            _log.info("call given back to the dialplan", call=session.call_id)
        elif error := task.exception():
            if isinstance(error, CallerHungUp):
                _log.debug("the caller hung up", call=session.call_id)
            else:
                self.counters.failed += 1
                _log.error("call failed", call=session.call_id, exc_info=error)


async def _handle(session: AgiSession, handler: Handler) -> None:
    structlog.contextvars.bind_contextvars(call=session.call_id)
    await handler(session)
