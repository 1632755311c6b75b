"""Clients that are not ours against the fake manager: it must not only agree with the client it was written beside.

panoramisk and pyst2 run here as they are published; what they get wrong is avoided, not patched. Their warnings are
about Python's past (camelCase names of ``threading``), and only those are let through.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fake_manager import Channel, FakeManager
from panoramisk.manager import Manager as Panoramisk

PATIENCE = 10.0


@pytest.fixture
async def manager() -> AsyncIterator[FakeManager]:
    async with FakeManager() as fake:
        yield fake


async def test_panoramisk(manager: FakeManager) -> None:
    manager.channels = {f"c{n}": Channel(f"Local/c{n}", f"c{n}") for n in range(3)}
    manager.outputs["core show uptime"] = ["System uptime: 1 second", "Last reload: 1 second"]
    peer = Panoramisk(host="127.0.0.1", port=manager.port, username="tester", secret="a secret", ping_delay=3600)
    events: asyncio.Queue[Any] = asyncio.Queue()
    peer.register_event("Newchannel", lambda _, event: events.put_nowait(event))
    try:
        await peer.connect()
        await manager.until(lambda: bool(manager.logged_in))
        async with asyncio.timeout(PATIENCE):
            assert (await peer.send_action({"Action": "Ping"})).ping == "Pong"
            items = await peer.send_action({"Action": "CoreShowChannels"})
            assert [item.uniqueid for item in items[1:-1]] == ["c0", "c1", "c2"]
            assert items[-1].listitems == "3"
            command = await peer.send_command("core show uptime")
            assert command.output == manager.outputs["core show uptime"]
            refused = await peer.send_action({"Action": "Hangup", "Channel": "nope"})
            assert (refused.success, refused.message) == (False, "No such channel")
            originate = {"Channel": "Local/wait@lab/n", "Application": "Wait", "Data": "1", "ChannelId": "try-1"}
            variables = {"Variable": ["A=1,B=2", 'C="3,4"']}
            answers = await peer.send_action({"Action": "Originate", "Async": "true", **originate, **variables})
            assert (answers[-1].event, answers[-1].uniqueid) == ("OriginateResponse", "try-1")
            assert (await events.get()).uniqueid == "try-1"
            assert manager.channels["try-1"].variables == {"A": "1", "B": "2", "C": "3,4"}
    finally:
        peer.close()
        await manager.until(lambda: not manager.sessions)


async def test_panoramisk_is_refused(manager: FakeManager) -> None:
    peer = Panoramisk(host="127.0.0.1", port=manager.port, username="tester", secret="wrong", ping_delay=3600)
    try:
        await peer.connect()
        await asyncio.sleep(0)  # panoramisk sends its login in a callback of that task
        async with asyncio.timeout(PATIENCE):
            answer = await peer.authenticated_future
        assert (answer.success, answer.message) == (False, "Authentication failed")
    finally:
        peer.close()


@pytest.mark.filterwarnings("ignore:(setDaemon|isSet|currentThread)\\(\\) is deprecated:DeprecationWarning:asterisk")
async def test_pyst2(manager: FakeManager) -> None:
    from asterisk.manager import Manager as Pyst2
    from asterisk.manager import ManagerAuthException

    manager.channels["c"] = Channel("Local/c", "c")
    seen: list[str] = []
    hung_up = threading.Event()

    def hear(event: Any, _: Any) -> None:
        seen.append(event.get_header("Uniqueid"))
        hung_up.set()

    def session() -> dict[str, str]:
        # Every header is given anew: pyst2 keeps those of the call before in a shared default.
        peer = Pyst2()
        peer.connect("127.0.0.1", manager.port)
        try:
            answers = {
                "title": peer.title,
                "login": peer.login("tester", "a secret").get_header("Response"),
                "ping": peer.ping().get_header("Ping"),
                "command": peer.command("core show version").get_header("Output"),
                "refused": peer.hangup("nope").get_header("Message"),
            }
            peer.register_event("Hangup", hear)
            answers["hangup"] = peer.hangup("c").get_header("Message")
            assert hung_up.wait(PATIENCE)
            return answers
        finally:
            peer.close()

    def refused() -> str:
        peer = Pyst2()
        peer.connect("127.0.0.1", manager.port)
        try:
            peer.login("tester", "wrong")
        except ManagerAuthException as error:
            return str(error)
        finally:
            peer._running.clear()  # the fake hung up; a close() would send a Logoff after it
            peer.message_thread.join()
            peer.event_dispatch_thread.join()
        return ""

    async with asyncio.timeout(2 * PATIENCE):
        assert await asyncio.to_thread(session) == {
            "title": "Asterisk Call Manager",
            "login": "Success",
            "ping": "Pong",
            "command": "Asterisk 22.10.1 built by nobody",
            "refused": "No such channel",
            "hangup": "Channel Hungup",
        }
        assert seen == ["c"]
        assert await asyncio.to_thread(refused) == "Authentication failed"
