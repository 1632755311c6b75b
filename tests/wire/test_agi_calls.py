"""Whole calls over TCP with the fake Asterisk, and the fake Asterisk itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fake_asterisk import (
    SCRIPT,
    FakeAsterisk,
    FakeChannel,
    Misbehaviour,
    parse_args,
)
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi.errors import CallerHungUp, DeadChannel, LocalProtocolError, RemoteProtocolError
from ivr.agi.protocol import encode
from ivr.agi.server import AgiServer, AgiSession


async def run(asterisk: FakeAsterisk, handler: Callable[[AgiSession], Awaitable[Any]]) -> Any:
    """Make the call; gives what the handler returned, or the error it ended with."""
    outcome: list[Any] = []

    async def keep(session: AgiSession) -> None:
        try:
            outcome.append(await handler(session))
        except Exception as error:
            outcome.append(error)

    server = AgiServer(keep)
    await server.start()
    try:
        await asterisk.call("127.0.0.1", server.port)
    finally:
        await server.stop(5)
    return outcome[0]


async def quote_line(session: AgiSession) -> Any:
    await session.command("ANSWER")
    choice = await session.command("GET", "OPTION", "/sounds/menu", "12", 3000)
    code = await session.command("GET", "DATA", "/sounds/enter-code", 5000, 6)
    await session.command("STREAM", "FILE", "/sounds/quote", "")
    await session.command("SET", "VARIABLE", "GOLDLINE_DONE", "hangup")
    return choice.digit, code.result, code.timed_out


async def test_a_patient_caller_hears_a_quote() -> None:
    asterisk = FakeAsterisk(arguments=["95500"], pieces=5)
    asterisk.press("1", "600519#")
    assert await run(asterisk, quote_line) == ("1", "600519", False)
    assert asterisk.channel.heard == ["/sounds/menu", "/sounds/enter-code", "/sounds/quote"]
    assert asterisk.channel.variables == {"GOLDLINE_DONE": "hangup"}
    assert asterisk.channel.state == 6


async def test_an_impatient_caller_cuts_the_prompts_short() -> None:
    channel = FakeChannel(sounds={"/sounds/menu": 10.0})
    channel.press_at(1.5, "1")
    channel.press_at(2.0, "600519", between=0.5)
    asterisk = FakeAsterisk(channel=channel)
    assert await run(asterisk, quote_line) == ("1", "600519", False)
    menu = channel.played[0]
    assert (menu.seconds, menu.key) == (1.5, "1")


async def test_a_silent_caller() -> None:
    assert await run(FakeAsterisk(), quote_line) == ("", "", True)


@pytest.mark.parametrize("moment", [0.0, 0.5, 2.5, 3.0, 5.5, 7.0, 12.0])
async def test_hanging_up_at_any_moment_ends_the_handler_with_caller_hung_up(moment: float) -> None:
    asterisk = FakeAsterisk()
    asterisk.hang_up_at(moment)
    assert isinstance(await run(asterisk, quote_line), CallerHungUp)
    assert asterisk.channel.variables == {}


async def test_dead_mode_still_takes_what_needs_no_caller() -> None:
    async def handler(session: AgiSession) -> Any:
        with pytest.raises(CallerHungUp):
            await session.command("STREAM", "FILE", "/sounds/menu", "")
        assert session.hung_up
        with pytest.raises(DeadChannel):
            await session.command("ANSWER")
        await session.command("SET", "VARIABLE", "RESULT", "hung up")
        return (await session.command("GET", "VARIABLE", "RESULT")).data

    asterisk = FakeAsterisk()
    asterisk.hang_up_at(1)
    assert await run(asterisk, handler) == "hung up"


@pytest.mark.parametrize("sighup", [True, False])
async def test_hangup_is_noticed_with_and_without_agisighup(sighup: bool) -> None:
    asterisk = FakeAsterisk(sighup=sighup)
    asterisk.hang_up_at(0.5)
    assert isinstance(await run(asterisk, quote_line), CallerHungUp)


async def test_exit_on_hangup_ends_the_session() -> None:
    asterisk = FakeAsterisk(exit_on_hangup=True)
    asterisk.hang_up_at(0.5)
    assert isinstance(await run(asterisk, quote_line), CallerHungUp)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Misbehaviour("GET DATA", close=True), CallerHungUp),
        (Misbehaviour(1, raw=b"200 result=4", close=True), CallerHungUp),
        (Misbehaviour("GET OPTION", raw=b"nonsense\n"), RemoteProtocolError),
        (Misbehaviour("GET OPTION", raw=b"200 result=49\n200 result=0\n"), RemoteProtocolError),
    ],
)
async def test_a_misbehaving_peer(fault: Misbehaviour, error: type[Exception]) -> None:
    assert type(await run(FakeAsterisk(misbehave=[fault]), quote_line)) is error


async def test_the_script_that_a_real_asterisk_runs_too() -> None:
    """See fake_asterisk: the same list runs against a real Asterisk."""
    channel = FakeChannel()
    channel.sounds = lambda path: None if "no-such" in path else 1.0
    channel.strict_sounds = True
    dead = False
    for command, pattern in SCRIPT:
        if command == "HANGUP?":
            dead = channel.hung_up
            assert dead
            continue
        answer = channel.run(parse_args(command.encode()), dead=dead).decode()
        assert re.fullmatch(pattern, answer.rstrip("\n")), f"{command}: {answer}"


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_words_come_out_of_asterisks_parser_as_they_went_in(words: list[str]) -> None:
    try:
        line = encode(["SET", *words])
    except LocalProtocolError:
        return
    assert line.count(b"\n") == 1
    parsed = parse_args(line.rstrip(b"\n"))
    assert [word.decode("utf-8", "surrogateescape") for word in parsed] == ["SET", *words]


async def test_a_line_too_long_is_cut_by_asterisk_and_so_never_sent() -> None:
    async def handler(session: AgiSession) -> Any:
        with pytest.raises(LocalProtocolError):
            await session.command("SET", "VARIABLE", "X", "x" * 9000)
        await session.command("SET", "VARIABLE", "X", "x" * 8000)

    asterisk = FakeAsterisk()
    await run(asterisk, handler)
    assert asterisk.channel.variables == {"X": "x" * 8000}
    assert len(asterisk.commands) == 1
