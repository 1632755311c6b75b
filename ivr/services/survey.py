"""What a flow may ask after a talk: ``survey.due`` and ``survey.mark``.

The caller's mark goes into the journal beside the talk that it is about, once: its event has an id that is made of the
call and the agent, so a caller whom a restarted controller asks again leaves no second mark. Knows no table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Protocol

from db.events import SURVEY, Event, EventSink
from ivr.flow.service import Caller, Result, Service
from ivr.speech.values import Code, Value

MARKS: Final = {str(mark): mark for mark in range(1, 6)}  # the key, and the mark: 1 is bad, 5 is good
_ID_BYTES: Final = 20  # 40 hex digits, within db.models.EVENT_ID; the journal's own ids have 32


class LastTalk(Protocol):
    """Whom this call's caller talked to last: an agent's id, or None when there was no talk that is worth a question.
    May raise StoreError."""

    async def __call__(self, call_id: str, /) -> str | None: ...


def survey_services(last_talk: LastTalk, journal: EventSink) -> tuple[Service, ...]:
    """The services over a way to find the talk and the journal that keeps the mark."""

    async def due(caller: Caller, _: Mapping[str, Value]) -> Result:
        return Result("ask" if await last_talk(caller.call_id) else "no_talk")

    async def mark(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        keyed = inputs["mark"]
        if not isinstance(keyed, Code):
            raise TypeError(f"the input `mark` is a {type(keyed).__name__}, not a Code")
        score = MARKS.get(keyed.digits)
        if score is None:
            return Result("wrong")
        agent = await last_talk(caller.call_id)
        if not agent:
            return Result("no_talk")
        data = {"agent": agent, "score": score}
        journal.append(Event(caller.call_id, SURVEY, data, id=event_id(caller.call_id, agent)))
        return Result("kept")

    return (
        Service("survey.due", {"ask": {}, "no_talk": {}}, due),
        Service("survey.mark", {"kept": {}, "wrong": {}, "no_talk": {}}, mark, {"mark": "code"}),
    )


def event_id(call_id: str, agent: str) -> str:
    """The id of the one event that holds the mark of this caller for this agent."""
    said = f"survey {call_id} {agent}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(said, digest_size=_ID_BYTES).hexdigest()
