"""Serving whoever answered a campaign's call: the campaign's flow, as any caller is served by one.

Left without a word, the dialplan says who called (``CONTEXT_OUTBOUND``, nobody): so does every fault here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from ivr.call import Call
from ivr.dialing.desk import DialDesk
from ivr.flow.engine import Engine, Entry, How
from ivr.flow.model import FlowSet
from ivr.outreach.matter import Matter, Outreach
from outbound.dispositions import HEARD_ONLY, NOT_IDENTIFIED, PARTLY

log = structlog.get_logger(__name__)

LOADING_SECONDS: Final = 1.5  # of the two in which whoever answered must hear something
BEFORE: Final = (HEARD_ONLY, NOT_IDENTIFIED, PARTLY)  # what flows settle first, while the greeting is still to come


class Answered:
    """Serves them."""

    def __init__(self, desk: DialDesk, engine: Engine, flows: Callable[[], FlowSet], language: str) -> None:
        """``language`` is the hotline's own: of whoever has no other that the flow speaks."""
        self._desk = desk
        self._engine = engine
        self._flows = flows
        self._language = language

    async def serve(self, call: Call) -> How:
        """Serve one call to its end."""
        await self._desk.loaded(LOADING_SECONDS)
        dial = self._desk.answer_seen(call.id)
        if dial is None:
            log.error("somebody answered a call that nobody remembers", call=call.id)
            return "failed"
        plan, target = dial.plan, dial.target
        flow = self._flows().flows.get(plan.flow)
        if flow is None:
            log.error("whoever answers cannot be served: there is no such flow", campaign=plan.name, flow=plan.flow)
            return "failed"
        language = next((one for one in (target.language, self._language) if one in flow.languages), flow.languages[0])
        ending = await self._engine.run(call, Entry(plan.flow, language, target.customer))
        return ending.how


class TellingOutreach:
    """An ``Outreach`` that lets the desk know when whoever answered hears what the call is about."""

    def __init__(self, outreach: Outreach, desk: Callable[[], DialDesk]) -> None:
        self._outreach = outreach
        self._desk = desk

    async def matter(self, call_id: str) -> Matter | None:
        return await self._outreach.matter(call_id)

    async def settle(self, call_id: str, disposition: str) -> None:
        self._desk().notice_begins(call_id, soon=disposition in BEFORE)
        await self._outreach.settle(call_id, disposition)

    async def refuse(self, call_id: str) -> None:
        self._desk().notice_begins(call_id)
        await self._outreach.refuse(call_id)

    async def answers(self, call_id: str) -> Mapping[str, str]:
        return await self._outreach.answers(call_id)

    async def answer(self, call_id: str, step: str, answer: str) -> None:
        self._desk().notice_begins(call_id)
        await self._outreach.answer(call_id, step, answer)
