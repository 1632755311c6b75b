"""One-time codes that were sent: kept as digests, for a few minutes, each good once.

An account that does not exist has rows too, with no customer: so it is counted like any other. What may be sent how
often is decided above; here those who ask at once are put in a row.
"""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import IdentityCodeRow
from db.store import Store

Moments = Sequence[datetime.datetime]


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """One code: digests of the account, of whoever asked and of the code; ``customer`` None when there is none."""

    account: str
    caller: str
    customer: int | None
    digest: str
    sent_at: datetime.datetime
    expires_at: datetime.datetime


class IdentityCodes:
    """The codes. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def issue(
        self, code: IssuedCode, since: datetime.datetime, decide: Callable[[Moments, Moments], datetime.timedelta]
    ) -> datetime.timedelta:
        """Note the code, unless ``decide`` says to wait, and give that wait.

        ``decide`` is shown when codes were issued after ``since``: for this account, and to this caller.
        """
        row = IdentityCodeRow
        async with self._store.writing() as session:
            for key in sorted({code.account, code.caller}):
                await self._one_at_a_time(session, key)
            of_account = await session.scalars(
                sa.select(row.sent_at).where(row.account == code.account, row.sent_at > since)
            )
            of_caller = await session.scalars(
                sa.select(row.sent_at).where(row.caller == code.caller, row.sent_at > since)
            )
            wait = decide(tuple(of_account), tuple(of_caller))
            if wait <= datetime.timedelta(0):
                session.add(
                    row(
                        account=code.account,
                        caller=code.caller,
                        customer_id=code.customer,
                        digest=code.digest,
                        sent_at=code.sent_at,
                        expires_at=code.expires_at,
                        used_at=None,
                    )
                )
        return wait

    async def redeem(self, account: str, digest: str, now: datetime.datetime) -> int | None:
        """Use up the account's latest code, when this is it and it is still good; gives the customer it was sent to."""
        row = IdentityCodeRow
        latest = (
            sa.select(row.id, row.digest, row.customer_id, row.expires_at, row.used_at)
            .where(row.account == account)
            .order_by(row.sent_at.desc(), row.id.desc())
            .limit(1)
        )
        async with self._store.writing() as session:
            found = (await session.execute(latest)).one_or_none()
            if found is None or not hmac.compare_digest(found.digest, digest):
                return None
            if found.used_at is not None or found.expires_at <= now or found.customer_id is None:
                return None
            used = await session.execute(
                sa.update(row)
                .where(row.id == found.id, row.used_at.is_(None))
                .values(used_at=now)
                .execution_options(synchronize_session=False)
            )
            return int(found.customer_id) if used.rowcount else None  # type: ignore[attr-defined]  # of an UPDATE

    async def prune(self, before: datetime.datetime) -> int:
        """Forget codes sent ``before`` then."""
        query = sa.delete(IdentityCodeRow).where(IdentityCodeRow.sent_at < before)
        async with self._store.writing() as session:
            done = await session.execute(query.execution_options(synchronize_session=False))
            return int(done.rowcount)  # type: ignore[attr-defined]  # of a DELETE there is

    async def _one_at_a_time(self, session: AsyncSession, key: str) -> None:
        if not self._store.is_sqlite:  # SQLite has one writer at a time anyhow
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))
