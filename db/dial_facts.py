"""All that decides whether a target may be dialled at this moment, read anew each time: telephones and their states,
wishes and lists, quiet hours, and every dial of the past. A few looks into indices, however many targets at once.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from db.attempt import PastDial
from db.attempts import Attempts
from db.customer import Phone
from db.do_not_call import CUSTOMERS_WISH
from db.models import CustomerRow, DoNotCallRow, PhoneRow
from db.store import Store
from db.target import Target


@dataclass(frozen=True, slots=True)
class DialFacts:
    """What is known of one target. ``past``: dials of its numbers, and of its customer at any number, oldest first."""

    target: Target
    phones: tuple[Phone, ...]
    do_not_call: Mapping[str, str] = field(default_factory=dict)  # by number: why it must not be called
    quiet: tuple[datetime.time, datetime.time] | None = None  # from, until: the customer's wish
    past: tuple[PastDial, ...] = ()


async def facts_of(store: Store, targets: Sequence[Target], since: datetime.datetime) -> tuple[DialFacts, ...]:
    """The facts of these targets, in their order; the past is told from ``since`` on. Raises StoreError."""
    customers = [one.customer for one in targets if one.customer is not None]
    phones: dict[int, list[Phone]] = {}
    wishes: dict[int, bool] = {}
    quiet: dict[int, tuple[datetime.time, datetime.time]] = {}
    async with store.reading() as session:
        if customers:
            columns = sa.select(PhoneRow.customer_id, PhoneRow.number, PhoneRow.state, PhoneRow.confirmed_on)
            for owner, number, state, confirmed in await session.execute(
                columns.where(PhoneRow.customer_id.in_(customers)).order_by(PhoneRow.customer_id, PhoneRow.rank)
            ):
                phones.setdefault(owner, []).append(Phone(number, state, confirmed))  # type: ignore[arg-type]
            who = sa.select(CustomerRow.id, CustomerRow.do_not_call, CustomerRow.quiet_from, CustomerRow.quiet_until)
            for id_, wish, quiet_from, quiet_until in await session.execute(who.where(CustomerRow.id.in_(customers))):
                wishes[id_] = wish
                if quiet_from is not None and quiet_until is not None:
                    quiet[id_] = (quiet_from, quiet_until)
        theirs = {one.id: _phones(one, phones) for one in targets}
        numbers = {phone.number for found in theirs.values() for phone in found}
        listed = sa.select(DoNotCallRow.number, DoNotCallRow.why).where(DoNotCallRow.number.in_(list(numbers)))
        lists = {number: why or "on the list" for number, why in await session.execute(listed)}
        wished = (
            sa.select(PhoneRow.number)
            .join(CustomerRow, CustomerRow.id == PhoneRow.customer_id)
            .where(PhoneRow.number.in_(list(numbers)), CustomerRow.do_not_call)
        )
        lists |= {number: CUSTOMERS_WISH for number in await session.scalars(wished) if number not in lists}
    past = await Attempts(store).history(numbers, customers, since)
    return tuple(_facts(one, theirs[one.id], lists, wishes, quiet, past) for one in targets)


def _facts(
    one: Target,
    phones: tuple[Phone, ...],
    lists: Mapping[str, str],
    wishes: Mapping[int, bool],
    quiet: Mapping[int, tuple[datetime.time, datetime.time]],
    past: Sequence[PastDial],
) -> DialFacts:
    numbers = {phone.number for phone in phones}
    wish = CUSTOMERS_WISH if one.customer is not None and wishes.get(one.customer) else ""
    return DialFacts(
        target=one,
        phones=phones,
        do_not_call={number: why for number in numbers if (why := lists.get(number) or wish)},
        quiet=quiet.get(one.customer) if one.customer is not None else None,
        past=tuple(
            dial
            for dial in past
            if dial.number in numbers or (one.customer is not None and dial.customer == one.customer)
        ),
    )


def _phones(one: Target, phones: Mapping[int, Sequence[Phone]]) -> tuple[Phone, ...]:
    if one.customer is not None:
        return tuple(phones.get(one.customer, ()))
    return tuple(Phone(number) for number in one.numbers)
