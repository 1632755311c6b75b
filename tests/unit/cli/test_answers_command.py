"""``ivr outbound answers``: what customers said, counted and one by one."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.store import Store
from ivr.cli import cli
from tests.unit.outreach.campaigning import Campaigning


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/goldline.db"
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", url)

    async def fill() -> None:
        store = await Store.open(url)
        await store.migrate()
        campaign = Campaigning(store, "event_invitation")
        attempt = await campaign.talking()
        for step, answer in (("opening", "come"), ("how_many", "3"), ("other_events", "no")):
            await campaign.outreach.answer(attempt.call, step, answer)
        await store.close()

    asyncio.run(fill())


def run(*words: str) -> str:
    return CliRunner().invoke(cli, ["outbound", "answers", *words], catch_exceptions=False).output


@pytest.mark.usefixtures("answered")
def test_counted(tmp_path: Path) -> None:
    told = json.loads(run("event_invitation", "--json", "--language", "en"))["questions"]
    assert [(one["step"], one["asked"], one["mean"]) for one in told] == [
        ("opening", 1, None),
        ("how_many", 1, "3.00"),
    ], "what is not on the way does not count"
    assert told[0]["answers"] == [{"answer": "come", "words": "I will come", "count": 1}]
    assert "参加" in run("event_invitation")


@pytest.mark.usefixtures("answered")
def test_one_by_one_for_a_spreadsheet(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    assert str(file) in run("event_invitation", "--csv", str(file))
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert [(row["account"], row["step"], row["words"]) for row in rows] == [
        ("900000000042", "opening", "参加"),
        ("900000000042", "how_many", "3"),
    ]


@pytest.mark.usefixtures("answered")
def test_no_such_campaign() -> None:
    assert "No campaign 'dormant' is planned" in run("dormant")
