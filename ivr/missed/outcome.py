"""Was this call missed, or did its caller get through? Pure: the events of one call that is over go in.

The result depends on the events alone, not on how often or in which order they come.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from db.callback_states import CallbackState
from db.customer import TIERS, Tier
from db.events import (
    AWAY_QUEUE,
    CALL_LANGUAGE,
    CALL_REFUSED,
    CALL_STARTED,
    TALK_BEGAN,
    TALK_ENDED,
    WAIT_JOINED,
    WAIT_LEFT,
    Event,
)
from db.missed import MissedCall
from db.missed_reasons import MissedReason
from db.phone_numbers import stored_form
from db.waiting_callbacks import CALLED_IN, CUT, WaitingCallback

KINDS: Final = frozenset(
    (CALL_STARTED, CALL_LANGUAGE, CALL_REFUSED, WAIT_JOINED, WAIT_LEFT, TALK_BEGAN, TALK_ENDED, AWAY_QUEUE)
)
# Who leaves the queue by a key wanted something else, and who asks to be called back keeps a place.
LEFT: Final[dict[str, MissedReason]] = {"abandoned": "abandoned", "limit": "turned_away", "nobody": "turned_away"}
NEVER_SERVED: Final[tuple[CallbackState, ...]] = ("failed", "expired")


@dataclass(frozen=True, slots=True)
class GotThrough:
    """The caller talked to somebody at this time: what was missed before is settled."""

    call: str
    number: str
    customer: int | None
    at: datetime.datetime


def outcome(events: Iterable[Event]) -> MissedCall | GotThrough | None:
    """What became of a call that is over; None when nobody was wanted, or nobody could be called back."""
    found = _Reading()
    for event in sorted({event.id: event for event in events}.values(), key=lambda one: (one.at, one.id)):
        found.take(event)
    return found.outcome()


def outcome_of_callback(one: WaitingCallback) -> MissedCall | GotThrough | None:
    """The same of a callback that is closed; its missed call is named after the callback, not after the first call."""
    if one.closed_at is None or one.outcome in (CALLED_IN, CUT):  # the call in which it was told says the rest
        return None
    place = one.place
    if one.state == "done":
        return GotThrough(one.call, place.number, place.customer, one.closed_at)
    if one.state not in NEVER_SERVED:
        return None
    return MissedCall(
        one.call,
        place.number,
        one.closed_at,
        "callback_expired",
        place.tier,
        place.line,
        place.language,
        place.customer,
    )


class _Reading:
    """One call, event by event."""

    def __init__(self) -> None:
        self.call = self.caller = self.line = self.language = ""
        self.tier: Tier = "normal"
        self.customer: int | None = None
        self.missed: tuple[MissedReason, datetime.datetime] | None = None
        self.waiting_since: datetime.datetime | None = None
        self.talked_at: datetime.datetime | None = None

    def take(self, event: Event) -> None:
        self.call = event.call_id
        if event.kind == CALL_STARTED:
            self.caller = self.caller or _text(event, "caller")
            self.line = self.line or _text(event, "line")
            self.language = _text(event, "language") or self.language
        elif event.kind == CALL_LANGUAGE:
            self.language = _text(event, "language") or self.language
        elif event.kind == CALL_REFUSED:
            self.missed = ("turned_away", event.at)
        else:
            self._take_wait(event)

    def _take_wait(self, event: Event) -> None:
        how = _text(event, "how")
        if event.kind == WAIT_JOINED:
            self._who(event)
            self.waiting_since, self.missed = event.at, None
        elif event.kind == WAIT_LEFT:
            self.waiting_since = None
            self.missed = (LEFT[how], event.at) if how in LEFT else None
        elif event.kind == TALK_BEGAN:
            self.waiting_since = self.missed = None
            self.talked_at = event.at
        elif event.kind == TALK_ENDED and how == "cut":
            self.missed, self.talked_at = ("cut_talk", event.at), None
        elif event.kind == AWAY_QUEUE and how == "returned":
            self.tier = _tier(event, self.tier)  # the next controller goes on with the wait
        elif event.kind == AWAY_QUEUE:
            self.tier = _tier(event, self.tier)
            self.waiting_since = None
            self.missed = None if how == "answered" else ("abandoned", event.at)
            self.talked_at = event.at if how == "answered" else self.talked_at

    def outcome(self) -> MissedCall | GotThrough | None:
        number = _callable(self.caller)
        if not number and self.customer is None:
            return None
        if self.waiting_since is not None:  # the call ended while no controller was there to see it leave
            self.missed = ("abandoned", self.waiting_since)
        if self.missed is None:
            return GotThrough(self.call, number, self.customer, self.talked_at) if self.talked_at else None
        reason, at = self.missed
        return MissedCall(self.call, number, at, reason, self.tier, self.line, self.language or "zh", self.customer)

    def _who(self, event: Event) -> None:
        self.tier = _tier(event, self.tier)
        self.line = _text(event, "line") or self.line
        self.language = _text(event, "language") or self.language
        customer = event.data.get("customer")
        if isinstance(customer, int) and not isinstance(customer, bool):
            self.customer = customer


def _callable(caller: str) -> str:
    """The number in stored form; "" for what is no public number: withheld, an extension, a service."""
    number = stored_form(caller)
    return number if number.startswith("+") else ""


def _text(event: Event, name: str) -> str:
    value = event.data.get(name)
    return value if isinstance(value, str) else ""


def _tier(event: Event, otherwise: Tier) -> Tier:
    said = event.data.get("tier")
    return next((tier for tier in TIERS if tier == said), otherwise)
