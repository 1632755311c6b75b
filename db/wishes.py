"""What customers wish of us: their language, hours in which we do not call, no calls at all.

Said by the customer, kept in the customer's own row, each change with its entry in the audit trail.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit
from db.account_locks import unlocked_account
from db.audit import AuditEntry
from db.customer import Language
from db.models import CustomerRow
from db.store import Store


class Wishes:
    """The wishes. Every method raises StoreError when the database refuses or is away, and AccountLocked.

    A wish that stands already changes nothing and leaves no second entry in the audit trail.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def prefer_language(self, customer: int, language: Language, *, actor: str) -> None:
        """Begin calls in this language; the others that the customer speaks stay."""
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            spoken = await session.scalar(sa.select(CustomerRow.languages).where(CustomerRow.id == customer)) or ()
            languages = (language, *(other for other in spoken if other != language))
            await _put(session, customer, account, {"languages": languages}, "wish.language", actor)

    async def keep_quiet(self, customer: int, begin: datetime.time, end: datetime.time, *, actor: str) -> None:
        """Do not call from ``begin`` until ``end``, brokerage time; may go over midnight."""
        await self._write(customer, {"quiet_from": begin, "quiet_until": end}, "wish.quiet_hours", actor)

    async def call_at_any_hour(self, customer: int, *, actor: str) -> None:
        """The customer has no quiet hours any more."""
        await self._write(customer, {"quiet_from": None, "quiet_until": None}, "wish.quiet_hours", actor)

    async def opt_out(self, customer: int, *, actor: str) -> None:
        """Do not call this customer."""
        await self._write(customer, {"do_not_call": True}, "wish.do_not_call", actor)

    async def opt_in(self, customer: int, *, actor: str) -> None:
        """This customer may be called again."""
        await self._write(customer, {"do_not_call": False}, "wish.do_not_call", actor)

    async def _write(self, customer: int, wished: Mapping[str, Any], what: str, actor: str) -> None:
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            await _put(session, customer, account, wished, what, actor)


async def _put(
    session: AsyncSession, customer: int, account: str, wished: Mapping[str, Any], what: str, actor: str
) -> None:
    columns = [getattr(CustomerRow, name) for name in wished]
    row = (await session.execute(sa.select(*columns).where(CustomerRow.id == customer))).one()
    before = dict(zip(wished, row, strict=True))
    if before == dict(wished):
        return
    await session.execute(
        sa.update(CustomerRow)
        .where(CustomerRow.id == customer)
        .values(dict(wished))
        .execution_options(synchronize_session=False)
    )
    data = {name: {"from": _shown(before[name]), "to": _shown(value)} for name, value in wished.items()}
    await audit.append(session, [AuditEntry(actor, what, account, data)])


def _shown(value: object) -> object:
    return f"{value:%H:%M}" if isinstance(value, datetime.time) else value
