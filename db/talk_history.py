"""What an agent should know who talks to a customer: the latest talks of all campaigns, and tickets that are open."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from db.attempt import NOT_DIALLED
from db.models import AttemptRow, CampaignRow, TicketRow
from db.store import Store

MOST: Final = 5
TALKED: Final = "reached"  # the outcome of a talk (outbound.outcomes)
OPEN_TICKETS: Final = ("open", "in_hand")


@dataclass(frozen=True, slots=True)
class PastTalk:
    """One attempt of the past, whether it reached the customer or not."""

    attempt: int
    campaign: str
    title: str
    at: datetime.datetime | None  # when the number was dialled
    outcome: str
    disposition: str
    agent: str
    note: str


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """One ticket that nobody has answered yet."""

    number: str
    kind: str
    state: str
    opened_at: datetime.datetime


class TalkHistory:
    """Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_customer(self, customer: int, *, but: int = 0, most: int = MOST) -> tuple[PastTalk, ...]:
        """The latest attempts to reach this customer, newest first, without the attempt ``but``."""
        return await self._past(AttemptRow.customer_id == customer, but, most)

    async def of_target(self, target: int, *, but: int = 0, most: int = MOST) -> tuple[PastTalk, ...]:
        """The same of a target: for who is no customer."""
        return await self._past(AttemptRow.target_id == target, but, most)

    async def open_tickets(self, customer: int, most: int = MOST) -> tuple[OpenTicket, ...]:
        """The customer's tickets that are not answered, newest first."""
        query = (
            sa.select(TicketRow.number, TicketRow.kind, TicketRow.state, TicketRow.opened_at)
            .where(TicketRow.customer_id == customer, TicketRow.state.in_(OPEN_TICKETS))
            .order_by(TicketRow.opened_at.desc())
            .limit(most)
        )
        async with self._store.reading() as session:
            return tuple(OpenTicket(*row) for row in await session.execute(query))

    async def unsettled(
        self, campaign: str, *, since: datetime.datetime, until: datetime.datetime, most: int = 100
    ) -> tuple[int, ...]:
        """Attempts of a campaign in which an agent talked, that ended in this time, and of which nobody said what came
        of them."""
        query = (
            sa.select(AttemptRow.id)
            .where(
                AttemptRow.campaign == campaign,
                AttemptRow.ended_at >= since,
                AttemptRow.ended_at < until,
                AttemptRow.agent != "",
                AttemptRow.outcome == TALKED,
                AttemptRow.disposition == "",
            )
            .order_by(AttemptRow.ended_at)
            .limit(most)
        )
        async with self._store.reading() as session:
            return tuple(await session.scalars(query))

    async def _past(self, whose: sa.ColumnElement[bool], but: int, most: int) -> tuple[PastTalk, ...]:
        columns = (
            AttemptRow.id,
            AttemptRow.campaign,
            CampaignRow.title,
            AttemptRow.dialled_at,
            AttemptRow.outcome,
            AttemptRow.disposition,
            AttemptRow.agent,
            AttemptRow.note,
        )
        query = (
            sa.select(*columns)
            .join(CampaignRow, CampaignRow.name == AttemptRow.campaign)
            .where(whose, AttemptRow.id != but, AttemptRow.dialled_at.is_not(None), AttemptRow.outcome != NOT_DIALLED)
            .order_by(AttemptRow.dialled_at.desc(), AttemptRow.id.desc())
            .limit(most)
        )
        async with self._store.reading() as session:
            return tuple(PastTalk(*row) for row in await session.execute(query))
