"""The supervisor's monitor client: sees live calls, changes nothing.

It stands on panoramisk, with the read-only account. Panoramisk is kept on a short leash, because what follows was
measured of it: its answers never come when the link breaks, it has no deadlines, after a wrong secret it tries for
ever, it sends anew after a reconnect what it had sent before, and it loses a character that the network cut in two. So
here every wait has a deadline and ends with the link, nothing is tried a second time by itself, and a fixed list says
what may be sent at all. Must not know: the command line that shows what it sees, the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from ivr.ami.errors import (
    ActionTimeout,
    AmiError,
    AuthFailed,
    LinkLost,
    LocalProtocolError,
    NotConnected,
    RemoteProtocolError,
)
from ivr.contract import AMI_MONITOR, VAR_LINE

log = logging.getLogger(__name__)

# All that is ever sent.
READ_ONLY: Final = frozenset({"login", "logoff", "ping", "coreshowchannels", "status", "devicestatelist"})
DEADLINE: Final = 5.0  # seconds for an answer; Asterisk lists 600 calls in well under one
LOGIN_SECONDS: Final = 10.0  # Asterisk sleeps one before it refuses
PING_SECONDS: Final = 15.0
UNANSWERED_PINGS: Final = 2
MAX_WAITING: Final = 1000  # pieces of news a slow onlooker may be behind; then the oldest go
MAX_EVENTS: Final = 20_000  # … and events, of which a call makes some thirty
MAX_UNFINISHED: Final = 1024 * 1024  # bytes without the end of a line: no manager sends that
UNKNOWN: Final = "<unknown>"  # what Asterisk writes for a number it was not given


class CallState(Enum):
    """Where a call stands, as a supervisor says it."""

    RINGING = "ringing"
    IVR = "in the hotline"
    WAITING = "waiting"  # hears music
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """One call at one moment."""

    id: str  # Linkedid: stays the same whatever happens to the call
    caller: str  # empty when withheld
    line: str  # the number that was dialled; empty when not known
    state: CallState
    seconds: int  # since it came in


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call came in."""

    id: str
    caller: str
    line: str


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The hotline has taken the call."""

    id: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The caller's line is down. ``cause`` is the Q.850 number, 16 for an ordinary end."""

    id: str
    cause: int
    reason: str


CallNews = CallStarted | CallAnswered | CallEnded
Fields = Mapping[str, Any]  # of one message; a header that comes more than once has a list
T = TypeVar("T")


def call_of(channel: Fields) -> LiveCall:
    """The call that a ``CoreShowChannel`` item speaks of. Pure."""
    hours, minutes, seconds = ([0, 0, 0] + [_number(part) for part in _text(channel, "Duration").split(":")])[-3:]
    return LiveCall(
        id=_text(channel, "Linkedid"),
        caller=_caller(channel),
        line=_line(channel),
        state=_state(channel),
        seconds=hours * 3600 + minutes * 60 + seconds,
    )


def calls_of(channels: list[Fields]) -> list[LiveCall]:
    """One call per Linkedid, oldest first: seen from the channel it began with, or else its oldest one left. Pure."""
    by_call: dict[str, Fields] = {}
    for channel in channels:
        call = _text(channel, "Linkedid")
        known = by_call.get(call)
        if known is None or _text(channel, "Uniqueid") == call:
            by_call[call] = channel
    return sorted((call_of(channel) for channel in by_call.values()), key=lambda call: -call.seconds)


def news_of(event: Fields) -> CallNews | None:
    """What an event says about a caller's own channel; None for all other events. Pure."""
    call = _text(event, "Linkedid")
    if not call or _text(event, "Uniqueid") != call:
        return None
    match _text(event, "Event"):
        case "Newchannel":
            return CallStarted(call, _caller(event), _line(event))
        case "Newstate" if _text(event, "ChannelStateDesc") == "Up":
            return CallAnswered(call)
        case "Hangup":
            return CallEnded(call, _number(_text(event, "Cause")), _text(event, "Cause-txt"))
    return None


def _state(channel: Fields) -> CallState:
    if _text(channel, "ChannelStateDesc") != "Up":
        return CallState.RINGING
    if _text(channel, "BridgeId"):
        return CallState.TALKING
    return CallState.WAITING if _text(channel, "Application") == "MusicOnHold" else CallState.IVR


def _caller(fields: Fields) -> str:
    number = _text(fields, "CallerIDNum")
    return "" if number == UNKNOWN else number


def _line(fields: Fields) -> str:
    """From the variable that manager.conf shows with every channel; before it is set, from the dialled extension."""
    shown = fields.get("ChanVariable", [])
    for pair in [shown] if isinstance(shown, str) else shown:
        name, _, value = str(pair).partition("=")
        if name == VAR_LINE and value:
            return value
    exten = _text(fields, "Exten")
    return exten if exten.isdigit() else ""


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else str(value[0]) if value else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


