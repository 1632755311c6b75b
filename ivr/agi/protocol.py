"""The rules of AGI: bytes in, events out; commands to bytes. No socket, no clock, no channel state.

One ``AgiProtocol`` follows one session::

    protocol.receive(b"agi_network: yes\\n…\\n\\n")
    protocol.next_event()                         # Environment
    wire = protocol.send(("STREAM", "FILE", "welcome", "#"))
    protocol.receive(b"200 result=35 endpos=4480\\n")
    protocol.next_event()                         # Answer(200, "35", None, 4480)

What stands on the wire is read from Asterisk's ``res/res_agi.c``: ``setup_env`` (environment), ``parse_args`` (words of
a command), ``agi_handle_command`` (510, 511, 520), ``run_agi`` (the ``HANGUP`` line) and the ``handle_*`` functions
(200). The same bytes give the same events however the network cuts them.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from ivr.agi.errors import LocalProtocolError, RemoteProtocolError

MAX_LINE_BYTES: Final = 64 * 1024
"""An answer, with all its lines. GET VARIABLE of a function is cut at 1,023 bytes by Asterisk and a plain variable is
rarely over a few KiB; whoever sends more without an end is no Asterisk."""

MAX_ENVIRONMENT_BYTES: Final = 64 * 1024
"""The whole environment. Asterisk's is about 600 bytes; caller ID of 5,000 characters and long arguments still fit."""

MAX_ENVIRONMENT_LINES: Final = 256
"""Asterisk writes 22 lines and one per argument, of which there are at most 127."""

MAX_ASIDES: Final = 16
"""HANGUP and Trying lines between two commands. Asterisk writes HANGUP twice at most (noticed, session ends) and Trying
once; a flood of them would cost time without end."""

MAX_COMMAND_BYTES: Final = 8191
"""A command line with its newline. ``AGI_BUF_LEN`` is 8,192 with the closing NUL; what is longer is cut, and the rest
is run as a command of its own."""

MOST_WORDS: Final = 4096
"""Words remembered as they are written on the wire: verbs, prompts and lengths come back in every call."""

MAX_COMMAND_WORDS: Final = 127
"""``MAX_ARGS`` is 128 with the closing NULL; ``parse_args`` drops what is beyond."""

_CODEC: Final = "utf-8"
_ERRORS: Final = "surrogateescape"  # callers' names come as the trunk sent them: any bytes, and they must go back alike

