"""Adds up stories and agents' time, for all together and for each group asked for. Pure.

What belongs to which hour and day: a call by its beginning; waiting by when the call first wanted a person, whatever
comes of it later; an offer, a talk with its transfers, its mark and its wrap-up by its own beginning; agents' time is
cut at the hours. So each call is counted once, and a period's figures change no more once its calls are over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from agent_routing.policy import Target
from db.agent import StateChange
from db.attempt import is_attempt
from db.customer import Tier
from ivr.report.agent_time import spans
from ivr.report.counts import Counts
from ivr.report.first_contact import FirstContact, caller_key
from ivr.report.period import Period
from ivr.report.story import ANSWERED, Offer, Story, Talk

Dimension = Literal["all", "line", "tier", "branch", "agent", "hour", "day"]
DIMENSIONS: Final[tuple[Dimension, ...]] = ("all", "line", "tier", "branch", "agent", "hour", "day")
ALL: Final = "all"  # the one group of the dimension of the same name

# A caller who leaves sooner had not been rung a seat for: a wrong number, a second thought. Common in the field; 5 s.
SHORT_SECONDS: Final = 5.0
# Asked again within a week is the usual measure; a month would make every report wait for a month.
FIRST_CONTACT_DAYS: Final = 7
_US: Final = timedelta(microseconds=1)
_TURNED_AWAY: Final = {"refused": "refused", "busy": "refused", "closed": "closed", "unallocated": "unallocated"}
_MOVES: Final = {
    "transfer": "transferred",
    "consult": "consulted",
    "conference": "conferenced",
    "taken_over": "taken_over",
}


@dataclass(frozen=True)
class Rules:
    """What the figures are judged by."""

    targets: Mapping[Tier, Target]
    short_seconds: float = SHORT_SECONDS
    first_contact_days: int = FIRST_CONTACT_DAYS
    line_of: Callable[[str], str] = field(default=lambda number: number)  # a dialled number's line
    branch_of: Callable[[str], str] = field(default=lambda _agent: "")  # an agent's branch


class Tally:
    """Takes calls, the earliest first, and agents; then ``end``, then ``groups``."""

    def __init__(self, period: Period, asked_at: datetime, rules: Rules, dimensions: Sequence[Dimension]) -> None:
        """``asked_at`` (aware) is the present of the report: what goes on, goes on until then."""
        self.period = period
        self.asked_at = asked_at
        self.rules = rules
        self.groups: dict[Dimension, dict[str, Counts]] = {
            dimension: defaultdict(Counts) for dimension in dict.fromkeys(("all", *dimensions))
        }
        self.groups["all"][ALL]  # there, also when nobody called
        self._within = {tier: round(target.within * 10) for tier, target in rules.targets.items()}
        self._short = round(rules.short_seconds * 10)
        self._first_contact = FirstContact(rules.first_contact_days, asked_at)

    def add_call(self, story: Story, handled: Iterable[StateChange] = ()) -> None:
        """One call, with the lines of history of the agents who talked in it; of any time, also outside the period."""
        if is_attempt(story.call.id):  # we called: no caller of ours was offered, answered or abandoned
            return
        line = self.rules.line_of(story.call.line)
        if story.call.started_at in self.period:
            for counts in self._groups(line=line, at=story.call.started_at):
                _count_call(counts, story)
        if story.joined is not None:
            self._add_wait(story, line, story.joined)
        for offer in story.offers:
            if offer.at in self.period:
                for counts in self._by_agent(story, line, offer.agent, offer.at):
                    _count_offer(counts, offer)
        for talk in story.talks:
            if talk.began in self.period:
                for counts in self._by_agent(story, line, talk.agent, talk.began):
                    _count_talk(counts, talk)
        began: dict[str, datetime] = {}  # by agent: the talk that a wrap-up belongs to
        for change in sorted(dict.fromkeys(handled), key=lambda change: (change.since, change.at, change.id)):
            if change.from_state == "talking":
                began[change.agent] = change.since
            at = began.get(change.agent, change.since)
            if at in self.period:
                for counts in self._by_agent(story, line, change.agent, at):
                    _count_handled(counts, change)

    def add_agent(self, agent: str, lines: Iterable[StateChange], within: Period) -> None:
        """One agent in ``within``, the period or a day of it: all lines that reach into it, or else the last before."""
        branch = self.rules.branch_of(agent)
        clock = "hour" in self.groups or "day" in self.groups
        for state, since, until in spans(lines, self.asked_at):
            if clock:
                for at, piece in within.hours(since, until):
                    for counts in self._groups(agent=agent, branch=branch, at=at):
                        counts.time_us[state] += piece // _US
            else:
                lasted = min(until, within.until) - max(since, within.since)
                if lasted > timedelta(0):
                    for counts in self._groups(agent=agent, branch=branch):
                        counts.time_us[state] += lasted // _US

    def end(self) -> None:
        """All is told."""
        self._first_contact.end()

    def _add_wait(self, story: Story, line: str, joined: datetime) -> None:
        groups: list[Counts] = []
        judged: list[Counts] = []
        if joined in self.period:
            branch = story.waits[0].branch
            groups = self._groups(line=line, tier=story.tier, branch=branch, at=joined)
            for counts in groups:
                self._count_wait(counts, story)
            if story.outcome == "answered":
                last = story.talks[-1].agent if story.talks else None
                judged = groups + (self._only("agent", last) if last is not None else [])
        known = next((wait.customer for wait in story.waits if wait.customer is not None), None)
        self._first_contact.add(caller_key(known, story.call.caller), story.call.started_at, judged)

    def _count_wait(self, counts: Counts, story: Story) -> None:
        waited = story.waited(self.asked_at)
        within = self._within[story.tier]
        counts.offered += 1
        counts.resumed += any(wait.resumed for wait in story.waits)
        counts.by_asterisk += any(wait.asterisk for wait in story.waits)
        decided = True
        match story.outcome:
            case "answered":
                counts.answered += 1
                counts.waits.add(waited)
                counts.in_target += waited <= within
            case "abandoned":
                counts.abandoned += 1
                counts.short_abandoned += waited < self._short
            case "callback":
                counts.callbacks += 1
            case "key":
                counts.left_by_key += 1
            case "unserved":
                counts.unserved += 1
            case "waiting":
                counts.waiting += 1
                decided = waited > within
        if decided:
            counts.decided[story.tier] += 1

    def _by_agent(self, story: Story, line: str, agent: str, at: datetime) -> list[Counts]:
        return self._groups(line=line, tier=story.tier, branch=self.rules.branch_of(agent), agent=agent, at=at)

    def _groups(
        self,
        *,
        line: str | None = None,
        tier: str | None = None,
        branch: str | None = None,
        agent: str | None = None,
        at: datetime | None = None,
    ) -> list[Counts]:
        found = [self.groups["all"][ALL]]
        for dimension, group in (("line", line), ("tier", tier), ("branch", branch), ("agent", agent)):
            if group is not None and dimension in self.groups:
                found.append(self.groups[dimension][group])
        if at is not None:
            if "hour" in self.groups:
                found.append(self.groups["hour"][self.period.hour(at)])
            if "day" in self.groups:
                found.append(self.groups["day"][self.period.day(at)])
        return found

    def _only(self, dimension: Dimension, group: str) -> list[Counts]:
        return [self.groups[dimension][group]] if dimension in self.groups else []


def _count_call(counts: Counts, story: Story) -> None:
    counts.calls += 1
    turned_away = _TURNED_AWAY.get(story.call.ended_how)
    if turned_away:
        setattr(counts, turned_away, getattr(counts, turned_away) + 1)
    elif story.waits:
        counts.wanting += 1


def _count_offer(counts: Counts, offer: Offer) -> None:
    counts.offers += 1
    if offer.how == "no_answer":
        counts.not_answered += 1
    elif offer.how in ("refused", "busy"):
        counts.refused_offers += 1
    elif offer.how not in ("", ANSWERED, "released"):
        counts.lost_offers += 1


def _count_talk(counts: Counts, talk: Talk) -> None:
    counts.talks += 1
    counts.going_on += not talk.how
    counts.cut += talk.how == "cut"
    for how in {how for how, _ in talk.moves}:
        name = _MOVES.get(how)
        if name:
            setattr(counts, name, getattr(counts, name) + 1)
    if talk.score is not None:
        counts.scores[talk.score] += 1


def _count_handled(counts: Counts, change: StateChange) -> None:
    lasted = (change.at - change.since) // _US
    if change.from_state == "talking":
        counts.handled += 1
        counts.talk_us += lasted
    elif change.from_state == "wrap_up":
        counts.wrap_up_us += lasted
