"""What a flow may ask of the queue: the port between a node that waits (``queue``) and whoever hands out seats. Pure.

The caller waits in the node, in music; a seat takes the call away from the flow at any moment (``taken``), by sending
its channel elsewhere, so the session ends as if the caller had hung up. When the talk is over, or came to nothing, the
call comes back to the same node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from db.recording import Consent
from ivr.call import Returned
from ivr.flow.service import Caller

Entered = Literal["waits", "talked", "nobody"]
LeftHow = Literal["abandoned", "key", "callback", "limit", "nobody"]  # as in the journal: db.events.WAIT_LEFT


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of person a caller wants.

    ``reason`` is a prompt without values, said to whoever answers. ``required`` and ``wished`` are the least levels of
    skills. ``consent``: the caller was told that the talk is recorded, and refused or not; None: it was not told.
    """

    reason: str = ""
    required: Mapping[str, int] = field(default_factory=dict)
    wished: Mapping[str, int] = field(default_factory=dict)
    consent: Consent | None = None


class Ahead(NamedTuple):
    """What a waiting caller is told: the place in the queue, and between how many minutes the wait will probably last.

    ``least`` and ``most`` are None when nobody can say.
    """

    position: int
    least: int | None
    most: int | None


class WaitingRoom(Protocol):
    """The queue, as one waiting call sees it (``ivr.queueing.room``). Only the first three wait for anything."""

    async def may_record(self, caller: Caller) -> bool:
        """The talk of this caller may be recorded, once the caller has been told: some customers never want it."""

    async def place(self, caller: Caller, wish: Wish, carried: str) -> str:
        """The caller's place as the channel carries it (``ivr.contract.VAR_WAIT``). ``carried`` is what it carries
        already: a place that is good stays the caller's own, joining time and all."""

    async def enter(self, call_id: str, place: str, back: Returned | None) -> Entered:
        """Wait from now on, or again; ``back`` says what became of the seat that took the call, if one did.

        ``nobody``: there is nobody at work who could answer. ``talked``: the talk is over.
        """

    def ahead(self, call_id: str) -> Ahead | None:
        """What to tell the caller now; None: nothing new."""

    def can_be_answered(self, call_id: str) -> bool:
        """Somebody at work could answer this caller, now or later."""

    def waited(self, call_id: str) -> float:
        """Seconds since the caller began to wait, also under an earlier controller."""

    def leave(self, call_id: str, how: LeftHow) -> bool:
        """The caller waits no more. False: too late, a seat has taken the call."""

    def taken(self, call_id: str) -> bool:
        """A seat has taken the call: what looks like a hang-up is none."""
