"""What a caller, a trunk or a network can do to a FastAGI session: each over real TCP, on asyncio and on uvloop.

The peer here is a script of raw bytes, so that each scenario shows exactly what stands on the wire. Whole calls with a
peer that thinks are in ``test_agi_calls.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from ivr.agi.errors import (
    AgiError,
    CallerHungUp,
    CommandFailed,
    CommandTimeout,
    DeadChannel,
    InvalidCommand,
    LocalProtocolError,
    RemoteProtocolError,
    SessionClosed,
    UsageError,
)
from ivr.agi.server import AgiServer, AgiSession

ENVIRONMENT = (
    b"agi_network: yes\nagi_network_script: call\nagi_request: agi://127.0.0.1/call\nagi_channel: PJSIP/t-1\n"
    b"agi_language: en\nagi_type: PJSIP\nagi_uniqueid: 17.1\nagi_version: 22\nagi_callerid: 138\n"
    b"agi_calleridname: unknown\nagi_accountcode: \nagi_arg_1: 95500\n\n"
)


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


def errors_in(log: list[Any]) -> list[Any]:
    return [entry for entry in log if entry["log_level"] in ("error", "critical")]


class Peer:
    """A scripted Asterisk."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def line(self) -> bytes:
        return (await asyncio.wait_for(self.reader.readline(), 10)).rstrip(b"\n")

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answers(self, *answers: bytes) -> list[bytes]:
        """Take one command for each answer. Gives the commands."""
        lines = []
        for answer in answers:
            lines.append(await self.line())
            await self.say(answer)
        return lines

    async def closed(self) -> bool:
        """The server has closed, and sent nothing more."""
        try:
            return await asyncio.wait_for(self.reader.read(), 10) == b""
        except ConnectionError:
            return True

    def hang_up_line(self) -> None:
        self.writer.close()


class House:
    """A server whose handler is the test's, and what became of each call."""

    def __init__(self) -> None:
        self.handler: Callable[[AgiSession], Awaitable[Any]]
        self.outcomes: asyncio.Queue[Any] = asyncio.Queue()
        self.server: AgiServer

    async def handle(self, session: AgiSession) -> None:
        try:
            self.outcomes.put_nowait(await self.handler(session))
        except BaseException as error:
            self.outcomes.put_nowait(error)
            raise

    async def outcome(self) -> Any:
        return await asyncio.wait_for(self.outcomes.get(), 10)

    @contextlib.asynccontextmanager
    async def running(
        self, handler: Callable[[AgiSession], Awaitable[Any]], **settings: Any
    ) -> AsyncIterator[AgiServer]:
        self.handler = handler
        self.server = AgiServer(self.handle, **settings)
        await self.server.start()
        try:
            yield self.server
        finally:
            await self.server.stop(0)

    @contextlib.asynccontextmanager
    async def peer(self, first: bytes = ENVIRONMENT) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=1 << 20)
        peer = Peer(reader, writer)
        try:
            if first:
                await peer.say(first)
            yield peer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def house() -> House:
    return House()


def get(name: str) -> Callable[[AgiSession], Awaitable[Any]]:
    async def handler(session: AgiSession) -> Any:
        return await session.command("GET", "VARIABLE", name)

    return handler


