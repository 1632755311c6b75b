"""A fake Asterisk that calls a FastAGI server over real TCP, and keeps a channel's state as Asterisk does.

Use it to test whole calls without a telephone: say what the caller does, let it call, look at what became of it::

    asterisk = FakeAsterisk(caller_id="13800000000", arguments=["95500"])
    asterisk.press("1", "600519#")              # each key when the controller listens for one
    asterisk.hang_up_when_listening()           # and then the caller has had enough
    await asterisk.call("127.0.0.1", server.port)
    assert asterisk.channel.heard == ["/sounds/welcome", "/sounds/quote"]
    assert asterisk.channel.variables["GOLDLINE_DONE"] == "hangup"

Time is virtual: a sound of ten seconds takes none to play, yet its ``endpos`` is right. A caller acts in two ways:

* as a queue, ``press`` and ``hang_up_when_listening``: each key is pressed when a command listens for it, after the
  sound that this command plays has ended (``barge_in=True``: as it begins). The patient caller of most tests.
* on a timeline, ``press_at`` and ``hang_up_at``, in seconds since the channel began: each key is pressed at its moment,
  whatever Asterisk does then. A key that comes while STREAM FILE plays without it among its escape digits is lost, and
  so is one that comes while no command runs (``FakeChannel.passes``), as in Asterisk. For type-ahead and for races.

A caller who comes back to a restarted controller is a new FakeAsterisk with the old one's ``channel``.
``Misbehaviour`` makes it break the rules at a given command: raw bytes, no answer, a cut connection, a late HANGUP.

How it is kept honest: the answers follow ``res/res_agi.c`` (``handle_*``, ``parse_args``, ``run_agi``) and
``main/app.c`` (``ast_app_getdata``) of Asterisk 22, the functions' names stand at each place; and ``SCRIPT`` below is a
list of commands with the answers that matter, which a test runs against this fake and another, marked ``asterisk``,
against a real Asterisk. Change both or neither. All of it, and what hanging up and keys do at each point, was seen on
a live Asterisk 22.10.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SAMPLES_PER_SECOND = 8000
DEFAULT_SOUND_SECONDS = 2.0
DEFAULT_DIGIT_TIMEOUT = 5.0  # the channel's dtimeoutms when nothing has set it
DEFAULT_RESPONSE_TIMEOUT = 10.0  # the channel's rtimeoutms
AGI_BUFFER = 8192  # AGI_BUF_LEN
MOST_WORDS = 127  # MAX_ARGS - 1
FUNCTION_BUFFER = 1024  # handle_getvariable's tempstr

ANY_KEY = "0123456789*#ABCD"

# commands[] in res_agi.c, those a hotline may use: verb -> does it work on a dead channel?
VERBS: dict[tuple[str, ...], bool] = {
    ("ANSWER",): False,
    ("CHANNEL", "STATUS"): False,
    ("CONTROL", "STREAM", "FILE"): False,
    ("DATABASE", "DEL"): True,
    ("DATABASE", "GET"): True,
    ("DATABASE", "PUT"): True,
    ("EXEC",): True,
    ("GET", "DATA"): False,
    ("GET", "FULL", "VARIABLE"): True,
    ("GET", "OPTION"): False,
    ("GET", "VARIABLE"): True,
    ("HANGUP",): False,
    ("NOOP",): True,
    ("RECORD", "FILE"): False,
    ("SAY", "DIGITS"): False,
    ("SAY", "NUMBER"): False,
    ("SET", "AUTOHANGUP"): False,
    ("SET", "CONTEXT"): False,
    ("SET", "EXTENSION"): False,
    ("SET", "MUSIC"): False,
    ("SET", "PRIORITY"): False,
    ("SET", "VARIABLE"): True,
    ("STREAM", "FILE"): False,
    ("VERBOSE",): True,
    ("WAIT", "FOR", "DIGIT"): False,
}

# The same dialogue against this fake and a real Asterisk: a command, and a pattern its whole answer must match.
# The sound `SOUND` must be there (one second or more of it), `goldline-no-such-sound` must not.
SCRIPT: list[tuple[str, str]] = [
    ("ANSWER", r"200 result=0"),
    ("NOOP", r"200 result=0"),
    ("NOOP a b c", r"200 result=0"),
    ("VERBOSE hello 3", r"200 result=1"),
    ('SET VARIABLE GOLDLINE_T "a=b (c) k=2"', r"200 result=1"),
    ("GET VARIABLE GOLDLINE_T", r"200 result=1 \(a=b \(c\) k=2\)"),
    ('SET VARIABLE GOLDLINE_T "say \\"hi\\" \\\\ there"', r"200 result=1"),
    ("GET VARIABLE GOLDLINE_T", r'200 result=1 \(say "hi" \\ there\)'),
    ('GET FULL VARIABLE "<${GOLDLINE_T}>"', r'200 result=1 \(<say "hi" \\ there>\)'),
    ("GET VARIABLE GOLDLINE_UNSET", r"200 result=0"),
    ('SET VARIABLE GOLDLINE_T "timeout"', r"200 result=1"),
    ("GET VARIABLE GOLDLINE_T", r"200 result=1 \(timeout\)"),
    ("CHANNEL STATUS", r"200 result=6"),
    ("CHANNEL STATUS Nobody/1", r"200 result=-1"),
    ("GOLDLINE NONSENSE", r"510 Invalid or unknown command"),
    ("WAIT FOR DIGIT", r"520[- ]Invalid command syntax\.(?s:.*)"),
    ("SET VARIABLE GOLDLINE_T", r"520[- ]Invalid command syntax\.(?s:.*)"),
    ("STREAM FILE SOUND # x", r"520[- ]Invalid command syntax\.(?s:.*)"),
    ("WAIT FOR DIGIT 10", r"200 result=0"),
    ("GET DATA SOUND 10 3", r"200 result= \(timeout\)"),
    ('GET DATA "" 10 3', r"200 result= \(timeout\)"),
    ("GET DATA goldline-no-such-sound 10 3", r"200 result=-1"),
    ("CHANNEL STATUS", r"200 result=6"),
    ("STREAM FILE SOUND #", r"200 result=0 endpos=\d+"),
    ("GET OPTION SOUND # 10", r"200 result=0 endpos=\d+"),
    ('STREAM FILE goldline-no-such-sound ""', r"200 result=-1 endpos=0"),
    ("CHANNEL STATUS", r"200 result=6"),
    ("EXEC Goldlinenonsense", r"200 result=-2"),
    ('EXEC NoOp "a,b"', r"200 result=0"),
    ("HANGUP", r"200 result=1"),
    ("HANGUP?", r""),  # the line HANGUP comes before the next answer
    ("CHANNEL STATUS", r"511 Command Not Permitted on a dead channel.*"),
    ('SET VARIABLE GOLDLINE_T "late"', r"200 result=1"),
    ("GET VARIABLE GOLDLINE_T", r"200 result=1 \(late\)"),
]


def parse_args(line: bytes) -> list[bytes]:
    """The words of a command line, as ``parse_args`` in res_agi.c takes it apart."""
    words: list[bytearray] = []
    quoted = escaped = False
    whitespace = True
    for byte in line:
        char = bytes([byte])
        if char == b'"' and not escaped:
            quoted = not quoted
            if quoted and whitespace:
                words.append(bytearray())
                whitespace = False
        elif char in (b" ", b"\t") and not quoted and not escaped:
            whitespace = True
        elif char == b"\\" and not escaped:
            escaped = True
        else:
            if whitespace:
                if len(words) >= MOST_WORDS:
                    continue
                words.append(bytearray())
                whitespace = False
            words[-1] += char
            escaped = False
    return [bytes(word) for word in words]


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound the caller heard: until when (virtual seconds into it), and the key that cut it short."""

    path: str
    seconds: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What to do instead of answering the command with this number (the first is 0) or verb (the first time).

    ``raw``: these bytes, whatever they are. ``silent``: no answer at all. ``close``: cut the connection, after ``raw``.
    """

    at: int | str
    raw: bytes = b""
    silent: bool = False
    close: bool = False


class CallerGoneError(Exception):
    """Inside the fake: the caller hung up while a command ran."""


@dataclass
class FakeChannel:
    """The state of one channel, and what each AGI command does to it. No sockets, no real time."""

    variables: dict[str, str] = field(default_factory=dict)
    sounds: Mapping[str, float] | Callable[[str], float | None] = field(default_factory=dict)
    strict_sounds: bool = False  # a sound that ``sounds`` does not name is missing, instead of two seconds long
    applications: Mapping[str, Callable[[FakeChannel, str], int]] = field(default_factory=dict)
    barge_in: bool = False  # queued keys are pressed as a sound begins, not after it

    now: float = 0.0  # virtual seconds since the channel began
    state: int = 4  # AST_STATE_RING; 6 is AST_STATE_UP
    hung_up: bool = False
    played: list[Heard] = field(default_factory=list)
    executed: list[tuple[str, str]] = field(default_factory=list)  # EXEC: application and its arguments
    verbose: list[str] = field(default_factory=list)
    database: dict[tuple[str, str], str] = field(default_factory=dict)
    context: str = "goldline-call"
    extension: str = "s"
    priority: str = "1"
    music: bool = False

    _queue: deque[str] = field(default_factory=deque)  # keys and _HANG_UP, each when a command listens
    _timeline: list[tuple[float, int, str]] = field(default_factory=list)
    _count: int = 0

    @property
    def heard(self) -> list[str]:
        """The paths of the sounds that were played, in order."""
        return [item.path for item in self.played]

    def press(self, *keys: str) -> None:
        """Keys for the queue: ``press("1", "600519#")``."""
        self._queue.extend("".join(keys))

    def hang_up_when_listening(self) -> None:
        """Hang up when a command listens and all queued keys before this are used up."""
        self._queue.append(_HANG_UP)

    def press_at(self, seconds: float, keys: str, *, between: float = 0.1) -> None:
        """Keys on the timeline, the first at ``seconds``, each ``between`` after the last."""
        for number, key in enumerate(keys):
            self._schedule(seconds + number * between, key)

    def hang_up_at(self, seconds: float) -> None:
        """Hang up on the timeline."""
        self._schedule(seconds, _HANG_UP)

    def _schedule(self, at: float, what: str) -> None:
        self._count += 1
        heapq.heappush(self._timeline, (at, self._count, what))

    # Time and keys

    def _pass(self, until: float, keys: str, *, listening: bool) -> str:
        """Let time pass; the first of ``keys`` that is pressed meanwhile ends it. Other keys are lost."""
        while self._timeline and self._timeline[0][0] <= until:
            at, _, what = heapq.heappop(self._timeline)
            self.now = max(self.now, at)
            if what is _HANG_UP:
                self.hang_up()
                raise CallerGoneError
            if what in keys:
                return what
        if listening and self._queue and (self._queue[0] is _HANG_UP or self._queue[0] in keys):
            what = self._queue.popleft()
            if what is _HANG_UP:
                self.hang_up()
                raise CallerGoneError
            return what
        if math.isinf(until):
            raise RuntimeError("the controller waits for ever for a key that the test never presses")
        self.now = max(self.now, until)
        return ""

    def hang_up(self) -> None:
        """The caller is gone."""
        self.hung_up = True
        self.state = 0

    def passes(self, seconds: float) -> None:
        """Virtual time in which no command runs: keys pressed meanwhile are lost (``run_agi`` reads and drops them)."""
        until = self.now + seconds
        while self._timeline and self._timeline[0][0] <= until:
            _, _, what = heapq.heappop(self._timeline)
            if what is _HANG_UP:
                self.hang_up()
        self.now = until

    def _duration(self, path: str) -> float | None:
        known = self.sounds(path) if callable(self.sounds) else self.sounds.get(path)
        return DEFAULT_SOUND_SECONDS if known is None and not self.strict_sounds else known

    def _play(self, path: str, keys: str, offset: float = 0.0) -> tuple[str, int] | None:
        """Play a sound: the key that stopped it and endpos. None when there is no such sound."""
        duration = self._duration(path)
        if duration is None:
            return None
        began = self.now
        rest = max(0.0, duration - offset)
        key = ""
        try:
            key = self._pass(began + rest, keys, listening=bool(keys) and self.barge_in)
            if not key and keys and not self.barge_in and self._queue and self._queue[0] in keys:
                key = self._queue.popleft()  # the patient caller presses at the very end
        finally:
            reached = min(duration, offset + self.now - began)
            self.played.append(Heard(path, reached, key))
        return key, round(reached * SAMPLES_PER_SECOND)

    def _wait_for_digit(self, seconds: float, keys: str = ANY_KEY) -> str:
        return self._pass(math.inf if seconds < 0 else self.now + seconds, keys, listening=True)

    # Commands. Each gives the bytes of its answer.

    def run(self, words: Sequence[bytes], *, dead: bool) -> bytes:
        """One command, as ``agi_handle_command`` runs it. ``dead``: Asterisk has noticed the hang-up."""
        verb = _find_verb(words)
        if verb is None:
            return b"510 Invalid or unknown command\n"
        if dead and not VERBS[verb]:
            return b"511 Command Not Permitted on a dead channel or intercept routine\n"
        arguments = [word.decode("utf-8", "surrogateescape") for word in words[len(verb) :]]
        handler: Callable[..., str | None] = getattr(self, "_do_" + "_".join(verb).lower())
        try:
            answer = handler(*arguments)
        except (TypeError, ValueError):
            answer = None  # too many, too few, or no number: RESULT_SHOWUSAGE
        if answer is None:
            usage = f"Usage: {' '.join(verb)} and its arguments\n"
            return f"520-Invalid command syntax.  Proper usage follows:\n{usage}520 End of proper usage.\n".encode()
        return f"200 result={answer}\n".encode("utf-8", "surrogateescape")

    def _do_answer(self, *_more: str) -> str:
        if self.state != 6:
            self.state = 6
        return "0"

    def _do_channel_status(self, channel: str = "") -> str:
        return "-1" if channel else str(self.state)

    def _do_control_stream_file(self, path: str, keys: str, *_more: str) -> str:
        try:
            ended = self._play(path, keys)
        except CallerGoneError:
            return "-1"
        return "-1" if ended is None else _ascii(ended[0])

    def _do_database_del(self, family: str, key: str) -> str:
        return "0" if self.database.pop((family, key), None) is None else "1"

    def _do_database_get(self, family: str, key: str) -> str:
        value = self.database.get((family, key))
        return "0" if value is None else f"1 ({value})"

    def _do_database_put(self, family: str, key: str, value: str) -> str:
        self.database[family, key] = value
        return "1"

    def _do_exec(self, application: str, arguments: str = "", *_more: str) -> str:
        known = {name.lower(): run for name, run in self.applications.items()}
        if application.lower().startswith("goldlinenonsense"):
            return "-2"
        self.executed.append((application, arguments))
        run = known.get(application.lower())
        try:
            return str(run(self, arguments) if run else 0)
        except CallerGoneError:
            return "-1"

    def _do_get_data(self, path: str, timeout: str = "0", most: str = "1024") -> str:
        # ast_app_getdata_full: any key stops the sound and is the first digit; `#` ends and is not kept.
        milliseconds, room = _atoi(timeout), _atoi(most)
        first, between = (
            (milliseconds / 1000, milliseconds / 1000)
            if milliseconds
            else (DEFAULT_RESPONSE_TIMEOUT, DEFAULT_DIGIT_TIMEOUT)
        )
        digits = ""
        try:
            played = self._play(path, ANY_KEY) if path else ("", 0)  # no sound: only listen
            if played is None:
                return "-1"
            key = played[0]
            while True:
                key = key or self._wait_for_digit(between if digits else first)
                if not key:
                    return f"{digits} (timeout)"
                if key == "#":
                    return digits
                digits += key
                key = ""
                if len(digits) >= room:
                    return digits
        except CallerGoneError:
            return "-1"

    def _do_get_full_variable(self, expression: str, channel: str = "") -> str:
        if channel:
            return "0"
        value = re.sub(r"\$\{([^}]*)\}", lambda found: self.variables.get(found[1], ""), expression)
        return f"1 ({value})"

    def _do_get_option(self, path: str, keys: str, timeout: str = "") -> str:
        seconds = _atoi(timeout) / 1000 if timeout else DEFAULT_DIGIT_TIMEOUT
        try:
            ended = self._play(path, keys)
        except CallerGoneError:
            return f"-1 endpos={self._endpos()}"
        if ended is None:
            return "-1 endpos=0"
        key, endpos = ended
        if not key:
            try:
                # handle_getoption asks strchr() whether the result is an escape digit, and so turns the -1 of a
                # hang-up into 0; the HANGUP line follows all the same.
                key = self._wait_for_digit(seconds)
                key = key if key in keys else ""
            except CallerGoneError:
                key = ""
        return f"{_ascii(key)} endpos={endpos}"

    def _do_get_variable(self, name: str) -> str:
        value = self.variables.get(name)
        if value is None:
            return "0"
        if name.endswith(")"):
            value = value.encode("utf-8", "surrogateescape")[: FUNCTION_BUFFER - 1].decode("utf-8", "surrogateescape")
        return f"1 ({value})"

    def _do_hangup(self, channel: str = "") -> str:
        if channel:
            return "-1"
        self.hang_up()
        return "1"

    def _do_noop(self, *_more: str) -> str:
        return "0"

    def _do_record_file(self, path: str, _format: str, keys: str, timeout: str, *_more: str) -> str:
        began = self.now
        milliseconds = int(timeout)
        try:
            key = self._pass(math.inf if milliseconds < 0 else began + milliseconds / 1000, keys, listening=True)
        except CallerGoneError:
            return f"-1 (hangup) endpos={round((self.now - began) * SAMPLES_PER_SECOND)}"
        endpos = round((self.now - began) * SAMPLES_PER_SECOND)
        self.executed.append(("RECORD FILE", path))
        return f"{ord(key)} (dtmf) endpos={endpos}" if key else f"0 (timeout) endpos={endpos}"

    def _do_say_digits(self, digits: str, keys: str) -> str:
        if not re.match(r"[-+]?\d", digits):
            raise ValueError(digits)
        return self._say(f"digits/{digits}", keys)

    def _do_say_number(self, number: str, keys: str, _gender: str = "") -> str:
        if not re.match(r"[-+]?\d", number):
            raise ValueError(number)
        return self._say(f"number/{number}", keys)

    def _say(self, what: str, keys: str) -> str:
        try:
            ended = self._play(what, keys)
        except CallerGoneError:
            return "-1"
        return "-1" if ended is None else _ascii(ended[0])

    def _do_set_autohangup(self, seconds: str) -> str:
        if float(seconds) > 0:
            self.hang_up_at(self.now + float(seconds))
        return "0"

    def _do_set_context(self, context: str) -> str:
        self.context = context
        return "0"

    def _do_set_extension(self, extension: str) -> str:
        self.extension = extension
        return "0"

    def _do_set_music(self, switch: str, *_more: str) -> str:
        self.music = switch.lower().startswith("on")
        return "0"

    def _do_set_priority(self, priority: str) -> str:
        self.priority = priority
        return "0"

    def _do_set_variable(self, name: str, value: str, *_more: str) -> str:
        self.variables[name] = value
        return "1"

    def _do_stream_file(self, path: str, keys: str, offset: str = "0") -> str:
        begin = int(offset)
        try:
            ended = self._play(path, keys, begin / SAMPLES_PER_SECOND)
            if ended and keys and not ended[0] and self._queue and self._queue[0] is _HANG_UP:
                self._wait_for_digit(0)
        except CallerGoneError:
            return f"-1 endpos={self._endpos()}"
        return f"-1 endpos={begin}" if ended is None else f"{_ascii(ended[0])} endpos={ended[1]}"

    def _do_verbose(self, message: str, _level: str = "", *_more: str) -> str:
        self.verbose.append(message)
        return "1"

    def _do_wait_for_digit(self, timeout: str) -> str:
        milliseconds = int(timeout)
        try:
            return _ascii(self._wait_for_digit(milliseconds / 1000))
        except CallerGoneError:
            return "-1"

    def _endpos(self) -> int:
        return round(self.played[-1].seconds * SAMPLES_PER_SECOND) if self.played else 0


_HANG_UP = "hang up"


def _find_verb(words: Sequence[bytes]) -> tuple[str, ...] | None:
    spoken = [word.decode("ascii", "replace").upper() for word in words[:3]]
    found = [verb for verb in VERBS if tuple(spoken[: len(verb)]) == verb]
    return max(found, key=len) if found else None


def _ascii(key: str) -> str:
    return str(ord(key)) if key else "0"


def _atoi(text: str) -> int:
    found = re.match(r"\s*[-+]?\d+", text)
    return int(found[0]) if found else 0


class FakeAsterisk:
    """One call: a channel, and the AGI application that runs on it.

    ``environment`` adds to or replaces what ``setup_env`` would write (a value None leaves the line out); values may be
    bytes. ``pieces``: write everything in pieces of so many bytes. ``sighup``: the channel's AGISIGHUP.
    ``exit_on_hangup``: its AGIEXITONHANGUP.
    """

    def __init__(
        self,
        *,
        uniqueid: str = "1700000000.1",
        caller_id: str | bytes = "13800000000",
        caller_name: str | bytes = "",
        dnid: str = "95500",
        arguments: Iterable[str | bytes] = (),
        script: str = "call",
        environment: Mapping[str, str | bytes | None] | None = None,
        channel: FakeChannel | None = None,
        misbehave: Iterable[Misbehaviour] = (),
        pieces: int = 0,
        sighup: bool = True,
        exit_on_hangup: bool = False,
    ) -> None:
        self.channel = channel or FakeChannel()
        self.commands: list[list[str]] = []  # the words of every command, in order
        self.lines: list[bytes] = []  # the same as they came
        self.failure = False  # the controller ended the session with `failure`
        self._misbehave = list(misbehave)
        self._pieces = pieces
        self._sighup = sighup
        self._exit_on_hangup = exit_on_hangup
        values: dict[str, str | bytes | None] = {
            "agi_network": "yes",
            "agi_network_script": script,
            "agi_request": f"agi://127.0.0.1/{script}",
            "agi_channel": "PJSIP/goldline-trunk-00000001",
            "agi_language": "en",
            "agi_type": "PJSIP",
            "agi_uniqueid": uniqueid,
            "agi_version": "22.0.0",
            "agi_callerid": caller_id or "unknown",
            "agi_calleridname": caller_name or "unknown",
            "agi_callingpres": "0",
            "agi_callingani2": "0",
            "agi_callington": "0",
            "agi_callingtns": "0",
            "agi_dnid": dnid or "unknown",
            "agi_rdnis": "unknown",
            "agi_context": self.channel.context,
            "agi_extension": self.channel.extension,
            "agi_priority": self.channel.priority,
            "agi_enhanced": "0.0",
            "agi_accountcode": "",
            "agi_threadid": "140000000000000",
        }
        for number, argument in enumerate(arguments, 1):
            values[f"agi_arg_{number}"] = argument
        values.update(environment or {})
        self.environment = b"".join(
            name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) + b"\n"
            for name, value in values.items()
            if value is not None
        )

    # The caller, for short
    def press(self, *keys: str) -> None:
        """See FakeChannel.press."""
        self.channel.press(*keys)

    def press_at(self, seconds: float, keys: str, *, between: float = 0.1) -> None:
        """See FakeChannel.press_at."""
        self.channel.press_at(seconds, keys, between=between)

    def hang_up_at(self, seconds: float) -> None:
        """See FakeChannel.hang_up_at."""
        self.channel.hang_up_at(seconds)

    def hang_up_when_listening(self) -> None:
        """See FakeChannel.hang_up_when_listening."""
        self.channel.hang_up_when_listening()

    async def call(self, host: str, port: int, *, within: float = 20.0) -> FakeAsterisk:
        """Call the server and obey it until it ends the session (or we misbehave). Gives itself back.

        Raises TimeoutError when the session takes longer than ``within`` real seconds, ConnectionError when there is
        no server.
        """
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
            try:
                await self._write(writer, self.environment + b"\n")
                await self._run(reader, writer)
            except ConnectionError:
                pass  # the server closed while we wrote: for Asterisk an end like any other
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
        return self

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """``run_agi``'s loop."""
        dead = False
        while True:
            if self.channel.hung_up and not dead:
                dead = True
                if self._sighup:
                    await self._write(writer, b"HANGUP\n")
                if self._exit_on_hangup:
                    break
            line = await reader.readline()
            if not line:
                break
            if line[:7].lower() == b"failure":
                self.failure = True
                break
            for part in _cut(line):
                words = parse_args(part)
                self.lines.append(part)
                self.commands.append([word.decode("utf-8", "surrogateescape") for word in words])
                fault = self._fault(words)
                if fault is None:
                    await self._write(writer, self.channel.run(words, dead=dead))
                    continue
                await self._write(writer, fault.raw)
                if fault.close:
                    return
                if not fault.silent and not fault.raw:
                    raise ValueError(f"{fault} does nothing")
        if self._sighup:
            await self._write(writer, b"HANGUP\n")

    def _fault(self, words: Sequence[bytes]) -> Misbehaviour | None:
        spoken = b" ".join(words).decode("ascii", "replace").upper()
        for fault in self._misbehave:
            if fault.at == len(self.commands) - 1 or (isinstance(fault.at, str) and spoken.startswith(fault.at)):
                self._misbehave.remove(fault)
                return fault
        return None

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = self._pieces or len(data) or 1
        for begin in range(0, len(data), size):
            writer.write(data[begin : begin + size])
            await writer.drain()
            if self._pieces:
                await asyncio.sleep(0)


def _cut(line: bytes) -> list[bytes]:
    """A line too long is cut and its rest run as a command of its own (``fgets`` into AGI_BUF_LEN)."""
    parts = [line[begin : begin + AGI_BUFFER - 1] for begin in range(0, len(line), AGI_BUFFER - 1)]
    return [part.rstrip(b"\n").split(b"\0")[0] for part in parts]
