"""Requests of customers to have a telephone, an e-mail or an address changed: asked in a call, decided by a clerk.

A number is keyed in; an e-mail or an address is spoken, and the clerk types what he hears.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit, ticket_numbers
from db.account_locks import held_account, unlocked_account
from db.audit import AuditEntry
from db.customer import brokerage_day
from db.events import utcnow
from db.models import ChangeRequestRow, CustomerRow, PhoneRow
from db.store import Store
from ivr.errors import GoldlineError

Changed = Literal["phone", "email", "address"]
Dictated = Literal["email", "address"]
RequestState = Literal["waiting", "accepted", "refused"]

REQUEST_STATES: Final[tuple[RequestState, ...]] = ("waiting", "accepted", "refused")
MOST_WAITING: Final = 5  # of one customer: more wait for nobody but the clerk who must listen to them
MOST_PHONES: Final = 10  # of one customer, as in a customer file


class NoSuchRequest(GoldlineError):
    """There is no change request of this number."""

    error_id: ClassVar[str] = "no-such-request"


class RequestDecided(GoldlineError):
    """The request was accepted or refused before."""

    error_id: ClassVar[str] = "request-decided"


class RequestNotAcceptable(GoldlineError):
    """The request cannot be accepted in this way."""

    error_id: ClassVar[str] = "request-not-acceptable"


class TooManyRequests(GoldlineError):
    """As many requests of this customer wait as may."""

    error_id: ClassVar[str] = "too-many-requests"


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """One request. ``value`` is the new number, or what the clerk typed; ``recording`` is "" where nothing is said."""

    number: str
    account: str
    what: Changed
    value: str
    recording: str
    state: RequestState
    call_id: str
    opened_at: datetime.datetime
    decided_at: datetime.datetime | None = None
    clerk: str = ""
    why: str = ""


class ChangeRequests:
    """The requests. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def request_phone(self, customer: int, number: str, *, call_id: str) -> ChangeRequest:
        """Ask that ``number`` (in stored form) becomes the customer's first telephone.

        Asked twice, it is one request. Raises AccountLocked, TooManyRequests.
        """
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            waiting = (ChangeRequestRow.customer_id == customer, ChangeRequestRow.state == "waiting")
            same = (ChangeRequestRow.what == "phone", ChangeRequestRow.value == number)
            row = await session.scalar(sa.select(ChangeRequestRow).where(*waiting, *same).limit(1))
            if row is not None:
                return _request(row, account)
            return await _opened(session, customer, account, "phone", call_id, value=number)

    async def request_dictated(self, customer: int, what: Dictated, *, call_id: str) -> ChangeRequest:
        """Ask for a change that the caller is about to speak. Raises AccountLocked, TooManyRequests."""
        async with self._store.writing() as session:
            account = await unlocked_account(session, customer)
            recording = ticket_numbers.recording_name()
            return await _opened(session, customer, account, what, call_id, recording=recording)

    async def state(self, number: str) -> RequestState | None:
        """Where the request of this number is; None when there is none."""
        async with self._store.reading() as session:
            return await session.scalar(  # type: ignore[no-any-return]  # the table's own check
                sa.select(ChangeRequestRow.state).where(ChangeRequestRow.number == number)
            )

    async def get(self, number: str) -> ChangeRequest:
        """The request of this number. Raises NoSuchRequest."""
        async with self._store.reading() as session:
            return _request(*await _found(session, number))

    async def listed(self, states: Collection[RequestState], most: int) -> tuple[ChangeRequest, ...]:
        """Requests in these states, the oldest first."""
        query = (
            _REQUESTS.where(ChangeRequestRow.state.in_(states))
            .order_by(ChangeRequestRow.opened_at, ChangeRequestRow.id)
            .limit(most)
        )
        async with self._store.reading() as session:
            return tuple(_request(row, account) for row, account in (await session.execute(query)).all())

    async def accept(self, number: str, *, actor: str, value: str = "") -> ChangeRequest:
        """Change the customer. ``value`` is what the clerk heard; a telephone was keyed in and needs none.

        The new telephone becomes the first, good and confirmed today. Raises NoSuchRequest, RequestDecided,
        RequestNotAcceptable.
        """
        async with self._store.writing() as session:
            row, account = await _undecided(session, number)
            if row.what == "phone":
                if value:
                    raise RequestNotAcceptable(
                        "The new telephone number was keyed in by the customer.", remedy="Accept it without a value."
                    )
                before: Any = await _put_phone(session, row.customer_id, row.value)
            else:
                if not value:
                    raise RequestNotAcceptable(
                        f"What is the new {row.what}?", remedy="Listen to the recording and type it behind the number."
                    )
                row.value = value
                before = await _put_text(session, row.customer_id, row.what, value)
            return await _decided(session, row, account, "accepted", actor, data={"from": before, "to": row.value})

    async def refuse(self, number: str, *, actor: str, why: str) -> ChangeRequest:
        """Leave the customer as it is. Raises NoSuchRequest, RequestDecided."""
        async with self._store.writing() as session:
            row, account = await _undecided(session, number)
            row.why = why
            return await _decided(session, row, account, "refused", actor, data={"why": why})


