"""Talks of which no agent ever said what came of them: they go on the branch's list, and are not counted as reached."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Final

import structlog

from db.attempts import Attempts
from db.campaigns import Campaigns
from db.errors import StoreError
from db.store import Store
from db.talk_history import TalkHistory
from ivr.outreach.results import Results
from outbound.dispositions import UNSETTLED, Dispositions

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 60.0
AFTER: Final = datetime.timedelta(minutes=30)  # longer than any wrap-up
BACK: Final = datetime.timedelta(days=2)  # for a controller that was away over a night


class Unsettled:
    """Looks for them now and then."""

    def __init__(
        self,
        store: Store,
        results: Results,
        dispositions: Callable[[], Dispositions],
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._attempts = Attempts(store)
        self._campaigns = Campaigns(store)
        self._history = TalkHistory(store)
        self._results = results
        self._dispositions = dispositions
        self._now = now

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except StoreError as error:
                log.info("talks that nobody settled cannot be looked for now", error=error.error_id)

    async def look(self) -> int:
        """Once; how many there were. Raises StoreError."""
        now, found = self._now(), 0
        for campaign in await self._campaigns.all():
            for attempt_id in await self._history.unsettled(campaign.name, since=now - BACK, until=now - AFTER):
                attempt = await self._attempts.get(attempt_id)
                if attempt is not None and not attempt.disposition:
                    log.warning("nobody said what came of a talk", call=attempt.call, agent=attempt.agent)
                    await self._results.settle(attempt, self._dispositions()[UNSETTLED])
                    found += 1
        return found
