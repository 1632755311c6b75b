"""Bringing customers to what a file or a clerk says: whole batches, only what differs, tier changes journalled.

The one way in which customers are written. A field that is not said is left alone; a customer who is there already with
the same values costs one look and no write.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.customer import Customer, Phone, PhoneState, brokerage_day
from db.events import utcnow
from db.models import CustomerRow, PhoneRow, TierOverrideRow
from db.store import Store
from db.tier_changes import TierChange, record

# Rows per transaction: enough that commits cost little, few enough (some 50 ms) that SQLite's other writers, the
# journal first of all, do not wait; and one IN list stays far below 32,766 parameters (SQLITE_MAX_VARIABLE_NUMBER).
BATCH: Final = 1_000

_CUSTOMERS: Final = CustomerRow.__table__
_PHONES: Final = PhoneRow.__table__
FIELDS: Final = tuple(field.name for field in dataclasses.fields(Customer) if field.name not in ("account", "phones"))
_DEFAULTS: Final = {field.name: field.default for field in dataclasses.fields(Customer) if field.name in FIELDS} | {
    "branch": None,
    "rules_tier": "normal",
    "below_since": None,
    "below_best": None,
}
_TIER_COLUMNS: Final = ("tier", "rules_tier", "below_since", "below_best")


@dataclass(frozen=True, slots=True)
class SaidPhone:
    """What is said of one telephone; None: nothing, so what is known stays (or is good, and never confirmed)."""

    number: str
    state: PhoneState | None = None
    confirmed_on: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """What is said of one customer: ``said`` by names of ``Customer``'s fields, ``phones`` all of them or None."""

    account: str
    said: Mapping[str, Any]
    phones: tuple[SaidPhone, ...] | None = None

    @classmethod
    def whole(cls, customer: Customer) -> CustomerChange:
        """Everything about a customer."""
        said = {name: getattr(customer, name) for name in FIELDS}
        phones = tuple(SaidPhone(phone.number, phone.state, phone.confirmed_on) for phone in customer.phones)
        return cls(customer.account, said, phones)


@dataclass(slots=True)
class Differences:
    """What a batch changes, before it does: new and changed accounts, and what would be written."""

    new: set[str]
    changed: set[str]
    rows: list[dict[str, Any]]  # of ``customers``, complete
    phones: list[CustomerChange]  # whose telephones differ
    tiers: list[TierChange]


class CustomerChanges:
    """Writes customers. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def compare(self, changes: Sequence[CustomerChange], *, actor: str, why: str) -> Differences:
        """What these changes would do. At most ``BATCH`` of them, all saying the same fields, no account twice."""
        async with self._store.reading() as session:
            return await _compare(session, changes, actor, why)

    async def write(self, changes: Sequence[CustomerChange], *, actor: str, why: str) -> Differences:
        """Do it, all or nothing, and journal each change of tier. The same limits as for ``compare``."""
        async with self._store.writing() as session:
            found = await _compare(session, changes, actor, why)
            if found.rows:
                await session.execute(self._upsert(tuple(changes[0].said)), found.rows)
            if found.phones:
                await _write_phones(session, found.phones)
            await record(session, found.tiers)
        return found

    def _upsert(self, said: tuple[str, ...]) -> Any:
        insert = sqlite.insert if self._store.is_sqlite else postgresql.insert
        statement = insert(_CUSTOMERS)  # type: ignore[arg-type]  # __table__ is a Table here
        columns = [*said, *(_TIER_COLUMNS if "tier" in said else ())]
        if not columns:
            return statement.on_conflict_do_nothing(index_elements=["account"])
        return statement.on_conflict_do_update(
            index_elements=["account"], set_={name: statement.excluded[name] for name in columns}
        )


async def _compare(session: AsyncSession, changes: Sequence[CustomerChange], actor: str, why: str) -> Differences:
    if not changes:
        return Differences(set(), set(), [], [], [])
    now = utcnow()
    said = tuple(changes[0].said)
    there = await _there(session, [change.account for change in changes], said)
    phones = await _phones(session, [row["id"] for row in there.values()]) if changes[0].phones is not None else {}
    found = Differences(set(), set(), [], [], [])
    for change in changes:
        values = dict(change.said)
        if "branch" in values:
            values["branch"] = values["branch"] or None
        row = there.get(change.account)
        if row is None:
            found.new.add(change.account)
            values["rules_tier"] = values.get("tier", "normal")
            found.rows.append(_DEFAULTS | values | {"account": change.account, "created_at": now})
        else:
            if "tier" in values:
                _settle_tier(values, row, brokerage_day(now))
            if any(row[name] != value for name, value in values.items()):
                found.changed.add(change.account)
                found.rows.append(_DEFAULTS | values | {"account": change.account, "created_at": now})
            if values.get("tier", row["tier"]) != row["tier"]:
                found.tiers.append(TierChange(change.account, row["tier"], values["tier"], why, actor, now))
        known = phones.get(row["id"], ()) if row is not None else ()
        if change.phones is not None and merged(change.phones, known) != known:
            found.phones.append(change)
            if row is not None:
                found.changed.add(change.account)
    return found


def _settle_tier(values: dict[str, Any], row: Mapping[str, Any], today: datetime.date) -> None:
    """What is said of a tier counts as the rules' own word; an override in force stays in force."""
    if values["tier"] == row["tier"]:
        values |= {name: row[name] for name in _TIER_COLUMNS}
        return
    values |= {"rules_tier": values["tier"], "below_since": None, "below_best": None}
    if row["override_until"] is not None and today <= row["override_until"]:
        values["tier"] = row["override_tier"]


