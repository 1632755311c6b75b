"""One call's dealings with people, out of its events: how long it waited, who was offered it, who talked. Pure.

``tell`` depends on the set of events alone, not on their order nor on how often one comes. Seconds are whole tenths, as
the journal rounds them, so that sums are exact and the same in any order.

What a restarted controller, a cut talk, a transfer or a lost event do to a call is settled here, once:

* Waiting goes on, and is not begun anew, when a place is taken while one is held (a restarted controller).
* A talk begins once per agent, however often it is told; whoever waits again talks no more.
* The end of the call ends everything: a wait is abandoned, a talk is over though nobody told (``unseen``).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from db import events
from db.customer import TIERS, Tier
from db.events import Event
from db.fold import CallRecord

Outcome = Literal["answered", "waiting", "abandoned", "callback", "key", "unserved"]

TALK: Final = "talk"  # how a wait ends that a talk follows
UNSEEN: Final = "unseen"  # how a talk ended of which only the call's end was seen
ANSWERED: Final = "answered"  # how an offer ends that an agent takes, and what Asterisk's own queue says of a caller
SCORES: Final = range(1, 6)  # the caller's marks
LONGEST_SECONDS: Final = 7 * 86_400.0  # no call lasts a week: a greater number was not measured
# What a wait's end makes of the call; whatever else a controller may write: nobody served it.
_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "": "waiting",
    TALK: "answered",
    "abandoned": "abandoned",
    "callback": "callback",
    "key": "key",
}


@dataclass(slots=True)
class Told:
    """A position and a range of seconds that were announced."""

    at: datetime.datetime
    position: int | None
    least: int | None
    most: int | None


@dataclass(slots=True)
class Wait:
    """One stay in the queue.

    ``joined`` is the place's: a caller whose talk was cut keeps the old one, so it may lie before ``began``.
    """

    began: datetime.datetime
    joined: datetime.datetime
    tier: Tier
    line: str = ""
    language: str = ""
    branch: str = ""
    customer: int | None = None
    reason: str = ""
    required: Mapping[str, Any] = field(default_factory=dict)
    resumed: int = 0  # how often a restarted controller went on with it
    told: list[Told] = field(default_factory=list)
    ended: datetime.datetime | None = None
    how: str = ""  # talk, abandoned, key, callback, limit, nobody; empty while it goes on
    tenths: int | None = None  # waited, in tenths of a second; None while it goes on
    asterisk: bool = False  # in Asterisk's own queue, while no controller was there


@dataclass(slots=True)
class Offer:
    """A seat that was rung for the caller."""

    at: datetime.datetime
    agent: str
    seat: str
    waited: int | None  # tenths
    standing: str
    urgency: float | None
    ring: str
    words: tuple[str, ...]
    ended: datetime.datetime | None = None
    how: str = ""  # answered, or why it failed; empty while it rings
    tenths: int | None = None


@dataclass(slots=True)
class Talk:
    """An agent and the caller in conversation."""

    began: datetime.datetime
    agent: str
    seat: str
    tier: Tier
    ended: datetime.datetime | None = None
    how: str = ""  # agent, caller, cut, moved, unseen; empty while it goes on
    tenths: int | None = None
    moves: list[tuple[str, str]] = field(default_factory=list)  # how (transfer, consult, …) and where to
    score: int | None = None  # the caller's mark: the last one, when there are several


@dataclass(frozen=True, slots=True)
class Story:
    """One call's dealings with people. ``waits`` is empty for a call that never wanted one."""

    call: CallRecord
    waits: tuple[Wait, ...] = ()
    offers: tuple[Offer, ...] = ()
    talks: tuple[Talk, ...] = ()

    @property
    def joined(self) -> datetime.datetime | None:
        """When the call first wanted a person: what decides of which hour and day it is."""
        return self.waits[0].joined if self.waits else None

    @property
    def tier(self) -> Tier:
        """The tier as which it first waited; of a customer whom we called, that of the talk."""
        if self.waits:
            return self.waits[0].tier
        return self.talks[0].tier if self.talks else "normal"

    @property
    def outcome(self) -> Outcome:
        """What became of the first wish for a person: a call that was answered once stays answered."""
        if any(wait.how == TALK for wait in self.waits):
            return "answered"
        return _OUTCOMES.get(self.waits[-1].how, "unserved") if self.waits else "unserved"

    def waited(self, asked_at: datetime.datetime) -> int:
        """Tenths of a second until the first talk, or until the last wait's end, or until now.

        Several waits add up; one that kept an earlier one's place counts from there, once.
        """
        total = before = 0
        place: datetime.datetime | None = None
        for wait in self.waits:
            lasted = wait.tenths if wait.tenths is not None else tenths_between(wait.joined, asked_at)
            if place is None or wait.joined > place:
                total += before
                before, place = lasted, wait.joined
            else:
                before = max(before, lasted)
            if wait.how == TALK:
                break
        return total + before


