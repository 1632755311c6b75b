"""What a flow may ask a service for: the port between flows (data) and services (code). Pure.

A service declares its inputs and, per exit, the values it hands back, so that a flow using it can be checked before it
takes a call: every exit must lead somewhere and every value must have the kind that a prompt wants.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ivr.speech.values import Value


@dataclass(frozen=True, slots=True)
class Caller:
    """What a service may know of the call it serves."""

    call_id: str
    number: str = ""  # caller ID: a hint, never proof; empty when withheld
    line: str = ""  # the number that was dialled
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Result:
    """How a service ended: one of its declared exits, and the values declared for that exit."""

    exit: str
    values: Mapping[str, Value] = field(default_factory=dict)


AT_ONCE = 0.0

ServiceFunction = Callable[[Caller, Mapping[str, Value]], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Service:
    """One thing a caller can ask for.

    ``name`` is ``noun.verb`` (``quotes.look_up``). ``inputs`` maps names to value kinds (``ivr.speech.values.KINDS``).
    ``exits`` maps each exit to the values it hands back, by name and kind. ``seconds`` is the deadline after which the
    engine takes the way ``on_error``, so that a slow service never leaves a caller in silence; ``AT_ONCE`` is for one
    that answers from memory and waits for nothing, which needs no clock.
    """

    name: str
    exits: Mapping[str, Mapping[str, str]]
    run: ServiceFunction
    inputs: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 3.0

    async def within_deadline(self, caller: Caller, inputs: Mapping[str, Value]) -> Result:
        """Run it. Raises TimeoutError after ``seconds``, and whatever the service itself raises."""
        if self.seconds == AT_ONCE:
            return await self.run(caller, inputs)
        async with asyncio.timeout(self.seconds):
            return await self.run(caller, inputs)
