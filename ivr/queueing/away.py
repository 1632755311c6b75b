"""Asterisk's own queue, for the time without a controller: who is at work is told to it while there is one, and who
waits in it is taken back by the next.

The seats at work are its members from log-in to log-out and pause, so that they are there when nobody can tell it any
more. Before callers are taken back all members go: from then on it rings nobody. What rings by then may be answered;
what is not comes back. The record that Asterisk kept meanwhile (``away_log``) goes into the journal. Must not know:
the engine, flows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from agent_routing.seats import dial_string
from db.agent import Seat, Session
from db.errors import StoreError
from db.events import EventSink
from ivr.ami.client import AmiClient
from ivr.ami.errors import AmiError
from ivr.contract import CONTEXT_AWAY_SEAT, QUEUE_AWAY, STATE_SEAT
from ivr.queueing.acts import Acts
from ivr.queueing.away_log import calls_in, events_of
from ivr.queueing.seen import CallerGone, Fact, LegGone, LegTalks, Snapshot

log = structlog.get_logger(__name__)

ACTIONS_SECONDS: Final = 5.0  # for the actions account to be logged in, when callers have to be taken back
NOT_AT_WORK: Final = frozenset(("logged_out", "paused", "gone"))
PIECE: Final = 4 * 2**20  # bytes of the record that are read at a time


@dataclass(frozen=True, slots=True)
class Member:
    """A seat as that queue rings it (CONTEXT_AWAY_SEAT), and the device whose state says whether it may be."""

    interface: str
    device: str


def member_of(seat: Seat) -> Member:
    """The member that stands for this seat.

    A telephone's own state knows of the agent's other calls, too; a number behind a trunk has none, and one that is
    kept on the line is always busy: for these the dialplan keeps a state of its own.
    """
    road, _, trunk = dial_string(seat).removeprefix("PJSIP/").partition("@")
    how = "o" if seat.kept_open else "k" if seat.accept_key else ""
    own = bool(trunk) or seat.kept_open
    return Member(
        f"Local/{seat.id}*{road}*{trunk}*{how}@{CONTEXT_AWAY_SEAT}/n",
        f"{STATE_SEAT}{seat.id}" if own else f"PJSIP/{seat.endpoint}",
    )


class AwayQueue:
    """That queue, as one controller keeps it."""

    def __init__(
        self,
        actions: AmiClient,
        acts: Acts,
        journal: EventSink,
        is_known: Callable[[str], Awaitable[bool]],
        record: Path,
    ) -> None:
        """``is_known(call)``: the journal has its beginning; may raise StoreError. ``record``: Asterisk's queue_log."""
        self._actions = actions
        self._acts = acts
        self._journal = journal
        self._is_known = is_known
        self._record = record
        self._read_until = record.with_name(f"{record.name}.read")
        self._wanted: dict[str, tuple[str, Member]] = {}  # by agent: seat and member
        self._there: dict[str, str] = {}  # interface to seat, as Asterisk has it
        self._ringing: set[str] = set()  # calls of that queue for which a seat still rings
        self._changed = asyncio.Event()
        self._open = False

    # --- who is at work -----------------------------------------------------------------------------------------------

    def session(self, session: Session, seats: Mapping[str, Seat]) -> None:
        """An agent does something else now. Never waits."""
        seat = seats.get(session.seat)
        wanted = None
        if seat is not None and session.state not in NOT_AT_WORK and session.next_state is None:
            wanted = seat.id, member_of(seat)
        if self._wanted.get(session.agent) == wanted:
            return
        if wanted is None:
            del self._wanted[session.agent]
        else:
            self._wanted[session.agent] = wanted
        self._changed.set()

    async def keep(self) -> None:
        """Bring Asterisk's members to the seats at work, whenever they change; until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not self._open:
                continue
            try:
                await self.bring()
            except AmiError as error:  # after the next connect everything is compared anew
                log.info("Asterisk's own queue could not be told who is at work", error=str(error))

    async def bring(self) -> None:
        """Do that once. Raises AmiError."""
        wanted = {member.interface: (seat, member) for seat, member in self._wanted.values()}
        for interface in [one for one in self._there if one not in wanted]:
            await self._remove(interface)
        for interface, (seat, member) in wanted.items():
            if interface in self._there:
                continue
            headers = {"Queue": QUEUE_AWAY, "Interface": interface, "MemberName": seat, "StateInterface": member.device}
            await self._actions.action("QueueAdd", headers)
            self._there[interface] = seat

    async def _remove(self, interface: str) -> None:
        await self._actions.action("QueueRemove", {"Queue": QUEUE_AWAY, "Interface": interface})
        del self._there[interface]

    # --- after a connect ----------------------------------------------------------------------------------------------

    async def close(self, ami: AmiClient) -> frozenset[str]:
        """Who waits in that queue, if anybody; then it rings nobody any more. Raises AmiError."""
        self._open = False
        self._ringing.clear()
        listed = await ami.list("QueueStatus", {"Queue": QUEUE_AWAY})
        self._there = {one.get("Location"): one.get("Name") for one in listed if one.name == "QueueMember"}
        calls = frozenset(one.get("Uniqueid") for one in listed if one.name == "QueueEntry")
        if calls:
            await self._actions.wait_connected(ACTIONS_SECONDS)
            for interface in list(self._there):
                await self._remove(interface)
        return calls

    async def take_back(self, calls: Collection[str], snapshot: Snapshot) -> None:
        """Take the callers out of that queue for whom no seat rings."""
        offered = {leg.call for leg in snapshot.legs.values()}
        self._ringing = {call for call in calls if call in offered}
        for call in calls:
            if call not in offered:
                await self._take_back(call)
        if calls:
            log.info("callers are back from Asterisk's own queue", calls=len(calls), ringing=len(self._ringing))

    def open(self) -> None:
        """From now on its members follow who is at work."""
        self._open = True
        self._changed.set()

    def saw(self, fact: Fact) -> Coroutine[Any, Any, None] | None:
        """Something happened; what is to be done about it, if anything."""
        match fact:
            case LegTalks(call) | CallerGone(call):
                self._ringing.discard(call)
            case LegGone(call) if call in self._ringing:
                self._ringing.discard(call)
                return self._take_back(call)
        return None

    async def _take_back(self, call: str) -> None:
        try:
            await self._acts.take_back(call)
        except AmiError as error:
            log.info("a caller who was to come back from Asterisk's own queue is gone", call=call, error=str(error))

    # --- the record ---------------------------------------------------------------------------------------------------

    async def tell_journal(self, there: Collection[str]) -> frozenset[str]:
        """Read what Asterisk has written since the last time; the calls of which it tells the end. Never raises for a
        record that cannot be read."""
        try:
            lines, until = await asyncio.to_thread(self._new_lines)
        except OSError as error:
            log.error("the record of Asterisk's own queue cannot be read", error=str(error))
            return frozenset()
        ended = set()
        for one in calls_in(lines):
            is_there = one.call in there
            try:
                known = await self._is_known(one.call)
            except StoreError:
                known = False  # a beginning that is told twice is one
            for event in events_of(one, is_there, known, time.time()):
                self._journal.append(event)
            if not is_there:
                ended.add(one.call)
        await asyncio.to_thread(self._read_until.write_text, str(until), "ascii")
        return frozenset(ended)

    def _new_lines(self) -> tuple[Iterable[str], int]:
        """Whole lines that were not read yet, and where the next one begins."""
        if not self._record.exists():
            return (), 0
        size = self._record.stat().st_size
        try:
            since = int(self._read_until.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            since = 0
        if since > size:  # another file by now
            since = 0
        lines: list[str] = []
        with self._record.open("rb") as file:
            file.seek(since)
            while piece := file.readlines(PIECE):
                for raw in piece:
                    if not raw.endswith(b"\n"):
                        return lines, since
                    since += len(raw)
                    text = raw.decode("utf-8", "replace")
                    if QUEUE_AWAY in text:
                        lines.append(text)
        return lines, since
