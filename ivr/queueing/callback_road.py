"""How a seat and a customer who waits for our call come together: the seat is rung first, by itself.

Its leg has an id that was chosen and written down before Asterisk hears of it; whoever answers is asked in
CONTEXT_CALLBACK, which dials the customer only when the controller says so (``ivr.queueing.callbacks``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ivr import contract
from ivr.ami.client import AmiClient

ORIGINATE_SECONDS: Final = 3.0  # until Asterisk has taken the order; it takes milliseconds
START: Final = "s"


class CallbackLegs:
    """What Asterisk is told about the legs to seats. Every method raises AmiError."""

    def __init__(self, actions: AmiClient) -> None:
        self._actions = actions

    async def ring(self, leg: str, call: str, line: str, variables: Mapping[str, str]) -> None:
        """Ring the seat of these variables (``ivr.queueing.offer``) by a channel of this id. ``line`` is the hotline's
        number, which the customer will see."""
        shown = variables[contract.VAR_OFFER_NAME]
        headers = {
            "Channel": variables[contract.VAR_OFFER_DIAL],
            "ChannelId": leg,
            "Context": contract.CONTEXT_CALLBACK,
            "Exten": START,
            "Priority": "1",
            "Timeout": str(int(variables[contract.VAR_OFFER_RING]) * 1000),
            "CallerID": f'"{shown}" <{line}>',
            "Async": "true",
        }
        carried = {
            **variables,
            contract.VAR_SEAT: variables[contract.VAR_OFFER_SEAT],
            contract.VAR_CALL: call,
            contract.VAR_LINE: line,
        }
        await self._actions.action("Originate", headers, variables=carried, deadline=ORIGINATE_SECONDS)

    async def hang_up(self, leg: str) -> None:
        """Hang up the leg, and with it whatever it dials."""
        await self._actions.action("Hangup", {"Channel": leg}, deadline=ORIGINATE_SECONDS)
