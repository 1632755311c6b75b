"""The desk over HTTP, as JSON (docs/agents-desk.md). Whoever asks has the installation's token, and an agent's pass."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final, Literal, TypeVar

from agent_routing.agents import LogIn, MoreTime, NotAllowed, Pause, PauseAfter, Ready, Resume
from agent_routing.desk import AgentDesk
from db.agent import WITH_CALL
from db.agents import Agents
from db.audit import Audit, AuditEntry
from db.events import utcnow
from db.store import Store
from ivr.agent_desk.desk import Desk
from ivr.agent_desk.passes import NoPass, Passes
from ivr.agents.log_in import LogIns, Verdict
from ivr.errors import GoldlineError

R = TypeVar("R")
Named = Mapping[str, str]
Body = Mapping[str, Any]
Answer = Callable[[Named, Body], Awaitable[Mapping[str, Any]]]
Act = Literal["answer", "settle", "accept", "skip", "ready", "more_time", "pause", "resume"]

AT_DESK: Final = "desk "  # and the agent, where a seat's id would stand: tries are held against this agent alone


class LogInRefused(GoldlineError):
    """The agent is not proven."""

    error_id: ClassVar[str] = "log-in-refused"

    def __init__(self, verdict: Verdict) -> None:
        said, remedy = {
            "wrong": ("Agent and PIN do not fit.", "Try again."),
            "wait": (f"Too many tries: wait {verdict.minutes} minutes.", "A supervisor can unlock the agent."),
            "locked": ("Logging in is locked for this agent.", "`ivr agents unlock AGENT` unlocks it."),
        }.get(verdict.how, ("The database does not answer.", "Try again in a moment."))
        super().__init__(said, remedy=remedy)
        self.how = verdict.how


class DeskRoutes:
    """Each method answers one route."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        log_ins: LogIns,
        agent_desk: AgentDesk,
        passes: Passes,
        now: Callable[[], datetime.datetime] = utcnow,
    ) -> None:
        self._desk = desk
        self._log_ins = log_ins
        self._agent_desk = agent_desk
        self._passes = passes
        self._agents = Agents(store)
        self._audit = Audit(store)
        self._now = now
        self.acts: Mapping[Act, Callable[[str, Body], Awaitable[Mapping[str, Any]]]] = {
            "answer": self._answer,
            "settle": self._settle,
            "accept": self._accept,
            "skip": self._skip,
            "ready": lambda agent, _body: self._own(agent, Ready()),
            "more_time": lambda agent, _body: self._own(agent, MoreTime()),
            "pause": self._pause,
            "resume": lambda agent, _body: self._own(agent, Resume()),
        }

    def all(self, route: Callable[[str, str, Answer], R]) -> list[R]:
        """Every route, made by ``route(method, path, answer)``."""
        return [
            route("POST", "/desk/log_in", self.log_in),
            route("POST", "/desk/card", self.card),
            *(route("POST", f"/desk/{name}", self.act(name)) for name in self.acts),
        ]

    async def log_in(self, _named: Named, body: Body) -> Mapping[str, Any]:
        """A pass for a PIN; with ``seat`` the agent also sits down there. Raises LogInRefused, SeatTaken."""
        agent, seat = str(body.get("agent", "")), str(body.get("seat", ""))
        verdict = await self._log_ins.prove(AT_DESK + agent, agent, str(body.get("pin", "")))
        if verdict.how != "proven":
            raise LogInRefused(verdict)
        person = await self._agents.get(agent)
        if person.standing != "active":
            raise NoPass
        if seat:
            with suppress(NotAllowed):  # sits there, or elsewhere, already: the card says where
                await self._agent_desk.do(agent, LogIn(seat))
        now = self._now()
        await self._audit.append(AuditEntry(f"agent {agent}", "agent.desk_opened", data={"seat": seat}, at=now))
        name = {"zh": person.name("zh") or agent, "en": person.name("en") or agent}
        return {"pass": self._passes.write(agent, now), "agent": agent, "name": name}

    async def card(self, _named: Named, body: Body) -> Mapping[str, Any]:
        """The card; with ``stamp``, as soon as it is another than that one's, after ``seconds`` at the latest."""
        agent = await self._agent(body)
        if stamp := str(body.get("stamp", "")):
            seconds = body.get("seconds", 0)
            await self._desk.wait(agent, stamp, float(seconds) if isinstance(seconds, int | float) else 0.0)
        return await self._desk.card(agent)

    def act(self, name: Act) -> Answer:
        """The answer of the act of this name: what was done, and the card after it."""
        act = self.acts[name]

        async def answer(_named: Named, body: Body) -> Mapping[str, Any]:
            agent = await self._agent(body)
            done = await act(agent, body)
            return {"done": name, **done, "card": await self._desk.card(agent)}

        return answer

    async def _agent(self, body: Body) -> str:
        """Whose pass it is. Raises NoPass, also for one who has left meanwhile."""
        agent = self._passes.read(str(body.get("pass", "")), self._now())
        if (await self._agents.get(agent)).standing != "active":
            raise NoPass
        return agent

    async def _answer(self, agent: str, body: Body) -> Mapping[str, Any]:
        await self._desk.answer(agent, _text(body, "call"), _text(body, "step"), _text(body, "typed"))
        return {"step": _text(body, "step")}

    async def _settle(self, agent: str, body: Body) -> Mapping[str, Any]:
        return await self._desk.settle(
            agent,
            _text(body, "call"),
            _text(body, "disposition"),
            note=_text(body, "note"),
            at=_text(body, "at"),
            with_me=body.get("with_me") is True,
        )

    async def _accept(self, agent: str, body: Body) -> Mapping[str, Any]:
        await self._desk.accept(agent, _text(body, "call"))
        return {}

    async def _skip(self, agent: str, body: Body) -> Mapping[str, Any]:
        await self._desk.skip(agent, _text(body, "call"))
        return {}

    async def _pause(self, agent: str, body: Body) -> Mapping[str, Any]:
        session = await self._agent_desk.sessions.get(agent)
        reason = _text(body, "reason")
        busy = session is not None and session.state in WITH_CALL
        return await self._own(agent, PauseAfter(reason) if busy else Pause(reason))

    async def _own(self, agent: str, event: Ready | MoreTime | Pause | PauseAfter | Resume) -> Mapping[str, Any]:
        step = await self._agent_desk.do(agent, event)
        self._desk.changed(agent)
        return {"state": step.session.state}


def _text(body: Body, name: str) -> str:
    value = body.get(name, "")
    return value if isinstance(value, str) else ""
