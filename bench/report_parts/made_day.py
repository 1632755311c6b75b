"""A brokerage's day as its journal and its agents' history tell it, made up; the same seed, the same day.

Beside the rows it gives what was meant by them (``Fact``, ``Shift``), so that figures can be held against the truth
without reading a row. All that makes figures hard happens in it: restarts in mid-wait, cut talks, transfers, callbacks,
keys, Asterisk's own queue, callers who call again, withheld numbers, talks and waits that go on at the end.

The queue is plain: whoever is free first answers. What is tested here is the counting.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field
from typing import Any, Final

from db import events
from db.agent import State, StateChange
from db.customer import TIERS, Tier
from db.events import Event

LINES: Final = ("95500", "4008095588", "02195500")
BRANCHES: Final = ("", "SH01", "BJ02")
TIER_SHARES: Final = (0.05, 0.15, 0.25, 0.55)
RING: Final = 4.0  # seconds until an agent answers
OPENS: Final = 8.5 * 3600
CLOSES: Final = 17.0 * 3600


@dataclass
class TalkFact:
    """A talk that was meant."""

    agent: str
    began: datetime.datetime
    seconds: float | None  # None: goes on
    wrap_up: float = 0.0
    transferred: bool = False
    cut: bool = False
    score: int | None = None


@dataclass
class Fact:
    """A call that was meant."""

    id: str
    began: datetime.datetime
    caller: str
    line: str
    customer: int | None = None
    turned_away: str = ""
    tier: Tier = "normal"
    branch: str = ""
    joined: datetime.datetime | None = None  # first wanted a person
    waited: float = 0.0  # until the first talk, or the end of waiting
    outcome: str = ""
    by_asterisk: bool = False
    resumed: bool = False
    not_answered: int = 0
    talks: list[TalkFact] = field(default_factory=list)


@dataclass
class Shift:
    """An agent's whole day, as (state, from, until); the last one goes on until the day was asked about."""

    agent: str
    spans: list[tuple[State, datetime.datetime, datetime.datetime]] = field(default_factory=list)


@dataclass
class Day:
    """The rows, and what they were made from."""

    asked_at: datetime.datetime
    events: list[Event] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)


class _Agent:
    """Writes an agent's history."""

    def __init__(self, day: Day, name: str, at: datetime.datetime) -> None:
        self.day = day
        self.name = name
        self.state: State = "logged_out"
        self.since = at
        self.shift = Shift(name)
        day.shifts.append(self.shift)
        self.free_at = at
        self.to("idle", at)

    def to(self, state: State, at: datetime.datetime, call: str = "") -> None:
        day = self.day
        if self.state != "logged_out":
            self.shift.spans.append((self.state, self.since, at))
        seat = f"S{self.name}"
        number = len(day.changes) + 1
        change = StateChange(self.name, seat, self.since, at, self.state, state, "made", "bench", call, id=number)
        day.changes.append(change)
        self.state, self.since = state, at

    def end(self) -> None:
        """Nobody logs out: what the agent does goes on."""
        self.shift.spans.append((self.state, self.since, self.day.asked_at))


