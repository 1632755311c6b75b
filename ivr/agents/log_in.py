"""Whether somebody at a seat's telephone is the agent they say they are: the PIN, and how often it may be tried.

Tries are counted as customers' are (``ivr.identity.limits``): before the PIN is looked at, taken back when it was
right, held against the agent and against the seat. An agent who does not exist is treated as one who does. It must not
know what a log-in does.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog

from db.agent_pins import AgentPins
from db.agents import Agents, NoSuchAgent
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.identity_tries import Decision, IdentityTries, Tally, TryKey
from db.store import Store
from ivr.identity import limits
from ivr.identity.keys import derived_key
from ivr.identity.limits import NOTHING, Rule, Standing


def _minutes(*numbers: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=number) for number in numbers)


# As for a customer's account, with shorter waits: an agent who cannot log in stops working, and a supervisor is near.
# Time forgives nothing; a right PIN forgives everything.
AGENT: Final = Rule(delays=_minutes(0, 0, 0, 1, 5, 15), locks_at=6, most=6)

# A shift of agents shares a seat: five slips are free, one is forgotten an hour. Never locked: the next agent who sits
# there has done nothing. At half an hour a try it guesses two PINs an hour, those of all agents together.
SEAT: Final = Rule(delays=_minutes(0, 0, 0, 0, 0, 1, 5, 15, 30), forgives=timedelta(hours=1), most=20)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended. ``wait``: nothing was looked at, come back after so many seconds."""

    how: Literal["proven", "wrong", "wait", "locked", "unavailable"]
    seconds: int = 0

    @property
    def minutes(self) -> int:
        """The wait in whole minutes, as it is said."""
        return math.ceil(self.seconds / 60)


class LogIns:
    """Attempts to log in. ``key`` is the installation's secret."""

    def __init__(self, store: Store, pins: AgentPins, key: bytes, now: Callable[[], datetime] = utcnow) -> None:
        self._pins = pins
        self._key = derived_key(key, "agents")
        self._now = now
        self._agents = Agents(store)
        self._tries = IdentityTries(store)

    async def prove(self, seat: str, agent: str, pin: str) -> Verdict:
        """Whether this is the agent's PIN. Raises nothing: what cannot be looked up is ``unavailable``."""
        keys = (self._digest("caller", f"seat\n{seat}"), self._digest("account", f"agent\n{agent}"))
        try:
            named = await self._known(agent)
            refused = await self._reserve(seat, named, keys)
            if refused is not None:
                return refused
            right = await self._pins.check_pin(agent, pin)
            return await (self._right(keys) if right else self._wrong(seat, named, keys))
        except StoreError as error:
            log.warning("no agent can be proven: the store is away", seat=seat, error=error.error_id)
            return Verdict("unavailable")

    async def standing(self, agent: str) -> Standing:
        """What is held against an agent. Raises StoreError."""
        now = self._now()
        tally = await self._tries.read(self._digest("account", f"agent\n{agent}"))
        return Standing(0) if tally is None else limits.standing(AGENT, tally, now)

    async def unlock(self, agent: str, *, actor: str, why: str) -> int:
        """Hold nothing against the agent any more; gives how many tries were. Raises NoSuchAgent, StoreError."""
        now = self._now()
        await self._agents.get(agent)

        def forget(held: tuple[Tally, ...]) -> Decision[int]:
            tries = limits.standing(AGENT, held[0], now).tries
            entry = AuditEntry(actor, "agent.unlocked", data={"agent": agent, "tries": tries, "why": why}, at=now)
            return Decision((limits.account_after_right(held[0], now),), tries, (entry,))

        return await self._tries.change([self._digest("account", f"agent\n{agent}")], now, forget)

    async def _known(self, agent: str) -> str:
        """The id if there is such an agent: what else was keyed may be a PIN, and is written down nowhere."""
        try:
            return (await self._agents.get(agent)).id
        except NoSuchAgent:
            return ""

    async def _reserve(self, seat: str, agent: str, keys: tuple[TryKey, TryKey]) -> Verdict | None:
        now = self._now()

        def count(held: tuple[Tally, ...]) -> Decision[Verdict | None]:
            at_seat, of_agent = limits.standing(SEAT, held[0], now), limits.standing(AGENT, held[1], now)
            if at_seat.free and of_agent.free:
                return Decision((limits.counted(SEAT, held[0], now), limits.counted(AGENT, held[1], now)), None)
            wait = at_seat.wait if not at_seat.free else of_agent.wait
            verdict = Verdict("wait", math.ceil(wait.total_seconds())) if wait > NOTHING else Verdict("locked")
            return Decision(held, verdict, (_refused(seat, agent, verdict.how, now),))

        return await self._tries.change(keys, now, count)

    async def _wrong(self, seat: str, agent: str, keys: tuple[TryKey, TryKey]) -> Verdict:
        now = self._now()

        def note(held: tuple[Tally, ...]) -> Decision[Verdict]:
            locked = limits.standing(AGENT, held[1], now).locked
            entries = [_refused(seat, agent, "wrong", now)]
            if locked:
                entries.append(_entry("agent.locked", seat, agent, {}, now))
            return Decision(held, Verdict("locked" if locked else "wrong"), tuple(entries))

        return await self._tries.change(keys, now, note)

    async def _right(self, keys: tuple[TryKey, TryKey]) -> Verdict:
        now = self._now()

        def forgive(held: tuple[Tally, ...]) -> Decision[Verdict]:
            left = (limits.caller_after_right(SEAT, held[0], now), limits.account_after_right(held[1], now))
            return Decision(left, Verdict("proven"))

        return await self._tries.change(keys, now, forgive)

    def _digest(self, bucket: Literal["caller", "account"], text: str) -> TryKey:
        return TryKey(bucket, hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest())


def _refused(seat: str, agent: str, why: str, now: datetime) -> AuditEntry:
    return _entry("agent.log_in_refused", seat, agent, {"why": why}, now)


def _entry(what: str, seat: str, agent: str, more: dict[str, str], now: datetime) -> AuditEntry:
    return AuditEntry(f"seat {seat}", what, data={"agent": agent, "seat": seat} | more, at=now)
