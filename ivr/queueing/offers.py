"""Callers who are being offered to seats: reserved in the store, sent, ringing, answered or not.

Facts may come twice or late: whatever speaks of an offer that is not the present one is left alone. One act of the
store at a time for each call, so that it is never offered twice. Must not know: AMI, talks that go on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Final

import structlog

from agent_routing import agents, events
from agent_routing.agents import MissedHow
from agent_routing.decisions import Decision, Reserve
from db.agent import Session
from ivr.ami.errors import AmiError
from ivr.contract import VAR_OFFER_ID, VAR_OFFER_RECORD
from ivr.queueing.matching import Matching
from ivr.queueing.offer import OfferMaker
from ivr.queueing.seen import SeatLeg
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Offer, Talk, Witness

log = structlog.get_logger(__name__)

LOST_AFTER: Final = 5.0  # seconds from sending a caller to a seat until Asterisk must have begun to ring it
LONGEST_OFFER: Final = 90.0  # seconds of ringing, whisper and key together: longer than they ever take


class Offers:
    """The offers of one controller, ``by_seat``."""

    def __init__(
        self,
        matching: Matching,
        staff: Staff,
        maker: OfferMaker,
        witness: Witness,
        talks: Mapping[str, Talk],
        follow: Callable[[Session], None],
    ) -> None:
        """``talks`` by seat; ``follow(session)`` has the engine know what a session means for its seat."""
        self._matching = matching
        self._staff = staff
        self._maker = maker
        self._witness = witness
        self._talks = talks
        self._follow = follow
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by call
        self.by_seat: dict[str, Offer] = {}
        self.failing: set[str] = set()  # seats of which the engine is about to be told that they did not take a caller

    # --- what there is ------------------------------------------------------------------------------------------------

    def of(self, call: str, seat: str, offer_id: str = "") -> Offer | None:
        """The offer that somebody speaks of, if it is the present one. ``offer_id`` is empty where it is not told."""
        offer = self.by_seat.get(seat)
        if offer is None or offer.call != call or offer_id not in ("", offer.id):
            return None
        return offer

    def is_sent(self, call: str) -> bool:
        """The caller is on the way to a seat, or rings it."""
        return any(offer.call == call and offer.sent for offer in self.by_seat.values())

    def is_under_way(self, seat: str) -> bool:
        """Asterisk itself ends the ringing; and once answered, the agent hears who it is and is asked for a key."""
        offer = self.by_seat.get(seat)
        return offer is not None and self._matching.now() - offer.since < LONGEST_OFFER

    def end(self, offer: Offer) -> None:
        """It is over, however it went."""
        if self.by_seat.get(offer.seat) is offer:
            del self.by_seat[offer.seat]

    def forget(self, call: str) -> None:
        """The caller is gone."""
        self._locks.pop(call, None)

    # --- what is decided ----------------------------------------------------------------------------------------------

    def carry_out(self, decisions: list[Decision]) -> None:
        """Reserve seats, take them back."""
        for decision in decisions:
            if isinstance(decision, Reserve):
                self._matching.go(self._offer(decision), f"offer {decision.seat}")
            else:
                offer = self.by_seat.get(decision.seat)
                if offer is not None and offer.call == decision.caller and decision.reason != "reservation over":
                    self._matching.go(self._withdraw(offer, decision.reason), f"withdraw {decision.seat}")

    async def _offer(self, decision: Reserve) -> None:
        call, seat = decision.caller, decision.seat
        session = self._staff.at(seat)
        waiting = self._matching.waiting
        waiter = waiting.get(call)
        if session is None or waiter is None or not self._matching.ready:
            self._matching.handle(events.SeatRefused(seat, call))
            return
        offer = Offer(call, session.agent, seat, self._matching.now())
        self.by_seat[seat] = offer
        await self._maker.named(call)
        async with self._locks[call]:
            reserved = await self._staff.reserve(session.agent, call)
            if reserved and (waiting.get(call) is not waiter or self.by_seat.get(seat) is not offer):
                self.end(offer)
                await self._staff.do(offer.agent, agents.Release(call))
                return
        if not reserved:
            self.end(offer)
            self._matching.handle(events.SeatRefused(seat, call))
            return
        variables = self._maker.variables(self._staff.seats[seat], call, waiter.place, self._staff.times)
        offer.id, offer.recording = variables[VAR_OFFER_ID], PurePath(variables[VAR_OFFER_RECORD]).stem
        self._witness.offered(offer, waiter.place, decision.why)
        waiter.taken = offer.sent = True
        try:
            await waiter.road.send(variables)
        except AmiError as error:
            log.warning("a caller could not be sent to a seat", call=call, seat=seat, error=str(error))
            waiter.taken = False
            self.failed(call, seat, "lost")

    async def _withdraw(self, offer: Offer, reason: str) -> None:
        """The engine has taken the seat back. A caller who left stops the ringing without our help."""
        waiter = self._matching.waiting.get(offer.call)
        self.end(offer)
        self._note_failed(offer, "released")
        async with self._locks[offer.call]:
            await self._staff.do(offer.agent, agents.Release(offer.call))
        if waiter is not None and waiter.taken and reason != "caller left":
            try:
                await waiter.road.take_back()
            except AmiError as error:
                log.info("a caller who was to come back from a seat is gone", call=offer.call, error=str(error))

    # --- what is seen -------------------------------------------------------------------------------------------------

    def rings(self, call: str, seat: str, offer_id: str) -> None:
        """Asterisk rings the seat."""
        offer = self.of(call, seat, offer_id)
        if offer is None:
            return  # another controller's, or withdrawn just now: then the caller is on the way back
        offer.rings = True
        self._matching.go(self._staff.do(offer.agent, agents.Ring(call)), f"ring {seat}")

    def failed(self, call: str, seat: str, how: str, offer_id: str = "") -> None:
        """It came to nothing. ``how`` as in ``ivr.queueing.seen.DialEnding``."""
        offer = self.of(call, seat, offer_id)
        if offer is None:
            return
        self.end(offer)
        self._note_failed(offer, how)
        event: agents.Event
        if how == "released":
            event = agents.Release(call)
        elif how == "lost":
            event = agents.Missed(call, "lost")
        else:
            missed: MissedHow = "busy" if how == "busy" else "refused" if how == "refused" else "no_answer"
            event = agents.Missed(call, missed)
        self.failing.add(seat)
        self._matching.go(self._fail(offer, event), f"missed {seat}")

    def fail_unrung(self) -> None:
        """Offers that Asterisk never began to ring are lost."""
        for offer in list(self.by_seat.values()):
            if not offer.rings and self._matching.now() - offer.since > LOST_AFTER:
                self.failed(offer.call, offer.seat, "lost")

    def keep_only(self, ringing: Mapping[str, SeatLeg]) -> None:
        """Those whose seat (a key of ``ringing``) is still rung after a connect."""
        for seat in self.by_seat.keys() - ringing.keys():
            del self.by_seat[seat]

    def adopt(self, leg: SeatLeg) -> None:
        """A seat rings for a caller, and nobody knows of it: from before a restart, or by Asterisk's own queue."""
        sitting = self._staff.at(leg.seat)
        if leg.seat in self.by_seat or sitting is None:
            return
        offer = self.by_seat[leg.seat] = Offer(leg.call, sitting.agent, leg.seat, self._matching.now(), rings=True)
        offer.id, offer.recording = leg.offer, leg.recording
        if sitting.state == "idle":
            self._matching.go(self._adopt(offer), f"adopt {leg.seat}")

    async def _adopt(self, offer: Offer) -> None:
        """A seat is rung for a caller by Asterisk's own queue: from now on that is known."""
        async with self._locks[offer.call]:
            if await self._staff.reserve(offer.agent, offer.call):
                await self._staff.do(offer.agent, agents.Ring(offer.call))

    async def _fail(self, offer: Offer, event: agents.Event) -> None:
        """First the store, which keeps a call from being offered twice, then the engine, which offers it again."""
        matching = self._matching
        try:
            async with self._locks[offer.call]:
                await self._staff.do(offer.agent, event)
            if offer.place is not None:  # the engine did not choose this seat: it would ring it again at once
                await asyncio.sleep(matching.engine.policy.seat_rest)
        finally:
            self.failing.discard(offer.seat)
        waiter = matching.waiting.get(offer.call)
        if waiter is not None and not matching.engine.waits(offer.call):  # it rang already when this controller began
            waiter.taken = False
            matching.handle(events.CallerJoins(waiter.place.caller(offer.call)))
        if offer.seat not in self.by_seat and offer.seat not in self._talks:
            matching.handle(events.SeatRefused(offer.seat, offer.call))
        if (session := self._staff.sessions.get(offer.agent)) is not None:
            self._follow(session)  # what it came to meanwhile was left alone

    def _note_failed(self, offer: Offer, how: str) -> None:
        if offer.id:  # it was made: one that was taken back before is no news
            self._witness.failed(offer, how, self._matching.now() - offer.since)
