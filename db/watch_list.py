"""Watch-lists: the shares and indices whose quotes a customer wants to hear, in the order in which they were added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import sqlalchemy as sa

from db import audit
from db.account_locks import unlocked_account
from db.audit import AuditEntry
from db.events import utcnow
from db.instruments import Kind
from db.models import WatchedRow
from db.store import Store
from ivr.errors import GoldlineError

MOST: Final = 50  # of one customer: half an hour of listening


class WatchListFull(GoldlineError):
    """The customer watches as many instruments as one may."""

    error_id: ClassVar[str] = "watch-list-full"


@dataclass(frozen=True, slots=True)
class Watched:
    """One entry. ``entry`` is its own number, which grows along the list."""

    entry: int
    code: str
    kind: Kind


class WatchLists:
    """The watch-lists. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def next(self, customer: int, *, after: int) -> Watched | None:
        """The entry behind ``after`` (0: the first); None: there is no more. Entries taken out meanwhile do no harm."""
        query = (
            sa.select(WatchedRow.id, WatchedRow.code, WatchedRow.kind)
            .where(WatchedRow.customer_id == customer, WatchedRow.id > after)
            .order_by(WatchedRow.id)
            .limit(1)
        )
        async with self._store.reading() as session:
            row = (await session.execute(query)).one_or_none()
            return None if row is None else Watched(row.id, row.code, row.kind)

    async def kinds(self, customer: int, code: str) -> frozenset[Kind]:
        """What the customer watches under this code: nothing, a share, an index, or both."""
        query = sa.select(WatchedRow.kind).where(WatchedRow.customer_id == customer, WatchedRow.code == code)
        async with self._store.reading() as session:
            return frozenset(await session.scalars(query))

    async def add(self, customer: int, code: str, kind: Kind, *, actor: str) -> bool:
        """Put it at the end; False when it is there already. Raises WatchListFull, AccountLocked."""
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            watched = (await session.execute(_KEYS.where(WatchedRow.customer_id == customer))).all()
            if (code, kind) in {(row.code, row.kind) for row in watched}:
                return False
            if len(watched) >= MOST:
                raise WatchListFull(f"Customer {customer} watches {MOST}.", remedy="Take one out first.")
            session.add(WatchedRow(customer_id=customer, code=code, kind=kind, added_at=utcnow()))
            data = {"code": code, "kind": kind}
            await audit.append(session, [AuditEntry(actor, "watch_list.added", account, data)])
        return True

    async def remove(self, customer: int, code: str, kind: Kind, *, actor: str) -> bool:
        """Take it out; False when it was not there. Raises AccountLocked."""
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            gone = await session.scalar(
                sa.delete(WatchedRow)
                .where(WatchedRow.customer_id == customer, WatchedRow.code == code, WatchedRow.kind == kind)
                .returning(WatchedRow.id)
                .execution_options(synchronize_session=False)
            )
            if gone is None:
                return False
            data = {"code": code, "kind": kind}
            await audit.append(session, [AuditEntry(actor, "watch_list.removed", account, data)])
        return True


_KEYS: Final = sa.select(WatchedRow.code, WatchedRow.kind)
