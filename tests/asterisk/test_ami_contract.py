"""The same questions to a real Asterisk and to the fake manager of the wire tests: they must answer alike.

What the wire tests prove of our client they prove against the fake; this file is why that counts.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningAsterisk

from ivr import contract
from ivr.ami import ActionFailed, AmiClient, AuthFailed, LocalProtocolError, State
from ivr.monitor import CallAnswered, CallEnded, CallStarted, Monitor

sys.path.append(str(Path(__file__).parents[1] / "wire"))
from fake_manager import Account, FakeManager

pytestmark = pytest.mark.asterisk

PATIENCE = 20.0
SELF = f"Local/s@{contract.CONTEXT_SELF}/n"
NOWHERE = "Local/none@goldline-nowhere"
STAY = {"Channel": SELF, "Application": "Wait", "Data": "30", "Async": "true"}


@dataclass(frozen=True)
class Peer:
    """A manager to talk to: the fake one or Asterisk."""

    port: int
    secrets: dict[str, str]

    def client(self, account: str = contract.AMI_ACTIONS, **options: Any) -> AmiClient:
        return AmiClient(
            **{
                "host": "127.0.0.1",
                "port": self.port,
                "username": account,
                "secret": self.secrets[account],
                "deadline": PATIENCE,
                **options,
            }
        )

    @asynccontextmanager
    async def connected(self, account: str = contract.AMI_ACTIONS, **options: Any) -> AsyncIterator[AmiClient]:
        client = self.client(account, **options)
        await client.start()
        try:
            await client.wait_connected(PATIENCE)
            yield client
        finally:
            await client.stop()


@pytest.fixture(params=["fake", "asterisk"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    if request.param == "asterisk":
        asterisk: RunningAsterisk = request.getfixturevalue("asterisk")
        secrets = {
            contract.AMI_EVENTS: asterisk.secrets.ami_events,
            contract.AMI_ACTIONS: asterisk.secrets.ami_actions,
        }
        yield Peer(asterisk.port("ami"), secrets)
        return
    rights = {
        contract.AMI_EVENTS: Account("one", frozenset({"system", "call", "user"}), frozenset({"reporting"})),
        contract.AMI_ACTIONS: Account(
            "two", frozenset({"system", "call"}), frozenset({"call", "originate", "reporting", "user"})
        ),
    }
    async with FakeManager(rights) as manager:
        manager.contexts.add(contract.CONTEXT_SELF)
        yield Peer(manager.port, {name: account.secret for name, account in rights.items()})


async def test_login_ping_and_an_empty_list(peer: Peer) -> None:
    async with peer.connected() as client:
        assert (await client.action("Ping"))["Ping"] == "Pong"
        assert await client.list("CoreShowChannels") == []


async def test_a_wrong_secret_is_refused_for_good(peer: Peer) -> None:
    client = peer.client(secret="not the secret")
    await client.start()
    try:
        with pytest.raises(AuthFailed, match="Authentication failed"):
            await client.wait_connected(PATIENCE)
        assert client.state is State.REFUSED
    finally:
        await client.stop()


async def test_actions_that_are_refused(peer: Peer) -> None:
    async with peer.connected() as client:
        for name, headers, reason in (
            ("Command", {"Command": "core show version"}, "Permission denied"),
            ("Hangup", {"Channel": "nobody"}, "No such channel"),
            ("Originate", {"Channel": NOWHERE, "Application": "Wait"}, "Originate failed"),
            ("Originate", {"Channel": NOWHERE}, "Originate with 'Exten' requires 'Context' and 'Priority'"),
            (
                "Nonsense",
                {},
                "Invalid/unknown command: Nonsense. Use Action: ListCommands to show available commands.",
            ),
        ):
            with pytest.raises(ActionFailed) as refused:
                await client.action(name, headers)
            assert refused.value.response.text == reason


async def test_an_originate_to_nowhere_ends_in_an_event(peer: Peer) -> None:
    async with peer.connected(wants_events="on") as client:
        answer = await client.action("Originate", {**STAY, "Channel": NOWHERE, "ChannelId": "contract-nowhere"})
        assert answer.text == "Originate successfully queued"
        async with asyncio.timeout(PATIENCE):
            async for event in client.events():
                if event.name == "OriginateResponse":
                    break
        assert (event.action_id, event["Response"], event["Reason"]) == (answer.action_id, "Failure", "0")


def fresh_id() -> str:
    """A channel's id that no call before had: the Asterisk is shared, and a call takes a moment to be gone."""
    return f"contract-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "a,b,c",
        'say "hi", then',
        "back\\slash\\",
        "(a,b",
        "a)b,c",
        "[x",
        "${EVAL(1)}",
        " x ",
        "贵州,茅台",
        "a=b",
    ],
)
async def test_a_variable_arrives_as_it_was_given_and_alone(peer: Peer, value: str) -> None:
    async with peer.connected(wants_events="on") as client:
        variables = {"GL_TEST": value, "GL_AFTER": "after"}
        channel = fresh_id()
        sent = await client.action("Originate", {**STAY, "ChannelId": channel}, variables=variables)
        try:
            async with asyncio.timeout(PATIENCE):
                async for event in client.events():
                    if event.name == "OriginateResponse" and event.action_id == sent.action_id:
                        break
            for name, given in variables.items():
                answer = await client.action("Getvar", {"Channel": channel, "Variable": name})
                assert answer["Value"] == given
            await client.action("Setvar", {"Channel": channel, "Variable": "GL_TEST", "Value": value})
            answer = await client.action("Getvar", {"Channel": channel, "Variable": "GL_TEST"})
            assert answer["Value"] == value.lstrip(" ")  # Asterisk skips blanks before a header's value
        finally:
            await client.action("Hangup", {"Channel": channel})


