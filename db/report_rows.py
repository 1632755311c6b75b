"""What a report reads: calls with what happened to them, and what agents did, a few at a time. Only reads.

Calls come in the order in which they began, each with its events that concern people and its agents' talks and
wrap-ups; never more than a page of them is in memory, and no transaction stays open in between.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import events
from db.agent import StateChange
from db.events import Event
from db.fold import CallRecord
from db.models import AgentChangeRow, AgentRow, CallEventRow, CallRow
from db.store import Store

# The kinds that concern people: all that a call's wait and talks are told by.
PEOPLE_KINDS: Final = frozenset(
    (
        events.WAIT_JOINED,
        events.WAIT_TOLD,
        events.WAIT_LEFT,
        events.OFFER_MADE,
        events.OFFER_FAILED,
        events.TALK_BEGAN,
        events.TALK_ENDED,
        events.TALK_MOVED,
        events.SURVEY,
        events.AWAY_QUEUE,
    )
)
WANTING_KINDS: Final = frozenset((events.WAIT_JOINED, events.AWAY_QUEUE))  # … and that it wanted one at all
# WAIT_TOLD is the commonest and says nothing that a figure needs.
FIGURE_KINDS: Final = PEOPLE_KINDS - {events.WAIT_TOLD}
AT_ONCE: Final = 500  # calls in a page; SQLite takes 32,766 values in a statement (SQLITE_MAX_VARIABLE_NUMBER)
AGENTS_AT_ONCE: Final = 50  # a day of them has some ten thousand lines
MOST_FOUND: Final = 5
_HANDLING: Final = ("talking", "wrap_up")
_CALL_COLUMNS: Final = (
    CallRow.id,
    CallRow.started_at,
    CallRow.caller,
    CallRow.line,
    CallRow.language,
    CallRow.flow,
    CallRow.version,
    CallRow.answered_at,
    CallRow.resumed,
    CallRow.ended_at,
    CallRow.ended_how,
)
_EVENT_COLUMNS: Final = (
    CallEventRow.call_id,
    CallEventRow.kind,
    CallEventRow.data,
    CallEventRow.at,
    CallEventRow.event_id,
)
_CHANGE_COLUMNS: Final = (
    AgentChangeRow.agent,
    AgentChangeRow.seat,
    AgentChangeRow.since,
    AgentChangeRow.at,
    AgentChangeRow.from_state,
    AgentChangeRow.to_state,
    AgentChangeRow.why,
    AgentChangeRow.actor,
    AgentChangeRow.call_id,
    AgentChangeRow.from_reason,
    AgentChangeRow.to_reason,
    AgentChangeRow.id,
)


@dataclass(frozen=True, slots=True)
class CallRows:
    """A call, its events that concern people, and its agents' lines of history in ``talking`` and ``wrap_up``."""

    call: CallRecord
    events: tuple[Event, ...]
    handled: tuple[StateChange, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentRows:
    """An agent, and the lines of history that tell of a time."""

    agent: str
    lines: tuple[StateChange, ...]


class ReportRows:
    """The rows. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def calls(
        self, since: datetime.datetime, until: datetime.datetime, longest: datetime.timedelta
    ) -> AsyncIterator[CallRows]:
        """The calls that began from ``since`` on and before ``until``, the earliest first.

        Before them those that began at most ``longest`` earlier and were not over by ``since``.
        """
        after: CallRecord | None = None
        while True:
            async with self._store.reading() as session:
                page = await _page(session, since - longest, until, after, still=since)
                happened = await _events(session, page, FIGURE_KINDS)
                handled = await _handled(session, page)
            for call in page:
                yield CallRows(call, tuple(happened.get(call.id, ())), tuple(handled.get(call.id, ())))
            if len(page) < AT_ONCE:
                return
            after = page[-1]

    async def wanting(self, since: datetime.datetime, until: datetime.datetime) -> AsyncIterator[CallRows]:
        """Those of these calls that wanted a person, with the events that say so and no others."""
        after: CallRecord | None = None
        while True:
            async with self._store.reading() as session:
                page = await _page(session, since, until, after)
                happened = await _events(session, page, WANTING_KINDS)
            for call in page:
                if call.id in happened:
                    yield CallRows(call, tuple(happened[call.id]))
            if len(page) < AT_ONCE:
                return
            after = page[-1]

    async def agents(self, since: datetime.datetime, until: datetime.datetime) -> AsyncIterator[AgentRows]:
        """Every agent's lines that end in that time, the first one that ends after it, and the last one before it."""
        async with self._store.reading() as session:
            agents = list(await session.scalars(sa.select(AgentRow.id).order_by(AgentRow.id)))
        for first in range(0, len(agents), AGENTS_AT_ONCE):
            batch = agents[first : first + AGENTS_AT_ONCE]
            async with self._store.reading() as session:
                lines = await _agents_lines(session, batch, since, until)
            for agent in batch:
                if agent in lines:
                    yield AgentRows(agent, tuple(lines[agent]))

    async def branches(self) -> dict[str, str]:
        """The branch of each agent, as it is now; empty: head office."""
        async with self._store.reading() as session:
            found = await session.execute(sa.select(AgentRow.id, AgentRow.branch))
            return {agent: branch or "" for agent, branch in found}

    async def agent_names(self) -> dict[str, tuple[str, str]]:
        """The names of each agent, in Chinese and in English."""
        async with self._store.reading() as session:
            found = await session.execute(sa.select(AgentRow.id, AgentRow.name_zh, AgentRow.name_en))
            return {agent: (zh or en, en or zh) for agent, zh, en in found}

    async def find(self, text: str, since: datetime.datetime) -> tuple[CallRecord, ...]:
        """The call of this id; else the latest ones begun from ``since`` on that ``text`` points to.

        It points to a call whose id begins or ends with it, or whose caller's number ends with it.
        """
        wanted = sa.select(*_CALL_COLUMNS)
        pointed = sa.or_(
            CallRow.id.startswith(text, autoescape=True),
            CallRow.id.endswith(text, autoescape=True),
            CallRow.caller.endswith(text, autoescape=True),
        )
        latest = wanted.where(CallRow.started_at >= since, pointed).order_by(CallRow.started_at.desc(), CallRow.id)
        async with self._store.reading() as session:
            exact = (await session.execute(wanted.where(CallRow.id == text))).first()
            if exact:
                return (CallRecord(*exact),)
            return tuple(CallRecord(*row) for row in await session.execute(latest.limit(MOST_FOUND)))

    async def one(self, call: CallRecord) -> CallRows:
        """All that concerns people in this call."""
        async with self._store.reading() as session:
            happened = await _events(session, [call], PEOPLE_KINDS)
            handled = await _handled(session, [call])
        return CallRows(call, tuple(happened.get(call.id, ())), tuple(handled.get(call.id, ())))


async def _page(
    session: AsyncSession,
    since: datetime.datetime,
    until: datetime.datetime,
    after: CallRecord | None,
    still: datetime.datetime | None = None,
) -> list[CallRecord]:
    """The next page of calls after this one, but for those that were over by ``still``.

    Found by the index, so that the last page costs what the first does.
    """
    wanted = sa.select(*_CALL_COLUMNS).where(CallRow.started_at < until)
    if after is None:
        wanted = wanted.where(CallRow.started_at >= since)
    else:
        later = sa.or_(CallRow.started_at > after.started_at, CallRow.id > after.id)
        wanted = wanted.where(CallRow.started_at >= after.started_at, later)
    if still is not None:
        wanted = wanted.where(
            sa.or_(CallRow.started_at >= still, CallRow.ended_at.is_(None), CallRow.ended_at >= still)
        )
    rows = await session.execute(wanted.order_by(CallRow.started_at, CallRow.id).limit(AT_ONCE))
    return [CallRecord(*row) for row in rows]


async def _events(session: AsyncSession, calls: Sequence[CallRecord], kinds: Collection[str]) -> dict[str, list[Event]]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    rows = await session.execute(
        sa.select(*_EVENT_COLUMNS).where(
            CallEventRow.call_id.in_([call.id for call in calls]), CallEventRow.kind.in_(sorted(kinds))
        )
    )
    for row in rows:
        found[row[0]].append(Event(*row))
    return found


async def _handled(session: AsyncSession, calls: Sequence[CallRecord]) -> dict[str, list[StateChange]]:
    found: defaultdict[str, list[StateChange]] = defaultdict(list)
    rows = await session.execute(
        sa.select(*_CHANGE_COLUMNS).where(
            AgentChangeRow.call_id.in_([call.id for call in calls]), AgentChangeRow.from_state.in_(_HANDLING)
        )
    )
    for row in rows:
        found[row.call_id].append(_change(row))
    return found


async def _agents_lines(
    session: AsyncSession, agents: Sequence[str], since: datetime.datetime, until: datetime.datetime
) -> dict[str, list[StateChange]]:
    """One index look-up for each agent and edge: how much history there is before and after does not matter."""
    inside = sa.select(*_CHANGE_COLUMNS).where(
        AgentChangeRow.agent.in_(agents), AgentChangeRow.at > since, AgentChangeRow.at < until
    )
    at, number = AgentChangeRow.at, AgentChangeRow.id
    edges: list[int | None] = []
    for nearest in (
        sa.select(number).where(at >= until).order_by(at, number),
        sa.select(number).where(at <= since).order_by(at.desc(), number.desc()),
    ):
        of_agent = nearest.where(AgentChangeRow.agent == AgentRow.id).limit(1).correlate(AgentRow).scalar_subquery()
        edges += await session.scalars(sa.select(of_agent).select_from(AgentRow).where(AgentRow.id.in_(agents)))
    outside = sa.select(*_CHANGE_COLUMNS).where(number.in_([edge for edge in edges if edge is not None]))
    found: defaultdict[str, list[StateChange]] = defaultdict(list)
    for query in (inside, outside):
        for row in await session.execute(query):
            found[row.agent].append(_change(row))
    return found


def _change(row: Any) -> StateChange:
    return StateChange(*row)
