"""Joins the engine to the world: what is seen goes in as events, what is decided is carried out.

One engine, one event loop: every fact is taken in at once and without waiting; what takes time (the store, Asterisk)
is done in tasks, one after the other for each agent. Facts may come twice or late: whatever speaks of an offer or talk
that is not the present one is left alone. After each connect to Asterisk everything is built anew from what is there,
so that a restarted controller and one that lost the manager for a moment do the same.

Must not know: AMI's fields (``seen``), flows, what is announced.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Final, Literal

import structlog

from agent_routing import agents, events
from agent_routing.agents import MissedHow
from agent_routing.decisions import Decision, Reserve, WhyWaiting
from agent_routing.engine import Engine
from agent_routing.policy import Policy
from agent_routing.pool import Seat as PoolSeat
from agent_routing.seats import Correction, Reach, SeatSeen, overdue, reconcile
from agent_routing.talk_times import TalkTimes
from db.agent import Seat, Session
from ivr.ami.errors import AmiError
from ivr.call import NORMAL_CLEARING, Returned
from ivr.contract import ASKED, SEAT_OUTSIDE, VAR_OFFER_ID, VAR_OFFER_RECORD
from ivr.queueing.acts import Acts, ChannelRoad
from ivr.queueing.offer import OfferMaker
from ivr.queueing.place import Place, decode
from ivr.queueing.seen import (
    ENDINGS,
    CallerGone,
    EndpointReach,
    Fact,
    LeftBridge,
    LegEnds,
    LegGone,
    LegRings,
    LegTalks,
    SeatLeg,
    Snapshot,
)
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Offer, Road, SecondCalls, Talk, TalkEnd, Waiter, Witness

log = structlog.get_logger(__name__)

LOST_AFTER: Final = 5.0  # seconds from sending a caller to a seat until Asterisk must have begun to ring it
LONGEST_OFFER: Final = 90.0  # seconds of ringing, whisper and key together: longer than they ever take
RECONCILE_SECONDS: Final = 5.0  # between two looks whether store and Asterisk agree
QUIET_SECONDS: Final = 3.0  # after a change, while its events may still be on their way
STOP_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 1.0  # the manager's events and the caller's session come within milliseconds of one another
OVERDUE_SECONDS: Final = 0.25  # until the next look at what should be over by now


class Dispatcher:
    """The queue of one controller. Times are seconds since 1970 (``clock``)."""

    def __init__(
        self,
        staff: Staff,
        acts: Acts,
        offers: OfferMaker,
        witness: Witness,
        policy: Policy,
        talks: TalkTimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._staff = staff
        self._acts = acts
        self._offers_made = offers
        self._witness = witness
        self._clock = clock
        self.talk_desk: SecondCalls | None = None
        self.talk_times = talks
        self.engine = Engine(policy, talks.rest)
        self.waiting: dict[str, Waiter] = {}
        self.offers: dict[str, Offer] = {}  # by seat
        self.talks: dict[str, Talk] = {}  # by seat
        self.left: dict[str, Place] = {}  # of calls that are still up: the place that was given up
        self.last_agents: dict[str, str] = {}  # of calls that are still up: who talked with the caller last
        self._over: dict[str, set[tuple[str, str]]] = {}  # of calls that are still up: offers and seats of their talks
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(
            asyncio.Lock
        )  # by call: one act of the store at a time
        self._seen: dict[str, SeatSeen] = {}
        self._reach: dict[str, Reach] = {}  # by endpoint
        self._reconciled = 0.0
        self._in_use: set[str] = set()  # endpoints that somebody is on, in a call of ours or not
        self._tasks: set[asyncio.Task[Any]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._known: dict[str, PoolSeat] = {}  # seats as the engine knows them
        self._sat: dict[str, str] = {}  # by agent: the seat, as the engine knows it
        self._cut: set[str] = set()  # calls whose seat dropped off the line, until the caller is back
        self._failing: set[str] = set()  # seats of which the engine is about to be told that they did not take a caller
        self._correcting: set[str] = set()  # agents who are being put right
        self.mended = 0  # idle seats that the engine took for busy: a fault of ours
        self.on_the_line: set[str] = set()  # seats whose leg is kept on the line, and is up
        self._ready = False  # everything has been read since the last connect

    # --- what flows ask -----------------------------------------------------------------------------------------------

    def enter(
        self, call: str, place: Place, back: Returned | None = None, road: Road | None = None
    ) -> Literal["waits", "talked", "nobody"]:
        """A caller waits from now on, or comes back from a seat. ``road``: not by the caller's own channel."""
        if back is not None:
            self._came_back(call, back, place)
            if back.talked is not None:
                if not back.cut and call not in self._cut:
                    return "talked"
                self._cut.discard(call)
                place = replace(place, front=True)
        known = self.waiting.get(call)
        if known is not None:
            # Sent to the next seat already, while the way back from the last one was still under its feet?
            known.taken = any(offer.call == call and offer.sent for offer in self.offers.values())
            known.place = place
            if known.taken or self.engine.waits(call):
                self._handle(events.CallerChanges(place.caller(call)))
            else:
                self._handle(events.CallerJoins(place.caller(call)))
            return "waits"
        again = back is not None or place.joined < self._clock() - 1.0
        self.waiting[call] = Waiter(place, road or ChannelRoad(self._acts, call))
        self._witness.joined(call, place, again)
        self._handle(events.CallerJoins(place.caller(call)))
        if not self.can_be_answered(call):
            self.leave(call, "nobody")
            return "nobody"
        return "waits"

    def hold(self, call: str, place: Place, road: Road) -> None:
        """A customer waits for our call, from now on or again; ``road`` rings a seat for it."""
        if call in self.waiting or self.talk_of(call) is not None:
            return
        self.waiting[call] = Waiter(place, road, away=True)
        self._witness.joined(call, place, True)
        self._handle(events.CallerJoins(place.caller(call)))

    def dismiss(self, call: str) -> None:
        """… and does not any more; a seat that is being rung for it is free, through no doing of its agent."""
        for offer in [offer for offer in self.offers.values() if offer.call == call]:
            self._offer_failed(call, offer.seat, "released")
        if call in self.waiting:
            self._forget_waiter(call, "callback")
            self.left.pop(call, None)

    async def settled(self, call: str, seat: str) -> None:
        """Until the manager has told how the talk with this seat ended, which it does at about the same time as the
        caller comes back; not for longer than it ever takes."""
        talk = self.talks.get(seat)
        if talk is not None and talk.call == call:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await talk.over.wait()

    def leave(self, call: str, how: str) -> bool:
        """A caller waits no more. False: too late, a seat has taken the call."""
        waiter = self.waiting.get(call)
        if waiter is None:
            return self.talk_of(call) is None
        if waiter.taken:
            return False
        self._forget_waiter(call, how)
        return True

    def move(self, call: str, place: Place) -> None:
        """A caller who waits has another place from now on."""
        waiter = self.waiting.get(call)
        if waiter is not None:
            waiter.place = place
            self._handle(events.CallerChanges(place.caller(call)))

    def taken(self, call: str) -> bool:
        """A seat has taken the call from its flow."""
        waiter = self.waiting.get(call)
        if waiter is not None:
            return waiter.taken
        return self.talk_of(call) is not None

    def position(self, call: str) -> int:
        """The place in the order of urgency from 1; 0 when not waiting or a seat rings."""
        return self.engine.position(call, self._now()) if call in self.waiting else 0

    def can_be_answered(self, call: str) -> bool:
        """Somebody at work could answer this caller, now or later; before everything has been read: surely."""
        waiter = self.waiting.get(call)
        if waiter is None or not self._ready:
            return True
        return waiter.taken or self.engine.can_be_answered(waiter.place.caller(call))

    def explain(self, call: str) -> WhyWaiting | None:
        """Why a caller still waits; None when it does not."""
        return self.engine.explain(call, self._now()) if call in self.waiting else None

    # --- what is seen -------------------------------------------------------------------------------------------------

    def take(self, fact: Fact) -> None:
        """Asterisk tells something."""
        if self.talk_desk is not None and self.talk_desk.take(fact):
            self._see_second_call(fact)
            return
        match fact:
            case LegRings(call, seat, _channel, offer):
                self._rings(call, seat, offer)
            case LegEnds(call, seat, how, offer):
                if how != "answered":
                    self._offer_failed(call, seat, how, offer)
            case LegTalks(call, seat, channel, offer):
                self._talks(call, seat, channel, offer)
            case LeftBridge(_channel, call, seat):
                for talk in self.talks.values():
                    if talk.call == call and not talk.left and seat in ("", talk.seat):
                        talk.left = "seat" if seat else "caller"
            case LegGone(call, seat, cause, offer):
                self._offer_failed(call, seat, "no_answer", offer)
                self._talk_over(call, seat, cause, offer)
                if (leg := self._seen.get(seat)) is not None and leg.call == call:
                    del self._seen[seat]
            case CallerGone(call):
                self._caller_gone(call)
            case EndpointReach(endpoint, reach, in_use):
                self._use_changed(endpoint, in_use)
                self._reach_changed(endpoint, reach)

    def _see_second_call(self, fact: Fact) -> None:
        """Whoever is asked about a caller is at that seat's telephone, as with any call."""
        if isinstance(fact, LegRings):
            self._seen[fact.seat] = SeatSeen("reachable", "ringing", fact.call)
        elif isinstance(fact, LegTalks):
            self._seen[fact.seat] = SeatSeen("reachable", "bridged", fact.call)
        elif isinstance(fact, LegGone):
            self._seen.pop(fact.seat, None)

    def rebuild(self, snapshot: Snapshot) -> None:
        """Begin anew from what there is: after each connect to Asterisk, sessions having been read."""
        now = self._clock()
        self.engine = Engine(self.engine.policy, self.talk_times.rest)
        self._known.clear()
        self._sat.clear()
        self._reach = dict(snapshot.reach)
        self._in_use = set(snapshot.in_use)
        self._seen = snapshot.seen(self._staff.endpoints())
        self._ready = True
        talking = [leg for leg in snapshot.legs.values() if leg.leg == "bridged" and not leg.call.startswith(ASKED)]
        in_talk = {leg.call for leg in talking} | snapshot.engaged
        ringing = {leg.seat: leg for leg in snapshot.legs.values() if leg.leg == "ringing"}
        gone = [call for call, one in self.waiting.items() if call not in snapshot.channels and not one.away]
        for call in gone:
            self._forget_waiter(call, "abandoned")
        self.offers = {seat: offer for seat, offer in self.offers.items() if seat in ringing}
        self._end_unseen_talks({(leg.call, leg.seat) for leg in talking}, snapshot, now)
        for leg in talking:
            self._found_talking(leg, snapshot, now)
        for session in self._staff.working():
            self._sits(session)
        for call, text in snapshot.waiting.items():
            if call in in_talk or (place := decode(text)) is None:
                continue
            if call not in self.waiting:
                self.waiting[call] = Waiter(place, ChannelRoad(self._acts, call))
                self._witness.joined(call, place, again=True)
        offered = {leg.call: leg for leg in ringing.values()}
        for call, waiter in self.waiting.items():
            rings = offered.get(call)
            waiter.taken = rings is not None
            if rings is None:
                self._handle(events.CallerJoins(waiter.place.caller(call)))
            elif rings.seat not in self.offers and (sitting := self._staff.at(rings.seat)) is not None:
                offer = self.offers[rings.seat] = Offer(call, sitting.agent, rings.seat, now, rings=True)
                offer.id, offer.recording = rings.offer, rings.recording
                if sitting.state == "idle":
                    self._go(self._adopt(offer), f"adopt {rings.seat}")
        for correction in reconcile(self._staff.working(), self._seen):
            self._correct(correction)
        for session in self._staff.working():
            self.session_changed(session)

    def session_changed(self, session: Session) -> None:
        """An agent's session changed, whoever changed it."""
        if not self._ready:
            return
        self._witness.session(session)
        self._follow(session)

    def _follow(self, session: Session) -> None:
        """Have the engine know what a session means for its seat."""
        if session.seat in self._failing:
            return
        before = self._sat.get(session.agent, "")
        if before and before != session.seat:
            del self._sat[session.agent]
            self._handle(events.SeatGone(before))
        if not session.seat or session.state == "logged_out":
            return
        if not self._sits(session):
            return
        seat = session.seat
        match session.state:
            case "idle":
                if seat in self.offers or seat in self.talks:
                    pass
                elif not self._can_be_reached(self._staff.seats[seat]):  # a call of the agent's own: it rings later
                    self._handle(events.SeatBusy(seat, session.since.timestamp()))
                else:
                    self._handle(events.SeatIdle(seat))
            case "paused":
                self._handle(events.SeatPaused(seat))
            case "gone":
                self._handle(events.SeatGone(seat))
            case "talking" | "wrap_up":
                if seat not in self.offers:
                    self._handle(events.SeatBusy(seat, session.since.timestamp()))
            case "reserved" | "ringing":
                offer = self.offers.get(seat)
                if offer is None or offer.call != session.call:  # another controller's, or one from before
                    self._handle(events.SeatBusy(seat, session.since.timestamp()))
        self._set_alarm()

    def _can_be_reached(self, seat: Seat) -> bool:
        return seat.id in self.on_the_line if seat.kept_open else seat.endpoint not in self._in_use

    def leg_opened(self, seat: str) -> None:
        """The leg that is kept on the line to this seat is up."""
        self.on_the_line.add(seat)
        if (session := self._staff.at(seat)) is not None and self._ready:
            self._follow(session)

    def leg_closed(self, seat: str) -> None:
        """… and is not any more."""
        self.on_the_line.discard(seat)
        if (session := self._staff.at(seat)) is not None and self._ready:
            self._follow(session)

    def replace_policy(self, policy: Policy) -> None:
        """Go on under another policy; nobody loses a place."""
        self._carry_out(self.engine.replace_policy(policy, self._now()))
        self._set_alarm()

    def day_begins(self) -> None:
        """Calls of a day are counted from nought."""
        self._handle(events.DayBegins())

    async def stop(self) -> None:
        """No more decisions; what is under way ends."""
        self._ready = False
        if self._alarm is not None:
            self._alarm.cancel()
        tasks = list(self._tasks)
        if tasks:  # what is being written down is written down
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def unready(self) -> None:
        """The manager is away: nothing can be offered until everything has been read again."""
        self._ready = False

    def look_after(self) -> None:
        """Free what is stuck: sessions whose time is over, offers that Asterisk never began to ring."""
        now = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)
        for offer in list(self.offers.values()):
            if not offer.rings and self._clock() - offer.since > LOST_AFTER:
                self._offer_failed(offer.call, offer.seat, "lost")
        seen = self._sights()
        for correction in overdue(self._staff.working(), seen, now, self._staff.times):
            if not self._is_being_offered(correction.seat):
                self._correct(correction)
        if self._clock() - self._reconciled >= RECONCILE_SECONDS and self._ready:
            self._reconciled = self._clock()
            settled = [one for one in self._staff.working() if self._is_settled(one, now)]
            for correction in reconcile(settled, seen):
                self._correct(correction)
        self._agree()
        self._set_alarm()

    def _agree(self) -> None:
        """An idle agent whom the engine takes for busy would be idle for ever. It never should come to that."""
        for stand in self.engine.seats():
            seat = stand.seat.id
            if stand.state != "busy" or seat in self.offers or seat in self.talks or seat in self._failing:
                continue
            session = self._staff.at(seat)
            reached = self._can_be_reached(self._staff.seats[seat])
            if session is not None and session.state == "idle" and reached:
                self.mended += 1
                log.error("an idle seat was taken for busy", seat=seat, agent=session.agent)
                self._handle(events.SeatIdle(seat))

    def _sights(self) -> dict[str, SeatSeen]:
        """Every seat as Asterisk has it, as far as it has told."""
        found = {}
        for seat, endpoint in self._staff.endpoints().items():
            leg = self._seen.get(seat)
            reach: Reach = self._reach.get(endpoint, "unreachable") if endpoint else "unknown"
            found[seat] = SeatSeen(reach, leg.leg, leg.call) if leg else SeatSeen(reach)
        return found

    def _is_settled(self, session: Session, now: datetime.datetime) -> bool:
        """Nothing has happened for a while: what store and Asterisk say of it ought to agree."""
        quiet = (now - session.since).total_seconds() > QUIET_SECONDS
        return quiet and session.seat not in self.offers and session.seat not in self._failing

    def _is_being_offered(self, seat: str) -> bool:
        """Asterisk itself ends the ringing; and once answered, the agent hears who it is and is asked for a key."""
        offer = self.offers.get(seat)
        return offer is not None and self._clock() - offer.since < LONGEST_OFFER

    # --- callers ------------------------------------------------------------------------------------------------------

    def _forget_waiter(self, call: str, how: str) -> None:
        waiter = self.waiting.pop(call)
        self.left[call] = waiter.place
        self._witness.left(call, waiter.place, how, self._clock() - waiter.place.joined)
        self._handle(events.CallerLeaves(call))

    def _caller_gone(self, call: str) -> None:
        if call in self.waiting:
            self._forget_waiter(call, "abandoned")
        self.left.pop(call, None)
        self._cut.discard(call)
        self._over.pop(call, None)
        self.last_agents.pop(call, None)
        self._locks.pop(call, None)

    def _came_back(self, call: str, back: Returned, place: Place) -> None:
        """The caller's own channel says how it went: before, after or without the manager's events."""
        if back.seat == SEAT_OUTSIDE:
            return  # no seat of ours, and no agent's talk
        if back.talked is None:
            how = ENDINGS.get(back.status, "lost")
            self._offer_failed(call, back.seat, "no_answer" if how == "answered" else how, back.offer)
            return
        talk = self.talks.get(back.seat)
        known = (talk is not None and talk.call == call) or (back.offer, back.seat) in self._over.get(call, ())
        if not known or call in self.waiting:  # the talk was never seen: it is over all the same
            self._talked_unseen(call, back, place)
        talk = self.talks.get(back.seat)
        if talk is not None and talk.call == call:
            talk.left = talk.left or "seat"
            self._talk_over(call, back.seat, back.cause or NORMAL_CLEARING)

    def _talked_unseen(self, call: str, back: Returned, place: Place) -> None:
        offer = self.offers.get(back.seat)
        session = self._staff.at(back.seat)
        agent = offer.agent if offer is not None and offer.call == call else session.agent if session else ""
        if offer is not None and offer.call == call:
            self._drop(offer)
        since = self._clock() - (back.talked or 0.0)
        talk = Talk(call, agent, back.seat, since, place, id=back.offer)
        talk.recording = back.offer if place.consent == "announced" else ""
        self.talks[back.seat] = talk
        self.last_agents[call] = agent
        if self.waiting.pop(call, None) is not None:
            self._handle(events.CallerLeaves(call))
        self._witness.talk_began(talk, since - place.joined)
        if session is not None and session.call == call and session.state in ("reserved", "ringing"):
            self._go(self._staff.do(agent, agents.Answer(call)), f"answer {back.seat}")

    # --- offers -------------------------------------------------------------------------------------------------------

    def _carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Reserve):
                self._go(self._offer(decision), f"offer {decision.seat}")
            else:
                offer = self.offers.get(decision.seat)
                if offer is not None and offer.call == decision.caller and decision.reason != "reservation over":
                    self._go(self._withdraw(offer, decision.reason), f"withdraw {decision.seat}")

    async def _offer(self, decision: Reserve) -> None:
        call, seat = decision.caller, decision.seat
        session = self._staff.at(seat)
        waiter = self.waiting.get(call)
        if session is None or waiter is None or not self._ready:
            self._handle(events.SeatRefused(seat, call))
            return
        offer = Offer(call, session.agent, seat, self._clock())
        self.offers[seat] = offer
        async with self._locks[call]:
            reserved = await self._staff.reserve(session.agent, call)
            if reserved and (self.waiting.get(call) is not waiter or self.offers.get(seat) is not offer):
                self._drop(offer)
                await self._staff.do(offer.agent, agents.Release(call))
                return
        if not reserved:
            self._drop(offer)
            self._handle(events.SeatRefused(seat, call))
            return
        variables = self._offers_made.variables(self._staff.seats[seat], call, waiter.place, self._staff.times)
        offer.id, offer.recording = variables[VAR_OFFER_ID], PurePath(variables[VAR_OFFER_RECORD]).stem
        self._witness.offered(offer, waiter.place, decision.why)
        waiter.taken = offer.sent = True
        try:
            await waiter.road.send(variables)
        except AmiError as error:
            log.warning("a caller could not be sent to a seat", call=call, seat=seat, error=str(error))
            waiter.taken = False
            self._offer_failed(call, seat, "lost")

    async def _adopt(self, offer: Offer) -> None:
        """A seat is rung for a caller by Asterisk's own queue: from now on that is known."""
        async with self._locks[offer.call]:
            if await self._staff.reserve(offer.agent, offer.call):
                await self._staff.do(offer.agent, agents.Ring(offer.call))

    async def _withdraw(self, offer: Offer, reason: str) -> None:
        """The engine has taken the seat back. A caller who left stops the ringing without our help."""
        waiter = self.waiting.get(offer.call)
        self._drop(offer)
        self._note_failed(offer, "released")
        async with self._locks[offer.call]:
            await self._staff.do(offer.agent, agents.Release(offer.call))
        if waiter is not None and waiter.taken and reason != "caller left":
            try:
                await waiter.road.take_back()
            except AmiError as error:
                log.info("a caller who was to come back from a seat is gone", call=offer.call, error=str(error))

    def _offer_of(self, call: str, seat: str, offer_id: str) -> Offer | None:
        """The offer that somebody speaks of, if it is the present one. ``offer_id`` is empty where it is not told."""
        offer = self.offers.get(seat)
        if offer is None or offer.call != call or offer_id not in ("", offer.id):
            return None
        return offer

    def _rings(self, call: str, seat: str, offer_id: str) -> None:
        self._seen[seat] = SeatSeen("reachable", "ringing", call)
        offer = self._offer_of(call, seat, offer_id)
        if offer is None:
            return  # another controller's, or withdrawn just now: then the caller is on the way back
        offer.rings = True
        self._go(self._staff.do(offer.agent, agents.Ring(call)), f"ring {seat}")

    def _offer_failed(self, call: str, seat: str, how: str, offer_id: str = "") -> None:
        offer = self._offer_of(call, seat, offer_id)
        if offer is None:
            return
        self._drop(offer)
        self._note_failed(offer, how)
        event: agents.Event
        if how == "released":
            event = agents.Release(call)
        elif how == "lost":
            event = agents.Missed(call, "lost")
        else:
            missed: MissedHow = "busy" if how == "busy" else "refused" if how == "refused" else "no_answer"
            event = agents.Missed(call, missed)
        self._failing.add(seat)
        self._go(self._fail(offer, event), f"missed {seat}")

    async def _fail(self, offer: Offer, event: agents.Event) -> None:
        """First the store, which keeps a call from being offered twice, then the engine, which offers it again."""
        try:
            async with self._locks[offer.call]:
                await self._staff.do(offer.agent, event)
            if offer.place is not None:  # the engine did not choose this seat: it would ring it again at once
                await asyncio.sleep(self.engine.policy.seat_rest)
        finally:
            self._failing.discard(offer.seat)
        waiter = self.waiting.get(offer.call)
        if waiter is not None and not self.engine.waits(offer.call):  # it rang already when this controller began
            waiter.taken = False
            self._handle(events.CallerJoins(waiter.place.caller(offer.call)))
        if offer.seat not in self.offers and offer.seat not in self.talks:
            self._handle(events.SeatRefused(offer.seat, offer.call))
        if (session := self._staff.sessions.get(offer.agent)) is not None:
            self._follow(session)  # what it came to meanwhile was left alone

    def _drop(self, offer: Offer) -> None:
        if self.offers.get(offer.seat) is offer:
            del self.offers[offer.seat]

    def _note_failed(self, offer: Offer, how: str) -> None:
        if offer.id:  # it was made: one that was taken back before is no news
            self._witness.failed(offer, how, self._clock() - offer.since)

    # --- talks --------------------------------------------------------------------------------------------------------

    def _talks(self, call: str, seat: str, channel: str, offer_id: str) -> None:
        self._seen[seat] = SeatSeen("reachable", "bridged", call)
        talk = self.talks.get(seat)
        if talk is not None and talk.call == call:
            talk.left = ""  # back from hold
        offer = self._offer_of(call, seat, offer_id)
        if offer is None:
            return
        self._drop(offer)
        waiter = self.waiting.pop(call, None)
        place = waiter.place if waiter else offer.place
        now = self._clock()
        talk = Talk(call, offer.agent, seat, now, place, channel, offer.recording, id=offer.id)
        self.talks[seat] = talk
        self.last_agents[call] = offer.agent
        if waiter is not None:
            self._handle(events.SeatAccepted(seat, call))
        self._witness.talk_began(talk, now - place.joined if place else 0.0)
        self._go(self._answered(talk), f"answer {seat}")

    async def _answered(self, talk: Talk) -> None:
        """What Asterisk's own queue rang was never offered, as far as the session knows."""
        done = await self._staff.do(talk.agent, agents.Answer(talk.call))
        if done is None and self.talks.get(talk.seat) is talk:
            await self._staff.do(talk.agent, agents.FoundTalking(talk.call))

    def _found_talking(self, leg: SeatLeg, snapshot: Snapshot, now: float) -> None:
        """A talk that began, or went on, while nobody was looking."""
        call, seat = leg.call, leg.seat
        waiter = self.waiting.pop(call, None)
        place = waiter.place if waiter else decode(snapshot.waiting.get(call, ""))
        if seat in self.talks:
            return
        session = self._staff.at(seat)
        agent = session.agent if session else ""
        since = session.since.timestamp() if session and session.state == "talking" else now
        talk = Talk(call, agent, seat, since, place, leg.channel, leg.recording, id=leg.offer)
        self.talks[seat] = talk
        self.last_agents[call] = agent
        if session is not None and session.state != "talking":  # it was answered while we were away
            self._witness.talk_began(talk, now - place.joined if place else 0.0)

    def _end_unseen_talks(self, going_on: set[tuple[str, str]], snapshot: Snapshot, now: float) -> None:
        """Talks of which nobody saw the end. Of a caller who is still there the caller's own channel tells the rest."""
        for talk in list(self.talks.values()):
            if (talk.call, talk.seat) not in going_on:
                talk.left = talk.left or ("seat" if talk.call in snapshot.channels else "caller")
                self._talk_over(talk.call, talk.seat, NORMAL_CLEARING)
        for session in self._staff.working():
            gone = session.call not in snapshot.channels and (session.call, session.seat) not in going_on
            if session.state == "talking" and gone:
                since = session.since.timestamp()
                # It has no offer's id any more, and needs one: the controller after us may see the same.
                talk = Talk(session.call, session.agent, session.seat, since, None, id=f"{session.call} {since}")
                self._witness.talk_ended(talk, "caller", now - since)

    def talk_of(self, call: str) -> Talk | None:
        """The talk in which this caller is."""
        return next((talk for talk in self.talks.values() if talk.call == call), None)

    def _talk_over(self, call: str, seat: str, cause: int, offer_id: str = "") -> None:
        talk = self.talks.get(seat)
        if talk is None or talk.call != call or (offer_id and talk.id and offer_id != talk.id):
            return
        del self.talks[seat]
        self._over.setdefault(call, set()).add((talk.id, seat))
        talk.over.set()
        how: TalkEnd
        if talk.moved:
            how = "moved"
        elif talk.left == "caller":
            how = "caller"
        else:
            how = "agent" if cause == NORMAL_CLEARING else "cut"
        self._witness.talk_ended(talk, how, self._clock() - talk.since)
        if how == "cut" and self.talk_of(call) is None:  # in a conference the others go on
            self._cut.add(call)
        event = agents.SeatLost("line_dropped") if how == "cut" else agents.HangUp(call)
        self._go(self._staff.do(talk.agent, event), f"end {seat}")

    # --- seats --------------------------------------------------------------------------------------------------------

    def _sits(self, session: Session) -> bool:
        """Make the engine know the seat and who sits there; False when nobody does."""
        seat, agent = self._staff.seats.get(session.seat), self._staff.agents.get(session.agent)
        if seat is None or agent is None:
            return False
        known = PoolSeat(
            seat.id,
            agent.id,
            skills=agent.skills,
            languages=frozenset((*agent.languages, *agent.dialects)),
            branch=agent.branch,
            head_office=not agent.branch,
        )
        if self._known.get(seat.id) != known:
            self._known[seat.id] = known
            self._handle(events.SeatKnown(known))
        self._sat[agent.id] = seat.id
        return True

    def _use_changed(self, endpoint: str, in_use: bool) -> None:
        """An idle agent on a call of another kind (a feature code, a colleague) is not rung meanwhile."""
        if in_use == (endpoint in self._in_use):
            return
        self._in_use ^= {endpoint}
        seat = next((one.id for one in self._staff.seats.values() if one.endpoint == endpoint), "")
        session = self._staff.at(seat) if seat else None
        if session is not None and session.state == "idle":
            self._follow(session)

    def _reach_changed(self, endpoint: str, reach: Reach) -> None:
        if self._reach.get(endpoint) == reach:
            return
        self._reach[endpoint] = reach
        seat = next((one for one in self._staff.seats.values() if one.endpoint == endpoint), None)
        if seat is None or (session := self._staff.at(seat.id)) is None:
            return
        if reach == "unreachable" and session.state not in ("talking", "gone"):
            self._go(self._staff.do(session.agent, agents.SeatLost("unreachable")), f"lost {seat.id}")
        elif reach == "reachable" and session.state == "gone":
            self._go(self._staff.do(session.agent, agents.SeatBack()), f"back {seat.id}")

    def _correct(self, correction: Correction) -> None:
        session = self._staff.sessions.get(correction.agent)
        if correction.event is None or session is None or correction.agent in self._correcting:
            return
        if session.state != "wrap_up":  # which ends by itself, and nothing is wrong with that
            log.warning("a seat is put right", agent=correction.agent, seat=correction.seat, why=correction.why)
        self._correcting.add(correction.agent)
        self._go(self._put_right(correction.agent, correction.event), f"correct {correction.seat}")

    async def _put_right(self, agent: str, event: agents.Event) -> None:
        try:
            await self._staff.do(agent, event)
        finally:
            self._correcting.discard(agent)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _handle(self, event: events.Event) -> None:
        self._carry_out(self.engine.handle(event, self._now()))
        self._set_alarm()

    def _now(self) -> float:
        return self._clock()

    def _set_alarm(self) -> None:
        """Wake when time alone changes something: a ring opens, a wrap-up ends."""
        due = [at for at in (self.engine.next_wakeup(),) if at is not None]
        ends = self._staff.next_due()
        if ends is not None:
            due.append(ends.timestamp())
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if due and self._ready:
            wait = min(due) - self._clock()
            if wait <= 0:  # being seen to; if it cannot be, there is no hurry
                wait = OVERDUE_SECONDS
            self._alarm = asyncio.get_running_loop().call_later(wait, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._carry_out(self.engine.handle(events.Tick(), self._now()))
        self.look_after()

    def _go(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the queue broke at something", task=task.get_name(), exc_info=error)
