"""The gateway over HTTP, held against a local server; the one in memory keeps the same promises."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from ivr.identity.sms import HttpSmsGateway, SmsFailed, SmsInMemory, SmsSender, takes_texts

TO, TEXT, TOKEN = "+8613955550001", "【演示证券】您的热线验证码是730264", "a-token"


@dataclass
class Gateway:
    """What the other side does and has seen."""

    status: int = 200
    silent: bool = False
    seen: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((request.headers.get("Authorization", ""), await request.json()))
        if self.silent:
            await self.released.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    other = Gateway()
    app = web.Application()
    app.router.add_post("/send", other.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    other.url = f"http://{host}:{port}/send"
    yield other
    other.released.set()
    await runner.cleanup()


async def test_a_text_goes_out_as_json_with_the_token(gateway: Gateway) -> None:
    await HttpSmsGateway(gateway.url, TOKEN).send(TO, TEXT)
    assert gateway.seen == [(f"Bearer {TOKEN}", {"to": TO, "text": TEXT})]


@pytest.mark.parametrize("status", [302, 401, 429, 500])
async def test_anything_but_success_is_told(gateway: Gateway, status: int) -> None:
    gateway.status = status
    with pytest.raises(SmsFailed, match=str(status)):
        await HttpSmsGateway(gateway.url).send(TO, TEXT)
    assert len(gateway.seen) == 1


async def test_a_silent_gateway_is_given_up(gateway: Gateway) -> None:
    gateway.silent = True
    with pytest.raises(SmsFailed, match="does not answer"):
        await HttpSmsGateway(gateway.url, seconds=0.05).send(TO, TEXT)


async def test_a_gateway_that_is_not_there_is_told_without_number_text_or_token() -> None:
    with socket.socket() as held:  # bound, not listening: nobody else answers there
        held.bind(("127.0.0.1", 0))
        with pytest.raises(SmsFailed) as caught:
            await HttpSmsGateway(f"http://127.0.0.1:{held.getsockname()[1]}/", TOKEN).send(TO, TEXT)
    assert caught.value.remedy
    for secret in (TO, TEXT, TOKEN):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("kind", ["http", "memory"])
async def test_both_take_texts_and_both_say_when_they_do_not(gateway: Gateway, kind: str) -> None:
    memory = SmsInMemory()
    sender: SmsSender = memory if kind == "memory" else HttpSmsGateway(gateway.url)
    await sender.send(TO, TEXT)
    memory.broken, gateway.status = True, 503
    with pytest.raises(SmsFailed):
        await sender.send(TO, TEXT)


@pytest.mark.parametrize(
    ("number", "mobile"),
    [
        ("+8613955550001", True),
        ("+8619955550001", True),
        ("+85261234567", True),
        ("+862155501234", False),
        ("95500", False),
        ("1001", False),
        ("", False),
        ("anonymous", False),
    ],
)
def test_texts_reach_mobiles_only(number: str, mobile: bool) -> None:
    assert takes_texts(number) is mobile
