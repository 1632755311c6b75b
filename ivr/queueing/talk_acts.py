"""What a talk that moves has Asterisk do, over the manager's actions account. Must not know: why, nor who may.

Each move sends two channels in one action; what follows is the dialplan's (CONTEXT_TALK and its neighbours), so that a
controller that dies after any action leaves nobody behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from ivr import contract
from ivr.ami.client import AmiClient
from ivr.ami.errors import ActionFailed

ACT_SECONDS: Final = 3.0
SPY_RING_MS: Final = 20_000  # a supervisor who asked for it is at the telephone
START: Final = "s"

Place = tuple[str, str, str]  # context, extension, priority


def at(context: str, exten: str = START, priority: str = "1") -> Place:
    """A place in the dialplan."""
    return context, exten, priority


class TalkActs:
    """Every method raises AmiError."""

    def __init__(self, actions: AmiClient) -> None:
        self._actions = actions

    async def variable(self, channel: str, name: str) -> str:
        """A variable of a channel; empty when it has none."""
        answer = await self._actions.action("Getvar", {"Channel": channel, "Variable": name}, deadline=ACT_SECONDS)
        return answer.get("Value")

    async def put(self, channel: str, variables: Mapping[str, str]) -> None:
        """Set variables of a channel. A name may begin with `_`: a leg that it rings inherits it."""
        done = await asyncio.gather(
            *(
                self._actions.action(
                    "Setvar", {"Channel": channel, "Variable": name, "Value": value}, deadline=ACT_SECONDS
                )
                for name, value in variables.items()
            ),
            return_exceptions=True,
        )
        for answer in done:
            if isinstance(answer, BaseException):
                raise answer

    async def send(self, channel: str, to: Place) -> None:
        """Send one channel to a place in the dialplan."""
        context, exten, priority = to
        await self._actions.action(
            "Redirect",
            {"Channel": channel, "Context": context, "Exten": exten, "Priority": priority},
            deadline=ACT_SECONDS,
        )

    async def send_both(self, one: str, to: Place, other: str, other_to: Place) -> None:
        """Send two channels at once: neither goes when either is gone."""
        await self._actions.action(
            "Redirect",
            {
                "Channel": one,
                "Context": to[0],
                "Exten": to[1],
                "Priority": to[2],
                "ExtraChannel": other,
                "ExtraContext": other_to[0],
                "ExtraExten": other_to[1],
                "ExtraPriority": other_to[2],
            },
            deadline=ACT_SECONDS,
        )

    async def hang_up(self, channel: str) -> None:
        """Hang up a channel; one that is gone is hung up already."""
        try:
            await self._actions.action("Hangup", {"Channel": channel}, deadline=ACT_SECONDS)
        except ActionFailed:
            return

    async def mute_recording(self, channel: str, state: bool) -> None:
        """Let the recording of a leg hold silence from now on, or sound again; nothing when it has none."""
        try:
            await self._actions.action(
                "MixMonitorMute",
                {"Channel": channel, "Direction": "both", "State": "1" if state else "0"},
                deadline=ACT_SECONDS,
            )
        except ActionFailed:
            return

    async def ring(self, dial: str, to: Place, variables: Mapping[str, str], caller_id: str) -> None:
        """Ring a telephone and send it to a place once it is answered. Returns when it begins to ring."""
        headers = {
            "Channel": dial,
            "Context": to[0],
            "Exten": to[1],
            "Priority": to[2],
            "Timeout": str(SPY_RING_MS),
            "CallerID": f'"{caller_id}" <{contract.ENDPOINT_SELF}>',
            "Async": "true",
        }
        await self._actions.action("Originate", headers, variables=variables, deadline=ACT_SECONDS)
