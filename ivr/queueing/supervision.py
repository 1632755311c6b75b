"""What a supervisor does with others' talks and callers: listen, whisper, barge, take over, move a caller up.

Only a supervisor or whoever has the command line may; each act has a row in the audit trail, written before the act
(what cannot be written down is not done). The leg to a supervisor's own seat listens by ChanSpy and ends with the talk;
with nobody at work at that seat, or with an agent who is paused there. Must not know: HTTP, keys, what is said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

import structlog

from agent_routing.agents import Power, RoleNotAllowed
from agent_routing.seats import dial_string
from db.agent import Role
from db.audit import Audit, AuditEntry
from ivr import contract
from ivr.ami.errors import AmiError
from ivr.errors import GoldlineError
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.place import encode
from ivr.queueing.questions import NotWaiting
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Talk
from ivr.queueing.talk_acts import TalkActs, at
from ivr.queueing.talk_desk import TalkDesk

log = structlog.get_logger(__name__)

SpyHow = Literal["listen", "whisper", "barge", "take_over"]
SPY_HOWS: Final[Mapping[str, SpyHow]] = {
    "listen": "listen",
    "whisper": "whisper",
    "barge": "barge",
    "take-over": "take_over",
}
_AUDITED: Final[Mapping[SpyHow, str]] = {
    "listen": "talk.listened",
    "whisper": "talk.whispered",
    "barge": "talk.barged",
    "take_over": "talk.taken_over",
}
_MAY: Final[frozenset[Power]] = frozenset(("supervisor", "operator"))


class SeatNotFree(GoldlineError):
    """A supervisor cannot be rung at that seat."""

    error_id: ClassVar[str] = "seat-not-free"


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who does it: an agent's id or a person's name, and by what power."""

    actor: str
    power: Power


def supervisor_of(body: Mapping[str, Any]) -> Supervisor:
    """Whoever a request says it comes from: it has the installation's token, so the command line's power."""
    return Supervisor(str(body.get("actor") or "operator"), "operator")


class Supervision:
    """Every method raises RoleNotAllowed, StoreError when the audit trail cannot be written, and AmiError."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        staff: Staff,
        desk: TalkDesk,
        acts: TalkActs,
        audit: Audit,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher = dispatcher
        self._staff = staff
        self._desk = desk
        self._acts = acts
        self._audit = audit
        self._clock = clock

    async def ring(self, agent: str, how: SpyHow, seat: str, by: Supervisor) -> None:
        """Ring the supervisor's seat; once answered, it is in the agent's talk. Raises NoTalk, SeatNotFree."""
        _may(by, agent)
        talk = self._desk.talk(agent)
        known = self._staff.seats.get(seat)
        if known is None:
            raise SeatNotFree(f"There is no seat {seat!r}.", remedy="`ivr seats list` shows them.")
        self._check_seat(seat, talk, how)
        await self._write(talk, how, by, seat)
        if how == "take_over":
            to, variables = at(contract.CONTEXT_SPY, "take_over"), self._joining(talk, seat)
        else:
            to, variables = at(contract.CONTEXT_SPY, how), {contract.VAR_SPY: talk.channel}
        await self._acts.ring(dial_string(known), to, variables, f"{agent} {how}")

    async def at_seat(self, agent: str, how: SpyHow, seat: str, by: Supervisor) -> Mapping[str, str]:
        """The same for a supervisor who has dialled a code at this seat: the variables of that very channel.

        Raises NoTalk, SeatNotFree.
        """
        _may(by, agent)
        talk = self._desk.talk(agent)
        self._check_seat(seat, talk, how)
        await self._write(talk, how, by, seat)
        return self._joining(talk, seat) if how == "take_over" else {contract.VAR_SPY: talk.channel}

    async def takes_over(self, call: str, seat: str, channel: str) -> None:
        """The supervisor's leg is up, and asks for the caller. Raises NotNow."""
        session = self._staff.at(seat)
        talk = self._dispatcher.talk_of(call)
        if session is None or talk is None:
            log.info("a call that was to be taken over is over", call=call, seat=seat)
            return
        await self._desk.hand_over(talk, session, channel)

    async def up(self, call: str, by: Supervisor) -> int:
        """A waiting caller is put in front; the place in the order of urgency. Raises NotWaiting."""
        _may(by, call)
        waiter = self._dispatcher.waiting.get(call)
        if waiter is None:
            raise NotWaiting(call)
        place = replace(waiter.place, front=True)
        before = self._dispatcher.position(call)
        data = {"call": call, "tier": place.tier, "position": before, "power": by.power}
        await self._audit.append(AuditEntry(by.actor, "caller.moved_up", data=data))
        try:  # on the channel, so that another controller knows it as well
            await self._acts.put(call, {contract.VAR_WAIT: encode(place)})
        except AmiError:
            if call not in self._dispatcher.waiting:
                raise NotWaiting(call) from None
            raise
        self._dispatcher.move(call, place)
        return self._dispatcher.position(call)

    def _joining(self, talk: Talk, seat: str) -> dict[str, str]:
        return {contract.VAR_SEAT: seat, contract.VAR_CALL: talk.call}

    def _check_seat(self, seat: str, talk: Talk, how: SpyHow) -> None:
        session = self._staff.at(seat)
        sits = session if session is not None and session.state != "logged_out" else None
        if seat == talk.seat:
            raise SeatNotFree(f"Seat {seat} is in that very talk.", remedy="Name your own seat.")
        if sits is not None and sits.state not in ("paused", "idle", "wrap_up"):
            raise SeatNotFree(f"At seat {seat} agent {sits.agent} is {sits.state}.", remedy="Name another seat.")
        if how == "take_over" and sits is None:
            raise SeatNotFree(
                f"Nobody is logged in at seat {seat}, so nobody would have the talk.", remedy="Log in there first."
            )

    async def _write(self, talk: Talk, how: SpyHow, by: Supervisor, seat: str) -> None:
        data = {"agent": talk.agent, "call": talk.call, "seat": talk.seat, "at": seat, "power": by.power}
        await self._audit.append(AuditEntry(by.actor, _AUDITED[how], data=data))
        log.info("a supervisor is at a talk", actor=by.actor, how=how, agent=talk.agent, call=talk.call)


def by_role(agent: str, role: Role) -> Supervisor:
    """An agent who proved at a telephone who it is."""
    return Supervisor(agent, role)


def _may(by: Supervisor, whom: str) -> None:
    if by.power not in _MAY:
        raise RoleNotAllowed(
            f"{by.actor} is {by.power} and may not do this to {whom}.", remedy=f"Ask: {' or '.join(sorted(_MAY))}."
        )
