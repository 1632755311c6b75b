"""One FastAGI session: a channel in Asterisk's hands that does what we say, one command at a time.

Stands between the event loop (``asyncio.Protocol``) and the protocol core, adds deadlines, and turns refusals into
errors. Knows nothing of how many sessions there are (``ivr.agi.server``) nor of what a call is about.
"""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol, cast

from ivr.agi.errors import (
    AgiError,
    CallerHungUp,
    CommandFailed,
    CommandTimeout,
    DeadChannel,
    InvalidCommand,
    RemoteProtocolError,
    SessionClosed,
    UsageError,
)
from ivr.agi.protocol import AgiProtocol, Answer, Environment, Hangup, verb_of

CLOCK_GRAIN: Final = 0.002
"""Seconds by which a timer may fire early: event loops keep time in whole milliseconds."""

Observe = Callable[[float | None, float | None], None]
"""Told of each answered command: the seconds Asterisk took (None for a command with a deadline of its own: it plays or
waits, which says nothing about Asterisk), and our seconds from the answer before to this command, which the caller
waited for us (None for the first)."""

_NO_ENVIRONMENT: Final[Mapping[str, str]] = {}


class Owner(Protocol):
    """Who takes care of the sessions (the server)."""

    def session_began(self, session: AgiSession) -> None:
        """A peer has connected; it has said nothing yet."""

    def session_ready(self, session: AgiSession) -> None:
        """The environment is read: this is a call."""

    def session_ended(self, session: AgiSession, why: AgiError) -> None:
        """The connection is closed, whoever closed it."""