def merged(said: Iterable[SaidPhone], known: Iterable[Phone]) -> tuple[Phone, ...]:
    """The telephones as said, with what is known of each where nothing is said."""
    by_number = {phone.number: phone for phone in known}
    result: dict[str, Phone] = {}
    for one in said:
        old = by_number.get(one.number)
        state = one.state or (old.state if old else "good")
        confirmed = one.confirmed_on or (old.confirmed_on if old else None)
        result.setdefault(one.number, Phone(one.number, state, confirmed))
    return tuple(result.values())


async def _there(session: AsyncSession, accounts: list[str], said: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    names = dict.fromkeys(("id", "account", *_TIER_COLUMNS, *said))
    query = sa.select(*(_CUSTOMERS.c[name] for name in names)).where(_CUSTOMERS.c.account.in_(accounts))
    if "tier" in said:
        query = query.add_columns(
            TierOverrideRow.tier.label("override_tier"), TierOverrideRow.until.label("override_until")
        ).join(TierOverrideRow, TierOverrideRow.customer_id == _CUSTOMERS.c.id, isouter=True)
    query = query.with_for_update(of=_CUSTOMERS)  # PostgreSQL: what was compared is what is written over
    return {row["account"]: dict(row) for row in (await session.execute(query)).mappings()}


async def _phones(session: AsyncSession, ids: list[int]) -> dict[int, tuple[Phone, ...]]:
    columns = (_PHONES.c.customer_id, _PHONES.c.number, _PHONES.c.state, _PHONES.c.confirmed_on)
    query = sa.select(*columns).where(_PHONES.c.customer_id.in_(ids)).order_by(_PHONES.c.customer_id, _PHONES.c.rank)
    found: dict[int, list[Phone]] = {}
    for owner, number, state, confirmed_on in await session.execute(query):
        found.setdefault(owner, []).append(Phone(number, state, confirmed_on))
    return {owner: tuple(phones) for owner, phones in found.items()}


async def _write_phones(session: AsyncSession, changes: Sequence[CustomerChange]) -> None:
    accounts = [change.account for change in changes]
    query = sa.select(_CUSTOMERS.c.account, _CUSTOMERS.c.id).where(_CUSTOMERS.c.account.in_(accounts))
    ids = {row.account: row.id for row in await session.execute(query)}
    known = await _phones(session, list(ids.values()))
    await session.execute(sa.delete(PhoneRow).where(PhoneRow.customer_id.in_(list(known))))
    rows = [
        {
            "customer_id": owner,
            "number": phone.number,
            "rank": rank,
            "state": phone.state,
            "confirmed_on": phone.confirmed_on,
        }
        for change in changes
        for owner in (ids[change.account],)
        for rank, phone in enumerate(merged(change.phones or (), known.get(owner, ())))
    ]
    if rows:
        await (await session.connection()).execute(sa.insert(PhoneRow), rows)
