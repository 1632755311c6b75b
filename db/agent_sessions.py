"""What every agent is doing, and the history of it. The one place where two controllers meet.

Which change is allowed is decided above (``agent_routing.agents``); here a session is held still meanwhile, the change
and its line of history are written in one transaction, and the database itself refuses two agents at a seat, two calls
for an agent, and two agents for one call that is being offered. An agent who has never logged in has no row.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from db import audit
from db.agent import Session, StateChange
from db.agents import NoSuchAgent
from db.audit import AuditEntry
from db.errors import AlreadyThere
from db.models import AgentChangeRow, AgentRow, AgentSessionRow, SeatRow
from db.seats import NoSuchSeat
from db.store import Store
from ivr.errors import GoldlineError

RESERVED_BY: Final = "goldline"  # nobody reserves an agent by hand
MOST_HISTORY: Final = 100_000  # lines in one answer: a day of a thousand agents; more is read day by day


class SeatTaken(GoldlineError):
    """Another agent sits there already."""

    error_id: ClassVar[str] = "seat-taken"

    def __init__(self, seat: str, agent: str) -> None:
        who = f"Agent {agent}" if agent else "Another agent"
        super().__init__(f"{who} sits at seat {seat}.", remedy="Log in elsewhere, or log that agent out first.")


class AgentHasLeft(GoldlineError):
    """The agent has left and logs in no more."""

    error_id: ClassVar[str] = "agent-has-left"

    def __init__(self, agent: str) -> None:
        super().__init__(
            f"Agent {agent} has left.", remedy=f"`ivr agents add {agent} --standing active` takes them back."
        )


class Decision(Protocol):
    """What shall be from now on (``agent_routing.agents.Step``)."""

    @property
    def session(self) -> Session: ...

    @property
    def change(self) -> StateChange | None: ...

    @property
    def audit(self) -> Sequence[AuditEntry]: ...


D = TypeVar("D", bound=Decision)


class AgentSessions:
    """The sessions. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    async def all(self) -> tuple[Session, ...]:
        """Every session, by agent, with its state and since when; agents who never logged in have none."""
        async with self._store.reading() as session:
            rows = await session.scalars(sa.select(AgentSessionRow).order_by(AgentSessionRow.agent))
            return tuple(_session(row) for row in rows)

    async def get(self, agent: str) -> Session | None:
        """The session of this agent; None: never logged in."""
        async with self._store.reading() as session:
            row = await session.get(AgentSessionRow, agent)
        return None if row is None else _session(row)

    async def stamp(self) -> int:
        """A number that differs whenever any session does: one cheap question tells whether to read them again."""
        query = sa.select(sa.func.coalesce(sa.func.sum(AgentSessionRow.version), 0))
        async with self._store.reading() as session:
            return int(await session.scalar(query) or 0)

    async def change(self, agent: str, now: datetime.datetime, decide: Callable[[Session], D]) -> D:
        """Hold this agent's session, write what ``decide`` makes of it, its history and audit entries; give it back.

        Whatever ``decide`` raises leaves everything as it was. Raises NoSuchAgent, AgentHasLeft, NoSuchSeat, SeatTaken.
        """
        seat = ""

        def change(session: orm.Session) -> D:
            nonlocal seat
            before = self._held(session, agent, now)
            decision = decide(before)
            seat = decision.session.seat
            if seat and seat != before.seat:
                _may_sit(session, agent, seat)
            _write(session, before, decision.session, decision.change)
            audit.append_in(session, decision.audit)
            return decision

        try:
            return await self._store.write(change)
        except AlreadyThere:
            if not seat:
                raise
            raise SeatTaken(seat, "") from None  # both asked at once, and the other was first

    async def reserve(
        self, agent: str, call: str, *, now: datetime.datetime, until: datetime.datetime
    ) -> Session | None:
        """Reserve an idle agent for this call, with a lease until then: a compare-and-set in the database.

        None: the agent is not idle any more, or the call is being offered to another one. Of any number of controllers
        that ask at once, one is given the agent.
        """
        idle = sa.select(AgentSessionRow).where(AgentSessionRow.agent == agent, AgentSessionRow.state == "idle")

        def reserve(session: orm.Session) -> Session | None:
            row = session.scalar(idle.with_for_update())
            if row is None:
                return None
            before = _session(row)
            after = Session(
                agent,
                "reserved",
                max(now, before.since),
                before.seat,
                call,
                until,
                missed=before.missed,
                version=before.version + 1,
            )
            change = StateChange(
                agent, before.seat, before.since, after.since, "idle", "reserved", "reserve", RESERVED_BY, call
            )
            _write(session, before, after, change)
            return after

        try:
            return await self._store.write(reserve)
        except AlreadyThere:  # the call: nothing else in the row is unique and changed
            return None

    async def history(
        self,
        *,
        since: datetime.datetime,
        until: datetime.datetime,
        agent: str = "",
        most: int = MOST_HISTORY,
    ) -> tuple[StateChange, ...]:
        """What happened in that time (``until`` not included), oldest first, of one agent or of all."""
        query = sa.select(AgentChangeRow).where(AgentChangeRow.at >= since, AgentChangeRow.at < until)
        if agent:
            query = query.where(AgentChangeRow.agent == agent)
        async with self._store.reading() as session:
            rows = await session.scalars(query.order_by(AgentChangeRow.at, AgentChangeRow.id).limit(most))
            return tuple(_change(row) for row in rows)

    async def calls_since(self, since: datetime.datetime) -> dict[str, int]:
        """How many calls each agent has taken since then: what the fairness of a day is judged by."""
        query = (
            sa.select(AgentChangeRow.agent, sa.func.count())
            .where(AgentChangeRow.at >= since, AgentChangeRow.to_state == "talking")
            .group_by(AgentChangeRow.agent)
        )
        async with self._store.reading() as session:
            return {agent: int(count) for agent, count in (await session.execute(query)).all()}

    def _held(self, session: orm.Session, agent: str, now: datetime.datetime) -> Session:
        held = sa.select(AgentSessionRow).where(AgentSessionRow.agent == agent).with_for_update()
        row = session.scalar(held)
        if row is None:
            if session.get(AgentRow, agent) is None:
                raise NoSuchAgent(agent)
            first = {
                "agent": agent,
                "state": "logged_out",
                "since": now,
                "call_id": "",
                "reason": "",
                "next_reason": "",
                "missed": 0,
                "version": 0,
            }
            session.execute(self._insert(AgentSessionRow).values(first).on_conflict_do_nothing())
            row = (session.scalars(held)).one()
        return _session(row)