class _ReadOnlyProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk is untyped
    """Panoramisk's protocol, which may send what is on the list, and reads whole lines."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._unfinished = b""

    def connection_lost(self, exc: Exception | None) -> None:
        if self.factory is not None:  # it is set a moment after the connection; lost before that, login times out
            super().connection_lost(exc)

    def send(self, data: Any, as_list: bool | None = None) -> Any:
        check_read_only(data)
        return super().send(data, as_list=as_list)

    def data_received(self, data: bytes) -> None:
        # Panoramisk decodes what one read gave: half a character at its end would be lost, so lines are kept whole.
        whole, newline, self._unfinished = (self._unfinished + data).rpartition(b"\n")
        if len(self._unfinished) > MAX_UNFINISHED:
            self.transport.abort()
        elif newline:
            super().data_received(whole + newline)


def check_read_only(action: Mapping[str, Any]) -> None:
    """Raises LocalProtocolError for whatever is not on the list or could hold a second action. Pure."""
    name = next((str(value) for key, value in action.items() if key.lower() == "action"), "")
    if name.lower() not in READ_ONLY:
        raise LocalProtocolError(
            f"The monitor does not send {name or 'an action without a name'}: it only reads.",
            remedy="Use the actions account and ivr.ami for whatever changes a call.",
        )
    for key, value in action.items():
        if any(character in f"{key}{value}" for character in "\r\n\0"):
            raise LocalProtocolError(f"The header {key!r} holds a line break.", remedy="Check the settings.")


class _OneLifeManager(Manager):  # type: ignore[misc]
    """Panoramisk's manager without its own reconnecting and its own unchecked pings."""

    def __init__(self, **config: Any) -> None:
        super().__init__(protocol_factory=_ReadOnlyProtocol, forgetable_actions=tuple(READ_ONLY), **config)
        loop = asyncio.get_running_loop()
        self.logged_in: asyncio.Future[bool] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        if not f.cancelled() and f.exception() is None:  # otherwise whoever awaits the connection has the exception
            super().connection_made(f)

    def login(self, future: asyncio.Future[Any]) -> bool:
        accepted = not future.cancelled() and bool(super().login(future))
        if not self.logged_in.done():
            self.logged_in.set_result(accepted)
        return accepted

    def ping(self) -> None:
        """Not panoramisk's way, which never looks for the answer."""

    def connection_lost(self, exc: Any) -> None:
        if not self.lost.done():
            reason = f"{type(exc).__name__}: {exc}" if isinstance(exc, Exception) else "Asterisk closed the connection"
            self.lost.set_result(reason)
        self.close()


