"""How fast the journal is: what ``append`` costs a call, and how many events a second reach the database.

    python bench/journal.py [--events N] [--url URL] [--json FILE]

Prints a table and one line of JSON. The floor that Goldline wants: append under 20 µs at the median, 5,000 events/s on
SQLite; 480 callers make about 240 events/s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvloop

from db.events import CALL_ENDED, CALL_STARTED, Event
from db.journal import Journal
from db.models import CallEventRow
from db.store import Store

CALLERS = 480
BURST = 50  # events appended in one go, before the loop runs again


def event_of(number: int) -> Event:
    call = f"1700000000.{number % CALLERS}"
    if number < CALLERS:
        return Event(call, CALL_STARTED, {"caller": "02155501234", "line": "95500", "flow": "main", "version": "1a2b"})
    if number % 40 == 0:
        return Event(call, CALL_ENDED, {"how": "caller hung up"})
    return Event(call, "node.entered", {"flow": "main", "node": "ask_code", "words": "请输入六位股票代码", "ms": 12.5})


async def measure(url: str, spool: Path, count: int) -> dict[str, Any]:
    store = await Store.open(url)
    await store.migrate()
    journal = Journal(store, spool)
    await journal.start()
    costs: list[float] = []
    lags: list[float] = []
    cpu = time.process_time()
    began = time.perf_counter()
    for first in range(0, count, BURST):
        for number in range(first, min(first + BURST, count)):
            event = event_of(number)
            before = time.perf_counter()
            journal.append(event)
            costs.append(time.perf_counter() - before)
        before = time.perf_counter()
        await asyncio.sleep(0)
        lags.append(time.perf_counter() - before)
        while journal.waiting > 20_000:
            await asyncio.sleep(0.001)
    await journal.drained()
    seconds = time.perf_counter() - began
    cpu = time.process_time() - cpu
    async with store.reading() as session:
        rows = await session.scalar(sa.select(sa.func.count()).select_from(CallEventRow))
    await journal.stop()
    await store.close()
    assert rows is not None
    assert rows >= count, f"{rows} rows of {count} events"
    lags.sort()
    return {
        "database": store.engine.dialect.name,
        "events": count,
        "events_per_second": round(count / seconds),
        "cpu_us_per_event": round(cpu / count * 1e6, 1),
        "append_median_us": round(statistics.median(costs) * 1e6, 1),
        "append_p99_us": round(sorted(costs)[int(len(costs) * 0.99)] * 1e6, 1),
        "loop_step_p99_ms": round(lags[int(len(lags) * 0.99)] * 1e3, 2),
        "loop_step_max_ms": round(lags[-1] * 1e3, 2),
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=50_000)
    options.add_argument("--url", default="", help="a scratch database; default: SQLite in a temporary directory")
    options.add_argument("--json", type=Path, help="write the figures here as well")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        url = chosen.url or f"sqlite+aiosqlite:///{place}/journal.db"
        result = uvloop.run(measure(url, Path(place) / "spool", chosen.events))
    for name, value in result.items():
        print(f"{name:<20} {value:>12}")
    line = json.dumps(result)
    print(line)
    if chosen.json:
        chosen.json.write_text(line + "\n", "utf-8")


if __name__ == "__main__":
    main()