def make(
    calls: int,
    agents: int,
    seed: int,
    midnight: datetime.datetime,
    *,
    asked_after: float = 24 * 3600.0,
    chatter: int = 0,
) -> Day:
    """A day that begins at ``midnight`` (aware); asked about so many seconds later. Nothing in it happens after that.

    ``chatter``: events of other kinds in each call, which a real journal is full of.
    """
    chance = random.Random(f"{seed} {calls} {agents}")
    day = Day(midnight + datetime.timedelta(seconds=asked_after))
    staff = [_Agent(day, f"{801 + number}", midnight + _seconds(OPENS)) for number in range(agents)]
    people = max(2, calls * 2 // 3)
    moments = sorted(chance.uniform(OPENS, CLOSES) for _ in range(calls))
    for number, moment in enumerate(moments):
        if moment >= asked_after:
            break
        _Call(day, chance, staff, number, midnight + _seconds(round(moment, 3)), people, chatter).happen()
    for agent in staff:
        agent.end()
    return day


class _Call:
    def __init__(
        self,
        day: Day,
        chance: random.Random,
        staff: list[_Agent],
        number: int,
        began: datetime.datetime,
        people: int,
        chatter: int,
    ) -> None:
        self.day, self.chance, self.staff, self.chatter = day, chance, staff, chatter
        person = chance.randrange(people)
        caller = "anonymous" if chance.random() < 0.04 else f"138{person:08}"
        customer = person if person % 3 and caller != "anonymous" else None
        # Ids need not sort as time does.
        call = f"made-{chance.randrange(10**6):06}-{began.timestamp():.0f}.{number}"
        self.fact = Fact(call, began, caller, chance.choice(LINES), customer)
        self.fact.tier = chance.choices(TIERS, TIER_SHARES)[0]
        self.fact.branch = chance.choice(BRANCHES)
        self.now = began
        self.going_on = False
        day.facts.append(self.fact)

    def happen(self) -> None:
        chance, fact = self.chance, self.fact
        self.note(events.CALL_STARTED, {"caller": fact.caller, "line": fact.line, "language": "zh", "flow": "main"})
        turned = chance.random()
        if turned < 0.06:
            fact.turned_away = "refused" if turned < 0.02 else "closed" if turned < 0.04 else "unallocated"
            self.end(fact.turned_away)
            return
        self.note(events.CALL_ANSWERED, {})
        for number in range(self.chatter):
            self.after(1.0)
            self.note("said", {"prompts": [f"p{number}"], "language": "zh", "text": "请输入六位股票代码"})
        self.after(chance.uniform(2, 60))
        if chance.random() < 0.35:
            self.end("caller")
            return
        fact.joined = self.now
        self.join()
        self.wait()
        if not self.going_on:
            self.end("caller")

    # --- waiting ------------------------------------------------------------------------------------------------------

    def join(self, again: bool = False) -> None:
        fact = self.fact
        assert fact.joined
        data: dict[str, Any] = {
            "joined": fact.joined.isoformat(),
            "tier": fact.tier,
            "line": fact.line,
            "language": "zh",
            "required": {},
            "wished": {},
            "branch": fact.branch,
            "customer": fact.customer,
            "reason": "",
            "again": again,
        }
        self.note(events.WAIT_JOINED, data)

    def wait(self) -> None:
        chance, fact = self.chance, self.fact
        what = chance.random()
        if what < 0.02:
            self.after(chance.uniform(5, 90))
            fact.waited = self.waited()
            fact.by_asterisk = True
            fact.outcome = "answered" if what < 0.01 else "abandoned"
            self.note(events.AWAY_QUEUE, {"tier": fact.tier, "seconds": fact.waited, "how": fact.outcome})
            return
        for how, upto in (("key", 0.05), ("callback", 0.08), ("limit", 0.09), ("nobody", 0.10)):
            if what < upto:
                self.after(chance.uniform(5, 120))
                self.leave(how, "unserved" if how in ("limit", "nobody") else how)
                return
        if what < 0.15:
            self.after(1.0)
            self.note("call.resumed", {})
            self.join(again=True)
            fact.resumed = True
        self.offer(patience=chance.expovariate(1 / 60.0))

    def offer(self, patience: float) -> None:
        """The first agent who is free answers, or lets it ring, or the caller gives up before."""
        fact, chance = self.fact, self.chance
        agent = min(self.staff, key=lambda one: (one.free_at, one.name))
        starts = max(self.now, agent.free_at)
        assert fact.joined
        if starts + _seconds(RING) > fact.joined + _seconds(patience):
            gives_up = max(self.now, fact.joined + _seconds(round(patience, 3)))
            if gives_up > self.day.asked_at:
                self.go_on_waiting()
                return
            self.now = gives_up
            self.leave("abandoned", "abandoned")
            return
        if starts + _seconds(RING) > self.day.asked_at:
            self.go_on_waiting()
            return
        self.now = starts
        self.note(
            events.OFFER_MADE,
            {
                "agent": agent.name,
                "seat": f"S{agent.name}",
                "waited": self.waited(),
                "standing": "by urgency",
                "urgency": 1.5,
                "ring": "own branch",
                "words": ["The first who is free."],
            },
        )
        agent.to("reserved", self.now, fact.id)
        self.after(RING)
        if chance.random() < 0.05:
            data = {"agent": agent.name, "seat": f"S{agent.name}", "how": "no_answer", "seconds": RING}
            self.note(events.OFFER_FAILED, data)
            agent.to("idle", self.now, fact.id)
            agent.free_at = self.now
            fact.not_answered += 1
            self.offer(patience)
            return
        fact.waited = self.waited()
        fact.outcome = "answered"
        self.talk(agent, chance.lognormvariate(4.5, 0.8))

    def go_on_waiting(self) -> None:
        self.fact.outcome = "waiting"
        self.fact.waited = -1.0
        self.going_on = True

    def leave(self, how: str, outcome: str) -> None:
        self.fact.waited = self.waited()
        self.fact.outcome = outcome
        self.note(events.WAIT_LEFT, {"how": how, "waited": self.fact.waited})

    def waited(self) -> float:
        assert self.fact.joined
        return round((self.now - self.fact.joined).total_seconds(), 1)

    # --- talks --------------------------------------------------------------------------------------------------------

    def talk(self, agent: _Agent, seconds: float) -> None:
        fact, chance = self.fact, self.chance
        seconds = round(seconds, 1)
        meant = TalkFact(agent.name, self.now, seconds)
        fact.talks.append(meant)
        data = {"agent": agent.name, "seat": f"S{agent.name}"}
        self.note(events.TALK_BEGAN, {**data, "waited": self.waited(), "tier": fact.tier})
        agent.to("talking", self.now, fact.id)
        if self.now + _seconds(seconds) > self.day.asked_at:
            meant.seconds = None
            self.going_on = True
            agent.free_at = self.day.asked_at + _seconds(seconds)
            return
        self.after(seconds)
        ends = chance.random()
        if ends < 0.08:
            meant.transferred = True
            self.note(events.TALK_MOVED, {"agent": agent.name, "how": "transfer", "to": "skill:orders"})
        meant.cut = 0.08 <= ends < 0.11
        how = "moved" if meant.transferred else "cut" if meant.cut else "caller"
        self.note(events.TALK_ENDED, {**data, "seconds": seconds, "how": how})
        agent.to("wrap_up", self.now, fact.id)
        meant.wrap_up = round(min(chance.uniform(0, 40), (self.day.asked_at - self.now).total_seconds()), 3)
        agent.free_at = self.now + _seconds(meant.wrap_up)
        agent.to("idle", agent.free_at, fact.id)
        if how != "caller":
            self.after(0.5)
            self.join(again=True)
            self.again()
        elif chance.random() < 0.4:
            self.after(chance.uniform(1, 5))
            meant.score = chance.choice((1, 3, 4, 4, 5, 5, 5))
            self.note(events.SURVEY, {"agent": agent.name, "score": meant.score})

    def again(self) -> None:
        """Once more, after a talk that was cut or moved: another agent, or the caller has had enough."""
        agent = min(self.staff, key=lambda one: (one.free_at, one.name))
        starts = max(self.now, agent.free_at)
        if self.chance.random() < 0.1 or starts + _seconds(RING + 1) > self.day.asked_at:
            self.after(1.0)
            self.note(events.WAIT_LEFT, {"how": "abandoned", "waited": self.waited()})
            return
        self.now = starts + _seconds(0.1)
        agent.to("reserved", self.now, self.fact.id)
        self.after(RING)
        self.talk(agent, self.chance.lognormvariate(4.0, 0.5))

    # --- the journal --------------------------------------------------------------------------------------------------

    def after(self, seconds: float) -> None:
        self.now = min(self.now + _seconds(round(seconds, 3)), self.day.asked_at)

    def note(self, kind: str, data: dict[str, Any]) -> None:
        number = len(self.day.events)
        self.day.events.append(Event(self.fact.id, kind, data, self.now, f"{self.fact.id}-{number:09}"))

    def end(self, how: str) -> None:
        self.after(self.chance.uniform(0.5, 20))
        self.note(events.CALL_ENDED, {"how": how})


def _seconds(seconds: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=seconds)
