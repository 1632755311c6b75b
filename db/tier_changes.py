"""Tiers in the store: standings, overrides, and the journal of every change with its reason."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit
from db.audit import AuditEntry
from db.customer import Tier, brokerage_day
from db.errors import StoreError
from db.events import utcnow
from db.models import CustomerRow, TierChangeRow, TierOverrideRow
from db.store import Store

PAGE: Final = 1_000  # customers read at once: some hundred kilobytes


class NoSuchCustomer(StoreError):
    """There is no customer with this account number."""

    error_id: ClassVar[str] = "no-such-customer"

    def __init__(self, account: str) -> None:
        super().__init__(
            f"There is no customer with account number {account}.", remedy="Check the digits, or import the customer."
        )


@dataclass(frozen=True, slots=True)
class TierChange:
    """One change of the tier that is in force."""

    account: str
    from_tier: Tier
    to_tier: Tier
    why: str
    actor: str
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class TierOverride:
    """Somebody's word against the rules, in force up to and including the day ``until``."""

    tier: Tier
    until: datetime.date
    why: str
    actor: str
    at: datetime.datetime

    def in_force(self, today: datetime.date) -> bool:
        """Whether it still counts."""
        return today <= self.until


@dataclass(frozen=True, slots=True)
class TierStanding:
    """Where the rules alone have put a customer, and since when the figures would give less (and how much at best)."""

    tier: Tier
    below_since: datetime.date | None = None
    below_best: Tier | None = None


@dataclass(frozen=True, slots=True)
class TierFigures:
    """What the rules look at, in yuan and points; None: not known."""

    assets: Decimal | None = None
    commission: Decimal | None = None  # over the last twelve months
    points: int | None = None


@dataclass(frozen=True, slots=True)
class TierHolder:
    """One customer as far as tiers go."""

    id: int
    account: str
    tier: Tier  # in force
    standing: TierStanding
    figures: TierFigures
    override: TierOverride | None = None


@dataclass(frozen=True, slots=True)
class TierMove:
    """What has been decided for one customer; ``tier`` may be the one in force already."""

    holder: TierHolder
    tier: Tier
    standing: TierStanding
    why: str


class TierBook:
    """The tiers. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def holder(self, account: str) -> TierHolder:
        """One customer. Raises NoSuchCustomer."""
        async with self._store.reading() as session:
            return await _holder(session, account)

    async def holders(self, page: int = PAGE) -> AsyncIterator[tuple[TierHolder, ...]]:
        """All customers, a page at a time, in bounded memory and with no transaction held between pages."""
        last = 0
        while True:
            async with self._store.reading() as session:
                query = _HOLDERS.where(CustomerRow.id > last).order_by(CustomerRow.id).limit(page)
                found = tuple(_to_holder(row) for row in await session.execute(query))
            if not found:
                return
            last = found[-1].id
            yield found

    async def count(self) -> int:
        """How many customers there are."""
        async with self._store.reading() as session:
            return await session.scalar(sa.select(sa.func.count()).select_from(CustomerRow)) or 0

    async def move(self, moves: Sequence[TierMove], *, actor: str, at: datetime.datetime) -> tuple[TierChange, ...]:
        """Write what was decided, with its journal, all or nothing. Returns the changes of the tier in force.

        A customer whose tier somebody else changed since it was read is left to the next run.
        """
        async with self._store.writing() as session:
            held = await session.execute(
                sa.select(_TABLE.c.id, _TABLE.c.tier)
                .where(_TABLE.c.id.in_([move.holder.id for move in moves]))
                .with_for_update()
            )
            tiers = {row.id: row.tier for row in held}
            still = [move for move in moves if tiers.get(move.holder.id) == move.holder.tier]
            rows = [
                {
                    "of": move.holder.id,
                    "now": move.tier,
                    "standing": move.standing.tier,
                    "since": move.standing.below_since,
                    "best": move.standing.below_best,
                }
                for move in still
            ]
            if rows:
                await (await session.connection()).execute(_MOVE, rows)
            changes = tuple(
                TierChange(move.holder.account, move.holder.tier, move.tier, move.why, actor, at)
                for move in still
                if move.tier != move.holder.tier
            )
            await record(session, changes)
        return changes

    async def override(
        self, account: str, tier: Tier, *, until: datetime.date, why: str, actor: str
    ) -> TierChange | None:
        """Put a customer into this tier up to and including ``until``, whatever the rules say, at once.

        Returns the change, None when the tier was this one before. Raises NoSuchCustomer.
        """
        now = utcnow()
        async with self._store.writing() as session:
            holder = await _holder(session, account)
            await session.merge(
                TierOverrideRow(customer_id=holder.id, tier=tier, until=until, why=why, actor=actor, at=now)
            )
            data = {"tier": tier, "until": until.isoformat(), "why": why}
            await audit.append(session, [AuditEntry(actor, "tier.overridden", account, data, now)])
            return await _put(session, holder, tier, f"override until {until.isoformat()}: {why}", actor, now)

    async def lift(self, account: str, *, why: str, actor: str) -> TierChange | None:
        """End an override at once: the rules' own tier is in force again. Returns the change, if it is one.

        Raises NoSuchCustomer.
        """
        now = utcnow()
        async with self._store.writing() as session:
            holder = await _holder(session, account)
            if holder.override is None or not holder.override.in_force(brokerage_day(now)):
                raise StoreError(f"No override is in force for account {account}.", remedy="There is nothing to lift.")
            await session.execute(sa.delete(TierOverrideRow).where(TierOverrideRow.customer_id == holder.id))
            data = {"tier": holder.override.tier, "until": holder.override.until.isoformat(), "why": why}
            await audit.append(session, [AuditEntry(actor, "tier.override_lifted", account, data, now)])
            return await _put(session, holder, holder.standing.tier, f"override lifted: {why}", actor, now)

    async def changes(self, account: str, most: int = 20) -> tuple[TierChange, ...]:
        """A customer's latest changes, newest first."""
        query = sa.select(TierChangeRow).where(TierChangeRow.account == account)
        async with self._store.reading() as session:
            rows = await session.scalars(query.order_by(TierChangeRow.at.desc(), TierChangeRow.id.desc()).limit(most))
            return tuple(
                TierChange(row.account, row.from_tier, row.to_tier, row.why, row.actor, row.at)  # type: ignore[arg-type]
                for row in rows
            )


