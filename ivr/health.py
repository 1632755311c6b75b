"""The controller's own small HTTP server, on loopback: is it well, what are its figures, what is happening now.

``/health`` and ``/metrics`` are for machines that look on and say nothing of callers. ``/events`` streams the journal
as JSON lines and wants the installation's token; so do the routes that are handed in. Knows nothing of calls: it is
handed functions to ask.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from db.events import Event
from ivr.errors import GoldlineError
from ivr.metrics import Metrics

Health = Callable[[], Mapping[str, Any]]
Answer = Callable[[Mapping[str, str], Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""``(what the path names, the JSON body)`` to a JSON answer; raises GoldlineError for what cannot be."""
Follow = Callable[[], AbstractContextManager[AsyncIterator[Event]]]
HEARTBEAT_SECONDS = 5.0  # an empty line, so that a follower notices a dead controller


def as_json(event: Event) -> str:
    """One event as a JSON line."""
    body = {"id": event.id, "call": event.call_id, "at": event.at.isoformat(), "kind": event.kind, "data": event.data}
    return json.dumps(body, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked or done by whoever has the token: ``GET /queue``, ``POST /queue/{call}/up``."""

    method: str
    path: str
    answer: Answer


@dataclass
class HealthServer:
    """The HTTP server."""

    host: str
    port: int
    token: str
    health: Health
    metrics: Metrics
    follow: Follow
    routes: Sequence[Route] = ()

    def __post_init__(self) -> None:
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to answer. Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/events", self._events)
        for route in self.routes:
            app.router.add_route(route.method, route.path, self._asked(route.answer))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        server = site._server
        if self.port == 0 and isinstance(server, asyncio.Server):
            self.port = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Answer no more."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _request: web.Request) -> web.Response:
        state = self.health()
        return web.json_response(state, status=200 if state.get("ok") else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), content_type="text/plain", charset="utf-8")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._check_token(request)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        with self.follow() as events:
            await response.prepare(request)
            await response.write(b"\n")
            iterator = events.__aiter__()
            following: asyncio.Task[Event] | None = None
            try:
                while True:
                    following = following or asyncio.ensure_future(_next(iterator))
                    done, _ = await asyncio.wait({following}, timeout=HEARTBEAT_SECONDS)
                    if done:
                        event, following = following.result(), None
                        await response.write(as_json(event).encode() + b"\n")
                    else:
                        await response.write(b"\n")
            except (StopAsyncIteration, ConnectionResetError):
                pass
            finally:
                if following:
                    following.cancel()
        return response

    def _check_token(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise web.HTTPUnauthorized(text="Give the token of RUN/secrets.toml as a Bearer token.\n")

    def _asked(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            self._check_token(request)
            try:
                body = await request.json() if request.can_read_body else {}
            except ValueError:
                raise web.HTTPBadRequest(text="The body is no JSON.\n") from None
            try:
                return web.json_response(await answer(request.match_info, body if isinstance(body, dict) else {}))
            except GoldlineError as error:
                told = {"error": error.error_id, "message": error.message, "remedy": error.remedy}
                if fault := getattr(error, "fault", ""):  # a word for whoever says it in another language
                    told["fault"] = fault
                return web.json_response(told, status=409)

        return handle


async def _next(iterator: AsyncIterator[Event]) -> Event:
    return await iterator.__anext__()
