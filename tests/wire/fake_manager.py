"""A manager over TCP that behaves as Asterisk's ``main/manager.c`` does, and misbehaves on demand.

It parses and answers with code of its own and imports nothing of ours, so that it cannot agree with our mistakes;
panoramisk and pyst2 talk to it in the tests, and ``tests/asterisk/test_ami_contract.py`` asks a real Asterisk the same
questions.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import cast

EVERYTHING = frozenset(["system", "call", "user", "command", "originate", "reporting", "dialplan"])
PATIENCE = 10.0  # how long `until` waits before it calls a test failed
BUFFER = 1024  # inbuf[1025] of manager.c
MOST_HEADERS = 128
RIGHTS = {
    "command": {"command"},
    "coreshowchannels": {"system", "reporting"},
    "devicestatelist": {"call", "reporting"},
    "getvar": {"call", "reporting"},
    "hangup": {"system", "call"},
    "originate": {"originate"},
    "setvar": {"call"},
    "status": {"system", "call", "reporting"},
    "userevent": {"user"},
}


@dataclass
class Account:
    secret: str
    read: frozenset[str] = EVERYTHING
    write: frozenset[str] = EVERYTHING


@dataclass
class Action:
    """What a client sent, header by header, as manager.c would see it."""

    headers: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def name(self) -> str:
        return self.get("Action").lower()


@dataclass
class Channel:
    name: str
    uniqueid: str
    linkedid: str = ""
    caller: str = "<unknown>"
    caller_name: str = "<unknown>"
    exten: str = "s"
    state: str = "6"
    state_name: str = "Up"
    application: str = ""
    data: str = ""
    duration: str = "00:00:00"
    bridge: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()  # names of the variables told with each event (`channelvars`)

    def headers(self) -> list[tuple[str, str]]:
        return [
            ("Channel", self.name),
            ("ChannelState", self.state),
            ("ChannelStateDesc", self.state_name),
            ("CallerIDNum", self.caller),
            ("CallerIDName", self.caller_name),
            ("ConnectedLineNum", "<unknown>"),
            ("ConnectedLineName", "<unknown>"),
            ("Language", "en"),
            ("AccountCode", ""),
            ("Context", "lab"),
            ("Exten", self.exten),
            ("Priority", "1"),
            ("Uniqueid", self.uniqueid),
            ("Linkedid", self.linkedid or self.uniqueid),
            *(("ChanVariable", f"{name}={self.variables.get(name, '')}") for name in self.shown),
        ]


@dataclass
class Faults:
    """What goes wrong. Nothing, by default."""

    banner: bytes = b"Asterisk Call Manager/11.0.0\r\n"
    mute: bool = False  # reads everything and answers nothing: a half-open link
    silent_on: set[str] = field(default_factory=set)  # takes these actions and never answers
    late_on: set[str] = field(default_factory=set)  # keeps the answers of these until `release`
    drop_on: set[str] = field(default_factory=set)  # takes these actions, then the connection is gone
    cut_list_after: int | None = None  # drops the connection after so many items of a list
    cancel_list: bool = False  # ends a list with `EventList: cancelled`
    login_delay: float = 0.0  # manager.c sleeps a second before it refuses
    already_in_use: int = 0  # how many logins are refused because the one before still stands
    with_login: bytes = b""  # sent in one piece with the answer to a login


class FakeManager:
    """``async with FakeManager() as manager:`` listens on ``manager.port`` of the loopback."""

    def __init__(self, accounts: dict[str, Account] | None = None) -> None:
        self.accounts = accounts or {"tester": Account("a secret")}
        self.faults = Faults()
        self.channels: dict[str, Channel] = {}
        self.devices: dict[str, str] = {}
        self.contexts = {"lab"}  # where an Originate of a Local channel gets through
        self.outputs: dict[str, list[str]] = {"core show version": ["Asterisk 22.10.1 built by nobody"]}
        self.received: list[Action] = []
        self.raw = bytearray()  # every byte that any client sent
        self.connections = 0
        self.sessions: list[Session] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> FakeManager:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def listen(self) -> None:
        """Listen; a second time on the same port (an Asterisk that was restarted)."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        assert self._server is not None
        self._server.close()
        self.drop()
        await self._server.wait_closed()
        await self.until(lambda: not self.sessions)

    # What tests ask

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds; it is asked again whenever a byte, a connection or its end came in."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._changed.wait()

    def actions(self, name: str) -> list[Action]:
        return [action for action in self.received if action.name == name.lower()]

    @property
    def logged_in(self) -> list[Session]:
        return [session for session in self.sessions if session.user]

    # What tests do

    def emit(self, name: str, *headers: tuple[str, str]) -> None:
        """An event, to every session that wants events."""
        for session in self.logged_in:
            if session.wants_events:
                session.event(name, *headers)

    def send(self, data: bytes) -> None:
        """Raw bytes, to every session."""
        for session in list(self.sessions):
            session.write(data)

    def drop(self) -> None:
        """Every connection ends without a word."""
        for session in list(self.sessions):
            session.abort()

    def release(self) -> None:
        """Give the answers that ``late_on`` kept."""
        self.faults.late_on.clear()
        for session in list(self.sessions):
            kept, session.kept = session.kept, []
            for action in kept:
                session.perform(action)

    def touch(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def number(self) -> int:
        return next(self._numbers)


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, manager: FakeManager) -> None:
        self.manager = manager
        self.user = ""
        self.wants_events = False
        self.kept: list[Action] = []
        self._nonce = ""
        self._input = b""
        self._headers: list[str] = []
        self._too_long = False
        self._too_many = False
        self._transport: asyncio.Transport | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its ancestry
        self.manager.sessions.append(self)
        self.manager.connections += 1
        self.write(self.manager.faults.banner)
        self.manager.touch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self.manager.sessions:
            self.manager.sessions.remove(self)
        for timer in self._timers:
            timer.cancel()
        self.manager.touch()

    def data_received(self, data: bytes) -> None:
        self.manager.raw += data
        self._input += data
        while self._input and self._one_line():
            pass
        self.manager.touch()

    # Reading, as get_input and do_message do it

    def _one_line(self) -> bool:
        end = self._input.find(b"\n", 0, BUFFER)
        if end < 0:
            if len(self._input) < BUFFER:
                return False
            self._input = self._input[BUFFER:]
            self._too_long = True
            return True
        line, self._input = self._input[:end], self._input[end + 1 :]
        if line.endswith(b"\r"):
            line = line[:-1]
        text = line.split(b"\0")[0].decode("utf-8", "surrogateescape")  # a C string ends at NUL
        if not text:
            self._end_of_message()
        elif len(self._headers) < MOST_HEADERS:
            self._headers.append(text)
        else:
            self._too_many = True
        return True

    def _end_of_message(self) -> None:
        headers, self._headers = self._headers, []
        too_long, self._too_long = self._too_long, False
        too_many, self._too_many = self._too_many, False
        action = Action()
        for line in headers:
            name, colon, value = line.partition(":")
            if colon:
                action.headers.append((name, value.lstrip(" \t")))
        if self.manager.faults.mute:
            self.manager.received.append(action)
            return
        if too_long:
            self.error(action, "Failed to parse message: line too long")
        elif too_many:
            self.error(action, "Too many lines in message or allocation failure")
        else:
            self.manager.received.append(action)
            self.perform(action)

    # Acting

    def perform(self, action: Action) -> None:
        faults, name = self.manager.faults, action.name
        if name in faults.drop_on:
            self.abort()
        elif name in faults.late_on:
            self.kept.append(action)
        elif name in faults.silent_on:
            pass
        elif not name:
            self.error(action, "Missing action in request")
        elif name in ("login", "logoff", "challenge"):
            getattr(self, f"do_{name}")(action)
        elif not self._may(name):
            self.error(action, "Permission denied")
        elif (verb := getattr(self, f"do_{name}", None)) is None:
            self.error(
                action,
                f"Invalid/unknown command: {action.get('Action')}. "
                "Use Action: ListCommands to show available commands.",
            )
        else:
            verb(action)

    def _may(self, name: str) -> bool:
        return bool(self.user) and (name not in RIGHTS or bool(RIGHTS[name] & self.manager.accounts[self.user].write))

    def do_login(self, action: Action) -> None:
        faults = self.manager.faults
        name = action.get("Username")
        account = self.manager.accounts.get(name)
        if faults.already_in_use > 0:
            faults.already_in_use -= 1
            self._refuse(action, "Login Already In Use")
            return
        if action.get("AuthType").lower() == "md5":
            expected = account and hashlib.md5((self._nonce + account.secret).encode()).hexdigest()
            right = bool(self._nonce) and action.get("Key") == expected
        else:
            right = account is not None and action.get("Secret") == account.secret
        if not right:
            self._refuse(action, "Authentication failed")
            return
        self.user = name
        events = action.get("Events").lower()
        self.wants_events = events not in ("off", "0", "false", "no")
        self.answer(action, "Success", [("Message", "Authentication accepted")], after=faults.with_login)
        if self.wants_events and (events in ("", "on") or "system" in events):
            self.event("FullyBooted", ("Privilege", "system,all"), ("Uptime", "34"), ("Status", "Fully Booted"))

    def _refuse(self, action: Action, why: str) -> None:
        def refuse() -> None:
            self.error(action, why)
            assert self._transport is not None
            self._transport.close()

        self._timers.append(asyncio.get_running_loop().call_later(self.manager.faults.login_delay, refuse))

    def do_challenge(self, action: Action) -> None:
        if action.get("AuthType").lower() != "md5":
            self.error(action, "Must specify AuthType")
            return
        self._nonce = str(100000000 + self.manager.number())
        self.answer(action, "Success", [("Challenge", self._nonce)])

    def do_logoff(self, action: Action) -> None:
        self.answer(action, "Goodbye", [("Message", "Thanks for all the fish.")])
        assert self._transport is not None
        self._transport.close()

    def do_ping(self, action: Action) -> None:
        self.answer(action, "Success", [("Ping", "Pong"), ("Timestamp", "1795294090.210400")])

    def do_events(self, action: Action) -> None:
        self.wants_events = action.get("EventMask").lower() != "off"
        self.answer(action, "Success", [("Events", "On" if self.wants_events else "Off")])

    def do_coreshowchannels(self, action: Action) -> None:
        rows = [
            (
                "CoreShowChannel",
                [
                    *channel.headers(),
                    ("Application", channel.application),
                    ("ApplicationData", channel.data),
                    ("Duration", channel.duration),
                    ("BridgeId", channel.bridge),
                ],
            )
            for channel in self.manager.channels.values()
        ]
        self._list(action, "Channels will follow", rows, "CoreShowChannelsComplete")

    def do_status(self, action: Action) -> None:
        asked = [name for name in action.get("Variables").split(",") if name]
        rows = [
            (
                "Status",
                [
                    ("Privilege", "Call"),
                    *channel.headers(),
                    ("Type", channel.name.partition("/")[0]),
                    ("BridgeID", channel.bridge),
                    ("Application", channel.application),
                    ("Data", channel.data),
                    (
                        "Seconds",
                        str(sum(int(part) * 60**n for n, part in enumerate(channel.duration.split(":")[::-1]))),
                    ),
                    *(("Variable", f"{name}={channel.variables.get(name, '(null)')}") for name in asked),
                ],
            )
            for channel in self.manager.channels.values()
        ]
        self._list(action, "Channel status will follow", rows, "StatusComplete")

    def do_devicestatelist(self, action: Action) -> None:
        rows = [
            ("DeviceStateChange", [("Device", device), ("State", state)])
            for device, state in self.manager.devices.items()
        ]
        self._list(action, "Device State Changes will follow", rows, "DeviceStateListComplete")

    def do_command(self, action: Action) -> None:
        line = action.get("Command")
        output = self.manager.outputs.get(line)
        known = output is not None
        if output is None:
            output = [f"No such command '{line}' (type 'core show help {line}' for other possible commands)"]
        headers = [("Message", "Command output follows"), *(("Output", text) for text in output)]
        self.answer(action, "Success" if known else "Error", headers)

    def do_originate(self, action: Action) -> None:
        target = action.get("Channel")
        application = action.get("Application")
        if not target:
            self.error(action, "Channel not specified")
            return
        if not application and not (action.get("Context") and action.get("Exten") and action.get("Priority")):
            self.error(action, "Originate with 'Exten' requires 'Context' and 'Priority'")
            return
        reachable = target.startswith("Local/") and target.partition("@")[2].split("/")[0] in self.manager.contexts
        waits = action.get("Async").lower() in ("true", "yes", "1", "on")
        if not waits and not reachable:
            self.error(action, "Originate failed")
            return
        self.answer(action, "Success", [("Message", "Originate successfully queued")])
        uniqueid = action.get("ChannelId") or f"1795294090.{self.manager.number()}"
        channel = Channel(f"{target.removesuffix('/n')}-{self.manager.number():08x};1", uniqueid)
        if reachable:
            for header in action.all("Variable"):
                for argument in split_arguments(header):
                    name, equals, value = argument.partition("=")
                    if name and equals:
                        channel.variables[name] = value
            self.manager.channels[uniqueid] = channel
            self.manager.emit("Newchannel", ("Privilege", "call,all"), *channel.headers())
        self.manager.emit(
            "OriginateResponse",
            ("Privilege", "call,all"),
            ("ActionID", action.get("ActionID")),
            ("Response", "Success" if reachable else "Failure"),
            ("Channel", channel.name if reachable else target),
            ("Reason", "4" if reachable else "0"),
            ("Uniqueid", uniqueid),
        )

    def do_getvar(self, action: Action) -> None:
        channel = self._find(action)
        if channel is not None:
            name = action.get("Variable")
            self.answer(action, "Success", [("Variable", name), ("Value", channel.variables.get(name, ""))])

    def do_setvar(self, action: Action) -> None:
        channel = self._find(action)
        if channel is not None:
            channel.variables[action.get("Variable")] = action.get("Value")
            self.answer(action, "Success", [("Message", "Variable Set")])

    def do_hangup(self, action: Action) -> None:
        channel = self._find(action)
        if channel is not None:
            del self.manager.channels[channel.uniqueid]
            self.answer(action, "Success", [("Message", "Channel Hungup")])
            cause = (("Privilege", "call,all"), *channel.headers(), ("Cause", "16"), ("Cause-txt", "Normal Clearing"))
            self.manager.emit("Hangup", *cause)

    def do_userevent(self, action: Action) -> None:
        self.answer(action, "Success", [("Message", "Event Sent")])
        rest = [pair for pair in action.headers if pair[0].lower() not in ("action", "userevent")]
        self.manager.emit("UserEvent", ("Privilege", "user,all"), ("UserEvent", action.get("UserEvent")), *rest)

    def _find(self, action: Action) -> Channel | None:
        wanted = action.get("Channel")
        for channel in self.manager.channels.values():
            if wanted in (channel.name, channel.uniqueid):
                return channel
        self.error(action, "No such channel")
        return None

    # Writing

    def _list(self, action: Action, message: str, rows: list[tuple[str, list[tuple[str, str]]]], complete: str) -> None:
        faults = self.manager.faults
        self.answer(action, "Success", [("EventList", "start"), ("Message", message)])
        action_id = ("ActionID", action.get("ActionID"))
        for count, (name, headers) in enumerate(rows):
            if faults.cut_list_after == count:
                assert self._transport is not None
                self._transport.close()  # what was written before arrives; the rest never does
                return
            self.event(name, action_id, *headers)
        end = "cancelled" if faults.cancel_list else "Complete"
        self.event(complete, action_id, ("EventList", end), ("ListItems", str(len(rows))))

    def error(self, action: Action, message: str) -> None:
        self.answer(action, "Error", [("Message", message)])

    def answer(self, action: Action, status: str, headers: list[tuple[str, str]], after: bytes = b"") -> None:
        action_id = action.get("ActionID")
        lines = [("Response", status), *([("ActionID", action_id)] if action_id else []), *headers]
        self.write(_message(lines) + after)

    def event(self, name: str, *headers: tuple[str, str]) -> None:
        self.write(_message([("Event", name), *headers]))

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        if not self.manager.faults.mute and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()


def _message(lines: list[tuple[str, str]]) -> bytes:
    text = "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    return text.encode("utf-8", "surrogateescape")


def split_arguments(text: str) -> list[str]:
    """Split as ``__ast_app_separate_args`` of ``main/app.c`` does, written anew from its description."""
    arguments, current = [], ""
    depth, quoted = 0, False
    characters = iter(text.lstrip(" "))
    for character in characters:
        if character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == '"':
            quoted = not quoted
            continue
        elif character == "\\":
            current += next(characters, "")
            continue
        elif character == "," and not depth and not quoted:
            arguments.append(current)
            current = ""
            continue
        current += character
    return [*arguments, current]
