"""What is lost, and in what order things come, when the reader of events falls behind."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.ami.errors import AuthFailed
from ivr.ami.inbox import Importance, Inbox, importance_of
from ivr.ami.protocol import Event


def event(name: str, number: int = 0) -> Event:
    return Event([("Event", name), ("Number", str(number))])


async def drain(inbox: Inbox) -> list[str]:
    return [(await inbox.take()).get("Number") for _ in range(len(inbox))]


def test_the_end_of_a_call_matters_more_than_what_is_said_on_the_way() -> None:
    assert importance_of(event("Hangup")) > importance_of(event("Newstate")) > importance_of(event("RTCPSent"))


async def test_order_is_kept_over_classes() -> None:
    inbox = Inbox(10)
    for number, name in enumerate(["VarSet", "Hangup", "Newstate", "VarSet", "Newchannel"]):
        inbox.put(event(name, number))
    assert await drain(inbox) == ["0", "1", "2", "3", "4"]


async def test_the_oldest_of_the_least_important_goes_first_and_is_counted() -> None:
    inbox = Inbox(3)
    for number, name in enumerate(["VarSet", "Hangup", "VarSet", "Newstate", "Hangup", "Hangup", "VarSet"]):
        inbox.put(event(name, number))
    assert await drain(inbox) == ["1", "4", "5"]
    assert inbox.dropped == {Importance.CHATTER: 3, Importance.STATE: 1, Importance.LIFE: 0}


@given(
    names=st.lists(st.sampled_from(["VarSet", "Newstate", "Hangup"]), max_size=60),
    size=st.integers(min_value=1, max_value=10),
)
def test_never_over_size_order_kept_and_every_event_accounted_for(names: list[str], size: int) -> None:
    inbox = Inbox(size)
    for number, name in enumerate(names):
        inbox.put(event(name, number))
        assert len(inbox) <= size
    kept = [int(number) for number in asyncio.run(drain(inbox))]
    assert kept == sorted(kept)
    assert len(kept) + sum(inbox.dropped.values()) == len(names)
    lives = [number for number, name in enumerate(names) if name == "Hangup"]
    assert [number for number in kept if names[number] == "Hangup"] == lives[-size:]


async def test_while_held_nothing_comes_out_and_what_was_left_over_is_gone() -> None:
    inbox = Inbox(10)
    inbox.put(event("Hangup", 1))
    inbox.hold()
    inbox.put(event("Hangup", 2))
    taking = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    inbox.release()
    assert (await taking)["Number"] == "2"
    assert sum(inbox.dropped.values()) == 1


async def test_closing_ends_the_reader_after_what_is_there() -> None:
    inbox = Inbox(10)
    inbox.put(event("Hangup", 1))
    inbox.close()
    assert (await inbox.take())["Number"] == "1"
    with pytest.raises(StopAsyncIteration):
        await inbox.take()


async def test_closing_with_a_reason_tells_a_waiting_reader() -> None:
    inbox = Inbox(10)
    taking = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    inbox.close(AuthFailed("no"))
    with pytest.raises(AuthFailed):
        await taking


async def test_a_reader_that_was_cancelled_leaves_the_next_one_everything() -> None:
    inbox = Inbox(10)
    taking = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait({taking})
    inbox.put(event("Hangup", 1))
    assert (await inbox.take())["Number"] == "1"


async def test_two_readers_at_once_are_refused() -> None:
    inbox = Inbox(10)
    first = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="two readers"):
        await inbox.take()
    inbox.put(event("Hangup", 1))
    assert (await first)["Number"] == "1"