class Monitor:
    """``async with Monitor(host=…, port=…, secret=…) as monitor:``; one link, which is not made anew when lost.

    Every method raises LinkLost once the link is down: whoever looks on opens another.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        secret: str,
        username: str = AMI_MONITOR,
        deadline: float = DEADLINE,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._host, self._port = host, port
        self._username, self._secret = username, secret
        self._deadline = deadline
        self._ping_seconds = ping_seconds
        self._manager: _OneLifeManager | None = None
        self._watch: asyncio.Task[None] | None = None
        self._calls: Following[CallNews] = Following(self, news_of, MAX_WAITING)
        self._followings: list[Following[Any]] = [self._calls]

    @property
    def dropped(self) -> int:
        """News that a slow onlooker missed."""
        return self._calls.dropped

    async def start(self) -> None:
        """Connect and log in. Raises NotConnected, AuthFailed (tried once), RemoteProtocolError."""
        check_read_only({"Action": "Login", "Username": self._username, "Secret": self._secret})
        manager = _OneLifeManager(
            host=self._host,
            port=self._port,
            username=self._username,
            secret=self._secret,
            events="system,call,user",
            log=log,
        )
        manager.register_event("*", self._take)
        where = f"the manager at {self._host}:{self._port}"
        connecting = manager.connect()
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                await connecting
                ends: tuple[asyncio.Future[Any], ...] = (manager.logged_in, manager.lost)
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except OSError as error:  # a TimeoutError is one too
            await _close(manager, connecting)
            if isinstance(error, TimeoutError):
                raise RemoteProtocolError(f"{where} did not let us in within {LOGIN_SECONDS:g} s.") from None
            raise NotConnected(
                f"Cannot reach {where}: {error}.", remedy="Is Asterisk running? Try `ivr doctor`."
            ) from None
        except BaseException:
            await _close(manager, connecting)
            raise
        if not manager.logged_in.done():
            await _close(manager, connecting)
            raise NotConnected(f"{where} hung up on us: {manager.lost.result()}.")
        if not manager.logged_in.result():
            await _close(manager, connecting)
            raise AuthFailed(
                f"Asterisk refused the account {self._username} at {where}.",
                remedy="Compare its secret with manager.conf.",
            )
        self._manager = manager
        self._watch = asyncio.create_task(self._keep_asking(manager), name="monitor ping")

    async def stop(self) -> None:
        """Hang up. Nothing is left running."""
        manager, watch = self._manager, self._watch
        self._manager = self._watch = None
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        if manager is not None:
            await _close(manager, None)

    async def __aenter__(self) -> Monitor:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def live_calls(self) -> list[LiveCall]:
        """All calls, oldest first. Raises NotConnected, LinkLost, ActionTimeout, RemoteProtocolError."""
        return calls_of(await self._list("CoreShowChannels", "CoreShowChannel"))

    async def channels(self, *variables: str) -> list[Fields]:
        """All channels with these variables: the items of ``Status``. Raises as ``live_calls``."""
        return await self._list("Status", "Status", Variables=",".join(variables))

    async def devices(self) -> list[Fields]:
        """The state of each device: the items of ``DeviceStateList``. Raises as ``live_calls``."""
        return await self._list("DeviceStateList", "DeviceStateChange")

    def watch(self) -> AsyncIterator[CallNews]:
        """What happens to calls from the login on, in order; for one onlooker. Ends with LinkLost or NotConnected."""
        return self._calls

    def follow(self, read: Callable[[Fields], T | None]) -> Following[T]:
        """What ``read`` makes of every event from now on, in order, but for None; for one onlooker."""
        following = Following(self, read, MAX_EVENTS)
        self._followings.append(following)
        return following

    def _take(self, _manager: Any, event: Fields) -> None:
        """Called by panoramisk's reader, where an exception would end the connection."""
        for following in self._followings:
            try:
                following.take(event)
            except Exception:
                log.exception("the monitor cannot read %r", event)

    async def _list(self, action: str, item: str, **headers: str) -> list[Fields]:
        answer = await self._ask(action, **headers)
        if not isinstance(answer, list):
            raise RemoteProtocolError(
                f"Asterisk does not answer {action}: {answer.get('Message', 'no reason given')}.",
                remedy=f"The account {self._username} needs `write = reporting` in manager.conf.",
            )
        return [one for one in answer if one.get("Event") == item]

    async def _ask(self, action: str, **headers: str) -> Any:
        manager = self._connected(action)
        if manager.lost.done():
            raise LinkLost(action, manager.lost.result())
        answer = manager.send_action(
            {"Action": action, **headers}
        )  # told to expect a list, it would wait for ever on a refusal
        ends: tuple[asyncio.Future[Any], ...] = (answer, manager.lost)
        await asyncio.wait(ends, timeout=self._deadline, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        if manager.lost.done():
            raise LinkLost(action, manager.lost.result())
        raise ActionTimeout(action, self._deadline)

    async def _keep_asking(self, manager: _OneLifeManager) -> None:
        unanswered = 0
        while unanswered < UNANSWERED_PINGS:
            await asyncio.sleep(self._ping_seconds)
            try:
                await self._ask("Ping")
            except ActionTimeout:
                unanswered += 1
            except AmiError:
                return
            else:
                unanswered = 0
        if not manager.lost.done():
            manager.lost.set_result(f"{unanswered} pings in a row were not answered")
        manager.close()

    async def lasts_until(self, something: Coroutine[Any, Any, Any]) -> None:
        """Wait for it while the link holds. Raises LinkLost, NotConnected."""
        try:
            manager = self._connected("watch")
            if manager.lost.done():
                raise LinkLost("watch", manager.lost.result())
        except AmiError:
            something.close()
            raise
        waiting = asyncio.ensure_future(something)
        try:
            ends: tuple[asyncio.Future[Any], ...] = (waiting, manager.lost)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    def _connected(self, action: str) -> _OneLifeManager:
        if self._manager is None:
            raise NotConnected(f"The monitor cannot {action}: it is not connected.", remedy="Call start() first.")
        return self._manager


class Following(Generic[T]):
    """An iterator without a frame of its own: left in the middle, nothing is pending. Made by ``Monitor.follow``.

    Ends with LinkLost or NotConnected.
    """

    def __init__(self, monitor: Monitor, read: Callable[[Fields], T | None], most: int) -> None:
        self._monitor = monitor
        self._read = read
        self._waiting: deque[T] = deque(maxlen=most)
        self._arrived = asyncio.Event()
        self.dropped = 0  # what a slow onlooker missed: the oldest

    def take(self, event: Fields) -> None:
        """An event came."""
        one = self._read(event)
        if one is not None:
            self.dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(one)
            self._arrived.set()

    async def some(self) -> None:
        """Until there is something to take."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()

    def arrived(self) -> list[T]:
        """All that came and was not taken yet, without waiting."""
        found = list(self._waiting)
        self._waiting.clear()
        return found

    def __aiter__(self) -> Following[T]:
        return self

    async def __anext__(self) -> T:
        while not self._waiting:
            await self._monitor.lasts_until(self.some())
        return self._waiting.popleft()


async def _close(manager: _OneLifeManager, connecting: asyncio.Future[Any] | None) -> None:
    """Close the socket and let the loop carry that out."""
    if connecting is not None and not connecting.done():
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await connecting
    manager.close()
    manager.logged_in.cancel()
    if not manager.lost.done():
        manager.lost.set_result("the monitor hung up")
    await asyncio.sleep(0)
