"""What happened to callers who wanted a person, as the journal has it: what a wallboard begins its day with."""

from __future__ import annotations

import datetime
from typing import Final

import sqlalchemy as sa

from db.events import TALK_BEGAN, WAIT_JOINED, WAIT_LEFT, Event
from db.models import CallEventRow
from db.store import Store

_KINDS: Final = (WAIT_JOINED, TALK_BEGAN, WAIT_LEFT)


class QueueEvents:
    """Waits and how they ended. Raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def since(self, moment: datetime.datetime) -> tuple[Event, ...]:
        """Every wait that began, and every end of one, from ``moment`` (aware) on, the oldest first."""
        wanted = (
            sa.select(CallEventRow.call_id, CallEventRow.kind, CallEventRow.data, CallEventRow.at)
            .where(CallEventRow.at >= moment, CallEventRow.kind.in_(_KINDS))
            .order_by(CallEventRow.at, CallEventRow.position)
        )
        async with self._store.reading() as session:
            rows = await session.execute(wanted)
            return tuple(Event(call, kind, data, at, "-") for call, kind, data, at in rows)
