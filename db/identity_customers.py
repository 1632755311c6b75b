"""A customer as far as proving an identity goes: by what the caller typed, or by number once proven."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from db.customer import Language, Status
from db.models import CustomerRow, PhoneRow
from db.store import Store


@dataclass(frozen=True, slots=True)
class Identified:
    """``id`` is the store's own number; ``phones`` those in state good, the one to try first first."""

    id: int
    account: str
    status: Status
    language: Language
    phones: tuple[str, ...] = ()


class IdentityCustomers:
    """Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def by_account(self, account: str) -> Identified | None:
        """The customer with this account number."""
        return await self._find(CustomerRow.account == account)

    async def by_id(self, customer: int) -> Identified | None:
        """The customer with this number of the store's."""
        return await self._find(CustomerRow.id == customer)

    async def _find(self, condition: sa.ColumnElement[bool]) -> Identified | None:
        columns: Any = (CustomerRow.id, CustomerRow.account, CustomerRow.status, CustomerRow.languages)
        async with self._store.reading() as session:
            row = (await session.execute(sa.select(*columns).where(condition))).one_or_none()
            phones = await session.scalars(
                sa.select(PhoneRow.number)
                .where(PhoneRow.customer_id == (row.id if row else None), PhoneRow.state == "good")
                .order_by(PhoneRow.rank)
            )
            numbers = tuple(phones)
        if row is None:
            return None
        return Identified(row.id, row.account, row.status, row.languages[0] if row.languages else "zh", numbers)
