"""Reads a period from the store and reckons its figures. I/O only: what is counted how stands in ``tally``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.customer import TIERS
from db.report_rows import ReportRows
from ivr.report.counts import Counts
from ivr.report.figures import Figure, figures_of
from ivr.report.period import Period
from ivr.report.story import tell
from ivr.report.tally import Dimension, Rules, Tally

# A call that began before the period may want a person in it, or be talked to; none lasts longer (`ivr.config`,
# limits.call_seconds, is two hours).
LONGEST_CALL: Final = datetime.timedelta(hours=12)


@dataclass(frozen=True)
class Report:
    """The figures of a period: for all together, and for each group of each dimension that was asked for."""

    period: Period
    asked_at: datetime.datetime
    rules: Rules
    counts: Mapping[Dimension, Mapping[str, Counts]]

    def groups(self, dimension: Dimension) -> list[str]:
        """The groups of a dimension in their order: tiers from the highest down, everything else by name."""
        found = self.counts.get(dimension, {})
        if dimension == "tier":
            return [tier for tier in TIERS if tier in found]
        return sorted(found)

    def figures(self, dimension: Dimension, group: str) -> list[Figure]:
        """The figures of one group."""
        return figures_of(self.counts[dimension][group], dimension, self.rules)


async def reckon(
    rows: ReportRows, period: Period, asked_at: datetime.datetime, rules: Rules, dimensions: Sequence[Dimension]
) -> Report:
    """The report of a period as it stands at ``asked_at``. Memory grows with groups and callers, not with calls.

    Raises StoreError when the database refuses or is away.
    """
    tally = Tally(period, asked_at, rules, dimensions)
    async for one in rows.calls(period.since, period.until, LONGEST_CALL):
        tally.add_call(tell(one.call, one.events), one.handled)
    days = datetime.timedelta(days=rules.first_contact_days)
    if asked_at - period.since > days:  # else no call is old enough for it to matter who came back
        async for one in rows.wanting(period.until, period.until + days):
            tally.add_call(tell(one.call, one.events))
    for day in period.days():
        async for agent in rows.agents(day.since, day.until):
            tally.add_agent(agent.agent, agent.lines, day)
    tally.end()
    return Report(period, asked_at, rules, tally.groups)
