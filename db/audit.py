"""The audit trail: who did what to whose data, and when. Appended only; the database itself refuses anything else.

What happens in a call stands in the journal; this is for what people and commands do to customers. ``data`` holds JSON
values and never a PIN.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from db.events import utcnow
from db.models import AuditRow
from db.store import Store


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. ``actor`` names a person or a command; ``account`` is empty when no single customer is concerned."""

    actor: str
    what: str  # noun.verb, in the past: tier.changed, pin.set
    account: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    at: datetime.datetime = field(default_factory=utcnow)


async def append(session: AsyncSession, entries: Iterable[AuditEntry]) -> None:
    """Write the entries in the transaction of the act itself: both happen or none."""
    if rows := _rows(entries):
        await (await session.connection()).execute(sa.insert(AuditRow), rows)  # without the mapper: twice as fast


def append_in(session: Session, entries: Iterable[AuditEntry]) -> None:
    """The same in a transaction of ``Store.write``."""
    if rows := _rows(entries):
        session.connection().execute(sa.insert(AuditRow), rows)


def _rows(entries: Iterable[AuditEntry]) -> list[dict[str, Any]]:
    return [
        {"at": entry.at, "actor": entry.actor, "what": entry.what, "account": entry.account, "data": dict(entry.data)}
        for entry in entries
    ]


MOST_OF_ONE = 10_000  # acts of one call: a day of somebody pressing keys comes to less


class Audit:
    """The trail, to be read. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def append(self, *entries: AuditEntry) -> None:
        """Write entries of acts that change nothing in the store."""
        async with self._store.writing() as session:
            await append(session, entries)

    async def of_account(self, account: str, most: int = 100) -> tuple[AuditEntry, ...]:
        """The latest acts on this customer's data, newest first."""
        return await self._latest(sa.select(AuditRow).where(AuditRow.account == account), most)

    async def by_actor(self, actor: str, since: datetime.datetime, until: datetime.datetime) -> tuple[AuditEntry, ...]:
        """What this actor (a call's name, for callers) did in that time, newest first."""
        query = sa.select(AuditRow).where(AuditRow.at >= since, AuditRow.at <= until, AuditRow.actor == actor)
        return await self._latest(query, MOST_OF_ONE)

    async def latest(self, most: int = 100) -> tuple[AuditEntry, ...]:
        """The latest acts, newest first."""
        return await self._latest(sa.select(AuditRow), most)

    async def _latest(self, query: sa.Select[Any], most: int) -> tuple[AuditEntry, ...]:
        async with self._store.reading() as session:
            rows = await session.scalars(query.order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(most))
            return tuple(AuditEntry(row.actor, row.what, row.account, row.data, row.at) for row in rows)