# How many words the verb has, by its first word (the table ``commands[]`` in res_agi.c). One word when not listed.
_VERB_WORDS: Final[Mapping[str, int]] = {
    "ASYNCAGI": 2,
    "CHANNEL": 2,
    "CONTROL": 3,
    "DATABASE": 2,
    "GET": 2,
    "RECEIVE": 2,
    "RECORD": 2,
    "SAY": 2,
    "SEND": 2,
    "SET": 2,
    "SPEECH": 2,
    "STREAM": 2,
    "TDD": 2,
    "WAIT": 3,
}
# What nearly every command of a call is, found by one look: a call asks for its verbs twenty times.
_COMMON_VERBS: Final[Mapping[tuple[object, object], str]] = {
    ("GET", "DATA"): "GET DATA",
    ("GET", "OPTION"): "GET OPTION",
    ("SET", "VARIABLE"): "SET VARIABLE",
    ("STREAM", "FILE"): "STREAM FILE",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What Asterisk tells at the start: ``agi_channel``, ``agi_callerid``, ``agi_arg_1`` … with their values."""

    values: Mapping[str, str]


class Answer(NamedTuple):
    """What Asterisk answered to one command.

    ``result`` is the text after ``result=``: a number for most commands, the digits for GET DATA; empty unless
    ``code`` is 200. ``data`` is what stood behind it, most often in parentheses (a variable's value, ``timeout``,
    ``hangup``), the usage text for 520 and the sentence for other codes. ``endpos`` is where playing or recording
    ended, in samples.
    """

    code: int
    result: str
    data: str | None = None
    endpos: int | None = None

    @property
    def timed_out(self) -> bool:
        """The mark ``(timeout)`` of GET DATA, RECEIVE CHAR and RECORD FILE. A variable may simply hold that word."""
        return self.data == "timeout"

    @property
    def digit(self) -> str:
        """The key pressed, for commands that give its ASCII code (STREAM FILE, GET OPTION, WAIT FOR DIGIT, …).

        Empty when there was none.
        """
        code = int(self.result) if self.result.isdecimal() else 0
        return chr(code) if 0 < code < 128 else ""


@dataclass(frozen=True, slots=True)
class Hangup:
    """Asterisk noticed that the caller is gone. Not an answer: the session goes on in dead mode."""


Event = Environment | Answer | Hangup


class _State(enum.Enum):
    ENVIRONMENT = enum.auto()  # the environment has not ended yet
    IDLE = enum.auto()  # no command is running: nothing but HANGUP may come
    AWAITING = enum.auto()  # one command is running
    BROKEN = enum.auto()  # the peer broke the rules: nothing it sends can be understood any more


_ENVIRONMENT, _IDLE, _AWAITING, _BROKEN = _State

_HANGUP_LINE: Final = b"HANGUP"
_HANGUP: Final = Hangup()
_FIRST_BYTES: Final = b"agi_"

# Most answers of a call are one of these few; looking them up whole is the hot path of a busy hotline.
_COMMON: Final[Mapping[bytes, Answer]] = {
    b"200 result=%d\n" % number: Answer(200, str(number)) for number in (-1, 0, 1, *b"0123456789*#ABCD")
}

_SIMPLE: Final = re.compile(rb"200 result=([^\s(]*)(?: endpos=(-?\d+))?\n")
_OPENED: Final = re.compile(rb"200 result=[^\s(]* \(")
# Where a value may end: at a `)` that ends the line, or that only endpos follows. (The SPEECH commands write more
# behind it; Goldline does not use them, and to read them here would cut values of other commands short.)
_CLOSED: Final = re.compile(rb"\)(?: endpos=(-?\d+))?\n")
_REMARKED: Final = re.compile(rb"200 result=([^\s(]*) ([^\n]*)\n")  # GOSUB: `200 result=-1 Gosub label not found`
_REFUSAL: Final = re.compile(rb"(5\d\d) ([^\n]*)\n")
_USAGE_BEGINS: Final = b"520-"
# Not only at the start of a line: Asterisk writes the usage text before it as it is, whether or not it ends its line.
_USAGE_ENDS: Final = re.compile(rb"520 End of proper usage\.\n")
_TRYING: Final = b"100 "

_ENVIRONMENT_LINE: Final = re.compile(r"^(agi_\w+): (.*)$", re.MULTILINE)
# Written before anything that a caller controls (setup_env): a second one is forged by a newline in a caller's value.
_BEFORE_CALLER: Final = frozenset(
    {
        "agi_network",
        "agi_network_script",
        "agi_request",
        "agi_channel",
        "agi_language",
        "agi_type",
        "agi_uniqueid",
        "agi_version",
    }
)


class AgiProtocol:
    """One session's bytes and whose turn it is. See the module for how it is driven."""

    __slots__ = ("_asides", "_buffer", "_scanned", "_state")

    def __init__(self) -> None:
        self._asides = 0
        self._buffer = b""
        self._scanned = 0  # bytes of the buffer in which no end can be found any more
        self._state = _ENVIRONMENT

    def receive(self, data: bytes) -> None:
        """Take in what the peer sent. Ask ``next_event`` until it gives None before receiving more."""
        if self._state is not _BROKEN:
            self._buffer = self._buffer + data if self._buffer else data

    def next_event(self) -> Event | None:
        """What has happened next; None when more bytes are needed.

        Raises RemoteProtocolError, now and ever after, when the peer broke the rules.
        """
        buffer = self._buffer
        if self._state is _AWAITING:
            common = _COMMON.get(buffer)
            if common is not None:
                self._buffer = b""
                self._scanned = 0
                self._state = _IDLE
                return common
        elif self._state is _BROKEN:
            raise RemoteProtocolError("The peer broke the rules of AGI earlier.")
        if not buffer:
            return None
        return self._next_line() if self._state is not _ENVIRONMENT else self._read_environment()

    def send(self, words: Sequence[str | int | float]) -> bytes:
        """The bytes of a command, whose answer is awaited from now on.

        Raises LocalProtocolError when the command cannot be written, or when it is not our turn: Asterisk stops a
        running command when the next one arrives, some without any answer (``handle_getdata``), so never pipeline.
        """
        if self._state is not _IDLE:
            raise LocalProtocolError(
                "Another command of this session is still running."
                if self._state is _AWAITING
                else "The session is not ready for a command.",
                verb=verb_of(words),
                remedy="Await one command before the next.",
            )
        line = encode(words)
        self._asides = 0
        self._state = _AWAITING
        return line

    def _take(self, length: int) -> bytes:
        taken = self._buffer[:length]
        self._buffer = self._buffer[length:]
        self._scanned = 0
        return taken

    def _break(self, why: str) -> RemoteProtocolError:
        self._state = _BROKEN
        self._buffer = b""
        return RemoteProtocolError(why)

    def _read_environment(self) -> Event | None:
        if not self._buffer.startswith(_FIRST_BYTES[: len(self._buffer)]):
            raise self._break("The peer does not speak AGI.")
        end = self._buffer.find(b"\n\n", self._scanned)
        if (len(self._buffer) if end < 0 else end + 2) > MAX_ENVIRONMENT_BYTES:
            raise self._break(f"The environment is longer than {MAX_ENVIRONMENT_BYTES} bytes.")
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 1)
            return None
        text = self._take(end + 2)[:-2].decode(_CODEC, _ERRORS)
        lines = text.count("\n") + 1
        if lines > MAX_ENVIRONMENT_LINES:
            raise self._break(f"The environment has more than {MAX_ENVIRONMENT_LINES} lines.")
        values = dict(_ENVIRONMENT_LINE.findall(text))
        if len(values) != lines:  # a value holds a newline, or the lines are no environment
            values = _read_environment_slowly(text)
            if not values:
                raise self._break("The environment is not made of `agi_name: value` lines.")
        self._state = _IDLE
        return Environment(values)

    def _next_line(self) -> Event | None:
        """One line, or the lines of one answer. The buffer is not empty."""
        while True:
            buffer = self._buffer
            newline = buffer.find(b"\n")
            if newline < 0:
                self._check_length()
                return None
            if newline == len(_HANGUP_LINE) and buffer.startswith(_HANGUP_LINE):
                self._step_aside(newline)
                return _HANGUP
            if self._state is not _AWAITING:
                raise self._break("Asterisk answered though nothing was asked: the session is out of step.")
            if not buffer.startswith(_TRYING):
                return self._read_answer(newline)
            if newline >= MAX_LINE_BYTES:
                raise self._break(f"A line is longer than {MAX_LINE_BYTES} bytes.")
            self._step_aside(newline)  # `100 result=0 Trying...`: the real answer follows
            if not self._buffer:
                return None

    def _step_aside(self, newline: int) -> None:
        """Take a line that is no answer."""
        self._asides += 1
        if self._asides > MAX_ASIDES:
            raise self._break("Asterisk does not say HANGUP or Trying that often.")
        self._take(newline + 1)

    def _check_length(self) -> None:
        if len(self._buffer) >= MAX_LINE_BYTES:
            raise self._break(f"An answer is longer than {MAX_LINE_BYTES} bytes.")

    def _read_answer(self, newline: int) -> Answer | None:
        buffer = self._buffer
        if simple := _SIMPLE.match(buffer):
            length = simple.end()
            endpos = simple[2]
            answer = Answer(200, _text(simple[1]), None, None if endpos is None else int(endpos))
        elif opened := _OPENED.match(buffer):
            closed = _CLOSED.search(buffer, max(opened.end(), self._scanned))
            if closed is None:
                # The value goes on in the next line. Only that line can close it: an end never spans two.
                self._scanned = buffer.rfind(b"\n") + 1
                self._check_length()
                return None
            length = closed.end()
            endpos = closed[1]
            answer = Answer(
                200,
                _text(buffer[len(b"200 result=") : opened.end() - 2]),
                _text(buffer[opened.end() : closed.start()]),
                None if endpos is None else int(endpos),
            )
        elif remarked := _REMARKED.match(buffer):
            length = remarked.end()
            answer = Answer(200, _text(remarked[1]), _text(remarked[2]))
        elif buffer.startswith(_USAGE_BEGINS):
            ended = _USAGE_ENDS.search(buffer, self._scanned)
            if ended is None:
                self._scanned = buffer.rfind(b"\n") + 1
                self._check_length()
                return None
            length = ended.end()
            answer = Answer(520, "", _text(buffer[newline + 1 : ended.start()]).rstrip("\n"))
        elif refusal := _REFUSAL.match(buffer):
            length = refusal.end()
            answer = Answer(int(refusal[1]), "", _text(refusal[2]))
        else:
            raise self._break("A line is no answer of Asterisk's: the session is out of step.")
        if length > MAX_LINE_BYTES:
            raise self._break(f"An answer is longer than {MAX_LINE_BYTES} bytes.")
        self._take(length)
        self._state = _IDLE
        return answer


