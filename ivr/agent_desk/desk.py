"""The desk of all agents: the card of whoever is on the line, answers kept as they are given, what came of the talk.

It stands between the store and whoever shows it, holds nothing that a restart would lose, and lets an agent act on the
call that this agent has, or had last, and on no other.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import structlog

from agent_routing.agents import Ready
from db.agent import WITH_CALL, Session
from db.agents import Agents, NoSuchAgent
from db.answers import Answers
from db.attempt import attempt_of_call
from db.attempts import Attempt, Attempts
from db.audit import Audit, AuditEntry
from db.branches import Branches
from db.calls import Calls
from db.customer import BROKERAGE_TIME, Customer
from db.customers import Customers
from db.events import Event, EventSink, utcnow
from db.store import Store
from db.talk_history import TalkHistory
from db.targets import Targets
from ivr.agent_desk import card
from ivr.agent_desk.ports import AppointmentRules, OnTheLine, Previews, Sessions, WhoIsOn
from ivr.errors import GoldlineError
from ivr.outreach.matter import CampaignTalks, Matter
from ivr.outreach.results import Results
from ivr.outreach.stored import Matters, version_of
from outbound import settling
from outbound.answer import checked_text, read_answer
from outbound.appointment import BadAppointment, read_moment
from outbound.dispositions import Dispositions, of_agents
from outbound.script import Script, place
from outbound.script_file import load

log = structlog.get_logger(__name__)

LONGEST_NOTE: Final = 500  # characters
LONGEST_WAIT: Final = 25.0  # seconds until a question for news is answered without any
MOST_SEEN: Final = 5_000  # (agent, call) pairs of which the audit trail has it that the card was shown
FRESH: Final = datetime.timedelta(seconds=10)
SOON_SECONDS: Final = 0.5  # more than the journal takes until it is stored
ANSWERED: Final = "outbound.answered"  # {step, agent}: a question of the script; the answer itself stands in answers


class NotYourCall(GoldlineError):
    """The agent has not this call, and did not have it last."""

    error_id: ClassVar[str] = "not-your-call"

    def __init__(self, call: str) -> None:
        super().__init__(f"Call {call} is not yours.", remedy="Look at the card anew: another one may be on the line.")


class DeskClosed(GoldlineError):
    """The controller is being stopped."""

    error_id: ClassVar[str] = "desk-closed"

    def __init__(self) -> None:
        super().__init__("The controller is being stopped.", remedy="Ask the next one.")


class NoScript(GoldlineError):
    """There is nothing to answer in this call."""

    error_id: ClassVar[str] = "no-script"

    def __init__(self) -> None:
        super().__init__("This call has no script.", remedy="Only calls of campaigns have one.")


class NoSuchDisposition(GoldlineError):
    """An agent cannot say that this came of a talk."""

    error_id: ClassVar[str] = "no-such-disposition"

    def __init__(self, word: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no disposition {word[:40]!r}.", remedy=f"Known: {', '.join(known)}.")


class Desk:
    """Cards, answers and dispositions. Methods raise StoreError when the database refuses or is away."""

    def __init__(
        self,
        store: Store,
        journal: EventSink,
        sessions: Sessions,
        who_is_on: WhoIsOn,
        previews: Previews,
        talks: CampaignTalks,
        matters: Matters,
        results: Results,
        dispositions: Callable[[], Dispositions],
        appointments: AppointmentRules,
        now: Callable[[], datetime.datetime] = utcnow,
    ) -> None:
        self._journal = journal
        self._sessions = sessions
        self._who_is_on = who_is_on
        self._previews = previews
        self._talks = talks
        self._matters = matters
        self._results = results
        self._dispositions = dispositions
        self._appointments = appointments
        self._now = now
        self._agents = Agents(store)
        self._answers = Answers(store)
        self._attempts = Attempts(store)
        self._audit = Audit(store)
        self._branches = Branches(store)
        self._calls = Calls(store)
        self._customers = Customers(store)
        self._history = TalkHistory(store)
        self._targets = Targets(store)
        self._closed = False
        self._life = secrets.token_hex(4)  # of this controller: a stamp of an earlier one is old news
        self._news: defaultdict[str, int] = defaultdict(int)
        self._told = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()
        self._last: dict[str, str] = {}  # by agent: the call that is, or was last, this agent's
        self._seen: dict[tuple[str, str], None] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # --- news ---------------------------------------------------------------------------------------------------------

    def changed(self, agent: str, call: str = "") -> None:
        """Something is otherwise for this agent. Neither waits nor raises."""
        if call:
            self._last[agent] = call
        self._news[agent] += 1
        task = asyncio.get_running_loop().create_task(self._tell(), name="desk news")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def wait(self, agent: str, stamp: str, seconds: float) -> None:
        """Until something is otherwise than at ``stamp``, or so long. Raises DeskClosed."""
        try:
            async with asyncio.timeout(min(max(seconds, 0.0), LONGEST_WAIT)), self._told:
                await self._told.wait_for(lambda: self._closed or self._stamp(agent) != stamp)
        except TimeoutError:
            return
        if self._closed:
            raise DeskClosed

    async def close(self) -> None:
        """Nobody waits for news here any more: before the server of the routes is stopped."""
        self._closed = True
        await self._tell()

    async def _tell(self) -> None:
        async with self._told:
            self._told.notify_all()

    def _stamp(self, agent: str) -> str:
        return f"{self._life}-{self._news[agent]}"

    # --- the card -----------------------------------------------------------------------------------------------------

    async def card(self, agent: str) -> dict[str, Any]:
        """Everything about whoever is on the line."""
        stamp = self._stamp(agent)
        session = self._sessions.sessions.get(agent)
        call = self._call_of(agent, session)
        told: dict[str, Any] = card.session_of(session, agent) | {"stamp": stamp, "call": call, "kind": "none"}
        attempt_id = attempt_of_call(call)
        if attempt_id is not None:
            attempt = await self._attempts.get(attempt_id)
            if attempt is not None and self._is_settled(attempt) and (session is None or session.call != call):
                self._last.pop(agent, None)
                told["call"] = ""
            elif attempt is not None:
                told |= await self._campaign_card(agent, attempt)
        elif call and session is not None and session.state != "idle":
            told |= await self._inbound_card(agent, call)
            if not told["number"] and self._now() - session.since < FRESH:
                # The journal is stored a moment after it happens: look again, and the number will be there.
                asyncio.get_running_loop().call_later(SOON_SECONDS, self.changed, agent)
        return told

    def _call_of(self, agent: str, session: Session | None) -> str:
        """The call that the agent has; of a campaign also the last one, until what came of it was said."""
        if session is not None and session.call:
            self._last[agent] = session.call
            return session.call
        last = self._last.get(agent, "")
        return last if attempt_of_call(last) is not None else ""

    async def _campaign_card(self, agent: str, attempt: Attempt) -> dict[str, Any]:
        known = self._dispositions()
        target = await self._targets.get(attempt.target)
        customer = None if attempt.customer is None else await self._customers.by_id(attempt.customer)
        talk = self._talks(attempt.campaign)
        matter = await self._matters.of(attempt)
        answers = await self._answers.of(attempt.id)
        told: dict[str, Any] = {
            "kind": "campaign",
            "attempt": attempt.id,
            "mode": attempt.mode,
            "attempt_state": attempt.state,
            "number": card.masked(attempt.number),
            "disposition": attempt.disposition,
            "note": attempt.note,
            "campaign": {"name": attempt.campaign, "title": dict(talk.title) if talk else {}},
            "target": {
                "attempts": target.attempts if target else 0,
                "why": target.why if target else "",
                "guaranteed": target.guaranteed if target else False,
            },
            "script": None,
            "said_last_time": [],
        }
        told |= await self._known_customer(agent, attempt.call, attempt.customer, customer)
        if customer is None and target is not None:
            told["customer"] = {"account": target.account, "name": {"zh": target.name, "en": target.name}}
        past = (
            await self._history.of_customer(attempt.customer, but=attempt.id)
            if attempt.customer is not None
            else await self._history.of_target(attempt.target, but=attempt.id)
        )
        told["history"] = card.history_of(past, known)
        proposed = ""
        if matter is not None:
            script = await self._version(matter.script, answers)
            language = self._language(script, target.language if target else "")
            given = {one.step: one.answer for one in answers}
            here = place(script, given)
            proposed = here.end
            told["script"] = card.script_of(script, here, given, await self._values(agent, matter), language)
            earlier = (
                await self._answers.of_customer(attempt.customer, before=attempt.id)
                if attempt.customer is not None
                else await self._answers.of_target(attempt.target, before=attempt.id)
            )
            told["said_last_time"] = card.said_last_time(script, earlier, language)
        told["dispositions"] = card.dispositions_of(of_agents(known), proposed)
        return told

    async def _inbound_card(self, agent: str, call: str) -> dict[str, Any]:
        caller: OnTheLine | None = self._who_is_on(call)
        customer_id = caller.customer if caller else None
        customer = None if customer_id is None else await self._customers.by_id(customer_id)
        record = await self._calls.get(call)
        told: dict[str, Any] = {
            "kind": "inbound",
            "number": card.masked(record.caller) if record else "",
            "line": caller.line if caller else "",
            "language": caller.language if caller else "",
            "reason": caller.reason if caller else "",
            "customer": None,
        }
        told |= await self._known_customer(agent, call, customer_id, customer)
        if customer_id is not None:
            told["history"] = card.history_of(await self._history.of_customer(customer_id), self._dispositions())
        return told

    async def _known_customer(
        self, agent: str, call: str, row: int | None, customer: Customer | None
    ) -> dict[str, Any]:
        if customer is None or row is None:
            return {"customer": None, "tickets": [], "history": []}
        await self._note_seen(agent, call, customer.account)
        branches = {one.code: one for one in await self._branches.all()} if customer.branch else {}
        branch = branches.get(customer.branch)
        return {
            "customer": card.customer_of(
                customer,
                {"zh": branch.name_zh, "en": branch.name_en} if branch else {"zh": "", "en": ""},
                await self._person(customer.manager),
            ),
            "tickets": card.tickets_of(await self._history.open_tickets(row)),
            "history": [],
        }

    async def _person(self, agent: str) -> str:
        try:
            return (await self._agents.get(agent)).name("zh") if agent else ""
        except NoSuchAgent:
            return agent

    async def _note_seen(self, agent: str, call: str, account: str) -> None:
        """Who looked at whose data stands in the audit trail, once a call."""
        if (agent, call) in self._seen:
            return
        entry = AuditEntry(f"agent {agent}", "customer.shown", account, {"call": call}, at=self._now())
        await self._audit.append(entry)
        while len(self._seen) >= MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[agent, call] = None

    async def _version(self, current: Script, answers: Sequence[Any]) -> Script:
        """The script in the version in which this talk began, though its file was changed since."""
        digests = {one.digest for one in answers}
        if not digests or current.digest in digests:
            return current
        kept = await self._answers.version(answers[0].digest)
        if kept is None:
            return current
        script, problems = load(kept.body, current.file, kept.name, self._dispositions())
        return current if script is None or problems else script

    async def _values(self, agent: str, matter: Matter) -> Mapping[str, Any]:
        person = await self._agents.get(agent)
        name = {"zh": person.name("zh") or agent, "en": person.name("en") or agent}
        return {**matter.values, "agent": name, "agent_id": agent}

    @staticmethod
    def _language(script: Script, wanted: str) -> str:
        return wanted if wanted in script.languages else script.languages[0]

    # --- acts ---------------------------------------------------------------------------------------------------------

    async def answer(self, agent: str, call: str, step: str, typed: str) -> None:
        """Keep what was answered to this question, now or in place of an earlier answer.

        Raises NotYourCall, NoScript, BadAnswer.
        """
        async with self._locks[agent]:  # two windows of one agent
            attempt, script = await self._talk(agent, call)
            asked = script.steps.get(step)
            given = {one.step: one.answer for one in await self._answers.of(attempt.id)}
            here = place(script, given)
            on_the_way = {one.name for one in here.answered} | ({here.open.name} if here.open else set())
            if asked is None or asked.question is None or step not in on_the_way:
                raise NotYourCall(call) if asked is None else NoScript()
            answer = read_answer(asked.question, typed)
            now = self._now()
            await self._answers.keep(attempt.id, step, answer, version=version_of(script), agent=agent, now=now)
        self._journal.append(Event(call, ANSWERED, {"step": step, "agent": agent}, at=now))
        self.changed(agent)

    async def settle(
        self, agent: str, call: str, disposition: str, *, note: str = "", at: str = "", with_me: bool = False
    ) -> dict[str, Any]:
        """This came of the talk; the wrap-up is over. ``at``: an appointment as ``outbound.appointment`` reads it.

        Raises NotYourCall, NoSuchDisposition, CannotSettle, BadAppointment, BadAnswer (the note).
        """
        attempt, script = await self._talk(agent, call, script_needed=False)
        known = {one.id: one for one in of_agents(self._dispositions())}
        chosen = known.get(disposition)
        if chosen is None:
            raise NoSuchDisposition(disposition, list(known))
        moment = None if not at else await self._appointment(attempt, at)
        complete = True
        if script is not None:
            given = {one.step: one.answer for one in await self._answers.of(attempt.id)}
            complete = bool(place(script, given).end)
        settling.check(chosen, at=moment, complete=complete)
        words = checked_text(note, LONGEST_NOTE)
        kept_by = agent if moment is not None and with_me else ""
        settled = await self._results.settle(attempt, chosen, agent=agent, note=words, at=moment, kept_by=kept_by)
        if settled is None:
            raise NotYourCall(call)
        log.info("what came of a talk", call=call, agent=agent, disposition=chosen.id)
        await self.end_wrap_up(agent, call)
        if (session := self._sessions.sessions.get(agent)) is None or session.call != call:
            self._last.pop(agent, None)
        self.changed(agent)
        return {"call": call, "disposition": chosen.id, "at": card.moment(moment)}

    async def end_wrap_up(self, agent: str, call: str) -> None:
        """The agent is ready, if this call is being wrapped up."""
        await self._sessions.do_then(
            agent, lambda session: Ready() if session.state == "wrap_up" and session.call == call else None
        )

    async def accept(self, agent: str, call: str) -> None:
        """Dial the customer who is shown. Raises NoPreview."""
        await self._previews.accept(agent, call)
        self.changed(agent)

    async def skip(self, agent: str, call: str) -> None:
        """Do not. Raises NoPreview."""
        await self._previews.skip(agent, call)
        self.changed(agent)

    async def is_settled(self, call: str) -> bool:
        """Somebody said what came of it."""
        attempt = attempt_of_call(call)
        row = None if attempt is None else await self._attempts.get(attempt)
        return row is None or self._is_settled(row)

    def _is_settled(self, attempt: Attempt) -> bool:
        """What a flow notes while it goes on (heard, not confirmed) settles no talk with an agent."""
        known = self._dispositions().get(attempt.disposition)
        return bool(attempt.disposition) and (known is None or known.by != "automatic")

    async def _talk(self, agent: str, call: str, *, script_needed: bool = True) -> tuple[Attempt, Any]:
        session = self._sessions.sessions.get(agent)
        has_it = session is not None and session.call == call and session.state in (*WITH_CALL, "wrap_up")
        attempt_id = attempt_of_call(call)
        attempt = None if attempt_id is None else await self._attempts.get(attempt_id)
        if attempt is None or not (has_it or attempt.agent == agent or self._last.get(agent) == call):
            raise NotYourCall(call)
        matter = await self._matters.of(attempt)
        if matter is None:
            if script_needed:
                raise NoScript
            return attempt, None
        return attempt, await self._version(matter.script, await self._answers.of(attempt.id))

    async def _appointment(self, attempt: Attempt, typed: str) -> datetime.datetime:
        at = read_moment(typed, self._now(), BROKERAGE_TIME)
        earliest, why = await self._appointments.earliest(attempt, at)
        if earliest is None:
            raise BadAppointment("The customer must not be called.", remedy=f"Because: {why}.")
        if earliest > at:
            local = earliest.astimezone(BROKERAGE_TIME)
            raise BadAppointment(
                f"The customer must not be called at that time ({why}).",
                remedy=f"From {local:%Y-%m-%d %H:%M} on it is possible.",
            )
        return at
