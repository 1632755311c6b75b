"""What an agent does with a talk: hold, transfer, consult, conference, verify; and what follows when somebody goes.

A talk is the dispatcher's (``Dispatcher.talks``) as long as its leg is up, wherever its caller is. An agent who asks
somebody makes a second call, known by ASKED and the caller's id; to the one who is asked it is a call like any
other, and a session of its own in the store. Where a caller is, is asked of Asterisk each time and not remembered: the
dialplan brings callers back by itself (docs/talks.md). Must not know: AMI, HTTP, keys.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, ClassVar, Final, Literal

import structlog

from agent_routing import agents
from agent_routing.agents import MissedHow
from agent_routing.decisions import Why
from agent_routing.seats import road_to
from agent_routing.talk_rules import TalkRules
from db.agent import Agent, Session
from db.events import TALK_MOVED, Event, EventSink
from db.phone_numbers import spoken_form
from db.waiting_callbacks import is_callback
from ivr import contract
from ivr.ami.errors import AmiError
from ivr.contract import ASKED, SEAT_OUTSIDE
from ivr.errors import GoldlineError
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.offer import OfferMaker, shown
from ivr.queueing.place import Place, decode, encode
from ivr.queueing.seen import CallerGone, Fact, LeftBridge, LegEnds, LegGone, LegRings, LegTalks, Snapshot
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Offer, Talk, Witness
from ivr.queueing.talk_acts import TalkActs, at
from ivr.queueing.talk_stage import Act, Stage, check
from ivr.queueing.target import Target, ToAgent, ToBranch, ToNumber, ToSkill

log = structlog.get_logger(__name__)

MovedHow = Literal["transfer", "consult", "conference", "taken_over"]  # as in the journal: db.events.TALK_MOVED

_STAGES: Final[dict[str, Stage]] = {
    "": "together",
    contract.STAGE_TALK: "together",
    contract.STAGE_HOLD: "held",
    contract.STAGE_CONFERENCE: "conference",
    contract.STAGE_VERIFY: "verifying",
}


class NoTalk(GoldlineError):
    """That agent talks with nobody."""

    error_id: ClassVar[str] = "no-talk"

    def __init__(self, agent: str) -> None:
        super().__init__(f"Agent {agent} is in no talk.", remedy="`ivr monitor` shows who talks.")


class NoWayThere(GoldlineError):
    """The caller cannot be sent there; nothing was done."""

    error_id: ClassVar[str] = "no-way-there"


@dataclass(slots=True)
class Asked:
    """Somebody whom an agent asks about ``call``. ``agent`` is empty for a number outside."""

    call: str
    agent: str
    seat: str
    to: str
    channel: str = ""
    talks: bool = False


class TalkDesk:
    """The talks of one controller that are more than two telephones."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        staff: Staff,
        acts: TalkActs,
        offers: OfferMaker,
        witness: Witness,
        journal: EventSink,
        rules: TalkRules,
        outside: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``outside(number)`` says how Asterisk dials a number; empty: there is no way out of the house."""
        self._dispatcher = dispatcher
        self._staff = staff
        self._acts = acts
        self._offers = offers
        self._witness = witness
        self._journal = journal
        self.rules = rules
        self._outside = outside
        self._clock = clock
        self.asked: dict[str, Asked] = {}  # by call
        self._apart: set[str] = set()  # calls whose caller and leg are no longer held together by one Dial
        self._locks: dict[str, asyncio.Lock] = {}  # by call: one act after the other
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- what agents do -----------------------------------------------------------------------------------------------

    def talk(self, agent: str) -> Talk:
        """The agent's talk. Raises NoTalk."""
        found = next((talk for talk in self._dispatcher.talks.values() if talk.agent == agent), None)
        if found is None or found.moved:
            raise NoTalk(agent)
        return found

    async def stage(self, talk: Talk) -> Stage:
        """Where the talk stands. Raises AmiError."""
        if is_callback(talk.call):  # the leg itself dialled the customer: nobody could be sent anywhere
            return "elsewhere"
        said = await self._acts.variable(talk.call, contract.VAR_STAGE)
        stage = _STAGES.get(said, "elsewhere")
        if stage == "held" and (asked := self.asked.get(talk.call)) is not None:
            return "asked" if asked.talks else "asking"
        return stage

    async def hold(self, agent: str) -> None:
        """Music for the caller; the agent's keys are read. Raises NoTalk, NotNow, AmiError."""
        async with self._held(agent, "hold") as (talk, _stage):
            await self._part(talk, contract.CONTEXT_HOLD, contract.CONTEXT_SEAT_HOLD)

    async def resume(self, agent: str) -> None:
        """Back to the caller; whoever is rung or asked meanwhile is left. Raises NoTalk, NotNow, AmiError."""
        async with self._held(agent, "resume") as (talk, _stage):
            await self._acts.mute_recording(talk.channel, state=False)
            await self._acts.send(talk.channel, at(contract.CONTEXT_SEAT_JOIN))

    async def verify(self, agent: str) -> None:
        """The caller proves who it is, by secret digits that the agent does not hear, and comes back.

        Raises NoTalk, NotNow, AmiError.
        """
        async with self._held(agent, "verify") as (talk, stage):
            if stage == "held":
                await self._acts.send(talk.call, at(contract.CONTEXT_VERIFY))
            else:
                await self._part(talk, contract.CONTEXT_VERIFY, contract.CONTEXT_SEAT_HOLD)

    async def transfer(self, agent: str, to: Target) -> None:
        """The caller goes there, and the agent into the wrap-up. Whoever does not answer gives the caller to the queue,
        in front, with the old joining time.

        Raises NoTalk, NotNow, NoWayThere, AmiError.
        """
        async with self._held(agent, "transfer") as (talk, _stage):
            place = await self._place(talk)
            match to:
                case ToAgent(other):
                    await self._transfer_to_agent(talk, place, other)
                case ToNumber(number):
                    variables = self._ask_outside(agent, number) | self._waits(replace(place, front=True))
                    await self._leave(talk, variables, contract.CONTEXT_OUTSIDE, "1", to)
                case ToSkill() | ToBranch():
                    place = self._wanting(agent, talk, place, to)
                    await self._leave(talk, self._waits(place), contract.CONTEXT_CALL, "session", to)

    async def consult(self, agent: str, to: Target) -> None:
        """The caller waits in music, and the agent rings somebody.

        Raises NoTalk, NotNow, NoWayThere, AmiError.
        """
        async with self._held(agent, "consult") as (talk, stage):
            match to:
                case ToAgent(other):
                    asked = await self._ask_agent(talk, other)
                case ToSkill():
                    asked = await self._ask_agent(talk, self._idle_with(agent, to))
                case ToBranch(branch):
                    asked = await self._ask_agent(talk, self._idle_in(agent, branch))
                case ToNumber(number):
                    self._ask_outside(agent, number)
                    asked = Asked(talk.call, "", SEAT_OUTSIDE, number)
            try:
                await self._acts.put(talk.channel, self._asking(agent, asked))
                await self._acts.mute_recording(talk.channel, state=True)
                self.asked[talk.call] = asked
                if stage == "held":
                    await self._acts.send(talk.channel, at(contract.CONTEXT_SEAT_ASK))
                else:
                    await self._part(talk, contract.CONTEXT_HOLD, contract.CONTEXT_SEAT_ASK)
            except AmiError:
                self.asked.pop(talk.call, None)
                if asked.agent:
                    await self._staff.do(asked.agent, agents.Release(ASKED + talk.call))
                raise
            self._moved(talk, "consult", asked.agent or asked.to)

    async def complete(self, agent: str) -> None:
        """Whoever is being asked has the caller from now on, and the agent goes. Raises NoTalk, NotNow, AmiError."""
        async with self._held(agent, "complete") as (talk, _stage):
            asked = self.asked[talk.call]
            taken = await self._give(talk, asked)
            await self._acts.put(talk.call, {contract.VAR_OFFER_ID: taken.id})
            talk.moved = True
            try:
                left, joins = at(contract.CONTEXT_SEAT_LEFT), at(contract.CONTEXT_SEAT_JOIN, "over")
                await self._acts.send_both(talk.channel, left, asked.channel, joins)
            except AmiError:
                talk.moved = False
                raise
            self._moved(talk, "transfer", asked.agent or asked.to)
            await self._begins(taken)

    async def conference(self, agent: str) -> None:
        """All three talk with one another; whoever hangs up leaves. Raises NoTalk, NotNow, AmiError."""
        async with self._held(agent, "conference") as (talk, _stage):
            asked = self.asked[talk.call]
            taken = await self._give(talk, asked)
            here = contract.CONTEXT_SEAT_CONFERENCE
            await self._acts.send_both(talk.channel, at(here), asked.channel, at(here, "asked"))
            await self._acts.mute_recording(talk.channel, state=False)
            self._moved(talk, "conference", asked.agent or asked.to)
            await self._begins(taken)

    async def hand_over(self, talk: Talk, session: Session, channel: str) -> None:
        """A supervisor whose leg is this channel has the caller from now on. Raises NotNow, AmiError."""
        async with self._lock(talk.call):
            check(talk.agent, "take_over", await self.stage(talk))
            taker = Asked(talk.call, session.agent, session.seat, session.agent, channel, talks=True)
            taken = await self._give(talk, taker)
            marks = {contract.VAR_TALK_BEGAN: str(int(talk.since)), contract.VAR_OFFER_ID: taken.id}
            await self._acts.put(talk.call, marks)
            self._apart.add(talk.call)
            talk.moved = True
            try:
                left, joins = at(contract.CONTEXT_SEAT_LEFT), at(contract.CONTEXT_SEAT_JOIN, "over")
                await self._acts.send_both(talk.channel, left, channel, joins)
            except AmiError:
                talk.moved = False
                raise
            self._moved(talk, "taken_over", session.agent)
            await self._begins(taken)

    # --- what is seen -------------------------------------------------------------------------------------------------

    def take(self, fact: Fact) -> bool:
        """Asterisk tells something. True: it concerns a second call alone."""
        if isinstance(fact, LegRings | LegEnds | LegTalks | LegGone | LeftBridge) and fact.call.startswith(ASKED):
            self._second_call(fact)
            return True
        if isinstance(fact, LegGone) and fact.call in self._apart:
            talk = self._dispatcher.talks.get(fact.seat)
            if talk is not None and talk.call == fact.call and not talk.moved:
                self._go(self._leg_gone(talk), f"left {fact.call}")
        elif isinstance(fact, LegTalks) and fact.call in self._apart and fact.call not in self.asked:
            # Only now: while a channel is fetched its recording is between two channels, and cannot be reached.
            self._go(self._acts.mute_recording(fact.channel, state=False), f"recording {fact.seat}")
        elif isinstance(fact, CallerGone):
            self._caller_gone(fact.call)
        return False

    def rebuild(self, snapshot: Snapshot) -> None:
        """Begin anew from what there is, before the dispatcher does."""
        self._apart = set(snapshot.engaged)
        self.asked.clear()
        for leg in snapshot.second_calls:
            session = self._staff.at(leg.seat)
            call = leg.call.removeprefix(ASKED)
            agent = session.agent if session is not None else ""
            self.asked[call] = Asked(call, agent, leg.seat, agent, leg.channel, leg.leg == "bridged")
        for leg in snapshot.legs.values():  # an agent's question may have ended while nobody looked
            if leg.call in snapshot.engaged and leg.leg == "bridged":
                muted = leg.call in self.asked
                self._go(self._acts.mute_recording(leg.channel, state=muted), f"recording {leg.seat}")

    async def stop(self) -> None:
        """No more acts."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _second_call(self, fact: LegRings | LegEnds | LegTalks | LegGone | LeftBridge) -> None:
        asked = self.asked.get(fact.call.removeprefix(ASKED))
        if asked is None or asked.seat != fact.seat:
            return
        match fact:
            case LegRings(call, _seat, channel):
                asked.channel = channel
                self._session(asked, agents.Ring(call))
            case LegTalks(call, _seat, channel):
                asked.channel = channel
                if not asked.talks:
                    asked.talks = True
                    self._session(asked, agents.Answer(call))
            case LegEnds(call, _seat, how) if how != "answered":
                self._asked_in_vain(asked, call, how)
            case LegGone(call, _seat, _cause):
                if asked.talks:
                    self._asked_no_more(asked)
                    self._session(asked, agents.HangUp(call))
                else:
                    self._asked_in_vain(asked, call, "no_answer")

    def _asked_in_vain(self, asked: Asked, call: str, how: str) -> None:
        self._asked_no_more(asked)
        if how == "released":
            self._session(asked, agents.Release(call))
            return
        missed: MissedHow = "lost" if how == "lost" else "no_answer" if how == "no_answer" else "refused"
        self._session(asked, agents.Missed(call, missed))

    def _asked_no_more(self, asked: Asked) -> None:
        """The caller comes back by itself, and what is said is recorded again."""
        self.asked.pop(asked.call, None)
        talk = self._dispatcher.talk_of(asked.call)
        if talk is not None:
            self._go(self._acts.mute_recording(talk.channel, state=False), f"recording {talk.seat}")

    def _session(self, asked: Asked, event: agents.Event) -> None:
        if asked.agent:
            self._go(self._staff.do(asked.agent, event), f"asked {asked.seat}")

    async def _leg_gone(self, talk: Talk) -> None:
        """The dialplan looks every few seconds whether the agent of a caller on hold is there; this is at once."""
        if await self._acts.variable(talk.call, contract.VAR_STAGE) == contract.STAGE_HOLD:
            await self._acts.send(talk.call, at(contract.CONTEXT_TALK, priority="lost"))

    def _caller_gone(self, call: str) -> None:
        self._locks.pop(call, None)
        if call not in self._apart:
            return  # the one Dial ends with its caller
        self._apart.discard(call)
        for talk in self._dispatcher.talks.values():
            if talk.call == call:
                talk.left = "caller"
                self._go(self._acts.hang_up(talk.channel), f"alone {talk.seat}")

    # --- how ----------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _held(self, agent: str, act: Act) -> AsyncIterator[tuple[Talk, Stage]]:
        """The agent's talk and its stage, in which the act is possible, and nobody else's act meanwhile."""
        async with self._lock(self.talk(agent).call):
            talk = self.talk(agent)
            stage = await self.stage(talk)
            check(agent, act, stage)
            yield talk, stage

    def _lock(self, call: str) -> asyncio.Lock:
        return self._locks.setdefault(call, asyncio.Lock())

    async def _part(self, talk: Talk, caller_to: str, leg_to: str) -> None:
        """Caller and leg go different ways, and know of one another."""
        variables = {
            contract.VAR_LEG: talk.channel,
            contract.VAR_LEG_SEAT: talk.seat,
            contract.VAR_TALK_BEGAN: str(int(talk.since)),
        }
        self._apart.add(talk.call)
        await self._acts.put(talk.call, variables)
        await self._acts.send_both(talk.call, at(caller_to), talk.channel, at(leg_to))

    async def _leave(self, talk: Talk, variables: dict[str, str], context: str, priority: str, to: Target) -> None:
        """The caller goes, and the agent has had the talk."""
        talk.moved = True
        try:
            await self._acts.put(talk.call, {contract.VAR_STAGE: "", contract.VAR_TALK: "", **variables})
            left = at(contract.CONTEXT_SEAT_LEFT)
            await self._acts.send_both(talk.call, at(context, priority=priority), talk.channel, left)
        except AmiError:
            talk.moved = False
            raise
        self._apart.discard(talk.call)
        self._moved(talk, "transfer", str(to))

    async def _transfer_to_agent(self, talk: Talk, place: Place, other: str) -> None:
        session = self._free(talk.agent, other)
        seat = self._staff.seats[session.seat]
        if not await self._staff.reserve(other, talk.call):
            raise NoWayThere(f"Agent {other} has just been given another call.", remedy="Try again, or consult.")
        place = replace(place, front=True)
        variables = self._offers.variables(seat, talk.call, place, self._staff.times)
        recording, offer_id = PurePath(variables[contract.VAR_OFFER_RECORD]).stem, variables[contract.VAR_OFFER_ID]
        now = self._clock()
        offer = Offer(talk.call, other, seat.id, now, sent=True, recording=recording, id=offer_id, place=place)
        self._dispatcher.offers[seat.id] = offer
        inherited = {f"_{name}": value for name, value in variables.items()}
        try:
            await self._leave(talk, inherited | self._waits(place), contract.CONTEXT_OFFER, "1", ToAgent(other))
        except AmiError:
            if self._dispatcher.offers.get(seat.id) is offer:
                del self._dispatcher.offers[seat.id]
            await self._staff.do(other, agents.Release(talk.call))
            raise
        self._witness.offered(offer, place, self._why(talk.call, place, seat.id))

    def _free(self, agent: str, other: str) -> Session:
        """The session of somebody who can be rung now. Raises NoWayThere."""
        if other == agent:
            raise NoWayThere(f"Agent {other} has the caller already.", remedy="Name somebody else.")
        session = self._staff.sessions.get(other)
        if session is None or session.state == "logged_out" or session.seat not in self._staff.seats:
            raise NoWayThere(f"Agent {other} is not at work.", remedy="Transfer to a skill or a branch instead.")
        if session.state != "idle" or session.seat in self._dispatcher.offers:
            raise NoWayThere(
                f"Agent {other} is {session.state}.", remedy="Transfer to a skill or a branch, or try again later."
            )
        return session

    async def _ask_agent(self, talk: Talk, other: str) -> Asked:
        session = self._free(talk.agent, other)
        if not await self._staff.reserve(other, ASKED + talk.call):
            raise NoWayThere(f"Agent {other} has just been given another call.", remedy="Try again.")
        return Asked(talk.call, other, session.seat, other)

    def _idle_with(self, agent: str, to: ToSkill) -> str:
        def has_it(one: Agent) -> bool:
            return one.skills.get(to.skill, 0) >= to.level

        return self._first_idle(agent, has_it, f"with {to.skill} at level {to.level}")

    def _idle_in(self, agent: str, branch: str) -> str:
        return self._first_idle(agent, lambda one: one.branch == branch, f"in branch {branch}")

    def _first_idle(self, agent: str, fits: Callable[[Agent], bool], who: str) -> str:
        idle = [one for one in self._staff.working() if one.state == "idle" and one.agent != agent]
        for session in sorted(idle, key=lambda one: one.since):
            one = self._staff.agents.get(session.agent)
            if one is not None and fits(one) and session.seat not in self._dispatcher.offers:
                return session.agent
        raise NoWayThere(f"Nobody {who} is idle.", remedy="Transfer there: the caller then waits in the queue.")

    def _wanting(self, agent: str, talk: Talk, place: Place, to: ToSkill | ToBranch) -> Place:
        """The place of a caller who wants that from now on. Raises NoWayThere when nobody at work can give it."""
        others = [one for one in self._staff.working() if one.agent != agent and one.state != "gone"]
        people = [self._staff.agents[one.agent] for one in others if one.agent in self._staff.agents]
        front = place.front or self.rules.front
        match to:
            case ToSkill(skill, level):
                wanted = replace(place, required={skill: level}, wished={}, front=front)
                nobody = not any(one.skills.get(skill, 0) >= level for one in people)
                who = f"has {skill} at level {level}"
            case ToBranch(branch):
                wanted = replace(place, branch=branch, managers=(), required={}, wished={}, front=front)
                nobody = not any(one.branch == branch for one in people)
                who = f"of branch {branch} is there"
        if nobody:
            raise NoWayThere(f"Nobody else at work {who}.", remedy="`ivr agents list` shows who is at work.")
        if not self._dispatcher.engine.can_be_answered(wanted.caller(talk.call)):
            raise NoWayThere(
                f"Nobody at work {who} and may answer this caller.", remedy="Language and policy.yaml decide, too."
            )
        return wanted

    def _ask_outside(self, agent: str, number: str) -> dict[str, str]:
        """The variables that ring a number outside. Raises NoWayThere when this agent may not, or nobody can."""
        person = self._staff.agents.get(agent)
        if person is None or person.role not in self.rules.outside:
            allowed = " or ".join(sorted(self.rules.outside)) or "nobody"
            raise NoWayThere(
                f"Agent {agent} may not call outside with a caller.", remedy=f"talk_rules.yaml lets {allowed} do so."
            )
        dial = self._outside(spoken_form(number))
        if not dial:
            raise NoWayThere("There is no trunk for calls to the outside.", remedy="Describe one: docs/trunks.md.")
        return {contract.VAR_ASK_DIAL: dial, contract.VAR_ASK_RING: str(self.rules.ring)}

    def _asking(self, agent: str, asked: Asked) -> dict[str, str]:
        person = self._staff.agents.get(agent)
        name = person.name("zh") if person else ""
        dial = road_to(self._staff.seats[asked.seat]) if asked.agent else self._outside(spoken_form(asked.to))
        return {
            contract.VAR_ASK_SEAT: asked.seat,
            contract.VAR_ASK_DIAL: dial,
            contract.VAR_ASK_RING: str(self.rules.ring),
            contract.VAR_ASK_NAME: shown(f"{agent} {name}").replace("^", ""),
        }

    async def _give(self, talk: Talk, asked: Asked) -> Talk:
        """Make the leg of whoever was asked one of the caller's: the talk that comes of it."""
        place = await self._place(talk)
        offer, path = self._offers.recorded_as(place)
        if not asked.agent:
            path = ""
        marks = {contract.VAR_CALL: talk.call, contract.VAR_OFFER_ID: offer, contract.VAR_OFFER_RECORD: path}
        await self._acts.put(asked.channel, marks)
        recording = PurePath(path).stem
        return Talk(talk.call, asked.agent, asked.seat, self._clock(), place, asked.channel, recording, id=offer)

    async def _begins(self, talk: Talk) -> None:
        """Whoever was asked talks with the caller."""
        self.asked.pop(talk.call, None)
        if not talk.agent or talk.place is None:
            return
        self._dispatcher.talks[talk.seat] = talk
        self._dispatcher.last_agents[talk.call] = talk.agent
        offer = Offer(talk.call, talk.agent, talk.seat, talk.since, recording=talk.recording, id=talk.id)
        self._witness.offered(offer, talk.place, self._why(talk.call, talk.place, talk.seat))
        self._witness.talk_began(talk, 0.0)
        await self._staff.do(talk.agent, agents.FoundTalking(talk.call))

    async def _place(self, talk: Talk) -> Place:
        if talk.place is None:
            carried = decode(await self._acts.variable(talk.call, contract.VAR_WAIT))
            talk.place = carried or Place(talk.since, "normal")
        return talk.place

    def _waits(self, place: Place) -> dict[str, str]:
        return {contract.VAR_WAIT: encode(place), contract.VAR_TRIES: "0"}

    def _why(self, call: str, place: Place, seat: str) -> Why:
        waited = self._clock() - place.joined
        return Why(call, place.tier, "front", waited, 0.0, "transfer", seat, 0.0, 0, ())

    def _moved(self, talk: Talk, how: MovedHow, to: str) -> None:
        self._journal.append(Event(talk.call, TALK_MOVED, {"agent": talk.agent, "how": how, "to": to}))
        log.info("a talk moved", call=talk.call, agent=talk.agent, how=how, to=to)

    def _go(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, AmiError):
            log.info("a talk could not be seen to", task=task.get_name(), error=str(error))
        else:
            log.error("the talks broke at something", task=task.get_name(), exc_info=error)
