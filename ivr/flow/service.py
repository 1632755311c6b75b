"""What a flow may ask a service for: the port between flows (data) and services (code). Pure.

A service declares its inputs and, per exit, the values it hands back, so that a flow using it can be checked before it
takes a call: every exit must lead somewhere and every value must have the kind that a prompt wants.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ivr.flow.proof import Proof
from ivr.speech.values import Value


class Caller(NamedTuple):
    """What a service may know of the call it serves."""

    call_id: str
    number: str = ""  # caller ID: a hint, never proof; empty when withheld
    line: str = ""  # the number that was dialled
    language: str = "zh"
    recognised: int | None = None  # the customer whose telephone this seems to be: a hint as well
    customer: int | None = None  # the customer whom the caller has proven to be; the store's own number


NO_VALUES: Final[Mapping[str, Value]] = {}


class Result(NamedTuple):
    """How a service ended: one of its declared exits, and the values declared for that exit."""

    exit: str
    values: Mapping[str, Value] = NO_VALUES
    proof: Proof | None = None  # the caller has now proven to be this customer; kept for the rest of the call


NOT_PROVEN = "not_proven"
AT_ONCE = 0.0

ServiceFunction = Callable[[Caller, Mapping[str, Value]], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Service:
    """One thing a caller can ask for.

    ``name`` is ``noun.verb`` (``quotes.look_up``). ``inputs`` maps names to value kinds (``ivr.speech.values.KINDS``).
    ``exits`` maps each exit to the values it hands back, by name and kind. ``seconds`` is the deadline after which the
    engine takes the way ``on_error``, so that a slow service never leaves a caller in silence; ``AT_ONCE`` is for one
    that answers from memory and waits for nothing, which needs no clock.

    A service with ``proven`` is never run for a caller who has not proven who they are: it then ends with the exit
    ``not_proven``, which ``exits`` must not declare. ``secret`` names inputs that only a gather with ``secret: yes``
    may give: their digits must not be written down anywhere.
    """

    name: str
    exits: Mapping[str, Mapping[str, str]]
    run: ServiceFunction
    inputs: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 3.0
    proven: bool = False
    secret: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.proven:
            object.__setattr__(self, "exits", {**self.exits, NOT_PROVEN: {}})

    async def within_deadline(self, caller: Caller, inputs: Mapping[str, Value]) -> Result:
        """Run it. Raises TimeoutError after ``seconds``, and whatever the service itself raises."""
        if self.proven and caller.customer is None:
            return Result(NOT_PROVEN)
        if self.seconds == AT_ONCE:
            return await self.run(caller, inputs)
        async with asyncio.timeout(self.seconds):
            return await self.run(caller, inputs)
