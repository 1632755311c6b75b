"""Talks between callers and agents that go on: begun, seen to have begun or ended while nobody looked, over.

Facts may come twice or late: whatever speaks of a talk that is not the present one is left alone. Must not know: AMI,
what is done within a talk (``ivr.queueing.talk_desk``).
"""

from __future__ import annotations

from agent_routing import agents, events
from ivr.call import NORMAL_CLEARING, Returned
from ivr.queueing.matching import Matching
from ivr.queueing.place import Place, decode
from ivr.queueing.seen import SeatLeg, Snapshot
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Offer, Talk, TalkEnd, Witness


class GoingTalks:
    """The talks of one controller, ``by_seat``."""

    def __init__(self, matching: Matching, staff: Staff, witness: Witness) -> None:
        self._matching = matching
        self._staff = staff
        self._witness = witness
        self._over: dict[str, set[tuple[str, str]]] = {}  # of calls that are still up: offers and seats of their talks
        self._cut: set[str] = set()  # calls whose seat dropped off the line, until the caller is back
        self.by_seat: dict[str, Talk] = {}
        self.last_agents: dict[str, str] = {}  # of calls that are still up: who talked with the caller last

    def of(self, call: str) -> Talk | None:
        """The talk in which this caller is."""
        return next((talk for talk in self.by_seat.values() if talk.call == call), None)

    def at(self, seat: str, call: str) -> Talk | None:
        """The talk of this caller at this seat."""
        talk = self.by_seat.get(seat)
        return talk if talk is not None and talk.call == call else None

    def is_known(self, call: str, seat: str, offer_id: str) -> bool:
        """This talk goes on, or was seen to end."""
        return self.at(seat, call) is not None or (offer_id, seat) in self._over.get(call, ())

    def was_cut(self, call: str) -> bool:
        """The seat dropped off the line in the midst of this caller's talk: said once."""
        if call not in self._cut:
            return False
        self._cut.discard(call)
        return True

    def forget(self, call: str) -> None:
        """The caller is gone."""
        self._cut.discard(call)
        self._over.pop(call, None)
        self.last_agents.pop(call, None)

    # --- the beginning ------------------------------------------------------------------------------------------------

    def begin(self, offer: Offer, channel: str) -> None:
        """The two hear one another. ``channel``: the leg to the seat."""
        call, seat = offer.call, offer.seat
        waiter = self._matching.waiting.pop(call, None)
        place = waiter.place if waiter else offer.place
        now = self._matching.now()
        talk = Talk(call, offer.agent, seat, now, place, channel, offer.recording, id=offer.id)
        self._keep(talk)
        if waiter is not None:
            self._matching.handle(events.SeatAccepted(seat, call))
        self._witness.talk_began(talk, now - place.joined if place else 0.0)
        self._matching.go(self._answered(talk), f"answer {seat}")

    def begin_unseen(self, back: Returned, place: Place, call: str, offer: Offer | None) -> None:
        """A caller comes back from a talk that nobody saw begin."""
        session = self._staff.at(back.seat)
        agent = offer.agent if offer is not None else session.agent if session else ""
        since = self._matching.now() - (back.talked or 0.0)
        talk = Talk(call, agent, back.seat, since, place, id=back.offer)
        talk.recording = back.offer if place.consent == "announced" else ""
        self._keep(talk)
        if self._matching.waiting.pop(call, None) is not None:
            self._matching.handle(events.CallerLeaves(call))
        self._witness.talk_began(talk, since - place.joined)
        if session is not None and session.call == call and session.state in ("reserved", "ringing"):
            self._matching.go(self._staff.do(agent, agents.Answer(call)), f"answer {back.seat}")

    def find(self, leg: SeatLeg, snapshot: Snapshot) -> None:
        """A talk that began, or went on, while nobody was looking."""
        call, seat, now = leg.call, leg.seat, self._matching.now()
        waiter = self._matching.waiting.pop(call, None)
        place = waiter.place if waiter else decode(snapshot.waiting.get(call, ""))
        if seat in self.by_seat:
            return
        session = self._staff.at(seat)
        agent = session.agent if session else ""
        since = session.since.timestamp() if session and session.state == "talking" else now
        talk = Talk(call, agent, seat, since, place, leg.channel, leg.recording, id=leg.offer)
        self._keep(talk)
        if session is not None and session.state != "talking":  # it was answered while we were away
            self._witness.talk_began(talk, now - place.joined if place else 0.0)

    def _keep(self, talk: Talk) -> None:
        self.by_seat[talk.seat] = talk
        self.last_agents[talk.call] = talk.agent

    async def _answered(self, talk: Talk) -> None:
        """What Asterisk's own queue rang was never offered, as far as the session knows."""
        done = await self._staff.do(talk.agent, agents.Answer(talk.call))
        if done is None and self.by_seat.get(talk.seat) is talk:
            await self._staff.do(talk.agent, agents.FoundTalking(talk.call))

    # --- the end ------------------------------------------------------------------------------------------------------

    def back_from_hold(self, call: str, seat: str) -> None:
        """Whoever left the bridge is in it again."""
        if (talk := self.at(seat, call)) is not None:
            talk.left = ""

    def someone_left(self, call: str, seat: str) -> None:
        """The first to leave is who ended it. ``seat`` is empty when it was the caller."""
        for talk in self.by_seat.values():
            if talk.call == call and not talk.left and seat in ("", talk.seat):
                talk.left = "seat" if seat else "caller"

    def end(self, call: str, seat: str, cause: int, offer_id: str = "") -> None:
        """The leg to the seat is gone, with this cause (Q.850)."""
        talk = self.at(seat, call)
        if talk is None or (offer_id and talk.id and offer_id != talk.id):
            return
        del self.by_seat[seat]
        self._over.setdefault(call, set()).add((talk.id, seat))
        talk.over.set()
        how: TalkEnd
        if talk.moved:
            how = "moved"
        elif talk.left == "caller":
            how = "caller"
        else:
            how = "agent" if cause == NORMAL_CLEARING else "cut"
        self._witness.talk_ended(talk, how, self._matching.now() - talk.since)
        if how == "cut" and self.of(call) is None:  # in a conference the others go on
            self._cut.add(call)
        event = agents.SeatLost("line_dropped") if how == "cut" else agents.HangUp(call)
        self._matching.go(self._staff.do(talk.agent, event), f"end {seat}")

    def end_returned(self, call: str, back: Returned) -> None:
        """The caller is back from it."""
        if (talk := self.at(back.seat, call)) is not None:
            talk.left = talk.left or "seat"
            self.end(call, back.seat, back.cause or NORMAL_CLEARING)

    def end_unseen(self, going_on: set[tuple[str, str]], snapshot: Snapshot) -> None:
        """Talks of which nobody saw the end. Of a caller who is still there the caller's own channel tells the rest."""
        for talk in list(self.by_seat.values()):
            if (talk.call, talk.seat) not in going_on:
                talk.left = talk.left or ("seat" if talk.call in snapshot.channels else "caller")
                self.end(talk.call, talk.seat, NORMAL_CLEARING)
        for session in self._staff.working():
            gone = session.call not in snapshot.channels and (session.call, session.seat) not in going_on
            if session.state == "talking" and gone:
                since = session.since.timestamp()
                # It has no offer's id any more, and needs one: the controller after us may see the same.
                talk = Talk(session.call, session.agent, session.seat, since, None, id=f"{session.call} {since}")
                self._witness.talk_ended(talk, "caller", self._matching.now() - since)
