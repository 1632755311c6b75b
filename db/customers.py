"""Customers: who has an account with the brokerage, and which telephones are known to be theirs."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.customer import Branch, Customer, Language, Phone, PhoneState, Status, Tier
from db.customer_changes import FIELDS, CustomerChange, CustomerChanges
from db.models import CustomerRow, PhoneRow
from db.phone_numbers import stored_form
from db.store import Store

__all__ = ["Branch", "Customer", "Customers", "Language", "Phone", "PhoneState", "Status", "Tier"]

PAGE: Final = 1_000  # customers read at once: about a megabyte
MOST_SHARING: Final = 20  # customers of one number that are told: a switchboard's number says nothing more


class Customers:
    """The customers. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def by_account(self, account: str) -> Customer | None:
        """The customer with this account number."""
        async with self._store.reading() as session:
            found = await _customers(session, _CUSTOMERS.where(CustomerRow.account == account))
            return found[0][1] if found else None

    async def by_id(self, customer: int) -> Customer | None:
        """The customer of this number of the store's own (``customers.id``), by which calls know their callers."""
        async with self._store.reading() as session:
            found = await _customers(session, _CUSTOMERS.where(CustomerRow.id == customer))
            return found[0][1] if found else None

    async def id_of(self, account: str) -> int | None:
        """The store's own number of the customer with this account number."""
        async with self._store.reading() as session:
            return await session.scalar(sa.select(CustomerRow.id).where(CustomerRow.account == account))

    async def by_phone(self, number: str) -> tuple[Customer, ...]:
        """Whoever this number, as a trunk wrote it, is known to belong to, by account number: a family may share one.

        A hint, never proof. A number that turned out to be somebody else's (``wrong_person``) or to be unallocated is
        none of the customer's. At most ``MOST_SHARING``.
        """
        query = (
            _CUSTOMERS.join(PhoneRow, PhoneRow.customer_id == CustomerRow.id)
            .where(PhoneRow.number == stored_form(number), PhoneRow.state.not_in(("wrong_person", "unallocated")))
            .order_by(CustomerRow.account)
            .limit(MOST_SHARING)
        )
        async with self._store.reading() as session:
            return tuple(customer for _, customer in await _customers(session, query))

    async def pages(self, page: int = PAGE) -> AsyncIterator[tuple[Customer, ...]]:
        """All customers, a page at a time, in bounded memory and with no transaction held between pages."""
        last = 0
        while True:
            query = _CUSTOMERS.where(CustomerRow.id > last).order_by(CustomerRow.id).limit(page)
            async with self._store.reading() as session:
                found = await _customers(session, query)
            if not found:
                return
            last = found[-1][0]
            yield tuple(customer for _, customer in found)

    async def count(self) -> int:
        """How many there are."""
        async with self._store.reading() as session:
            return await session.scalar(sa.select(sa.func.count()).select_from(CustomerRow)) or 0

    async def put(self, customer: Customer, *, actor: str = "goldline", why: str = "entered") -> None:
        """Add the customer, or bring the one with this account number to what is said here; journals a new tier."""
        await CustomerChanges(self._store).write([CustomerChange.whole(customer)], actor=actor, why=why)

    async def mark_phone(
        self, account: str, number: str, state: PhoneState, *, confirmed_on: datetime.date | None = None
    ) -> bool:
        """Note what has become of a customer's telephone. False when the customer has no such telephone."""
        values: dict[str, Any] = {"state": state} | ({"confirmed_on": confirmed_on} if confirmed_on else {})
        owner = sa.select(CustomerRow.id).where(CustomerRow.account == account).scalar_subquery()
        async with self._store.writing() as session:
            done = await session.execute(
                sa.update(PhoneRow)
                .where(PhoneRow.customer_id == owner, PhoneRow.number == stored_form(number))
                .values(values)
                .execution_options(synchronize_session=False)
            )
            return bool(done.rowcount)  # type: ignore[attr-defined]  # of an UPDATE there is


_CUSTOMERS: Final = sa.select(CustomerRow.id, CustomerRow.account, *(getattr(CustomerRow, name) for name in FIELDS))


async def _customers(session: AsyncSession, query: Any) -> list[tuple[int, Customer]]:
    rows = (await session.execute(query)).all()
    phones: dict[int, list[Phone]] = {row[0]: [] for row in rows}
    columns = sa.select(PhoneRow.customer_id, PhoneRow.number, PhoneRow.state, PhoneRow.confirmed_on)
    if phones:
        for owner, number, state, confirmed_on in await session.execute(
            columns.where(PhoneRow.customer_id.in_(list(phones))).order_by(PhoneRow.customer_id, PhoneRow.rank)
        ):
            phones[owner].append(Phone(number, state, confirmed_on))  # type: ignore[arg-type]  # the table's own check
    return [(row[0], _customer(row, tuple(phones[row[0]]))) for row in rows]


def _customer(row: Any, phones: tuple[Phone, ...]) -> Customer:
    said = dict(zip(FIELDS, row[2:], strict=True))
    said["branch"] = said["branch"] or ""
    return Customer(account=row[1], phones=phones, **said)
