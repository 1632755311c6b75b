"""The queue as flows see it (``ivr.flow.waiting.WaitingRoom``): who the caller is, the place, what is announced.

Joins the dispatcher to customers and to the estimate; decides nothing of its own.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from agent_routing.estimate import FURTHEST, AnnouncedWait, Picture, WaitRange, estimate
from db.errors import StoreError
from db.recognition import Recognition
from db.routing_profile import RoutingProfile, RoutingProfiles
from ivr.call import Returned
from ivr.flow.service import Caller
from ivr.flow.waiting import Ahead, Entered, LeftHow, Wish
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.offer import OfferMaker
from ivr.queueing.place import Place, decode, encode

log = structlog.get_logger(__name__)

PROFILE_SECONDS: Final = 1.0  # a caller who wants a person does not wait longer for who they are
ESTIMATE_EVERY: Final = 10.0  # seconds; announcements come every 45 or so
ESTIMATE_RUNS: Final = 20  # futures: the range is coarse, and so are the minutes that are announced
LARGEST_ESTIMATE: Final = 400  # callers who wait: above it one estimate would take seconds
MOST_MINUTES: Final = 30  # beyond it nothing is promised


class Room:
    """The waiting room of one controller."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        offers: OfferMaker,
        profiles: RoutingProfiles,
        recognition: Recognition,
        called_in: Callable[[Caller, int | None], Awaitable[Place | None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``called_in`` gives the place of a caller who waits for our call, and needs it no more."""
        self._recognition = recognition
        self._dispatcher = dispatcher
        self._offers = offers
        self._profiles = profiles
        self._called_in = called_in
        self._clock = clock
        self._estimates: dict[str, WaitRange] = {}
        self._announced: dict[str, AnnouncedWait] = {}
        self._preparing: set[asyncio.Task[None]] = set()
        self.ours: Callable[[str], Place | None] = lambda _call: None
        """The place of somebody whom we called, as whoever called them has it (``ivr.dialing``)."""

    async def may_record(self, caller: Caller) -> bool:
        """No customer is told what is not done: some want no recording, whatever the flow says."""
        profile = await self._profile_of(await self._who(caller))
        return profile is None or not profile.recording_refused

    async def place(self, caller: Caller, wish: Wish, carried: str) -> str:
        """The caller's place, as the channel carries it; a good one that is carried already is kept."""
        place = decode(carried) or await self._new_place(caller, wish)
        if place.at_once:
            return encode(place)
        task = asyncio.get_running_loop().create_task(self._offers.prepare(caller.call_id, place), name="whisper")
        self._preparing.add(task)
        task.add_done_callback(self._prepared)
        return encode(place)

    async def enter(self, call_id: str, place: str, back: Returned | None) -> Entered:
        """Wait from now on, or again after a seat."""
        read = decode(place)
        assert read is not None, "a place that we wrote ourselves"
        if back is not None and back.talked is not None and not back.cause:
            await self._dispatcher.settled(call_id, back.seat)
        return self._dispatcher.enter(call_id, read, back)

    def ahead(self, call_id: str) -> Ahead | None:
        """What to tell the caller: nothing while a seat rings."""
        position = self._dispatcher.position(call_id)
        if not position:
            return None
        found = self._estimates.get(call_id)
        if found is None:
            return Ahead(position, None, None)
        told = self._announced.setdefault(call_id, AnnouncedWait()).next(found)
        if told.high >= min(FURTHEST, MOST_MINUTES * 60):
            return Ahead(position, None, None)
        most = max(math.ceil(told.high / 60), 1)
        return Ahead(position, min(max(math.ceil(told.low / 60), 1), most), most)

    def can_be_answered(self, call_id: str) -> bool:
        """Somebody at work could answer."""
        return self._dispatcher.can_be_answered(call_id)

    def waited(self, call_id: str) -> float:
        """Seconds since the caller began to wait."""
        waiter = self._dispatcher.waiting.get(call_id)
        return self._clock() - waiter.place.joined if waiter else 0.0

    def leave(self, call_id: str, how: LeftHow) -> bool:
        """The caller waits no more; False when a seat has taken the call."""
        return self._dispatcher.leave(call_id, how)

    def taken(self, call_id: str) -> bool:
        """A seat has taken the call."""
        return self._dispatcher.taken(call_id)

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self._announced.pop(call_id, None)
        self._estimates.pop(call_id, None)
        self._offers.forget(call_id)

    async def keep_estimating(self) -> None:
        """Look ahead every few seconds while anybody waits, until cancelled; beside the event loop, not in it."""
        while True:
            await asyncio.sleep(ESTIMATE_EVERY)
            waiting = list(self._dispatcher.waiting)
            if not waiting or len(waiting) > LARGEST_ESTIMATE:
                self._estimates = {}
                continue
            now = self._clock()
            picture = Picture.of(self._dispatcher.engine)
            talks = self._dispatcher.talk_times
            found = await asyncio.to_thread(estimate, picture, now, talks, waiting, ESTIMATE_RUNS, int(now))
            self._estimates = dict(found)

    async def _new_place(self, caller: Caller, wish: Wish) -> Place:
        if (ours := self.ours(caller.call_id)) is not None:  # nothing is looked up: every moment counts
            required = {**ours.required, **wish.required}
            return replace(ours, required=required, wished=wish.wished, consent=wish.consent)
        customer = await self._who(caller)
        profile, kept = await asyncio.gather(self._profile_of(customer), self._kept(caller, customer))
        place = Place(
            joined=kept.joined if kept else self._clock(),
            tier="normal",
            language=caller.language,
            required=wish.required,
            wished=wish.wished,
            customer=customer,
            line=caller.line,
            reason=wish.reason,
            consent=wish.consent,
        )
        if profile is None:
            return place
        return Place(
            joined=place.joined,
            tier=profile.tier,
            language=caller.language,
            dialect=profile.dialect if caller.language == "zh" else "",
            branch=profile.branch,
            managers=profile.managers,
            required=wish.required,
            wished=wish.wished,
            customer=customer,
            line=caller.line,
            reason=wish.reason,
            consent=None if profile.recording_refused else wish.consent,
        )

    async def _kept(self, caller: Caller, customer: int | None) -> Place | None:
        try:
            async with asyncio.timeout(PROFILE_SECONDS):
                return await self._called_in(caller, customer)
        except (StoreError, TimeoutError) as error:
            log.warning("whether a caller has kept a place is not known", error=repr(error))
            return None

    async def _who(self, caller: Caller) -> int | None:
        """Who it has proven to be, or whose telephone it seems to be. The reception had a quarter of a second to find
        that out: it is looked up again, or on a slow day the best customers would wait as nobody in particular."""
        known = caller.customer if caller.customer is not None else caller.recognised
        if known is not None or not caller.number:
            return known
        try:
            async with asyncio.timeout(PROFILE_SECONDS):
                found = await self._recognition.of_number(caller.number)
        except (StoreError, TimeoutError) as error:
            log.warning("who wants a person is not known", error=repr(error))
            return None
        return found.customer if found is not None else None

    async def _profile_of(self, customer: int | None) -> RoutingProfile | None:
        if customer is None:
            return None
        try:
            async with asyncio.timeout(PROFILE_SECONDS):
                return await self._profiles.of(customer)
        except (StoreError, TimeoutError) as error:
            log.warning("a customer who wants a person waits as nobody in particular", error=repr(error))
            return None

    def _prepared(self, task: asyncio.Task[None]) -> None:
        self._preparing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a whisper could not be made ready", exc_info=error)
