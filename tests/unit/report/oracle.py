"""The figures worked out a second time, from what a made-up day meant rather than from its rows. Plain loops only.

Shares no line of code with ``ivr.report``: what both get wrong in the same way would have to be thought wrong twice.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

from bench.report_parts.made_day import Day, Fact

TARGETS = {"platinum": (0.95, 10.0), "gold": (0.9, 20.0), "silver": (0.8, 30.0), "normal": (0.8, 60.0)}
SHORT = 5.0
DAYS = 7


def figures(
    day: Day,
    since: datetime.datetime,
    until: datetime.datetime,
    of_call: Callable[[Fact], bool] = lambda _: True,
    of_agent: Callable[[str], bool] = lambda _: True,
) -> dict[str, float | None]:
    """Of the calls and agents that are picked."""
    facts = [fact for fact in day.facts if of_call(fact)]
    began = [fact for fact in facts if since <= fact.began < until]
    served = [fact for fact in began if not fact.turned_away]
    offered = [fact for fact in facts if fact.joined and since <= fact.joined < until]
    answered = [fact for fact in offered if fact.outcome == "answered"]
    abandoned = [fact for fact in offered if fact.outcome == "abandoned"]
    short = [fact for fact in abandoned if fact.waited < SHORT]
    met = [fact for fact in answered if fact.waited <= TARGETS[fact.tier][1]]
    decided = [fact for fact in offered if fact.outcome != "waiting" or late(fact, day)]
    waits = sorted(fact.waited for fact in answered)
    talks = [
        (fact, talk) for fact in facts for talk in fact.talks if since <= talk.began < until and of_agent(talk.agent)
    ]
    over = [talk for _, talk in talks if talk.seconds is not None]
    marks = [talk.score for _, talk in talks if talk.score is not None]
    again, resolved, early = first_contact(day, answered)
    busy = at_work = 0.0
    for shift in day.shifts:
        if of_agent(shift.agent):
            for state, first, last in shift.spans:
                lasted = max(0.0, (min(last, until) - max(first, since)).total_seconds())
                at_work += lasted
                busy += lasted if state in ("talking", "wrap_up") else 0.0
    return {
        "calls": len(began),
        "calls_refused": sum(fact.turned_away == "refused" for fact in began),
        "calls_closed": sum(fact.turned_away == "closed" for fact in began),
        "calls_with_person": sum(fact.joined is not None for fact in served),
        "calls_without_person": sum(fact.joined is None for fact in served),
        "self_service": share(sum(fact.joined is None for fact in served), len(served)),
        "offered": len(offered),
        "answered": len(answered),
        "abandoned": len(abandoned),
        "short_abandoned": len(short),
        "callbacks": sum(fact.outcome == "callback" for fact in offered),
        "left_by_key": sum(fact.outcome == "key" for fact in offered),
        "unserved": sum(fact.outcome == "unserved" for fact in offered),
        "waiting": sum(fact.outcome == "waiting" for fact in offered),
        "resumed": sum(fact.resumed for fact in offered),
        "by_asterisk": sum(fact.by_asterisk for fact in offered),
        "service_level": share(len(met), len(decided)),
        "service_level_without_short": share(len(met), len(decided) - len(short)),
        "service_level_target": share(sum(TARGETS[fact.tier][0] for fact in decided), len(decided)),
        "asa": share(sum(waits), len(waits)),
        "wait_median": percentile(waits, 50),
        "wait_p90": percentile(waits, 90),
        "wait_p99": percentile(waits, 99),
        "wait_longest": waits[-1] if waits else None,
        "abandonment": share(len(abandoned), len(offered)),
        "abandonment_without_short": share(len(abandoned) - len(short), len(offered) - len(short)),
        "first_contact": share(resolved, resolved + again),
        "first_contact_open": early,
        "talks": len(talks),
        "talks_going_on": len(talks) - len(over),
        "aht": share(sum(talk.seconds + talk.wrap_up for talk in over if talk.seconds is not None), len(over)),
        "transfers": share(sum(talk.transferred for _, talk in talks), len(talks)),
        "cut_talks": share(sum(talk.cut for _, talk in talks), len(talks)),
        "satisfaction": share(sum(marks), len(marks)),
        "satisfied": share(sum(mark >= 4 for mark in marks), len(marks)),
        "survey_answers": share(len(marks), len(talks)),
        "occupancy": share(busy, at_work),
    }


def late(fact: Fact, day: Day) -> bool:
    """It waits, and longer than was promised."""
    assert fact.joined
    return (day.asked_at - fact.joined).total_seconds() >= TARGETS[fact.tier][1] + 0.1


def first_contact(day: Day, answered: list[Fact]) -> tuple[int, int, int]:
    """Again, resolved, too early to judge."""
    again = resolved = early = 0
    for fact in answered:
        key = who(fact)
        if key is None:
            continue
        window = fact.began + datetime.timedelta(days=DAYS)
        if day.asked_at <= window:
            early += 1
        elif any(
            other.joined and other is not fact and who(other) == key and fact.began <= other.began <= window
            for other in day.facts
        ):
            again += 1
        else:
            resolved += 1
    return again, resolved, early


def who(fact: Fact) -> object:
    if fact.customer is not None:
        return fact.customer
    return None if fact.caller == "anonymous" else fact.caller


def share(some: float, all_of_them: float) -> float | None:
    return some / all_of_them if all_of_them else None


def percentile(waits: list[float], percent: int) -> float | None:
    return waits[max(1, math.ceil(percent * len(waits) / 100)) - 1] if waits else None
