"""Targets: planned a page at a time, the next ones found among a million, put off and closed.

``waiting → held → waiting`` again, or closed. A target is ``held`` exactly as long as it has an open attempt, and is
moved by that attempt alone (``db.attempts``); the moves here are those of targets that wait.

Waiting targets have one of ten ranks. The next one is the one due longest among those of the first rank that has any
due: ten looks into one index, however many wait, and however many of the first ranks are put off.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.columns import UtcTime
from db.models import TargetRow as Row
from db.outbound_states import RANKS, TargetState
from db.store import Store
from db.target import NewTarget, Target, TargetMove, target_of

__all__ = ["Added", "NewTarget", "Share", "Target", "TargetMove", "Targets"]

OCCASION: Final = "#"  # in a key, before what tells the occasions of one account apart
AT_ONCE: Final = 1_000  # targets of one statement when they are planned, or of one page when they are read
# Literally as the partial indices have it: a database uses one only when it sees the same words.
_ORDINARY: Final = sa.text("state = 'waiting' AND NOT guaranteed")
_PROMISED: Final = sa.text("state = 'waiting' AND guaranteed")


# As text: it is asked for every number that is dialled, and building it anew would take longer than running it.
_TABLE: Final = cast(sa.Table, Row.__table__)
_COLUMNS: Final = _TABLE.columns
_OF_RANK: Final = (
    "SELECT * FROM (SELECT id, rank, due_at FROM targets WHERE state = 'waiting' AND NOT guaranteed"
    " AND campaign = :campaign AND rank = {rank} AND due_at <= :now ORDER BY due_at, id LIMIT {most}) AS of_{rank}"
)
# How many are asked for stands in the text: PostgreSQL plans a query anew each time when it does not know that, which
# takes ten times as long as the query.
_AT_A_TIME: Final = (1, 5, 20, 100, 1_000)


def _next(most: int) -> Any:
    ranks = " UNION ALL ".join(_OF_RANK.format(rank=rank, most=most) for rank in range(RANKS))
    text = (
        f"SELECT {', '.join(column.name for column in _COLUMNS)} FROM targets WHERE id IN"  # noqa: S608
        f" (SELECT id FROM ({ranks}) AS every_rank ORDER BY rank, due_at, id LIMIT {most})"
    )
    return sa.text(text).bindparams(sa.bindparam("now", type_=UtcTime)).columns(*_COLUMNS)


_NEXT: Final = {most: _next(most) for most in _AT_A_TIME}


@dataclass(frozen=True, slots=True)
class Added:
    """What planning came to: new targets, and ones that were left out earlier and wait now."""

    new: int = 0
    revived: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)  # why, of the new ones that are left out

    def plus(self, page: Iterable[NewTarget], known: Mapping[str, TargetState]) -> Added:
        """This, and what entering this page came to when these were known already."""
        fresh = [one for one in page if one.key not in known]
        revived = sum(one.key in known and one.state == "waiting" for one in page)
        left_out = Counter(self.left_out) + Counter(one.why for one in fresh if one.state == "excluded")
        return Added(self.new + len(fresh), self.revived + revived, dict(left_out))


@dataclass(frozen=True, slots=True)
class Share:
    """How many targets of a branch ended alike."""

    branch: str
    state: TargetState
    why: str
    last_outcome: str
    targets: int


class Targets:
    """The targets. Every method raises StoreError when the database refuses or is away.

    A move gives the row as it is from then on, or None: somebody else has moved it, or it does not wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    # --- planning -----------------------------------------------------------------------------------------------------

    async def add_many(self, campaign: str, targets: Iterable[NewTarget], *, now: datetime.datetime) -> Added:
        """Enter these targets, in their order, ``AT_ONCE`` of them in a transaction; the iterable is never held whole.

        A key that the campaign has already stays as it is, unless it was left out (``excluded``) and is so no more.
        """
        insert = self._insert(_TABLE)
        fresh = insert.excluded
        put = insert.on_conflict_do_update(
            index_elements=["campaign", "key"],
            set_={
                "state": fresh.state,
                "why": fresh.why,
                "due_at": fresh.due_at,
                "rank": fresh.rank,
                "data": fresh.data,
                "numbers": fresh.numbers,
                "customer_id": fresh.customer_id,
                "closed_at": None,
                "version": _TABLE.c.version + 1,
            },
            where=sa.and_(_TABLE.c.state == "excluded", fresh.state == "waiting"),
        )
        added = Added()
        source = iter(targets)
        while page := list(islice(source, AT_ONCE)):
            async with self._store.writing() as session:
                known = await self._states(session, campaign, [one.key for one in page])
                one_each = {one.key: one for one in page if known.get(one.key, "excluded") == "excluded"}
                rows = [_values(campaign, one, now) for one in one_each.values()]
                if rows:
                    await (await session.connection()).execute(
                        put, rows
                    )  # without the mapper, which does it row by row
            added = added.plus(one_each.values(), known)
        return added

    # --- looking ------------------------------------------------------------------------------------------------------

    async def get(self, target: int) -> Target | None:
        """This one."""
        async with self._store.reading() as session:
            row = await session.get(Row, target)
        return None if row is None else target_of(row)

    async def latest(self, campaign: str, who: str) -> Target | None:
        """The latest target of this account, or of this number in stored form."""
        theirs = sa.or_(Row.key == who, Row.account == who, Row.key.startswith(f"{who}{OCCASION}", autoescape=True))
        query = sa.select(Row).where(Row.campaign == campaign, theirs).order_by(Row.id.desc()).limit(1)
        found = await self._some(query)
        return found[0] if found else None

    async def latest_of(self, campaign: str, customers: Collection[int]) -> Mapping[int, Target]:
        """The latest target of each of these customers that the campaign has any of."""
        query = sa.select(Row).where(Row.campaign == campaign, Row.customer_id.in_(list(customers)))
        found = await self._some(query.order_by(Row.id))
        return {one.customer: one for one in found if one.customer is not None}

    async def states(self, campaign: str, keys: Collection[str]) -> Mapping[str, TargetState]:
        """Those of these keys that the campaign has, and the state that each is in."""
        async with self._store.reading() as session:
            return await self._states(session, campaign, keys)

    async def next(self, campaign: str, now: datetime.datetime, most: int) -> tuple[Target, ...]:
        """The next ``most`` (up to 1,000) that may be dialled without a reserved agent: by rank, then by ``due_at``.

        Nothing is taken: ``Attempts.lease`` does that, and may be refused.
        """
        async with self._store.reading() as session:
            return await next_in(session, campaign, now, most)

    async def next_promised(self, campaign: str, now: datetime.datetime, most: int) -> tuple[Target, ...]:
        """The next ``most`` that were promised an agent (``guaranteed``), whoever has been due longest first."""
        query = sa.select(Row).where(_PROMISED, Row.campaign == campaign, Row.due_at <= now)
        return await self._some(query.order_by(Row.due_at, Row.id).limit(most))

    async def next_due(self, campaign: str) -> datetime.datetime | None:
        """When the first of those that wait is due; None when none waits."""
        looks = [
            sa.select(sa.func.min(Row.due_at)).where(_ORDINARY, Row.campaign == campaign, Row.rank == rank)
            for rank in range(RANKS)
        ] + [sa.select(sa.func.min(Row.due_at)).where(_PROMISED, Row.campaign == campaign)]
        async with self._store.reading() as session:
            moments = [moment for moment in await session.scalars(sa.union_all(*looks)) if moment is not None]
        return min(moments, default=None)

    async def counts(self, campaign: str) -> Mapping[TargetState, int]:
        """How many are in each state; states that none is in are left out."""
        query = sa.select(Row.state, sa.func.count()).where(Row.campaign == campaign).group_by(Row.state)
        async with self._store.reading() as session:
            return {_state(state): count for state, count in await session.execute(query)}

    async def shares(self, campaign: str) -> tuple[Share, ...]:
        """How many targets of each branch ended how, for the report of coverage."""
        columns = (Row.branch, Row.state, Row.why, Row.last_outcome)
        query = sa.select(*columns, sa.func.count()).where(Row.campaign == campaign).group_by(*columns)
        async with self._store.reading() as session:
            rows = await session.execute(query.order_by(*columns))
            return tuple(Share(row[0], _state(row[1]), row[2], row[3], row[4]) for row in rows)

    async def pages(self, campaign: str, *states: TargetState) -> AsyncIterator[tuple[Target, ...]]:
        """All targets of the campaign in these states (none given: in any), a page at a time, in bounded memory."""
        last = 0
        while True:
            query = sa.select(Row).where(Row.campaign == campaign, Row.id > last)
            if states:
                query = query.where(Row.state.in_(states))
            found = await self._some(query.order_by(Row.id).limit(AT_ONCE))
            if not found:
                return
            last = found[-1].id
            yield found

    # --- moves of targets that wait -----------------------------------------------------------------------------------

    async def put_off(
        self, one: Target, until: datetime.datetime, why: str, *, now: datetime.datetime
    ) -> Target | None:
        """It is not to be dialled before then."""
        return await self.move(one, TargetMove("waiting", why, until), now=now)

    async def close(self, one: Target, state: TargetState, why: str, *, now: datetime.datetime) -> Target | None:
        """It is not to be dialled any more."""
        return await self.move(one, TargetMove(state, why), now=now)

    async def move(self, one: Target, move: TargetMove, *, now: datetime.datetime) -> Target | None:
        """Anything that may become of a target that waits."""
        return await self._move(one, ("waiting",), move, now)

    async def settle_by_hand(self, one: Target, move: TargetMove, *, now: datetime.datetime) -> Target | None:
        """What people have found out about one that was on their list, or that the campaign had given up."""
        return await self._move(one, ("by_hand", "exhausted", "expired", "excluded"), move, now)

    async def refuse_customer(self, customer: int, why: str, *, now: datetime.datetime) -> int:
        """The customer wants no such calls: in no campaign do they wait any more. How many targets that closes.

        One that is held is closed as well: the attempt that holds it goes to its end and leaves it closed.
        """
        return await self._close_many(
            sa.and_(Row.customer_id == customer, Row.state.in_(("waiting", "held"))), TargetMove("refused", why), now
        )

    async def refuse(self, target: int, why: str, *, now: datetime.datetime) -> int:
        """The same for this target alone: somebody who is no customer."""
        return await self._close_many(
            sa.and_(Row.id == target, Row.state.in_(("waiting", "held"))), TargetMove("refused", why), now
        )

    async def expire(self, campaign: str, *, now: datetime.datetime) -> int:
        """The campaign is over: those that still wait are ``expired``, ``AT_ONCE`` in a transaction. How many."""
        total = 0
        while True:
            page = sa.select(Row.id).where(Row.campaign == campaign, Row.state == "waiting").limit(AT_ONCE)
            closed = await self._close_many(Row.id.in_(page), TargetMove("expired", "campaign_over"), now)
            total += closed
            if not closed:
                return total

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _states(self, session: AsyncSession, campaign: str, keys: Collection[str]) -> Mapping[str, TargetState]:
        query = sa.select(Row.key, Row.state).where(Row.campaign == campaign, Row.key.in_(list(keys)))
        return {key: _state(state) for key, state in await session.execute(query)}

    async def _move(
        self, one: Target, states: tuple[TargetState, ...], move: TargetMove, now: datetime.datetime
    ) -> Target | None:
        update = (
            sa.update(Row)
            .where(Row.id == one.id, Row.version == one.version, Row.state.in_(states))
            .values(move.values(now))
            .returning(Row)
            .execution_options(synchronize_session=False)
        )
        async with self._store.writing() as session:
            row = await session.scalar(update)
            return None if row is None else target_of(row)

    async def _close_many(self, which: sa.ColumnElement[bool], move: TargetMove, now: datetime.datetime) -> int:
        update = sa.update(Row).where(which).values(move.values(now)).execution_options(synchronize_session=False)
        async with self._store.writing() as session:
            return (await session.execute(update)).rowcount  # type: ignore[attr-defined,no-any-return]

    async def _some(self, query: sa.Select[Any]) -> tuple[Target, ...]:
        async with self._store.reading() as session:
            return tuple(target_of(row) for row in await session.scalars(query))


async def next_in(session: AsyncSession, campaign: str, now: datetime.datetime, most: int) -> tuple[Target, ...]:
    """``Targets.next`` in the caller's transaction."""
    at_a_time = next((size for size in _AT_A_TIME if size >= most), _AT_A_TIME[-1])
    rows = await session.execute(_NEXT[at_a_time], {"campaign": campaign, "now": now})
    found = sorted((target_of(row) for row in rows), key=lambda one: (one.rank, one.due_at, one.id))
    return tuple(found[:most])


def _state(state: str) -> TargetState:
    return cast(TargetState, state)  # the table's own check


def _values(campaign: str, one: NewTarget, now: datetime.datetime) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "key": one.key,
        "customer_id": one.customer,
        "account": one.account,
        "name": one.name,
        "branch": one.branch,
        "tier": one.tier,
        "language": one.language,
        "numbers": list(one.numbers),
        "data": dict(one.data),
        "state": one.state,
        "why": one.why,
        "due_at": one.due_at or now,
        "rank": one.rank,
        "guaranteed": False,
        "agent": "",
        "attempts": 0,
        "last_outcome": "",
        "last_at": None,
        "closed_at": None if one.state == "waiting" else now,
        "version": 0,
    }
