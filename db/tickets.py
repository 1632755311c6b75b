"""Tickets: complaints and suggestions, spoken by callers, worked on by clerks.

The ticket is written before the caller speaks and names the recording, so that words survive a caller who hangs up.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit, ticket_numbers
from db.audit import AuditEntry
from db.events import utcnow
from db.models import CustomerRow, TicketRow
from db.store import Store
from ivr.errors import GoldlineError

TicketKind = Literal["complaint", "suggestion"]
TicketState = Literal["open", "in_hand", "answered", "closed"]

TICKET_STATES: Final[tuple[TicketState, ...]] = ("open", "in_hand", "answered", "closed")
MOST_PER_CALL: Final = 5  # nobody has six complaints in one call; a machine that dials us has

# From which states each step may be taken. A colleague may take a ticket over, and an answer may be bettered.
MAY_BE_TAKEN: Final = frozenset({"open", "in_hand"})
MAY_BE_ANSWERED: Final = frozenset({"open", "in_hand", "answered"})
MAY_BE_CLOSED: Final = frozenset({"open", "in_hand", "answered"})


class NoSuchTicket(GoldlineError):
    """There is no ticket of this number."""

    error_id: ClassVar[str] = "no-such-ticket"


class WrongTicketState(GoldlineError):
    """The ticket is no longer where this step can be taken."""

    error_id: ClassVar[str] = "wrong-ticket-state"


class TooManyTickets(GoldlineError):
    """One call has opened as many tickets as a call may."""

    error_id: ClassVar[str] = "too-many-tickets"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket. ``caller`` is the caller ID, a hint; ``account`` is "" for a caller who had proven nothing."""

    number: str
    kind: TicketKind
    state: TicketState
    recording: str
    call_id: str
    caller: str
    language: str
    account: str
    opened_at: datetime.datetime
    changed_at: datetime.datetime
    clerk: str = ""
    answer: str = ""


class Tickets:
    """The tickets. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(
        self, kind: TicketKind, *, call_id: str, caller: str, language: str, customer: int | None = None
    ) -> Ticket:
        """A new ticket. ``customer`` is whom the caller has proven to be. Raises TooManyTickets."""
        now = utcnow()
        async with self._store.writing() as session:
            count = sa.select(sa.func.count()).select_from(TicketRow).where(TicketRow.call_id == call_id)
            if (await session.scalar(count) or 0) >= MOST_PER_CALL:
                raise TooManyTickets(
                    f"This call has opened {MOST_PER_CALL} tickets.", remedy="Let the caller speak to a person."
                )
            account = ""
            if customer is not None:
                account = await session.scalar(sa.select(CustomerRow.account).where(CustomerRow.id == customer)) or ""
            row = TicketRow(
                number=await ticket_numbers.draw(session),
                kind=kind,
                state="open",
                recording=ticket_numbers.recording_name(),
                call_id=call_id,
                caller=caller,
                language=language,
                customer_id=customer if account else None,
                opened_at=now,
                changed_at=now,
                clerk="",
                answer="",
            )
            session.add(row)
            await audit.append(session, [_entry(call_id, "ticket.opened", account, row, kind=kind)])
            return _ticket(row, account)

    async def state(self, number: str) -> TicketState | None:
        """Where the ticket of this number is; None when there is none."""
        async with self._store.reading() as session:
            return await session.scalar(  # type: ignore[no-any-return]  # the table's own check
                sa.select(TicketRow.state).where(TicketRow.number == number)
            )

    async def get(self, number: str) -> Ticket:
        """The ticket of this number. Raises NoSuchTicket."""
        async with self._store.reading() as session:
            return _ticket(*await _found(session, number))

    async def listed(self, states: Collection[TicketState], most: int) -> tuple[Ticket, ...]:
        """Tickets in these states, the oldest first."""
        query = _TICKETS.where(TicketRow.state.in_(states)).order_by(TicketRow.opened_at, TicketRow.id).limit(most)
        async with self._store.reading() as session:
            return tuple(_ticket(row, account or "") for row, account in (await session.execute(query)).all())

    async def take(self, number: str, *, actor: str) -> Ticket:
        """``actor`` has it in hand. Raises NoSuchTicket, WrongTicketState."""
        return await self._step(number, MAY_BE_TAKEN, "in_hand", "ticket.taken", actor, {"clerk": actor})

    async def answer(self, number: str, answer: str, *, actor: str) -> Ticket:
        """``answer`` was given to the caller. Raises NoSuchTicket, WrongTicketState."""
        said = {"clerk": actor, "answer": answer}
        return await self._step(number, MAY_BE_ANSWERED, "answered", "ticket.answered", actor, said)

    async def close(self, number: str, *, actor: str) -> Ticket:
        """Nothing more is to be done. Raises NoSuchTicket, WrongTicketState."""
        return await self._step(number, MAY_BE_CLOSED, "closed", "ticket.closed", actor, {})

    async def _step(
        self, number: str, allowed: frozenset[str], state: TicketState, what: str, actor: str, values: dict[str, str]
    ) -> Ticket:
        async with self._store.writing() as session:
            await session.execute(sa.select(TicketRow.id).where(TicketRow.number == number).with_for_update())
            row, account = await _found(session, number)
            if row.state not in allowed:
                raise WrongTicketState(
                    f"Ticket {number} is {row.state}.", remedy="A closed ticket stays closed: open a new one."
                )
            before = row.state
            row.state, row.changed_at = state, utcnow()
            for name, value in values.items():
                setattr(row, name, value)
            await audit.append(session, [_entry(actor, what, account, row, before=before)])
            return _ticket(row, account)


def _entry(actor: str, what: str, account: str, row: TicketRow, **data: Any) -> AuditEntry:
    return AuditEntry(actor, what, account, {"ticket": row.number, **data})


async def _found(session: AsyncSession, number: str) -> tuple[TicketRow, str]:
    found = (await session.execute(_TICKETS.where(TicketRow.number == number))).one_or_none()
    if found is None:
        raise NoSuchTicket(
            f"There is no ticket {number}.", remedy="Check the digits; `ivr desk tickets list` shows them all."
        )
    return found[0], found[1] or ""


def _ticket(row: TicketRow, account: str) -> Ticket:
    return Ticket(
        row.number,
        row.kind,  # type: ignore[arg-type]  # the table's own check keeps it to these words
        row.state,  # type: ignore[arg-type]
        row.recording,
        row.call_id,
        row.caller,
        row.language,
        account,
        row.opened_at,
        row.changed_at,
        row.clerk,
        row.answer,
    )


_TICKETS: Final = sa.select(TicketRow, CustomerRow.account).join(
    CustomerRow, CustomerRow.id == TicketRow.customer_id, isouter=True
)