class AgiSession(asyncio.Protocol):
    """What a call's handler holds. It uses ``environment``, ``hung_up``, ``peer``, ``command`` and nothing else.

    ``hung_up`` is True from when Asterisk says so; a session that is hung up still answers the commands that need no
    live channel (SET VARIABLE, GET VARIABLE, NOOP, VERBOSE, EXEC, DATABASE …), until ``closed``.
    """

    __slots__ = (
        "_answered_at",
        "_command_seconds",
        "_due",
        "_end",
        "_environment_seconds",
        "_held",
        "_loop",
        "_observe",
        "_owner",
        "_protocol",
        "_send",
        "_timer",
        "_timer_at",
        "_transport",
        "_waiting",
        "_words",
        "_write",
        "_write_paused",
        "environment",
        "hung_up",
        "peer",
    )

    def __init__(
        self,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        *,
        command_seconds: float,
        environment_seconds: float,
        observe: Observe | None,
    ) -> None:
        self.environment = _NO_ENVIRONMENT
        self.hung_up = False
        self.peer = ""
        self._owner = owner
        self._loop = loop
        self._command_seconds = command_seconds
        self._environment_seconds = environment_seconds
        self._observe = observe
        self._protocol = AgiProtocol()
        self._send = self._protocol.send
        self._transport: asyncio.Transport | None = None
        self._write: Callable[[bytes], None] = _write_nowhere
        self._write_paused = False
        self._held = b""  # a command that waits for the transport's buffer to drain
        self._waiting: asyncio.Future[Answer] | None = None  # the running command's answer
        self._words: tuple[str | int | float, ...] = ()  # the running command's, for messages
        self._end: AgiError | None = None  # why the connection is closed
        # One timer per session. It is not moved when a command is answered and the next one begins, which is nearly
        # always: when it fires too early it is set again.
        self._answered_at = 0.0  # when the last answer was taken, if anyone wants to know
        self._due = math.inf  # when what runs now must have ended
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    @property
    def call_id(self) -> str:
        """Asterisk's name for the call (``agi_uniqueid``), empty before the environment is read."""
        return self.environment.get("agi_uniqueid", "")

    @property
    def closed(self) -> bool:
        """No command can be sent any more."""
        return self._end is not None

    async def command(self, *words: str | int | float, deadline: float | None = None) -> Answer:
        """Have Asterisk do one thing, and wait until it is done.

        ``words`` are the command's words: ``"STREAM", "FILE", path, "#"``. ``deadline`` is how many seconds all of it
        may take, playing and waiting for keys included; the server's ``command_seconds`` when None, none when
        ``math.inf``. A command that is cancelled or exceeds its deadline closes the connection, because its answer may
        still come and would be taken for the next command's.

        Raises CallerHungUp when the caller is gone and the command needs one (DeadChannel when Asterisk refuses it for
        that), InvalidCommand, UsageError or CommandFailed when Asterisk refuses it, CommandTimeout, SessionClosed,
        LocalProtocolError when it cannot be sent, and RemoteProtocolError when the answer makes no sense.
        """
        if self._end is not None:
            raise self._end_for(words)
        line = self._send(words)
        loop = self._loop
        waiting: asyncio.Future[Answer] = loop.create_future()
        self._waiting = waiting
        self._words = words
        was_hung_up = self.hung_up
        self._due = due = loop.time() + (self._command_seconds if deadline is None else deadline)
        if due < self._timer_at:
            self._set_timer(due)
        if self._write_paused:
            self._held = line
        else:
            self._write(line)
        try:
            if self._observe is None:
                answer = await waiting
            else:
                began = time.perf_counter()
                turn = began - self._answered_at if self._answered_at else None
                answer = await waiting
                self._answered_at = answered_at = time.perf_counter()
                self._observe(answered_at - began if deadline is None else None, turn)
        except asyncio.CancelledError:
            self._close(SessionClosed(), abort=False)
            raise
        if answer.code != 200:
            raise _refusal(answer, words)
        if answer.result == "-1" and not was_hung_up:
            await self._settle(words)
        return answer

    async def _settle(self, words: tuple[str | int | float, ...]) -> None:
        """After ``-1``: raise CallerHungUp if that was why.

        STREAM FILE says -1 for a hang-up and for a file that is not there; the HANGUP line that tells them apart comes
        after the answer. Asterisk reads its channel before it takes the next command (``run_agi``), so by the answer to
        any further command the line has come; CHANNEL STATUS is refused (511) where AGISIGHUP turns the line off.
        """
        if not self.hung_up:
            try:
                await self.command("CHANNEL", "STATUS")
            except DeadChannel:
                self.hung_up = True
        if self.hung_up:
            raise CallerHungUp(verb=verb_of(words))

    def close(self) -> None:
        """End the session. Asterisk goes on with the call at the dialplan's next priority."""
        self._close(SessionClosed(), abort=False)

    def drop(self, why: AgiError) -> None:
        """End the session at once, unsent bytes and all; a running command raises ``why``."""
        self._close(why, abort=True)

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected. It has a few seconds to say who it is."""
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if address else ""
        self._due = self._loop.time() + self._environment_seconds
        self._set_timer(self._due)
        self._owner.session_began(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        protocol = self._protocol
        protocol.receive(data)
        answer: Answer | None = None
        try:
            while (event := protocol.next_event()) is not None:
                if type(event) is Answer:
                    answer = event
                elif type(event) is Hangup:
                    self.hung_up = True
                    self._acknowledge()
                elif type(event) is Environment:
                    self.environment = event.values
                    self._due = math.inf
                    self._owner.session_ready(self)
        except RemoteProtocolError as error:
            # What stood before it in the same piece is not to be trusted either: a value cut short at its own `)`.
            self._close(error, abort=True)
            return
        if answer is not None:
            waiting, self._waiting = self._waiting, None
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def eof_received(self) -> None:
        """The peer will send no more: an ordinary end. Returns None, on which the transport closes."""

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is gone."""
        why = self._end
        if why is None:
            self.hung_up = True
            why = CallerHungUp("Asterisk closed the connection.", verb=verb_of(self._words))
        self._finish(why)
        self._transport = None
        self._write = _write_nowhere
        self._owner.session_ended(self, why)

    def pause_writing(self) -> None:
        """The transport's buffer is full: the peer reads too slowly."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The transport's buffer has drained."""
        self._write_paused = False
        if self._held:
            line, self._held = self._held, b""
            self._write(line)

    def _acknowledge(self) -> None:
        """Tell the peer's kernel at once that we have read so far.

        HANGUP may come in the middle of a command, whose answer is then a second small piece right behind it. Asterisk
        does not turn Nagle's algorithm off, so that its kernel keeps the answer back until ours acknowledges, which it
        puts off for 40 ms (tcp(7), TCP_QUICKACK): a caller who is sent to a seat would ring it that much later.
        """
        connection = self._transport.get_extra_info("socket") if self._transport is not None else None
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._timer_fired)
        self._timer_at = at

    def _timer_fired(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        if self._end is not None:
            return
        if self.environment is not _NO_ENVIRONMENT and self._waiting is None:
            return  # nothing is running; the next command sets the timer
        if self._due - self._loop.time() > CLOCK_GRAIN:
            if self._due < math.inf:
                self._set_timer(self._due)
            return
        if self._waiting is None:
            self._close(RemoteProtocolError("The peer did not send its environment in time."), abort=True)
        else:
            verb = verb_of(self._words)
            self._close(CommandTimeout(f"{verb} was not answered within its deadline.", verb=verb), abort=True)

    def _close(self, why: AgiError, *, abort: bool) -> None:
        if self._end is None:
            self._finish(why)
            if self._transport is not None:
                if abort:
                    self._transport.abort()
                else:
                    self._transport.close()

    def _finish(self, why: AgiError) -> None:
        """Nothing will be sent or understood any more. A running command ends with ``why``."""
        if self._end is not None:
            return
        self._end = why
        self._held = b""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(why)

    def _end_for(self, words: tuple[str | int | float, ...]) -> AgiError:
        """What a command gets that comes after the end."""
        if isinstance(self._end, CallerHungUp):
            return CallerHungUp(self._end.message, verb=verb_of(words))
        return SessionClosed(verb=verb_of(words))


def _write_nowhere(_line: bytes) -> None:
    """There is no connection."""


def _refusal(answer: Answer, words: tuple[str | int | float, ...]) -> AgiError:
    verb = verb_of(words)
    said = answer.data or ""
    if answer.code == 511:
        return DeadChannel(verb=verb)
    if answer.code == 510:
        return InvalidCommand(f"Asterisk has no command {verb}.", verb=verb)
    if answer.code == 520:
        return UsageError(
            f"Asterisk refused the arguments of {verb}.",
            verb=verb,
            remedy=f"Its usage: {said}" if said else "",
            usage=said,
        )
    return CommandFailed(f"Asterisk could not carry out {verb}: {answer.code} {said}.", verb=verb, code=answer.code)
