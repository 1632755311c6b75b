"""A planning that is killed (kill -9) leaves nobody out and nobody twice: planning again goes on with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from bench.targets import fill
from db.store import Store
from db.targets import Targets

ROOT = Path(__file__).resolve().parents[3]
CUSTOMERS = 6_000
CAMPAIGN = "dormant"
LOOK_SECONDS = 0.05


def plan(url: str, run_dir: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "GOLDLINE_RUN_DIR": str(run_dir), "GOLDLINE_DATABASE__URL": url}
    words = [sys.executable, "-m", "ivr", "outbound", "plan", CAMPAIGN, "--json"]
    return subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def some_are_planned(store: Store) -> None:
    while not await Targets(store).counts(CAMPAIGN):
        await asyncio.sleep(LOOK_SECONDS)


async def test_killed_and_planned_again(store: Store, database_url: str, tmp_path: Path) -> None:
    await fill(store, CUSTOMERS)
    first = plan(database_url, tmp_path)
    await asyncio.wait_for(some_are_planned(store), timeout=120)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    counts = await Targets(store).counts(CAMPAIGN)
    cut_short = sum(counts.values())
    assert first.returncode == -signal.SIGKILL, "it was killed before it was done"
    assert 0 < cut_short < CUSTOMERS
    again = plan(database_url, tmp_path)
    said, _ = again.communicate(timeout=200)
    assert again.returncode == 0
    found = json.loads(said)
    assert (found["found"], found["new"], found["known"]) == (CUSTOMERS, CUSTOMERS - cut_short, cut_short)
    counts = await Targets(store).counts(CAMPAIGN)
    assert sum(counts.values()) == CUSTOMERS
    async with store.reading() as session:
        twice = sa.text("SELECT count(*) - count(DISTINCT customer_id) FROM targets")
        assert await session.scalar(twice) == 0
