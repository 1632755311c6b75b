"""Writes down what happens to callers who wait and to seats: into the journal, and to onlookers (``news``)."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from typing import Final

from agent_routing.decisions import Why
from db.agent import Session
from db.attempt import is_attempt
from db.events import (
    OFFER_FAILED,
    OFFER_MADE,
    TALK_BEGAN,
    TALK_ENDED,
    WAIT_JOINED,
    WAIT_LEFT,
    Event,
    EventSink,
)
from db.waiting_callbacks import is_callback
from ivr.contract import USER_EVENT_SESSION
from ivr.queueing.news import QueueNews
from ivr.queueing.place import Place, encode
from ivr.queueing.stages import Offer, Talk, TalkEnd, Witness

_ID_BYTES: Final = 20  # 40 hex digits, within db.models.EVENT_ID


class Chronicle(Witness):
    """A witness (``ivr.queueing.stages.Witness``)."""

    def __init__(self, journal: EventSink, tell: Callable[[QueueNews], None]) -> None:
        self._journal = journal
        self._tell = tell

    def joined(self, call: str, place: Place, again: bool) -> None:
        if is_attempt(call):  # we called, and nobody waits for us: ivr.dialing tells of it
            return
        joined = datetime.datetime.fromtimestamp(place.joined, datetime.UTC)
        data = {
            "joined": joined.isoformat(),
            "tier": place.tier,
            "line": place.line,
            "language": place.language,
            "required": dict(place.required),
            "wished": dict(place.wished),
            "branch": place.branch,
            "customer": place.customer,
            "reason": place.reason,
            "again": again,
        }
        if not is_callback(call):  # who waits for our call has joined, and left, in the call before
            self._journal.append(Event(call, WAIT_JOINED, data))
        self._tell(QueueNews(WAIT_JOINED, call, tier=place.tier, joined=place.joined, place=encode(place)))

    def left(self, call: str, place: Place, how: str, waited: float) -> None:
        if is_attempt(call):
            return
        if not is_callback(call):
            self._journal.append(Event(call, WAIT_LEFT, {"how": how, "waited": round(waited, 1)}))
        self._tell(QueueNews(WAIT_LEFT, call, tier=place.tier, joined=place.joined, how=how, waited=waited))

    def offered(self, offer: Offer, place: Place, why: Why) -> None:
        data = {
            "agent": offer.agent,
            "seat": offer.seat,
            "waited": round(why.waited, 1),
            "standing": why.standing,
            "urgency": round(why.urgency, 3),
            "ring": why.ring,
            "words": list(why.words()),
        }
        if offer.recording:
            data["recording"] = offer.recording
        self._journal.append(Event(offer.call, OFFER_MADE, data))
        told = QueueNews(OFFER_MADE, offer.call, offer.agent, offer.seat, place.tier, place.joined, waited=why.waited)
        self._tell(told)

    def failed(self, offer: Offer, how: str, seconds: float) -> None:
        data = {"agent": offer.agent, "seat": offer.seat, "how": how, "seconds": round(seconds, 1)}
        self._journal.append(Event(offer.call, OFFER_FAILED, data))
        self._tell(QueueNews(OFFER_FAILED, offer.call, offer.agent, offer.seat, how=how))

    def talk_began(self, talk: Talk, waited: float) -> None:
        tier = talk.place.tier if talk.place else "normal"
        joined = talk.place.joined if talk.place else None
        data = {"agent": talk.agent, "seat": talk.seat, "waited": round(waited, 1), "tier": tier}
        self._journal.append(Event(talk.call, TALK_BEGAN, data, id=_event_id(TALK_BEGAN, talk)))
        self._tell(QueueNews(TALK_BEGAN, talk.call, talk.agent, talk.seat, tier, joined, waited=waited))

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:
        data = {"agent": talk.agent, "seat": talk.seat, "seconds": round(seconds, 1), "how": how}
        self._journal.append(Event(talk.call, TALK_ENDED, data, id=_event_id(TALK_ENDED, talk)))
        self._tell(QueueNews(TALK_ENDED, talk.call, talk.agent, talk.seat, how=how))

    def session(self, session: Session) -> None:
        self._tell(
            QueueNews(
                USER_EVENT_SESSION,
                call=session.call,
                agent=session.agent,
                seat=session.seat,
                state=session.state,
                since=session.since.timestamp(),
                reason=session.reason,
                version=session.version,
            )
        )


def _event_id(kind: str, talk: Talk) -> str:
    """The id of the one event that tells it: a controller that cannot know whether the one before it did tells it
    again, and the journal keeps it once. Empty, for one of its own, where nobody knows which offer the talk came of."""
    if not talk.id:
        return ""
    return hashlib.blake2b(f"{kind} {talk.id} {talk.seat}".encode(), digest_size=_ID_BYTES).hexdigest()
