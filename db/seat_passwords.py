"""The passwords of seats' telephones: only the digest that SIP asks for, in a table of its own.

The digest is HA1, MD5 of ``endpoint:realm:password`` (RFC 7616, section 3.4.2; RFC 3261 lets a telephone count on MD5).
Whoever holds it can register as that telephone and learns no password; passwords are made, never chosen, so that none
can be guessed from it. It belongs to the endpoint: a seat that gets another endpoint needs another password.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

import sqlalchemy as sa

from db import audit
from db.agent import SeatKind
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import SeatPasswordRow, SeatRow
from db.seats import NoSuchSeat
from db.store import Store


class NoTelephoneOfOurs(StoreError):
    """The seat is rung by its number: no telephone registers for it."""

    error_id: ClassVar[str] = "no-telephone-of-ours"

    def __init__(self, seat: str) -> None:
        super().__init__(
            f"Seat {seat} is rung by its number and has no password.",
            remedy="Softphones and browsers have passwords; `ivr seats list` shows the kinds.",
        )


@dataclass(frozen=True, slots=True)
class SeatAccount:
    """What a telephone registers with: everything that Asterisk has to know of it."""

    seat: str
    kind: SeatKind
    endpoint: str
    ha1: str = field(repr=False)


def digest_of(endpoint: str, realm: str, password: str) -> str:
    """The digest of a password, 32 hex digits."""
    return hashlib.md5(f"{endpoint}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()


class SeatPasswords:
    """The passwords. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, seat: str, password: str, *, realm: str, actor: str) -> str:
        """Give the seat's telephone this password, and its endpoint's name back: what the telephone registers as.

        Raises NoSuchSeat, NoTelephoneOfOurs.
        """
        async with self._store.writing() as session:
            row = await session.get(SeatRow, seat, with_for_update=True)
            if row is None:
                raise NoSuchSeat(seat)
            if not row.endpoint:
                raise NoTelephoneOfOurs(seat)
            endpoint, now = row.endpoint, utcnow()
            digest = digest_of(endpoint, realm, password)
            await session.merge(SeatPasswordRow(endpoint=endpoint, ha1=digest, changed_at=now))
            await audit.append(session, [AuditEntry(actor, "seat.password_set", data={"seat": seat}, at=now)])
        return endpoint

    async def remove(self, seat: str, *, actor: str) -> None:
        """Take the password away: no telephone registers for this seat any more. Raises NoSuchSeat."""
        async with self._store.writing() as session:
            row = await session.get(SeatRow, seat, with_for_update=True)
            if row is None:
                raise NoSuchSeat(seat)
            await session.execute(sa.delete(SeatPasswordRow).where(SeatPasswordRow.endpoint == row.endpoint))
            await audit.append(session, [AuditEntry(actor, "seat.password_removed", data={"seat": seat})])

    async def accounts(self) -> tuple[SeatAccount, ...]:
        """The account of every seat that has a password, by endpoint. Without a password there is none."""
        query = (
            sa.select(SeatRow.id, SeatRow.kind, SeatPasswordRow.endpoint, SeatPasswordRow.ha1)
            .join(SeatPasswordRow, SeatPasswordRow.endpoint == SeatRow.endpoint)
            .order_by(SeatRow.endpoint)
        )
        async with self._store.reading() as session:
            rows = await session.execute(query)
            return tuple(SeatAccount(row.id, row.kind, row.endpoint, row.ha1) for row in rows)
