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
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent_routing.policy_file import read  # noqa: E402
from bench.report_parts.made_day import make  # noqa: E402
from db.agent import Agent, StateChange  # noqa: E402
from db.agents import Agents  # noqa: E402
from db.calls import Calls  # noqa: E402
from db.models import AgentChangeRow  # noqa: E402
from db.report_rows import ReportRows  # noqa: E402
from db.store import Store  # noqa: E402
from ivr.report.period import Period  # noqa: E402
from ivr.report.reckoning import reckon  # noqa: E402
from ivr.report.tally import DIMENSIONS, Dimension, Rules  # noqa: E402

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


async def prepare(url: str, calls: int, days: int, agents: int) -> int:
    store = await Store.open(url)
    await store.migrate()
    events = await fill(store, calls, days, agents)
    await store.close()
    return events


def prepare_and_tell(url: str, calls: int, days: int, agents: int, told: Connection) -> None:
    told.send(asyncio.run(prepare(url, calls, days, agents)))


async def measure(url: str, calls: int, days: int) -> dict[str, Any]:
    store = await Store.open(url)
    rules = Rules({tier: rule.target for tier, rule in read().tiers.items()})
    asked_at = datetime.datetime.combine(FIRST + datetime.timedelta(days=days), datetime.time(), SHANGHAI)
    end = FIRST + datetime.timedelta(days=days - 1)
    first, last, all_days = Period(FIRST, FIRST, SHANGHAI), Period(end, end, SHANGHAI), Period(FIRST, end, SHANGHAI)
    result: dict[str, Any] = {"database": store.engine.dialect.name, "calls_a_day": calls, "days": days}
    everything: tuple[Dimension, ...] = DIMENSIONS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, period, by in (
        ("latest_day", last, ()),
        ("latest_day_by_everything", last, everything),
        ("first_day", first, ()),  # reads on, for the callers who came back
        ("all_days", all_days, ()),
    ):
        began = time.perf_counter()
        report = await reckon(ReportRows(store), period, asked_at.astimezone(datetime.UTC), rules, by)
        result[f"{name}_seconds"] = round(time.perf_counter() - began, 2)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result[f"{name}_megabytes"] = round((peak - before) / 1024)  # more than at the beginning, the most so far
        assert report.counts["all"]["all"].calls == (calls * days if period is all_days else calls)
    result["load_average"] = round(os.getloadavg()[0], 2)
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
        # Made up in a process of its own, whose memory is not counted.
        spawn = multiprocessing.get_context("spawn")
        heard, told = spawn.Pipe(duplex=False)
        maker = spawn.Process(target=prepare_and_tell, args=(url, chosen.calls, chosen.days, chosen.agents, told))
        maker.start()
        maker.join()
        if maker.exitcode:
            sys.exit(maker.exitcode)
        result = {"events": heard.recv(), **asyncio.run(measure(url, chosen.calls, chosen.days))}
    for name, value in result.items():
        print(f"{name:<36} {value:>12}")
    line = json.dumps(result)
    print(line)
    if chosen.json:
        chosen.json.write_text(line + "\n", "utf-8")


if __name__ == "__main__":
    main()
