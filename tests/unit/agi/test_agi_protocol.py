"""The rules of AGI, without a socket: what bytes mean, what may be sent, and that no bytes do harm."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi.errors import LocalProtocolError, RemoteProtocolError
from ivr.agi.protocol import (
    MAX_COMMAND_BYTES,
    MAX_COMMAND_WORDS,
    MAX_ENVIRONMENT_BYTES,
    MAX_ENVIRONMENT_LINES,
    MAX_LINE_BYTES,
    AgiProtocol,
    Answer,
    Environment,
    Event,
    Hangup,
    encode,
    quote,
    verb_of,
)

ENVIRONMENT = b"agi_network: yes\nagi_callerid: 138\nagi_accountcode: \n\n"


def drive(pieces: Sequence[bytes], *, commands: int = 1000) -> list[Event | str]:
    """Everything that happens when these pieces arrive and a command is sent whenever it is our turn."""
    protocol = AgiProtocol()
    events: list[Event | str] = []
    try:
        for piece in pieces:
            protocol.receive(piece)
            while (event := protocol.next_event()) is not None:
                events.append(event)
                if isinstance(event, Environment | Answer) and commands:
                    commands -= 1
                    protocol.send(("NOOP",))
    except RemoteProtocolError:
        events.append("broken")
    return events


def awaiting() -> AgiProtocol:
    protocol = AgiProtocol()
    protocol.receive(ENVIRONMENT)
    assert isinstance(protocol.next_event(), Environment)
    protocol.send(("NOOP",))
    return protocol


def only(data: bytes) -> Event | None:
    protocol = awaiting()
    protocol.receive(data)
    return protocol.next_event()


# What the bytes mean


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"200 result=0\n", Answer(200, "0")),
        (b"200 result=-1\n", Answer(200, "-1")),
        (b"200 result=49 endpos=36480\n", Answer(200, "49", None, 36480)),
        (b"200 result=-1 endpos=0\n", Answer(200, "-1", None, 0)),
        (b"200 result=\n", Answer(200, "")),
        (b"200 result=600519\n", Answer(200, "600519")),
        (b"200 result= (timeout)\n", Answer(200, "", "timeout")),
        (b"200 result=*1 (timeout)\n", Answer(200, "*1", "timeout")),
        (b"200 result=0 (timeout) endpos=160\n", Answer(200, "0", "timeout", 160)),
        (b"200 result=35 (dtmf) endpos=160\n", Answer(200, "35", "dtmf", 160)),
        (b"200 result=1 ()\n", Answer(200, "1", "")),
        (b"200 result=1 (a=b (c) k=2)\n", Answer(200, "1", "a=b (c) k=2")),
        (b"200 result=1 (x) endpos=3)\n", Answer(200, "1", "x) endpos=3")),
        (b"200 result=1 (one\nHANGUP\nthree)\n", Answer(200, "1", "one\nHANGUP\nthree")),
        (b"510 Invalid or unknown command\n", Answer(510, "", "Invalid or unknown command")),
        (b"503 result=-2 Memory allocation failure\n", Answer(503, "", "result=-2 Memory allocation failure")),
        (b"100 result=0 Trying...\n200 result=0 Gosub complete\n", Answer(200, "0", "Gosub complete")),
        (b"200 result=-1 Gosub label not found\n", Answer(200, "-1", "Gosub label not found")),
        (b"520-Invalid\nUsage: X\n520 of these\n520 End of proper usage.\n", Answer(520, "", "Usage: X\n520 of these")),
        (b"520 Invalid command syntax.\n", Answer(520, "", "Invalid command syntax.")),
    ],
)
def test_answers(line: bytes, answer: Answer) -> None:
    assert only(line) == answer


@pytest.mark.parametrize(
    "line",
    [b"200\n", b"200 OK\n", b"\n", b"hangup\n", b"HANGUP \n", b"404 no\n", b"200 result=0\r\n"],
)
def test_lines_that_are_no_answer(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        only(line)


@pytest.mark.parametrize(("code", "key"), [("49", "1"), ("35", "#"), ("0", ""), ("-1", ""), ("", ""), ("300", "")])
def test_digit(code: str, key: str) -> None:
    assert Answer(200, code).digit == key


def test_hangup_is_no_answer() -> None:
    protocol = awaiting()
    protocol.receive(b"HANGUP\n200 result=1\n")
    assert protocol.next_event() == Hangup()
    assert protocol.next_event() == Answer(200, "1")
    assert protocol.next_event() is None


def test_answer_that_nobody_asked_for_breaks_the_session_for_good() -> None:
    protocol = awaiting()
    protocol.receive(b"200 result=1\n200 result=2\n")
    assert protocol.next_event() == Answer(200, "1")
    with pytest.raises(RemoteProtocolError):
        protocol.next_event()
    with pytest.raises(RemoteProtocolError):
        protocol.next_event()
    with pytest.raises(LocalProtocolError):
        protocol.send(("NOOP",))


def test_environment_with_a_newline_in_a_value() -> None:
    protocol = AgiProtocol()
    protocol.receive(b"agi_uniqueid: 1\nagi_calleridname: Eve\nagi_uniqueid: 2\nagi_dnid: 3\nx\nagi_dnid: 4\n\n")
    values = {"agi_uniqueid": "1", "agi_calleridname": "Eve", "agi_dnid": "4"}
    assert protocol.next_event() == Environment(values)


@pytest.mark.parametrize("name", [b"x" * 5000, b'"; DROP TABLE', b"Jos\xe9", "张三".encode(), b": : :", b""])
def test_environment_keeps_what_the_trunk_sent(name: bytes) -> None:
    protocol = AgiProtocol()
    protocol.receive(b"agi_network: yes\nagi_calleridname: " + name + b"\nagi_accountcode: \n\n")
    event = protocol.next_event()
    assert isinstance(event, Environment)
    assert event.values["agi_calleridname"].encode("utf-8", "surrogateescape") == name


# Limits


@pytest.mark.parametrize(
    "data",
    [
        b"agi_x: " + b"y" * MAX_ENVIRONMENT_BYTES,
        b"".join(b"agi_%d: \n" % n for n in range(MAX_ENVIRONMENT_LINES + 1)) + b"\n",
    ],
)
def test_environment_without_end(data: bytes) -> None:
    assert drive([data]) == ["broken"]


def test_longest_answer() -> None:
    frame = len(b"200 result=1 ()\n")
    answer = only(b"200 result=1 (" + b"x" * (MAX_LINE_BYTES - frame) + b")\n")
    assert isinstance(answer, Answer)
    for data in (b"200 result=1 (" + b"x" * (MAX_LINE_BYTES - frame + 1) + b")\n", b"x" * MAX_LINE_BYTES):
        with pytest.raises(RemoteProtocolError):
            only(data)


# What may be sent


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("ANSWER",), b"ANSWER\n"),
        (("STREAM", "FILE", "/run/a b", ""), b'STREAM FILE "/run/a b" ""\n'),
        (("WAIT", "FOR", "DIGIT", -1), b"WAIT FOR DIGIT -1\n"),
        (("SET", "AUTOHANGUP", 1.5), b"SET AUTOHANGUP 1.5\n"),
        (("SET", "AUTOHANGUP", 1e-9), b"SET AUTOHANGUP 0\n"),
        (("SET", "VARIABLE", "X", 'a"b\\c'), rb'SET VARIABLE X "a\"b\\c"' + b"\n"),
        (("SET", "VARIABLE", "X", "\udce9"), b'SET VARIABLE X "\xe9"\n'),
    ],
)
def test_encode(words: tuple[str | int | float, ...], line: bytes) -> None:
    assert encode(words) == line


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",) * 200,
        ("NOOP",) * (MAX_COMMAND_WORDS + 1),
        ("SET", "VARIABLE", "X", "y" * MAX_COMMAND_BYTES),
        ("SET", "VARIABLE", "X", "贵" * (MAX_COMMAND_BYTES // 3)),
        ("SET", "VARIABLE", "X", "a\nHANGUP"),
        ("SET", "VARIABLE", "X", "a\r"),
        ("SET", "VARIABLE", "X", "\0"),
        ("SET", "VARIABLE", "X", "\ud800"),
        ("SET", "AUTOHANGUP", float("nan")),
        ("SET", "AUTOHANGUP", float("inf")),
        ("failure",),
        ("Failure", "X"),
    ],
)
def test_what_cannot_be_sent(words: tuple[str | int | float, ...]) -> None:
    protocol = AgiProtocol()
    protocol.receive(ENVIRONMENT)
    protocol.next_event()
    with pytest.raises(LocalProtocolError):
        protocol.send(words)
    assert protocol.send(("NOOP",)) == b"NOOP\n"  # nothing was sent: it is still our turn


def test_longest_command() -> None:
    assert len(encode(("SET", "VARIABLE", "X", "-" * (MAX_COMMAND_BYTES - len('SET VARIABLE X ""\n'))))) == 8191
    assert len(encode(("NOOP", *"x" * (MAX_COMMAND_WORDS - 1))).split()) == 127


def test_never_two_commands_at_once_and_none_before_the_environment() -> None:
    protocol = AgiProtocol()
    with pytest.raises(LocalProtocolError):
        protocol.send(("NOOP",))
    protocol = awaiting()
    with pytest.raises(LocalProtocolError):
        protocol.send(("NOOP",))


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (("GET", "DATA", "secret"), "GET DATA"),
        (("get", "full", "variable", "${PIN}"), "GET FULL VARIABLE"),
        (("WAIT", "FOR", "DIGIT", 5), "WAIT FOR DIGIT"),
        (("EXEC", "Dial", "PJSIP/1"), "EXEC"),
        ((), ""),
    ],
)
def test_verb_never_shows_an_argument(words: tuple[str | int, ...], verb: str) -> None:
    assert verb_of(words) == verb


def test_message_never_shows_an_argument() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(("SET", "VARIABLE", "PIN", "123456\n"))
    assert "123456" not in str(caught.value)


@given(st.text())
def test_quote_leaves_no_bare_quote_and_no_newline(word: str) -> None:
    try:
        quoted = quote(word)
    except LocalProtocolError:
        assert set(word) & set("\r\n\0")
        return
    assert not set(quoted) & set("\r\n\0")
    inner = quoted[1:-1].replace("\\\\", "").replace('\\"', "")
    assert "\\" not in inner
    assert '"' not in inner


# Any split of a stream, and any stream

lines = st.sampled_from(
    [
        b"200 result=0\n",
        b"200 result=49 endpos=36480\n",
        b"200 result= (timeout)\n",
        b"200 result=1 (a=b (c) k=2)\n",
        b"200 result=1 (one\nHANGUP\nthree)\n",
        b"200 result=1 (one)\ntwo)\n",
        b"200 result=1 (x) endpos=3\n",
        b"HANGUP\n",
        b"HANGUP",
        b"100 result=0 Trying...\n",
        b"510 Invalid or unknown command\n",
        b"520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n",
        b"520 Invalid command syntax.\n",
        b"\n",
        b"junk",
        b"200 result=1 (",
        b")",
        b"520-",
    ]
)
environments = st.sampled_from(
    [
        ENVIRONMENT,
        b"agi_network: yes\nagi_calleridname: Eve\nagi_network: no\n\n",
        b"agi_",
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
    ]
)
streams = st.builds(lambda first, rest: first + b"".join(rest), environments, st.lists(lines, max_size=12))


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


@given(streams, st.lists(st.integers(0, 2000), max_size=20), st.integers(0, 4))
def test_any_split_gives_the_same_events(data: bytes, cuts: list[int], commands: int) -> None:
    whole = drive([data], commands=commands)
    assert drive(split(data, cuts), commands=commands) == whole
    assert drive([data[place : place + 1] for place in range(len(data))], commands=commands) == whole


@given(st.one_of(st.binary(max_size=3000), st.builds(lambda a, b: ENVIRONMENT + a + b, streams, st.binary())))
def test_no_bytes_do_harm(data: bytes) -> None:
    protocol = AgiProtocol()
    try:
        for begin in range(0, len(data), 100):
            protocol.receive(data[begin : begin + 100])
            while (event := protocol.next_event()) is not None:
                if isinstance(event, Environment | Answer):
                    protocol.send(("NOOP",))
    except RemoteProtocolError:
        protocol.receive(data)
        assert protocol._buffer == b""


@given(st.sampled_from([b"", ENVIRONMENT]), st.binary(min_size=1, max_size=50), st.integers(100, 20_000))
def test_memory_stays_within_the_limit(first: bytes, pattern: bytes, size: int) -> None:
    protocol = AgiProtocol()
    protocol.receive(first)
    if protocol.next_event():
        protocol.send(("NOOP",))
        protocol.receive(b"200 result=1 (")
    try:
        for _ in range(20):
            protocol.receive((pattern * size)[:size])
            while (event := protocol.next_event()) is not None:
                if isinstance(event, Answer):
                    protocol.send(("NOOP",))
            assert len(protocol._buffer) <= max(MAX_LINE_BYTES, MAX_ENVIRONMENT_BYTES)
    except RemoteProtocolError:
        assert protocol._buffer == b""
