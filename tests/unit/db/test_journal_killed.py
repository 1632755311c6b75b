"""A process that appends is killed with SIGKILL: every event it appended is in the database, once."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from db.calls import Calls
from db.journal import Journal
from db.models import CallEventRow
from db.store import Store

WITHIN = 60.0  # seconds
STORED_BY_THEN = 500  # from this many events on, the child is killed only after it has stored some itself

APPENDER = """
import asyncio, os, sys
from pathlib import Path
from db.events import CALL_STARTED, Event
from db.journal import Journal
from db.store import Store

async def main():
    journal = Journal(await Store.open(sys.argv[1]), Path(sys.argv[2]))
    await journal.start()
    number = 0
    while True:
        for _ in range(20):
            event = Event(f"1.{number % 7}", CALL_STARTED if number < 7 else "test.happened", {"n": number})
            journal.append(event)
            os.write(1, (event.id + "\\n").encode())  # only after it was appended
            number += 1
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def has_stored(store: Store) -> bool:
    return bool(await Calls(store).latest(1))


@pytest.mark.parametrize("after", [20, 500, 3000])
async def test_kill_9_loses_nothing_and_doubles_nothing(
    database_url: str, store: Store, tmp_path: Path, after: int
) -> None:
    spool = tmp_path / "spool"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDER, database_url, str(spool), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout
    appended: list[str] = []
    async with asyncio.timeout(WITHIN):
        while len(appended) < after or (after >= STORED_BY_THEN and not await has_stored(store)):
            line = await child.stdout.readline()
            assert line, "the child died by itself"
            appended.append(line.decode().strip())
        child.send_signal(signal.SIGKILL)
        # A last line may be cut short by the kill: it was appended all the same.
        rest = (await child.stdout.read()).decode()
        appended += rest.split("\n")[:-1]
        await child.wait()

    journal = Journal(store, spool)
    await journal.start()
    async with asyncio.timeout(WITHIN):
        await journal.drained()
    await journal.stop()

    async with store.reading() as session:
        rows = (await session.execute(sa.select(CallEventRow.event_id, CallEventRow.data))).all()
    stored = [row.event_id for row in rows]
    assert len(stored) == len(set(stored))
    assert set(appended) <= set(stored)
    assert len(stored) - len(appended) <= 1, "at most the one that was appended and not yet told"
    assert sorted(row.data["n"] for row in rows) == list(range(len(stored))), "in a row, without a gap"
    assert len(await Calls(store).latest(100)) == 7