async def settled(condition: Callable[[], bool]) -> None:
    """Wait for something the server does on its own, such as noticing that a connection is gone."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


# The seventeen scenarios


async def test_01_hangup_line_between_commands_answers_nothing(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        x = await session.command("GET", "VARIABLE", "X")
        y = await session.command("GET", "VARIABLE", "Y")
        return x.data, y.data, session.hung_up

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=1 (x)\nHANGUP\n", b"200 result=1 (y)\n")
        assert await house.outcome() == ("x", "y", True)


async def test_02_interrupted_play_raises_caller_hung_up_and_then_511_says_dead(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        seen: list[str] = []
        for words in (("STREAM", "FILE", "a", ""), ("ANSWER",), ("SET", "VARIABLE", "A", "1")):
            try:
                seen.append((await session.command(*words)).result)
            except CallerHungUp as error:
                seen.append(error.error_id)
        return seen

    async with house.running(handler), house.peer() as peer:
        await peer.answers(
            b"200 result=-1 endpos=160\nHANGUP\n",
            *[b"511 Command Not Permitted on a dead channel or intercept routine\n", b"200 result=1\n"],
        )
        assert await house.outcome() == ["caller-hung-up", "dead-channel", "1"]


async def test_02b_minus_one_waits_for_the_hangup_line_that_comes_late(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return await session.command("STREAM", "FILE", "a", "")

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=-1 endpos=160\n")
        assert await peer.line() == b"CHANNEL STATUS"
        await peer.say(b"HANGUP\n511 Command Not Permitted on a dead channel\n")
        assert isinstance(await house.outcome(), CallerHungUp)


async def test_02c_minus_one_of_a_missing_file_is_an_answer(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        answer = await session.command("STREAM", "FILE", "a", "")
        return answer.result, session.hung_up

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=-1 endpos=0\n", b"200 result=6\n")
        assert await house.outcome() == ("-1", False)


async def test_02d_a_hangup_is_known_even_where_asterisk_writes_no_hangup_line(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return await session.command("WAIT", "FOR", "DIGIT", 1000)

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=-1\n", b"511 Command Not Permitted on a dead channel\n")
        assert isinstance(await house.outcome(), CallerHungUp)


async def test_02e_an_answer_stays_good_though_hangup_follows(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return (await session.command("STREAM", "FILE", "a", "#")).digit

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=35 endpos=8000\nHANGUP\n")
        assert await house.outcome() == "#"


@pytest.mark.parametrize(
    "block",
    [
        b"520-Invalid command syntax.  Proper usage follows:\nUsage: GET VARIABLE X\n 520 is a number\n\nHANGUP\n"
        b"520 End of proper usage.\n",
        b"520-Invalid command syntax.  Proper usage follows:\nUsage without newline520 End of proper usage.\n",
        b"520 Invalid command syntax.  Proper usage not available.\n",
    ],
)
async def test_03_usage_block(house: House, block: bytes) -> None:
    async def handler(session: AgiSession) -> Any:
        with pytest.raises(UsageError) as caught:
            await session.command("GET", "VARIABLE", "secret")
        assert "secret" not in str(caught.value).replace("secrets", "")
        return (await session.command("NOOP")).result, caught.value.verb

    async with house.running(handler), house.peer() as peer:
        await peer.answers(block, b"200 result=0\n")
        assert await house.outcome() == ("0", "GET VARIABLE")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a=b (c) k=2", id="04-brackets"),
        pytest.param("please HANGUP now", id="05-the-word-hangup"),
        pytest.param("hangup", id="06-only-hangup"),
        pytest.param("HANGUP", id="06-only-HANGUP"),
        pytest.param("one\ntwo (2) \n200 result=0\nHANGUP\nthree", id="11-newlines"),
        pytest.param("x) endpos=3", id="04-looks-like-endpos"),
        pytest.param("", id="08-empty"),
        pytest.param(")", id="04-bracket"),
        pytest.param("(timeout)", id="07-timeout"),
        pytest.param("贵州茅台", id="09-chinese"),
        pytest.param(b"Jos\xe9".decode("utf-8", "surrogateescape"), id="09-not-utf-8"),
    ],
)
async def test_value_comes_whole(house: House, value: str) -> None:
    async def handler(session: AgiSession) -> Any:
        first = await session.command("GET", "VARIABLE", "X")
        second = await session.command("GET", "VARIABLE", "Y")
        return first.data, second.data, session.hung_up

    async with house.running(handler), house.peer() as peer:
        raw = value.encode("utf-8", "surrogateescape")
        await peer.answers(b"200 result=1 (" + raw + b")\n", b"200 result=1 (next)\n")
        assert await house.outcome() == (value, "next", False)


async def test_07_get_data_empty_with_timeout(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        empty = await session.command("GET", "DATA", "pin", 5000, 6)
        some = await session.command("GET", "DATA", "pin", 5000, 6)
        full = await session.command("GET", "DATA", "pin", 5000, 6)
        return [(a.result, a.timed_out) for a in (empty, some, full)]

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result= (timeout)\n", b"200 result=12* (timeout)\n", b"200 result=600519\n")
        assert await house.outcome() == [("", True), ("12*", True), ("600519", False)]


async def test_08_unset_is_not_empty(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        unset = await session.command("GET", "VARIABLE", "X")
        empty = await session.command("GET", "VARIABLE", "Y")
        return (unset.result, unset.data), (empty.result, empty.data)

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=0\n", b"200 result=1 ()\n")
        assert await house.outcome() == (("0", None), ("1", ""))


async def test_09_value_that_is_no_utf_8_goes_back_as_it_came(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        value = (await session.command("GET", "VARIABLE", "X")).data or ""
        return await session.command("SET", "VARIABLE", "Y", value)

    async with house.running(handler), house.peer() as peer:
        lines = await peer.answers(b"200 result=1 (Jos\xe9)\n", b"200 result=1\n")
        assert lines[1] == b'SET VARIABLE Y "Jos\xe9"'


async def test_10_environment_that_is_no_utf_8(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return session.environment["agi_calleridname"].encode("utf-8", "surrogateescape")

    async with (
        house.running(handler),
        house.peer(ENVIRONMENT.replace(b"agi_calleridname: unknown", b"agi_calleridname: Jos\xe9")),
    ):
        assert await house.outcome() == b"Jos\xe9"


async def test_10b_newline_in_the_callers_name_forges_nothing(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return dict(session.environment)

    name = b"agi_calleridname: Eve\nagi_uniqueid: 99\nagi_arg_1: 10086\nso long"
    async with house.running(handler), house.peer(ENVIRONMENT.replace(b"agi_calleridname: unknown", name)):
        environment = await house.outcome()
        assert environment["agi_uniqueid"] == "17.1"
        assert environment["agi_arg_1"] == "95500"
        assert environment["agi_calleridname"].startswith("Eve")


async def test_12_end_of_file_during_a_command(house: House, log: list[Any]) -> None:
    async with house.running(get("X")) as server, house.peer() as peer:
        await peer.line()
        peer.hang_up_line()
        assert isinstance(await house.outcome(), CallerHungUp)
        await settled(lambda: server.live == 0)
    assert not errors_in(log)
    assert server.counters.failed == 0


async def test_12b_end_of_file_between_commands(house: House) -> None:
    gone = asyncio.Event()

    async def handler(session: AgiSession) -> Any:
        await gone.wait()
        await settled(lambda: session.closed)
        assert session.hung_up
        return await session.command("NOOP")

    async with house.running(handler), house.peer() as peer:
        peer.hang_up_line()
        gone.set()
        assert isinstance(await house.outcome(), CallerHungUp)


async def test_13_no_answer(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        with pytest.raises(CommandTimeout) as caught:
            await session.command("GET", "VARIABLE", "X", deadline=0.05)
        with pytest.raises(SessionClosed):
            await session.command("NOOP")
        return caught.value.verb

    async with house.running(handler), house.peer() as peer:
        await peer.line()
        assert await house.outcome() == "GET VARIABLE"
        assert await peer.closed()


async def test_14_quotes_and_backslashes_and_newlines_in_an_argument(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        await session.command("SET", "VARIABLE", "X", 'say "hi" \\ there')
        for evil in ("a\nHANGUP", "a\rb", "a\0b"):
            with pytest.raises(LocalProtocolError):
                await session.command("SET", "VARIABLE", "X", evil)
        await session.command("SET", "VARIABLE", "X", "still in step")
        return "done"

    async with house.running(handler), house.peer() as peer:
        lines = await peer.answers(b"200 result=1\n", b"200 result=1\n")
        assert lines == [rb'SET VARIABLE X "say \"hi\" \\ there"', b'SET VARIABLE X "still in step"']
        assert await house.outcome() == "done"


async def test_15_port_scan(house: House, log: list[Any]) -> None:
    async with house.running(get("X")) as server:
        for _ in range(20):
            async with house.peer(b""):
                pass
        await settled(lambda: server.counters.dropped == 20)
        async with house.peer() as peer:  # and the server still works
            await peer.answers(b"200 result=1 (x)\n")
            assert (await house.outcome()).data == "x"
    assert server.counters.accepted == 1
    assert {entry["log_level"] for entry in log} <= {"debug"}


async def test_16_environment_in_small_pieces(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return session.environment["agi_arg_1"], (await session.command("GET", "VARIABLE", "X")).data

    async with house.running(handler), house.peer(b"") as peer:
        for begin in range(0, len(ENVIRONMENT), 7):
            await peer.say(ENVIRONMENT[begin : begin + 7])
            await asyncio.sleep(0)
        await peer.line()
        for byte in b"200 result=1 (in pieces)\n":
            await peer.say(bytes([byte]))
            await asyncio.sleep(0)
        assert await house.outcome() == ("95500", "in pieces")


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"x" * 3_000_000, id="17-three-megabytes"),
        pytest.param(b"agi_network: " + b"x" * 3_000_000, id="17-three-megabytes-of-environment"),
        pytest.param(b"agi_x: y\n" * 300_000, id="lines-without-end"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="http"),
        pytest.param(b"\n", id="newline"),
        pytest.param(b"\0", id="nul"),
        pytest.param(b"agi_network\n\n", id="no-colon"),
    ],
)
async def test_garbage_is_dropped_with_one_line(house: House, log: list[Any], garbage: bytes) -> None:
    async with house.running(get("X")) as server:
        async with house.peer(b"") as peer:
            with contextlib.suppress(ConnectionError):
                await peer.say(garbage)
            assert await peer.closed()
        await settled(lambda: server.counters.dropped == 1)
    assert server.counters.accepted == 0
    assert [entry["log_level"] for entry in log] == ["info"]


async def test_three_megabytes_without_newline_as_an_answer(house: House) -> None:
    async with house.running(get("X")), house.peer() as peer:
        await peer.line()
        with contextlib.suppress(ConnectionError):
            await peer.say(b"200 result=1 (" + b"x" * 3_000_000)
        assert isinstance(await house.outcome(), RemoteProtocolError)
        assert await peer.closed()


@pytest.mark.parametrize("flood", [b"HANGUP\n" * 200_000, b"100 result=0 Trying...\n" * 100_000])
async def test_flood_of_asides_is_cut(house: House, flood: bytes) -> None:
    async with house.running(get("X")), house.peer() as peer:
        await peer.line()
        with contextlib.suppress(ConnectionError):
            await peer.say(flood)
        assert isinstance(await house.outcome(), RemoteProtocolError)
        assert await peer.closed()


async def test_half_open_silence(house: House, log: list[Any]) -> None:
    async with house.running(get("X"), environment_seconds=0.05) as server, house.peer(b"agi_network: yes\n") as peer:
        assert await peer.closed()
        await settled(lambda: server.counters.dropped == 1)
    assert [entry["log_level"] for entry in log] == ["info"]


@pytest.mark.parametrize("more", [b"200 result=1 (forged)\n", b"the value's second line)\n"])
async def test_answer_nobody_asked_for_ends_the_session(house: House, more: bytes) -> None:
    async with house.running(get("X")), house.peer() as peer:
        await peer.answers(b"200 result=1 (a)\n" + more)
        assert isinstance(await house.outcome(), RemoteProtocolError)
        assert await peer.closed()


async def test_answer_nobody_asked_for_ends_the_session_when_it_comes_late(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        first = await session.command("GET", "VARIABLE", "X")
        go_on.set()
        await settled(lambda: session.closed)
        with pytest.raises(SessionClosed):
            await session.command("GET", "VARIABLE", "Y")
        return first.data

    go_on = asyncio.Event()
    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=1 (a)\n")
        await go_on.wait()
        await peer.say(b"200 result=1 (forged)\n")
        assert await house.outcome() == "a"


# Refusals


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"510 Invalid or unknown command\n", InvalidCommand),
        (b"511 Command Not Permitted on a dead channel\n", DeadChannel),
        (b"503 result=-2 Memory allocation failure\n", CommandFailed),
        (b"what?\n", RemoteProtocolError),
        (b"200 OK\n", RemoteProtocolError),
    ],
)
async def test_refusals(house: House, answer: bytes, error: type[AgiError]) -> None:
    async with house.running(get("X")), house.peer() as peer:
        await peer.answers(answer)
        assert type(await house.outcome()) is error


async def test_trying_comes_before_the_answer_of_gosub(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return (await session.command("GOSUB", "a", "s", 1)).result

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"100 result=0 Trying...\n200 result=0 Gosub complete\n")
        assert await house.outcome() == "0"


# Whose turn it is


async def test_cancelled_command_closes_the_connection(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.command("WAIT", "FOR", "DIGIT", 5000)
        with pytest.raises(SessionClosed):
            await session.command("GET", "VARIABLE", "X")
        return "closed"

    async with house.running(handler), house.peer() as peer:
        assert await peer.line() == b"WAIT FOR DIGIT 5000"
        assert await house.outcome() == "closed"
        assert await peer.closed()


async def test_two_commands_at_once_are_refused_and_the_first_goes_on(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        first = asyncio.create_task(session.command("GET", "VARIABLE", "X"))
        await asyncio.sleep(0)
        with pytest.raises(LocalProtocolError):
            await session.command("GET", "VARIABLE", "Y")
        return (await first).data

    async with house.running(handler), house.peer() as peer:
        assert await peer.answers(b"200 result=1 (x)\n") == [b"GET VARIABLE X"]
        assert await house.outcome() == "x"


async def test_deadlines_short_and_long_share_one_timer(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        await session.command("NOOP", deadline=60)
        with pytest.raises(CommandTimeout):
            await session.command("NOOP", deadline=0.05)
        return "timed out"

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=0\n")
        assert await house.outcome() == "timed out"


async def test_a_timer_that_fires_too_early_is_set_again(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        await session.command("NOOP", deadline=0.03)
        answer = await session.command("WAIT", "FOR", "DIGIT", -1, deadline=30)
        return answer.digit

    async with house.running(handler), house.peer() as peer:
        await peer.answers(b"200 result=0\n")
        await peer.line()
        await asyncio.sleep(0.1)  # past the first command's deadline
        await peer.say(b"200 result=53\n")
        assert await house.outcome() == "5"


async def test_no_deadline_at_all(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        return (await session.command("EXEC", "Dial", "PJSIP/1", deadline=float("inf"))).result

    async with house.running(handler, command_seconds=0.02, environment_seconds=0.05), house.peer() as peer:
        await peer.line()
        await asyncio.sleep(0.15)
        await peer.say(b"200 result=0\n")
        assert await house.outcome() == "0"


# The server


async def test_handler_that_raises_is_logged_with_its_call_and_the_caller_is_given_back(
    house: House, log: list[Any]
) -> None:
    async def handler(session: AgiSession) -> Any:
        raise ZeroDivisionError

    async with house.running(handler) as server, house.peer() as peer:
        assert await peer.closed()
        await settled(lambda: server.live == 0)
    assert server.counters.failed == 1
    assert [(entry["call"], type(entry["exc_info"])) for entry in errors_in(log)] == [("17.1", ZeroDivisionError)]


async def test_session_that_outlives_its_handler_is_closed(house: House) -> None:
    kept: list[AgiSession] = []

    async def handler(session: AgiSession) -> Any:
        kept.append(session)

    async with house.running(handler), house.peer() as peer:
        assert await peer.closed()
        with pytest.raises(SessionClosed):
            await kept[0].command("NOOP")


async def test_call_id_is_bound_for_the_handlers_log_lines(house: House) -> None:
    import structlog

    async def handler(session: AgiSession) -> Any:
        return structlog.contextvars.get_contextvars()

    async with house.running(handler), house.peer():
        assert await house.outcome() == {"call": "17.1"}


async def test_stop_waits_for_live_calls(house: House) -> None:
    async with house.running(get("X")) as server, house.peer() as peer:
        await peer.line()
        stopping = asyncio.create_task(server.stop(30))
        await settled(lambda: server._stopping)
        with pytest.raises(ConnectionError):
            async with house.peer(b""):
                pass
        assert not stopping.done()
        await peer.say(b"200 result=1 (to the end)\n")
        assert (await house.outcome()).data == "to the end"
        await asyncio.wait_for(stopping, 10)
        assert await peer.closed()


async def test_stop_cancels_after_the_grace(house: House, log: list[Any]) -> None:
    async with house.running(get("X")) as server, house.peer() as peer, house.peer(b"agi_n") as newcomer:
        await peer.line()
        await asyncio.wait_for(server.stop(0.05), 10)
        assert isinstance(await house.outcome(), asyncio.CancelledError)
        assert await peer.closed()
        assert await newcomer.closed()
        assert server.live == 0
    assert not errors_in(log)


async def test_server_starts_again_after_stop(house: House) -> None:
    async with house.running(get("X")) as server:
        await server.stop(0)
        await server.start()
        async with house.peer() as peer:
            await peer.answers(b"200 result=1 (again)\n")
            assert (await house.outcome()).data == "again"


async def test_overload_is_told_at_once_and_beyond_that_closed(house: House) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def busy(session: AgiSession) -> None:
        told.put_nowait((await session.command("GET", "VARIABLE", "BUSY")).data or "")

    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(house.running(get("X"), max_calls=2, on_overload=busy))
        live = [await stack.enter_async_context(house.peer()) for _ in range(2)]
        for peer in live:
            assert await peer.line() == b"GET VARIABLE X"
        extra = [await stack.enter_async_context(house.peer()) for _ in range(8)]
        for peer in extra:
            assert await peer.line() == b"GET VARIABLE BUSY"
        beyond = await stack.enter_async_context(house.peer())
        assert await beyond.closed()
        assert (server.live, server.counters.overloaded, server.counters.rejected) == (2, 8, 1)
        await extra[0].say(b"200 result=1 (busy)\n")
        assert await asyncio.wait_for(told.get(), 10) == "busy"
        await live[0].say(b"200 result=0\n")  # a place is free again
        await house.outcome()
        await settled(lambda: server.live == 1)
        again = await stack.enter_async_context(house.peer())
        assert await again.line() == b"GET VARIABLE X"


async def test_silent_connections_cannot_fill_the_server(house: House) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(house.running(get("X"), max_calls=3))
        silent = [await stack.enter_async_context(house.peer(b"")) for _ in range(3)]
        await settled(lambda: len(server._newcomers) == 3)
        assert await (await stack.enter_async_context(house.peer(b""))).closed()
        await silent[0].say(ENVIRONMENT)
        assert await silent[0].line() == b"GET VARIABLE X"


async def test_slow_handler_stops_nobody_else(house: House) -> None:
    free = asyncio.Event()

    async def handler(session: AgiSession) -> Any:
        if (await session.command("GET", "VARIABLE", "SLOW")).result == "1":
            await free.wait()
        return (await session.command("GET", "VARIABLE", "X")).data

    async with house.running(handler), house.peer() as slow, house.peer() as quick:
        await slow.answers(b"200 result=1 (yes)\n")
        await quick.answers(b"200 result=0\n", b"200 result=1 (quick)\n")
        assert await house.outcome() == "quick"
        free.set()
        await slow.answers(b"200 result=1 (slow)\n")
        assert await house.outcome() == "slow"


async def test_observe_is_told_of_each_command(house: House) -> None:
    observed: list[tuple[float | None, float | None]] = []

    async def handler(session: AgiSession) -> Any:
        await session.command("get", "variable", "X")
        await session.command("GET", "OPTION", "welcome", "1", 3000, deadline=30.0)
        await session.command("EXEC", "NoOp")

    async with (
        house.running(handler, observe=lambda *told: observed.append(told)),
        house.peer() as peer,
    ):
        await peer.answers(*[b"200 result=0\n"] * 3)
        await house.outcome()
    (first, second, third) = observed
    assert all(seconds is not None and 0 < seconds < 10 for seconds, _ in (first, third))
    assert second[0] is None, "with a deadline of its own it waits for the caller, not for Asterisk"
    assert first[1] is None
    assert all(turn is not None and 0 <= turn < 10 for _, turn in (second, third)), "what the caller waited for us"


async def test_write_waits_while_the_transport_is_full(house: House) -> None:
    async def handler(session: AgiSession) -> Any:
        session.pause_writing()
        asyncio.get_running_loop().call_later(0.02, session.resume_writing)
        return (await session.command("GET", "VARIABLE", "X")).data

    async with house.running(handler), house.peer() as peer:
        assert await peer.answers(b"200 result=1 (x)\n") == [b"GET VARIABLE X"]
        assert await house.outcome() == "x"
