"""What must hold whatever happens in whatever order: hypothesis makes up hours of a hotline."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent_routing.decisions import Decision, Reserve, Withdraw
from agent_routing.engine import Engine
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
from agent_routing.policy import Policy, Ring, speech_word
from agent_routing.policy_file import POLICY_FILE, load
from agent_routing.pool import INBOUND, Caller, Seat
from agent_routing.talk_times import TalkTimes
from db.customer import TIERS

SKILLS = ("orders", "advice", "analysis")
BRANCHES = ("A", "B", "")
LANGUAGES = ("zh", "en")
AGENTS = ("wang", "li", "zhao", "chen", "liu", "yang")
_SHIPPED, _ = load(POLICY_FILE.read_text("utf-8"), "policy.yaml")
assert _SHIPPED is not None
POLICY = replace(_SHIPPED, reserve_one_of=2)  # so that a few seats have reserves
ADDITIVE = replace(POLICY, order="additive", manager_ahead=0.0, most_calls_a_day=2)
REST = TalkTimes([20.0, 60.0, 90.0, 120.0, 400.0]).rest

levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 3), max_size=2)
seats = st.lists(
    st.builds(
        lambda skills, languages, branch, head, pool: (skills, frozenset(languages), branch, head, pool),
        levels,
        st.sets(st.sampled_from((*LANGUAGES, "yue")), min_size=1),
        st.sampled_from(BRANCHES),
        st.booleans(),
        st.sampled_from((INBOUND, INBOUND, INBOUND, "outbound")),
    ),
    min_size=1,
    max_size=6,
)


class Hotline(RuleBasedStateMachine):
    """A hotline made up as it goes, and what a supervisor would hold against it."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine(POLICY, REST)
        self.now = 1000.0
        self.waiting: dict[str, Caller] = {}
        self.seats: dict[str, Seat] = {}
        self.ringing: dict[str, str] = {}  # seat: caller
        self.barred: dict[tuple[str, str], float] = {}
        self.served: set[str] = set()
        self.told: list[tuple[float, Event | Policy, list[Decision]]] = []

    @initialize(made=seats)
    def furnish(self, made: list[tuple[dict[str, int], frozenset[str], str, bool, str]]) -> None:
        for number, (skills, languages, branch, head, pool) in enumerate(made):
            self.tell(SeatKnown(Seat(f"s{number}", AGENTS[number], skills, languages, branch, head, pool)))
            self.tell(SeatIdle(f"s{number}"))

    def tell(self, event: Event | Policy) -> None:
        before = dict(self.waiting)
        if isinstance(event, SeatKnown):
            self.seats[event.seat.id] = event.seat
        if isinstance(event, CallerJoins | CallerChanges):
            self.waiting[event.caller.id] = before[event.caller.id] = event.caller
        if isinstance(event, CallerLeaves):
            del self.waiting[event.caller], before[event.caller]
        if isinstance(event, SeatAccepted):
            assert self.ringing.pop(event.seat) == event.caller
            del self.waiting[event.caller], before[event.caller]
            assert event.caller not in self.served, "served twice"
            self.served.add(event.caller)
        if isinstance(event, SeatRefused):
            assert self.ringing.pop(event.seat) == event.caller
            self.bar(event.seat, event.caller)
        if isinstance(event, Policy):
            decisions = self.engine.replace_policy(event, self.now)
        else:
            decisions = self.engine.handle(event, self.now)
        self.told.append((self.now, event, decisions))
        for decision in decisions:
            self.obey(decision)

    def bar(self, seat: str, caller: str) -> None:
        self.barred[seat, caller] = self.now + self.engine.policy.same_caller_pause

    def obey(self, decision: Decision) -> None:
        if isinstance(decision, Withdraw):
            assert self.ringing.pop(decision.seat) == decision.caller
            if decision.reason == "lease expired":
                self.bar(decision.seat, decision.caller)
            return
        caller, seat = self.waiting[decision.caller], self.seats[decision.seat]
        assert decision.seat not in self.ringing, "a seat got two calls"
        assert decision.caller not in self.ringing.values(), "a caller got two seats"
        assert self.barred.get((seat.id, caller.id), 0.0) <= self.now, "offered again at once to a seat that refused"
        for skill, level in caller.required.items():
            assert seat.skills.get(skill, 0) >= level, "a required skill is missing"
        self.check_order(caller, seat, decision)
        self.ringing[decision.seat] = decision.caller
        assert decision.why.words()

    def check_order(self, caller: Caller, seat: Seat, decision: Reserve) -> None:
        policy = self.engine.policy
        for other in self.waiting.values():
            if other.id == caller.id or other.id in self.ringing.values():
                continue
            if self.barred.get((seat.id, other.id), 0.0) > self.now:
                continue
            rings = self.engine.explain(other.id, self.now).rings_open if seat.pool == INBOUND else ()
            shared = [
                ring
                for ring in policy.rings
                if ring.name in rings and _in(ring, other, seat) and _fits(ring, other, seat)
            ]
            if not shared:
                continue
            if other.tier == "platinum" and not other.front:
                assert caller.tier == "platinum", "platinum is strictly first"
            same = replace(other, id=caller.id, joined=caller.joined, managers=caller.managers) == caller
            if same and not caller.managers and not other.managers:
                assert (caller.joined, caller.id) < (other.joined, other.id), "a less urgent caller of the same needs"

    # What happens

    @rule(
        tier=st.sampled_from(TIERS),
        language=st.sampled_from(("zh", "en", "")),
        dialect=st.sampled_from(("", "yue")),
        branch=st.sampled_from(BRANCHES),
        managers=st.lists(st.sampled_from(AGENTS), max_size=2, unique=True),
        required=levels,
        wished=levels,
        front=st.integers(0, 9).map(lambda drawn: drawn == 0),
        ago=st.sampled_from((0.0, 0.0, 30.0)),
    )
    def joins(self, tier, language, dialect, branch, managers, required, wished, front, ago) -> None:  # type: ignore[no-untyped-def]
        name = f"c{len(self.told)}"
        caller = Caller(name, tier, self.now - ago, language, dialect, branch, tuple(managers), required, wished, front)
        self.tell(CallerJoins(caller))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        self.tell(CallerLeaves(data.draw(st.sampled_from(sorted(self.waiting)))))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), tier=st.sampled_from(TIERS), front=st.booleans())
    def changes(self, data: st.DataObject, tier: str, front: bool) -> None:
        caller = self.waiting[data.draw(st.sampled_from(sorted(self.waiting)))]
        self.tell(CallerChanges(replace(caller, tier=tier, front=front)))  # type: ignore[arg-type]

    @precondition(lambda self: self.ringing)
    @rule(data=st.data(), accepts=st.sampled_from((True, True, False)))
    def answers(self, data: st.DataObject, accepts: bool) -> None:
        seat = data.draw(st.sampled_from(sorted(self.ringing)))
        event = SeatAccepted if accepts else SeatRefused
        self.tell(event(seat, self.ringing[seat]))

    @rule(data=st.data(), kind=st.sampled_from((SeatIdle, SeatIdle, SeatIdle, SeatBusy, SeatPaused, SeatGone)))
    def seat_changes(self, data: st.DataObject, kind: type) -> None:
        seat = data.draw(st.sampled_from(sorted(self.seats)))
        self.tell(kind(seat))

    @rule(data=st.data(), skills=levels, branch=st.sampled_from(BRANCHES))
    def seat_is_redefined(self, data: st.DataObject, skills: dict[str, int], branch: str) -> None:
        free = sorted(set(self.seats) - set(self.ringing))
        if free:
            seat = self.seats[data.draw(st.sampled_from(free))]
            self.tell(SeatKnown(replace(seat, skills=skills, branch=branch)))

    @rule(seconds=st.sampled_from((0.0, 0.3, 2.0, 7.0, 40.0)))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(500):
            due = self.engine.next_wakeup()
            if due is None or due > until:
                break
            assert due >= self.now or self.told, "a wake-up in the past"
            self.now = max(due, self.now)
            self.tell(Tick())
        else:
            raise AssertionError("the wake-ups never end")
        self.now = until

    @rule(policy=st.sampled_from((POLICY, ADDITIVE)))
    def policy_is_replaced(self, policy: Policy) -> None:
        self.tell(policy)

    @rule()
    def day_begins(self) -> None:
        self.tell(DayBegins())

    # What always holds

    @invariant()
    def nobody_is_lost(self) -> None:
        assert {caller.id for caller in self.engine.callers()} == set(self.waiting)
        order = list(self.engine.order(self.now))
        assert set(order) | set(self.ringing.values()) == set(self.waiting)
        assert [self.engine.position(name, self.now) for name in order] == list(range(1, len(order) + 1))
        reserved = {now.seat.id: now.caller for now in self.engine.seats() if now.state == "reserved"}
        assert reserved == self.ringing

    @invariant()
    def nobody_waits_whom_an_idle_seat_may_serve(self) -> None:
        due = self.engine.next_wakeup()
        if due is not None and due <= self.now:
            return  # the tick is still to come
        policy = self.engine.policy
        seats = self.engine.seats()
        idle = [now.seat for now in seats if now.state == "idle"]
        at_work = sum(now.seat.pool == INBOUND and now.state not in ("paused", "gone") for now in seats)
        for caller in self.waiting.values():
            if caller.id in self.ringing.values():
                continue
            rule = policy.tiers[caller.tier]
            rings = self.engine.explain(caller.id, self.now).rings_open
            past = self.now >= caller.joined + rule.longest_wait
            reserve = min(rule.reserve, at_work // policy.reserve_one_of)
            free = not reserve or caller.front or self.now >= caller.joined + min(rule.scale, rule.longest_wait)
            able = [seat for seat in idle if seat.pool == INBOUND and _fits(policy.rings[-1], caller, seat)]
            free = free or len(able) > reserve
            for seat in idle:
                if seat.pool != INBOUND or self.barred.get((seat.id, caller.id), 0.0) > self.now:
                    continue
                if past:
                    assert not _fits(policy.rings[-1], caller, seat), "waits past the limit while an allowed seat idles"
                for ring in policy.rings:
                    if ring.name in rings and (free or ring.reaches == "manager"):
                        assert not (_in(ring, caller, seat) and _fits(ring, caller, seat)), f"{seat} idles"

    def teardown(self) -> None:
        again = Engine(POLICY, REST)
        for now, event, decisions in self.told:
            if isinstance(event, Policy):
                assert again.replace_policy(event, now) == decisions, "a replay decides otherwise"
            else:
                assert again.handle(event, now) == decisions, "a replay decides otherwise"


def _in(ring: Ring, caller: Caller, seat: Seat) -> bool:
    return {
        "manager": seat.agent in caller.managers,
        "own_branch": bool(caller.branch) and seat.branch == caller.branch,
        "branches": bool(seat.branch),
        "head_office": seat.head_office,
        "everywhere": True,
    }[ring.reaches]


def _fits(ring: Ring, caller: Caller, seat: Seat) -> bool:
    words = {f"skill {skill}": level for skill, level in seat.skills.items()}
    words |= {speech_word(language): 1 for language in seat.languages}
    return all(words.get(word, 0) >= level for word, level in ring.needs(caller))


TestHotline = Hotline.TestCase
TestHotline.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def made_up_day(order: int) -> str:
    """Every decision of one day, as a digest; ``order`` shuffles in which order seats are made known."""
    engine = Engine(POLICY, REST)
    chance = random.Random(5)
    made = []
    for number in range(30):
        skills = {skill: chance.randint(1, 3) for skill in SKILLS if chance.random() < 0.6}
        languages = frozenset(chance.sample(("zh", "en", "yue"), 2))
        made.append(Seat(f"s{number:02}", f"a{number:02}", skills, languages, chance.choice(BRANCHES), number % 4 == 0))
    for seat in random.Random(order).sample(made, len(made)):
        engine.handle(SeatKnown(seat), 0.0)
    for seat in made:
        engine.handle(SeatIdle(seat.id), 0.5)
    said = hashlib.sha256()
    now = 1.0
    for number in range(1500):
        now += chance.expovariate(1.0)
        due = engine.next_wakeup()
        while due is not None and due <= now:
            said.update(repr(engine.handle(Tick(), due)).encode())
            due = engine.next_wakeup()
        if chance.random() < 0.6:
            caller = Caller(
                f"c{number}",
                chance.choice(TIERS),
                now,
                chance.choice(LANGUAGES),
                "",
                chance.choice(BRANCHES),
                (f"a{chance.randrange(30):02}",) if chance.random() < 0.3 else (),
                {chance.choice(SKILLS): chance.randint(1, 2)},
            )
            decisions = engine.handle(CallerJoins(caller), now)
        else:
            seat = chance.choice(made).id
            state = next(one for one in engine.seats() if one.seat.id == seat)
            event: Event = SeatAccepted(seat, state.caller) if state.state == "reserved" else SeatIdle(seat)
            decisions = engine.handle(event, now)
        said.update(repr(decisions).encode())
    return said.hexdigest()


def test_the_order_in_which_seats_were_made_known_changes_nothing() -> None:
    assert made_up_day(1) == made_up_day(2)


def test_the_order_in_which_sets_are_walked_changes_nothing() -> None:
    code = "from tests.unit.agent_routing.test_engine_properties import made_up_day; print(made_up_day(1))"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1
