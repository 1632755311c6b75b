"""What flows of outbound calls need: a quiet queue, and what is said to its end but for a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from good_flow import GOOD

from ivr.call import Returned
from ivr.flow.engine import Engine, Entry
from ivr.flow.errors import FlowInvalid
from ivr.flow.library import Library
from ivr.flow.model import FlowSet
from ivr.flow.nodes import queue as queue_node
from ivr.flow.service import Service
from ivr.flow.waiting import Entered
from ivr.speech.catalogue import Catalogue
from ivr.testing import AnsweredAtOnce, FakeCall, MemoryJournal, plain_kit_with

QUIET = """\
    flow: revisit
    outbound: yes
    languages: [zh, en]
    start: agent
    nodes:
      agent:
        type: queue
        quiet: yes
        recorded: by_agent
        talked: bye
        on_nobody: hello
        longest: 1800ms
        on_longest: hello
      hello: {type: hangup, say: hello}
      bye: {type: hangup}
    """
SPOKEN = """\
    flow: notice
    outbound: yes
    languages: [zh, en]
    start: told
    on_give_up: gone
    nodes:
      told: {type: say, say: hello, keys: {"9": gone}, next: asked}
      asked: {type: menu, say: menu, tries: 1, keys: {"1": yes, "9": gone}}
      yes: {type: hangup, say: bye}
      gone: {type: hangup}
    """


class Room(AnsweredAtOnce):
    """A queue whose clock runs by itself: each look is half a second later."""

    def __init__(self, how: Entered = "waits") -> None:
        super().__init__(how)
        self.consent: Any = "not asked"
        self.now = 0.0

    async def place(self, caller: Any, wish: Any, carried: str) -> str:
        self.consent = wish.consent
        return await super().place(caller, wish, carried)

    def waited(self, call_id: str) -> float:
        self.now += 0.5
        return self.now

    async def enter(self, call_id: str, place: str, back: Returned | None) -> Entered:
        return self.how


async def played(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service], text: str, name: str, **how: Any
) -> tuple[FakeCall, Room, MemoryJournal]:
    flow, problems = check(text, name)
    assert problems == []
    room, journal = how.pop("room", Room()), MemoryJournal()
    call = FakeCall(**how)
    flows = FlowSet({name: flow})
    await Engine(lambda: flows, plain_kit_with(room, prompts, services, journal)).run(call, Entry(name, "zh"))
    return call, room, journal


async def test_whoever_answers_hears_nothing_until_the_limit(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service]
) -> None:
    call, room, _ = await played(check, prompts, services, QUIET, "revisit")
    assert call.said == ["您好。"]
    assert [how for _, how in room.left] == ["limit"]
    waits = [words for words in call.fake_channel.commands if words[:3] == ("WAIT", "FOR", "DIGIT")]
    assert [words[3] for words in waits] == [1300, 800, 300], "never longer than what is left of 1.8 s"
    assert not any(words[:2] == ("SET", "MUSIC") for words in call.fake_channel.commands)
    assert room.consent == "announced", "the agent says that the talk is recorded"


async def test_a_slow_store_costs_the_recording_and_not_the_customers_patience(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_node, "RECORD_SECONDS", 0.01)

    class Slow(Room):
        async def may_record(self, caller: Any) -> bool:
            await asyncio.sleep(60)
            return True

    _, room, _ = await played(check, prompts, services, QUIET, "revisit", room=Slow())
    assert room.consent is None


async def test_nobody_at_work_is_told_at_once(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service]
) -> None:
    call, room, _ = await played(check, prompts, services, QUIET, "revisit", room=Room("nobody"))
    assert call.said == ["您好。"]
    assert room.now == 0.0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("quiet: yes", "quiet: yes\n        say: hello", "say: the node is quiet"),
        ("quiet: yes", "quiet: yes\n        tips: hello", "tips: the node is quiet"),
        ("recorded: by_agent", "recorded: hello", "Write `recorded: by_agent`"),
        ("longest: 1800ms", "longest: 100ms", "between 0.5s and 60s"),
        ("quiet: yes", "quiet: no", "say is missing"),
    ],
)
def test_a_quiet_queue_says_nothing(check: Callable[..., Any], old: str, new: str, says: str) -> None:
    _, problems = check(QUIET.replace(old, new), "revisit")
    assert any(says in str(problem) for problem in problems), problems


@pytest.mark.parametrize(
    ("presses", "said", "keyed"),
    [
        (["9"], ["您好。"], ["9"]),  # at once
        (["1"], ["您好。", "请按键。"], []),  # means nothing yet, and is not kept
        (["1", "9"], ["您好。"], ["9"]),
    ],
)
async def test_what_must_be_heard_is_said_to_its_end_but_for_one_key(
    check: Callable[..., Any],
    prompts: Catalogue,
    services: dict[str, Service],
    presses: Sequence[str],
    said: list[str],
    keyed: list[str],
) -> None:
    call, _, journal = await played(check, prompts, services, SPOKEN, "notice", presses=presses, ahead=True)
    assert call.said == said
    assert [event.data["keys"] for event in journal.events if event.kind == "keyed"] == keyed


def test_a_callers_flow_does_not_lead_to_one_for_calls_of_ours(check: Callable[..., Any]) -> None:
    ours, problems = check(QUIET, "revisit")
    assert problems == []
    _, problems = check(GOOD.replace("to: menu", "to: revisit/"), "main", {"revisit": ours})
    assert any("is for calls of ours" in str(problem) for problem in problems)


def test_calls_do_not_begin_with_a_flow_of_ours(
    write: Callable[[str, str], Path], prompts: Catalogue, services: dict[str, Service]
) -> None:
    directory = write("revisit", QUIET).parent
    with pytest.raises(FlowInvalid, match="calls of ours"):
        Library(directory, prompts, services, "revisit").open()
