"""What the desk needs of whoever knows the calls: small ports, so that it stands above none of them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from agent_routing.agents import Event, Step
from db.agent import Session
from db.attempts import Attempt
from ivr.errors import GoldlineError


class NoPreview(GoldlineError):
    """Nobody is offered to this agent to be looked at before the number is dialled."""

    error_id: ClassVar[str] = "no-preview"

    def __init__(self) -> None:
        super().__init__("There is nobody to accept or to skip.", remedy="Wait until a customer is offered.")


@dataclass(frozen=True, slots=True)
class OnTheLine:
    """Somebody who called us. ``customer``: whose telephone it seems to be, or who was proven; ``reason`` a prompt."""

    customer: int | None
    tier: str = ""
    language: str = ""
    line: str = ""
    reason: str = ""


class Sessions(Protocol):
    """The agents at work (``ivr.queueing.staff.Staff``)."""

    @property
    def sessions(self) -> Mapping[str, Session]: ...

    async def do(self, agent: str, event: Event) -> Step | None: ...

    async def do_then(self, agent: str, choose: Callable[[Session], Event | None]) -> Step | None: ...


class WhoIsOn(Protocol):
    """Whoever knows the callers who wait and talk."""

    def __call__(self, call: str, /) -> OnTheLine | None: ...


class Previews(Protocol):
    """Whoever offers a customer to an agent before the number is dialled."""

    async def accept(self, agent: str, call: str) -> None:
        """Dial. Raises NoPreview."""

    async def skip(self, agent: str, call: str) -> None:
        """Do not dial now; the customer is offered to somebody else. Raises NoPreview."""


class NoPreviews:
    """Nobody offers anybody."""

    async def accept(self, agent: str, call: str) -> None:  # noqa: ARG002
        raise NoPreview

    async def skip(self, agent: str, call: str) -> None:  # noqa: ARG002
        raise NoPreview


class AppointmentRules(Protocol):
    """Whoever knows when a customer may be called."""

    async def earliest(self, attempt: Attempt, at: datetime.datetime) -> tuple[datetime.datetime | None, str]:
        """From ``at`` on, the first moment at which the number may be called, and why not at once; None: never."""
