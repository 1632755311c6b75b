"""Who gets which seat. Pure: an event and the time go in, decisions come out; no clock, no I/O, no chance.

At every event the whole pool is matched, never the head of a line alone: a seat that becomes idle takes the most urgent
caller it may serve, a caller takes the best idle seat of the narrowest open ring, and when time alone changes something
(a ring opens, a lease ends, a seat has rested) ``next_wakeup`` says when to send a ``Tick``. So between two events
there is never an idle seat and a caller who might have it. The same events at the same times give the same decisions.

Must not know: channels, telephones, tables, why a caller calls. What is not in ``pool`` and ``policy`` is not decided
here.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Final

from agent_routing.decisions import Decision, Reserve, Rival, Standing, Why, WhyWaiting, Withdraw, WithdrawReason
from agent_routing.events import (
    CallerChanges,
    CallerJoins,
    CallerLeaves,
    DayBegins,
    Event,
    SeatAccepted,
    SeatBusy,
    SeatGone,
    SeatIdle,
    SeatKnown,
    SeatPaused,
    SeatRefused,
    Tick,
)
from agent_routing.idle import IdleSeats
from agent_routing.policy import Policy, Ring, skill_word, speech_word
from agent_routing.pool import INBOUND, Caller, SeatNow, SeatState
from agent_routing.shelves import (
    ANY_NEED,
    FINEST_LEVEL,
    LANES,
    Ability,
    Demand,
    Placed,
    Scope,
    Shelves,
    Vocabulary,
    take,
)
from agent_routing.standing import Place, Stand, Waiting
from db.customer import TIERS
from ivr.errors import GoldlineError

STANDINGS: Final[tuple[Standing, ...]] = ("front", "past the longest wait", "by urgency")
FRONT, PAST, URGENCY = LANES, LANES + 1, LANES + 2  # ranks; a strict lane's rank is its number
NOTHING: Final = -1  # of a lane: its callers may not have this seat
HOLD_STEP: Final = 1.0  # seconds: how finely the end of a hold for the manager is looked for
EVERYWHERE: Final[Scope] = ("everywhere", "")
BRANCHES: Final[Scope] = ("branches", "")
HEAD_OFFICE: Final[Scope] = ("head_office", "")
# Who stands on the shelf of a wide circle is found there; the narrower ones in it need not be looked through.
COVERS: Final = {"branches": ("own_branch",), "everywhere": ("own_branch", "branches", "head_office")}

Rank = tuple[int, float, float, str]  # what stands first, urgency (negative) or joining time, joining time, id
RestOfTalk = Callable[[float], float]  # seconds a talk has lasted -> seconds it is expected to last on


class RoutingError(GoldlineError):
    """An event speaks of a caller or seat that the engine does not know, or knows twice: its sender has lost track."""

    error_id: ClassVar[str] = "routing-error"


class Engine:
    """Waiting callers, seats, and who gets whom.

    ``rest_of_talk`` tells how long a talk that has lasted so long is expected to go on (``talk_times`` has one);
    without it no caller is held for a busy manager.
    """

    def __init__(self, policy: Policy, rest_of_talk: RestOfTalk | None = None) -> None:
        self._rest_of_talk = rest_of_talk
        self._waiting: dict[str, Waiting] = {}
        self._stands: dict[str, Stand] = {}
        self._lanes: list[list[Placed]] = [[] for _ in range(LANES)]
        self._shelves = Shelves()
        self._idle = IdleSeats()
        self._vocabulary = Vocabulary()
        self._staff: dict[Scope, dict[Ability, int]] = {}  # seats at work, by circle
        self._able: dict[tuple[str, int], int] = {}  # seats at work, by what they know
        self._at_work = 0  # inbound seats
        self._staff_count = 0  # goes up with every change of the two above
        self._anybody: dict[tuple[Scope, Demand], bool] = {}  # whether a circle has somebody at work for a demand
        self._managers: dict[str, set[str]] = {}  # the seats at which an agent sits
        self._held: dict[str, set[str]] = {}  # callers held for an agent
        self._timers: list[tuple[float, str, str]] = []  # (due, "caller"|"lease"|"rest", id)
        self._now = float("-inf")
        self._touched_callers: set[str] = set()
        self._touched_seats: set[str] = set()
        self._decisions: list[Decision] = []
        self._apply: dict[type, Callable[..., None]] = {
            CallerJoins: self._joins,
            CallerChanges: self._changes,
            CallerLeaves: self._leaves,
            SeatKnown: self._known,
            SeatIdle: self._becomes_idle,
            SeatBusy: self._becomes_busy,
            SeatPaused: self._becomes_paused,
            SeatGone: self._becomes_gone,
            SeatAccepted: self._accepted,
            SeatRefused: self._refused,
            DayBegins: self._day_begins,
            Tick: self._tick,
        }
        self._set_policy(policy)

    # What is told

    def handle(self, event: Event, now: float) -> list[Decision]:
        """Take in one event at this time (never earlier than the one before) and decide.

        Raises RoutingError for a seat that was never made known, or a caller who joins twice. Events about callers or
        reservations that are over are no errors: on the way here they crossed the decision that ended them.
        """
        self._now = now = max(now, self._now)
        self._take_timers(now)
        try:
            self._apply[type(event)](event, now)
        finally:
            self._settle(now)
            decisions, self._decisions = self._decisions, []
        return decisions

    def next_wakeup(self) -> float | None:
        """When something changes by itself next: send a Tick then. None: not before the next event."""
        while self._timers:
            due, kind, name = self._timers[0]
            if kind == "caller":
                waiting = self._waiting.get(name)
                if waiting is not None and not waiting.seat:
                    return due
            else:
                stand = self._stands.get(name)
                if stand is not None and stand.state == ("reserved" if kind == "lease" else "resting"):
                    return due
            heapq.heappop(self._timers)
        return None

    def replace_policy(self, policy: Policy, now: float) -> list[Decision]:
        """Go on under another policy. Nobody loses a place: joining times, reservations and refusals stay."""
        self._now = now = max(now, self._now)
        self._set_policy(policy)
        for waiting in self._waiting.values():
            if not waiting.seat:
                self._unshelve(waiting)
        for waiting in self._waiting.values():
            waiting.places.clear()
            self._place(waiting)
            self._plan(waiting, now)
            if not waiting.seat:
                self._shelve(waiting)
                self._touched_callers.add(waiting.caller.id)
        for stand in self._stands.values():
            if stand.idle_key is not None:
                self._idle.take(stand)
                self._put_idle(stand)
        self._settle(now)
        decisions, self._decisions = self._decisions, []
        return decisions

    # What is asked

    def urgency(self, caller: str, now: float) -> float:
        """The urgency of a caller. Raises RoutingError for one who does not wait."""
        waiting = self._of(caller)
        return self._policy.urgency(waiting.caller.tier, now - waiting.caller.joined)

    def waits(self, caller: str) -> bool:
        """This caller has joined, and neither left nor been served."""
        return caller in self._waiting

    def position(self, caller: str, now: float) -> int:
        """The place in the order of urgency, from 1; 0 while a seat rings. Raises RoutingError for a stranger."""
        waiting = self._of(caller)
        if waiting.seat:
            return 0
        rank = self._rank(waiting.placed, now)
        return 1 + sum(bisect_left(lane, rank, key=lambda placed: self._rank(placed, now)) for lane in self._lanes)

    def order(self, now: float) -> Iterator[str]:
        """The waiting callers, the most urgent first; those for whom a seat rings are left out."""
        merged = heapq.merge(*self._lanes, key=lambda placed: self._rank(placed, now))
        return (placed[1] for placed in merged)

    def callers(self) -> list[Caller]:
        """Everybody who waits, those for whom a seat rings among them."""
        return [waiting.caller for waiting in self._waiting.values()]

    def seats(self) -> list[SeatNow]:
        """Every seat that is known, and its state."""
        return [SeatNow(stand.seat, stand.state, stand.since, stand.caller) for stand in self._stands.values()]

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def explain(self, caller: str, now: float) -> WhyWaiting:
        """Why this caller still waits. Looks at every seat: for a person who asks. Raises RoutingError."""
        waiting = self._of(caller)
        tally: dict[str, int] = {}
        for stand in self._stands.values():
            reason = self._why_not(waiting, stand)
            tally[reason] = tally.get(reason, 0) + 1
        rings = self._policy.rings
        following = next((step for step in reversed(waiting.steps) if 0 <= step[1] < len(rings)), None)
        rank = self._rank(waiting.placed, now)
        return WhyWaiting(
            caller,
            waiting.caller.tier,
            _standing(rank),
            now - waiting.caller.joined,
            self.urgency(caller, now),
            self.position(caller, now),
            tuple(self._ring_name(place.ring) for place in waiting.places),
            rings[following[1]].name if following else "",
            following[0] if following else None,
            dict(sorted(tally.items())),
            waiting.held_for,
        )

    def can_be_answered(self, caller: Caller) -> bool:
        """Whether anybody who is logged in, paused or not, could ever answer this caller."""
        least = self._vocabulary.demand(self._policy.rings[-1].needs(caller))
        return any(stand.state != "gone" and least.met_by(stand.ability) for stand in self._stands.values())

    # Callers

    def _joins(self, event: CallerJoins, now: float) -> None:
        caller = event.caller
        if caller.id in self._waiting:
            raise RoutingError(f"{caller.id} waits already.", remedy="Send CallerChanges, or CallerLeaves first.")
        waiting = self._entry(caller)
        self._waiting[caller.id] = waiting
        self._plan(waiting, now)
        self._shelve(waiting)
        self._touched_callers.add(caller.id)

    def _changes(self, event: CallerChanges, now: float) -> None:
        before = self._waiting.get(event.caller.id)
        if before is None:
            return
        if not before.seat:
            self._unshelve(before)
        self._release(before)
        waiting = self._entry(event.caller)
        waiting.barred, waiting.seat = before.barred, before.seat
        self._waiting[event.caller.id] = waiting
        self._plan(waiting, now)
        if not waiting.seat:
            self._shelve(waiting)
            self._touched_callers.add(event.caller.id)

    def _leaves(self, event: CallerLeaves, _now: float) -> None:
        waiting = self._waiting.pop(event.caller, None)
        if waiting is None:
            return
        self._release(waiting)
        for seat in waiting.barred:
            stand = self._stands.get(seat)
            if stand is not None:
                stand.barred.pop(event.caller, None)
        if not waiting.seat:
            self._unshelve(waiting)
            del waiting.placed
            return
        del waiting.placed
        stand = self._stands[waiting.seat]
        self._decisions.append(Withdraw(stand.seat.id, event.caller, "caller left"))
        self._set(stand, "idle", stand.idle_since)  # it was not the seat's doing: it keeps its turn

    def _entry(self, caller: Caller) -> Waiting:
        waiting = Waiting(caller, 0 if caller.at_once else TIERS.index(caller.tier))
        self._place(waiting)
        return waiting

    def _place(self, waiting: Waiting) -> None:
        """The place in the lane; the demand is the least that is asked of any seat: what the last ring asks."""
        caller = waiting.caller
        least = self._vocabulary.demand(self._policy.rings[-1].needs(caller))
        waiting.placed = (caller.joined, caller.id, waiting, least)

    # Seats

    def _known(self, event: SeatKnown, now: float) -> None:
        seat = event.seat
        stand = self._stands.get(seat.id)
        if stand is None:
            stand = self._stands[seat.id] = Stand(seat)
            stand.since = now
        else:
            self._staffed(stand, -1)
            self._managers[stand.seat.agent].discard(seat.id)
            self._idle.take(stand)
            stand.seat = seat
            stand.calls_today = max(stand.calls_today, seat.calls_today)
        words = {skill_word(skill): level for skill, level in seat.skills.items()}
        words |= {speech_word(language): 1 for language in seat.languages}
        stand.ability = self._vocabulary.ability(words)
        scopes: list[Scope] = []
        if seat.pool == INBOUND:
            if seat.branch:
                scopes += [("own_branch", seat.branch), BRANCHES]
            if seat.head_office:
                scopes.append(HEAD_OFFICE)
            scopes.append(EVERYWHERE)
        else:
            scopes.append(("pool", seat.pool))
        manager: Scope = ("manager", seat.agent)
        stand.shelves = self._shelves.seen_from(tuple(scopes), stand.ability)
        stand.own = self._shelves.seen_from((manager,), stand.ability)
        stand.scopes = (*scopes, manager)
        stand.idle_lists = self._idle.lists_for(stand)
        self._managers.setdefault(seat.agent, set()).add(seat.id)
        self._staffed(stand, 1)
        if stand.state == "idle":
            self._put_idle(stand)
            self._touched_seats.add(seat.id)

    def _becomes_idle(self, event: SeatIdle, now: float) -> None:
        stand = self._stand(event.seat)
        if stand.state in ("idle", "resting"):  # one that rests becomes idle by itself
            return
        self._give_back(stand, "seat not idle", now)
        self._set(stand, "idle", now)

    def _becomes_busy(self, event: SeatBusy, now: float) -> None:
        stand = self._stand(event.seat)
        self._give_back(stand, "seat not idle", now)
        self._set(stand, "busy", now if event.since is None else event.since)

    def _becomes_paused(self, event: SeatPaused, now: float) -> None:
        stand = self._stand(event.seat)
        self._give_back(stand, "seat not idle", now)
        self._set(stand, "paused", now)

    def _becomes_gone(self, event: SeatGone, now: float) -> None:
        stand = self._stand(event.seat)
        self._give_back(stand, "seat not idle", now)
        self._set(stand, "gone", now)

    def _accepted(self, event: SeatAccepted, now: float) -> None:
        stand = self._stand(event.seat)
        if stand.state != "reserved" or stand.caller != event.caller:
            self._decisions.append(Withdraw(event.seat, event.caller, "reservation over"))
            return
        waiting = self._waiting.pop(event.caller)
        del waiting.placed  # it refers to itself: without this only the collector of garbage would free it
        for seat in waiting.barred:
            other = self._stands.get(seat)
            if other is not None:
                other.barred.pop(event.caller, None)
        stand.calls_today += 1
        self._set(stand, "busy", now, event.caller)

    def _refused(self, event: SeatRefused, now: float) -> None:
        stand = self._stand(event.seat)
        if stand.state == "reserved" and stand.caller == event.caller:
            self._rest(stand, now)

    def _day_begins(self, _event: DayBegins, now: float) -> None:  # noqa: ARG002 - one shape for all events
        for stand in self._stands.values():
            stand.calls_today = 0
            if stand.idle_key is not None:
                self._idle.take(stand)
                self._put_idle(stand)

    def _tick(self, _event: Tick, _now: float) -> None:
        pass

    # Time

    def _take_timers(self, now: float) -> None:
        timers = self._timers
        while timers and timers[0][0] <= now:
            _due, kind, name = heapq.heappop(timers)
            if kind == "caller":
                waiting = self._waiting.get(name)
                if waiting is not None and not waiting.seat:
                    self._open_due(waiting, now)
                    self._touched_callers.add(name)
                continue
            stand = self._stands.get(name)
            if stand is None or now < stand.lease_until:
                continue
            if kind == "lease" and stand.state == "reserved":
                self._decisions.append(Withdraw(name, stand.caller, "lease expired"))
                self._rest(stand, now)
            elif kind == "rest" and stand.state == "resting":
                self._set(stand, "idle", now)

    def _rest(self, stand: Stand, now: float) -> None:
        """The seat did not take its caller: the two are kept apart for a while, and the seat is left alone."""
        caller = stand.caller
        until = now + self._policy.same_caller_pause
        waiting = self._waiting[caller]
        waiting.barred[stand.seat.id] = stand.barred[caller] = until
        heapq.heappush(self._timers, (until, "caller", caller))
        self._return(waiting, now)
        self._set(stand, "resting", now)
        stand.lease_until = now + self._policy.seat_rest
        heapq.heappush(self._timers, (stand.lease_until, "rest", stand.seat.id))

    def _give_back(self, stand: Stand, reason: WithdrawReason, now: float) -> None:
        """A seat that changes by itself gives back the caller it was reserved for."""
        if stand.state == "reserved":
            self._decisions.append(Withdraw(stand.seat.id, stand.caller, reason))
            self._return(self._waiting[stand.caller], now)

    def _return(self, waiting: Waiting, now: float) -> None:
        waiting.seat = ""
        self._open_due(waiting, now)
        self._shelve(waiting)
        self._touched_callers.add(waiting.caller.id)

    def _set(self, stand: Stand, state: SeatState, since: float, caller: str = "") -> None:
        self._idle.take(stand)
        was, stand.state, stand.since, stand.caller = stand.state, state, since, caller
        at_work = state not in ("paused", "gone")
        if at_work != (was not in ("paused", "gone")):
            stand.state = "busy"
            self._staffed(stand, 1 if at_work else -1)
            stand.state = state
        if state == "idle":
            stand.idle_since = since
            self._touched_seats.add(stand.seat.id)
        elif self._held.get(stand.seat.agent):
            for held in sorted(self._held[stand.seat.agent]):
                self._plan(self._waiting[held], self._now)
                self._touched_callers.add(held)

    # Rings

    def _plan(self, waiting: Waiting, now: float) -> None:
        """When each ring opens for this caller; those that are due open at once."""
        caller, policy = waiting.caller, self._policy
        rule = policy.tiers[caller.tier]
        joined = caller.joined
        limit = joined + rule.longest_wait
        self._hold(waiting, rule.hold, now)
        steps: list[tuple[float, int]] = []
        opened = {place.ring for place in waiting.places}
        last = len(policy.rings) - 1
        skipped = 0.0
        for number, ring in enumerate(policy.rings):
            after = ring.after.get(caller.tier, 0.0)
            if number not in opened:
                opens = joined if caller.at_once else joined + (after - skipped)
                if waiting.held_for and ring.reaches != "manager":
                    opens = max(opens, waiting.held_until)
                steps.append((min(opens, limit), number))
            if number < last:
                lasts = policy.rings[number + 1].after.get(caller.tier, 0.0) - after
                if lasts and not self._holds_anybody(ring, caller):
                    skipped += lasts
        for number, lending in enumerate(policy.lending, last + 1):
            if caller.tier in lending.to and number not in opened:
                steps.append((joined + lending.at * rule.target.within, number))
        if rule.reserve:
            steps.append((min(joined + rule.scale, limit), -1))
        steps.sort(reverse=True)
        waiting.steps = steps
        self._open_due(waiting, now)

    def _open_due(self, waiting: Waiting, now: float) -> None:
        """Open the rings that are due, and set the timer for the next."""
        steps = waiting.steps
        while steps and steps[-1][0] <= now:
            number = steps.pop()[1]
            if number >= 0:
                for place in self._places(waiting.caller, number):
                    waiting.places.append(place)
                    if waiting.shelved:
                        self._shelve_at(waiting, place)
        if steps:
            heapq.heappush(self._timers, (steps[-1][0], "caller", waiting.caller.id))
        if waiting.held_for and now >= waiting.held_until:
            self._release(waiting)
        if waiting.barred:
            for seat in [seat for seat, until in waiting.barred.items() if until <= now]:
                del waiting.barred[seat]
                if seat in self._stands:
                    self._stands[seat].barred.pop(waiting.caller.id, None)

    def _places(self, caller: Caller, number: int) -> list[Place]:
        rings = self._policy.rings
        if number >= len(rings):
            lender = self._policy.lending[number - len(rings)].lender
            return [Place(number, ("pool", lender), self._vocabulary.demand(rings[-1].needs(caller)))]
        ring = rings[number]
        scopes = _scopes(ring, caller)
        if not scopes:
            return []
        demand = self._vocabulary.demand(ring.needs(caller))
        return [Place(number, scope, demand) for scope in scopes]

    def _holds_anybody(self, ring: Ring, caller: Caller) -> bool:
        demand: Demand | None = None
        for scope in _scopes(ring, caller):
            if scope in self._staff:
                demand = demand or self._vocabulary.demand(ring.needs(caller))
                known = self._anybody.get((scope, demand))
                if known is None:
                    known = any(demand.met_by(ability) for ability in self._staff[scope])
                    self._anybody[scope, demand] = known
                if known:
                    return True
        return False

    def _hold(self, waiting: Waiting, longest: float, now: float) -> None:
        """Hold the caller for the dedicated manager while the expected rest of the manager's talk allows it."""
        self._release(waiting)
        caller = waiting.caller
        first = self._policy.rings[0]
        if first.reaches != "manager" or not caller.managers or self._rest_of_talk is None or waiting.seat:
            return
        until = caller.joined + longest
        agent = caller.managers[0]
        demand = self._vocabulary.demand(first.needs(caller))
        talks = [
            self._stands[seat].since
            for seat in self._managers.get(agent, ())
            if self._stands[seat].state == "busy" and demand.met_by(self._stands[seat].ability)
        ]
        if not talks:
            return
        began = max(talks)
        release = now
        while release < until and release + self._rest_of_talk(max(release - began, 0.0)) <= until:
            release += HOLD_STEP
        if release > now:
            waiting.held_for, waiting.held_until = agent, min(release, until)
            self._held.setdefault(agent, set()).add(caller.id)

    def _release(self, waiting: Waiting) -> None:
        if waiting.held_for:
            self._held[waiting.held_for].discard(waiting.caller.id)
            if not self._held[waiting.held_for]:
                del self._held[waiting.held_for]
            waiting.held_for = ""

    # Shelves

    def _shelve(self, waiting: Waiting) -> None:
        waiting.shelved = True
        insort(self._lanes[waiting.lane], waiting.placed)
        for place in waiting.places:
            self._shelve_at(waiting, place)

    def _shelve_at(self, waiting: Waiting, place: Place) -> None:
        shelves = waiting.shelves
        scope, demand = place.scope, place.demand
        if scope[0] == "head_office" and EVERYWHERE in shelves:
            return
        if scope not in shelves:
            if demand.counted != self._staff_count:
                demand.counted = self._staff_count
                demand.key = min(demand.needs, key=lambda need: (self._able.get(need, 0), need), default=ANY_NEED)
                demand.key = (demand.key[0], min(demand.key[1], FINEST_LEVEL))
            shelf = self._shelves.shelf(scope, demand, waiting.lane)
            placed = (waiting.placed[0], waiting.placed[1], waiting, demand)
            insort(shelf, placed)
            shelves[scope] = shelf, placed
        covered = COVERS.get(scope[0])
        if covered:
            for other in [other for other in shelves if other[0] in covered]:
                take(*shelves.pop(other))

    def _unshelve(self, waiting: Waiting) -> None:
        waiting.shelved = False
        take(self._lanes[waiting.lane], waiting.placed)
        for shelf, placed in waiting.shelves.values():
            take(shelf, placed)
        waiting.shelves.clear()

    # Matching

    def _settle(self, now: float) -> None:
        """Match until no idle seat and no caller who changed can be matched any more."""
        while self._touched_seats or self._touched_callers:
            if self._touched_seats:
                self._settle_seats(now)
            if self._touched_callers:
                self._settle_callers(now)

    def _settle_seats(self, now: float) -> None:
        seats = sorted(self._touched_seats)
        self._touched_seats.clear()
        if len(seats) > 1 or self._idle.count:
            for seat in seats:
                stand = self._stands[seat]
                if stand.state == "idle" and stand.idle_key is None:
                    self._put_idle(stand)
        for seat in seats:
            self._fill(self._stands[seat], now)

    def _settle_callers(self, now: float) -> None:
        callers, self._touched_callers = self._touched_callers, set()
        if not self._idle.count:
            return
        found = [self._waiting[name] for name in callers if name in self._waiting]
        found.sort(key=lambda waiting: self._rank(waiting.placed, now))
        for waiting in found:
            best = None if waiting.seat else self._best_seat(waiting)
            if best is not None:
                self._reserve(waiting, best[0], best[1], (), now)

    def _fill(self, stand: Stand, now: float) -> None:
        """Give away this idle seat, or others through the callers it makes room for, or leave it idle."""
        alone = stand.idle_key is None  # no other seat is idle, so it need not stand in the lists to be counted
        while stand.state == "idle":
            found = self._most_urgent(stand, now, alone)
            if found is None:
                break
            placed, ring, rivals = found
            if alone:
                self._reserve(placed[2], stand, ring, rivals, now)
            else:
                best = self._best_seat(placed[2])
                if best is None or best[0] is stand:
                    self._reserve(placed[2], stand, ring if best is None else best[1], rivals, now)
                else:
                    self._reserve(placed[2], best[0], best[1], rivals, now)
        else:
            return
        if stand.idle_key is None:
            self._put_idle(stand)
        if not alone:
            self._make_room(stand, now)

    def _make_room(self, stand: Stand, now: float) -> None:
        """One more idle seat may let callers have another one that a reserve kept from them."""
        for lane, keep in enumerate(self._reserves):
            if not keep:
                continue
            leaves: dict[Demand, bool] = {}
            for joined, name, _, demand in reversed(self._lanes[lane]):
                if now >= joined + self._patience[lane]:
                    break
                if demand.met_by(stand.ability):
                    leave = leaves.get(demand)
                    if leave is None:
                        leave = leaves[demand] = self._idle.more_than(EVERYWHERE, demand, keep)
                    if leave:
                        self._touched_callers.add(name)

    def _most_urgent(
        self, stand: Stand, now: float, alone: bool
    ) -> tuple[Placed, int, list[tuple[Rank, Placed]]] | None:
        """The caller this seat should take, the ring, and the first of the other lanes, who wanted it, too."""
        found: list[tuple[Rank, Placed]] = []
        owner: tuple[Rank, Placed] | None = None
        for lane in range(LANES):
            if not self._lanes[lane]:
                continue
            keep = self._reserves[lane] if stand.seat.pool == INBOUND else self._lent(stand.seat.pool, lane, alone)
            best: Placed | None = None
            if keep == 0:
                for shelf in stand.shelves[lane]:
                    best = _first_fitting(shelf, stand, best)
            elif keep > 0:
                best = self._first_with_reserve(stand, lane, keep, now, alone)
            if best is not None:
                found.append((self._rank(best, now), best))
            own = None
            for shelf in stand.own[lane]:
                own = _first_fitting(shelf, stand, own)
            if own is not None:
                rank = self._rank(own, now, self._policy.manager_ahead)
                if owner is None or rank < owner[0]:
                    owner = (rank, own)
        if owner is not None:
            found = [one for one in found if one[1][2] is not owner[1][2]]
            found.append(owner)
        if not found:
            return None
        found.sort(key=_by_rank)
        placed = found[0][1]
        return placed, self._ring_between(placed[2], stand), found[1:]

    def _lent(self, pool: str, lane: int, alone: bool) -> int:
        """What to keep of a lending pool's seats for this lane: nothing, or all of them."""
        keep = self._lends.get((pool, lane))
        idle = 1 if alone else self._idle.in_pool(pool)
        return 0 if keep is not None and idle > keep else NOTHING

    def _first_with_reserve(self, stand: Stand, lane: int, keep: int, now: float, alone: bool) -> Placed | None:
        """The first caller of a lane who leaves enough idle seats to the tiers above, or need not any more."""
        patience = self._patience[lane]
        seat, ability = stand.seat.id, stand.ability
        leaves: dict[Demand, bool] = {}
        best: Placed | None = None
        for shelf in stand.shelves[lane]:
            for placed in shelf:
                if best is not None and placed >= best:
                    break
                overdue = now >= placed[0] + patience
                if alone and not overdue:
                    break
                if not placed[3].met_by(ability) or seat in placed[2].barred:
                    continue
                if not overdue:
                    demand = placed[2].placed[3]
                    leave = leaves.get(demand)
                    if leave is None:
                        leave = leaves[demand] = self._idle.more_than(EVERYWHERE, demand, keep)
                    if not leave:
                        continue
                best = placed
                break
        return best

    def _best_seat(self, waiting: Waiting) -> tuple[Stand, int] | None:
        """The best idle seat for this caller: of the narrowest open ring, the first in its order."""
        barred = waiting.barred
        for place in waiting.places:
            if self._may_take(waiting, place.scope):
                for stand in self._idle.fitting(place.scope, place.demand):
                    if stand.seat.id not in barred:
                        return stand, place.ring
        return None

    def _may_take(self, waiting: Waiting, scope: Scope) -> bool:
        """Whether reserves and lenders leave a seat of this circle to this caller."""
        if scope[0] == "manager":
            return True
        if scope[0] == "pool":
            keep = self._lends.get((scope[1], waiting.lane))
            return keep is not None and self._idle.in_pool(scope[1]) > keep
        keep = self._reserves[waiting.lane]
        if not keep or self._now >= waiting.caller.joined + self._patience[waiting.lane]:
            return True
        return self._idle.more_than(EVERYWHERE, waiting.placed[3], keep)

    def _reserve(
        self, waiting: Waiting, stand: Stand, ring: int, rivals: Iterable[tuple[Rank, Placed]], now: float
    ) -> None:
        caller = waiting.caller
        rank = self._rank(waiting.placed, now)
        idle_for = now - stand.since
        self._unshelve(waiting)
        self._release(waiting)
        waiting.seat = stand.seat.id
        idle_others = self._idle.count - (stand.idle_key is not None)
        why = Why(
            caller.id,
            caller.tier,
            _standing(rank),
            now - caller.joined,
            self._policy.urgency(caller.tier, now - caller.joined),
            self._ring_name(ring),
            stand.seat.id,
            idle_for,
            idle_others,
            tuple([self._rival(placed, now) for _, placed in rivals]),
        )
        self._set(stand, "reserved", now, caller.id)
        until = stand.lease_until = now + self._policy.lease
        heapq.heappush(self._timers, (until, "lease", stand.seat.id))
        self._decisions.append(Reserve(stand.seat.id, caller.id, until, why))

    def _rival(self, placed: Placed, now: float) -> Rival:
        tier, waited = placed[2].caller.tier, now - placed[0]
        return Rival(placed[1], tier, _standing(self._rank(placed, now)), waited, self._policy.urgency(tier, waited))

    def _ring_between(self, waiting: Waiting, stand: Stand) -> int:
        """The narrowest open ring in which the two meet."""
        for place in waiting.places:
            if place.scope in stand.scopes and place.demand.met_by(stand.ability):
                return place.ring
        raise AssertionError("matched outside every ring")  # pragma: no cover

    def _why_not(self, waiting: Waiting, stand: Stand) -> str:
        if stand.state != "idle":
            return f"the seat is {stand.state}"
        if stand.seat.id in waiting.barred:
            return "refused this caller a moment ago"
        if not waiting.placed[3].met_by(stand.ability):
            return "lacks a skill or language"
        if not any(place.scope in stand.scopes and place.demand.met_by(stand.ability) for place in waiting.places):
            return "in a ring that is not open yet"
        return "kept for tiers above, or by its own pool"

    # Order

    def _rank(self, placed: Placed, now: float, ahead: float = 0.0) -> Rank:
        """What sorts callers: the smaller, the sooner."""
        joined, name, waiting, _ = placed
        lane = waiting.lane
        if self._strict[lane]:
            return (lane, joined, joined, name)
        if not lane & 1:
            return (FRONT, joined, joined, name)
        if now >= joined + self._longest[lane]:
            return (PAST, joined, joined, name)
        return (URGENCY, -(now - joined + ahead + self._starts[lane]) * self._slopes[lane], joined, name)

    def _set_policy(self, policy: Policy) -> None:
        self._policy = policy
        rules = [policy.tiers[tier] for tier in TIERS for _ in range(2)]
        self._strict = [rule.strict for rule in rules]
        self._longest = [rule.longest_wait for rule in rules]
        self._starts = [policy.start(tier) for tier in TIERS for _ in range(2)]
        self._slopes = [policy.slope(tier) for tier in TIERS for _ in range(2)]
        # Whoever was put in front has been served once or is pushed by a supervisor: no reserve holds them back.
        self._wanted_reserves = [rule.reserve if lane & 1 else 0 for lane, rule in enumerate(rules)]
        self._reserves = self._allowed_reserves()
        self._patience = [min(rule.scale, rule.longest_wait) for rule in rules]
        self._lends = {
            (lending.lender, 2 * TIERS.index(tier) + side): lending.keep
            for lending in policy.lending
            for tier in lending.to
            for side in range(2)
        }

    def _put_idle(self, stand: Stand) -> None:
        cap = self._policy.most_calls_a_day
        spare = len(stand.ability.words) if self._policy.spare_specialists else 0
        over = bool(cap) and stand.calls_today >= cap
        self._idle.put(stand, (over, spare, stand.since, stand.seat.id, stand))

    def _staffed(self, stand: Stand, more: int) -> None:
        """Count a seat in or out of those at work in its circles."""
        if stand.state in ("paused", "gone"):
            return
        self._staff_count += 1
        self._anybody.clear()
        if stand.seat.pool == INBOUND:
            self._at_work += more
            before, self._reserves = self._reserves, self._allowed_reserves()
            for lane, (was, now) in enumerate(zip(before, self._reserves, strict=True)):
                if now < was:
                    self._touched_callers.update(placed[1] for placed in self._lanes[lane])
        for word, most in stand.ability.words.items():
            for level in range(1, most + 1):
                self._able[word, level] = self._able.get((word, level), 0) + more
        for scope in stand.scopes:
            staff = self._staff.setdefault(scope, {})
            staff[stand.ability] = staff.get(stand.ability, 0) + more
            if not staff[stand.ability]:
                del staff[stand.ability]

    def _allowed_reserves(self) -> list[int]:
        """What each lane must leave to the tiers above: few seats at work can spare none to stand idle."""
        most = self._at_work // self._policy.reserve_one_of
        return [min(wanted, most) for wanted in self._wanted_reserves]

    def _ring_name(self, number: int) -> str:
        rings = self._policy.rings
        if number < len(rings):
            return rings[number].name
        return f"lent by {self._policy.lending[number - len(rings)].lender}"

    def _of(self, caller: str) -> Waiting:
        waiting = self._waiting.get(caller)
        if waiting is None:
            raise RoutingError(
                f"{caller} does not wait.", remedy="Ask only about callers who joined and are not served."
            )
        return waiting

    def _stand(self, seat: str) -> Stand:
        stand = self._stands.get(seat)
        if stand is None:
            raise RoutingError(f"The seat {seat} is not known.", remedy="Send SeatKnown before anything else about it.")
        return stand


def _first_fitting(shelf: list[Placed], stand: Stand, best: Placed | None) -> Placed | None:
    """The first caller on a shelf whom the seat may serve, if earlier than the best so far; else that one."""
    ability = stand.ability
    if stand.barred:
        seat = stand.seat.id
        for placed in shelf:
            if best is not None and placed >= best:
                return best
            if placed[3].met_by(ability) and seat not in placed[2].barred:
                return placed
        return best
    for placed in shelf:
        if best is not None and placed >= best:
            return best
        if placed[3].met_by(ability):
            return placed
    return best


def _by_rank(one: tuple[Rank, Placed]) -> Rank:
    return one[0]


def _standing(rank: Rank) -> Standing:
    return STANDINGS[rank[0] - LANES] if rank[0] >= LANES else "strict"


def _scopes(ring: Ring, caller: Caller) -> list[Scope]:
    match ring.reaches:
        case "manager":
            return [("manager", agent) for agent in caller.managers]
        case "own_branch":
            return [("own_branch", caller.branch)] if caller.branch else []
        case reaches:
            return [(reaches, "")]
