"""An agent dials a feature code at a seat: what is asked, done and said.

The seat is the one whose account dialled, which Asterisk has proven; what the telephone says of itself is not looked
at. Agents act through ``AgentDesk`` alone. Journal and flows know nothing of these calls: what agents do stands in
their own history, and refused log-ins in the audit trail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import structlog

from agent_routing.agents import (
    Event,
    LogIn,
    LogOut,
    MoreTime,
    NotAllowed,
    Pause,
    PauseAfter,
    Ready,
    Resume,
    RoleNotAllowed,
    Step,
)
from agent_routing.desk import AgentDesk
from agent_routing.feature_codes import IN_TALK, Act, FeatureCodes
from agent_routing.pause_reasons import PauseReason, PauseReasons
from db.agent import WITH_CALL, Agent, Session
from db.agent_sessions import AgentHasLeft, SeatTaken
from db.agents import Agents
from db.errors import StoreError
from db.pins import DIGITS
from db.seats import Seats
from db.store import Store
from ivr.agents.log_in import LogIns, Verdict
from ivr.call import Call
from ivr.contract import DONE_HANGUP, DONE_SPY, VAR_SPY_HOW
from ivr.errors import GoldlineError
from ivr.queueing.supervision import SPY_HOWS, SpyHow, Supervisor, by_role
from ivr.speech.catalogue import Catalogue
from ivr.speech.utterance import Utterance
from ivr.speech.values import Code, Count, Name, Value

ID_DIGITS: Final = range(3, 9)  # of an agent's id (ivr.agents.agent_file)
KEY_SECONDS: Final = 8.0  # for the next key: somebody looks it up
TRIES: Final = 3  # at one call; then the code is dialled again

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Visit:
    """One dialled code: the call, the seat, and in which language we speak to whoever sits there."""

    call: Call
    seat: str
    argument: str
    language: str
    values: dict[str, Value] = field(default_factory=dict)


class Supervises(Protocol):
    """Whoever lets supervisors into talks (``ivr.queueing.supervision.Supervision``)."""

    async def at_seat(self, agent: str, how: SpyHow, seat: str, by: Supervisor) -> Mapping[str, str]: ...


class FeatureCalls:
    """Serves the feature codes of all seats."""

    def __init__(
        self,
        store: Store,
        desk: AgentDesk,
        log_ins: LogIns,
        catalogue: Catalogue,
        codes: FeatureCodes,
        reasons: PauseReasons,
        language: str,
        supervision: Supervises,
    ) -> None:
        self._supervision = supervision
        self._seats = Seats(store)
        self._agents = Agents(store)
        self._desk = desk
        self._log_ins = log_ins
        self._catalogue = catalogue
        self._codes = codes
        self._reasons = reasons
        self._language = language
        self._acts: Mapping[Act, Callable[[Visit], Awaitable[Utterance | None]]] = {
            "log_in": self._log_in,
            "log_out": lambda visit: self._act(visit, LogOut(), "seat_logged_out"),
            "pause": self._pause,
            "resume": lambda visit: self._act(visit, Resume(), "seat_resumed"),
            "ready": lambda visit: self._act(visit, Ready(), "seat_is_ready"),
            "more_time": lambda visit: self._act(visit, MoreTime(), "seat_more_time"),
            "where": self._where,
            **dict.fromkeys(IN_TALK, self._talk_only),
            **{how: partial(self._supervise, how=how) for how in SPY_HOWS.values()},
        }

    async def serve(self, call: Call, digits: str, endpoint: str) -> None:
        """``digits`` were dialled by this PJSIP endpoint. Raises AgiError when the caller is gone."""
        await call.answer()
        words: Utterance | None
        try:
            words = await self._served(call, digits, endpoint)
        except StoreError as error:
            log.warning("a feature code cannot be served", code=digits, endpoint=endpoint, error=str(error))
            words = self._catalogue.say("seat_try_later", self._language)
        if words is None:
            return  # the dialplan goes on with it
        await call.play(words)
        await call.finish(DONE_HANGUP)

    async def _served(self, call: Call, digits: str, endpoint: str) -> Utterance | None:
        seat = await self._seats.of_endpoint(endpoint)
        if seat is None:
            return self._catalogue.say("seat_unknown", self._language)
        dialled = self._codes.dialled(digits)
        agent = await self._seats.agent_at(seat.id)
        language = self._spoken_to(await self._agents.get(agent)) if agent else self._language
        if dialled is None:
            return self._catalogue.say("seat_no_such_code", language)
        log.info("feature code", act=dialled.act, seat=seat.id, agent=agent)
        return await self._acts[dialled.act](Visit(call, seat.id, dialled.argument, language))

    # --- the acts -----------------------------------------------------------------------------------------------------

    async def _log_in(self, visit: Visit) -> Utterance:
        for attempt in range(TRIES):
            agent = visit.argument or await self._asked(visit, "seat_enter_agent", ID_DIGITS)
            pin = await self._asked(visit, "seat_enter_pin", range(DIGITS, DIGITS + 1)) if agent else ""
            if not pin:
                break
            verdict = await self._log_ins.prove(visit.seat, agent, pin)
            if verdict.how == "proven":
                return await self._sit_down(visit, agent)
            if verdict.how != "wrong" or attempt == TRIES - 1:
                return self._refused_log_in(visit, verdict)
            await visit.call.play(self._say(visit, "seat_log_in_wrong"))
            visit.argument = ""
        return self._say(visit, "seat_nothing_keyed")

    async def _sit_down(self, visit: Visit, agent: str) -> Utterance:
        person = await self._agents.get(agent)
        visit.language = self._spoken_to(person)
        visit.values["agent"] = _name_of(person)
        try:
            await self._desk.do(agent, LogIn(visit.seat))
        except SeatTaken:
            return self._say(visit, "seat_taken")
        except AgentHasLeft:
            return self._say(visit, "seat_log_in_locked")
        except NotAllowed:
            session = await self._desk.sessions.get(agent)
            visit.values["seat"] = _as_name(session.seat if session else "")
            return self._say(visit, "seat_logged_in_already")
        return self._say(visit, "seat_logged_in")

    async def _pause(self, visit: Visit) -> Utterance:
        session = await self._session_at(visit)
        if session is None:
            return self._say(visit, "seat_nobody")
        reason = await self._reason(visit)
        if reason is None:
            return self._say(visit, "seat_no_such_reason")
        visit.values["reason"] = _reason_name(reason)
        if session.state in WITH_CALL:
            return await self._done(visit, session, PauseAfter(reason.id), "seat_pauses_after")
        return await self._done(visit, session, Pause(reason.id), "seat_paused")

    async def _act(self, visit: Visit, event: Event, confirmation: str) -> Utterance:
        session = await self._session_at(visit)
        if session is None:
            return self._say(visit, "seat_nobody")
        return await self._done(visit, session, event, confirmation)

    async def _where(self, visit: Visit) -> Utterance:
        session = await self._session_at(visit)
        if session is None:
            return self._say(visit, "seat_nobody")
        visit.values["agent"] = _name_of(await self._agents.get(session.agent))
        visit.values["seat"] = _as_name(visit.seat)
        said = self._say(visit, "seat_where") + self._state(visit, session)
        if session.next_state and session.state != "gone":
            said += self._say(visit, f"seat_then_{session.next_state}")
        return said

    async def _talk_only(self, visit: Visit) -> Utterance:
        """A code that is keyed within a talk: there Asterisk takes it, and it never comes here."""
        session = await self._session_at(visit)
        if session is None:
            return self._say(visit, "seat_nobody")
        return self._state(visit, session) + self._say(visit, "seat_not_in_talk")

    async def _supervise(self, visit: Visit, how: SpyHow) -> Utterance | None:
        """This very telephone is at another agent's talk from now on; None: it is."""
        session = await self._session_at(visit)
        if session is None:
            return self._say(visit, "seat_nobody")
        agent = visit.argument or await self._asked(visit, "seat_enter_agent", ID_DIGITS)
        if not agent:
            return self._say(visit, "seat_nothing_keyed")
        by = by_role(session.agent, (await self._agents.get(session.agent)).role)
        try:
            variables = await self._supervision.at_seat(agent, how, visit.seat, by)
        except RoleNotAllowed:
            return self._say(visit, "seat_not_your_right")
        except StoreError:
            raise
        except GoldlineError as error:
            log.info("a supervisor is refused", actor=session.agent, how=how, why=error.message)
            return self._say(visit, "seat_no_such_talk")
        await visit.call.carry({**variables, VAR_SPY_HOW: how})
        await visit.call.finish(DONE_SPY)
        return None

    async def _done(self, visit: Visit, session: Session, event: Event, confirmation: str) -> Utterance:
        try:
            step: Step = await self._desk.do(session.agent, event)
        except NotAllowed as refusal:
            log.info("feature code refused", seat=visit.seat, agent=session.agent, why=refusal.message)
            # As it stands now: somebody else may have changed it since we looked.
            return self._refusal(visit, await self._desk.sessions.get(session.agent) or session)
        log.info("agent", agent=session.agent, seat=visit.seat, state=step.session.state)
        return self._say(visit, confirmation)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _asked(self, visit: Visit, prompt: str, lengths: range) -> str:
        """So many digits; empty when nothing usable came."""
        for _ in range(TRIES):
            found = await visit.call.gather(self._say(visit, prompt), most=lengths[-1], seconds=KEY_SECONDS)
            if len(found.digits) in lengths and found.digits.isdecimal() and found.ended != "too_many":
                return found.digits
            if not found.digits:
                return ""
            await visit.call.play(self._say(visit, f"{prompt}_again"))
        return ""

    async def _reason(self, visit: Visit) -> PauseReason | None:
        if visit.argument:
            return self._reasons.of_key(visit.argument)
        menu = self._say(visit, "seat_which_reason")
        for reason in self._reasons.by_id.values():
            if reason.key:
                visit.values |= {"reason": _reason_name(reason), "key": Code(reason.key)}
                menu += self._say(visit, "seat_reason_choice")
        return self._reasons.of_key(await visit.call.press(menu, seconds=KEY_SECONDS))

    async def _session_at(self, visit: Visit) -> Session | None:
        agent = await self._seats.agent_at(visit.seat)
        return await self._desk.sessions.get(agent) if agent else None

    # --- words --------------------------------------------------------------------------------------------------------

    def _say(self, visit: Visit, prompt: str) -> Utterance:
        return self._catalogue.say(prompt, visit.language, visit.values)

    def _refused_log_in(self, visit: Visit, verdict: Verdict) -> Utterance:
        if verdict.how == "unavailable":
            return self._say(visit, "seat_try_later")
        if verdict.how == "wait":
            visit.values["minutes"] = Count(verdict.minutes)
        return self._say(visit, f"seat_log_in_{verdict.how}")

    def _refusal(self, visit: Visit, session: Session) -> Utterance:
        """Why not, and what helps."""
        if session.state == "logged_out":
            return self._say(visit, "seat_nobody")
        return self._state(visit, session) + self._say(visit, f"seat_remedy_{session.state}")

    def _state(self, visit: Visit, session: Session) -> Utterance:
        if session.state == "paused":
            known = self._reasons.by_id.get(session.reason)
            visit.values["reason"] = _reason_name(known) if known else _as_name(session.reason)
        return self._say(visit, f"seat_state_{session.state}")

    def _spoken_to(self, agent: Agent) -> str:
        return next((one for one in agent.languages if one in self._catalogue.languages), self._language)


def _name_of(agent: Agent) -> Name:
    return Name({language: agent.name(language) or agent.id for language in ("zh", "en")})


def _reason_name(reason: PauseReason) -> Name:
    return Name({"zh": reason.zh, "en": reason.en})


def _as_name(word: str) -> Name:
    return Name({"zh": word, "en": word})
