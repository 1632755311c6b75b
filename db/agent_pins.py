"""Agents' PINs, with which they log in by telephone: set and checked, never read.

Kept as customers' are (``db.pins``): an argon2id hash of the PIN keyed with the installation's pepper, in a table of
its own. The key takes in the agent's id, so that a hash copied to another agent proves nothing. Who may try how often
is decided by whoever asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from db import audit
from db.agents import NoSuchAgent
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import AgentPinRow, AgentRow
from db.pins import AT_ONCE, HASHER, PinRefused, weakness
from db.store import Store

T = TypeVar("T")


class AgentPins:
    """The PINs of agents. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store, pepper: bytes, hasher: PasswordHasher = HASHER, at_once: int = AT_ONCE) -> None:
        self._store = store
        self._pepper = pepper
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="agent-pin")
        self._decoy = ""  # a hash of nothing: an unknown agent takes as long as a known one

    def close(self) -> None:
        """End the threads; checks that have not begun are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def set_pin(self, agent: str, pin: str, *, actor: str) -> None:
        """Set or change the PIN. Raises PinRefused, NoSuchAgent (also for one who has left)."""
        if reason := weakness(pin, agent):
            raise PinRefused(reason, remedy="Choose another.")
        hashed = await self._in_thread(lambda: self._hasher.hash(self._keyed(agent, pin)))
        now = utcnow()
        async with self._store.writing() as session:
            active = sa.select(AgentRow.id).where(AgentRow.id == agent, AgentRow.standing == "active")
            if await session.scalar(active.with_for_update()) is None:
                raise NoSuchAgent(agent)
            await session.merge(AgentPinRow(agent=agent, hash=hashed, changed_at=now))
            await audit.append(session, [AuditEntry(actor, "agent.pin_set", data={"agent": agent}, at=now)])

    async def check_pin(self, agent: str, pin: str) -> bool:
        """Whether this is the agent's PIN. One who is unknown, has left or has none is never proven."""
        query = (
            sa.select(AgentPinRow.hash)
            .join(AgentRow, AgentRow.id == AgentPinRow.agent)
            .where(AgentPinRow.agent == agent, AgentRow.standing == "active")
        )
        async with self._store.reading() as session:
            hashed = await session.scalar(query)
        keyed = self._keyed(agent, pin)
        if hashed is None:
            self._decoy = self._decoy or await self._in_thread(lambda: self._hasher.hash(""))
            await self._in_thread(lambda: self._verify(self._decoy, keyed))
            return False
        return await self._in_thread(lambda: self._verify(hashed, keyed))

    async def remove_pin(self, agent: str, *, actor: str) -> None:
        """Take the PIN away: the agent cannot log in by telephone until a new one is set. Raises NoSuchAgent."""
        async with self._store.writing() as session:
            if await session.get(AgentRow, agent) is None:
                raise NoSuchAgent(agent)
            await session.execute(sa.delete(AgentPinRow).where(AgentPinRow.agent == agent))
            await audit.append(session, [AuditEntry(actor, "agent.pin_removed", data={"agent": agent})])

    def _verify(self, hashed: str, keyed: str) -> bool:
        try:
            return self._hasher.verify(hashed, keyed)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError):
            raise StoreError("A PIN in the store cannot be checked.", remedy="Have the agent set a new one.") from None

    def _keyed(self, agent: str, pin: str) -> str:
        return hmac.new(self._pepper, f"agent\n{agent}\n{pin}".encode(), hashlib.sha256).hexdigest()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
