"""Customers' PINs: set and checked, never read. Only an argon2id hash is kept, in a table of its own.

Hashing is slow on purpose, so it runs in a few threads of its own, off the event loop; while all are busy the next
check waits its turn. No PIN stands in an error, a log line or an audit entry.

With a pepper, a secret outside the database, a PIN is keyed before it is hashed: six digits are found from a hash
alone in hours, whatever its parameters, and not at all without the pepper. Losing it voids every PIN.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Final, TypeVar

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit
from db.account_locks import CustomerGone, unlocked_account
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import CustomerRow, PhoneRow, PinRow
from db.store import Store
from db.tier_changes import NoSuchCustomer
from ivr.errors import GoldlineError

DIGITS: Final = 6  # what Chinese banks and brokerages ask for
AT_ONCE: Final = 2  # hashes computed at once; each takes some 20 ms of a core and 19 MiB

# OWASP Password Storage Cheat Sheet: argon2id with m=19 MiB, t=2, p=1. Against somebody who holds the database, six
# digits fall under any parameters (hence the pepper); these keep a check cheap enough for a full hotline.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_FORM: Final = re.compile(rf"[0-9]{{{DIGITS}}}")
_UP, _DOWN = "01234567890123456789", "98765432109876543210"

T = TypeVar("T")


class PinRefused(GoldlineError):
    """A PIN that is too easy to guess, or none at all. The message never holds it."""

    error_id: ClassVar[str] = "pin-refused"


def weakness(pin: str, *known: str) -> str:
    """Why this PIN is refused; empty when it is good. ``known``: account and telephone numbers, which guessers try."""
    if not _FORM.fullmatch(pin):
        return f"A PIN has {DIGITS} digits."
    if len(set(pin)) <= 2:
        return "A PIN of one or two different digits is guessed at once."
    if pin in _UP or pin in _DOWN:
        return "Digits in a row are guessed at once."
    if pin == pin[: DIGITS // 2] * 2:
        return "Twice the same digits are guessed at once."
    if any(pin in number for number in known):
        return "A part of the account or telephone number is guessed at once."
    return ""


class Pins:
    """The PINs. Every method raises StoreError when the database refuses or is away."""

    def __init__(
        self, store: Store, pepper: bytes = b"", hasher: PasswordHasher = HASHER, at_once: int = AT_ONCE
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="pin")
        self._decoy = ""  # a hash of nothing: checking an unknown account takes as long as checking a known one

    def close(self) -> None:
        """End the threads; checks that have not begun are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def set_pin(self, account: str, pin: str, *, actor: str) -> None:
        """Set or change the PIN at the desk. Raises PinRefused, NoSuchCustomer."""
        async with self._store.reading() as session:
            customer = await session.scalar(sa.select(CustomerRow.id).where(CustomerRow.account == account))
        if customer is None:
            raise NoSuchCustomer(account)
        hashed = await self._hashed(customer, account, pin)
        async with self._store.writing() as session:
            await _put(session, customer, account, hashed, actor)

    async def change_pin(self, customer: int, pin: str, *, actor: str) -> None:
        """The customer's own wish, by telephone. Raises PinRefused, CustomerGone, AccountLocked."""
        async with self._store.reading() as session:
            account = await session.scalar(sa.select(CustomerRow.account).where(CustomerRow.id == customer))
        if account is None:
            raise CustomerGone(customer)
        hashed = await self._hashed(customer, account, pin)
        async with self._store.writing() as session:
            await _put(session, customer, await unlocked_account(session, customer), hashed, actor)

    async def check_pin(self, account: str, pin: str) -> bool:
        """Whether this is the account's PIN. An account that is unknown or has none is never proven.

        Counts no tries: who may try how often is decided above. Renews the hash when the parameters have changed.
        """
        query = sa.select(PinRow.customer_id, PinRow.hash).join(CustomerRow, CustomerRow.id == PinRow.customer_id)
        async with self._store.reading() as session:
            row = (await session.execute(query.where(CustomerRow.account == account))).one_or_none()
        tried = self._keyed(pin) if _FORM.fullmatch(pin) else ""
        if not self._decoy:  # made before it is known who asks, or the first unknown account would take twice as long
            self._decoy = await self._in_thread(lambda: self._hasher.hash("no PIN"))
        hashed = self._decoy if row is None else row.hash
        right = await self._in_thread(lambda: self._verify(hashed, tried))
        if row is None:
            return False
        if right and self._hasher.check_needs_rehash(row.hash):
            renewed = await self._in_thread(lambda: self._hasher.hash(tried))
            async with self._store.writing() as session:
                await session.execute(
                    sa.update(PinRow)
                    .where(PinRow.customer_id == row.customer_id, PinRow.hash == row.hash)
                    .values(hash=renewed)
                    .execution_options(synchronize_session=False)
                )
        return right

    async def has_pin(self, account: str) -> bool:
        """Whether the account has a PIN at all. Not to be told to a caller who has proven nothing."""
        query = sa.select(PinRow.customer_id).join(CustomerRow, CustomerRow.id == PinRow.customer_id)
        async with self._store.reading() as session:
            return await session.scalar(query.where(CustomerRow.account == account)) is not None

    async def remove_pin(self, account: str, *, actor: str) -> None:
        """Take the PIN away: the account cannot be proven until a new one is set. Raises NoSuchCustomer."""
        async with self._store.writing() as session:
            owner = await session.scalar(sa.select(CustomerRow.id).where(CustomerRow.account == account))
            if owner is None:
                raise NoSuchCustomer(account)
            await session.execute(sa.delete(PinRow).where(PinRow.customer_id == owner))
            await audit.append(session, [AuditEntry(actor, "pin.removed", account)])

    async def _hashed(self, customer: int, account: str, pin: str) -> str:
        async with self._store.reading() as session:
            phones = list(await session.scalars(sa.select(PhoneRow.number).where(PhoneRow.customer_id == customer)))
        if reason := weakness(pin, account, *phones):
            raise PinRefused(reason, remedy="Choose another.")
        return await self._in_thread(lambda: self._hasher.hash(self._keyed(pin)))

    def _verify(self, hashed: str, pin: str) -> bool:
        try:
            return self._hasher.verify(hashed, pin)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError):
            raise StoreError(
                "A PIN in the store cannot be checked.", remedy="Have the customer set a new one."
            ) from None

    def _keyed(self, pin: str) -> str:
        return hmac.new(self._pepper, pin.encode(), hashlib.sha256).hexdigest() if self._pepper else pin

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def _put(session: AsyncSession, customer: int, account: str, hashed: str, actor: str) -> None:
    now = utcnow()
    await session.merge(PinRow(customer_id=customer, hash=hashed, changed_at=now))
    await audit.append(session, [AuditEntry(actor, "pin.set", account, {}, now)])
