"""Whose telephone is this? The one query that every call waits for, and as little of a customer as it needs.

A caller ID is a hint, never proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from db.customer import Language, Status, Tier
from db.models import CustomerRow, PhoneRow
from db.phone_numbers import stored_form
from db.store import Store

HERE: Final[tuple[Status, ...]] = ("new", "active", "dormant")  # who has closed the account, or is lost, has none
ENOUGH: Final = 2  # rows: a second one says that the telephone is nobody's in particular


@dataclass(frozen=True, slots=True)
class Recognised:
    """The customer whose telephone it seems to be. ``customer`` is the store's own number, never the account's."""

    customer: int
    tier: Tier
    status: Status
    language: Language  # the preferred one


class Recognition:
    """Customers by their telephones."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_number(self, number: str) -> Recognised | None:
        """The customer whose good telephone this is, as a trunk wrote it; None when it is nobody's or several
        people's.

        Raises StoreError when the database refuses or is away.
        """
        query = _BY_NUMBER.where(PhoneRow.number == stored_form(number))
        async with self._store.reading() as session:
            rows = (await session.execute(query)).all()
        if len(rows) != 1:
            return None
        ((customer, tier, status, languages),) = rows
        language = languages[0] if languages else "zh"
        return Recognised(customer, tier, status, language)  # type: ignore[arg-type]  # the tables' own checks


_BY_NUMBER: Final = (
    sa.select(CustomerRow.id, CustomerRow.tier, CustomerRow.status, CustomerRow.languages)
    .join(PhoneRow, PhoneRow.customer_id == CustomerRow.id)
    .where(PhoneRow.state == "good", CustomerRow.status.in_(HERE))
    .limit(ENOUGH)
)
