"""The stages of a caller who wants a person: waiting, being offered to a seat, talking. Plain records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent_routing.decisions import Why
from db.agent import Session
from ivr.queueing.place import Place
from ivr.queueing.seen import Fact

TalkEnd = Literal["agent", "caller", "cut", "moved"]


class Road(Protocol):
    """How a seat and this caller come together in Asterisk. Both methods raise AmiError."""

    async def send(self, variables: Mapping[str, str]) -> None:
        """Ring the seat for the caller (``variables`` as ``ivr.queueing.offer`` makes them)."""

    async def take_back(self) -> None:
        """Stop ringing; the caller waits on."""


@dataclass(slots=True)
class Waiter:
    """One caller who waits. ``taken``: sent to a seat. ``away``: not on the line, but called when the turn comes."""

    place: Place
    road: Road
    taken: bool = False
    away: bool = False


@dataclass(slots=True)
class Offer:
    """One seat that is being offered a caller. ``id`` (VAR_OFFER_ID) says which offer, and which talk comes of it;
    ``recording``: the name under which the talk will be recorded.

    ``place``: of a caller who is transferred to this very seat, and waits in no queue.
    """

    call: str
    agent: str
    seat: str
    since: float
    sent: bool = False
    rings: bool = False
    recording: str = ""
    id: str = ""
    place: Place | None = None


@dataclass(slots=True)
class Talk:
    """One talk that goes on. ``channel``: the leg to the seat; ``left``: who left first; ``id``: its offer."""

    call: str
    agent: str
    seat: str
    since: float
    place: Place | None
    channel: str = ""
    recording: str = ""
    left: str = ""
    moved: bool = False
    id: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SecondCalls(Protocol):
    """Whoever sees to talks that move: it is told everything first (``ivr.queueing.talk_desk``)."""

    def take(self, fact: Fact) -> bool:
        """Asterisk tells something. True: it concerns nobody else."""


class Witness:
    """Whoever is told what happens, at once and in order. Must neither wait nor raise. Seconds everywhere.

    Each hears what it has a method for, and nothing of the rest.
    """

    def joined(self, call: str, place: Place, again: bool) -> None:
        """A caller waits."""

    def left(self, call: str, place: Place, how: str, waited: float) -> None:
        """A caller waits no more, and talks to nobody."""

    def offered(self, offer: Offer, place: Place, why: Why) -> None:
        """A seat is being rung for a caller."""

    def failed(self, offer: Offer, how: str, seconds: float) -> None:
        """It came to nothing."""

    def talk_began(self, talk: Talk, waited: float) -> None:
        """The two talk."""

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:
        """… and do not any more."""

    def session(self, session: Session) -> None:
        """An agent does something else now."""


class Witnesses(Witness):
    """Several of them, told in their order."""

    def __init__(self, *witnesses: Witness) -> None:
        self._witnesses = list(witnesses)

    def add(self, witness: Witness) -> None:
        """One more, told last."""
        self._witnesses.append(witness)

    def joined(self, call: str, place: Place, again: bool) -> None:
        for one in self._witnesses:
            one.joined(call, place, again)

    def left(self, call: str, place: Place, how: str, waited: float) -> None:
        for one in self._witnesses:
            one.left(call, place, how, waited)

    def offered(self, offer: Offer, place: Place, why: Why) -> None:
        for one in self._witnesses:
            one.offered(offer, place, why)

    def failed(self, offer: Offer, how: str, seconds: float) -> None:
        for one in self._witnesses:
            one.failed(offer, how, seconds)

    def talk_began(self, talk: Talk, waited: float) -> None:
        for one in self._witnesses:
            one.talk_began(talk, waited)

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:
        for one in self._witnesses:
            one.talk_ended(talk, how, seconds)

    def session(self, session: Session) -> None:
        for one in self._witnesses:
            one.session(session)
