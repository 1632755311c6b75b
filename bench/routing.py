"""What routing an event costs, beside two plain ways to do it.

    python bench/routing.py [--seats 1000] [--waiting 10000] [--events 200000] [--seed 1] [--json]

A pool of seats in 50 branches and at head office, 10 skills in three levels, four languages and dialects; the queue is
filled up to ``--waiting`` callers and kept there: talks end, seats are offered, accept and now and then refuse, callers
join and hang up, rings open. Every event is timed by itself, collector of garbage on, as on the hotline.

Peers, given the same calls and seats in the same run:

* *plain scan*: the same rule (``ivr routing`` policy), by looking at every waiting caller when a seat becomes idle;
* *strict priority*: Asterisk's app_queue's rule with one queue, looking at every caller in the order of priority and
  joining until one fits.

Targets: p99 of an event under 1 ms, 20,000 events a second on a core.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent_routing.decisions import Decision, Reserve
from agent_routing.engine import Engine
from agent_routing.events import CallerJoins, CallerLeaves, Event, SeatAccepted, SeatIdle, SeatKnown, SeatRefused, Tick
from agent_routing.policy import Policy
from agent_routing.policy_file import read
from agent_routing.pool import Caller, Seat
from db.customer import TIERS, Tier

SKILLS = tuple(f"skill_{number}" for number in range(10))
BRANCHES = tuple(f"branch_{number:02}" for number in range(50))
TIER_SHARES = (0.03, 0.12, 0.25, 0.60)
REFUSED = 0.02  # of the offers
ABANDONED = 0.10  # of the callers
TALK = 180.0  # seconds, mean
TARGET_P99_MS = 1.0
TARGET_RATE = 20_000
PEER_OFFERS = 2_000  # as many seats becoming idle are shown to each peer: they are slow


@dataclass
class Day:
    """Makes up callers and seats; the same seed, the same ones."""

    chance: random.Random
    seats: int
    made: int = 0
    agents: list[str] = field(default_factory=list)

    def seat(self, number: int) -> Seat:
        chance = self.chance
        skills = {skill: chance.randint(1, 3) for skill in chance.sample(SKILLS, chance.randint(2, 4))}
        languages = frozenset({"zh"} | {word for word in ("en", "yue", "wuu") if chance.random() < 0.2})
        head = number % 5 == 0
        branch = "" if head else BRANCHES[number % len(BRANCHES)]
        return Seat(f"seat_{number:04}", f"agent_{number:04}", skills, languages, branch, head)

    def caller(self, now: float) -> Caller:
        chance = self.chance
        self.made += 1
        tier: Tier = chance.choices(TIERS, TIER_SHARES)[0]
        required = {chance.choice(SKILLS): chance.choice((1, 1, 2))} if chance.random() < 0.7 else {}
        wished = {chance.choice(SKILLS): chance.choice((2, 3))} if chance.random() < 0.3 else {}
        manager = (f"agent_{chance.randrange(self.seats):04}",) if tier in ("platinum", "gold") else ()
        dialect = chance.choice(("yue", "wuu")) if chance.random() < 0.15 else ""
        language = "en" if chance.random() < 0.05 else "zh"
        branch = chance.choice(BRANCHES) if chance.random() < 0.8 else ""
        return Caller(f"call_{self.made:07}", tier, now, language, dialect, branch, manager, required, wished)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[tuple[list[Caller], Seat, float]]]:
    """Drive the engine; the figures, and snapshots for the peers."""
    chance = random.Random(options.seed)
    day = Day(chance, options.seats)
    engine = Engine(read(), lambda _age: TALK)
    seats = {}
    now = 0.0
    for number in range(options.seats):
        seat = day.seat(number)
        seats[seat.id] = seat
        engine.handle(SeatKnown(seat), now)
    waiting: dict[str, None] = {}
    ringing: list[Reserve] = []
    busy = list(seats)
    kinds: dict[str, list[float]] = {}
    total = 0
    clock = time.perf_counter

    def tell(kind: str, event: Event) -> list[Decision]:
        began = clock()
        decisions = engine.handle(event, now)
        kinds.setdefault(kind, []).append(clock() - began)
        for decision in decisions:
            if isinstance(decision, Reserve):
                ringing.append(decision)
                waiting.pop(decision.caller, None)
        return decisions

    def join() -> None:
        caller = day.caller(now)
        waiting[caller.id] = None
        tell("caller joins", CallerJoins(caller))

    # Fill up over the half hour before, so that callers stand in all rings.
    while len(waiting) < options.waiting:
        now += 1800.0 / options.waiting
        join()
        due = engine.next_wakeup()
        while due is not None and due <= now:
            tell("tick", Tick())
            due = engine.next_wakeup()
    kinds.clear()
    snapshots: list[tuple[list[Caller], Seat, float]] = []
    started = clock()
    spent_aside = 0.0
    gap = TALK / options.seats  # seconds between two talks that end
    while total < options.events:
        now += chance.expovariate(1.0 / gap)
        due = engine.next_wakeup()
        while due is not None and due <= now:
            tell("tick", Tick())
            due = engine.next_wakeup()
        if busy:
            place = chance.randrange(len(busy))
            busy[place], busy[-1] = busy[-1], busy[place]
            seat = busy.pop()
            if len(snapshots) < 3:
                aside = clock()
                snapshots.append((engine.callers(), seats[seat], now))
                spent_aside += clock() - aside
            tell("seat becomes idle", SeatIdle(seat))
        offers, ringing[:] = list(ringing), []
        for offer in offers:
            if chance.random() < REFUSED:
                tell("seat refuses", SeatRefused(offer.seat, offer.caller))
                waiting[offer.caller] = None
            else:
                tell("seat accepts", SeatAccepted(offer.seat, offer.caller))
                busy.append(offer.seat)
        while len(waiting) < options.waiting:
            join()
        if chance.random() < ABANDONED:
            caller = chance.choice(list(waiting)) if chance.random() < 0.02 else next(iter(waiting))
            del waiting[caller]
            tell("caller leaves", CallerLeaves(caller))
        total = sum(map(len, kinds.values()))
    wall = clock() - started - spent_aside
    times = sorted(one for kind in kinds.values() for one in kind)
    handling = sum(times)
    figures = {
        "events": len(times),
        "p50_us": round(1e6 * times[len(times) // 2], 1),
        "p99_us": round(1e6 * times[int(len(times) * 0.99)], 1),
        "p999_us": round(1e6 * times[int(len(times) * 0.999)], 1),
        "most_us": round(1e6 * times[-1], 1),
        "events_per_second": round(len(times) / handling),
        "with_the_bench_itself": round(len(times) / wall),
        "kinds": {
            kind: {
                "events": len(some),
                "p50_us": round(1e6 * statistics.median(some), 1),
                "p99_us": round(1e6 * sorted(some)[int(len(some) * 0.99)], 1),
            }
            for kind, some in sorted(kinds.items())
        },
    }
    return figures, snapshots


def plain_scan(policy: Policy) -> Callable[[list[Caller], Seat, float], str]:
    """The same rule, by looking at every caller."""

    def most_urgent(callers: list[Caller], seat: Seat, now: float) -> str:
        words = {f"skill {skill}": level for skill, level in seat.skills.items()}
        words |= {f"speaks {language}": 1 for language in seat.languages}
        best, found = (9, 0.0, 0.0), ""
        for caller in callers:
            rule = policy.tiers[caller.tier]
            waited = now - caller.joined
            for ring in policy.rings:
                if waited < ring.after.get(caller.tier, 0.0):
                    break
                if ring.reaches == "manager":
                    met = seat.agent in caller.managers
                elif ring.reaches == "own_branch":
                    met = bool(caller.branch) and seat.branch == caller.branch
                elif ring.reaches == "branches":
                    met = bool(seat.branch)
                else:
                    met = ring.reaches == "everywhere" or seat.head_office
                if met and all(words.get(word, 0) >= level for word, level in ring.needs(caller)):
                    urgency = policy.urgency(caller.tier, waited)
                    stage = 0 if rule.strict else 1 if waited >= rule.longest_wait else 2
                    rank = (stage, -waited if stage < 2 else -urgency, caller.joined)
                    if rank < best:
                        best, found = rank, caller.id
                    break
        return found

    return most_urgent


def strict_priority(callers: list[Caller], seat: Seat, _now: float) -> str:
    """By tier, then by joining, the first who fits: sorted by insertion, as app_queue keeps it."""
    for caller in callers:
        if caller.language in seat.languages and all(
            seat.skills.get(skill, 0) >= level for skill, level in caller.required.items()
        ):
            return caller.id
    return ""


def peer(decide: Callable[[list[Caller], Seat, float], str], shown: list[tuple[list[Caller], Seat, float]]) -> Any:
    times = []
    began = time.perf_counter()
    while len(times) < PEER_OFFERS and time.perf_counter() - began < 10.0:
        callers, seat, now = shown[len(times) % len(shown)]
        start = time.perf_counter()
        decide(callers, seat, now)
        times.append(time.perf_counter() - start)
    times.sort()
    return {
        "events": len(times),
        "p50_us": round(1e6 * times[len(times) // 2], 1),
        "p99_us": round(1e6 * times[int(len(times) * 0.99)], 1),
        "events_per_second": round(len(times) / sum(times)),
    }


def main() -> int:
    """Print a table and, last, one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    figures, snapshots = measure(options)
    scan = peer(plain_scan(read()), snapshots)
    by_priority = [
        (sorted(callers, key=lambda one: (TIERS.index(one.tier), one.joined)), seat, now)
        for callers, seat, now in snapshots
    ]
    strict = peer(strict_priority, by_priority)
    met = figures["p99_us"] < 1000 * TARGET_P99_MS and figures["events_per_second"] >= TARGET_RATE
    if not options.json:
        print(f"{options.seats} seats, {options.waiting} waiting, {len(SKILLS)} skills, {len(BRANCHES)} branches")
        print(f"  {'':<34}{'events':>9}{'p50 µs':>10}{'p99 µs':>10}{'events/s':>11}")
        rows = [("the engine, all events", figures), ("seat idle: plain scan, same rule", scan)]
        rows.append(("seat idle: strict priority", strict))
        rows[1:1] = [(f"  {kind}", row) for kind, row in figures["kinds"].items()]
        for name, row in rows:
            rate = row.get("events_per_second", "")
            print(f"  {name:<34}{row['events']:>9}{row['p50_us']:>10.1f}{row['p99_us']:>10.1f}{rate:>11}")
        print(f"  slowest event {figures['most_us']:.0f} µs; targets {'met' if met else 'MISSED'}")
    summary = {"bench": "routing", "seats": options.seats, "waiting": options.waiting, "met": met}
    print(json.dumps({**summary, "engine": figures, "plain_scan": scan, "strict_priority": strict}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
