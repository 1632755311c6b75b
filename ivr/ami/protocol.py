"""The manager protocol, both ways: bytes in, messages out; an action in, bytes out.

Pure: no socket, no clock, no state but the bytes that have not yet made a whole message. Must not know who sends, who
waits for an answer, or what any event means. The rules are those of Asterisk's ``main/manager.c`` (22), each of them
tried on a live one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ivr.ami.errors import LocalProtocolError, RemoteProtocolError

EOL: Final = b"\r\n"
END_OF_MESSAGE: Final = b"\r\n\r\n"
BANNER: Final = "Asterisk Call Manager/"

# What Asterisk reads (manager.c: `inbuf[1025]`, `AST_MAX_MANHEADERS`). A longer line is thrown away and its rest can be
# read as a message of its own, so the limit is kept before anything is written. It includes CR LF: a line of 1,022
# bytes is read, one of 1,023 is not.
MAX_LINE_OUT: Final = 1024
MAX_HEADERS_OUT: Final = 128

# What we read. The banner is some 30 bytes; whatever sends more in its first line is no manager port. The longest
# honest messages are answers to commands (`dialplan show`: some hundred KiB); a peer that never ends one must not fill
# our memory.
MAX_BANNER_IN: Final = 256
MAX_MESSAGE_IN: Final = 4 * 1024 * 1024

_HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VARIABLE_NAME: Final = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*(\([A-Za-z0-9_,-]*\))?")
_LINE_BREAKERS: Final = {"\r": "CR", "\n": "LF", "\0": "NUL"}
_OWN_HEADERS: Final = frozenset({"action", "actionid"})

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


class Message:
    """The headers of one answer or event, in the order sent, repeated ones kept. Names are matched in any case."""

    __slots__ = ("_first", "headers")

    def __init__(self, headers: Sequence[tuple[str, str]]) -> None:
        self.headers: Final = tuple(headers)
        first: dict[str, str] = {}
        for name, value in self.headers:
            first.setdefault(name.lower(), value)
        self._first: Final = first

    def get(self, name: str, default: str = "") -> str:
        """The first value under that name."""
        return self._first.get(name.lower(), default)

    def all(self, name: str) -> list[str]:
        """Every value under that name: ``Output``, ``ChanVariable`` and ``Variable`` come more than once."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def __getitem__(self, name: str) -> str:
        """The first value under that name. Raises KeyError when there is none."""
        return self._first[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.headers)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Message) and self.headers == other.headers

    def __hash__(self) -> int:
        return hash(self.headers)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}: {value}" for name, value in self.headers)
        return f"<{type(self).__name__} {inside!r}>"

    @property
    def action_id(self) -> str:
        """The action that this belongs to; empty when it belongs to none."""
        return self._first.get("actionid", "")

    @property
    def starts_list(self) -> bool:
        """Does a list of events follow (``EventList: start``)?"""
        return self._first.get("eventlist", "").lower() == "start"

    @property
    def ends_list(self) -> bool:
        """Is this the last of a list (``EventList: Complete``)?"""
        return self._first.get("eventlist", "").lower() == "complete"

    @property
    def cancels_list(self) -> bool:
        """Did Asterisk give the list up in the middle (``EventList: cancelled``)?"""
        return self._first.get("eventlist", "").lower() == "cancelled"


class Banner(Message):
    """The first line of a connection."""

    __slots__ = ()

    @property
    def version(self) -> str:
        """The version of the protocol (11.0.0 in Asterisk 22), not of Asterisk."""
        return self.get("version")


class Response(Message):
    """The answer to an action. Whatever does not begin with ``Event:`` is one."""

    __slots__ = ()

    @property
    def status(self) -> str:
        """``Success``, ``Error``, ``Goodbye``, …"""
        return self._first.get("response", "")

    @property
    def is_error(self) -> bool:
        """Was the action refused?"""
        return self.status.lower() == "error"

    @property
    def text(self) -> str:
        """What Asterisk says about it."""
        return self._first.get("message", "")


