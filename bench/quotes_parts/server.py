"""A server that speaks the formats of quotes, with the faults that such servers have.

In a process of its own: ``python -m bench.quotes_parts.server --instruments 6000 --trade 0.5`` prints its port and then
serves until its standard input ends; a share of the instruments trades every three seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from bench.quotes_parts.market import Market

Fault = Callable[[web.Request, bytes], web.StreamResponse | bytes]


@dataclass
class QuoteServer:
    """Serves one market. ``fault`` may change or replace an answer; ``gate`` holds answers back while it is cleared."""

    market: Market
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)  # the paths, with their queries
    headers: list[dict[str, str]] = field(default_factory=list)
    cut_after: int | None = None  # bytes; then the connection is cut
    charset: str = "gbk"

    def __post_init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        await self.gate.wait()
        form, symbols = _wanted(request)
        body = self.market.answer(form, symbols)
        if self.charset != "gbk" and form != "json":
            body = body.decode("gbk").encode(self.charset)
        if self.fault:
            changed = self.fault(request, body)
            if isinstance(changed, web.StreamResponse):
                return changed
            body = changed
        if self.cut_after is not None:
            return await self._cut(request, body)
        return web.Response(body=body, content_type="application/javascript")

    async def _cut(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: self.cut_after])
        if request.transport:
            request.transport.close()
        return response


def _wanted(request: web.Request) -> tuple[str, list[str]]:
    path = request.path
    if path.startswith("/q="):
        return "tencent", path[3:].split(",")
    if path.startswith("/list="):
        return "sina", path[6:].split(",")
    names = request.query.get("symbols", "").split(",")
    return "json", [f"{name[-2:].lower()}{name[:-3]}" for name in names if len(name) > 3]


def symbols(instruments: int) -> list[str]:
    """Made-up symbols: half in Shanghai, half in Shenzhen."""
    half = instruments // 2
    return [f"sh{600_000 + n:06}" for n in range(half)] + [f"sz{n + 1:06}" for n in range(instruments - half)]


async def _serve(instruments: int, part: float) -> None:
    market = Market.of(symbols(instruments))
    async with QuoteServer(market) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        seed = 0
        while True:
            try:
                async with asyncio.timeout(3):
                    await reader.read(1)
                    return
            except TimeoutError:
                seed += 1
                market.trade(seed, part)
                del server.asked[:], server.headers[:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--instruments", type=int, default=6000)
    parser.add_argument("--trade", type=float, default=0.5)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.instruments, arguments.trade))
