"""What the dialling desk is told of a campaign, and whom it asks what may be dialled. Plain records and a port.

What a campaign is, and by which rules it goes, stands in ``outbound``; here is as much of it as dialling takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from db.attempt import Attempt
from db.target import Target, TargetMove
from outbound.outcomes import Outcome
from outbound.pacing import PacingRules

Mode = Literal["preview", "progressive", "power", "predictive", "automatic"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One campaign, as it is dialled. ``flow`` is the one of whoever answers; ``skills`` are those of its seats, and
    with ``own_branch`` those of the target's branch come first. ``shown`` is the number that is shown, "": the
    hotline's; ``trunks`` are those it may use, none given: all. ``ring`` in seconds, all of it. ``pacing`` is of no use
    to an automatic one, which needs no seats: ``most`` of its calls there are at once. ``machines``: listened for."""

    name: str
    mode: Mode
    flow: str
    skills: Mapping[str, int] = field(default_factory=dict)
    own_branch: bool = False
    shown: str = ""
    trunks: tuple[str, ...] = ()
    pacing: PacingRules = field(default_factory=PacingRules)
    ring: float = 25.0
    most: int = 10
    machines: bool = False

    @property
    def for_agents(self) -> bool:
        """Whoever answers is to talk with a person."""
        return self.mode != "automatic"


@dataclass(frozen=True, slots=True)
class Number:
    """A number to dial: in stored form, and which of the target's it is."""

    number: str
    rank: int = 0
    chance: float | None = None  # that it is answered, as far as anybody knows


class Book(Protocol):
    """Whoever keeps campaigns, numbers and rules (``outbound``, through ``ivr.dialing.book``). Raises StoreError."""

    async def plan(self, campaign: str) -> Plan | str:
        """The campaign as it is dialled; or why it cannot be: one sentence for the log and `ivr outbound run`."""

    async def number(self, target: Target, *, agent_is_there: bool) -> Number | TargetMove:
        """The number to try next; or what becomes of a target that has none."""

    async def verdict(self, attempt: Attempt, target: Target, *, agent_is_there: bool) -> TargetMove | None:
        """None: it may be dialled now. Else what becomes of the target, which is not dialled."""

    async def after(self, attempt: Attempt, target: Target, outcome: Outcome) -> TargetMove:
        """What becomes of the target after this end of the attempt."""
