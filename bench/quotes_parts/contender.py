"""One way to keep a board fresh, in a process of its own, so that its memory and CPU time are its own.

``python -m bench.quotes_parts.contender WAY URL INSTRUMENTS REFRESHES EVERY`` prints a JSON line. The ways:
``tencent``, ``sina`` and ``json`` are the board of the hotline; ``naive`` reads Tencent's answers as quick scripts do:
the same requests, then one regular expression over the whole text, every line cut anew, figures as floats in a
dictionary.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench.quotes_parts.server import symbols
from db.instruments import Instrument
from ivr.services.quotes import json_feed
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.http_feed import HttpFeed
from ivr.services.quotes.sina import Sina
from ivr.services.quotes.tencent import Tencent
from ivr.services.quotes.wire import WireFormat

MAPPING = Path(__file__).resolve().parents[2] / "tests" / "wire" / "licensed_feed.yaml"
NAIVE_LINE = re.compile(r'v_([a-z]{2}\d{6})="([^"]*)"')


def instruments(count: int) -> tuple[Instrument, ...]:
    """The instruments that the server knows."""
    return tuple(
        Instrument(
            symbol[2:], "SSE" if symbol.startswith("sh") else "SZSE", "share", f"股票{symbol}", f"Share {symbol}"
        )
        for symbol in symbols(count)
    )


def resident() -> float:
    """MB that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def board(way: str, url: str, count: int) -> tuple[Callable[[], Awaitable[int]], Callable[[], Awaitable[None]]]:
    """The board of the hotline over one format."""
    form: WireFormat = (
        Tencent() if way == "tencent" else Sina() if way == "sina" else json_feed.read(MAPPING, {"T": ""})
    )
    feed = HttpFeed(form, url, seconds=10)
    listed = instruments(count)

    async def read() -> tuple[Instrument, ...]:
        return listed

    kept = QuoteBoard(feed, read)

    async def refresh() -> int:
        await kept.refresh()
        assert not kept.failures
        return sum(kept.quote(one) is not None for one in listed)

    return refresh, feed.close


async def naive(url: str, count: int) -> tuple[Callable[[], Awaitable[int]], Callable[[], Awaitable[None]]]:
    """What a quick script does."""
    wanted = symbols(count)
    http = aiohttp.ClientSession()
    kept: dict[str, dict[str, Any]] = {}

    async def ask(part: list[str]) -> str:
        async with http.get(f"{url}/q={','.join(part)}") as answer:
            return (await answer.read()).decode("gbk")

    async def refresh() -> int:
        parts = [wanted[at : at + 60] for at in range(0, len(wanted), 60)]
        text = "".join(await asyncio.gather(*(ask(part) for part in parts)))
        for symbol, line in NAIVE_LINE.findall(text):
            fields = line.split("~")
            book = {f"bid{n}": float(fields[7 + 2 * n]) for n in range(1, 6)}
            book |= {f"ask{n}": float(fields[17 + 2 * n]) for n in range(1, 6)}
            kept[symbol] = {
                "name": fields[1], "code": fields[2], "now": float(fields[3]), "close": float(fields[4]),
                "open": float(fields[5]), "volume": float(fields[6]) * 100, **book,
                "datetime": time.strptime(fields[30], "%Y%m%d%H%M%S"), "change": float(fields[31]),
                "percent": float(fields[32]), "high": float(fields[33]), "low": float(fields[34]),
                "turnover": float(fields[37]) * 10_000,
            }  # fmt: skip
        return len(kept)

    return refresh, http.close


async def measure(way: str, url: str, count: int, refreshes: int, every: float) -> dict[str, Any]:
    """The first refresh for itself, then CPU and wall time of the others."""
    before = resident()
    refresh, close = await (naive(url, count) if way == "naive" else board(way, url, count))
    started = time.process_time()
    assert await refresh() == count
    first = time.process_time() - started
    cpu: list[float] = []
    wall: list[float] = []
    for _ in range(refreshes):
        await asyncio.sleep(every)
        began, spent = time.perf_counter(), time.process_time()
        known = await refresh()
        cpu.append(time.process_time() - spent)
        wall.append(time.perf_counter() - began)
        assert known == count
    await close()
    return {
        "way": way,
        "cpu_ms": round(1000 * sum(cpu) / len(cpu), 1),
        "cpu_ms_most": round(1000 * max(cpu), 1),
        "first_ms": round(1000 * first, 1),
        "wall_ms": round(1000 * sorted(wall)[len(wall) // 2], 1),
        "mb": round(resident(), 1),
        "mb_of_the_board": round(resident() - before, 1),
    }


if __name__ == "__main__":
    way, url, count, refreshes, every = sys.argv[1:]
    told = uvloop.run(measure(way, url, int(count), int(refreshes), float(every)))
    sys.stdout.write(json.dumps(told) + "\n")
