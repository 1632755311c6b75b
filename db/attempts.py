"""Attempts: leased before the number is dialled, and moved on by each thing that happens to the call.

    leased → dialling → answered → talking → ended
         ↘ ended (given back: the number was never dialled)

``dialling`` is written before the telephone network hears of the number. So whatever crashes in between, no number is
dialled again because nobody remembers; and a target is held exactly as long as it has an open attempt, because both
rows are moved in one transaction, so that none is forgotten either. The database itself refuses a second open attempt
for the same target, the same customer or the same number, whichever campaigns they belong to.

Who may move an attempt is its ``holder``, one life of one controller. A move that the holder makes again (the database
was away when it answered) gives the row as it is and changes nothing. Others take an attempt over with ``take``: when
its channel has come to them, or when its lease has run out.

Knows neither hours nor caps: ``outbound.rules`` decides, from what ``history`` tells. But what must never be dialled
is asked for once more in the very statement that says ``dialling``.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.attempt import NOT_DIALLED, UNKNOWN, Attempt, End, Hour, PastDial, attempt_of, attempt_of_call, is_attempt
from db.callback_states import HELD_CALLBACKS
from db.campaigns import is_live
from db.customer import PhoneState
from db.do_not_call import is_forbidden
from db.models import AttemptRow as Row
from db.models import CampaignRow, CustomerRow, MissedCallerRow, PhoneRow, TargetRow, WaitingCallbackRow
from db.outbound_states import DIALLED, OPEN_ATTEMPTS, AttemptState, Mode
from db.store import Store
from db.target import Target, TargetMove

__all__ = [
    "NOT_DIALLED",
    "UNKNOWN",
    "Attempt",
    "Attempts",
    "End",
    "Hour",
    "PastDial",
    "attempt_of_call",
    "is_attempt",
]

MOST_PAST: Final = 2_000  # dials of a few numbers and customers: caps allow some dozens to each
_ANYWHERE: Final = sa.text("state <> 'ended'")


class _Lost(Exception):
    """The other half of a move cannot be made: the whole transaction is undone."""


class Attempts:
    """The attempts. Every method raises StoreError when the database refuses or is away.

    A move gives the row as it is from then on, or None: somebody else has moved it, or it is in another state.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    # --- looking ------------------------------------------------------------------------------------------------------

    async def get(self, attempt: int) -> Attempt | None:
        """This one, open or not."""
        async with self._store.reading() as session:
            row = await session.get(Row, attempt)
        return None if row is None else attempt_of(row)

    async def open(self) -> tuple[Attempt, ...]:
        """All that have not ended: what a controller reads at its start."""
        return await self._some(sa.select(Row).where(_ANYWHERE).order_by(Row.id))

    async def count_open(self, campaign: str) -> int:
        """How many of the campaign have not ended."""
        query = sa.select(sa.func.count()).select_from(Row).where(_ANYWHERE, Row.campaign == campaign)
        async with self._store.reading() as session:
            return await session.scalar(query) or 0

    async def is_under_way(self, number: str, customer: int | None = None) -> bool:
        """A campaign has this number, or this customer at any, in hand just now: nobody else may dial it meanwhile."""
        theirs = under_way(sa.literal(number))
        if customer is not None:
            mine = sa.select(Row.id).where(Row.customer_id == customer, Row.state.in_(OPEN_ATTEMPTS)).exists()
            theirs = sa.or_(theirs, mine)
        async with self._store.reading() as session:
            return bool(await session.scalar(sa.select(theirs)))

    async def lapsed(self, now: datetime.datetime) -> tuple[Attempt, ...]:
        """Those whose holder has let the lease run out: to be taken over (``take``) or settled (``settle``)."""
        return await self._some(sa.select(Row).where(_ANYWHERE, Row.lease_until <= now).order_by(Row.id))

    async def of_target(self, target: int) -> tuple[Attempt, ...]:
        """All of this target, oldest first."""
        return await self._some(sa.select(Row).where(Row.target_id == target).order_by(Row.id))

    async def history(
        self, numbers: Collection[str], customers: Collection[int], since: datetime.datetime
    ) -> tuple[PastDial, ...]:
        """Every dial since then of these numbers, and of these customers at any number, oldest first.

        At most ``MOST_PAST``, the latest.
        """
        columns = sa.select(
            Row.id,
            Row.number,
            Row.customer_id,
            Row.campaign,
            Row.target_id,
            Row.dialled_at,
            Row.outcome,
            Row.abandoned,
        ).where(Row.dialled_at >= since)
        # Two looks into two indices; "or" would have SQLite read the table.
        both = sa.union(
            columns.where(Row.number.in_(list(numbers))), columns.where(Row.customer_id.in_(list(customers)))
        ).subquery()
        query = sa.select(both).order_by(both.c.dialled_at.desc(), both.c.id.desc()).limit(MOST_PAST)
        async with self._store.reading() as session:
            rows = (await session.execute(query)).all()
        return tuple(PastDial(*row[1:]) for row in reversed(rows))

    async def outcomes(self, campaign: str, since: datetime.datetime | None = None) -> Mapping[str, int]:
        """How many attempts of the campaign ended with each outcome since then; given back ones are left out."""
        query = sa.select(Row.outcome, sa.func.count()).where(
            Row.campaign == campaign, Row.ended_at.is_not(None), Row.outcome != NOT_DIALLED
        )
        if since is not None:
            query = query.where(Row.ended_at >= since)
        async with self._store.reading() as session:
            rows = await session.execute(query.group_by(Row.outcome))
            return {outcome: count for outcome, count in rows}  # noqa: C416 - rows are no pairs to mypy

    async def dispositions(self, campaign: str) -> Mapping[str, int]:
        """How many talks of the campaign ended with each disposition."""
        query = sa.select(Row.disposition, sa.func.count()).where(Row.campaign == campaign, Row.disposition != "")
        async with self._store.reading() as session:
            rows = await session.execute(query.group_by(Row.disposition))
            return {disposition: count for disposition, count in rows}  # noqa: C416 - rows are no pairs to mypy

    async def closed_since(self, campaign: str, since: datetime.datetime) -> int:
        """How many targets were closed since then by the attempts that ended since then."""
        query = (
            sa.select(sa.func.count(sa.distinct(Row.target_id)))
            .join(TargetRow, TargetRow.id == Row.target_id)
            .where(Row.campaign == campaign, Row.ended_at >= since, TargetRow.closed_at >= since)
        )
        async with self._store.reading() as session:
            return await session.scalar(query) or 0

    async def hours(self, campaign: str, since: datetime.datetime) -> tuple[Hour, ...]:
        """Hour by hour since then, in UTC: who answered, and whom no agent was there for. Hours without are left out.

        What the pacer is told at a start, and what the rate of abandoned calls is computed from.
        """
        if self._store.is_sqlite:
            hour: Any = sa.func.strftime("%Y-%m-%dT%H:00:00", Row.answered_at)
        else:
            at_utc = sa.func.timezone("UTC", Row.answered_at)
            hour = sa.func.to_char(at_utc, 'YYYY-MM-DD"T"HH24:00:00')
        query = (
            sa.select(hour, sa.func.count(), sa.func.sum(sa.cast(Row.abandoned, sa.Integer)))
            .where(Row.campaign == campaign, Row.ended_at >= since, Row.answered_at >= since, Row.live)
            .group_by(hour)
            .order_by(hour)
        )
        async with self._store.reading() as session:
            rows = (await session.execute(query)).all()
        return tuple(
            Hour(datetime.datetime.fromisoformat(begins).replace(tzinfo=datetime.UTC), live, int(abandoned))
            for begins, live, abandoned in rows
        )

    # --- before the network hears of it -------------------------------------------------------------------------------

    async def lease(
        self,
        target: Target,
        number: str,
        *,
        mode: Mode,
        holder: str,
        now: datetime.datetime,
        lease: datetime.timedelta,
        rank: int = 0,
        chance: float = 0.0,
        trunk: str = "",
    ) -> Attempt | None:
        """``holder`` alone may dial this number (stored form) for this target, until the lease ends.

        Only then ask ``history`` and the rules: from now on nobody else can dial the number or the customer. None when
        somebody else has the target, the customer or the number, when the target is not due, or when its campaign is
        not live.
        """
        values = {
            "campaign": target.campaign,
            "target_id": target.id,
            "customer_id": target.customer,
            "number": number,
            "rank": rank,
            "mode": mode,
            "chance": chance,
            "state": "leased",
            "holder": holder,
            "lease_until": now + lease,
            "channel": "",
            "trunk": trunk,
            "leased_at": now,
            "agent": "",
            "outcome": "",
            "cause": 0,
            "sip": 0,
            "announcement": "",
            "ring_seconds": 0.0,
            "live": False,
            "abandoned": False,
            "disposition": "",
            "note": "",
            "version": 0,
        }
        insert = self._insert(Row).values(values).on_conflict_do_nothing().returning(Row)
        hold = (
            sa.update(TargetRow)
            .where(
                TargetRow.id == target.id,
                TargetRow.version == target.version,
                TargetRow.state == "waiting",
                TargetRow.due_at <= now,
                _campaign_is_live(target.campaign, now),
            )
            .values(state="held", version=TargetRow.version + 1)
            .returning(TargetRow.id)
            .execution_options(synchronize_session=False)
        )
        try:
            async with self._store.writing() as session:
                row = await session.scalar(insert)
                if row is None or await session.scalar(hold) is None:
                    raise _Lost
                return attempt_of(row)
        except _Lost:
            return None

    async def dial(
        self, one: Attempt, *, channel: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> Attempt | None:
        """The number is dialled next, by the channel of this id. Dial only what this gives, and only once.

        None when the lease has run out or somebody else has moved the attempt; when the campaign is not live any more
        (paused, stopped, its run killed); when the target was closed meanwhile, the number must not be called, or
        somebody else is calling it back just now: ``give_back`` it then.
        """
        update = _update(
            one,
            Row.version == one.version,
            Row.state == "leased",
            Row.lease_until > now,
            _campaign_is_live(one.campaign, now),
            sa.not_(is_forbidden(sa.literal(one.number))),
            sa.not_(_wishes_no_calls(one.customer)),
            sa.not_(_is_called_back(one.number)),
            state="dialling",
            channel=channel,
            dialled_at=now,
            lease_until=now + lease,
        )
        count = (
            sa.update(TargetRow)
            .where(TargetRow.id == one.target, TargetRow.state == "held")
            .values(attempts=TargetRow.attempts + 1, last_at=now)
            .returning(TargetRow.id)
            .execution_options(synchronize_session=False)
        )
        try:
            async with self._store.writing() as session:
                row = await session.scalar(update)
                if row is None or await session.scalar(count) is None:
                    raise _Lost
                return attempt_of(row)
        except _Lost:
            return None

    async def give_back(
        self, one: Attempt, *, now: datetime.datetime, move: TargetMove | None = None
    ) -> Attempt | None:
        """It was leased and will not be dialled: the target waits on, or as ``move`` says (put off, or closed)."""
        return await self._end(one, ("leased",), End(NOT_DIALLED), move, now, Row.holder == one.holder)

    # --- while the call goes on ---------------------------------------------------------------------------------------

    async def answered(self, one: Attempt, *, now: datetime.datetime, lease: datetime.timedelta) -> Attempt | None:
        """Somebody, or something, has taken the call."""
        return await self._on(one, ("dialling",), state="answered", answered_at=now, lease_until=now + lease)

    async def connected(
        self, one: Attempt, *, agent: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> Attempt | None:
        """The customer talks with this agent; "": hears the notice or the questions."""
        values = {"state": "talking", "connected_at": now, "agent": agent, "lease_until": now + lease}
        return await self._on(one, ("answered",), **values)

    async def renew(self, holder: str, *, now: datetime.datetime, lease: datetime.timedelta) -> int:
        """A longer lease for all that this holder has open, in one statement; how many. Versions stay as they are."""
        update = (
            sa.update(Row)
            .where(_ANYWHERE, Row.holder == holder)
            .values(lease_until=now + lease)
            .execution_options(synchronize_session=False)
        )
        async with self._store.writing() as session:
            return (await session.execute(update)).rowcount  # type: ignore[attr-defined,no-any-return]

    async def take(
        self, one: Attempt, *, holder: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> Attempt | None:
        """``holder`` has it from now on: its channel has come to this controller, or its lease has run out.

        Whoever held it before can move it no more. Of two that take it, one is given it.
        """
        return await self._scalar(
            _update(
                one,
                Row.version == one.version,
                Row.state.in_(OPEN_ATTEMPTS),
                holder=holder,
                lease_until=now + lease,
            )
        )

    # --- the end ------------------------------------------------------------------------------------------------------

    async def ended(
        self,
        one: Attempt,
        end: End,
        move: TargetMove,
        *,
        now: datetime.datetime,
        confirmed_on: datetime.date | None = None,
    ) -> Attempt | None:
        """The call is over: the attempt, its target and the state of the number, in one transaction.

        Said again, or of an attempt that has been ended by whoever took it over, it gives the row as it ended, and
        changes nothing. A target that was closed meanwhile (the customer refused by key) stays closed.
        """
        return await self._end(one, DIALLED, end, move, now, Row.holder == one.holder, confirmed_on)

    async def settle(self, one: Attempt, end: End, move: TargetMove, *, now: datetime.datetime) -> Attempt | None:
        """One whose lease ran out and whose channel, if it had one, is gone.

        Never dialled: given back, the target waits on. Dialled: it ends (``unknown``, or ``abandoned`` when somebody
        had answered and got nobody), and counts as a dial; ``move`` says when the target may be tried again.
        """
        over = sa.and_(Row.lease_until <= now, Row.version == one.version)
        if one.state == "leased":
            return await self._end(one, ("leased",), End(NOT_DIALLED), None, now, over)
        return await self._end(one, DIALLED, end, move, now, over)

    async def set_disposition(
        self,
        attempt: int,
        disposition: str,
        *,
        now: datetime.datetime,
        note: str = "",
        move: TargetMove | None = None,
        phone: PhoneState | None = None,
        confirmed_on: datetime.date | None = None,
    ) -> Attempt | None:
        """What the agent says came of the talk, in it or after it; may be said again, and corrected.

        ``move`` is made unless the target is in the hands of another attempt, or its customer has refused meanwhile.
        None when there is no such attempt.
        """
        update = (
            sa.update(Row)
            .where(Row.id == attempt)
            .values(disposition=disposition, note=note, version=Row.version + 1)
            .returning(Row)
            .execution_options(synchronize_session=False)
        )
        another = sa.select(Row.id).where(Row.target_id == TargetRow.id, Row.id != attempt, _ANYWHERE).exists()
        async with self._store.writing() as session:
            row = await session.scalar(update)
            if row is None:
                return None
            if move is not None:
                await session.execute(
                    sa.update(TargetRow)
                    .where(TargetRow.id == row.target_id, TargetRow.state != "refused", sa.not_(another))
                    .values(move.values(now))
                    .execution_options(synchronize_session=False)
                )
            await _mark(session, row, phone, confirmed_on)
            return attempt_of(row)

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _on(self, one: Attempt, states: tuple[AttemptState, ...], **values: Any) -> Attempt | None:
        """A move of the holder's; when it was made already, the row as it is."""
        async with self._store.writing() as session:
            row = await session.scalar(_update(one, Row.holder == one.holder, Row.state.in_(states), **values))
            if row is None:
                query = sa.select(Row).where(Row.id == one.id, Row.holder == one.holder, Row.state == values["state"])
                row = await session.scalar(query)
            return None if row is None else attempt_of(row)

    async def _end(
        self,
        one: Attempt,
        states: tuple[AttemptState, ...],
        end: End,
        move: TargetMove | None,
        now: datetime.datetime,
        mine: sa.ColumnElement[bool],
        confirmed_on: datetime.date | None = None,
    ) -> Attempt | None:
        update = _update(
            one,
            mine,
            Row.state.in_(states),
            state="ended",
            ended_at=now,
            lease_until=None,
            outcome=end.outcome,
            cause=end.cause,
            sip=end.sip,
            announcement=end.announcement,
            ring_seconds=end.ring_seconds,
            live=end.live,
            abandoned=end.abandoned,
        )
        changed: dict[str, Any] = (move or TargetMove("waiting")).values(now)
        if move is None:
            changed.pop("why")  # nothing was found out: what was said of it before still stands
        if end.outcome != NOT_DIALLED:
            changed["last_outcome"] = end.outcome
        async with self._store.writing() as session:
            row = await session.scalar(update)
            if row is None:
                ended = await session.scalar(sa.select(Row).where(Row.id == one.id, Row.state == "ended"))
                return None if ended is None else attempt_of(ended)
            moved = await session.execute(
                sa.update(TargetRow)
                .where(TargetRow.id == one.target, TargetRow.state == "held")
                .values(changed)
                .execution_options(synchronize_session=False)
            )
            if not moved.rowcount and end.outcome != NOT_DIALLED:  # type: ignore[attr-defined]
                await session.execute(
                    sa.update(TargetRow).where(TargetRow.id == one.target).values(last_outcome=end.outcome)
                )
            await _mark(session, row, end.phone, confirmed_on)
            return attempt_of(row)

    async def _scalar(self, update: Any) -> Attempt | None:
        async with self._store.writing() as session:
            row = await session.scalar(update)
            return None if row is None else attempt_of(row)

    async def _some(self, query: sa.Select[Any]) -> tuple[Attempt, ...]:
        async with self._store.reading() as session:
            return tuple(attempt_of(row) for row in await session.scalars(query))


def _update(one: Attempt, *conditions: sa.ColumnElement[bool], **values: Any) -> Any:
    return (
        sa.update(Row)
        .where(Row.id == one.id, *conditions)
        .values(version=Row.version + 1, **values)
        .returning(Row)
        .execution_options(synchronize_session=False)
    )


def under_way(number: Any) -> sa.ColumnElement[bool]:
    """In a query: a campaign has the number in this column in hand."""
    return sa.select(Row.id).where(Row.number == number, sa.text("attempts.state <> 'ended'")).exists()


def _campaign_is_live(name: str, now: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.select(CampaignRow.name).where(CampaignRow.name == name, is_live(now)).exists()


def _wishes_no_calls(customer: int | None) -> sa.ColumnElement[bool]:
    if customer is None:
        return sa.false()
    return sa.select(CustomerRow.id).where(CustomerRow.id == customer, CustomerRow.do_not_call).exists()


def _is_called_back(number: str) -> sa.ColumnElement[bool]:
    """The caller kept a place in the queue and is being called just now, or somebody works off their missed call."""
    callbacks = sa.select(WaitingCallbackRow.id).where(
        WaitingCallbackRow.number == number, WaitingCallbackRow.state.in_(HELD_CALLBACKS)
    )
    missed = sa.select(MissedCallerRow.id).where(MissedCallerRow.number == number, MissedCallerRow.state == "taken")
    return sa.or_(callbacks.exists(), missed.exists())


async def _mark(session: AsyncSession, row: Row, phone: PhoneState | None, confirmed_on: datetime.date | None) -> None:
    """What the number has turned out to be: for everybody who has it, but whose it is concerns its customer only.

    Somebody else's telephone (``wrong_person``) stays that, whatever the network says: only a person takes it back.
    """
    if phone is None:
        return
    update = sa.update(PhoneRow).where(PhoneRow.number == row.number)
    if phone == "wrong_person" or confirmed_on is not None:
        own = update.where(PhoneRow.customer_id == row.customer_id)
        values: dict[str, Any] = {"state": phone} | ({"confirmed_on": confirmed_on} if confirmed_on else {})
        await session.execute(own.values(values).execution_options(synchronize_session=False))
    if phone != "wrong_person":
        theirs = update.where(PhoneRow.state != "wrong_person", PhoneRow.state != phone)
        await session.execute(theirs.values(state=phone).execution_options(synchronize_session=False))
