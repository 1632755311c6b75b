"""Urgent locks of accounts: set by the customer in a call, lifted by a clerk.

A locked customer may prove who they are and hear what everybody hears; nothing of theirs is changed by telephone.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import AccountLockRow, CustomerRow
from db.store import Store
from db.tier_changes import NoSuchCustomer
from ivr.errors import GoldlineError

How = Literal["call", "desk"]


class CustomerGone(StoreError):
    """The store has no customer of this number any more."""

    error_id: ClassVar[str] = "customer-gone"

    def __init__(self, customer: int) -> None:
        super().__init__(f"Customer {customer} is no longer in the store.", remedy="Ask who took the customer out.")


class AccountLocked(GoldlineError):
    """The customer's account is locked: nothing of theirs may be changed by telephone."""

    error_id: ClassVar[str] = "account-locked"

    def __init__(self, customer: int) -> None:
        super().__init__(f"The account of customer {customer} is locked.", remedy="`ivr desk locks lift` lifts it.")


class NotLocked(GoldlineError):
    """There is no lock to lift."""

    error_id: ClassVar[str] = "not-locked"


@dataclass(frozen=True, slots=True)
class AccountLock:
    """One lock. ``how``: by the customer in a call, or at the desk."""

    account: str
    locked_at: datetime.datetime
    locked_by: str
    how: How


class AccountLocks:
    """The locks. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def lock(self, customer: int, *, actor: str, how: How) -> bool:
        """Lock the account of this customer; False when it is locked already. Raises CustomerGone."""
        async with self._store.writing() as session:
            account = await held_account(session, customer)
            if await _is_locked(session, customer):
                return False
            session.add(
                AccountLockRow(customer_id=customer, locked_at=utcnow(), locked_by=actor, how=how, lifted_by="", why="")
            )
            await audit.append(session, [AuditEntry(actor, "account.locked", account, {"how": how})])
        return True

    async def lift(self, account: str, *, actor: str, why: str) -> None:
        """Lift the lock of this account. Raises NoSuchCustomer, NotLocked."""
        async with self._store.writing() as session:
            customer = await session.scalar(sa.select(CustomerRow.id).where(CustomerRow.account == account))
            if customer is None:
                raise NoSuchCustomer(account)
            await held_account(session, customer)
            row = await session.scalar(sa.select(AccountLockRow).where(*_in_force(customer)))
            if row is None:
                raise NotLocked("This account is not locked.", remedy="`ivr desk locks list` shows those that are.")
            row.lifted_at, row.lifted_by, row.why = utcnow(), actor, why
            await audit.append(session, [AuditEntry(actor, "account.unlocked", account, {"why": why})])

    async def is_locked(self, customer: int) -> bool:
        """Whether the account of this customer is locked now."""
        async with self._store.reading() as session:
            return await _is_locked(session, customer)

    async def in_force(self) -> tuple[AccountLock, ...]:
        """All locks that are in force, the oldest first."""
        query = (
            sa.select(CustomerRow.account, AccountLockRow)
            .join(CustomerRow, CustomerRow.id == AccountLockRow.customer_id)
            .where(AccountLockRow.lifted_at.is_(None))
            .order_by(AccountLockRow.locked_at, AccountLockRow.id)
        )
        async with self._store.reading() as session:
            return tuple(
                AccountLock(account, row.locked_at, row.locked_by, row.how)  # type: ignore[arg-type]  # table's check
                for account, row in (await session.execute(query)).all()
            )


async def held_account(session: AsyncSession, customer: int) -> str:
    """The account number of a customer, whose row nobody else changes until the transaction ends.

    Raises CustomerGone.
    """
    account = await session.scalar(_ACCOUNT.where(CustomerRow.id == customer).with_for_update())
    if account is None:
        raise CustomerGone(customer)
    return account


async def unlocked_account(session: AsyncSession, customer: int) -> str:
    """The same for a customer who wishes something changed. Raises AccountLocked as well."""
    account = await held_account(session, customer)
    if await _is_locked(session, customer):
        raise AccountLocked(customer)
    return account


async def _is_locked(session: AsyncSession, customer: int) -> bool:
    return await session.scalar(sa.select(AccountLockRow.id).where(*_in_force(customer))) is not None


def _in_force(customer: int) -> tuple[Any, ...]:
    return AccountLockRow.customer_id == customer, AccountLockRow.lifted_at.is_(None)


_ACCOUNT: Final = sa.select(CustomerRow.account)
