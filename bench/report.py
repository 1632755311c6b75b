"""How long a report takes, on a day of 20,000 calls in a journal that holds a week of them.

    python bench/report.py [--calls 20000] [--days 7] [--agents 150] [--url URL] [--json FILE]

Prints a table and one line of JSON. The floor that Goldline wants: the report of a day in under 10 s on SQLite, with
under 100 MB more memory than before, however many days the journal holds.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from agent_routing.policy_file import read
from bench.report_parts.made_day import make
from db.agent import Agent, StateChange
from db.agents import Agents
from db.calls import Calls
from db.models import AgentChangeRow
from db.report_rows import ReportRows
from db.store import Store
from ivr.report.period import Period
from ivr.report.reckoning import reckon
from ivr.report.tally import DIMENSIONS, Dimension, Rules

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = datetime.date(2026, 11, 16)
CHATTER = 10  # other events in a call, besides what concerns people
AT_ONCE = 5_000


async def fill(store: Store, calls: int, days: int, agents: int) -> int:
    await Agents(store).put((Agent(f"{801 + number}") for number in range(agents)), actor="bench")
    count = 0
    for number in range(days):
        midnight = datetime.datetime.combine(FIRST + datetime.timedelta(days=number), datetime.time(), SHANGHAI)
        day = make(calls, agents, number, midnight.astimezone(datetime.UTC), chatter=CHATTER)
        for first in range(0, len(day.events), AT_ONCE):
            count += await Calls(store).record(day.events[first : first + AT_ONCE])
        rows = [
            {name: getattr(change, name) for name in StateChange.__slots__ if name not in ("call", "id")}
            | {"call_id": change.call}
            for change in day.changes
        ]
        for first in range(0, len(rows), AT_ONCE):
            async with store.writing() as session:
                await session.execute(sa.insert(AgentChangeRow), rows[first : first + AT_ONCE])
    return count


async def measure(url: str, calls: int, days: int, agents: int) -> dict[str, Any]:
    store = await Store.open(url)
    await store.migrate()
    events = await fill(store, calls, days, agents)
    rules = Rules({tier: rule.target for tier, rule in read().tiers.items()})
    asked_at = datetime.datetime.combine(FIRST + datetime.timedelta(days=days), datetime.time(), SHANGHAI)
    day = Period(FIRST, FIRST, SHANGHAI)
    last = Period(FIRST + datetime.timedelta(days=days - 1), FIRST + datetime.timedelta(days=days - 1), SHANGHAI)
    week = Period(FIRST, last.last, SHANGHAI)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result: dict[str, Any] = {"database": store.engine.dialect.name, "events": events, "calls": calls * days}
    everything: tuple[Dimension, ...] = DIMENSIONS
    for name, period, by in (
        ("latest_day_seconds", last, ()),
        ("latest_day_by_everything_seconds", last, everything),
        ("first_day_seconds", day, ()),  # reads on for the callers who came back
        ("all_days_seconds", week, ()),
    ):
        began = time.perf_counter()
        report = await reckon(ReportRows(store), period, asked_at.astimezone(datetime.UTC), rules, by)
        result[name] = round(time.perf_counter() - began, 2)
        assert report.counts["all"]["all"].calls == (calls * days if period is week else calls)
    result["megabytes_more"] = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    result["load_average"] = os.getloadavg()[0]
    await store.close()
    return result


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=20_000, help="of each day")
    options.add_argument("--days", type=int, default=7)
    options.add_argument("--agents", type=int, default=150)
    options.add_argument("--url", default="", help="a scratch database; default: SQLite in a temporary directory")
    options.add_argument("--json", type=Path, help="write the figures here as well")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        url = chosen.url or f"sqlite+aiosqlite:///{place}/report.db"
        result = asyncio.run(measure(url, chosen.calls, chosen.days, chosen.agents))
    for name, value in result.items():
        print(f"{name:<36} {value:>12}")
    line = json.dumps(result)
    print(line)
    if chosen.json:
        chosen.json.write_text(line + "\n", "utf-8")


if __name__ == "__main__":
    main()
