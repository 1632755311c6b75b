"""The manager client: one account, kept connected, with deadlines on everything.

It connects, logs in, lets the owner read the state anew (``on_connected``), and hands out events in order; when the
link breaks it comes back by itself, except after a wrong secret. Must not know: what an action or an event means for a
call, the dialplan, the store.

Rules it keeps
- An action is sent once. Whatever was under way when the link broke fails with LinkLost and is never sent again.
- The reader of the socket never waits for a handler, because Asterisk cuts slow readers; a handler that falls behind
  loses the least important events first, counted in ``dropped``.
- Asterisk answers the actions of one connection one after another: an Originate without ``Async: true`` would make
  every later action wait for that call to be answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, Final

from ivr.ami.backoff import Backoff
from ivr.ami.errors import (
    ActionFailed,
    ActionTimeout,
    AmiError,
    AuthFailed,
    LinkLost,
    NotConnected,
)
from ivr.ami.inbox import Importance, Inbox
from ivr.ami.link import Answer, Link
from ivr.ami.protocol import Event, Headers, Response, encode_action

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0  # loopback answers at once or not at all
LOGIN_SECONDS: Final = 10.0  # manager.c sleeps 1 s before it refuses; a busy start of Asterisk takes a few
RESYNC_SECONDS: Final = 30.0  # reading 600 calls takes well under one; longer means it hangs
SHUTDOWN_SECONDS: Final = 10.0  # Asterisk said that it goes: for so long its absence is no news
CLOSE_SECONDS: Final = 1.0  # how long a last Logoff may take to leave
UNANSWERED_PINGS: Final = 2  # one can be lost to a busy moment, two in a row are a dead peer
IN_USE: Final = "login already in use"  # manager.c, allowmultiplelogin=no: the link before has not been noticed dead


class State(Enum):
    """Where the client stands."""

    STOPPED = "stopped"
    CONNECTING = "connecting"  # up to the end of the resync hook
    CONNECTED = "connected"
    BACKING_OFF = "backing_off"
    REFUSED = "refused"  # the account was refused: over until ``start`` is called again


EventList = list[Event]  # named, because the client has a method of the name `list`
OutputLines = list[str]
OnConnected = Callable[["AmiClient"], Awaitable[None]]
Observe = Callable[[str, float], None]


class AmiClient:
    """One manager account.

    ``wants_events`` is the ``Events:`` header of the login: ``off``, ``on`` or a list of classes (``call,user``).

    ``on_connected`` runs after each login and before an event of that connection is handed out; it may use ``action``
    and ``list``, and must not stop the client. When it raises, the connection is given up and made anew: a state that
    was not read is not trusted.

    ``observe(action, seconds)`` is told how long each answer took. ``clock``, ``sleep`` and ``chance`` are for tests.
    Raises LocalProtocolError for an account name that cannot be sent.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        name: str = "",
        wants_events: str = "off",
        on_connected: OnConnected | None = None,
        queue_size: int = 10_000,
        ping_seconds: float = 15.0,
        deadline: float = 5.0,
        backoff: Backoff | None = None,
        observe: Observe | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:
        chance = chance or random.SystemRandom()
        self.name = name or username
        self._host, self._port = host, port
        self._username, self._secret = username, secret
        self._wants_events = wants_events
        self._on_connected = on_connected
        self._ping_seconds = ping_seconds
        self._deadline = deadline
        self._backoff = backoff or Backoff(chance=chance.random)
        self._observe = observe
        self._clock, self._sleep = clock, sleep
        # OriginateResponse is told to every account: the ids of two clients, or of two lives, must never meet.
        self._id_prefix = f"gl-{chance.getrandbits(48):012x}-"
        self._sent = 0
        encode_action("Login", self._next_id(), self._login(key=""))  # a wrong setting is refused here, not retried
        self._inbox = Inbox(queue_size)
        self._link: Link | None = None  # set while logged in
        self._runner: asyncio.Task[None] | None = None
        self._state = State.STOPPED
        self._changed = asyncio.Event()
        self._trouble: AmiError | None = None
        self._late = 0
        self._shutdown_until = -math.inf
        self._connections = 0
        self.failed_hooks = 0

    # Life

    async def start(self) -> None:
        """Begin to connect and return at once; ``wait_connected`` waits. Also begins anew after REFUSED."""
        if self._runner is not None and not self._runner.done():
            return
        self._inbox.open()
        self._trouble = None
        self._set_state(State.CONNECTING)
        self._runner = asyncio.create_task(self._run(), name=f"ami {self.name}")

    async def stop(self) -> None:
        """Log off and leave nothing behind: no task, no socket, nobody waiting."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.cancel()
            await asyncio.wait({runner})
        self._set_state(State.STOPPED)
        self._inbox.close()

    @property
    def state(self) -> State:
        """Where the client stands now."""
        return self._state

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Return once connected and resynchronised.

        Raises AuthFailed when the account was refused, NotConnected when stopped or after ``timeout`` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._state is not State.CONNECTED:
                    if self._state in (State.REFUSED, State.STOPPED):
                        raise self._why_not(f"There is no link to {self._where}.")
                    await self._changed.wait()
        except TimeoutError:
            raise self._why_not(f"No link to {self._where} within {timeout:g} s.") from None

    # Actions

    async def action(
        self,
        name: str,
        headers: Headers = (),
        *,
        variables: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Response:
        """Send one action and give its answer. ``variables`` become channel variables (Originate), quoted.

        Raises NotConnected and LocalProtocolError when nothing was sent; ActionFailed on ``Response: Error``;
        ActionTimeout after ``deadline`` seconds and LinkLost when the outcome is unknown.
        """
        return (await self._request(name, headers, variables=variables, deadline=deadline)).response

    async def list(self, name: str, headers: Headers = (), *, deadline: float | None = None) -> EventList:
        """Send an action that is answered by a list; give its items, without the event that ends it.

        Raises as ``action`` does, and LocalProtocolError when the action is not answered by a list. Some lists
        (PJSIP's) answer an empty one with an error, which is ActionFailed here.
        """
        return (await self._request(name, headers, deadline=deadline, wants_list=True)).items

    async def command(self, line: str, *, deadline: float | None = None) -> OutputLines:
        """Run one line of Asterisk's command line and give what it prints. Raises as ``action`` does."""
        return (await self.action("Command", {"Command": line}, deadline=deadline)).all("Output")

    # Events

    def events(self) -> AsyncIterator[Event]:
        """The events, in order, over all reconnects. For one reader; the loop ends with ``stop``.

        The loop raises AuthFailed when the account is refused. An exception in the loop's body is the reader's own:
        the link goes on, and events wait (up to ``queue_size``) for the next reader.
        """
        return _Events(self._inbox)

    # Figures

    @property
    def reconnects(self) -> int:
        """How many times the link was made anew."""
        return max(0, self._connections - 1)

    @property
    def dropped(self) -> int:
        """How many events were thrown away because the reader was too slow, or were left over at a reconnect."""
        return sum(self._inbox.dropped.values())

    @property
    def dropped_by_importance(self) -> Mapping[Importance, int]:
        """The same, by class."""
        return dict(self._inbox.dropped)

    @property
    def waiting_events(self) -> int:
        """How many events wait for the reader."""
        return len(self._inbox)

    @property
    def late_answers(self) -> int:
        """Answers that came when nobody waited any more."""
        return self._late + (self._link.late_answers if self._link else 0)

    # The loop that keeps the link up

    async def _run(self) -> None:
        try:
            while True:
                self._set_state(State.CONNECTING)
                await self._one_link()
                wait = self._backoff.next_wait()
                self._set_state(State.BACKING_OFF)
                expected = self._clock() < self._shutdown_until
                level = logging.DEBUG if expected else logging.WARNING
                log.log(level, "ami %s: %s; next try in %.1f s", self.name, self._trouble, wait)
                await self._sleep(wait)
        except AuthFailed as error:
            self._trouble = error
            log.error("ami %s: %s", self.name, error)
            self._set_state(State.REFUSED)
            self._inbox.close(error)
        except Exception as error:  # a fault of ours must be seen, not leave everyone waiting
            log.exception("ami %s: the client broke", self.name)
            self._trouble = NotConnected(f"The manager client broke: {error!r}.", remedy="Report this; then restart.")
            self._set_state(State.STOPPED)
            self._inbox.close(self._trouble)

    async def _one_link(self) -> None:
        """Connect, log in, resync, and stay until the link is lost. Only AuthFailed and bugs get out of here."""
        link: Link | None = None
        began = self._clock()
        try:
            link = await self._connect()
            await self._log_in(link)
            await self._stay(link)
        except AuthFailed:
            raise
        except AmiError as error:
            self._trouble = error
        finally:
            if link is not None:
                self._backoff.after_link(self._clock() - began)
                self._forget(link)
                await self._hang_up(link)
                self._late += link.late_answers

    def _forget(self, link: Link) -> None:
        """That link is of no use any more; called by the link itself before anyone learns of its end."""
        if link is self._link:
            self._link = None
            if self._state is State.CONNECTED:
                self._set_state(State.BACKING_OFF)

    async def _connect(self) -> Link:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, link = await loop.create_connection(lambda: Link(self._take, self._forget), self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise NotConnected(
                f"Cannot reach {self._where}: {error or type(error).__name__}.",
                remedy="Check that Asterisk runs and that manager.conf has enabled=yes on this address and port.",
            ) from None
        return link

    def _take(self, event: Event) -> None:
        if event.name == "Shutdown":
            log.info("ami %s: Asterisk is shutting down", self.name)
            self._shutdown_until = self._clock() + SHUTDOWN_SECONDS
        self._inbox.put(event)

    async def _log_in(self, link: Link) -> None:
        """By challenge, so that the secret itself is never on the wire nor in Asterisk's own debugging output."""
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                await asyncio.wait({link.greeted})
                if link.greeted.cancelled():
                    raise NotConnected(f"{self._where} did not greet us: {link.lost.result()}.")
                challenge = await self._ask(link, "Challenge", {"AuthType": "MD5"}, LOGIN_SECONDS)
                key = hashlib.md5(
                    (challenge.response.get("Challenge") + self._secret).encode("utf-8", "surrogateescape"),
                    usedforsecurity=False,  # manager.c knows nothing newer; it answers one challenge on loopback
                ).hexdigest()
                # From here on events arrive; none is handed out before the state has been read.
                self._inbox.hold()
                await self._ask(link, "Login", self._login(key), LOGIN_SECONDS)
        except TimeoutError:
            raise NotConnected(f"{self._where} did not let us in within {LOGIN_SECONDS:g} s.") from None
        except ActionFailed as error:
            if error.response.text.lower() == IN_USE:
                raise NotConnected(f"The account {self._username} is still logged in.") from None
            raise AuthFailed(
                f"Asterisk refused the account {self._username} at {self._where}: {error.response.text}.",
                remedy="Compare its secret with manager.conf, then start again; it is not tried a second time.",
            ) from None

    def _login(self, key: str) -> dict[str, str]:
        return {"AuthType": "MD5", "Username": self._username, "Key": key, "Events": self._wants_events}

    async def _stay(self, link: Link) -> None:
        self._link = link
        if self._on_connected is not None:
            try:
                async with asyncio.timeout(RESYNC_SECONDS):
                    await self._on_connected(self)
            except Exception as error:  # whatever it is, the state was not read: not to be trusted, so come again
                self.failed_hooks += 1
                log.warning("ami %s: reading the state failed", self.name, exc_info=error)
                raise NotConnected(f"Reading the state after the login failed: {error!r}.") from error
        self._inbox.release()
        self._connections += 1
        self._set_state(State.CONNECTED)
        log.info("ami %s: connected to %s", self.name, self._where)
        watch = asyncio.create_task(self._watch(link), name=f"ami {self.name} ping")
        try:
            ends: tuple[asyncio.Future[Any], ...] = (watch, link.lost)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            await asyncio.wait({watch})
        if not watch.cancelled():
            watch.result()
        link.abort("the connection is closing")
        raise NotConnected(f"The link to {self._where} was lost: {link.lost.result()}.")

    async def _watch(self, link: Link) -> None:
        """Ping, and end a link whose peer is gone without a word (cable, firewall, a stopped Asterisk)."""
        unanswered = 0
        while unanswered < UNANSWERED_PINGS:
            if not unanswered:
                await asyncio.sleep(self._ping_seconds)  # a ping that was not answered has taken as long already
            try:
                await self._ask(link, "Ping", {}, self._ping_seconds)
            except ActionTimeout:
                unanswered += 1
                continue
            except ActionFailed:
                pass  # an answer is an answer
            except (NotConnected, LinkLost):
                return
            unanswered = 0
        link.abort(f"{unanswered} pings in a row were not answered")

    async def _hang_up(self, link: Link) -> None:
        link.write_and_close(encode_action("Logoff", self._next_id()))
        if not link.lost.done():
            await asyncio.wait({link.lost}, timeout=CLOSE_SECONDS)
        link.abort("the client hung up")

    # Requests

    async def _request(
        self,
        name: str,
        headers: Headers,
        *,
        variables: Mapping[str, str] | None = None,
        deadline: float | None = None,
        wants_list: bool = False,
    ) -> Answer:
        link = self._link
        if link is None:
            raise self._why_not(f"The action {name} was not sent: there is no link to {self._where}.")
        seconds = self._deadline if deadline is None else deadline
        return await self._ask(link, name, headers, seconds, variables=variables, wants_list=wants_list)

    async def _ask(
        self,
        link: Link,
        name: str,
        headers: Headers,
        deadline: float,
        *,
        variables: Mapping[str, str] | None = None,
        wants_list: bool = False,
    ) -> Answer:
        began = self._clock()
        try:
            answer = await link.request(
                name, self._next_id(), headers, deadline=deadline, variables=variables, wants_list=wants_list
            )
        except ActionFailed:
            self._measure(name, began)
            raise
        self._measure(name, began)
        return answer

    def _measure(self, name: str, began: float) -> None:
        if self._observe is None:
            return
        try:
            self._observe(name, self._clock() - began)
        except Exception:  # a figure that cannot be kept must not fail the action
            log.exception("ami %s: the observer of latencies failed", self.name)

    def _next_id(self) -> str:
        self._sent += 1
        return f"{self._id_prefix}{self._sent}"

    def _why_not(self, message: str) -> AmiError:
        if isinstance(self._trouble, AuthFailed):
            return self._trouble
        because = f" ({self._trouble.message})" if self._trouble else ""
        stopped = self._state is State.STOPPED
        return NotConnected(
            f"{message} The client is {self._state.value}{because}.",
            remedy="Call start() and wait_connected() first."
            if stopped
            else "It goes on trying; wait_connected() waits for it, and `ivr doctor` checks the manager.",
        )

    @property
    def _where(self) -> str:
        return f"the manager at {self._host}:{self._port}"

    def _set_state(self, state: State) -> None:
        self._state = state
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class _Events:
    """An iterator without a frame of its own: left in the middle, nothing is pending."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> Event:
        return await self._inbox.take()
