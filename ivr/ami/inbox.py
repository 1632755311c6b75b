"""The bounded queue between the reader of a link and whoever handles its events.

The reader must never wait: Asterisk cuts a client that reads too slowly (``writetimeout``). So when the handler falls
behind, something must go, and this file says what: the oldest of the least important class, counted. Order is kept.
Must not know: sockets, what a handler does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from ivr.ami.errors import AmiError
from ivr.ami.protocol import Event


class Importance(IntEnum):
    """Which events go first when there are too many; the lowest number goes first."""

    CHATTER = 0  # says nothing about where a call or a seat stands
    STATE = 1  # a later event of the same kind puts a lost one right
    LIFE = 2  # the beginning or end of something: lost, a call or a seat is counted wrong until the next resync


CHATTER: Final = frozenset(
    "RTCPSent RTCPReceived VarSet Newexten TestEvent SuccessfulAuth ChallengeSent ChallengeResponseFailed "
    "RequestNotAllowed ContactStatus ContactStatusDetail Registry DTMFBegin MixMonitorMute ChanSpyStart ChanSpyStop "
    "MusicOnHoldStart MusicOnHoldStop Reload LocalOptimizationBegin LocalOptimizationEnd".lower().split()
)
LIFE: Final = frozenset(
    "Newchannel Hangup OriginateResponse DialBegin DialEnd BridgeCreate BridgeDestroy BridgeEnter BridgeLeave "
    "AttendedTransfer BlindTransfer Pickup QueueCallerJoin QueueCallerLeave QueueCallerAbandon AgentConnect "
    "AgentComplete QueueMemberAdded QueueMemberRemoved UserEvent Rename FullyBooted Shutdown".lower().split()
)


def importance_of(event: Event) -> Importance:
    """The class of an event, by its name."""
    name = event.name.lower()
    if name in LIFE:
        return Importance.LIFE
    return Importance.CHATTER if name in CHATTER else Importance.STATE


class Inbox:
    """Events waiting for one handler.

    While *held*, events are kept and none is handed out: the client holds a fresh connection's events until the state
    has been read anew.
    """

    def __init__(self, size: int, importance: Callable[[Event], Importance] = importance_of) -> None:
        if size < 1:
            raise ValueError("an inbox needs room for at least one event")
        self._size = size
        self._importance = importance
        self._rows: dict[Importance, deque[tuple[int, Event]]] = {level: deque() for level in Importance}
        self._count = 0
        self._arrivals = 0
        self._held = False
        self._closed = False
        self._reason: AmiError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.dropped: dict[Importance, int] = dict.fromkeys(Importance, 0)

    def __len__(self) -> int:
        return self._count

    def put(self, event: Event) -> None:
        """Add an event; when that is one too many, the oldest of the least important class goes. Never waits."""
        self._rows[self._importance(event)].append((self._arrivals, event))
        self._arrivals += 1
        self._count += 1
        if self._count > self._size:
            self._drop_one()
        self._wake()

    def hold(self) -> None:
        """Forget what nobody has taken yet (counted as dropped) and hand out nothing until ``release``.

        What was not taken speaks of a state that is about to be read anew; handed out afterwards it would be wrong.
        """
        while self._count:
            self._drop_one()
        self._held = True

    def release(self) -> None:
        """Hand out again."""
        self._held = False
        self._wake()

    def close(self, reason: AmiError | None = None) -> None:
        """No more will come: the handler's loop ends, or raises ``reason``, once it has taken what is here.

        Held events go: the state they build on was never read.
        """
        if self._held:
            self.hold()
        self._closed, self._reason, self._held = True, reason, False
        self._wake()

    def open(self) -> None:
        """Take events (again)."""
        self._closed, self._reason = False, None

    async def take(self) -> Event:
        """The oldest event, waiting for one if need be. Raises StopAsyncIteration when closed and empty."""
        while self._held or not self._count:
            if self._closed:
                if self._reason is not None:
                    raise self._reason
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("two readers of one event stream: each would miss what the other took; fan out")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        row = min((row for row in self._rows.values() if row), key=lambda row: row[0][0])
        self._count -= 1
        return row.popleft()[1]

    def _drop_one(self) -> None:
        level = next(level for level in Importance if self._rows[level])
        self._rows[level].popleft()
        self._count -= 1
        self.dropped[level] += 1

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and (self._closed or (self._count and not self._held)):
            self._waiter.set_result(None)