def encode(words: Sequence[str | int | float]) -> bytes:
    """A command line as ``parse_args`` in res_agi.c takes it apart again, with its newline.

    Raises LocalProtocolError for what AGI cannot carry: no word at all, more than 127 words, over 8,191 bytes, CR, LF
    or NUL in a word, a number that is not finite.
    """
    line = " ".join(map(_word, words))
    if not words or line[:7].lower() == "failure":
        # A line that begins with `failure` ends the AGI session with AGISTATUS=FAILURE (run_agi).
        raise LocalProtocolError("A command needs a verb, and `failure` is none.")
    try:
        data = line.encode(_CODEC, _ERRORS) + b"\n"
    except UnicodeEncodeError as error:
        raise LocalProtocolError("A word holds half a character.", verb=verb_of(words)) from error
    if len(data) > MAX_COMMAND_BYTES or len(words) > MAX_COMMAND_WORDS:
        raise LocalProtocolError(
            f"A command of {len(words)} words and {len(data)} bytes is more than Asterisk takes "
            f"({MAX_COMMAND_WORDS} words, {MAX_COMMAND_BYTES} bytes).",
            verb=verb_of(words),
            remedy="Shorten the value, or hand it over in several variables.",
        )
    return data


def quote(word: str) -> str:
    """A word in quotes, so that spaces stay in it and nothing in it means anything to Asterisk.

    Raises LocalProtocolError for CR, LF and NUL: there is no way to write them in a command, and a newline would begin
    another command.
    """
    if not word.isprintable() and _UNWRITABLE.search(word):  # what is printable holds none of the three
        raise LocalProtocolError(
            "A word holds CR, LF or NUL, which AGI cannot carry.", remedy="Strip them from what callers send."
        )
    if '"' in word or "\\" in word:
        word = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{word}"'


