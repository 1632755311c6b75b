"""Calls and their events: what the journal writes and what reports, doctors and live followers read."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.events import CALL_KINDS, Event
from db.fold import CallRecord, fold
from db.models import CallEventRow, CallRow
from db.store import Store

# PostgreSQL advisory lock: "call". Two writers that fold one call at once would each miss the other's events.
_FOLDING: Final = 0x63616C6C
_AT_ONCE: Final = 2_000  # rows fetched at once where all of them may not fit into memory


@dataclass(frozen=True, slots=True)
class CallSpan:
    """From when to when a call held a line."""

    line: str  # the number that was dialled
    began: datetime.datetime
    ended: datetime.datetime
    how: str


class Calls:
    """The journal's rows. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, events: Sequence[Event]) -> int:
        """Store events once each, however often they come, and fold the calls they touch; how many were new."""
        if not events:
            return 0
        rows = [
            {"event_id": e.id, "call_id": e.call_id, "at": e.at, "kind": e.kind, "data": dict(e.data)} for e in events
        ]
        touched = sorted({event.call_id for event in events if event.kind in CALL_KINDS})
        insert = self._insert(CallEventRow).inline().on_conflict_do_nothing(index_elements=["event_id"])

        def record(session: Session) -> int:
            done = session.connection().execute(insert, rows, execution_options={"preserve_rowcount": True})
            if touched:
                self._fold(session, touched)
            return done.rowcount

        return await self._store.write(record)

    async def get(self, call_id: str) -> CallRecord | None:
        """One call."""
        async with self._store.reading() as session:
            row = await session.get(CallRow, call_id)
            return _call(row) if row else None

    async def events(self, call_id: str) -> tuple[Event, ...]:
        """All that happened to one call, in the order it happened."""
        async with self._store.reading() as session:
            rows = await session.scalars(
                sa.select(CallEventRow)
                .where(CallEventRow.call_id == call_id)
                .order_by(CallEventRow.at, CallEventRow.position)
            )
            return tuple(_event(row) for row in rows)

    async def latest(self, most: int = 20) -> tuple[CallRecord, ...]:
        """The calls that began last, newest first."""
        async with self._store.reading() as session:
            rows = await session.scalars(sa.select(CallRow).order_by(CallRow.started_at.desc(), CallRow.id).limit(most))
            return tuple(_call(row) for row in rows)

    async def unended(self, before: datetime.datetime) -> tuple[CallRecord, ...]:
        """Calls that began before ``before`` and of which no end is known, oldest first."""
        async with self._store.reading() as session:
            rows = await session.scalars(
                sa.select(CallRow)
                .where(CallRow.ended_at.is_(None), CallRow.started_at < before)
                .order_by(CallRow.started_at, CallRow.id)
            )
            return tuple(_call(row) for row in rows)

    async def spans(self, since: datetime.datetime, until: datetime.datetime) -> AsyncIterator[CallSpan]:
        """The ended calls that began from ``since`` on and before ``until``, in no order, a few at a time."""
        wanted = (
            sa.select(CallRow.line, CallRow.started_at, CallRow.ended_at, CallRow.ended_how)
            .where(CallRow.started_at >= since, CallRow.started_at < until, CallRow.ended_at.is_not(None))
            .execution_options(yield_per=_AT_ONCE)
        )
        async with self._store.reading() as session:
            async for line, began, ended, how in await session.stream(wanted):
                if ended is not None:
                    yield CallSpan(line, began, ended, how)

    def _fold(self, session: Session, call_ids: Sequence[str]) -> None:
        if not self._store.is_sqlite:
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(_FOLDING)))
        found = session.execute(
            sa.select(
                CallEventRow.event_id, CallEventRow.call_id, CallEventRow.at, CallEventRow.kind, CallEventRow.data
            ).where(CallEventRow.call_id.in_(call_ids), CallEventRow.kind.in_(sorted(CALL_KINDS)))
        )
        by_call: defaultdict[str, list[Event]] = defaultdict(list)
        for event_id, call_id, at, kind, data in found:
            by_call[call_id].append(Event(call_id, kind, data, at, event_id))
        folded = [asdict(record) for record in map(fold, by_call.values()) if record]
        upsert = self._insert(CallRow)
        upsert = upsert.on_conflict_do_update(
            index_elements=["id"], set_={name: upsert.excluded[name] for name in folded[0] if name != "id"}
        )
        session.connection().execute(upsert, folded)

    def _insert(self, table: type[Any]) -> Any:
        return sqlite.insert(table) if self._store.is_sqlite else postgresql.insert(table)


def _call(row: CallRow) -> CallRecord:
    return CallRecord(
        id=row.id,
        started_at=row.started_at,
        caller=row.caller,
        line=row.line,
        language=row.language,
        flow=row.flow,
        version=row.version,
        answered_at=row.answered_at,
        resumed=row.resumed,
        ended_at=row.ended_at,
        ended_how=row.ended_how,
    )


def _event(row: CallEventRow) -> Event:
    return Event(row.call_id, row.kind, row.data, row.at, row.event_id)
