"""The controller's HTTP server: health and figures for anyone on the machine, the journal for those with the token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from db.events import Event
from db.followers import Followers
from ivr.health import HealthServer
from ivr.metrics import Metrics

TOKEN = "t" * 32


class House:
    """A server with a journal whose events we make."""

    def __init__(self) -> None:
        self.followers = Followers()
        self.well = True
        self.metrics = Metrics()
        self.server = HealthServer(
            "127.0.0.1", 0, TOKEN, lambda: {"ok": self.well, "live_calls": 3}, self.metrics, self.followers.subscribe
        )

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.server.start()
    yield house
    await house.server.stop()


async def test_health_says_how_it_is(house: House) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(house.url("/health")) as answer:
            assert answer.status == 200
            assert (await answer.json())["live_calls"] == 3
        house.well = False
        async with http.get(house.url("/health")) as answer:
            assert answer.status == 503


async def test_figures_are_there_for_prometheus(house: House) -> None:
    house.metrics.command_answered(0.003, None)
    house.metrics.command_answered(None, 0.002)
    house.metrics.call_ended("main", "caller")
    async with aiohttp.ClientSession() as http, http.get(house.url("/metrics")) as answer:
        text = await answer.text()
    assert 'goldline_calls_ended_total{flow="main",how="caller"} 1.0' in text
    assert 'goldline_agi_command_seconds_bucket{le="0.0025"} 0.0' in text
    assert 'goldline_agi_command_seconds_bucket{le="0.005"} 1.0' in text
    assert 'goldline_agi_turn_seconds_bucket{le="0.0025"} 1.0' in text
    assert "goldline_agi_command_seconds_count 1.0" in text, "a prompt's length says nothing about Asterisk"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
async def test_the_journal_wants_the_token(house: House, header: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as http, http.get(house.url("/events"), headers=header) as answer:
        assert answer.status == 401


async def test_the_journal_is_followed_live(house: House) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession() as http, http.get(house.url("/events"), headers=headers) as answer:
        assert (await answer.content.readline()).strip() == b"", "the first line says that following has begun"
        house.followers.tell(Event("c1", "said", {"text": "欢迎"}))
        async with asyncio.timeout(5):
            line = json.loads(await answer.content.readline())
        assert (line["call"], line["kind"], line["data"]["text"]) == ("c1", "said", "欢迎")


async def test_a_follower_that_goes_away_is_forgotten(house: House) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession() as http, http.get(house.url("/events"), headers=headers) as answer:
        await answer.content.readline()
        assert len(house.followers._all) == 1
    async with asyncio.timeout(10):
        while house.followers._all:
            house.followers.tell(Event("c1", "said", {}))
            await asyncio.sleep(0.01)


def test_events_with_odd_values_are_json(tmp_path: Path) -> None:
    from ivr.health import as_json

    assert json.loads(as_json(Event("c", "k", {"path": tmp_path})))["data"]["path"] == str(tmp_path)
