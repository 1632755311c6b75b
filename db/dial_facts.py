"""All that decides whether a target may be dialled at this moment, read anew each time: telephones and their states,
wishes and lists, quiet hours, and every dial of the past. A few looks into indices, however many targets at once.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.attempt import PastDial
from db.columns import UtcTime
from db.customer import Phone
from db.do_not_call import CUSTOMERS_WISH
from db.models import CustomerRow
from db.store import Store
from db.target import Target
from db.targets import next_in

MOST_PAST: Final = 2_000  # dials of some dozens of targets: caps allow some dozens to each


@dataclass(frozen=True, slots=True)
class DialFacts:
    """What is known of one target. ``past``: dials of its numbers, and of its customer at any number, oldest first."""

    target: Target
    phones: tuple[Phone, ...]
    do_not_call: Mapping[str, str] = field(default_factory=dict)  # by number: why it must not be called
    quiet: tuple[datetime.time, datetime.time] | None = None  # from, until: the customer's wish
    past: tuple[PastDial, ...] = ()


@dataclass(slots=True)
class _Customer:
    """What is read of one customer, number by number."""

    phones: list[Phone] = field(default_factory=list)
    lists: dict[str, str] = field(default_factory=dict)
    quiet: tuple[datetime.time, datetime.time] | None = None


async def next_facts(
    store: Store, campaign: str, now: datetime.datetime, most: int, since: datetime.datetime
) -> tuple[DialFacts, ...]:
    """The next ``most`` targets (``Targets.next``) with their facts, in one go. Raises StoreError."""
    async with store.reading() as session:
        return await _read(session, await next_in(session, campaign, now, most), since)


async def facts_of(store: Store, targets: Sequence[Target], since: datetime.datetime) -> tuple[DialFacts, ...]:
    """The facts of these targets, in their order; the past is told from ``since`` on. Raises StoreError."""
    async with store.reading() as session:
        return await _read(session, targets, since)


async def _read(session: AsyncSession, targets: Sequence[Target], since: datetime.datetime) -> tuple[DialFacts, ...]:
    if not targets:
        return ()
    ids = [one.customer for one in targets if one.customer is not None]
    strangers = {number for one in targets if one.customer is None for number in one.numbers}
    customers: dict[int, _Customer] = {}
    lists: dict[str, str] = {}
    if ids:
        for row in await session.execute(_CUSTOMERS, {"customers": ids}):
            _note(customers.setdefault(row.id, _Customer()), row)
    if strangers:
        rows = await session.execute(_LISTS, {"numbers": list(strangers)})
        lists = {row.number: row.why or "on the list" for row in rows}
    numbers = strangers.union(phone.number for one in customers.values() for phone in one.phones)
    # An empty list of values is spelled out in a way that no index helps with: a number that nobody has.
    asked = {"numbers": list(numbers) or [""], "customers": ids or [-1], "since": since, "most": MOST_PAST}
    past = [PastDial(*row[1:]) for row in await session.execute(_PAST, asked)]
    past.reverse()
    return tuple(_facts(one, customers, lists, past) for one in targets)


def _note(one: _Customer, row: Any) -> None:
    if row.quiet_from is not None and row.quiet_until is not None:
        one.quiet = (row.quiet_from, row.quiet_until)
    if row.number is None:
        return
    one.phones.append(Phone(row.number, row.state, row.confirmed_on))
    if row.listed is not None:
        one.lists[row.number] = row.listed or "on the list"
    elif row.do_not_call or row.wished:
        one.lists[row.number] = CUSTOMERS_WISH


def _facts(
    one: Target, customers: Mapping[int, _Customer], lists: Mapping[str, str], past: Sequence[PastDial]
) -> DialFacts:
    if one.customer is None:
        phones = tuple(Phone(number) for number in one.numbers)
        said: Mapping[str, str] = {number: lists[number] for number in one.numbers if number in lists}
        quiet = None
    else:
        known = customers.get(one.customer, _Customer())
        phones, said, quiet = tuple(known.phones), known.lists, known.quiet
    numbers = {phone.number for phone in phones}
    theirs = (
        dial for dial in past if dial.number in numbers or (one.customer is not None and dial.customer == one.customer)
    )
    return DialFacts(one, phones, said, quiet, tuple(theirs))


# As text: they are asked for every number that is dialled, and building them anew would take longer than running them.
_WISHED: Final = (
    "EXISTS (SELECT 1 FROM customer_phones w JOIN customers o ON o.id = w.customer_id"
    " WHERE w.number = {number} AND o.do_not_call)"
)
_CUSTOMERS: Final = (
    sa.text(
        "SELECT c.id, c.do_not_call, c.quiet_from, c.quiet_until, p.number, p.state, p.confirmed_on, d.why AS listed,"  # noqa: S608
        f" {_WISHED.format(number='p.number')} AS wished"
        " FROM customers c LEFT JOIN customer_phones p ON p.customer_id = c.id"
        " LEFT JOIN do_not_call d ON d.number = p.number"
        " WHERE c.id IN :customers ORDER BY c.id, p.rank"
    )
    .bindparams(sa.bindparam("customers", expanding=True, type_=sa.BigInteger))
    .columns(
        CustomerRow.id,
        CustomerRow.do_not_call,
        CustomerRow.quiet_from,
        CustomerRow.quiet_until,
        sa.column("number", sa.String),
        sa.column("state", sa.String),
        sa.column("confirmed_on", sa.Date),
        sa.column("listed", sa.String),
        sa.column("wished", sa.Boolean),
    )
)
_LISTS: Final = sa.text(
    "SELECT number, why FROM do_not_call WHERE number IN :numbers"
    " UNION ALL SELECT p.number, :wish FROM customer_phones p JOIN customers c ON c.id = p.customer_id"
    " WHERE p.number IN :numbers AND c.do_not_call"
).bindparams(
    sa.bindparam("numbers", expanding=True, type_=sa.String), sa.bindparam("wish", CUSTOMERS_WISH, type_=sa.String)
)
_DIALS: Final = "SELECT id, number, customer_id, campaign, target_id, dialled_at, outcome, abandoned FROM attempts"
# Two looks into two indices; "or" would have SQLite read the table.
_PAST: Final = (
    sa.text(
        f"{_DIALS} WHERE number IN :numbers AND dialled_at >= :since UNION"
        f" {_DIALS} WHERE customer_id IN :customers AND dialled_at >= :since"
        " ORDER BY dialled_at DESC, id DESC LIMIT :most"
    )
    .bindparams(
        sa.bindparam("numbers", expanding=True, type_=sa.String),
        sa.bindparam("customers", expanding=True, type_=sa.BigInteger),
        sa.bindparam("since", type_=UtcTime),
        sa.bindparam("most", type_=sa.Integer),
    )
    .columns(
        sa.column("id", sa.BigInteger),
        sa.column("number", sa.String),
        sa.column("customer_id", sa.BigInteger),
        sa.column("campaign", sa.String),
        sa.column("target_id", sa.BigInteger),
        sa.column("dialled_at", UtcTime),
        sa.column("outcome", sa.String),
        sa.column("abandoned", sa.Boolean),
    )
)
