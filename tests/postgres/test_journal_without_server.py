"""The journal while a PostgreSQL server is really stopped, crashes, and comes back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from db import journal as journal_module
from db.errors import StoreAway
from db.events import Event
from db.journal import Journal
from db.models import CallEventRow
from db.store import Store
from tests.private_postgres import PrivatePostgres

pytestmark = pytest.mark.postgres
WITHIN = 60.0  # seconds


@pytest.fixture
def server(postgres: PrivatePostgres) -> Iterator[PrivatePostgres]:
    """The server, running again afterwards."""
    yield postgres
    if not postgres.running:
        postgres.start()


@pytest.fixture
async def store(server: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr(journal_module, "MOST_BACKOFF", 0.2)
    opened = await Store.open(server.new_database())
    await opened.migrate()
    yield opened
    await opened.close()


def happened(number: int) -> Event:
    return Event("1.1", "test.happened", {"n": number})


async def numbers(store: Store) -> list[int]:
    async with store.reading() as session:
        rows = await session.scalars(sa.select(CallEventRow.data).order_by(CallEventRow.position))
        return [row["n"] for row in rows]


async def until_away(journal: Journal) -> None:
    async with asyncio.timeout(WITHIN):
        while not journal.away:
            await asyncio.sleep(0.01)


async def drained(journal: Journal) -> None:
    async with asyncio.timeout(WITHIN):
        await journal.drained()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
async def test_the_server_goes_and_comes_back(
    server: PrivatePostgres, store: Store, tmp_path: Path, how: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(store, tmp_path / "spool")
    await journal.start()
    for number in range(10):
        journal.append(happened(number))
    await drained(journal)
    server.stop(how)
    for number in range(10, 600):
        journal.append(happened(number))
    await until_away(journal)
    with pytest.raises(StoreAway):
        await store.ping()
    assert journal.waiting == 590
    assert journal.behind > 0
    server.start()
    journal.append(happened(600))
    await drained(journal)
    assert await numbers(store) == list(range(601))
    assert (journal.counts.repeated, journal.counts.lost) == (0, 0)
    assert "is back" in caplog.text
    await journal.stop()


async def test_the_server_is_down_when_the_hotline_starts_and_when_it_stops(
    server: PrivatePostgres, store: Store, tmp_path: Path
) -> None:
    server.stop()
    first = Journal(store, tmp_path / "spool")
    await first.start()
    first.append(happened(0))
    await until_away(first)
    await first.stop()
    second = Journal(store, tmp_path / "spool")
    await second.start()
    second.append(happened(1))
    await until_away(second)
    server.start()
    await drained(second)
    await second.stop()
    assert await numbers(store) == [0, 1]


async def test_the_server_goes_down_again_and_again_while_events_come(
    server: PrivatePostgres, store: Store, tmp_path: Path
) -> None:
    journal = Journal(store, tmp_path / "spool")
    await journal.start()
    count = 0
    over = asyncio.Event()

    async def go_on() -> None:
        nonlocal count
        while not over.is_set():
            for _ in range(20):
                journal.append(happened(count))
                count += 1
            await asyncio.sleep(0.005)

    appending = asyncio.create_task(go_on())
    for how in (signal.SIGQUIT, signal.SIGINT, signal.SIGQUIT):
        server.stop(how)
        await until_away(journal)
        server.start()
        async with asyncio.timeout(WITHIN):
            while journal.away:
                await asyncio.sleep(0.01)
    over.set()
    await appending
    await drained(journal)
    await journal.stop()
    assert await numbers(store) == list(range(count))
