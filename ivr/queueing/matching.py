"""The engine at work: events in, decisions handed out to be carried out, and woken when time alone changes something.

Holds what all parts of the dispatcher share: the callers who wait, the clock, and the tasks in which decisions are
carried out. Must not know: Asterisk, the store.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

import structlog

from agent_routing import events
from agent_routing.decisions import Decision
from agent_routing.engine import Engine
from agent_routing.policy import Policy
from agent_routing.talk_times import TalkTimes
from ivr.queueing.stages import Waiter

log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 1.0
OVERDUE_SECONDS: Final = 0.25  # until the next look at what should be over by now


class Hands(Protocol):
    """Whoever does what is decided."""

    def carry_out(self, decisions: list[Decision]) -> None:
        """Do it, without waiting."""

    def look_after(self) -> None:
        """Time has passed: free what is stuck."""

    def next_due(self) -> datetime.datetime | None:
        """When the first state of any agent is over by itself."""


class Matching:
    """One engine. Times are seconds since 1970 (``clock``)."""

    def __init__(self, policy: Policy, talk_times: TalkTimes, clock: Callable[[], float], hands: Hands) -> None:
        self._hands = hands
        self._tasks: set[asyncio.Task[Any]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self.now = clock
        self.talk_times = talk_times
        self.engine = Engine(policy, talk_times.rest)
        self.waiting: dict[str, Waiter] = {}  # by call
        self.ready = False  # everything has been read since the last connect to Asterisk

    def begin_anew(self) -> None:
        """An engine that knows nobody; those who wait are to be told to it again."""
        self.engine = Engine(self.engine.policy, self.talk_times.rest)
        self.ready = True

    def handle(self, event: events.Event) -> None:
        """Something happened."""
        self._hands.carry_out(self.engine.handle(event, self.now()))
        self.set_alarm()

    def replace_policy(self, policy: Policy) -> None:
        """Go on under another policy; nobody loses a place."""
        self._hands.carry_out(self.engine.replace_policy(policy, self.now()))
        self.set_alarm()

    def set_alarm(self) -> None:
        """Wake when time alone changes something: a ring opens, a wrap-up ends."""
        due = [at for at in (self.engine.next_wakeup(),) if at is not None]
        ends = self._hands.next_due()
        if ends is not None:
            due.append(ends.timestamp())
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if due and self.ready:
            wait = min(due) - self.now()
            if wait <= 0:  # being seen to; if it cannot be, there is no hurry
                wait = OVERDUE_SECONDS
            self._alarm = asyncio.get_running_loop().call_later(wait, self._wake)

    def go(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Do what takes time beside everything else; a fault is logged under this name."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def stop(self) -> None:
        """No more decisions; what is under way ends."""
        self.ready = False
        if self._alarm is not None:
            self._alarm.cancel()
        tasks = list(self._tasks)
        if tasks:  # what is being written down is written down
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wake(self) -> None:
        self._alarm = None
        self._hands.carry_out(self.engine.handle(events.Tick(), self.now()))
        self._hands.look_after()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the queue broke at something", task=task.get_name(), exc_info=error)
