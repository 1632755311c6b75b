"""Joins the engine to the world: what is seen goes in as events, what is decided is carried out.

One engine, one event loop: every fact is taken in at once and without waiting; what takes time (the store, Asterisk)
is done in tasks, one after the other for each agent. Facts may come twice or late: whatever speaks of an offer or talk
that is not the present one is left alone. After each connect to Asterisk everything is built anew from what is there,
so that a restarted controller and one that lost the manager for a moment do the same.

Its parts: ``matching`` (the engine and who waits), ``offers``, ``going_talks``, ``seating``. Must not know: AMI's
fields (``seen``), flows, what is announced.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal

from agent_routing import events
from agent_routing.decisions import Decision, WhyWaiting
from agent_routing.engine import Engine
from agent_routing.policy import Policy
from agent_routing.talk_times import TalkTimes
from db.agent import Session
from ivr.call import Returned
from ivr.contract import ASKED, SEAT_OUTSIDE
from ivr.queueing.acts import Acts, ChannelRoad
from ivr.queueing.going_talks import GoingTalks
from ivr.queueing.matching import Matching
from ivr.queueing.offer import OfferMaker
from ivr.queueing.offers import Offers
from ivr.queueing.place import Place, decode
from ivr.queueing.seating import Seating
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
    Snapshot,
)
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Offer, Road, SecondCalls, Talk, Waiter, Witness

SETTLE_SECONDS: Final = 1.0  # the manager's events and the caller's session come within milliseconds of one another


class Dispatcher:
    """The queue of one controller. Times are seconds since 1970 (``clock``)."""

    def __init__(
        self,
        staff: Staff,
        acts: Acts,
        maker: OfferMaker,
        witness: Witness,
        policy: Policy,
        talk_times: TalkTimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._staff = staff
        self._acts = acts
        self._witness = witness
        self._clock = clock
        self._matching = Matching(policy, talk_times, clock, self)
        self._talks = GoingTalks(self._matching, staff, witness)
        self._offers = Offers(
            self._matching, staff, maker, witness, self._talks.by_seat, lambda session: self.seating.follow(session)
        )
        self.seating = Seating(self._matching, staff, self._offers, self._talks.by_seat)
        self.talk_desk: SecondCalls | None = None
        self.waiting: dict[str, Waiter] = self._matching.waiting
        self.offers: dict[str, Offer] = self._offers.by_seat
        self.talks: dict[str, Talk] = self._talks.by_seat
        self.last_agents: dict[str, str] = self._talks.last_agents
        self.left: dict[str, Place] = {}  # of calls that are still up: the place that was given up

    @property
    def engine(self) -> Engine:
        """The present one: after each connect to Asterisk it is another."""
        return self._matching.engine

    @property
    def talk_times(self) -> TalkTimes:
        """How long talks take."""
        return self._matching.talk_times

    @talk_times.setter
    def talk_times(self, times: TalkTimes) -> None:
        self._matching.talk_times = times

    # --- what flows ask -----------------------------------------------------------------------------------------------

    def enter(
        self, call: str, place: Place, back: Returned | None = None, road: Road | None = None
    ) -> Literal["waits", "talked", "nobody"]:
        """A caller waits from now on, or comes back from a seat. ``road``: not by the caller's own channel."""
        if back is not None:
            self._came_back(call, back, place)
            if back.talked is not None:
                if not self._talks.was_cut(call) and not back.cut:
                    return "talked"
                place = replace(place, front=True)
        known = self.waiting.get(call)
        if known is not None:
            # Sent to the next seat already, while the way back from the last one was still under its feet?
            known.taken = self._offers.is_sent(call)
            known.place = place
            if known.taken or self.engine.waits(call):
                self._matching.handle(events.CallerChanges(place.caller(call)))
            else:
                self._matching.handle(events.CallerJoins(place.caller(call)))
            return "waits"
        again = back is not None or place.joined < self._clock() - 1.0
        self._join(call, Waiter(place, road or ChannelRoad(self._acts, call)), again)
        if not self.can_be_answered(call):
            self.leave(call, "nobody")
            return "nobody"
        return "waits"

    def hold(self, call: str, place: Place, road: Road) -> None:
        """A customer waits for our call, from now on or again; ``road`` rings a seat for it."""
        if call not in self.waiting and self.talk_of(call) is None:
            self._join(call, Waiter(place, road, away=True), again=True)

    def dismiss(self, call: str) -> None:
        """… and does not any more; a seat that is being rung for it is free, through no doing of its agent."""
        for offer in [offer for offer in self.offers.values() if offer.call == call]:
            self._offers.failed(call, offer.seat, "released")
        if call in self.waiting:
            self._forget_waiter(call, "callback")
            self.left.pop(call, None)

    async def settled(self, call: str, seat: str) -> None:
        """Until the manager has told how the talk with this seat ended, which it does at about the same time as the
        caller comes back; not for longer than it ever takes."""
        if (talk := self._talks.at(seat, call)) is not None:
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
            self._matching.handle(events.CallerChanges(place.caller(call)))

    def taken(self, call: str) -> bool:
        """A seat has taken the call from its flow."""
        waiter = self.waiting.get(call)
        if waiter is not None:
            return waiter.taken
        return self.talk_of(call) is not None

    def position(self, call: str) -> int:
        """The place in the order of urgency from 1; 0 when not waiting or a seat rings."""
        return self.engine.position(call, self._clock()) if call in self.waiting else 0

    def can_be_answered(self, call: str) -> bool:
        """Somebody at work could answer this caller, now or later; before everything has been read: surely."""
        waiter = self.waiting.get(call)
        if waiter is None or not self._matching.ready:
            return True
        return waiter.taken or self.engine.can_be_answered(waiter.place.caller(call))

    def explain(self, call: str) -> WhyWaiting | None:
        """Why a caller still waits; None when it does not."""
        return self.engine.explain(call, self._clock()) if call in self.waiting else None

    def talk_of(self, call: str) -> Talk | None:
        """The talk in which this caller is."""
        return self._talks.of(call)

    # --- what is seen -------------------------------------------------------------------------------------------------

    def take(self, fact: Fact) -> None:
        """Asterisk tells something."""
        self.seating.see(fact)  # whoever is asked about a caller is at that seat's telephone, as with any call
        if self.talk_desk is not None and self.talk_desk.take(fact):
            return
        match fact:
            case LegRings(call, seat, _channel, offer):
                self._offers.rings(call, seat, offer)
            case LegEnds(call, seat, how, offer):
                if how != "answered":
                    self._offers.failed(call, seat, how, offer)
            case LegTalks(call, seat, channel, offer):
                self._talks.back_from_hold(call, seat)
                if (made := self._offers.of(call, seat, offer)) is not None:
                    self._offers.end(made)
                    self._talks.begin(made, channel)
            case LeftBridge(_channel, call, seat):
                self._talks.someone_left(call, seat)
            case LegGone(call, seat, cause, offer):
                self._offers.failed(call, seat, "no_answer", offer)
                self._talks.end(call, seat, cause, offer)
            case CallerGone(call):
                self._caller_gone(call)
            case EndpointReach(endpoint, reach, in_use):
                self.seating.use_changed(endpoint, in_use)
                self.seating.reach_changed(endpoint, reach)

    def rebuild(self, snapshot: Snapshot) -> None:
        """Begin anew from what there is: after each connect to Asterisk, sessions having been read."""
        self._matching.begin_anew()
        self.seating.begin_anew(snapshot)
        talking = [leg for leg in snapshot.legs.values() if leg.leg == "bridged" and not leg.call.startswith(ASKED)]
        in_talk = {leg.call for leg in talking} | snapshot.engaged
        ringing = {leg.seat: leg for leg in snapshot.legs.values() if leg.leg == "ringing"}
        gone = [call for call, one in self.waiting.items() if call not in snapshot.channels and not one.away]
        for call in gone:
            self._forget_waiter(call, "abandoned")
        self._offers.keep_only(ringing)
        self._talks.end_unseen({(leg.call, leg.seat) for leg in talking}, snapshot)
        for leg in talking:
            self._talks.find(leg, snapshot)
        for session in self._staff.working():
            self.seating.sits(session)
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
                self._matching.handle(events.CallerJoins(waiter.place.caller(call)))
            else:
                self._offers.adopt(rings)
        self.seating.put_all_right()
        for session in self._staff.working():
            self.session_changed(session)

    def session_changed(self, session: Session) -> None:
        """An agent's session changed, whoever changed it."""
        if self._matching.ready:
            self._witness.session(session)
            self.seating.follow(session)

    def replace_policy(self, policy: Policy) -> None:
        """Go on under another policy; nobody loses a place."""
        self._matching.replace_policy(policy)

    def day_begins(self) -> None:
        """Calls of a day are counted from nought."""
        self._matching.handle(events.DayBegins())

    async def stop(self) -> None:
        """No more decisions; what is under way ends."""
        await self._matching.stop()

    def unready(self) -> None:
        """The manager is away: nothing can be offered until everything has been read again."""
        self._matching.ready = False

    # --- what the engine asks (ivr.queueing.matching.Hands) -----------------------------------------------------------

    def carry_out(self, decisions: list[Decision]) -> None:
        """Do what is decided."""
        self._offers.carry_out(decisions)

    def look_after(self) -> None:
        """Free what is stuck: sessions whose time is over, offers that Asterisk never began to ring."""
        self._offers.fail_unrung()
        self.seating.look_after()

    def next_due(self) -> datetime.datetime | None:
        """When the first state of any agent is over by itself."""
        return self._staff.next_due()

    # --- callers ------------------------------------------------------------------------------------------------------

    def _join(self, call: str, waiter: Waiter, again: bool) -> None:
        self.waiting[call] = waiter
        self._witness.joined(call, waiter.place, again)
        self._matching.handle(events.CallerJoins(waiter.place.caller(call)))

    def _forget_waiter(self, call: str, how: str) -> None:
        waiter = self.waiting.pop(call)
        self.left[call] = waiter.place
        self._witness.left(call, waiter.place, how, self._clock() - waiter.place.joined)
        self._matching.handle(events.CallerLeaves(call))

    def _caller_gone(self, call: str) -> None:
        if call in self.waiting:
            self._forget_waiter(call, "abandoned")
        self.left.pop(call, None)
        self._talks.forget(call)
        self._offers.forget(call)

    def _came_back(self, call: str, back: Returned, place: Place) -> None:
        """The caller's own channel says how it went: before, after or without the manager's events."""
        if back.seat == SEAT_OUTSIDE:
            return  # no seat of ours, and no agent's talk
        if back.talked is None:
            how = ENDINGS.get(back.status, "lost")
            self._offers.failed(call, back.seat, "no_answer" if how == "answered" else how, back.offer)
            return
        if call in self.waiting or not self._talks.is_known(call, back.seat, back.offer):  # never seen, but over
            if (offer := self._offers.of(call, back.seat)) is not None:
                self._offers.end(offer)
            self._talks.begin_unseen(back, place, call, offer)
        self._talks.end_returned(call, back)
