"""Calls that are over, each with what happened to it: what is computed anew out of the journal."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Collection
from typing import Final

import sqlalchemy as sa

from db.events import Event
from db.models import CallEventRow, CallRow
from db.store import Store

_AT_ONCE: Final = 2_000  # rows fetched at once where all of them may not fit into memory


class EndedCalls:
    """The calls. Raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def each(
        self, since: datetime.datetime, until: datetime.datetime, kinds: Collection[str]
    ) -> AsyncIterator[tuple[Event, ...]]:
        """The events of these kinds of every ended call that began in that time (``until`` not included).

        One call after the other, in no order; the events of each in the order in which they happened.
        """
        wanted = (
            sa.select(
                CallEventRow.event_id, CallEventRow.call_id, CallEventRow.at, CallEventRow.kind, CallEventRow.data
            )
            .join(CallRow, CallRow.id == CallEventRow.call_id)
            .where(CallRow.started_at >= since, CallRow.started_at < until, CallRow.ended_at.is_not(None))
            .where(CallEventRow.kind.in_(sorted(kinds)))
            .order_by(CallEventRow.call_id, CallEventRow.at, CallEventRow.position)
            .execution_options(yield_per=_AT_ONCE)
        )
        told: list[Event] = []
        async with self._store.reading() as session:
            async for event_id, call, at, kind, data in await session.stream(wanted):
                if told and told[0].call_id != call:
                    yield tuple(told)
                    told = []
                told.append(Event(call, kind, data, at, event_id))
        if told:
            yield tuple(told)
