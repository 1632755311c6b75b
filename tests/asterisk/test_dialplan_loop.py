"""The dialplan alone, with a stand-in controller of a few lines: what a caller gets when ours is well, full or gone.

Calls come through ``goldline-self``: a real SIP call that Asterisk places to itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable

import pytest
from conftest import RunningAsterisk
from test_asterisk_starts import Manager, logged_in

from ivr import contract

pytestmark = pytest.mark.asterisk

PATIENCE = 30.0  # seconds
FIXED_SECONDS = 1
calls = itertools.count(1)


class StandIn:
    """A FastAGI controller that sends a fixed list of commands to each call, then closes."""

    def __init__(self, *sessions: list[str]) -> None:
        self.sessions = list(sessions)
        self.requests: list[dict[str, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request: dict[str, str] = {}
        while (line := (await reader.readline()).decode().strip()) != "":
            name, _, value = line.partition(": ")
            request[name] = value
        self.requests.append(request)
        for command in self.sessions.pop(0) if self.sessions else []:
            writer.write(f"{command}\n".encode())
            while (answer := await reader.readline()) and not answer.startswith(b"200"):
                pass
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(asterisk: RunningAsterisk, stand_in: StandIn) -> AsyncIterator[StandIn]:
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", asterisk.port("agi"))
    try:
        yield stand_in
    finally:
        server.close()
        await server.wait_closed()


class Watch:
    """One call from its caller's end, and the hotline's channel in Asterisk."""

    def __init__(self, asterisk: RunningAsterisk, actions: Manager, events: Manager) -> None:
        self.asterisk, self.actions, self.events = asterisk, actions, events
        self.caller = f"caller-{next(calls)}-{time.monotonic_ns()}"
        self.line = ""  # the hotline's channel, by its unique id

    async def dial(self, number: str) -> None:
        answer = await self.actions.ask(
            Action="Originate",
            Channel=f"PJSIP/{number}@{contract.ENDPOINT_SELF}",
            Context=contract.CONTEXT_SELF,
            Exten="s",
            Priority="1",
            ChannelId=self.caller,
            Async="true",
            Timeout="15000",
        )
        assert answer["Response"] == "Success"

    async def until(self, wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.events.block()
                if event.get("Event") == "Newchannel" and event.get("Uniqueid") != self.caller and not self.line:
                    self.line = event["Uniqueid"]
                if wanted(event):
                    return event

    async def line_hangup(self) -> dict[str, str]:
        return await self.until(lambda one: one.get("Event") == "Hangup" and one.get("Uniqueid") == self.line)

    async def caller_hangup(self) -> dict[str, str]:
        return await self.until(lambda one: one.get("Event") == "Hangup" and one.get("Uniqueid") == self.caller)

    async def music(self) -> None:
        await self.until(lambda one: one.get("Event") == "MusicOnHoldStart" and one.get("Uniqueid") == self.line)


@pytest.fixture
async def call(asterisk: RunningAsterisk) -> AsyncIterator[Watch]:
    for prompt in contract.PROMPTS_FIXED:
        place = asterisk.layout.fixed_sounds_dir / "zh" / f"{prompt}.alaw"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"\xd5" * 8000 * FIXED_SECONDS)
    async with logged_in(asterisk, contract.AMI_ACTIONS) as actions, logged_in(asterisk, contract.AMI_EVENTS) as events:
        watch = Watch(asterisk, actions, events)
        yield watch
        for channel in (watch.caller, watch.line):
            if channel:
                await actions.ask(Action="Hangup", Channel=channel)
    async with asyncio.timeout(PATIENCE):
        while "0 active channels" not in asterisk.cli("core show channels count"):
            await asyncio.sleep(0.05)


def done(value: str) -> str:
    return f"SET VARIABLE {contract.VAR_DONE} {value}"


async def test_a_call_is_handed_over_with_its_line_and_ends_when_it_is_done(call: Watch) -> None:
    async with serving(call.asterisk, StandIn(["ANSWER", done(contract.DONE_HANGUP)])) as controller:
        await call.dial("95500")
        assert (await call.line_hangup())["Cause"] == "16"
    (request,) = controller.requests
    assert request["agi_network_script"] == contract.AGI_PATH_CALL
    assert request["agi_arg_1"] == "95500"
    assert request["agi_uniqueid"].startswith(call.asterisk.secrets.system_name)
    assert request["agi_context"] == contract.CONTEXT_CALL


async def test_all_lines_busy_is_said_and_the_cause_is_busy(call: Watch) -> None:
    async with serving(call.asterisk, StandIn([done(contract.DONE_BUSY)])):
        began = time.monotonic()
        await call.dial("95500")
        assert (await call.line_hangup())["Cause"] == "17"
        assert time.monotonic() - began >= FIXED_SECONDS  # the prompt was played to its end


async def test_a_call_that_failed_hears_the_apology_and_is_recorded(call: Watch) -> None:
    async with serving(call.asterisk, StandIn([done(contract.DONE_FAILED)])):
        began = time.monotonic()
        await call.dial("95500")
        assert (await call.line_hangup())["Cause"] == "41"
        assert time.monotonic() - began >= FIXED_SECONDS
    await recorded(call, "failed")


async def test_a_controller_that_goes_away_and_comes_back_has_the_same_call(call: Watch) -> None:
    keeps = f'SET VARIABLE {contract.VAR_CHECKPOINT} "eyJub2RlIjoibWVudSJ9"'
    async with serving(call.asterisk, StandIn(["ANSWER", keeps])) as first:
        await call.dial("95500")
        await call.music()  # it closed without a word: no caller is lost with it
    async with serving(call.asterisk, StandIn([done(contract.DONE_HANGUP)])) as second:
        assert (await call.line_hangup())["Cause"] == "16"
    assert first.requests[-1]["agi_uniqueid"] == second.requests[0]["agi_uniqueid"]
    assert second.requests[0]["agi_arg_2"] == "eyJub2RlIjoibWVudSJ9"


async def test_no_controller_from_the_first_moment_is_music_and_then_a_call(call: Watch) -> None:
    await call.dial("95500")
    await call.music()
    async with serving(call.asterisk, StandIn([done(contract.DONE_HANGUP)])) as controller:
        assert (await call.line_hangup())["Cause"] == "16"
    assert controller.requests[0]["agi_arg_1"] == "95500"


async def test_a_controller_that_stays_away_while_nobody_is_at_work_is_said_and_recorded(call: Watch) -> None:
    # The count of tries stands in a variable, so that a minute of music need not be waited for.
    async with serving(call.asterisk, StandIn(["ANSWER", f"SET VARIABLE {contract.VAR_TRIES} 99"])):
        await call.dial("95500")
        assert (await call.line_hangup())["Cause"] == "41"
    await recorded(call, "away")


async def test_a_call_that_went_well_leaves_no_record_of_asterisks_own(call: Watch) -> None:
    async with serving(call.asterisk, StandIn(["ANSWER", done(contract.DONE_HANGUP)])):
        await call.dial("95500")
        await call.line_hangup()
    assert call.line not in records(call)


async def test_a_caller_who_hangs_up_in_the_music_is_gone(call: Watch) -> None:
    await call.dial("95500")
    await call.music()
    await call.actions.ask(Action="Hangup", Channel=call.caller)
    await call.line_hangup()


@pytest.mark.parametrize("number", ["95501", "955", "00861395550000", "+8613955500000", "*95500"])
async def test_a_number_that_the_controller_does_not_know_is_unallocated(call: Watch, number: str) -> None:
    async with serving(call.asterisk, StandIn([done(contract.DONE_UNALLOCATED)])) as controller:
        await call.dial(number)
        event = await call.caller_hangup()
    assert [event["Cause"], *(request["agi_arg_1"] for request in controller.requests)] == ["1", number]


@pytest.mark.parametrize("number", ["alice", "95500x", "9" * 21, "+86-95500"])
async def test_what_is_no_number_never_comes_to_the_controller(call: Watch, number: str) -> None:
    async with serving(call.asterisk, StandIn()) as controller:
        await call.dial(number)
        event = await call.caller_hangup()
    assert (event["Cause"], controller.requests) == ("1", [])


async def test_a_variable_full_of_rubbish_does_not_stop_the_loop(call: Watch) -> None:
    rubbish = [
        f'SET VARIABLE {contract.VAR_TRIES} "\\") + ${{SHELL(id)}} ,; x"',
        f'SET VARIABLE {contract.VAR_DONE} "\\" | 1"',
    ]
    async with serving(call.asterisk, StandIn(["ANSWER", *rubbish], [done(contract.DONE_HANGUP)])) as controller:
        await call.dial("95500")
        assert (await call.line_hangup())["Cause"] == "16"
    assert len(controller.requests) == 2


def records(call: Watch) -> dict[str, str]:
    """Unique id to user field, of the calls that Asterisk itself recorded."""
    with contextlib.suppress(FileNotFoundError):
        rows = list(csv.reader(call.asterisk.layout.call_records.read_text("utf-8").splitlines()))
        return {row[16]: row[17] for row in rows}
    return {}


async def recorded(call: Watch, why: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while records(call).get(call.line) != why:
            await asyncio.sleep(0.05)


# Who may not call


async def sip(asterisk: RunningAsterisk, request: str) -> str:
    """The first final or challenging answer to a SIP request over TCP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", asterisk.port("sip"))
    try:
        writer.write(request.replace("\n", "\r\n").encode())
        async with asyncio.timeout(PATIENCE):
            while (line := (await reader.readline()).decode()).startswith("SIP/2.0 1"):
                await reader.readuntil(b"\r\n\r\n")
        return line.strip()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("user", [contract.ENDPOINT_SOFTPHONE, contract.ENDPOINT_SELF])
async def test_an_account_without_its_password_gets_no_call(asterisk: RunningAsterisk, user: str) -> None:
    port = asterisk.port("sip")
    tag = f"{user}-{time.monotonic_ns()}"
    line = await sip(
        asterisk,
        f"INVITE sip:95500@127.0.0.1:{port} SIP/2.0\n"
        f"Via: SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bK{tag}\n"
        f"From: <sip:{user}@127.0.0.1>;tag={tag}\nTo: <sip:95500@127.0.0.1>\n"
        f"Call-ID: {tag}\nCSeq: 1 INVITE\nContact: <sip:{user}@127.0.0.1:5999;transport=tcp>\n"
        "Max-Forwards: 70\nContent-Length: 0\n\n",
    )
    assert re.match(r"SIP/2\.0 401 ", line)
