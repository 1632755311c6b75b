"""Customers: who has an account with the brokerage, and which telephones are known to be theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from db.events import utcnow
from db.models import CustomerRow, PhoneRow
from db.store import Store

Tier = Literal["platinum", "gold", "silver", "normal"]
Status = Literal["active", "frozen", "closed"]


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer."""

    account: str
    name: str
    tier: Tier
    status: Status = "active"
    language: str = "zh"
    phones: tuple[str, ...] = ()


class Customers:
    """The customers. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def by_account(self, account: str) -> Customer | None:
        """The customer with this account number."""
        async with self._store.reading() as session:
            row = await session.scalar(sa.select(CustomerRow).where(CustomerRow.account == account))
            return _customer(row) if row else None

    async def by_phone(self, number: str) -> tuple[Customer, ...]:
        """Whoever this number is known to belong to, by account number: a family may share one. A hint, never proof."""
        async with self._store.reading() as session:
            rows = await session.scalars(
                sa.select(CustomerRow)
                .join(PhoneRow, PhoneRow.customer_id == CustomerRow.id)
                .where(PhoneRow.number == number)
                .order_by(CustomerRow.account)
            )
            return tuple(_customer(row) for row in rows)

    async def put(self, customer: Customer) -> None:
        """Add the customer, or bring the one with this account number to what is said here."""
        async with self._store.writing() as session:
            row = await session.scalar(sa.select(CustomerRow).where(CustomerRow.account == customer.account))
            if row is None:
                row = CustomerRow(account=customer.account, created_at=utcnow(), phones=[])
                session.add(row)
            row.name = customer.name
            row.tier = customer.tier
            row.status = customer.status
            row.language = customer.language
            known = {phone.number: phone for phone in row.phones}
            row.phones = [known.get(number) or PhoneRow(number=number) for number in dict.fromkeys(customer.phones)]


def _customer(row: CustomerRow) -> Customer:
    return Customer(
        account=row.account,
        name=row.name,
        tier=row.tier,  # type: ignore[arg-type]  # the table's own check keeps it to these words
        status=row.status,  # type: ignore[arg-type]
        language=row.language,
        phones=tuple(phone.number for phone in row.phones),
    )
