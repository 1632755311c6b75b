"""The rows of recorded talks. Knows no file: files are the keeper's (``ivr.recordings``)."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import asdict
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from db import audit
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import OFFER_MADE, Event
from db.models import CallEventRow, CallRow, RecordingRow
from db.recording import Recording
from db.store import Store


class NoSuchRecording(StoreError):
    """There is no recording of this name."""

    error_id: ClassVar[str] = "no-such-recording"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no recording {name!r}.", remedy="`ivr recordings list` shows their names.")


class Recordings:
    """The recordings. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, recording: Recording) -> Recording:
        """Keep this row; when there is one of this name, that one stays and is given back.

        One that names no call, a stray that nobody knew, learns now whose it is.
        """
        new = sqlite.insert(RecordingRow) if self._store.is_sqlite else postgresql.insert(RecordingRow)
        values = asdict(recording)
        values["call_id"] = values.pop("call")
        known = {name: values[name] for name in ("call_id", "agent", "seat", "began", "kept_until")}
        async with self._store.writing() as session:
            await session.execute(
                new.values(values).on_conflict_do_update(
                    index_elements=["name"], set_=known, where=RecordingRow.call_id == ""
                )
            )
            return _recording((await session.scalars(_named(recording.name))).one())

    async def get(self, name: str) -> Recording:
        """This one. Raises NoSuchRecording."""
        async with self._store.reading() as session:
            row = await session.scalar(_named(name))
        if row is None:
            raise NoSuchRecording(name)
        return _recording(row)

    async def names(self, among: Collection[str]) -> frozenset[str]:
        """Which of these names have a row."""
        async with self._store.reading() as session:
            found = await session.scalars(sa.select(RecordingRow.name).where(RecordingRow.name.in_(list(among))))
            return frozenset(found)

    async def listed(self, *, call: str = "", agent: str = "", most: int = 100) -> tuple[Recording, ...]:
        """The latest, newest first; of one call or one agent when wanted."""
        query = sa.select(RecordingRow)
        if call:
            query = query.where(RecordingRow.call_id == call)
        if agent:
            query = query.where(RecordingRow.agent == agent)
        return await self._some(query.order_by(RecordingRow.began.desc(), RecordingRow.name).limit(most))

    async def after(self, name: str, most: int) -> tuple[Recording, ...]:
        """Every row by name, some at a time: those that come after ``name`` ("": from the beginning)."""
        return await self._some(
            sa.select(RecordingRow).where(RecordingRow.name > name).order_by(RecordingRow.name).limit(most)
        )

    async def due(self, now: datetime.datetime, most: int) -> tuple[Recording, ...]:
        """Those whose file is kept and need not be any more."""
        over = sa.select(RecordingRow).where(RecordingRow.state == "kept", RecordingRow.kept_until <= now)
        return await self._some(over.order_by(RecordingRow.kept_until, RecordingRow.name).limit(most))

    async def purged(self, name: str, *, actor: str, at: datetime.datetime) -> None:
        """The file was deleted, its time being over. Audited. Raises NoSuchRecording when it was not kept."""
        done = (
            sa.update(RecordingRow)
            .where(RecordingRow.name == name, RecordingRow.state == "kept", RecordingRow.kept_until <= at)
            .values(state="purged", purged_at=at)
            .returning(RecordingRow.call_id)
            .execution_options(synchronize_session=False)
        )
        async with self._store.writing() as session:
            call = await session.scalar(done)
            if call is None:
                raise NoSuchRecording(name)
            data = {"recording": name, "call": call}
            await audit.append(session, [AuditEntry(actor, "recording.purged", data=data, at=at)])

    async def offer_of(self, name: str, since: datetime.datetime, until: datetime.datetime) -> Event | None:
        """The offer that the talk with this recording came of, as the journal says it; None when it says nothing.

        Looked for among the calls that began in that time: the journal has no order of its own over all calls.
        """
        query = (
            sa.select(CallEventRow)
            .join(CallRow, CallRow.id == CallEventRow.call_id)
            .where(
                CallRow.started_at >= since,
                CallRow.started_at <= until,
                CallEventRow.kind == OFFER_MADE,
                CallEventRow.data["recording"].as_string() == name,
            )
            .order_by(CallEventRow.at.desc())
            .limit(1)
        )
        async with self._store.reading() as session:
            row = await session.scalar(query)
            return None if row is None else Event(row.call_id, row.kind, row.data, row.at, row.event_id)

    async def _some(self, query: sa.Select[Any]) -> tuple[Recording, ...]:
        async with self._store.reading() as session:
            return tuple(_recording(row) for row in await session.scalars(query))


def _named(name: str) -> sa.Select[Any]:
    return sa.select(RecordingRow).where(RecordingRow.name == name)


def _recording(row: RecordingRow) -> Recording:
    return Recording(
        name=row.name,
        call=row.call_id,
        agent=row.agent,
        seat=row.seat,
        began=row.began,
        seconds=row.seconds,
        bytes=row.bytes,
        sha256=row.sha256,
        consent=row.consent,  # type: ignore[arg-type]  # the table's own checks
        state=row.state,  # type: ignore[arg-type]
        fault=row.fault,  # type: ignore[arg-type]
        kept_until=row.kept_until,
        purged_at=row.purged_at,
    )