_UNWRITABLE: Final = re.compile(r"[\r\n\0]")


def verb_of(words: Sequence[str | int | float]) -> str:
    """The verb of a command, for messages and metrics: ``GET VARIABLE``. Never an argument: it may be a PIN."""
    if not words:
        return ""
    if len(words) > 1 and (common := _COMMON_VERBS.get((words[0], words[1]))):
        return common
    count = _VERB_WORDS.get(str(words[0]).upper(), 1)
    if count == 2 and [str(word).upper() for word in words[:2]] == ["GET", "FULL"]:
        count = 3
    return " ".join([str(word) for word in words[:count]]).upper()


@lru_cache(maxsize=MOST_WORDS, typed=True)  # typed: 1, 1.0 and True are equal and not written alike
def _word(word: str | int | float) -> str:
    if isinstance(word, str):
        return word if word.isalnum() else quote(word)
    if isinstance(word, float):
        if not math.isfinite(word):
            raise LocalProtocolError(f"{word} is no number that Asterisk can read.")
        return f"{word:.6f}".rstrip("0").rstrip(".")
    return str(int(word))


def _text(data: bytes) -> str:
    return data.decode(_CODEC, _ERRORS)


def _read_environment_slowly(text: str) -> dict[str, str]:
    """An environment in which a value goes over several lines; empty when it is none.

    A caller's name with a newline may so pretend to be another line. Asterisk writes each name once and in a fixed
    order, so of two the one that is known to stand on the true side of the caller's values counts.
    """
    values: dict[str, str] = {}
    last = ""
    for line in text.split("\n"):
        name, colon, value = line.partition(": ")
        if colon and _ENVIRONMENT_LINE.match(line):
            if name in values and name in _BEFORE_CALLER:
                continue
            values[name] = value
            last = name
        elif last:
            values[last] += "\n" + line
        else:
            return {}
    return values
