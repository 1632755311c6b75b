"""The agents: people who answer calls. None is ever deleted: who left stays, with standing ``left``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Final, NamedTuple

import sqlalchemy as sa

from db import audit
from db.agent import Agent
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import AgentPinRow, AgentRow, AgentSessionRow
from db.store import Store
from ivr.errors import GoldlineError


class NoSuchAgent(StoreError):
    """There is no agent with this id."""

    error_id: ClassVar[str] = "no-such-agent"

    def __init__(self, agent: str) -> None:
        super().__init__(f"There is no agent {agent!r}.", remedy="`ivr agents list` shows all of them.")


class AgentAtWork(GoldlineError):
    """The agent is logged in and cannot leave."""

    error_id: ClassVar[str] = "agent-at-work"

    def __init__(self, agent: str) -> None:
        super().__init__(f"Agent {agent} is logged in.", remedy=f"`ivr agents logout {agent}` first.")


class Put(NamedTuple):
    """What a ``put`` did, or would do."""

    new: int
    changed: int
    unchanged: int


class Agents:
    """The agents. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> tuple[Agent, ...]:
        """Every agent, by id, those who left as well."""
        async with self._store.reading() as session:
            return tuple(_agent(row) for row in await session.scalars(sa.select(AgentRow).order_by(AgentRow.id)))

    async def get(self, agent: str) -> Agent:
        """This agent. Raises NoSuchAgent."""
        async with self._store.reading() as session:
            row = await session.get(AgentRow, agent)
        if row is None:
            raise NoSuchAgent(agent)
        return _agent(row)

    async def put(self, agents: Iterable[Agent], *, actor: str) -> Put:
        """Add these, or bring those with the same id to what is said here; all or none.

        Raises AgentAtWork for one who is logged in and shall have left.
        """
        new = changed = unchanged = 0
        async with self._store.writing() as session:
            entries = []
            for agent in agents:
                row = await session.get(AgentRow, agent.id, with_for_update=True)
                before = None if row is None else _agent(row)
                if before == agent:
                    unchanged += 1
                    continue
                if agent.standing == "left":
                    await _end(session, agent.id)
                if row is None:
                    row = AgentRow(id=agent.id)
                    session.add(row)
                    new += 1
                else:
                    changed += 1
                for name, value in asdict(agent).items():
                    setattr(row, name, value)
                row.branch = agent.branch or None
                what = "agent.added" if before is None else "agent.changed"
                entries.append(AuditEntry(actor, what, data={"agent": agent.id} | differences(before, agent)))
            await session.flush()
            await audit.append(session, entries)
        return Put(new, changed, unchanged)

    async def leave(self, agent: str, *, actor: str) -> None:
        """The agent has left: no log-in, no PIN any more. Leaving twice is leaving once.

        Raises NoSuchAgent, AgentAtWork.
        """
        async with self._store.writing() as session:
            row = await session.get(AgentRow, agent, with_for_update=True)
            if row is None:
                raise NoSuchAgent(agent)
            if row.standing == "left":
                return
            await _end(session, agent)
            row.standing = "left"
            await audit.append(session, [AuditEntry(actor, "agent.left", data={"agent": agent}, at=utcnow())])


def differences(before: Any, after: Any) -> dict[str, Any]:
    """What an entry of the audit trail says about a record that was added or changed: the fields that differ."""
    new: Mapping[str, Any] = asdict(after)
    old: Mapping[str, Any] = asdict(before) if before is not None else {}
    return {"fields": {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}}


_AT_WORK: Final = sa.select(AgentSessionRow.state).where(AgentSessionRow.state != "logged_out")


async def _end(session: Any, agent: str) -> None:
    if await session.scalar(_AT_WORK.where(AgentSessionRow.agent == agent).with_for_update()) is not None:
        raise AgentAtWork(agent)
    await session.execute(sa.delete(AgentPinRow).where(AgentPinRow.agent == agent))


def _agent(row: AgentRow) -> Agent:
    return Agent(
        id=row.id,
        name_zh=row.name_zh,
        name_en=row.name_en,
        branch=row.branch or "",
        languages=row.languages,  # type: ignore[arg-type]  # checked on the way in
        dialects=row.dialects,  # type: ignore[arg-type]
        skills=dict(sorted(row.skills.items())),  # JSONB keeps an order of its own
        role=row.role,  # type: ignore[arg-type]  # the table's own check
        calls_per_day=row.calls_per_day,
        standing=row.standing,  # type: ignore[arg-type]
    )
