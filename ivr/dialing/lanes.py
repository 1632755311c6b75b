"""Which campaigns are dialled, how many of each, and when: the loop around the pacers.

A campaign is dialled while somebody follows it (``ivr outbound run``; the run's lease in ``db.campaigns``). Each is
asked twice a second how many to dial, and whenever a seat or a dial has changed.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Final

import structlog

from agent_routing.policy import Policy
from db.attempt import is_attempt
from db.campaigns import Campaigns
from db.errors import StoreError
from db.events import OUTBOUND_PACED
from db.outbound_states import Mode
from db.routing_profile import RoutingProfiles
from db.store import Store
from db.target import Target
from ivr.dialing.agent_first import AgentFirst
from ivr.dialing.crew import CrewSeat, crew
from ivr.dialing.desk import DialDesk
from ivr.dialing.lane import Lane
from ivr.dialing.ledger import LEASE
from ivr.dialing.pace_memory import PaceMemory
from ivr.dialing.plan import Book, Plan
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.staff import Staff
from outbound.abandonment import MONTH, Counted
from outbound.pacing import Limits, Pacer

log = structlog.get_logger(__name__)

RENEW_SECONDS: Final = 5.0  # between two renewals of our attempts' leases
LOOK_SECONDS: Final = 1.0  # between two looks for campaigns that somebody follows
PACE_SECONDS: Final = 0.5  # between two decisions when nothing happens …
LEAST_PACE_SECONDS: Final = 0.05  # … and when much does
READ_SECONDS: Final = 2.0  # targets that were read so long ago are read anew
NONE_SECONDS: Final = 0.5  # … and where there were none
KEEP_SECONDS: Final = 20.0  # between two times that what pacers learned is kept
UPCOMING: Final = 40  # targets that are looked at in one decision


class Lanes:
    """The campaigns of one controller. ``follow`` is their life."""

    def __init__(
        self,
        store: Store,
        desk: DialDesk,
        first: AgentFirst,
        dispatcher: Dispatcher,
        staff: Staff,
        book: Book,
        memory: PaceMemory,
    ) -> None:
        self._campaigns = Campaigns(store)
        self._profiles = RoutingProfiles(store)
        self._desk = desk
        self._first = first
        self._dispatcher = dispatcher
        self._staff = staff
        self._book = book
        self._memory = memory
        self._kept = float("-inf")
        self.lanes: dict[str, Lane] = {}  # by campaign
        self.cannot: dict[str, str] = {}  # by campaign: why it is followed and not dialled
        self._woken = asyncio.Event()
        self._looked = self._renewed = float("-inf")
        desk.pacer_of = lambda campaign: lane.pacer if (lane := self.lanes.get(campaign)) else None
        desk.wake = self._woken.set
        desk.spoken = self._is_spoken

    async def follow(self) -> None:
        """Dial, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(PACE_SECONDS):
                    await self._woken.wait()
                await asyncio.sleep(LEAST_PACE_SECONDS)
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._turn()
            except StoreError as error:
                log.debug("nothing is dialled while the store is away", error=str(error))
            except Exception:  # a fault of ours with one campaign must not end all others
                log.exception("a turn of the dialling broke")

    async def _turn(self) -> None:
        now = time.monotonic()
        self._desk.give_up_unseen()
        if now - self._renewed >= RENEW_SECONDS:
            ledger = self._desk.ledger
            await ledger.attempts.renew(ledger.holder, now=self._desk.now(), lease=LEASE)
            self._renewed = now
            if self._desk.ready:
                await self._desk.settle_lapsed(frozenset(self._first.held))
        if now - self._looked >= LOOK_SECONDS:
            await self._look()
            self._looked = now
        if now - self._kept >= KEEP_SECONDS:
            self._kept = now
            for name, lane in self.lanes.items():
                await asyncio.to_thread(self._memory.keep, name, lane.pacer.history())
        if self._desk.ready:
            for lane in list(self.lanes.values()):
                await self._pace(lane)

    async def _look(self) -> None:
        """Which campaigns are followed now."""
        live = {one.name for one in await self._campaigns.live(self._desk.now())}
        for name in set(self.lanes) - live:
            log.info("a campaign is dialled no more", campaign=name)
            del self.lanes[name]
            self._first.let_go(name)
        for name in set(self.cannot) - live:
            del self.cannot[name]
        for name in sorted(live - set(self.lanes)):
            plan = await self._book.plan(name)
            if isinstance(plan, str):
                if self.cannot.get(name) != plan:
                    log.error("a campaign cannot be dialled", campaign=name, why=plan)
                self.cannot[name] = plan
                continue
            self.cannot.pop(name, None)
            self.lanes[name] = await self._open(plan)
            log.info("a campaign is dialled", campaign=name, mode=plan.mode)

    async def _open(self, plan: Plan) -> Lane:
        pacer = Pacer(plan.pacing, await asyncio.to_thread(self._memory.recall, plan.name))
        now, moment = time.monotonic(), self._desk.now()
        since = moment - datetime.timedelta(seconds=MONTH)
        pacer.restore(
            Counted(now - (moment - hour.begins).total_seconds(), hour.live, hour.abandoned)
            for hour in await self._desk.ledger.attempts.hours(plan.name, since)
        )
        for dial in self._desk.of_campaign(plan.name):
            if dial.answered_at is None and not dial.leg and dial.dialled_at is not None:
                pacer.dialled(dial.key, now - max(self._desk.clock() - dial.dialled_at, 0.0))
        return Lane(plan, pacer)

    async def _pace(self, lane: Lane) -> None:
        now, plan, desk = time.monotonic(), lane.plan, self._desk
        lane.see(self._seats(plan), now, now - desk.clock())
        await self._read(lane, now)
        limits = Limits(
            channels=max(desk.trunks.free() - len(desk.starting), 0),
            per_second=max(desk.trunks.within(PACE_SECONDS, now) - len(desk.starting), 0),
        )
        if not plan.for_agents:
            going = len(desk.of_campaign(plan.name)) + len(lane.starting & desk.starting.keys())
            self._dial(lane, max(min(plan.most - going, limits.channels, limits.per_second), 0), now)
            return
        waiting, danger = self._inbound()
        lane.pacer.inbound(waiting, 0, danger, now)
        await self._with_agent_first(lane)
        decision = lane.decide(now, limits, [None for _ in lane.upcoming])
        if (data := lane.news(decision, now)) is not None:
            desk.ledger.say(f"campaign-{plan.name}", OUTBOUND_PACED, data)
        for key in decision.cancel:
            lane.pacer.cancelled(key, now)
            desk.cancel(plan.name, key)
        if plan.mode == "preview":
            for target in lane.take(decision.dial - self._first.waiting(plan.name)):
                await self._hold(plan, target, "preview")
            return
        self._dial(lane, decision.dial, now)

    def _dial(self, lane: Lane, count: int, now: float) -> None:
        for target in lane.take(count):
            if lane.plan.for_agents:
                lane.pacer.dialled(str(target.id), now)
            lane.starting.add(str(target.id))
            self._desk.start(lane.plan, target)
        lane.starting &= self._desk.starting.keys()

    async def _with_agent_first(self, lane: Lane) -> None:
        """Who was promised an agent, and whoever can be called by seats whose telephones ring first."""
        idle = [seat for seat in lane.seats if seat.state == "idle"]
        free = len(idle) - self._first.waiting(lane.plan.name)
        for target in lane.promised[: max(free, 0)]:
            lane.promised.remove(target)
            await self._hold(lane.plan, target, "reserved")
        if lane.plan.mode != "preview":
            ringing = sum(not seat.at_once for seat in idle)
            for target in lane.take(min(free, ringing - self._first.waiting(lane.plan.name))):
                await self._hold(lane.plan, target, lane.plan.mode)

    async def _hold(self, plan: Plan, target: Target, mode: Mode) -> None:
        profile = None if target.customer is None else await self._profiles.of(target.customer)
        dial = await self._desk.leased(plan, target, mode)
        if dial is not None:
            self._first.hold(dial, recorded=profile is None or not profile.recording_refused)

    async def _read(self, lane: Lane, now: float) -> None:
        """The targets that come next, unless those known are enough and fresh."""
        if now - lane.read_at < (READ_SECONDS if lane.upcoming else NONE_SECONDS):
            return
        lane.read_at = now
        targets, moment = self._desk.ledger.targets, self._desk.now()
        lane.upcoming = list(await targets.next(lane.plan.name, moment, UPCOMING))
        lane.promised = list(await targets.next_promised(lane.plan.name, moment, UPCOMING))
        in_hand = (*self._desk.dials.values(), *self._first.held.values())
        lane.drop({*self._desk.starting, *(dial.key for dial in in_hand)})

    # --- seats --------------------------------------------------------------------------------------------------------

    def _seats(self, plan: Plan) -> tuple[CrewSeat, ...]:
        staff = self._staff
        ready = {stand.seat.id: stand.state == "idle" for stand in self._dispatcher.engine.seats()}
        own = frozenset(dial.call for dial in self._desk.of_campaign(plan.name))
        return crew(plan.skills, staff.working(), staff.agents, staff.seats, ready, own)

    def skills_at_work(self) -> list[dict[str, int]]:
        """The skills of each agent who is logged in."""
        agents = self._staff.agents
        return [dict(agents[one.agent].skills) for one in self._staff.working() if one.agent in agents]

    def _is_spoken(self, plan: Plan, language: str) -> bool:
        agents = self._staff.agents
        return any(one.agent in agents and language in agents[one.agent].languages for one in self._seats(plan))

    def _inbound(self) -> tuple[int, bool]:
        """Callers of the hotline who wait, and whether one of them is about to wait longer than was promised."""
        policy: Policy = self._dispatcher.engine.policy
        now, waiting, danger = self._desk.clock(), 0, False
        for call, waiter in self._dispatcher.waiting.items():
            if waiter.taken or is_attempt(call):
                continue
            waiting += 1
            danger = danger or now - waiter.place.joined > policy.tiers[waiter.place.tier].target.within / 2
        return waiting, danger
