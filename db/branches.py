"""The branches (营业部) of the brokerage."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from db.customer import Branch
from db.models import BranchRow
from db.store import Store


class Branches:
    """The branches. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> tuple[Branch, ...]:
        """Every branch, by code."""
        async with self._store.reading() as session:
            rows = await session.scalars(sa.select(BranchRow).order_by(BranchRow.code))
            return tuple(Branch(row.code, row.name_zh, row.name_en, row.number, row.address) for row in rows)

    async def put(self, branches: Iterable[Branch]) -> None:
        """Add these, or bring those with the same code to what is said here; all or none."""
        async with self._store.writing() as session:
            for branch in branches:
                await session.merge(
                    BranchRow(
                        code=branch.code,
                        name_zh=branch.name_zh,
                        name_en=branch.name_en,
                        number=branch.number,
                        address=branch.address,
                    )
                )
