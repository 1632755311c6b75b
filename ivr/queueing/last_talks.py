"""Whom each caller talked to last, for whatever is asked after a talk. A witness (``ivr.queueing.stages.Witness``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from db.talks import EndedTalk
from ivr.queueing.stages import Talk, TalkEnd, Witness

LEAST_SECONDS: Final = 5.0  # of a talk that a caller can have an opinion of; shorter ones are slips


class LastTalks(Witness):
    """The last talk of each call that is still up; those from before this controller are read from the journal."""

    def __init__(self, stored: Callable[[str], Awaitable[EndedTalk | None]]) -> None:
        """``stored`` is ``db.talks.Talks.last_ended``."""
        self._stored = stored
        self._ended: dict[str, EndedTalk] = {}

    async def worth_asking(self, call_id: str, /) -> str | None:
        """The agent whom the caller can be asked about: not after a word or two, nor when the line dropped.

        Raises StoreError.
        """
        talk = self._ended.get(call_id) or await self._stored(call_id)
        if talk is None or talk.how == "cut" or talk.seconds < LEAST_SECONDS:
            return None
        return talk.agent

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:
        self._ended[talk.call] = EndedTalk(talk.agent, seconds, how)

    def forget(self, call: str) -> None:
        """The call is over."""
        self._ended.pop(call, None)
