"""One connection to the manager, from its banner to its end: who waits for which answer.

A link is used once. It matches answers to actions by ActionID and hands every other event on; when it ends, everyone
who still waits is told so at once. Must not know: accounts, reconnecting, what an event means.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ivr.ami.errors import ActionFailed, ActionTimeout, LinkLost, LocalProtocolError, NotConnected, RemoteProtocolError
from ivr.ami.protocol import Banner, Decoder, Event, Headers, Response, encode_action

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answer:
    """What came back for one action: its response and, of a list, its items without the event that ends it."""

    response: Response
    items: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class _Pending:
    action: str
    wants_list: bool
    future: asyncio.Future[Answer]
    answer: Answer | None = None


class Link(asyncio.Protocol):
    """The reader only parses, settles futures and hands events to ``on_event``, which must not wait.

    ``on_lost`` is called when the link has ended, before anyone who waits for an answer learns it: whoever asks the
    client then finds it disconnected.
    """

    def __init__(self, on_event: Callable[[Event], None], on_lost: Callable[[Link], None]) -> None:
        loop = asyncio.get_running_loop()
        self._on_event, self._on_lost = on_event, on_lost
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None
        self._pending: dict[str, _Pending] = {}
        self._reason = ""
        self.greeted: asyncio.Future[Banner] = loop.create_future()  # cancelled when the link ends first
        self.lost: asyncio.Future[str] = loop.create_future()  # the reason; never an exception
        self.late_answers = 0  # answers to an action whose deadline had passed, or that nobody asked for

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its ancestry

    def data_received(self, data: bytes) -> None:
        if self.lost.done() or self._reason:
            return
        self._decoder.feed(data)
        try:
            while (message := self._decoder.next_message()) is not None:
                self._sort(message)
        except RemoteProtocolError as error:
            self.abort(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._reason or (f"{type(exc).__name__}: {exc}" if exc else "Asterisk closed the connection"))

    # What the client calls

    @property
    def is_up(self) -> bool:
        """May an action be written?"""
        return self._transport is not None and not self._transport.is_closing() and not self.lost.done()

    async def request(
        self,
        action: str,
        action_id: str,
        headers: Headers,
        *,
        deadline: float,
        variables: Mapping[str, str] | None = None,
        wants_list: bool = False,
    ) -> Answer:
        """Send one action and wait for its answer, at most ``deadline`` seconds for all of it.

        Raises NotConnected, LocalProtocolError (nothing was sent), ActionFailed, ActionTimeout, LinkLost.
        """
        data = encode_action(action, action_id, headers, variables)
        if not self.is_up:
            raise NotConnected(
                f"The action {action} was not sent: the link to Asterisk is down.", remedy="Wait for the reconnect."
            )
        assert self._transport is not None
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        pending = _Pending(action, wants_list, future)
        self._pending[action_id] = pending
        self._transport.write(data)
        try:
            async with asyncio.timeout(deadline):
                return await future
        except TimeoutError:
            raise ActionTimeout(action, deadline) from None
        finally:
            # Given up before its end, a list stays known until it has ended: its items are no news for the handler.
            if not wants_list:
                self._pending.pop(action_id, None)
            if future.done() and not future.cancelled():
                future.exception()  # seen, also when we were cancelled in the same moment

    def write_and_close(self, data: bytes) -> None:
        """Say a last thing and hang up; no answer is waited for."""
        if self.is_up:
            assert self._transport is not None
            self._transport.write(data)
            self._reason = "we closed the connection"
            self._transport.close()

    def abort(self, reason: str) -> None:
        """End the link now. Whoever waits learns the reason before this returns."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()
        self._end(self._reason)

    # Inside

    def _sort(self, message: Banner | Response | Event) -> None:
        if isinstance(message, Banner):
            if not self.greeted.done():
                self.greeted.set_result(message)
        elif isinstance(message, Response):
            self._take_response(message)
        else:
            pending = self._pending.get(message.action_id) if message.action_id else None
            if pending is None or pending.answer is None:
                # An OriginateResponse carries the ActionID of an Originate that was answered long ago.
                self._on_event(message)
            else:
                self._take_item(pending, pending.answer, message)

    def _take_response(self, response: Response) -> None:
        pending = self._pending.get(response.action_id)
        if pending is None or pending.answer is not None:
            self.late_answers += 1
            log.debug("nobody waits for %r", response)
            return
        pending.answer = Answer(response)
        if response.is_error:
            self._fail(response.action_id, ActionFailed(pending.action, response))
        elif not pending.wants_list:
            self._settle(response.action_id)
        elif not response.starts_list:
            wrong = LocalProtocolError(
                f"Asterisk answers {pending.action} with a single response, not with a list.", remedy="Use action()."
            )
            self._fail(response.action_id, wrong)

    def _take_item(self, pending: _Pending, answer: Answer, event: Event) -> None:
        if event.ends_list:
            self._settle(event.action_id)
        elif event.cancels_list:
            self._fail(event.action_id, ActionFailed(pending.action, Response(event.headers)))
        elif not pending.future.done():
            answer.items.append(event)

    def _settle(self, action_id: str) -> None:
        pending = self._pending.pop(action_id)
        if not pending.future.done():
            assert pending.answer is not None
            pending.future.set_result(pending.answer)
        else:
            self.late_answers += 1

    def _fail(self, action_id: str, error: Exception) -> None:
        pending = self._pending.pop(action_id)
        if not pending.future.done():
            pending.future.set_exception(error)
        else:
            self.late_answers += 1

    def _end(self, reason: str) -> None:
        if self.lost.done():
            return
        self.lost.set_result(reason)
        self._on_lost(self)
        if not self.greeted.done():
            self.greeted.cancel()
        waiting, self._pending = self._pending, {}
        for pending in waiting.values():
            if not pending.future.done():
                pending.future.set_exception(LinkLost(pending.action, reason))