async def _opened(
    session: AsyncSession,
    customer: int,
    account: str,
    what: Changed,
    call_id: str,
    value: str = "",
    recording: str = "",
) -> ChangeRequest:
    waiting = (ChangeRequestRow.customer_id == customer, ChangeRequestRow.state == "waiting")
    if (await session.scalar(sa.select(sa.func.count(ChangeRequestRow.id)).where(*waiting)) or 0) >= MOST_WAITING:
        raise TooManyRequests(
            f"{MOST_WAITING} requests of customer {customer} wait.", remedy="Decide them with `ivr desk changes`."
        )
    row = ChangeRequestRow(
        number=await ticket_numbers.draw(session),
        customer_id=customer,
        what=what,
        value=value,
        recording=recording,
        state="waiting",
        call_id=call_id,
        opened_at=utcnow(),
        clerk="",
        why="",
    )
    session.add(row)
    data = {"ticket": row.number, "what": what, "value": value}
    await audit.append(session, [AuditEntry(call_id, "change.requested", account, data)])
    return _request(row, account)


async def _undecided(session: AsyncSession, number: str) -> tuple[ChangeRequestRow, str]:
    query = sa.select(ChangeRequestRow.customer_id).where(ChangeRequestRow.number == number).with_for_update()
    customer = await session.scalar(query)
    if customer is not None:
        await held_account(session, customer)
    row, account = await _found(session, number)
    if row.state != "waiting":
        raise RequestDecided(
            f"Request {number} was {row.state} by {row.clerk}.", remedy="The customer may ask again by telephone."
        )
    return row, account


async def _decided(
    session: AsyncSession, row: ChangeRequestRow, account: str, state: RequestState, actor: str, data: dict[str, Any]
) -> ChangeRequest:
    row.state, row.clerk, row.decided_at = state, actor, utcnow()
    data = {"ticket": row.number, "what": row.what, **data}
    await audit.append(session, [AuditEntry(actor, f"change.{state}", account, data)])
    return _request(row, account)


async def _put_phone(session: AsyncSession, customer: int, number: str) -> list[str]:
    """Make it the first of the customer's telephones; returns those there were, the first one first."""
    query = sa.select(PhoneRow).where(PhoneRow.customer_id == customer).order_by(PhoneRow.rank)
    phones = list(await session.scalars(query))
    before = [phone.number for phone in phones]
    new = next((phone for phone in phones if phone.number == number), None)
    if new is None:
        if len(phones) >= MOST_PHONES:
            raise RequestNotAcceptable(
                f"The customer has {MOST_PHONES} telephones already.",
                remedy="Import the customer with fewer of them first (`ivr customers import`).",
            )
        new = PhoneRow(customer_id=customer, number=number)
        session.add(new)
    new.state, new.confirmed_on = "good", brokerage_day(utcnow())
    for rank, phone in enumerate((new, *(phone for phone in phones if phone is not new))):
        phone.rank = rank
    return before


async def _put_text(session: AsyncSession, customer: int, what: str, value: str) -> str:
    column = CustomerRow.email if what == "email" else CustomerRow.address
    before = await session.scalar(sa.select(column).where(CustomerRow.id == customer)) or ""
    await session.execute(
        sa.update(CustomerRow)
        .where(CustomerRow.id == customer)
        .values({column: value})
        .execution_options(synchronize_session=False)
    )
    return before


async def _found(session: AsyncSession, number: str) -> tuple[ChangeRequestRow, str]:
    found = (await session.execute(_REQUESTS.where(ChangeRequestRow.number == number))).one_or_none()
    if found is None:
        raise NoSuchRequest(
            f"There is no change request {number}.", remedy="Check the digits; `ivr desk changes list` shows them all."
        )
    return found[0], found[1]


def _request(row: ChangeRequestRow, account: str) -> ChangeRequest:
    return ChangeRequest(
        row.number,
        account,
        row.what,  # type: ignore[arg-type]  # the table's own check keeps it to these words
        row.value,
        row.recording,
        row.state,  # type: ignore[arg-type]
        row.call_id,
        row.opened_at,
        row.decided_at,
        row.clerk,
        row.why,
    )


_REQUESTS: Final = sa.select(ChangeRequestRow, CustomerRow.account).join(
    CustomerRow, CustomerRow.id == ChangeRequestRow.customer_id
)