async def record(session: AsyncSession, changes: Iterable[TierChange]) -> None:
    """Journal changes of tier, in the transaction that makes them."""
    changes = tuple(changes)
    if not changes:
        return
    await (await session.connection()).execute(
        sa.insert(TierChangeRow), [{name: getattr(change, name) for name in TierChange.__slots__} for change in changes]
    )
    entries = (
        AuditEntry(
            change.actor,
            "tier.changed",
            change.account,
            {"from": change.from_tier, "to": change.to_tier, "why": change.why},
            change.at,
        )
        for change in changes
    )
    await audit.append(session, entries)


_HOLDERS: Final = sa.select(
    CustomerRow.id,
    CustomerRow.account,
    CustomerRow.tier,
    CustomerRow.rules_tier,
    CustomerRow.below_since,
    CustomerRow.below_best,
    CustomerRow.assets,
    CustomerRow.commission,
    CustomerRow.points,
    TierOverrideRow.tier,
    TierOverrideRow.until,
    TierOverrideRow.why,
    TierOverrideRow.actor,
    TierOverrideRow.at,
).join(TierOverrideRow, TierOverrideRow.customer_id == CustomerRow.id, isouter=True)

_TABLE: Final = CustomerRow.__table__
_MOVE: Final = (
    sa.update(_TABLE)  # type: ignore[arg-type]  # __table__ is a Table here
    .where(_TABLE.c.id == sa.bindparam("of"))
    .values(
        tier=sa.bindparam("now"),
        rules_tier=sa.bindparam("standing"),
        below_since=sa.bindparam("since"),
        below_best=sa.bindparam("best"),
    )
)


async def _holder(session: AsyncSession, account: str) -> TierHolder:
    row = (await session.execute(_HOLDERS.where(CustomerRow.account == account))).one_or_none()
    if row is None:
        raise NoSuchCustomer(account)
    return _to_holder(row)


def _to_holder(row: Any) -> TierHolder:
    number, account, tier, rules_tier, since, best, assets, commission, points, *override = row
    return TierHolder(
        id=number,
        account=account,
        tier=tier,
        standing=TierStanding(rules_tier, since, best),
        figures=TierFigures(assets, commission, points),
        override=TierOverride(*override) if override[0] is not None else None,
    )


async def _put(
    session: AsyncSession, holder: TierHolder, tier: Tier, why: str, actor: str, at: datetime.datetime
) -> TierChange | None:
    if tier == holder.tier:
        return None
    await session.execute(sa.update(CustomerRow).where(CustomerRow.id == holder.id).values(tier=tier))
    change = TierChange(holder.account, holder.tier, tier, why, actor, at)
    await record(session, [change])
    return change
