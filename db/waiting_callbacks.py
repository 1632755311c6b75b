"""Callers who hung up and keep their place: they are called when their turn comes.

Every move is a compare-and-set on the row's ``version``: of two controllers that try the same move, one is given the
row and the other None. ``dialling`` is written before the telephone network hears of the number, with the channel that
will dial it, so whatever crashes in between, no number is dialled again because nobody remembers: a row that was left
in ``dialling`` and has no channel any more is ``failed`` and goes to the list that people work off (``db.missed``).

    waiting → agent_reserved → dialling → talking → done
                             ↘ waiting (again, later) · failed · expired · refused

Knows neither hours nor pauses: when a number may be dialled is decided above (``agent_routing.callback_rules``).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from db.attempts import under_way
from db.callback_states import HELD_CALLBACKS, OPEN_CALLBACKS, CallbackState
from db.customer import Tier
from db.models import WaitingCallbackRow as Row
from db.phone_numbers import BadNumber, canonical
from db.store import Store

UNKNOWN: Final = "unknown"  # the outcome of a try that nobody saw end
CUT: Final = "cut"  # … that ended because the line dropped in the talk
CALLED_IN: Final = "called_in"  # the caller rang again meanwhile and was served
HELD: Final = HELD_CALLBACKS
CALL_PREFIX: Final = "callback-"
_OPEN_SQL: Final = sa.text(f"state IN ({', '.join(repr(state) for state in OPEN_CALLBACKS)})")


def is_callback(call: str) -> bool:
    """This call's id is that of a callback, and no channel's."""
    return call.startswith(CALL_PREFIX)


@dataclass(frozen=True, slots=True)
class Place:
    """The place that a caller keeps: the call it was held by, and all that decides who serves it when."""

    call: str
    number: str  # where the caller is called: any way of writing it
    joined: datetime.datetime  # unchanged: the wait goes on
    tier: Tier
    line: str = ""
    language: str = "zh"
    needs: Mapping[str, Any] = field(default_factory=dict)  # JSON values; this room does not look into them
    customer: int | None = None


@dataclass(frozen=True, slots=True)
class WaitingCallback:
    """One row. ``version`` rises with every move: whoever holds an older one can move it no more."""

    id: int
    place: Place  # its number in stored form
    asked_at: datetime.datetime
    state: CallbackState
    attempts: int  # how often the number was dialled
    outcome: str  # of the latest try, or why it ended; ""
    tried_at: datetime.datetime | None
    next_try: datetime.datetime
    expires: datetime.datetime
    holder: str  # which controller has it in hand
    lease_until: datetime.datetime | None
    agent: str
    channel: str  # the id of the channel that dials, and then talks
    closed_at: datetime.datetime | None
    version: int

    @property
    def call(self) -> str:
        """The id under which the journal knows the call that we make, all tries together."""
        return f"{CALL_PREFIX}{self.id}"


class WaitingCallbacks:
    """The callbacks. Every method raises StoreError when the database refuses or is away.

    A move gives the row as it is from then on, or None: somebody else has moved it, or it is in another state.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    # --- asking and looking -------------------------------------------------------------------------------------------

    async def ask(self, place: Place, *, now: datetime.datetime, expires: datetime.datetime) -> WaitingCallback:
        """Keep this place; when the number waits already, its earlier place stays, and is given back.

        Raises BadNumber when the number cannot be called: no number, or a short one, which is nobody's telephone.
        """
        number = canonical(place.number)
        if not number.startswith("+"):
            raise BadNumber(f"{number} is a service number.", remedy="Ask the caller for their own.")
        values = {
            "call_id": place.call,
            "customer_id": place.customer,
            "number": number,
            "line": place.line,
            "language": place.language,
            "joined": place.joined,
            "tier": place.tier,
            "needs": dict(place.needs),
            "asked_at": now,
            "state": "waiting",
            "attempts": 0,
            "outcome": "",
            "next_try": now,
            "expires": expires,
            "holder": "",
            "agent": "",
            "channel": "",
            "version": 0,
        }
        insert = self._insert(Row).values(values)
        kept = insert.on_conflict_do_update(
            index_elements=["number"], index_where=_OPEN_SQL, set_={"expires": insert.excluded.expires}
        ).returning(Row)
        async with self._store.writing() as session:
            return _callback((await session.scalars(kept)).one())

    async def get(self, callback: int) -> WaitingCallback | None:
        """This one, open or not."""
        async with self._store.reading() as session:
            row = await session.get(Row, callback)
        return None if row is None else _callback(row)

    async def open(self) -> tuple[WaitingCallback, ...]:
        """All that are still to be served, by the time they joined the queue: what a controller reads at its start."""
        return await self._some(sa.select(Row).where(Row.state.in_(OPEN_CALLBACKS)).order_by(Row.joined, Row.id))

    async def closed(self, since: datetime.datetime, until: datetime.datetime) -> tuple[WaitingCallback, ...]:
        """Those that ended in that time (``until`` not included), oldest first."""
        ended = sa.select(Row).where(Row.closed_at >= since, Row.closed_at < until)
        return await self._some(ended.order_by(Row.closed_at, Row.id))

    async def due(self, now: datetime.datetime) -> tuple[WaitingCallback, ...]:
        """Those whose number may be tried now, by the time they joined the queue."""
        ready = sa.select(Row).where(Row.state == "waiting", Row.next_try <= now, Row.expires > now)
        return await self._some(ready.order_by(Row.joined, Row.id))

    async def lapsed(self, now: datetime.datetime) -> tuple[WaitingCallback, ...]:
        """Those whose controller has let its lease run out: to be taken over (``keep``) or settled (``settle``)."""
        return await self._some(sa.select(Row).where(Row.state.in_(HELD), Row.lease_until <= now).order_by(Row.id))

    # --- moves --------------------------------------------------------------------------------------------------------

    async def reserve(
        self,
        one: WaitingCallback,
        *,
        holder: str,
        agent: str,
        now: datetime.datetime,
        lease: datetime.timedelta,
        channel: str = "",
    ) -> WaitingCallback | None:
        """``holder`` has reserved ``agent`` for it, until the lease ends, and rings by the channel of this id.

        None as well when it has expired.
        """
        return await self._move(
            one,
            ("waiting",),
            Row.expires > now,
            Row.next_try <= now,
            state="agent_reserved",
            holder=holder,
            agent=agent,
            channel=channel,
            lease_until=now + lease,
        )

    async def dial(
        self, one: WaitingCallback, *, channel: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> WaitingCallback | None:
        """The number is dialled next, by the channel of this id. Dial only what this gives, and only once.

        None as well when the lease has run out, or a campaign has the number in hand.
        """
        return await self._move(
            one,
            ("agent_reserved",),
            Row.lease_until > now,
            sa.not_(under_way(sa.literal(one.place.number))),
            state="dialling",
            attempts=one.attempts + 1,
            tried_at=now,
            channel=channel,
            lease_until=now + lease,
        )

    async def answered(
        self, one: WaitingCallback, *, now: datetime.datetime, lease: datetime.timedelta
    ) -> WaitingCallback | None:
        """The customer is on the line."""
        return await self._move(one, ("dialling",), state="talking", lease_until=now + lease)

    async def keep(
        self, one: WaitingCallback, *, holder: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> WaitingCallback | None:
        """A longer lease; also how a controller takes over one whose channel is still there."""
        return await self._move(one, HELD, holder=holder, lease_until=now + lease)

    async def give_back(self, one: WaitingCallback) -> WaitingCallback | None:
        """The agent is not to be had any more; nobody was dialled."""
        return await self._move(one, ("agent_reserved",), **_WAITING)

    async def try_again(self, one: WaitingCallback, outcome: str, at: datetime.datetime) -> WaitingCallback | None:
        """The number was dialled in vain, and may be tried again from ``at`` on."""
        return await self._move(one, ("dialling",), **_WAITING, outcome=outcome, next_try=at)

    async def postpone(self, one: WaitingCallback, at: datetime.datetime) -> WaitingCallback | None:
        """The number may not be dialled before ``at``; no try was made."""
        return await self._move(one, ("waiting", "agent_reserved"), **_WAITING, next_try=at)

    async def done(self, one: WaitingCallback, *, now: datetime.datetime, outcome: str = "") -> WaitingCallback | None:
        """The customer was served; ``outcome`` CUT: as far as the line held."""
        return await self._close(one, ("talking",), "done", outcome, now)

    async def fail(self, one: WaitingCallback, outcome: str, *, now: datetime.datetime) -> WaitingCallback | None:
        """It was dialled in vain for the last time, or may never be dialled."""
        return await self._close(one, ("waiting", "agent_reserved", "dialling"), "failed", outcome, now)

    async def refuse(self, one: WaitingCallback, why: str, *, now: datetime.datetime) -> WaitingCallback | None:
        """The number must not be called, or whoever answered wanted no call."""
        return await self._close(one, ("waiting", "agent_reserved", "dialling"), "refused", why, now)

    async def expire(self, one: WaitingCallback, *, now: datetime.datetime) -> WaitingCallback | None:
        """Its time is over before it was served."""
        return await self._close(one, ("waiting", "agent_reserved", "dialling"), "expired", one.outcome, now)

    async def settle(self, one: WaitingCallback, *, now: datetime.datetime) -> WaitingCallback | None:
        """A row whose lease ran out and whose channel, if it had one, is gone.

        Nobody was dialled yet: it waits on. Was being dialled: ``failed``, outcome ``unknown``, since the customer may
        have been served meanwhile and must not be rung twice for it; a person looks at it. Talked: ``done``.
        """
        over = Row.lease_until <= now
        if one.state == "agent_reserved":
            return await self._move(one, ("agent_reserved",), over, **_WAITING)
        if one.state == "dialling":
            return await self._close(one, ("dialling",), "failed", UNKNOWN, now, over)
        return await self._close(one, ("talking",), "done", UNKNOWN, now, over)

    # --- moves of many ------------------------------------------------------------------------------------------------

    async def expire_due(self, now: datetime.datetime) -> tuple[WaitingCallback, ...]:
        """Those that have waited until their time was over; each is given to one asker only."""
        return await self._close_waiting(now, "expired", None, Row.expires <= now)

    async def called_in(self, number: str, *, now: datetime.datetime) -> tuple[WaitingCallback, ...]:
        """The caller rang again and was served: no callback is needed. One that is being dialled is left alone."""
        return await self._close_waiting(now, "done", CALLED_IN, Row.number == number)

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _close(
        self,
        one: WaitingCallback,
        states: tuple[CallbackState, ...],
        state: CallbackState,
        outcome: str,
        now: datetime.datetime,
        *conditions: sa.ColumnElement[bool],
    ) -> WaitingCallback | None:
        ended = {"state": state, "outcome": outcome, "closed_at": now, "lease_until": None, "holder": ""}
        return await self._move(one, states, *conditions, **ended)

    async def _move(
        self,
        one: WaitingCallback,
        states: tuple[CallbackState, ...],
        *conditions: sa.ColumnElement[bool],
        **values: Any,
    ) -> WaitingCallback | None:
        update = (
            sa.update(Row)
            .where(Row.id == one.id, Row.version == one.version, Row.state.in_(states), *conditions)
            .values(version=Row.version + 1, **values)
            .returning(Row)
            .execution_options(synchronize_session=False)
        )
        async with self._store.writing() as session:
            row = await session.scalar(update)
            return None if row is None else _callback(row)

    async def _close_waiting(
        self, now: datetime.datetime, state: CallbackState, outcome: str | None, condition: sa.ColumnElement[bool]
    ) -> tuple[WaitingCallback, ...]:
        values: dict[str, Any] = {"state": state, "closed_at": now, "version": Row.version + 1}
        if outcome is not None:
            values["outcome"] = outcome
        update = (
            sa.update(Row)
            .where(Row.state == "waiting", condition)
            .values(values)
            .returning(Row)
            .execution_options(synchronize_session=False)
        )
        return await self._store.write(
            lambda session: tuple(sorted(map(_callback, session.scalars(update)), key=lambda one: one.id))
        )

    async def _some(self, query: sa.Select[Any]) -> tuple[WaitingCallback, ...]:
        async with self._store.reading() as session:
            return tuple(_callback(row) for row in await session.scalars(query))


_WAITING: Final[Mapping[str, Any]] = {
    "state": "waiting",
    "holder": "",
    "agent": "",
    "channel": "",
    "lease_until": None,
}


def _callback(row: Row) -> WaitingCallback:
    place = Place(
        call=row.call_id,
        number=row.number,
        joined=row.joined,
        tier=row.tier,  # type: ignore[arg-type]  # the table's own check
        line=row.line,
        language=row.language,
        needs=row.needs,
        customer=row.customer_id,
    )
    return WaitingCallback(
        id=row.id,
        place=place,
        asked_at=row.asked_at,
        state=row.state,  # type: ignore[arg-type]
        attempts=row.attempts,
        outcome=row.outcome,
        tried_at=row.tried_at,
        next_try=row.next_try,
        expires=row.expires,
        holder=row.holder,
        lease_until=row.lease_until,
        agent=row.agent,
        channel=row.channel,
        closed_at=row.closed_at,
        version=row.version,
    )