def tell(call: CallRecord, happened: Iterable[Event]) -> Story:
    """The story of ``call``, out of those of its events that concern people; others are passed over."""
    known = {event.id: event for event in happened}
    teller = _Teller(call)
    for event in sorted(known.values(), key=lambda event: (event.at, event.id)):
        teller.take(event)
    return teller.end()


class _Teller:
    """Takes the events in their order."""

    def __init__(self, call: CallRecord) -> None:
        self.call = call
        self.waits: list[Wait] = []
        self.offers: list[Offer] = []
        self.talks: list[Talk] = []

    def take(self, event: Event) -> None:
        match event.kind:
            case events.WAIT_JOINED:
                self._joined(event)
            case events.WAIT_TOLD:
                self._told(event)
            case events.WAIT_LEFT:
                self._left(event)
            case events.OFFER_MADE:
                self._offered(event)
            case events.OFFER_FAILED:
                self._failed(event)
            case events.TALK_BEGAN:
                self._began(event)
            case events.TALK_ENDED:
                self._ended(event)
            case events.TALK_MOVED:
                self._moved(event)
            case events.SURVEY:
                self._marked(event)
            case events.AWAY_QUEUE:
                self._away(event)

    def end(self) -> Story:
        over = self.call.ended_at
        if over is not None:
            if wait := self._waiting():
                _leave(wait, over, "abandoned", None)
            for talk in self._talking():
                _hang_up(talk, over, UNSEEN, None)
            self._release(over)
        return Story(self.call, tuple(self.waits), tuple(self.offers), tuple(self.talks))

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _joined(self, event: Event) -> None:
        data = event.data
        for talk in self._talking():
            _hang_up(talk, event.at, UNSEEN, None)
        if wait := self._waiting():
            wait.resumed += 1
            return
        customer = data.get("customer")
        required = data.get("required")
        self.waits.append(
            Wait(
                began=event.at,
                joined=_moment(data.get("joined")) or event.at,
                tier=_tier(data.get("tier")),
                line=_text(data.get("line")),
                language=_text(data.get("language")),
                branch=_text(data.get("branch")),
                customer=customer if isinstance(customer, int) and not isinstance(customer, bool) else None,
                reason=_text(data.get("reason")),
                required=required if isinstance(required, Mapping) else {},
            )
        )

    def _told(self, event: Event) -> None:
        if wait := self._waiting():
            position, least, most = (_whole(event.data.get(name)) for name in ("position", "least", "most"))
            wait.told.append(Told(event.at, position, least, most))

    def _left(self, event: Event) -> None:
        how = _text(event.data.get("how"))
        if wait := self._waiting():
            _leave(wait, event.at, how or "abandoned", _tenths(event.data.get("waited")))
            self._release(event.at)
        elif how == "callback" and self.waits and self.waits[-1].how == "key":
            self.waits[-1].how = how  # left by the key that leads to it

    def _away(self, event: Event) -> None:
        """Asterisk's own queue served the caller: it knows no agent of ours, so there is no talk to tell of."""
        seconds = _tenths(event.data.get("seconds")) or 0
        wait = self._waiting()
        if event.data.get("how") == "returned":  # the next controller goes on with the wait, and says so
            if wait is not None:
                wait.asterisk = True
            return
        if wait is None:
            joined = event.at - datetime.timedelta(milliseconds=100 * seconds)
            wait = Wait(joined, joined, _tier(event.data.get("tier")), line=self.call.line)
            self.waits.append(wait)
        wait.asterisk = True
        said = _text(event.data.get("how"))
        _leave(wait, event.at, TALK if said == ANSWERED else said or "nobody", None)
        wait.tenths = max(wait.tenths or 0, seconds)
        self._release(event.at)

    # --- offers -------------------------------------------------------------------------------------------------------

    def _offered(self, event: Event) -> None:
        data = event.data
        urgency = data.get("urgency")
        self.offers.append(
            Offer(
                event.at,
                _text(data.get("agent")),
                _text(data.get("seat")),
                _tenths(data.get("waited")),
                _text(data.get("standing")),
                float(urgency) if isinstance(urgency, int | float) else None,
                _text(data.get("ring")),
                _sentences(data.get("words")),
            )
        )

    def _failed(self, event: Event) -> None:
        data = event.data
        agent, how = _text(data.get("agent")), _text(data.get("how")) or "lost"
        seconds = _tenths(data.get("seconds"))
        for offer in reversed(self.offers):
            if offer.agent == agent and not offer.how:
                _close(offer, event.at, how, seconds)
                return
        # The offer itself was never written down: the controller died over it.
        offer = Offer(event.at, agent, _text(data.get("seat")), None, "", None, "", ())
        _close(offer, event.at, how, seconds)
        self.offers.append(offer)

    def _release(self, at: datetime.datetime) -> None:
        for offer in self.offers:
            if not offer.how:
                _close(offer, at, "released", None)

    # --- talks --------------------------------------------------------------------------------------------------------

    def _began(self, event: Event) -> None:
        data = event.data
        agent, seat = _text(data.get("agent")), _text(data.get("seat"))
        if wait := self._waiting():
            _leave(wait, event.at, TALK, _tenths(data.get("waited")))
        for offer in self.offers:
            if offer.agent == agent and not offer.how:
                _close(offer, event.at, ANSWERED, None)
        if not any(talk.agent == agent for talk in self._talking()):
            tier = _tier(data.get("tier"), self.waits[0].tier if self.waits else "normal")
            self.talks.append(Talk(event.at, agent, seat, tier))

    def _ended(self, event: Event) -> None:
        data = event.data
        agent, how = _text(data.get("agent")), _text(data.get("how")) or UNSEEN
        seconds = _tenths(data.get("seconds"))
        for talk in self._talking():
            if talk.agent == agent:
                _hang_up(talk, event.at, how, seconds)
                return
        if any(talk.agent == agent for talk in self.talks):
            return  # told twice: by the controller that died, and by the one after it
        began = event.at - datetime.timedelta(milliseconds=100 * (seconds or 0))
        self._began(Event(event.call_id, events.TALK_BEGAN, {**data, "waited": None}, began, event.id))
        _hang_up(self.talks[-1], event.at, how, seconds)

    def _moved(self, event: Event) -> None:
        agent = _text(event.data.get("agent"))
        if talk := self._last_talk(agent):
            talk.moves.append((_text(event.data.get("how")), _text(event.data.get("to"))))

    def _marked(self, event: Event) -> None:
        score = _whole(event.data.get("score"))
        talk = self._last_talk(_text(event.data.get("agent"))) or (self.talks[-1] if self.talks else None)
        if talk and score in SCORES:
            talk.score = score

    # --- what is open -------------------------------------------------------------------------------------------------

    def _waiting(self) -> Wait | None:
        return self.waits[-1] if self.waits and not self.waits[-1].how else None

    def _talking(self) -> list[Talk]:
        return [talk for talk in self.talks if not talk.how]

    def _last_talk(self, agent: str) -> Talk | None:
        return next((talk for talk in reversed(self.talks) if talk.agent == agent), None)


