"""Reports on events and lines in a list, without a store, as the tests want them."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from agent_routing.policy_file import read
from db.agent import StateChange
from db.events import Event
from db.fold import fold
from ivr.report.period import Period
from ivr.report.reckoning import Report
from ivr.report.story import Story, tell
from ivr.report.tally import Dimension, Rules, Tally

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime.datetime(2026, 11, 19, 16, 0, tzinfo=datetime.UTC)  # of 2026-11-20 in Shanghai
TODAY = Period(datetime.date(2026, 11, 20), datetime.date(2026, 11, 20), SHANGHAI)
RULES = Rules({tier: rule.target for tier, rule in read().tiers.items()})


def stories(events: Iterable[Event]) -> list[Story]:
    """The stories of all calls in these events, the earliest call first, as the store gives them."""
    by_call: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_call[event.call_id].append(event)
    found = []
    for of_call in by_call.values():
        if record := fold(of_call):
            found.append(tell(record, of_call))
    return sorted(found, key=lambda story: (story.call.started_at, story.call.id))


def reckoned(
    events: Iterable[Event],
    changes: Iterable[StateChange],
    asked_at: datetime.datetime,
    dimensions: tuple[Dimension, ...] = (),
    period: Period = TODAY,
    rules: Rules = RULES,
) -> Report:
    """A report without a store."""
    tally = Tally(period, asked_at, rules, dimensions)
    handled: defaultdict[str, list[StateChange]] = defaultdict(list)
    of_agent: defaultdict[str, list[StateChange]] = defaultdict(list)
    for change in changes:
        of_agent[change.agent].append(change)
        if change.from_state in ("talking", "wrap_up"):
            handled[change.call].append(change)
    for story in stories(events):
        tally.add_call(story, handled.get(story.call.id, ()))
    for agent, lines in of_agent.items():
        tally.add_agent(agent, lines, period)
    tally.end()
    return Report(period, asked_at, rules, tally.groups)


def values(report: Report, dimension: Dimension = "all", group: str = "all") -> dict[str, float | None]:
    """The figures of one group by name."""
    return {figure.kind.name: figure.value for figure in report.figures(dimension, group)}
