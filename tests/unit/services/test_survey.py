"""The question after a talk: whose talk it is about, and that a mark counts once."""

from __future__ import annotations

import pytest

from db.calls import Calls
from db.events import SURVEY, TALK_BEGAN, TALK_ENDED, Event
from db.store import Store
from db.talks import EndedTalk, Talks
from ivr.flow.service import Caller, Result, Service
from ivr.services.survey import survey_services
from ivr.speech.values import Code
from ivr.testing import MemoryJournal

CALLER = Caller("call-1", "13800138000", "95500")


class AfterATalk:
    """The services after a talk with 801, unless there was none."""

    def __init__(self, agent: str | None = "801") -> None:
        self.agent = agent
        self.journal = MemoryJournal()
        self.services: dict[str, Service] = {one.name: one for one in survey_services(self._last_talk, self.journal)}

    async def _last_talk(self, call_id: str, /) -> str | None:
        return self.agent if call_id == CALLER.call_id else None

    async def due(self) -> str:
        return (await self.services["survey.due"].run(CALLER, {})).exit

    async def mark(self, digits: str) -> Result:
        return await self.services["survey.mark"].run(CALLER, {"mark": Code(digits)})


@pytest.mark.parametrize("mark", range(1, 6))
async def test_a_mark_stands_in_the_journal_beside_the_agent(mark: int) -> None:
    house = AfterATalk()
    assert await house.due() == "ask"
    assert (await house.mark(str(mark))).exit == "kept"
    (event,) = house.journal.events
    assert (event.call_id, event.kind, event.data) == ("call-1", SURVEY, {"agent": "801", "score": mark})


@pytest.mark.parametrize("keyed", ["0", "6", "9", "#", "11", ""])
async def test_other_keys_are_no_mark(keyed: str) -> None:
    house = AfterATalk()
    assert (await house.mark(keyed)).exit == "wrong"
    assert not house.journal.events


async def test_without_a_talk_there_is_nothing_to_mark() -> None:
    house = AfterATalk(agent=None)
    assert await house.due() == "no_talk"
    assert (await house.mark("5")).exit == "no_talk"
    assert not house.journal.events


async def test_the_first_mark_of_a_talk_counts_however_often_it_is_asked(store: Store) -> None:
    house = AfterATalk()
    for mark in "415":
        await house.mark(mark)
    calls = Calls(store)
    for event in house.journal.events:
        await calls.record([event])
    assert [event.data["score"] for event in await calls.events("call-1")] == [4]


async def test_whom_the_caller_talked_to_last(store: Store) -> None:
    talks = Talks(store)
    assert await talks.last_ended("call-1") is None
    await Calls(store).record(
        [
            Event("call-1", TALK_BEGAN, {"agent": "801"}),
            Event("call-1", TALK_ENDED, {"agent": "801", "how": "cut", "seconds": 9}),
            Event("call-1", TALK_BEGAN, {"agent": "802"}),
            Event("call-1", TALK_ENDED, {"agent": "802", "how": "agent", "seconds": 30.5}),
            Event("call-2", TALK_BEGAN, {"agent": "803"}),
        ]
    )
    assert await talks.last_ended("call-1") == EndedTalk("802", 30.5, "agent")
    assert await talks.last_ended("call-2") is None, "it goes on"
    assert await talks.last_ended("call-3") is None
