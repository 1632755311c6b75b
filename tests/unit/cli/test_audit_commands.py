"""``ivr audit`` as an auditor uses it."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db import audit
from db.audit import AuditEntry
from db.calls import Calls
from db.events import Event
from db.store import Store
from ivr.cli import cli

NINE = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
CALL = "goldline-1.7"


@pytest.fixture(autouse=True)
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A hotline of our own with one call in it, which did something to a customer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)
    later = NINE + datetime.timedelta(seconds=6)

    async def happen(store: Store) -> None:
        await store.migrate()
        await Calls(store).record(
            [
                Event(CALL, "call.started", {"caller": "13900000001", "line": "95500", "language": "zh"}, NINE),
                Event(CALL, "proven", {"customer": 7, "how": "sms"}, later),
            ]
        )
        async with store.writing() as session:
            await audit.append(
                session,
                [
                    AuditEntry(CALL, "identity.proven", "900000000001", {"how": "sms"}, later),
                    AuditEntry("somebody", "pin.set", "900000000002", {}, later),
                ],
            )

    do(database_url, happen)


def do(database_url: str, work: Callable[[Store], Awaitable[None]]) -> None:
    async def go() -> None:
        store = await Store.open(database_url)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(go())


def ivr(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_a_call_with_what_it_did() -> None:
    shown = ivr("audit", "call", CALL)
    assert shown.exit_code == 0, shown.output
    assert [line.split()[2] for line in shown.output.splitlines()] == ["began", "PROVEN", "identity.proven"]
    assert "2026-11-20 09:00:06" in shown.output, "the brokerage's own time"


def test_an_account_and_nobody_elses() -> None:
    rows = [json.loads(line) for line in ivr("audit", "account", "900000000001", "--json").output.splitlines()]
    assert [(row["what"], row["who"]) for row in rows] == [("identity.proven", CALL)]


def test_what_there_is_not() -> None:
    assert ivr("audit", "call", "nobody").exit_code == 1
    assert ivr("audit", "account", "1").exit_code == 1


def test_the_latest_of_all() -> None:
    assert ivr("audit", "latest").output.count("\n") == 2
