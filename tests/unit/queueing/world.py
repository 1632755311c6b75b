"""A small Asterisk for tests of the dispatcher: callers, seats and legs in memory, that do what they are told with
delays drawn at random, and complain when they are told what must never be told.

A caller is where Asterisk has it: with the flow (``waits``), ringing a seat, talking, or gone. The facts that the
manager tells and the caller's return to the flow travel on two roads, so either may come first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ivr.ami.errors import NotConnected
from ivr.call import NORMAL_CLEARING, Returned
from ivr.contract import VAR_OFFER_ID, VAR_OFFER_SEAT
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.place import Place, encode
from ivr.queueing.seen import (
    CallerGone,
    EndpointReach,
    Fact,
    LeftBridge,
    LegEnds,
    LegGone,
    LegRings,
    LegTalks,
    SeatLeg,
    Snapshot,
)

LINE_DROPPED = 44  # Q.850: requested circuit not available


@dataclass
class OnTheLine:
    """One caller."""

    call: str
    place: Place
    where: str = "waits"  # waits, rings, talks, gone
    seat: str = ""
    offer: str = ""
    returned: Returned | None = None
    talks: int = 0
    work: asyncio.Task[None] | None = None


@dataclass
class World:
    """``slow`` seconds at most between two things; ``seat_does`` draws what a rung seat does."""

    chance: Random
    slow: float = 0.003
    seat_does: Callable[[Random], str] = lambda chance: chance.choice(
        ["answer", "answer", "answer", "busy", "ring_out"]
    )
    dispatcher: Dispatcher | None = None
    callers: dict[str, OnTheLine] = field(default_factory=dict)
    legs: dict[str, str] = field(default_factory=dict)  # by seat: the call
    wrongs: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    # What a dispatcher may do (ivr.queueing.acts.Acts)

    async def offer(self, call: str, variables: Mapping[str, str]) -> None:
        await self._pause()
        caller = self.callers[call]
        seat = variables[VAR_OFFER_SEAT]
        if caller.where == "gone":
            raise NotConnected("The channel is gone.")
        if caller.where == "talks":
            self.wrongs.append(f"{call} was sent to {seat} in the middle of a talk")
            return
        if seat in self.legs:
            self.wrongs.append(f"{seat} was rung for {call} while it has {self.legs[seat]}")
            return
        if caller.where == "rings":
            self.wrongs.append(f"{call} was sent to {seat} while it rings {caller.seat}")
            self._stop_ringing(caller)
        caller.where, caller.seat, caller.offer = "rings", seat, variables[VAR_OFFER_ID]
        self.legs[seat] = call
        caller.work = self.go(self._ring(caller, seat))

    async def take_back(self, call: str) -> None:
        await self._pause()
        caller = self.callers[call]
        if caller.where == "rings":
            self._stop_ringing(caller)
            self._comes_back(caller, "CANCEL", None)

    async def hang_up(self, channel: str) -> None:
        await self._pause()

    async def tell(self, headers: Mapping[str, str]) -> None:
        await self._pause()

    # What callers do

    def calls(self, call: str, place: Place) -> None:
        """A caller wants a person."""
        caller = self.callers[call] = OnTheLine(call, place)
        self._enter(caller)

    def hangs_up(self, call: str) -> None:
        """The caller is gone, wherever it is."""
        caller = self.callers[call]
        if caller.where == "gone":
            return
        if caller.where == "rings":
            self._stop_ringing(caller)
        elif caller.where == "talks":
            assert caller.work is not None
            caller.work.cancel()
            self._over(caller, first="caller", cause=NORMAL_CLEARING)
        elif self.dispatcher is not None:
            self.dispatcher.leave(call, "abandoned")
        caller.where = "gone"
        self._tell(CallerGone(call))

    def ask_again(self) -> None:
        """A controller is there again: the loop in the dialplan hands over everybody whom nobody has."""
        for caller in self.callers.values():
            if caller.where == "waits":
                self._enter(caller)

    def snapshot(self) -> Snapshot:
        """What the manager lists."""
        legs = {
            seat: SeatLeg(
                *(call, seat, f"leg-{seat}", "bridged" if self.callers[call].where == "talks" else "ringing"),
                offer=self.callers[call].offer,
            )
            for seat, call in self.legs.items()
        }
        there = [caller for caller in self.callers.values() if caller.where != "gone"]
        waiting = {caller.call: encode(caller.place) for caller in there}
        return Snapshot(waiting, legs, {}, frozenset(waiting))

    # What happens by itself

    async def _ring(self, caller: OnTheLine, seat: str) -> None:
        await self._pause()
        self._tell(LegRings(caller.call, seat, f"leg-{seat}", caller.offer))
        await self._pause()
        match self.seat_does(self.chance):
            case "answer":
                self._tell(LegEnds(caller.call, seat, "answered", caller.offer))
                await self._pause()
                caller.where, caller.talks = "talks", caller.talks + 1
                self._tell(LegTalks(caller.call, seat, f"leg-{seat}", caller.offer))
                await self._pause()
                cut = self.chance.random() < 0.1
                self._over(caller, first="seat", cause=LINE_DROPPED if cut else NORMAL_CLEARING)
                if cut:
                    self.go(self._comes_back_to_the_net(seat))
                else:
                    self.served.append(caller.call)
                self._comes_back(
                    caller, "ANSWER", 1.0, 0 if self.chance.random() < 0.5 else (LINE_DROPPED if cut else 16)
                )
            case "busy":
                self._stop_ringing(caller, "busy")
                self._comes_back(caller, "BUSY", None)
            case _:
                self._stop_ringing(caller, "no_answer")
                self._comes_back(caller, "NOANSWER", None)

    async def _comes_back_to_the_net(self, seat: str) -> None:
        await self._pause()
        self._tell(EndpointReach(seat.removeprefix("S"), "unreachable"))
        await asyncio.sleep(20 * self.slow)
        self._tell(EndpointReach(seat.removeprefix("S"), "reachable"))

    def _over(self, caller: OnTheLine, first: str, cause: int) -> None:
        seat, call = caller.seat, caller.call
        self.legs.pop(seat, None)
        left = LeftBridge(f"leg-{seat}", call, seat), LeftBridge(call, call, "")
        for fact in left if first == "seat" else left[::-1]:
            self._tell(fact)
        self._tell(LegGone(call, seat, cause, caller.offer))

    def _stop_ringing(self, caller: OnTheLine, how: Any = "released") -> None:
        if caller.work is not None and caller.work is not asyncio.current_task():
            caller.work.cancel()
        self.legs.pop(caller.seat, None)
        self._tell(LegEnds(caller.call, caller.seat, how, caller.offer))
        self._tell(LegGone(caller.call, caller.seat, 0, caller.offer))

    def _comes_back(self, caller: OnTheLine, status: str, talked: float | None, cause: int = 0) -> None:
        caller.where = "waits"
        caller.returned = Returned(status, cause, talked, caller.seat, caller.offer)
        self._enter(caller)

    def _enter(self, caller: OnTheLine) -> None:
        async def enter() -> None:
            await self._pause()
            if caller.where == "gone" or self.dispatcher is None:
                return
            back, caller.returned = caller.returned, None
            if back is not None and back.talked is not None and not back.cause:
                await self.dispatcher.settled(caller.call, back.seat)
            if caller.where != "waits":
                return
            if self.dispatcher.enter(caller.call, caller.place, back) != "waits":
                caller.where = "gone"
                self._tell(CallerGone(caller.call))

        self.go(enter())

    def _tell(self, fact: Fact) -> None:
        """In order, as the manager's connection does, and a little later."""
        loop = asyncio.get_running_loop()
        loop.call_later(self.slow, lambda: self.dispatcher.take(fact) if self.dispatcher else None)

    async def _pause(self) -> None:
        await asyncio.sleep(self.chance.random() * 2 * self.slow)

    def go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.wrongs.append(repr(error))
