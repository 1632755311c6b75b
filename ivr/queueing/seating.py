"""The seats: what Asterisk shows of them, who sits there, and what that means to the engine.

Store and Asterisk are compared all the time: a seat that is stuck or vanished is freed and reported. Must not know:
AMI's fields (``seen``), callers who wait.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Final

import structlog

from agent_routing import agents, events
from agent_routing.pool import Seat as PoolSeat
from agent_routing.seats import Correction, Reach, SeatSeen, overdue, reconcile
from db.agent import Seat, Session
from ivr.queueing.matching import Matching
from ivr.queueing.offers import Offers
from ivr.queueing.seen import Fact, LegGone, LegRings, LegTalks, Snapshot
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Talk

log = structlog.get_logger(__name__)

RECONCILE_SECONDS: Final = 5.0  # between two looks whether store and Asterisk agree
QUIET_SECONDS: Final = 3.0  # after a change, while its events may still be on their way


class Seating:
    """The seats of one controller."""

    def __init__(self, matching: Matching, staff: Staff, offers: Offers, talks: Mapping[str, Talk]) -> None:
        """``talks`` by seat."""
        self._matching = matching
        self._staff = staff
        self._offers = offers
        self._talks = talks
        self._legs: dict[str, SeatSeen] = {}  # by seat: its leg, while there is one
        self._reach: dict[str, Reach] = {}  # by endpoint
        self._in_use: set[str] = set()  # endpoints that somebody is on, in a call of ours or not
        self._known: dict[str, PoolSeat] = {}  # seats as the engine knows them
        self._sat: dict[str, str] = {}  # by agent: the seat, as the engine knows it
        self._correcting: set[str] = set()  # agents who are being put right
        self._reconciled = 0.0
        self.mended = 0  # idle seats that the engine took for busy: a fault of ours
        self.on_the_line: set[str] = set()  # seats whose leg is kept on the line, and is up

    # --- what is seen -------------------------------------------------------------------------------------------------

    def begin_anew(self, snapshot: Snapshot) -> None:
        """Everything as it is now; the engine knows no seat."""
        self._known.clear()
        self._sat.clear()
        self._reach = dict(snapshot.reach)
        self._in_use = set(snapshot.in_use)
        self._legs = snapshot.seen(self._staff.endpoints())

    def see(self, fact: Fact) -> None:
        """What becomes of the leg to a seat."""
        match fact:
            case LegRings(call, seat):
                self._legs[seat] = SeatSeen("reachable", "ringing", call)
            case LegTalks(call, seat):
                self._legs[seat] = SeatSeen("reachable", "bridged", call)
            case LegGone(call, seat):
                if (leg := self._legs.get(seat)) is not None and leg.call == call:
                    del self._legs[seat]

    def use_changed(self, endpoint: str, in_use: bool) -> None:
        """An idle agent on a call of another kind (a feature code, a colleague) is not rung meanwhile."""
        if in_use == (endpoint in self._in_use):
            return
        self._in_use ^= {endpoint}
        seat = next((one.id for one in self._staff.seats.values() if one.endpoint == endpoint), "")
        session = self._staff.at(seat) if seat else None
        if session is not None and session.state == "idle":
            self.follow(session)

    def reach_changed(self, endpoint: str, reach: Reach) -> None:
        """A telephone can be rung, or cannot any more."""
        if self._reach.get(endpoint) == reach:
            return
        self._reach[endpoint] = reach
        seat = next((one for one in self._staff.seats.values() if one.endpoint == endpoint), None)
        if seat is None or (session := self._staff.at(seat.id)) is None:
            return
        self._matching.go(
            self._staff.do_then(session.agent, lambda one: self._lost_or_back(one, seat)), f"{seat.id} {reach}"
        )

    def _lost_or_back(self, session: Session, seat: Seat) -> agents.Event | None:
        """Asked when all that happened before is written down: the session says then whether it is news."""
        reach = self._reach.get(seat.endpoint)
        if session.seat != seat.id:
            return None
        if reach == "unreachable" and session.state not in ("talking", "gone", "logged_out"):
            return agents.SeatLost("unreachable")
        if reach == "reachable" and session.state == "gone":
            return agents.SeatBack()
        return None

    def leg_opened(self, seat: str) -> None:
        """The leg that is kept on the line to this seat is up."""
        self.on_the_line.add(seat)
        self._follow_at(seat)

    def leg_closed(self, seat: str) -> None:
        """… and is not any more."""
        self.on_the_line.discard(seat)
        self._follow_at(seat)

    # --- what the engine is told --------------------------------------------------------------------------------------

    def follow(self, session: Session) -> None:
        """Have the engine know what a session means for its seat."""
        if session.seat in self._offers.failing:
            return
        before = self._sat.get(session.agent, "")
        if before and before != session.seat:
            del self._sat[session.agent]
            self._matching.handle(events.SeatGone(before))
        if not session.seat or session.state == "logged_out":
            return
        if not self.sits(session):
            return
        seat = session.seat
        match session.state:
            case "idle":
                if seat in self._offers.by_seat or seat in self._talks:
                    pass
                elif not self._can_be_reached(self._staff.seats[seat]):  # a call of the agent's own: it rings later
                    self._matching.handle(events.SeatBusy(seat, session.since.timestamp()))
                else:
                    self._matching.handle(events.SeatIdle(seat))
            case "paused":
                self._matching.handle(events.SeatPaused(seat))
            case "gone":
                self._matching.handle(events.SeatGone(seat))
            case "talking" | "wrap_up":
                if seat not in self._offers.by_seat:
                    self._matching.handle(events.SeatBusy(seat, session.since.timestamp()))
            case "reserved" | "ringing":
                if self._offers.of(session.call, seat) is None:  # another controller's, or one from before
                    self._matching.handle(events.SeatBusy(seat, session.since.timestamp()))
        self._matching.set_alarm()

    def sits(self, session: Session) -> bool:
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
            self._matching.handle(events.SeatKnown(known))
        self._sat[agent.id] = seat.id
        return True

    def _follow_at(self, seat: str) -> None:
        if (session := self._staff.at(seat)) is not None and self._matching.ready:
            self.follow(session)

    def _can_be_reached(self, seat: Seat) -> bool:
        return seat.id in self.on_the_line if seat.kept_open else seat.endpoint not in self._in_use

    # --- what is put right --------------------------------------------------------------------------------------------

    def put_all_right(self) -> None:
        """After a connect: the store says again what Asterisk shows."""
        for correction in reconcile(self._staff.working(), self._legs):
            self._correct(correction)

    def look_after(self) -> None:
        """Free what is stuck: sessions whose time is over, or that are not what Asterisk shows."""
        seconds = self._matching.now()
        now = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        seen = self._sights()
        for correction in overdue(self._staff.working(), seen, now, self._staff.times):
            if not self._offers.is_under_way(correction.seat):
                self._correct(correction)
        if seconds - self._reconciled >= RECONCILE_SECONDS and self._matching.ready:
            self._reconciled = seconds
            settled = [one for one in self._staff.working() if self._is_settled(one, now)]
            for correction in reconcile(settled, seen):
                self._correct(correction)
        self._agree()
        self._matching.set_alarm()

    def _agree(self) -> None:
        """An idle agent whom the engine takes for busy would be idle for ever. It never should come to that."""
        for stand in self._matching.engine.seats():
            seat = stand.seat.id
            if stand.state != "busy" or self._is_engaged(seat):
                continue
            session = self._staff.at(seat)
            reached = self._can_be_reached(self._staff.seats[seat])
            if session is not None and session.state == "idle" and reached:
                self.mended += 1
                log.error("an idle seat was taken for busy", seat=seat, agent=session.agent)
                self._matching.handle(events.SeatIdle(seat))

    def _is_engaged(self, seat: str) -> bool:
        return seat in self._offers.by_seat or seat in self._talks or seat in self._offers.failing

    def _sights(self) -> dict[str, SeatSeen]:
        """Every seat as Asterisk has it, as far as it has told."""
        found = {}
        for seat, endpoint in self._staff.endpoints().items():
            leg = self._legs.get(seat)
            reach: Reach = self._reach.get(endpoint, "unreachable") if endpoint else "unknown"
            found[seat] = SeatSeen(reach, leg.leg, leg.call) if leg else SeatSeen(reach)
        return found

    def _is_settled(self, session: Session, now: datetime.datetime) -> bool:
        """Nothing has happened for a while: what store and Asterisk say of it ought to agree."""
        quiet = (now - session.since).total_seconds() > QUIET_SECONDS
        return quiet and session.seat not in self._offers.by_seat and session.seat not in self._offers.failing

    def _correct(self, correction: Correction) -> None:
        session = self._staff.sessions.get(correction.agent)
        if correction.event is None or session is None or correction.agent in self._correcting:
            return
        if session.state != "wrap_up":  # which ends by itself, and nothing is wrong with that
            log.warning("a seat is put right", agent=correction.agent, seat=correction.seat, why=correction.why)
        self._correcting.add(correction.agent)
        self._matching.go(self._put_right(correction.agent, correction.event), f"correct {correction.seat}")

    async def _put_right(self, agent: str, event: agents.Event) -> None:
        try:
            await self._staff.do(agent, event)
        finally:
            self._correcting.discard(agent)
