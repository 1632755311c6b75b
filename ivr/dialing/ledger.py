"""What is written down about attempts, and told to the journal: rows first, then deeds.

The row says ``dialling`` before Asterisk hears of the number. While the store is away nothing is leased or dialled;
what happens to calls that go on is kept and written when it is back (``ivr.dialing.moves``).
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from db.attempt import Attempt
from db.attempts import Attempts
from db.errors import StoreError
from db.events import (
    OUTBOUND_ANSWERED,
    OUTBOUND_CONNECTED,
    OUTBOUND_DIALLED,
    OUTBOUND_ENDED,
    OUTBOUND_KEPT_BACK,
    OUTBOUND_LEASED,
    Event,
    EventSink,
)
from db.outbound_states import Mode
from db.store import Store
from db.target import Target, TargetMove
from db.targets import Targets
from ivr.dialing.dial import Dial, end_of, written
from ivr.dialing.moves import Moves
from ivr.dialing.plan import Book, Number, Plan
from outbound.outcomes import Outcome, SayOutcome, outcome_of

log = structlog.get_logger(__name__)

LEASE: Final = datetime.timedelta(seconds=20)  # of an attempt; renewed every few seconds while we live
_ID_BYTES: Final = 20


class Ledger:
    """The rows of one controller's attempts. ``holder`` is by what they know this life of it."""

    def __init__(
        self,
        store: Store,
        journal: EventSink,
        book: Book,
        causes: SayOutcome,
        now: Callable[[], datetime.datetime],
        nobody: Callable[[], Mapping[str, float]],
    ) -> None:
        """``nobody()`` reads who answered and found no controller (``ivr.dialing.nobody``)."""
        self._nobody = nobody
        self.attempts = Attempts(store)
        self.targets = Targets(store)
        self.moves = Moves()
        self.holder = f"controller-{secrets.token_hex(4)}"
        self._journal = journal
        self._book = book
        self._causes = causes
        self._now = now

    # --- before anybody is dialled ------------------------------------------------------------------------------------

    async def lease(self, plan: Plan, target: Target, number: Number, mode: Mode) -> Attempt | None:
        """Nobody else may dial this target, customer or number from now on; None: somebody does. Raises StoreError."""
        row = await self.attempts.lease(
            target,
            number.number,
            mode=mode,
            holder=self.holder,
            now=self._now(),
            lease=LEASE,
            rank=number.rank,
            chance=number.chance or 0.0,
        )
        if row is not None:
            told = {"campaign": plan.name, "target": row.target, "customer": row.customer}
            self.say(row.call, OUTBOUND_LEASED, {**told, "number": row.number, "mode": mode})
        return row

    async def keep_back(self, dial: Dial, move: TargetMove | None) -> None:
        """It was leased, and is not dialled: its target waits on, or as ``move`` says. Raises StoreError."""
        until = move.due_at.isoformat() if move and move.due_at else ""
        self.say(dial.call, OUTBOUND_KEPT_BACK, {"why": move.why if move else "", "until": until})
        await self.attempts.give_back(dial.row, now=self._now(), move=move)

    async def write_down(self, dial: Dial, channel: str, at: float) -> bool:
        """The row says ``dialling`` from now on, and only then may Asterisk be told. False: it may not; the attempt was
        given back. Raises StoreError."""
        try:
            row = await self.attempts.dial(dial.row, channel=channel, now=moment(at), lease=LEASE)
        except StoreError:  # whether it was written nobody knows; that it was not dialled we do
            self.moves.then(dial.call, lambda: self._undo(dial, at), "undo")
            raise
        if row is None:  # paused, stopped, do-not-call, called by somebody else: whatever it is, nothing is dialled
            await self.keep_back(dial, None)
            return False
        dial.row, dial.dialled_at = row, at
        self.say(dial.call, OUTBOUND_DIALLED, {"trunk": dial.trunk, "seat": bool(dial.leg)})
        return True

    async def _undo(self, dial: Dial, at: float) -> None:
        row = await self.attempts.get(dial.row.id)
        if row is None or row.holder != self.holder:
            return
        if row.state == "leased":
            await self.attempts.give_back(row, now=self._now())
        elif row.state == "dialling":
            dial.row, dial.reason, dial.dialled_at, dial.ended_at = row, 0, at, at
            await self._end(dial, "network")

    # --- while the call goes on, and at its end -----------------------------------------------------------------------

    def answered(self, dial: Dial, at: float) -> None:
        """Somebody, or something, took the call. Never waits, here and below."""
        self.say(dial.call, OUTBOUND_ANSWERED, {"ring": round(dial.ring_seconds, 1)})

        async def write() -> None:
            dial.row = await self.attempts.answered(dial.row, now=moment(at), lease=LEASE) or dial.row

        self.moves.then(dial.call, write, "answered")

    def connected(self, dial: Dial, at: float) -> None:
        """Whoever answered talks with an agent, or hears what the call is about."""
        seconds = round(at - (dial.answered_at or at), 2)
        self.say(dial.call, OUTBOUND_CONNECTED, {"agent": dial.agent, "seconds": seconds})

        async def write() -> None:
            moved = await self.attempts.connected(dial.row, agent=dial.agent, now=moment(at), lease=LEASE)
            dial.row = moved or dial.row

        self.moves.then(dial.call, write, "connected")

    def ended(self, dial: Dial, then: Callable[[Dial], None]) -> Outcome:
        """It is over: the outcome; ``then`` is called once it is written down."""
        outcome = outcome_of(end_of(dial), self._causes)

        async def write() -> None:
            await self._end(dial, outcome)
            then(dial)

        self.moves.then(dial.call, write, "ended")
        return outcome

    def remember_nobody(self, dial: Dial, at: float | None) -> None:
        """Whoever answered at this time found no controller, and was told who called."""
        if at is not None and not dial.then:
            dial.answered_at = dial.answered_at or at
            dial.served_at, dial.then = at, "safe_harbour"

    async def _end(self, dial: Dial, outcome: Outcome) -> None:
        move = await self._book.after(dial.row, dial.target, outcome)
        at = moment(dial.ended_at) if dial.ended_at else self._now()
        ended = await self.attempts.ended(dial.row, written(dial, outcome), move, now=at)
        if ended is None:
            log.warning("an attempt was ended by somebody else", call=dial.call)
            return
        dial.row = ended
        self._say_end(ended, move)

    async def take(self, row: Attempt) -> Attempt | None:
        """It is ours from now on: its channel has come to us. Raises StoreError."""
        return await self.attempts.take(row, holder=self.holder, now=self._now(), lease=LEASE)

    async def settle(self, row: Attempt, target: Target, plan: Plan) -> None:
        """Whoever had it in hand is gone, and so is its channel, if it had one. Raises StoreError."""
        dial = restored(row, target, plan)
        dial.lost = True
        if row.state in ("dialling", "answered"):
            self.remember_nobody(dial, (await asyncio.to_thread(self._nobody)).get(row.call))
        outcome = outcome_of(end_of(dial), self._causes)
        move = await self._book.after(row, target, outcome)
        settled = await self.attempts.settle(row, written(dial, outcome), move, now=self._now())
        if settled is None or settled.state != "ended":
            return
        log.warning("an attempt that nobody had in hand was settled", call=row.call, outcome=settled.outcome)
        self._say_end(settled, move)

    # --- the journal --------------------------------------------------------------------------------------------------

    def say(self, call: str, kind: str, data: Mapping[str, Any]) -> None:
        """Tell the journal."""
        self._journal.append(Event(call, kind, dict(data)))

    def say_once(self, call: str, kind: str, data: Mapping[str, Any]) -> None:
        """The same of what happens once, whoever tells it."""
        name = hashlib.blake2b(f"{call} {kind}".encode(), digest_size=_ID_BYTES).hexdigest()
        self._journal.append(Event(call, kind, dict(data), id=name))

    def _say_end(self, ended: Attempt, move: TargetMove) -> None:
        told = {
            "outcome": ended.outcome,
            "cause": ended.cause,
            "sip": ended.sip,
            "announcement": ended.announcement,
            "ring": ended.ring_seconds,
            "target": move.state,
            "why": move.why,
            "due": move.due_at.isoformat() if move.due_at else "",
        }
        self.say_once(ended.call, OUTBOUND_ENDED, told)


def restored(row: Attempt, target: Target, plan: Plan) -> Dial:
    """As much of a dial as its row remembers."""
    dial = Dial(row, target, plan, trunk=row.trunk, agent=row.agent)
    if row.channel != row.call:
        dial.leg = row.channel
    else:
        dial.channel = row.channel
    if row.dialled_at is not None:
        dial.dialled_at = row.dialled_at.timestamp()
    if row.answered_at is not None:
        dial.answered_at = row.answered_at.timestamp()
    if row.connected_at is not None:
        dial.served_at = row.connected_at.timestamp()
        dial.then = "agent" if plan.for_agents else "notice"
    return dial


def moment(at: float) -> datetime.datetime:
    """Seconds since 1970 as the store has times."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC)
