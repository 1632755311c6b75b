"""What routing must know of a customer who wants a person: one row, as little of it as is needed."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from db.customer import Tier
from db.models import CustomerRow
from db.store import Store


@dataclass(frozen=True, slots=True)
class RoutingProfile:
    """A customer as the queue sees one. ``managers``: the dedicated manager, then who stands in; agent ids."""

    tier: Tier
    branch: str
    languages: tuple[str, ...]
    dialect: str
    managers: tuple[str, ...]
    recording_refused: bool
    name_zh: str
    name_en: str


class RoutingProfiles:
    """Customers as the queue sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, customer: int) -> RoutingProfile | None:
        """The profile of the customer with this row number; None: there is none.

        Raises StoreError when the database refuses or is away.
        """
        async with self._store.reading() as session:
            row = (await session.execute(_PROFILE.where(CustomerRow.id == customer))).one_or_none()
        if row is None:
            return None
        return RoutingProfile(
            tier=row.tier,
            branch=row.branch or "",
            languages=tuple(row.languages),
            dialect=row.dialect,
            managers=tuple(agent for agent in (row.manager, *row.backups) if agent),
            recording_refused=row.recording_refused,
            name_zh=row.name_zh,
            name_en=row.name_en,
        )


_PROFILE = sa.select(
    CustomerRow.tier,
    CustomerRow.branch,
    CustomerRow.languages,
    CustomerRow.dialect,
    CustomerRow.manager,
    CustomerRow.backups,
    CustomerRow.recording_refused,
    CustomerRow.name_zh,
    CustomerRow.name_en,
)