class Event(Message):
    """Something that happened in Asterisk, or one item of a list.

    It is the first header that makes an event: ``OriginateResponse`` also carries a ``Response:`` header and the
    ActionID of the Originate, and is no answer.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """``Newchannel``, ``Hangup``, …"""
        return self._first.get("event", "")


class Decoder:
    """Bytes in, messages out. Any split of the same bytes gives the same messages.

    Bytes become text one whole message at a time, so a character that was cut in two by the network comes out whole,
    and bytes that are no UTF-8 (a caller's name in Latin-1) survive as surrogates and can be sent back unchanged.
    Only CR LF ends a line, as manager.c writes it: a bare LF inside a value stays inside that value.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # no end of message begins before this place
        self._greeted = False
        self._broken: RemoteProtocolError | None = None

    def feed(self, data: bytes) -> None:
        """Take what was read. Call ``next_message`` until it gives None before feeding more."""
        self._buffer += data

    def next_message(self) -> Banner | Response | Event | None:
        """The next whole message, or None when more bytes are needed.

        Raises RemoteProtocolError, once and for ever, when the peer speaks something else or never ends a message.
        """
        if self._broken is not None:
            raise self._broken
        if not self._greeted:
            return self._banner()
        while True:
            end = self._find(END_OF_MESSAGE, MAX_MESSAGE_IN, "a message")
            if end < 0:
                return None
            text = self._take(end, len(END_OF_MESSAGE))
            headers = [_split(line) for line in text.split("\r\n") if line]
            if headers:  # empty lines between messages are nothing
                return Event(headers) if headers[0][0].lower() == "event" else Response(headers)

    def _banner(self) -> Banner | None:
        end = self._find(EOL, MAX_BANNER_IN, "its first line")
        if end < 0:
            return None
        line = self._take(end, len(EOL))
        if not line.startswith(BANNER):
            raise self._break(f"The peer greets with {line[:60]!r}, which is no Asterisk manager.")
        self._greeted = True
        return Banner([("Version", line.removeprefix(BANNER).strip())])

    def _find(self, end_mark: bytes, limit: int, what: str) -> int:
        end = self._buffer.find(end_mark, self._searched)
        earliest = end if end >= 0 else len(self._buffer) - len(end_mark) + 1
        if earliest > limit:
            raise self._break(f"The peer sent {what} of more than {limit} bytes.")
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(end_mark) + 1)
        return end

    def _take(self, end: int, mark: int) -> str:
        text = self._buffer[:end].decode("utf-8", "surrogateescape")
        del self._buffer[: end + mark]
        self._searched = 0
        return text

    def _break(self, message: str) -> RemoteProtocolError:
        self._buffer.clear()
        self._broken = RemoteProtocolError(
            message, remedy="Check that host and port are those of the manager in manager.conf."
        )
        return self._broken


def _split(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        return "", line
    return name, value[1:] if value.startswith(" ") else value  # one blank belongs to the mark; more are the value's


def encode_action(
    name: str, action_id: str, headers: Headers = (), variables: Mapping[str, str] | None = None
) -> bytes:
    """One action as it goes on the wire.

    ``variables`` are channel variables (Originate): each goes into a ``Variable:`` header of its own, quoted, so that a
    comma in a value does not begin a second variable. ``Variable`` and ``Value`` of Getvar and Setvar are ordinary
    headers: Asterisk takes those as they stand.

    Raises LocalProtocolError for whatever would be read as something else than was meant.
    """
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    for key, _ in pairs:
        if key.lower() in _OWN_HEADERS:
            raise LocalProtocolError(f"The header {key} is the client's own.", remedy="Leave it out.")
        if key.lower() == "variable" and name.lower() == "originate":
            raise LocalProtocolError(
                "A Variable header of an Originate is split at commas.", remedy="Give it in `variables`, which quotes."
            )
    lines = [_line("Action", name), _line("ActionID", action_id), *(_line(key, value) for key, value in pairs)]
    lines += [_line("Variable", quote_variable(key, value)) for key, value in (variables or {}).items()]
    if len(lines) > MAX_HEADERS_OUT:
        raise LocalProtocolError(
            f"The action {name} has {len(lines)} headers; Asterisk reads {MAX_HEADERS_OUT}.", remedy="Send fewer."
        )
    return b"".join(lines) + EOL


def quote_variable(name: str, value: str) -> str:
    """``name="value"`` such that Asterisk sets exactly that variable to exactly that value.

    The header is split by the rules for application arguments (``main/app.c``, ``__ast_app_separate_args``): inside
    double quotes a comma is a comma, quotes are taken away, a backslash makes the next character plain.
    """
    if not _VARIABLE_NAME.fullmatch(name):
        raise LocalProtocolError(
            f"{name!r} is no name of a channel variable.", remedy="Use letters, digits and _, or FUNCTION(args)."
        )
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _line(name: str, value: str) -> bytes:
    if not _HEADER_NAME.fullmatch(name):
        raise LocalProtocolError(f"{name!r} is no name of a header.", remedy="Use letters, digits, - and _.")
    for character, word in _LINE_BREAKERS.items():
        if character in value:
            # Asterisk takes a bare LF as the end of a line, and there is no way to escape one.
            raise LocalProtocolError(
                f"The value of {name} holds {word}, which would begin another header or action.",
                remedy="Take it out where the value comes in.",
            )
    try:
        line = f"{name}: {value}".encode("utf-8", "surrogateescape") + EOL
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"The value of {name} is no text: {error.reason}.") from None
    if len(line) > MAX_LINE_OUT:
        raise LocalProtocolError(
            f"The header {name} takes {len(line)} bytes; Asterisk reads {MAX_LINE_OUT}.", remedy="Shorten the value."
        )
    return line
