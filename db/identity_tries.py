"""How many tries to prove an identity are held against whom: tallies, changed one transaction at a time.

Keys are digests made above, never an account or a telephone number: the table is no list of who called. What a tally
allows is decided above as well; here it is held still meanwhile, so that fifty calls at once are fifty in a row.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit
from db.audit import AuditEntry
from db.models import IdentityTryRow
from db.store import Store

Bucket = Literal["withheld", "caller", "account"]
# Rows are locked in this order by everybody, so that no two transactions wait for each other.
BUCKETS: Final[tuple[Bucket, ...]] = ("withheld", "caller", "account")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TryKey:
    """Whose tally: a kind and a digest."""

    bucket: Bucket
    digest: str


@dataclass(frozen=True, slots=True)
class Tally:
    """``level`` tries are held against somebody as of ``at``. A level of nothing is kept as no row at all."""

    level: float
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """What shall stand in the store from now on, in the order of the keys, and what the one who asked is told."""

    tallies: tuple[Tally, ...]
    answer: T
    entries: tuple[AuditEntry, ...] = ()


class IdentityTries:
    """The tallies. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    async def read(self, key: TryKey) -> Tally | None:
        """The tally of this key; None when nothing is held against it."""
        query = sa.select(IdentityTryRow.level, IdentityTryRow.at).where(*_is(key))
        async with self._store.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return None if row is None else Tally(*row)

    async def change(
        self, keys: Sequence[TryKey], now: datetime.datetime, decide: Callable[[tuple[Tally, ...]], Decision[T]]
    ) -> T:
        """Hold the tallies of ``keys``, write what ``decide`` makes of them with its audit entries, give its answer.

        One transaction; nobody else changes these tallies meanwhile, in this process or another.
        """
        in_order = sorted(keys, key=lambda key: (BUCKETS.index(key.bucket), key.digest))
        async with self._store.writing() as session:
            held = {key: await self._hold(session, key, now) for key in in_order}
            decision = decide(tuple(held[key] for key in keys))
            for key, tally in zip(keys, decision.tallies, strict=True):
                await _keep(session, key, tally)
            await audit.append(session, decision.entries)
        return decision.answer

    async def prune(self, before: datetime.datetime, below: float) -> int:
        """Forget tallies last touched ``before`` then; those of accounts only while their level is ``below`` this."""
        query = sa.delete(IdentityTryRow).where(
            IdentityTryRow.at < before, sa.or_(IdentityTryRow.bucket != "account", IdentityTryRow.level < below)
        )
        async with self._store.writing() as session:
            done = await session.execute(query.execution_options(synchronize_session=False))
            return int(done.rowcount)  # type: ignore[attr-defined]  # of a DELETE there is

    async def _hold(self, session: AsyncSession, key: TryKey, now: datetime.datetime) -> Tally:
        # An insert that meets the row "updates" it to what it is: that locks it, whether it was there or not.
        insert = self._insert(IdentityTryRow).values(bucket=key.bucket, digest=key.digest, level=0.0, at=now)
        locked = insert.on_conflict_do_update(
            index_elements=["bucket", "digest"], set_={"level": IdentityTryRow.level}
        ).returning(IdentityTryRow.level, IdentityTryRow.at)
        return Tally(*(await session.execute(locked)).one())


def _is(key: TryKey) -> tuple[sa.ColumnElement[bool], ...]:
    return IdentityTryRow.bucket == key.bucket, IdentityTryRow.digest == key.digest


async def _keep(session: AsyncSession, key: TryKey, tally: Tally) -> None:
    if tally.level > 0:
        change: sa.Update | sa.Delete = sa.update(IdentityTryRow).values(level=tally.level, at=tally.at)
    else:
        change = sa.delete(IdentityTryRow)
    await session.execute(change.where(*_is(key)).execution_options(synchronize_session=False))