async def test_a_value_with_a_line_break_is_refused_before_it_is_sent(peer: Peer) -> None:
    async with peer.connected() as client:
        for evil in ("x\r\nAction: Originate", "x\nAction: Originate", "x\0y"):
            with pytest.raises(LocalProtocolError):
                await client.action("Setvar", {"Channel": "c", "Variable": "A", "Value": evil})
        assert (await client.action("Ping"))["Ping"] == "Pong"


async def test_the_monitor_sees_a_call_begin_and_end(peer: Peer) -> None:
    # With the account that may ask for the present state; see `write` of the monitor's in manager.conf.
    account = contract.AMI_EVENTS
    async with (
        peer.connected() as client,
        Monitor(host="127.0.0.1", port=peer.port, username=account, secret=peer.secrets[account]) as monitor,
    ):
        channel = fresh_id()
        await client.action("Originate", {**STAY, "ChannelId": channel})
        seen: list[Any] = []
        async with asyncio.timeout(PATIENCE):
            async for news in monitor.watch():
                if news.id == channel:
                    seen.append(type(news))
                if CallStarted in seen and len(seen) == 1:
                    calls = await monitor.live_calls()
                    assert channel in [call.id for call in calls]
                    await client.action("Hangup", {"Channel": channel})
                if CallEnded in seen:
                    break
        assert set(seen) <= {CallStarted, CallAnswered, CallEnded}
        async with asyncio.timeout(PATIENCE):  # it is listed for a moment after its end was told
            while channel in [call.id for call in await monitor.live_calls()]:
                await asyncio.sleep(0.01)


async def test_the_monitor_reads_variables_of_channels_and_what_devices_do(peer: Peer) -> None:
    account = contract.AMI_EVENTS
    async with (
        peer.connected() as client,
        Monitor(host="127.0.0.1", port=peer.port, username=account, secret=peer.secrets[account]) as monitor,
    ):
        channel = fresh_id()
        following = monitor.follow(lambda event: event if event.get("Event") == "UserEvent" else None)
        await client.action("Originate", {**STAY, "ChannelId": channel}, variables={"GL_TEST": "x,y=z"})
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := [one for one in await monitor.channels("GL_TEST", "GL_NONE") if is_(one, channel)]):
                    await asyncio.sleep(0.01)
            assert found[0]["Variable"] == ["GL_TEST=x,y=z", "GL_NONE=(null)"]
            assert (found[0]["BridgeID"], found[0]["Seconds"].isdigit()) == ("", True)
            assert all(device["Device"] and device["State"] for device in await monitor.devices())
            await client.action("UserEvent", {"UserEvent": "GoldlineTest", "Kind": "one", "Call": channel})
            async with asyncio.timeout(PATIENCE):
                told = await anext(following)
            assert (told["UserEvent"], told["Kind"], told["Call"]) == ("GoldlineTest", "one", channel)
        finally:
            await client.action("Hangup", {"Channel": channel})


def is_(item: Any, channel: str) -> bool:
    return bool(item["Uniqueid"] == channel)


# Below the client: what is a line, what is too long, who may ask


PING = b"Action: Ping\r\nActionID: me\r\n"
RAW = {
    "the longest line": (PING + b"X: " + b"a" * 1019 + b"\r\n\r\n", "Pong"),
    "a line too long": (PING + b"X: " + b"a" * 1021 + b"\r\n\r\n", "Failed to parse message: line too long"),
    "a line far too long": (PING + b"X: " + b"a" * 3000 + b"\r\n\r\n", "Failed to parse message: line too long"),
    "the most headers": (PING + b"X: a\r\n" * 126 + b"\r\n", "Pong"),
    "too many headers": (PING + b"X: a\r\n" * 127 + b"\r\n", "Too many lines in message or allocation failure"),
    "a bare line feed ends a line": (b"Action: Ping\nActionID: me\n\n", "Pong"),
    "a carriage return ends none": (b"Action: Ping\rAction: Hangup\r\nActionID: me\r\n\r\n", "Invalid/unknown command"),
    "a line ends at its first NUL": (b"Action: Ping\0x\r\nActionID: me\r\n\r\n", "Pong"),
    "headers in any case": (b"aCTION: pING\r\nactionid: me\r\n\r\n", "Pong"),
    "no action": (b"ActionID: me\r\n\r\n", "Missing action in request"),
}


@pytest.mark.parametrize("case", RAW)
async def test_on_the_wire(peer: Peer, case: str) -> None:
    sent, expected = RAW[case]
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        try:
            assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
            writer.write(b"Action: Ping\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"Response: Error\r\nMessage: Permission denied\r\n\r\n"
            name, secret = contract.AMI_ACTIONS, peer.secrets[contract.AMI_ACTIONS]
            writer.write(f"Action: Login\r\nUsername: {name}\r\nSecret: {secret}\r\nEvents: off\r\n\r\n".encode())
            accepted = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
            assert await reader.readuntil(b"\r\n\r\n") == accepted
            writer.write(sent)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert expected in answer
            assert "ActionID: me\r\n" in answer
        finally:
            writer.close()
            await writer.wait_closed()
