"""What the queue has Asterisk do, over the manager's actions account: send a waiting caller to a seat, take one back,
hang up a leg, tell the wallboards. Must not know: why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Protocol

from ivr import contract
from ivr.ami.client import AmiClient
from ivr.ami.protocol import Response

OFFER_SECONDS: Final = 3.0  # for all of an offer's actions; they take a few milliseconds
START: Final = "s"
SESSION: Final = "session"  # the label in CONTEXT_CALL where the controller is asked


class Acts(Protocol):
    """What can be done. Every method raises AmiError."""

    async def offer(self, call: str, variables: Mapping[str, str]) -> None:
        """Send the caller to CONTEXT_OFFER, with these variables on the channel."""

    async def take_back(self, call: str) -> None:
        """Send the caller back into the loop; whatever rings for this call stops."""

    async def hang_up(self, channel: str) -> None:
        """Hang up a channel."""

    async def tell(self, headers: Mapping[str, str]) -> None:
        """Tell the wallboards (UserEvent)."""


class ManagerActs:
    """The same over a real manager."""

    def __init__(self, actions: AmiClient) -> None:
        self._actions = actions

    async def offer(self, call: str, variables: Mapping[str, str]) -> None:
        # Asterisk answers the actions of one connection in their order, so none needs to wait for the one before.
        actions = [
            # `_`: the leg to the seat inherits it (pbx_variables.c, ast_channel_inherit_variables).
            self._actions.action(
                "Setvar", {"Channel": call, "Variable": f"_{name}", "Value": value}, deadline=OFFER_SECONDS
            )
            for name, value in variables.items()
        ]
        actions.append(self._redirect(call, contract.CONTEXT_OFFER, "1"))
        done = await asyncio.gather(*actions, return_exceptions=True)
        for answer in done:
            if isinstance(answer, BaseException):
                raise answer

    async def take_back(self, call: str) -> None:
        await self._redirect(call, contract.CONTEXT_CALL, SESSION)

    async def hang_up(self, channel: str) -> None:
        await self._actions.action("Hangup", {"Channel": channel}, deadline=OFFER_SECONDS)

    async def tell(self, headers: Mapping[str, str]) -> None:
        await self._actions.action("UserEvent", headers, deadline=OFFER_SECONDS)

    def _redirect(self, call: str, context: str, priority: str) -> Coroutine[Any, Any, Response]:
        headers = {"Channel": call, "Context": context, "Exten": START, "Priority": priority}
        return self._actions.action("Redirect", headers, deadline=OFFER_SECONDS)


class ChannelRoad:
    """A caller who is on the line: its own channel rings the seat (``ivr.queueing.stages.Road``)."""

    def __init__(self, acts: Acts, call: str) -> None:
        self._acts = acts
        self._call = call

    async def send(self, variables: Mapping[str, str]) -> None:
        await self._acts.offer(self._call, variables)

    async def take_back(self) -> None:
        await self._acts.take_back(self._call)
