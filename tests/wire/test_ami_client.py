"""The manager client against a manager that misbehaves, on asyncio's own loop and on uvloop.

The first thirteen tests are the thirteen rows in which the Python AMI libraries were measured and found wanting; each
is named after its row.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fake_manager import Account, Channel, FakeManager

from ivr.ami import (
    ActionFailed,
    ActionTimeout,
    AmiClient,
    AuthFailed,
    Event,
    LinkLost,
    LocalProtocolError,
    NotConnected,
    State,
)
from ivr.ami.backoff import Backoff

SOON = 0.01  # where a test wants the client back quickly
PATIENCE = 10.0
ORIGINATE = {"Channel": "Local/wait@lab/n", "Application": "Wait", "Data": "1", "Async": "true"}


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> AsyncIterator[None]:
    """Every task that the client began is over when the test is, and nothing failed unseen."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("ami ")]
    assert not complaints


@pytest.fixture
async def manager() -> AsyncIterator[FakeManager]:
    async with FakeManager() as fake:
        yield fake


@asynccontextmanager
async def client_of(manager: FakeManager, **options: Any) -> AsyncIterator[AmiClient]:
    options = {
        "host": "127.0.0.1",
        "port": manager.port,
        "username": "tester",
        "secret": "a secret",
        "backoff": Backoff(first=SOON, longest=SOON),
        "ping_seconds": 60.0,
        **options,
    }
    client = AmiClient(**options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()
        assert client.state is State.STOPPED


@asynccontextmanager
async def connected(manager: FakeManager, **options: Any) -> AsyncIterator[AmiClient]:
    async with client_of(manager, **options) as client:
        await client.wait_connected(PATIENCE)
        yield client


async def next_events(client: AmiClient, count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(PATIENCE):
        async for event in client.events():
            found.append(event)
            if len(found) == count:
                break
    return found


# The thirteen rows


async def test_01_every_answer_goes_to_its_action(manager: FakeManager) -> None:
    async with connected(manager) as client:
        manager.faults.late_on.add("getvar")  # answered last, though asked first
        manager.channels["c"] = Channel("Local/c", "c", variables={f"V{n}": f"value {n}" for n in range(20)})
        asked = [asyncio.create_task(client.action("Getvar", {"Channel": "c", "Variable": f"V{n}"})) for n in range(20)]
        await manager.until(lambda: len(manager.actions("Getvar")) == 20)
        assert (await client.action("Ping"))["Ping"] == "Pong"
        manager.release()
        assert [answer["Value"] for answer in await asyncio.gather(*asked)] == [f"value {n}" for n in range(20)]


async def test_02_a_list_is_whole_and_only_its_own(manager: FakeManager) -> None:
    manager.channels = {f"c{n}": Channel(f"Local/c{n}", f"c{n}") for n in range(50)}
    async with connected(manager, wants_events="call") as client:
        manager.emit("QueueSummaryComplete", ("Queue", "x"))  # ends in Complete and ends nothing
        first, second = await asyncio.gather(client.list("CoreShowChannels"), client.list("CoreShowChannels"))
        assert [item["Uniqueid"] for item in first] == [f"c{n}" for n in range(50)]
        assert [item["Uniqueid"] for item in second] == [f"c{n}" for n in range(50)]
        assert [event.name for event in await next_events(client, 1)] == ["QueueSummaryComplete"]
        manager.channels.clear()
        assert await client.list("CoreShowChannels") == []


async def test_03_a_command_gives_every_line(manager: FakeManager) -> None:
    manager.outputs["dialplan show"] = ["[ Context 'lab' ]", "  's' => 1. Wait(20)", "", "-= 1 extension: done =-"]
    async with connected(manager) as client:
        assert await client.command("dialplan show") == manager.outputs["dialplan show"]
        with pytest.raises(ActionFailed) as refused:
            await client.command("nonsense")
        assert "No such command" in refused.value.response.all("Output")[0]


async def test_04_a_list_cut_by_a_disconnect_fails_at_once(manager: FakeManager) -> None:
    manager.channels = {f"c{n}": Channel(f"Local/c{n}", f"c{n}") for n in range(5)}
    async with connected(manager) as client:
        manager.faults.cut_list_after = 3
        with pytest.raises(LinkLost, match="CoreShowChannels"):
            await client.list("CoreShowChannels", deadline=PATIENCE)


async def test_05_an_action_without_an_answer_ends_at_its_deadline(manager: FakeManager) -> None:
    async with connected(manager) as client:
        manager.faults.silent_on.add("getvar")
        with pytest.raises(ActionTimeout, match=r"Getvar within 0\.05 s.*outcome is unknown"):
            await client.action("Getvar", {"Channel": "c", "Variable": "V"}, deadline=0.05)
        assert client.state is State.CONNECTED
        assert (await client.action("Ping"))["Ping"] == "Pong"


async def test_06_what_was_in_flight_at_a_disconnect_fails_and_is_never_sent_again(manager: FakeManager) -> None:
    async with connected(manager) as client:
        manager.faults.drop_on.add("originate")
        with pytest.raises(LinkLost, match="outcome is unknown"):
            await client.action("Originate", ORIGINATE)
        manager.faults.drop_on.clear()
        await client.wait_connected(PATIENCE)
        await client.action("Ping")
        assert len(manager.actions("Originate")) == 1
        assert manager.raw.count(b"Action: Originate") == 1
        assert client.reconnects == 1


async def read_badly(client: AmiClient) -> None:
    async for event in client.events():
        event["No such header"]


async def test_07_an_exception_in_the_reader_of_events_harms_nothing(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        for number in range(3):
            manager.emit("Hangup", ("Number", str(number)))
        with pytest.raises(KeyError):
            await read_badly(client)
        assert [event["Number"] for event in await next_events(client, 2)] == ["1", "2"]
        assert client.state is State.CONNECTED
        assert manager.connections == 1


async def test_08_channel_variables_in_events_are_read(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        manager.emit("Newchannel", ("ChanVariable", "A=1"), ("ChanVariable", "B=x=y"))
        [event] = await next_events(client, 1)
        assert event.all("ChanVariable") == ["A=1", "B=x=y"]


@pytest.mark.parametrize("evil", ["x\r\nAction: Originate", "x\nAction: Originate", "x\rb", "x\0b"])
async def test_09_a_value_cannot_begin_another_action(manager: FakeManager, evil: str) -> None:
    async with connected(manager) as client:
        for send in (
            client.action("Setvar", {"Channel": "c", "Variable": "A", "Value": evil}),
            client.action("Originate", ORIGINATE, variables={"A": evil}),
            client.command(evil),
            client.list("CoreShowChannels", {"X": evil}),
        ):
            with pytest.raises(LocalProtocolError):
                await send
        await client.action("Ping")
        assert [action.name for action in manager.received] == ["challenge", "login", "ping"]


async def test_10_a_half_open_link_is_noticed_and_replaced(manager: FakeManager) -> None:
    async with connected(manager, ping_seconds=0.05) as client:
        manager.faults.mute = True
        waiting = asyncio.create_task(client.action("Getvar", {"Channel": "c"}, deadline=PATIENCE))
        with pytest.raises(LinkLost, match="2 pings in a row were not answered"):
            await waiting
        manager.faults.mute = False
        await client.wait_connected(PATIENCE)
        await client.action("Ping")
        assert manager.connections >= 2


async def test_11_a_wrong_secret_is_tried_once(manager: FakeManager) -> None:
    manager.faults.login_delay = 0.05  # as manager.c, which sleeps before it refuses
    async with client_of(manager, secret="wrong", wants_events="call") as client:
        with pytest.raises(AuthFailed, match=r"refused the account tester.*Authentication failed.*manager\.conf"):
            await client.wait_connected(PATIENCE)
        assert client.state is State.REFUSED
        with pytest.raises(AuthFailed):
            await client.action("Ping")
        with pytest.raises(AuthFailed):
            await next_events(client, 1)
        await manager.until(lambda: not manager.sessions)
        assert (manager.connections, len(manager.actions("Login"))) == (1, 1)


async def test_12_a_character_cut_in_two_by_the_network_comes_out_whole(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        data = "Event: Newchannel\r\nCallerIDName: café 贵州茅台\r\n\r\n".encode()
        for cut in range(data.index(b"caf"), len(data)):
            manager.send(data[:cut])
            await asyncio.sleep(0)
            manager.send(data[cut:])
            [event] = await next_events(client, 1)
            assert event["CallerIDName"] == "café 贵州茅台"


async def test_13_a_slow_reader_costs_bounded_memory_and_no_order(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call", queue_size=1000) as client:
        tasks = len(asyncio.all_tasks())
        for number in range(20_000):
            manager.emit("VarSet", ("Number", str(number)))
            if number % 20 == 0:
                manager.emit("Hangup", ("Number", str(number)))
        await client.action("Ping", deadline=PATIENCE)  # its answer comes after all of them
        assert client.waiting_events == 1000
        assert client.dropped == 20_000
        assert len(asyncio.all_tasks()) == tasks
        hangups = [int(event["Number"]) for event in await next_events(client, 1000)]
        assert hangups == list(range(0, 20_000, 20)), "no Hangup was lost, and their order is kept"


async def test_14_send_before_connect_says_what_to_do(manager: FakeManager) -> None:
    client = AmiClient(host="127.0.0.1", port=manager.port, username="tester", secret="a secret")
    with pytest.raises(NotConnected, match=r"not sent.*stopped.*start\(\) and wait_connected\(\)"):
        await client.action("Ping")
    with pytest.raises(NotConnected):
        await client.wait_connected(PATIENCE)
    await client.stop()


# Logging in


async def test_the_secret_is_never_on_the_wire(manager: FakeManager) -> None:
    async with connected(manager):
        assert b"a secret" not in manager.raw


async def test_a_secret_that_is_no_ascii(manager: FakeManager) -> None:
    manager.accounts["tester"].secret = "密码 ü"
    async with connected(manager, secret="密码 ü") as client:
        await client.action("Ping")


async def test_an_account_name_that_cannot_be_sent_is_refused_when_it_is_given(manager: FakeManager) -> None:
    with pytest.raises(LocalProtocolError):
        AmiClient(host="127.0.0.1", port=manager.port, username="a\r\nb", secret="x")


async def test_start_begins_anew_after_the_secret_was_mended(manager: FakeManager) -> None:
    manager.accounts["tester"].secret = "another"
    async with client_of(manager) as client:
        with pytest.raises(AuthFailed):
            await client.wait_connected(PATIENCE)
        manager.accounts["tester"].secret = "a secret"
        await client.start()
        await client.wait_connected(PATIENCE)
        await client.action("Ping")


async def test_a_login_still_in_use_is_tried_again(manager: FakeManager) -> None:
    manager.faults.already_in_use = 2  # the link before has not been noticed dead yet
    async with connected(manager):
        assert manager.connections == 3


async def test_what_is_no_manager_is_named(manager: FakeManager) -> None:
    manager.faults.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    async with client_of(manager, backoff=Backoff(first=60)) as client:
        await manager.until(lambda: manager.connections == 1 and not manager.sessions)
        with pytest.raises(NotConnected, match=r"SSH-2\.0.*no Asterisk manager"):
            await client.wait_connected(0.05)


async def test_a_manager_that_says_nothing_does_not_hold_us_for_ever(
    manager: FakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.ami.client.LOGIN_SECONDS", 0.05)
    manager.faults.mute = True
    async with client_of(manager):
        await manager.until(lambda: manager.connections >= 2)


async def test_an_asterisk_that_is_not_there_yet_is_waited_for(manager: FakeManager) -> None:
    await manager.close()
    async with client_of(manager) as client:
        with pytest.raises(NotConnected, match="No link to the manager at 127"):
            await client.wait_connected(0.05)
        await manager.listen()
        await client.wait_connected(PATIENCE)


# Reconnecting


async def test_waits_grow_while_links_do_not_hold_and_begin_anew_after_a_stable_minute(manager: FakeManager) -> None:
    waits: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    backoff = Backoff(first=1, longest=100, stable=60)
    async with connected(manager, backoff=backoff, sleep=sleep, clock=lambda: now) as client:
        for held in (0, 0, 59, 60, 0):
            now += held
            before = manager.connections
            manager.drop()
            await manager.until(lambda before=before: manager.connections > before)  # type: ignore[misc]
            await client.wait_connected(PATIENCE)
    assert waits == [1, 2, 4, 1, 2]


async def test_the_waits_of_two_clients_differ() -> None:
    waits: dict[int, list[float]] = {1: [], 2: []}
    for seed, taken in waits.items():
        enough = asyncio.Event()

        async def sleep(seconds: float, taken: list[float] = taken, enough: asyncio.Event = enough) -> None:
            taken.append(seconds)
            if len(taken) == 3:
                enough.set()
                await asyncio.Event().wait()

        client = AmiClient(host="127.0.0.1", port=1, username="x", secret="x", sleep=sleep, chance=random.Random(seed))
        await client.start()
        await enough.wait()
        assert client.state is State.BACKING_OFF
        await client.stop()
    assert waits[1] != waits[2]


async def test_the_state_is_read_before_any_event_of_a_new_link_comes_out(manager: FakeManager) -> None:
    order: list[str] = []

    async def read_state(client: AmiClient) -> None:
        order.append("reading")
        # While the state is read, something happens, and the answer comes after it.
        manager.emit("Hangup", ("Number", str(manager.connections)))
        await client.list("CoreShowChannels")
        await asyncio.sleep(0)
        order.append("read")

    async def follow(client: AmiClient) -> None:
        async for event in client.events():
            order.append(f"event {event['Number']}")
            manager.touch()

    async with client_of(manager, wants_events="call", on_connected=read_state) as client:
        following = asyncio.create_task(follow(client))
        await manager.until(lambda: "event 1" in order)
        manager.drop()
        await manager.until(lambda: "event 2" in order)
    await following
    assert order == ["reading", "read", "event 1", "reading", "read", "event 2"]


async def test_events_sent_with_the_answer_to_the_login_wait_for_the_state_too(manager: FakeManager) -> None:
    manager.faults.with_login = b"Event: Hangup\r\nNumber: 0\r\n\r\n"
    seen: list[int] = []

    async def read_state(client: AmiClient) -> None:
        await client.action("Ping")
        seen.append(client.waiting_events)

    async with connected(manager, wants_events="call", on_connected=read_state) as client:
        assert [event["Number"] for event in await next_events(client, 1)] == ["0"]
    assert seen == [1]


async def test_what_was_left_over_from_the_link_before_is_dropped_and_counted(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        manager.emit("Hangup", ("Number", "old"))
        await client.action("Ping")
        manager.drop()
        await manager.until(lambda: manager.connections == 2)
        await client.wait_connected(PATIENCE)
        manager.emit("Hangup", ("Number", "new"))
        assert [event["Number"] for event in await next_events(client, 1)] == ["new"]
        assert client.dropped == 1


@pytest.mark.parametrize(("announced", "warnings"), [(True, 0), (False, 1)])
async def test_an_asterisk_that_says_it_goes_is_missed_quietly(
    manager: FakeManager, caplog: pytest.LogCaptureFixture, announced: bool, warnings: int
) -> None:
    async with connected(manager, wants_events="system") as client:
        if announced:
            manager.emit("Shutdown", ("Shutdown", "Cleanly"))
            assert [event.name for event in await next_events(client, 2)] == ["FullyBooted", "Shutdown"]
        manager.drop()
        await manager.until(lambda: manager.connections == 2)
        await client.wait_connected(PATIENCE)
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == warnings


async def test_a_state_that_could_not_be_read_is_not_trusted(manager: FakeManager) -> None:
    tries = 0

    async def read_state(client: AmiClient) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError("the store is away")

    async with connected(manager, on_connected=read_state) as client:
        assert (tries, client.failed_hooks, manager.connections) == (3, 2, 3)


async def test_one_late_ping_is_forgiven(manager: FakeManager) -> None:
    manager.faults.late_on.add("ping")
    async with connected(manager, ping_seconds=0.2) as client:
        await manager.until(lambda: len(manager.actions("Ping")) == 2)  # the first was not answered in time
        manager.release()
        await manager.until(lambda: len(manager.actions("Ping")) == 4)
        assert (manager.connections, client.reconnects) == (1, 0)


# Actions


async def test_a_refused_action_carries_its_answer(manager: FakeManager) -> None:
    async with connected(manager) as client:
        with pytest.raises(ActionFailed, match="Hangup: No such channel") as refused:
            await client.action("Hangup", {"Channel": "nope"})
        assert refused.value.response.text == "No such channel"


async def test_least_rights(manager: FakeManager) -> None:
    manager.accounts["tester"] = Account("a secret", write=frozenset({"reporting"}))
    async with connected(manager) as client:
        assert await client.list("CoreShowChannels") == []
        with pytest.raises(ActionFailed, match="Permission denied"):
            await client.action("Originate", ORIGINATE)


@pytest.mark.parametrize(
    "value", ["plain", "a,b,c", 'say "hi"', "back\\slash\\", "(a,b", "贵州,茅台", "", " x ", "a=b"]
)
async def test_a_variable_arrives_as_it_was_given_and_alone(manager: FakeManager, value: str) -> None:
    async with connected(manager) as client:
        await client.action("Originate", {**ORIGINATE, "ChannelId": "try-1"}, variables={"A": value, "B": "b"})
        assert manager.channels["try-1"].variables == {"A": value, "B": "b"}


async def test_the_end_of_an_originate_is_an_event(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        answer = await client.action("Originate", {**ORIGINATE, "Channel": "Local/x@nowhere", "ChannelId": "try-1"})
        [event] = await next_events(client, 1)
        assert (event.name, event["Uniqueid"], event["Response"]) == ("OriginateResponse", "try-1", "Failure")
        assert event.action_id == answer.action_id


async def test_a_single_answer_is_no_list(manager: FakeManager) -> None:
    async with connected(manager) as client:
        with pytest.raises(LocalProtocolError, match=r"single response.*action\(\)"):
            await client.list("Ping")


async def test_a_list_that_asterisk_gave_up_is_no_short_list(manager: FakeManager) -> None:
    manager.channels = {"c": Channel("Local/c", "c")}
    async with connected(manager) as client:
        manager.faults.cancel_list = True
        with pytest.raises(ActionFailed):
            await client.list("CoreShowChannels")


async def test_the_rest_of_a_list_that_came_too_late_is_no_event(manager: FakeManager) -> None:
    manager.channels = {"c": Channel("Local/c", "c")}
    async with connected(manager, wants_events="call") as client:
        manager.faults.late_on.add("coreshowchannels")
        with pytest.raises(ActionTimeout):
            await client.list("CoreShowChannels", deadline=0.02)
        manager.release()
        await client.action("Ping")
        assert (client.waiting_events, client.late_answers) == (0, 1)


async def test_a_late_answer_is_counted_and_given_to_nobody(manager: FakeManager) -> None:
    async with connected(manager) as client:
        manager.faults.late_on.add("getvar")
        with pytest.raises(ActionTimeout):
            await client.action("Getvar", {"Channel": "c", "Variable": "V"}, deadline=0.02)
        manager.release()
        assert (await client.action("Ping"))["Ping"] == "Pong"
        assert client.late_answers == 1
        manager.drop()
        await manager.until(lambda: manager.connections == 2)
        await client.wait_connected(PATIENCE)
        assert client.late_answers == 1


async def test_an_action_that_was_cancelled_leaves_the_others_in_step(manager: FakeManager) -> None:
    async with connected(manager) as client:
        manager.faults.late_on.add("getvar")
        asking = asyncio.create_task(client.action("Getvar", {"Channel": "c", "Variable": "V"}))
        await manager.until(lambda: bool(manager.actions("Getvar")))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        manager.release()
        assert (await client.action("Ping"))["Ping"] == "Pong"


async def test_everything_pending_fails_at_once_when_the_link_breaks(manager: FakeManager) -> None:
    async with connected(manager) as client:
        manager.faults.silent_on |= {"getvar", "coreshowchannels", "command"}
        waiting = [
            asyncio.create_task(send)
            for send in (
                *(client.action("Getvar", {"Channel": str(n)}, deadline=60) for n in range(50)),
                client.list("CoreShowChannels", deadline=60),
                client.command("core show version", deadline=60),
            )
        ]
        await manager.until(lambda: len(manager.received) >= 52 + 2)
        manager.drop()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {LinkLost}


async def test_stop_fails_what_is_pending_and_ends_the_event_loop(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        manager.faults.silent_on.add("getvar")
        asking = asyncio.create_task(client.action("Getvar", {"Channel": "c"}, deadline=60))
        reading = asyncio.create_task(next_events(client, 1))
        await manager.until(lambda: bool(manager.actions("Getvar")))
        await client.stop()
        with pytest.raises(LinkLost, match="we closed the connection"):
            await asking
        assert await reading == []
        with pytest.raises(NotConnected):
            await client.action("Ping")
        await manager.until(lambda: not manager.sessions)
        assert manager.received[-1].name == "logoff"


@pytest.mark.parametrize("moment", ["connect", "greeting", "login", "hook", "wait"])
async def test_stop_at_any_moment_leaves_nothing(
    manager: FakeManager, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def hang(*_: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    options: dict[str, Any] = {}
    condition: Callable[[], bool] = lambda: True  # noqa: E731
    if moment == "greeting":
        manager.faults.mute = True
        condition = lambda: manager.connections == 1  # noqa: E731
    elif moment == "login":
        manager.faults.silent_on.add("login")
        condition = lambda: bool(manager.actions("Login"))  # noqa: E731
    elif moment == "hook":
        options["on_connected"] = hang
    elif moment == "wait":
        await manager.close()
        options["sleep"] = hang
    async with asyncio.timeout(PATIENCE):
        async with client_of(manager, **options) as client:
            waiting = asyncio.create_task(client.wait_connected())
            await manager.until(condition)
            if moment in ("hook", "wait"):
                await reached.wait()
        with pytest.raises(NotConnected):
            await waiting
        if moment == "wait":
            await manager.listen()
        await manager.until(lambda: not manager.sessions)


async def test_start_twice_is_one_connection(manager: FakeManager) -> None:
    async with connected(manager) as client:
        await client.start()
        await client.action("Ping")
        assert manager.connections == 1


async def test_a_stopped_client_can_be_started_again(manager: FakeManager) -> None:
    async with connected(manager, wants_events="call") as client:
        await client.stop()
        await client.start()
        await client.wait_connected(PATIENCE)
        manager.emit("Hangup", ("Number", "1"))
        assert [event["Number"] for event in await next_events(client, 1)] == ["1"]


async def test_answers_are_timed_and_a_broken_observer_harms_nothing(manager: FakeManager) -> None:
    seen: list[tuple[str, float]] = []

    def observe(action: str, seconds: float) -> None:
        seen.append((action, seconds))
        raise ZeroDivisionError

    async with connected(manager, observe=observe) as client:
        seen.clear()
        await client.action("Ping")
        with pytest.raises(ActionFailed):
            await client.action("Hangup", {"Channel": "nope"})
    assert [action for action, _ in seen if action != "Logoff"][-2:] == ["Ping", "Hangup"]
    assert all(0 <= seconds < PATIENCE for _, seconds in seen)


async def test_a_flood_is_read_without_waiting_for_the_reader(manager: FakeManager) -> None:
    """Fifty thousand events while the reader is stuck in one: actions are answered all the same."""
    stuck = asyncio.Event()

    async def read(client: AmiClient) -> None:
        async for _ in client.events():
            stuck.set()
            await asyncio.Event().wait()

    async with connected(manager, wants_events="call") as client:
        reading = asyncio.create_task(read(client))
        manager.emit("Newstate")
        await stuck.wait()
        block = b"Event: Newstate\r\nUniqueid: 1795294090.1\r\nChannelState: 6\r\n\r\n" * 1000
        for _ in range(50):
            manager.send(block)
        began = time.process_time()
        await client.action("Ping", deadline=PATIENCE)
        assert time.process_time() - began < 5
        assert (client.waiting_events, client.dropped) == (10_000, 40_000)
        reading.cancel()
        await asyncio.wait({reading})
