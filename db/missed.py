"""Callers whose calls were missed, until somebody has called them back or they have got through by themselves.

One entry that is not closed per number and per customer, however often they tried; each missed call counts in it once.
An entry is worked off under a lease: of two agents who take it, one is given it, so that no customer is called by two.
Whether a call was missed is decided above (``ivr.missed.outcome``), as is when a number may be tried again.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import audit
from db.attempts import under_way
from db.audit import AuditEntry
from db.callback_states import OPEN_CALLBACKS
from db.customer import TIERS, Tier
from db.do_not_call import is_forbidden
from db.errors import AlreadyThere, StoreError
from db.missed_reasons import MissedOutcome, MissedReason
from db.models import CustomerRow, MissedCallRow, WaitingCallbackRow
from db.models import MissedCallerRow as Row
from db.store import Store

MissedState = Literal["open", "taken", "closed"]

# Two that note the same caller for the first time at once meet at a unique index; the second finds the entry then.
_TRIES: Final = 5


class NoSuchMissedCaller(StoreError):
    """There is no open entry with this id."""

    error_id: ClassVar[str] = "no-such-missed-caller"

    def __init__(self, entry: int) -> None:
        super().__init__(
            f"There is no open entry {entry}.",
            remedy="`ivr missed list` shows those that are open; a caller who got through meanwhile is on it no more.",
        )


class MissedCallerTaken(StoreError):
    """Another agent has this entry in hand, or a callback to this number is under way."""

    error_id: ClassVar[str] = "missed-caller-taken"

    def __init__(self, entry: int, who: str) -> None:
        super().__init__(f"Entry {entry} is in the hands of {who}.", remedy="Take another: `ivr missed take`.")


class MayNotBeCalled(StoreError):
    """The number is on the do-not-call list, or its customer wishes no calls."""

    error_id: ClassVar[str] = "may-not-be-called"

    def __init__(self, entry: int) -> None:
        super().__init__(
            f"Entry {entry} has a number that must not be called.", remedy="`ivr donotcall list` says why."
        )


@dataclass(frozen=True, slots=True)
class MissedCall:
    """One call that was missed. ``number`` in stored form, "" when withheld; then a customer must be known."""

    call: str
    number: str
    at: datetime.datetime
    reason: MissedReason
    tier: Tier = "normal"
    line: str = ""
    language: str = "zh"
    customer: int | None = None


@dataclass(frozen=True, slots=True)
class MissedCaller:
    """One entry of the list."""

    id: int
    number: str
    customer: int | None
    tier: Tier  # the highest that this caller was missed with
    line: str
    language: str
    reason: MissedReason  # of the latest missed call
    times: int
    first_at: datetime.datetime
    last_at: datetime.datetime
    last_call: str
    state: MissedState
    agent: str
    lease_until: datetime.datetime | None
    attempts: int  # how often somebody called back
    next_try: datetime.datetime
    outcome: str  # of the latest attempt; what closed it
    closed_at: datetime.datetime | None
    closed_by: str  # an agent, or the call in which the caller got through


class MissedCallers:
    """The list. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- what calls do ------------------------------------------------------------------------------------------------

    async def note(self, missed: MissedCall) -> bool:
        """Count this missed call; False when it was counted before, or when nobody could be called back.

        One that is noted late, after the caller was reached, counts in the entry that was closed then.
        """
        if not missed.number and missed.customer is None:
            return False
        for _ in range(_TRIES - 1):
            try:
                return await self._note(missed)
            except AlreadyThere:
                continue
        return await self._note(missed)

    async def answered(self, call: str, number: str, customer: int | None, at: datetime.datetime) -> int:
        """In this call the caller got through: what was missed until then needs nobody any more. How many entries."""
        close = (
            sa.update(Row)
            .where(_same(number, customer), Row.state != "closed", Row.last_at <= at)
            .values(state="closed", closed_at=at, closed_by=call, outcome="got_through", lease_until=None, agent="")
            .returning(Row.id)
            .execution_options(synchronize_session=False)
        )
        if not number and customer is None:
            return 0
        return await self._store.write(lambda session: len(session.scalars(close).all()))

    # --- what agents do -----------------------------------------------------------------------------------------------

    async def take(self, entry: int, agent: str, *, now: datetime.datetime, lease: datetime.timedelta) -> MissedCaller:
        """``agent`` has this entry in hand until the lease ends. Taking what one has is a longer lease.

        Raises NoSuchMissedCaller, MissedCallerTaken, MayNotBeCalled.
        """
        async with self._store.writing() as session:
            row = await session.scalar(sa.select(Row).where(Row.id == entry, Row.state != "closed").with_for_update())
            if row is None:
                raise NoSuchMissedCaller(entry)
            if row.state == "taken" and row.agent != agent and row.lease_until is not None and row.lease_until > now:
                raise MissedCallerTaken(entry, row.agent)
            if await session.scalar(sa.select(is_forbidden(sa.literal(row.number)))):
                raise MayNotBeCalled(entry)
            if await session.scalar(sa.select(_being_called_back(sa.literal(row.number)))):
                raise MissedCallerTaken(entry, "the hotline itself, which calls this number back")
            return _take(row, agent, now, lease)

    async def take_next(self, agent: str, *, now: datetime.datetime, lease: datetime.timedelta) -> MissedCaller | None:
        """Take the entry that comes first: by tier, then who has waited longest; None when there is none to be called.

        Skipped: entries in other hands, not yet to be tried again, with a number not to be called, or one that is
        being called back anyway.
        """
        free = sa.or_(Row.state == "open", sa.and_(Row.state == "taken", Row.lease_until <= now))
        first = (
            sa.select(Row)
            .where(free, Row.next_try <= now, ~is_forbidden(Row.number), ~_being_called_back(Row.number))
            .order_by(_RANK, Row.first_at, Row.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        async with self._store.writing() as session:
            row = await session.scalar(first)
            return None if row is None else _take(row, agent, now, lease)

    async def release(self, entry: int, agent: str) -> MissedCaller:
        """``agent`` does not call after all: the entry is for others. Raises NoSuchMissedCaller, MissedCallerTaken."""
        async with self._store.writing() as session:
            row = await _in_hand(session, entry, agent)
            row.state, row.agent, row.lease_until = "open", "", None
            return _entry(row)

    async def done(
        self,
        entry: int,
        agent: str,
        outcome: MissedOutcome,
        *,
        now: datetime.datetime,
        again_at: datetime.datetime | None = None,
    ) -> MissedCaller:
        """``agent`` has called: what came of it. The entry is closed, or open again for ``again_at``. Audited.

        Whose lease ran out may still say so, unless another has the entry. Raises NoSuchMissedCaller,
        MissedCallerTaken.
        """
        async with self._store.writing() as session:
            row = await _in_hand(session, entry, agent)
            row.attempts, row.outcome, row.lease_until = row.attempts + 1, outcome, None
            if again_at is None:
                row.state, row.closed_at, row.closed_by = "closed", now, agent
            else:
                row.state, row.agent, row.next_try = "open", "", again_at
            data = {"entry": entry, "outcome": outcome, "attempts": row.attempts, "closed": again_at is None}
            await audit.append(session, [AuditEntry(agent, "missed_caller.called", data=data, at=now)])
            return _entry(row)

    # --- looking ------------------------------------------------------------------------------------------------------

    async def get(self, entry: int) -> MissedCaller | None:
        """This entry, closed or not."""
        async with self._store.reading() as session:
            row = await session.get(Row, entry)
        return None if row is None else _entry(row)

    async def open(self, most: int = 1000) -> tuple[MissedCaller, ...]:
        """All that are not closed, in the order in which they are to be called."""
        return await self._some(sa.select(Row).where(Row.state != "closed").order_by(_RANK, Row.first_at, Row.id), most)

    async def since(self, since: datetime.datetime, most: int = 100_000) -> tuple[MissedCaller, ...]:
        """Every entry with a missed call since then, closed or not, oldest first."""
        return await self._some(sa.select(Row).where(Row.last_at >= since).order_by(Row.first_at, Row.id), most)

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _note(self, missed: MissedCall) -> bool:
        async with self._store.writing() as session:
            if await session.get(MissedCallRow, missed.call) is not None:
                return False
            if missed.customer is not None and await session.get(CustomerRow, missed.customer) is None:
                missed = replace(missed, customer=None)  # deleted since: what the journal tells may be old
                if not missed.number:
                    return False
            row = await _entry_for(session, missed)
            if row is None:
                row = _new(missed)
                session.add(row)
                await session.flush()
            else:
                _count(row, missed)
            session.add(MissedCallRow(call_id=missed.call, caller_id=row.id, at=missed.at, reason=missed.reason))
            await session.flush()
            return True

    async def _some(self, query: sa.Select[Any], most: int) -> tuple[MissedCaller, ...]:
        async with self._store.reading() as session:
            return tuple(_entry(row) for row in await session.scalars(query.limit(most)))


_RANKS: Final[Mapping[str, int]] = {tier: rank for rank, tier in enumerate(TIERS)}
_RANK: Final = sa.case(_RANKS, value=Row.tier)


def _same(number: str, customer: int | None) -> sa.ColumnElement[bool]:
    ways: list[sa.ColumnElement[bool]] = []
    if number:
        ways.append(Row.number == number)
    if customer is not None:
        ways.append(Row.customer_id == customer)
    return sa.or_(sa.false(), *ways)


def _being_called_back(number: Any) -> sa.ColumnElement[bool]:
    same = sa.and_(WaitingCallbackRow.number == number, WaitingCallbackRow.state.in_(OPEN_CALLBACKS))
    return sa.or_(sa.select(WaitingCallbackRow.id).where(same).exists(), under_way(number))


async def _entry_for(session: AsyncSession, missed: MissedCall) -> Row | None:
    """The entry that this call counts in, held: one that was closed after it, or one that is not closed."""
    same = sa.select(Row).where(_same(missed.number, missed.customer))
    after = same.where(Row.state == "closed", Row.closed_at >= missed.at).order_by(Row.closed_at, Row.id).limit(1)
    covered = await session.scalar(after.with_for_update())
    if covered is not None:
        return covered
    rows = (await session.scalars(same.where(Row.state != "closed").order_by(Row.id).with_for_update())).all()
    if not rows:
        return None
    # The customer and the number had an entry each, and are now seen to be the same caller: one that an agent has in
    # hand goes before, then the older one.
    kept, *others = sorted(rows, key=lambda row: (row.state != "taken", row.id))
    for other in others:
        await _join(session, kept, other)
    return kept


async def _join(session: AsyncSession, kept: Row, other: Row) -> None:
    kept.times += other.times
    kept.attempts += other.attempts
    kept.tier = _higher(kept.tier, other.tier)
    kept.first_at = min(kept.first_at, other.first_at)
    if other.last_at > kept.last_at:
        kept.last_at, kept.last_call, kept.reason = other.last_at, other.last_call, other.reason
    number, customer = kept.number or other.number, kept.customer_id or other.customer_id
    calls = sa.update(MissedCallRow).where(MissedCallRow.caller_id == other.id).values(caller_id=kept.id)
    await session.execute(calls.execution_options(synchronize_session=False))
    await session.delete(other)
    await session.flush()  # its number is free before the other entry takes it
    kept.number, kept.customer_id = number, customer


def _new(missed: MissedCall) -> Row:
    return Row(
        number=missed.number,
        customer_id=missed.customer,
        tier=missed.tier,
        line=missed.line,
        language=missed.language,
        reason=missed.reason,
        times=1,
        first_at=missed.at,
        last_at=missed.at,
        last_call=missed.call,
        state="open",
        agent="",
        attempts=0,
        next_try=missed.at,
        outcome="",
        closed_by="",
    )


def _count(row: Row, missed: MissedCall) -> None:
    row.times += 1
    row.tier = _higher(row.tier, missed.tier)
    row.first_at = min(row.first_at, missed.at)
    if missed.at >= row.last_at:
        row.last_at, row.last_call, row.reason = missed.at, missed.call, missed.reason
        row.line, row.language = missed.line or row.line, missed.language
        if row.state != "closed":
            row.next_try = missed.at  # who has just called is near the telephone
    if row.state != "closed":
        row.number = row.number or missed.number
        row.customer_id = row.customer_id or missed.customer


def _higher(one: str, other: str) -> str:
    return min(one, other, key=_RANKS.__getitem__)


def _take(row: Row, agent: str, now: datetime.datetime, lease: datetime.timedelta) -> MissedCaller:
    row.state, row.agent, row.lease_until = "taken", agent, now + lease
    return _entry(row)


async def _in_hand(session: AsyncSession, entry: int, agent: str) -> Row:
    row = await session.scalar(sa.select(Row).where(Row.id == entry, Row.state != "closed").with_for_update())
    if row is None:
        raise NoSuchMissedCaller(entry)
    if row.state != "taken" or row.agent != agent:
        raise MissedCallerTaken(entry, row.agent or "nobody: take it first")
    return row


def _entry(row: Row) -> MissedCaller:
    return MissedCaller(
        id=row.id,
        number=row.number,
        customer=row.customer_id,
        tier=row.tier,  # type: ignore[arg-type]  # the table's own checks
        line=row.line,
        language=row.language,
        reason=row.reason,  # type: ignore[arg-type]
        times=row.times,
        first_at=row.first_at,
        last_at=row.last_at,
        last_call=row.last_call,
        state=row.state,  # type: ignore[arg-type]
        agent=row.agent,
        lease_until=row.lease_until,
        attempts=row.attempts,
        next_try=row.next_try,
        outcome=row.outcome,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )
