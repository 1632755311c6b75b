"""Numbers that we do not call, whoever asks for it: a caller who said so, the national platform, a court.

A customer's own wish (``db.wishes``) counts for all telephones of that customer. Both are asked for in one place, so
that nobody who dials can forget one of them. Every change has its entry in the audit trail.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from db import audit
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import CustomerRow, DoNotCallRow, PhoneRow
from db.store import Store

CUSTOMERS_WISH: Final = "the customer's wish"
_AT_ONCE: Final = 500  # rows of one statement: SQLite takes 32,766 values


class NotListed(StoreError):
    """The number is not on the list."""

    error_id: ClassVar[str] = "not-listed"

    def __init__(self, number: str) -> None:
        super().__init__(
            f"{number} is not on the do-not-call list.",
            remedy="`ivr donotcall list` shows the list; a customer's own wish is taken back by the customer.",
        )


@dataclass(frozen=True, slots=True)
class DoNotCallEntry:
    """One number, as ``db.phone_numbers.stored_form`` writes it, and why it is not called."""

    number: str
    why: str
    since: datetime.datetime = field(default_factory=utcnow)
    actor: str = ""  # who put it there; given by the list


class DoNotCall:
    """The list. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    async def add(self, entries: Sequence[DoNotCallEntry], *, actor: str) -> int:
        """Put numbers on the list, all or none; how many were new. One that is there stays as it is."""
        new: list[str] = []
        async with self._store.writing() as session:
            for at in range(0, len(entries), _AT_ONCE):
                rows = [
                    {"number": one.number, "since": one.since, "why": one.why, "actor": actor}
                    for one in entries[at : at + _AT_ONCE]
                ]
                insert = self._insert(DoNotCallRow).values(rows).on_conflict_do_nothing(index_elements=["number"])
                new += (await session.scalars(insert.returning(DoNotCallRow.number))).all()
            reasons = {one.number: one.why for one in entries}
            data = ({"number": number, "why": reasons[number]} for number in new)
            await audit.append(session, [AuditEntry(actor, "do_not_call.added", data=one) for one in data])
        return len(new)

    async def remove(self, number: str, *, actor: str, why: str) -> None:
        """This number may be called again. Raises NotListed."""
        delete = sa.delete(DoNotCallRow).where(DoNotCallRow.number == number).returning(DoNotCallRow.number)
        async with self._store.writing() as session:
            if await session.scalar(delete) is None:
                raise NotListed(number)
            await audit.append(session, [AuditEntry(actor, "do_not_call.removed", data={"number": number, "why": why})])

    async def all(self, most: int = 1000) -> tuple[DoNotCallEntry, ...]:
        """The list, newest first; without customers' wishes, which stand with the customers."""
        query = sa.select(DoNotCallRow).order_by(DoNotCallRow.since.desc(), DoNotCallRow.number).limit(most)
        async with self._store.reading() as session:
            rows = await session.scalars(query)
            return tuple(DoNotCallEntry(row.number, row.why, row.since, row.actor) for row in rows)

    async def reason(self, number: str) -> str:
        """Why this number is not called; "": it may be. A customer's wish counts for each of their telephones."""
        async with self._store.reading() as session:
            why = await session.scalar(sa.select(DoNotCallRow.why).where(DoNotCallRow.number == number))
            if why is not None:
                return why or "on the list"
            wished = await session.scalar(sa.select(_wish_for(sa.literal(number))))
            return CUSTOMERS_WISH if wished else ""


def is_forbidden(number: Any) -> sa.ColumnElement[bool]:
    """In a query: the number in this column must not be called."""
    listed = sa.select(DoNotCallRow.number).where(DoNotCallRow.number == number).exists()
    return sa.or_(listed, _wish_for(number))


def _wish_for(number: Any) -> sa.ColumnElement[bool]:
    return (
        sa.select(PhoneRow.id)
        .join(CustomerRow, CustomerRow.id == PhoneRow.customer_id)
        .where(PhoneRow.number == number, CustomerRow.do_not_call)
        .exists()
    )
