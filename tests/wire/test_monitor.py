"""The supervisor's monitor client: what it shows, that it can do nothing else, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fake_manager import Account, Channel, FakeManager

from ivr.ami.errors import ActionTimeout, AuthFailed, LinkLost, LocalProtocolError, NotConnected, RemoteProtocolError
from ivr.contract import AMI_MONITOR, VAR_LINE
from ivr.monitor import (
    CallAnswered,
    CallEnded,
    CallNews,
    CallStarted,
    CallState,
    LiveCall,
    Monitor,
    check_read_only,
    news_of,
)

PATIENCE = 10.0


@pytest.fixture
async def manager() -> AsyncIterator[FakeManager]:
    account = Account("look", write=frozenset({"reporting"}))
    async with FakeManager({AMI_MONITOR: account}) as fake:
        yield fake


def monitor_of(manager: FakeManager, **options: Any) -> Monitor:
    return Monitor(**{"host": "127.0.0.1", "port": manager.port, "secret": "look", **options})


async def news(monitor: Monitor, count: int) -> list[CallNews]:
    found: list[CallNews] = []
    async with asyncio.timeout(PATIENCE):
        async for piece in monitor.watch():
            found.append(piece)
            if len(found) == count:
                break
    return found


async def test_live_calls_as_a_supervisor_sees_them(manager: FakeManager) -> None:
    line = {"variables": {VAR_LINE: "95500", "X": "1"}, "shown": ("X", VAR_LINE)}
    for channel in (
        Channel("PJSIP/a", "1.1", caller="13800000001", application="AGI", duration="00:00:07", **line),
        Channel("PJSIP/b", "1.2", caller="<unknown>", application="MusicOnHold", duration="00:01:00", **line),
        Channel("PJSIP/c", "1.3", caller="021555", application="Dial", bridge="b-1", duration="01:02:03", **line),
        Channel("PJSIP/seat", "1.4", linkedid="1.3", application="AppDial", bridge="b-1", duration="00:59:00"),
        Channel("PJSIP/d", "1.5", caller="x", exten="95500", state="4", state_name="Ring", duration="00:00:01"),
    ):
        manager.channels[channel.uniqueid] = channel
    async with monitor_of(manager) as monitor:
        assert await monitor.live_calls() == [
            LiveCall("1.3", "021555", "95500", CallState.TALKING, 3723),
            LiveCall("1.2", "", "95500", CallState.WAITING, 60),
            LiveCall("1.1", "13800000001", "95500", CallState.IVR, 7),
            LiveCall("1.5", "x", "95500", CallState.RINGING, 1),
        ]
        manager.channels.clear()
        assert await monitor.live_calls() == []


async def test_a_call_is_followed_from_its_first_ring_to_its_end(manager: FakeManager) -> None:
    caller = Channel("PJSIP/a", "1.1", caller="13800000001", exten="95500")
    seat = Channel("PJSIP/seat", "1.2", linkedid="1.1")
    async with monitor_of(manager) as monitor:
        manager.emit("Newchannel", *caller.headers())
        manager.emit("VarSet", *caller.headers())
        manager.emit("Newstate", *caller.headers())
        manager.emit("Newchannel", *seat.headers())
        manager.emit("Hangup", *seat.headers(), ("Cause", "16"))
        manager.emit("Hangup", *caller.headers(), ("Cause", "16"), ("Cause-txt", "Normal Clearing"))
        assert await news(monitor, 3) == [
            CallStarted("1.1", "13800000001", "95500"),
            CallAnswered("1.1"),
            CallEnded("1.1", 16, "Normal Clearing"),
        ]


async def test_a_caller_cut_in_two_by_the_network_comes_out_whole(manager: FakeManager) -> None:
    data = "Event: Newchannel\r\nUniqueid: 1\r\nLinkedid: 1\r\nCallerIDNum: 茅台\r\nExten: 1\r\n\r\n".encode()
    async with monitor_of(manager) as monitor:
        for cut in range(data.index("茅".encode()) + 1, len(data)):
            manager.send(data[:cut])
            await asyncio.sleep(0)
            manager.send(data[cut:])
            assert await news(monitor, 1) == [CallStarted("1", "茅台", "1")]


async def test_it_sends_nothing_but_what_reads(manager: FakeManager) -> None:
    async with monitor_of(manager) as monitor:
        await monitor.live_calls()
        inside = monitor._manager
        assert inside is not None
        for action in (
            {"Action": "Originate", "Channel": "PJSIP/1@pstn"},
            {"Action": "Hangup", "Channel": "1.1"},
            {"action": "command", "Command": "core stop now"},
            {"Action": "Ping\r\nAction: Hangup"},
            {"Action": "Ping", "X": "1\nAction: Hangup"},
            {},
        ):
            with pytest.raises(LocalProtocolError):
                inside.send_action(action)
        with pytest.raises(LocalProtocolError, match="only reads"):
            inside.send_command("core stop now")
        await monitor.live_calls()
    sent = {action.name for action in manager.received}
    assert sent <= {"login", "coreshowchannels", "ping"}


def test_a_setting_cannot_hold_a_second_action() -> None:
    with pytest.raises(LocalProtocolError, match="line break"):
        check_read_only({"Action": "Login", "Secret": "x\r\nAction: Originate"})


async def test_a_wrong_secret_is_tried_once(manager: FakeManager) -> None:
    monitor = monitor_of(manager, secret="wrong")
    with pytest.raises(AuthFailed, match=r"refused the account goldline-monitor.*manager\.conf"):
        await monitor.start()
    await manager.until(lambda: not manager.sessions)
    assert (manager.connections, len(manager.actions("Login"))) == (1, 1)
    with pytest.raises(NotConnected):
        await monitor.live_calls()


async def test_nobody_there() -> None:
    async with FakeManager() as manager:
        pass
    with pytest.raises(NotConnected, match="Cannot reach the manager at 127"):
        await monitor_of(manager).start()


async def test_a_manager_that_says_nothing(manager: FakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.monitor.LOGIN_SECONDS", 0.05)
    manager.faults.mute = True
    with pytest.raises(RemoteProtocolError, match="did not let us in"):
        await monitor_of(manager).start()
    await manager.until(lambda: not manager.sessions)


async def test_an_account_without_the_right_is_told_which(manager: FakeManager) -> None:
    manager.accounts[AMI_MONITOR].write = frozenset()
    async with monitor_of(manager) as monitor:
        with pytest.raises(RemoteProtocolError, match=r"Permission denied.*write = reporting"):
            await monitor.live_calls()


async def test_a_question_without_an_answer_ends_at_its_deadline(manager: FakeManager) -> None:
    manager.faults.silent_on.add("coreshowchannels")
    async with monitor_of(manager, deadline=0.05) as monitor:
        with pytest.raises(ActionTimeout):
            await monitor.live_calls()


async def test_a_list_cut_by_a_disconnect_fails_at_once_and_is_not_asked_again(manager: FakeManager) -> None:
    manager.channels = {f"c{n}": Channel(f"Local/c{n}", f"c{n}") for n in range(5)}
    manager.faults.cut_list_after = 3
    async with monitor_of(manager, deadline=60.0) as monitor:
        with pytest.raises(LinkLost):
            await monitor.live_calls()
        with pytest.raises(LinkLost):
            await news(monitor, 1)
        assert (manager.connections, len(manager.actions("CoreShowChannels"))) == (1, 1)


async def test_a_half_open_link_is_noticed(manager: FakeManager) -> None:
    async with monitor_of(manager, deadline=0.05, ping_seconds=0.02) as monitor:
        manager.faults.mute = True
        with pytest.raises(LinkLost, match="2 pings in a row"):
            await news(monitor, 1)


async def test_stopping_ends_the_onlooker_and_leaves_nothing(manager: FakeManager) -> None:
    monitor = monitor_of(manager)
    await monitor.start()
    watching = asyncio.create_task(news(monitor, 1))
    await manager.until(lambda: bool(manager.logged_in))
    await asyncio.sleep(0)
    await monitor.stop()
    with pytest.raises((LinkLost, NotConnected)):
        await watching
    await monitor.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("monitor")]


async def test_a_slow_onlooker_misses_the_oldest_and_is_told_how_many(manager: FakeManager) -> None:
    async with monitor_of(manager) as monitor:
        for number in range(1500):
            channel = Channel("PJSIP/a", str(number))
            manager.emit("Newchannel", *channel.headers())
        await monitor.live_calls()
        assert monitor.dropped == 500
        assert [piece.id for piece in await news(monitor, 1000)] == [str(number) for number in range(500, 1500)]


def test_events_of_no_call_are_no_news() -> None:
    assert news_of({"Event": "FullyBooted"}) is None
    assert news_of({"Event": "Newstate", "Uniqueid": "1", "Linkedid": "1", "ChannelStateDesc": "Ring"}) is None
    assert news_of({"Event": "Hangup", "Uniqueid": ["1", "1"], "Linkedid": "1", "Cause": "x"}) == CallEnded("1", 0, "")
