"""Appointments: a customer's seat in a slot. The last seat goes to one of two callers, never to both."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa

from db import audit
from db.account_locks import unlocked_account
from db.audit import AuditEntry
from db.models import AppointmentRow, BranchRow, CustomerRow, SlotRow
from db.store import Store
from ivr.errors import GoldlineError

With = Literal["branch", "adviser"]

MOST_AHEAD: Final = 3  # appointments of one customer: seats are few, and who takes many comes to none


class SlotTaken(GoldlineError):
    """The slot has no seat left, has begun, or is none of the customer's branch."""

    error_id: ClassVar[str] = "slot-taken"


class TooManyAppointments(GoldlineError):
    """The customer has as many appointments ahead as one may have."""

    error_id: ClassVar[str] = "too-many-appointments"


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat that can be taken or is: ``slot`` is the store's own number of its slot."""

    slot: int
    starts_at: datetime.datetime
    minutes: int
    branch_zh: str
    branch_en: str
    adviser_zh: str  # "": at the branch, with whoever is there
    adviser_en: str


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as the branch sees it."""

    account: str
    name: str
    seat: Seat


class Appointments:
    """The appointments. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def next_free(self, customer: int, with_: With, *, after: int, now: datetime.datetime) -> Seat | None:
        """The next free slot of the customer's branch behind slot ``after`` (0: the first); None: there is no more.

        By its start, so that seats that others take meanwhile make nobody skip one.
        """
        mine = sa.select(AppointmentRow.slot_id).where(*_ahead(customer))
        query = (
            _SEATS.join(CustomerRow, CustomerRow.branch == SlotRow.branch)
            .where(
                CustomerRow.id == customer,
                SlotRow.starts_at > now,
                SlotRow.booked < SlotRow.capacity,
                SlotRow.adviser == "" if with_ == "branch" else SlotRow.adviser != "",
                SlotRow.id.not_in(mine),
            )
            .order_by(SlotRow.starts_at, SlotRow.id)
            .limit(1)
        )
        return await self._first_behind(query, after)

    async def book(self, customer: int, slot: int, *, call_id: str, now: datetime.datetime) -> Seat:
        """Take a seat in exactly this slot; taken twice it is one seat.

        Raises SlotTaken, TooManyAppointments, AccountLocked.
        """
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            row = (
                await session.execute(
                    _SEATS.join(CustomerRow, CustomerRow.branch == SlotRow.branch).where(
                        CustomerRow.id == customer, SlotRow.id == slot, SlotRow.starts_at > now
                    )
                )
            ).one_or_none()
            if row is None:
                raise _taken(slot)
            ahead = set(
                await session.scalars(
                    sa.select(AppointmentRow.slot_id)
                    .join(SlotRow, SlotRow.id == AppointmentRow.slot_id)
                    .where(*_ahead(customer), SlotRow.starts_at > now)
                )
            )
            if slot in ahead:
                return Seat(*row)
            if len(ahead) >= MOST_AHEAD:
                raise TooManyAppointments(
                    f"Customer {customer} has {len(ahead)} appointments ahead.", remedy="Cancel one of them first."
                )
            # Whoever comes second waits for the first one's row and then finds no seat (both databases).
            seated = await session.scalar(
                sa.update(SlotRow)
                .where(SlotRow.id == slot, SlotRow.booked < SlotRow.capacity)
                .values(booked=SlotRow.booked + 1)
                .returning(SlotRow.id)
                .execution_options(synchronize_session=False)
            )
            if seated is None:
                raise _taken(slot)
            session.add(AppointmentRow(slot_id=slot, customer_id=customer, call_id=call_id, booked_at=now))
            data = {"slot": slot, "starts_at": row.starts_at.isoformat()}
            await audit.append(session, [AuditEntry(call_id, "appointment.booked", account, data)])
            return Seat(*row)

    async def mine(self, customer: int, *, after: int, now: datetime.datetime) -> Seat | None:
        """The customer's next appointment behind slot ``after`` (0: the first); None: there is no more."""
        query = (
            _SEATS.join(AppointmentRow, AppointmentRow.slot_id == SlotRow.id)
            .where(*_ahead(customer), SlotRow.starts_at > now)
            .order_by(SlotRow.starts_at, SlotRow.id)
            .limit(1)
        )
        return await self._first_behind(query, after)

    async def cancel(self, customer: int, slot: int, *, call_id: str, now: datetime.datetime) -> bool:
        """Leave the seat to others; False when the customer has none in this slot. Raises AccountLocked."""
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            left = await session.scalar(
                sa.update(AppointmentRow)
                .where(
                    *_ahead(customer),
                    AppointmentRow.slot_id == slot,
                    sa.exists().where(SlotRow.id == slot, SlotRow.starts_at > now),
                )
                .values(cancelled_at=now)
                .returning(AppointmentRow.id)
                .execution_options(synchronize_session=False)
            )
            if left is None:
                return False
            await session.execute(
                sa.update(SlotRow)
                .where(SlotRow.id == slot)
                .values(booked=SlotRow.booked - 1)
                .execution_options(synchronize_session=False)
            )
            await audit.append(session, [AuditEntry(call_id, "appointment.cancelled", account, {"slot": slot})])
            return True

    async def ahead(self, now: datetime.datetime, *, branch: str = "", most: int = 100) -> tuple[Visit, ...]:
        """Who comes after ``now``, to one branch or to all, the next one first."""
        query = (
            _SEATS.add_columns(CustomerRow.account, CustomerRow.name_zh, CustomerRow.name_en)
            .join(AppointmentRow, AppointmentRow.slot_id == SlotRow.id)
            .join(CustomerRow, CustomerRow.id == AppointmentRow.customer_id)
            .where(AppointmentRow.cancelled_at.is_(None), SlotRow.starts_at > now)
            .order_by(SlotRow.starts_at, SlotRow.id, AppointmentRow.id)
            .limit(most)
        )
        if branch:
            query = query.where(SlotRow.branch == branch)
        async with self._store.reading() as session:
            rows: Sequence[Any] = (await session.execute(query)).all()
        return tuple(Visit(row.account, row.name_zh or row.name_en, Seat(*row[:7])) for row in rows)

    async def _first_behind(self, query: Any, after: int) -> Seat | None:
        async with self._store.reading() as session:
            if after:
                start = await session.scalar(sa.select(SlotRow.starts_at).where(SlotRow.id == after))
                if start is not None:
                    later = SlotRow.starts_at > start
                    query = query.where(sa.or_(later, sa.and_(SlotRow.starts_at == start, SlotRow.id > after)))
            row = (await session.execute(query)).one_or_none()
            return None if row is None else Seat(*row)


def _ahead(customer: int) -> tuple[Any, ...]:
    return AppointmentRow.customer_id == customer, AppointmentRow.cancelled_at.is_(None)


def _taken(slot: int) -> SlotTaken:
    return SlotTaken(f"Slot {slot} has no seat for this customer.", remedy="Offer the next one.")


_SEATS: Final = sa.select(
    SlotRow.id,
    SlotRow.starts_at,
    SlotRow.minutes,
    BranchRow.name_zh,
    BranchRow.name_en,
    SlotRow.adviser_zh,
    SlotRow.adviser_en,
).join(BranchRow, BranchRow.code == SlotRow.branch)
