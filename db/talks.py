"""Talks between callers and agents, as the journal tells them."""

from __future__ import annotations

import sqlalchemy as sa

from db.events import TALK_BEGAN
from db.models import CallEventRow
from db.store import Store


class Talks:
    """The talks. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def last_agent(self, call_id: str) -> str | None:
        """The agent whom this call's caller talked to last; None when no talk has begun."""
        query = (
            sa.select(CallEventRow.data)
            .where(CallEventRow.call_id == call_id, CallEventRow.kind == TALK_BEGAN)
            .order_by(CallEventRow.at.desc(), CallEventRow.position.desc())
            .limit(1)
        )
        async with self._store.reading() as session:
            data = await session.scalar(query)
        return str(data["agent"]) if data and data.get("agent") else None
