"""Talks between callers and agents, as the journal tells them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from db.events import TALK_BEGAN, TALK_ENDED
from db.models import CallEventRow
from db.store import Store


@dataclass(frozen=True, slots=True)
class EndedTalk:
    """A talk that is over. ``how`` as in the journal (``db.events.TALK_ENDED``)."""

    agent: str
    seconds: float
    how: str


class Talks:
    """The talks. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def last_ended(self, call_id: str) -> EndedTalk | None:
        """The last talk of this call's caller; None when there was none, or one goes on."""
        query = (
            sa.select(CallEventRow.kind, CallEventRow.data)
            .where(CallEventRow.call_id == call_id, CallEventRow.kind.in_((TALK_BEGAN, TALK_ENDED)))
            .order_by(CallEventRow.at.desc(), CallEventRow.position.desc())
            .limit(1)
        )
        async with self._store.reading() as session:
            row = (await session.execute(query)).one_or_none()
        if row is None or row.kind != TALK_ENDED or not row.data.get("agent"):
            return None
        seconds = row.data.get("seconds")
        return EndedTalk(
            str(row.data["agent"]),
            float(seconds) if isinstance(seconds, int | float) else 0.0,
            str(row.data.get("how", "")),
        )
