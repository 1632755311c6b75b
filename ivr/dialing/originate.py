"""What Asterisk is told about dials, over the manager's actions account. Must not know: why.

An Originate is sent once. What becomes of it is told by events; by its answer only when it was refused at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from ivr import contract
from ivr.ami.client import AmiClient
from ivr.queueing.callback_road import CallbackLegs

ACTION_SECONDS: Final = 3.0  # until Asterisk has taken an order; it takes milliseconds
START: Final = "s"


class Dials(Protocol):
    """What can be done. Every method raises AmiError."""

    async def dial(self, call: str, dial: str, ring: float, shown: str, variables: Mapping[str, str]) -> None:
        """Dial a customer by a channel of this id. ``dial``: PJSIP/NUMBER@TRUNK; ``ring`` in seconds, all of it;
        ``shown`` is the number that is shown."""

    async def ring_seat(self, leg: str, call: str, line: str, variables: Mapping[str, str]) -> None:
        """Ring the seat of these variables (``ivr.queueing.offer``), by a channel of this id."""

    async def hang_up(self, channel: str) -> None:
        """Hang up a channel, and with it whatever it dials."""


class ManagerDials:
    """The same over a real manager."""

    def __init__(self, actions: AmiClient) -> None:
        self._actions = actions
        self._legs = CallbackLegs(actions)  # a seat is rung first for these customers as for callbacks

    async def dial(self, call: str, dial: str, ring: float, shown: str, variables: Mapping[str, str]) -> None:
        headers = {
            "Channel": dial,
            "ChannelId": call,
            "Context": contract.CONTEXT_OUTBOUND,
            "Exten": START,
            "Priority": "1",
            "Timeout": str(round(ring * 1000)),
            "CallerID": f"<{shown}>",
            "Async": "true",
        }
        await self._actions.action("Originate", headers, variables=variables, deadline=ACTION_SECONDS)

    async def ring_seat(self, leg: str, call: str, line: str, variables: Mapping[str, str]) -> None:
        await self._legs.ring(leg, call, line, variables)

    async def hang_up(self, channel: str) -> None:
        await self._legs.hang_up(channel)