def _may_sit(session: orm.Session, agent: str, seat: str) -> None:
    # Held as well: an agent who leaves at this moment waits for the log-in, and is then told that they are at work.
    standing = sa.select(AgentRow.standing).where(AgentRow.id == agent).with_for_update()
    if session.scalar(standing) != "active":
        raise AgentHasLeft(agent)
    if session.get(SeatRow, seat) is None:
        raise NoSuchSeat(seat)
    other = session.scalar(sa.select(AgentSessionRow.agent).where(AgentSessionRow.seat == seat))
    if other is not None:
        raise SeatTaken(seat, other)


def _write(session: orm.Session, before: Session, after: Session, change: StateChange | None) -> None:
    session.execute(
        sa.update(AgentSessionRow)
        .where(AgentSessionRow.agent == before.agent, AgentSessionRow.version == before.version)
        .values(
            state=after.state,
            since=after.since,
            seat=after.seat or None,
            call_id=after.call,
            until=after.until,
            reason=after.reason,
            next_state=after.next_state,
            next_reason=after.next_reason,
            missed=after.missed,
            version=after.version,
        )
        .execution_options(synchronize_session=False)
    )
    if change is not None:
        session.execute(
            sa.insert(AgentChangeRow).values(
                agent=change.agent,
                seat=change.seat,
                since=change.since,
                at=change.at,
                from_state=change.from_state,
                to_state=change.to_state,
                why=change.why,
                actor=change.actor,
                call_id=change.call,
                from_reason=change.from_reason,
                to_reason=change.to_reason,
            )
        )


def _session(row: Any) -> Session:
    return Session(
        agent=row.agent,
        state=row.state,
        since=row.since,
        seat=row.seat or "",
        call=row.call_id,
        until=row.until,
        reason=row.reason,
        next_state=row.next_state,
        next_reason=row.next_reason,
        missed=row.missed,
        version=row.version,
    )


def _change(row: AgentChangeRow) -> StateChange:
    return StateChange(
        agent=row.agent,
        seat=row.seat,
        since=row.since,
        at=row.at,
        from_state=row.from_state,  # type: ignore[arg-type]  # the table's own check
        to_state=row.to_state,  # type: ignore[arg-type]
        why=row.why,
        actor=row.actor,
        call=row.call_id,
        from_reason=row.from_reason,
        to_reason=row.to_reason,
        id=row.id,
    )
