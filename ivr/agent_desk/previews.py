"""Accepting and skipping a customer who is shown before the number is dialled (``ivr.dialing.agent_first``)."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Final

from ivr.agent_desk.ports import NoPreview
from ivr.dialing.agent_first import AgentFirst, NothingToAccept

SKIPPED_FOR: Final = datetime.timedelta(minutes=15)  # until a customer whom an agent skipped is shown again, to anybody


class DialingPreviews:
    """The previews of one controller."""

    def __init__(self, first: AgentFirst, now: Callable[[], datetime.datetime]) -> None:
        self._first = first
        self._now = now

    async def accept(self, agent: str, call: str) -> None:
        """Dial. Raises NoPreview, AmiError."""
        self._check(agent, call)
        try:
            await self._first.accept(agent)
        except NothingToAccept:
            raise NoPreview from None

    async def skip(self, agent: str, call: str) -> None:
        """Do not dial now. Raises NoPreview."""
        self._check(agent, call)
        try:
            await self._first.skip(agent, self._now() + SKIPPED_FOR)
        except NothingToAccept:
            raise NoPreview from None

    def _check(self, agent: str, call: str) -> None:
        """What the agent looks at is what is shown now: never dial somebody else than who was read."""
        shown = self._first.shown_to(agent)
        if shown is None or shown.call != call:
            raise NoPreview