def _leave(wait: Wait, at: datetime.datetime, how: str, tenths: int | None) -> None:
    """What the controller measured goes before the times of the events: it may have learned of them late."""
    wait.ended, wait.how = at, how
    wait.tenths = tenths if tenths is not None else tenths_between(wait.joined, at)


def _hang_up(talk: Talk, at: datetime.datetime, how: str, tenths: int | None) -> None:
    talk.ended, talk.how = at, how
    talk.tenths = tenths if tenths is not None else tenths_between(talk.began, at)


def _close(offer: Offer, at: datetime.datetime, how: str, tenths: int | None) -> None:
    offer.ended, offer.how = at, how
    offer.tenths = tenths if tenths is not None else tenths_between(offer.at, at)


def tenths_between(since: datetime.datetime, until: datetime.datetime) -> int:
    """Tenths of a second between two moments, rounded down, never negative: clocks of two machines may differ."""
    return max(0, (until - since) // datetime.timedelta(milliseconds=100))


# --- values that a journal may hold -----------------------------------------------------------------------------------


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _sentences(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    return (_text(value),) if value else ()


def _tier(value: object, otherwise: Tier = "normal") -> Tier:
    return next((tier for tier in TIERS if tier == value), otherwise)


def _tenths(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_SECONDS:
        return None
    return round(value * 10)


def _whole(value: object) -> int | None:
    tenths = _tenths(value)
    return None if tenths is None else round(tenths / 10)


def _moment(value: object) -> datetime.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
