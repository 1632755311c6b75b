"""What agents' talks and supervisors can have done over HTTP, as JSON (docs/talks.md, docs/supervisors.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ivr.queueing.supervision import SPY_HOWS, Supervision, supervisor_of
from ivr.queueing.talk_desk import TalkDesk
from ivr.queueing.target import told

R = TypeVar("R")
Answer = Callable[[Mapping[str, str], Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
Named = Mapping[str, str]
Body = Mapping[str, Any]


class TalkRoutes:
    """Each method answers one route; ``acts`` are those that need no target."""

    def __init__(self, desk: TalkDesk, supervision: Supervision) -> None:
        self._desk = desk
        self._supervision = supervision
        self.acts: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "hold": desk.hold,
            "resume": desk.resume,
            "return": desk.resume,
            "complete": desk.complete,
            "conference": desk.conference,
            "verify": desk.verify,
        }

    def all(self, route: Callable[[str, str, Answer], R]) -> list[R]:
        """Every route, made by ``route(method, path, answer)``."""
        return [
            route("GET", "/talks/{agent}", self.stage),
            route("POST", "/talks/{agent}/transfer", self.transfer),
            route("POST", "/talks/{agent}/consult", self.consult),
            *(route("POST", f"/talks/{{agent}}/{name}", self.act(name)) for name in self.acts),
            *(route("POST", f"/talks/{{agent}}/{how}", self.spy(how)) for how in SPY_HOWS),
            route("POST", "/queue/{call}/up", self.up),
        ]

    async def stage(self, named: Named, _body: Body) -> Mapping[str, Any]:
        """Where an agent's talk stands. Raises NoTalk, AmiError."""
        return await self._told(named["agent"])

    def act(self, name: str) -> Answer:
        """The answer of the act of this name."""
        act = self.acts[name]

        async def answer(named: Named, _body: Body) -> Mapping[str, Any]:
            await act(named["agent"])
            return {"agent": named["agent"], "done": name}

        return answer

    async def transfer(self, named: Named, body: Body) -> Mapping[str, Any]:
        """Transfer the caller. Raises BadTarget, BadNumber and what ``TalkDesk.transfer`` raises."""
        to = told(body)
        await self._desk.transfer(named["agent"], to)
        return {"agent": named["agent"], "done": "transfer", "to": str(to)}

    async def consult(self, named: Named, body: Body) -> Mapping[str, Any]:
        """Ask somebody. Raises BadTarget, BadNumber and what ``TalkDesk.consult`` raises."""
        to = told(body)
        await self._desk.consult(named["agent"], to)
        return {"agent": named["agent"], "done": "consult", "to": str(to)}

    def spy(self, how: str) -> Answer:
        """The answer of listen, whisper, barge or take-over."""

        async def answer(named: Named, body: Body) -> Mapping[str, Any]:
            by = supervisor_of(body)
            await self._supervision.ring(named["agent"], SPY_HOWS[how], str(body.get("at", "")), by)
            return {"agent": named["agent"], "done": how, "at": body.get("at", "")}

        return answer

    async def up(self, named: Named, body: Body) -> Mapping[str, Any]:
        """A waiting caller comes first. Raises NotWaiting, AmiError."""
        position = await self._supervision.up(named["call"], supervisor_of(body))
        return {"call": named["call"], "done": "up", "position": position}

    async def _told(self, agent: str) -> Mapping[str, Any]:
        talk = self._desk.talk(agent)
        asked = self._desk.asked.get(talk.call)
        return {
            "agent": agent,
            "call": talk.call,
            "seat": talk.seat,
            "stage": await self._desk.stage(talk),
            "asked": asked.to if asked else "",
        }
