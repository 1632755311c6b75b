"""The journal, on both databases: in time, in order, once, whatever the database does."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from db import journal as journal_module
from db.calls import Calls
from db.errors import FollowerTooSlow, SpoolHeld
from db.events import CALL_ENDED, CALL_STARTED, Event
from db.followers import MOST_BEHIND
from db.journal import Journal
from db.models import CallEventRow
from db.store import Store

WITHIN = 20.0  # seconds: a test that waits longer has failed, on however loaded a machine


def happened(number: int, call: str = "1.1") -> Event:
    return Event(call, "test.happened", {"n": number})


async def numbers(store: Store) -> list[int]:
    async with store.reading() as session:
        rows = await session.scalars(sa.select(CallEventRow.data).order_by(CallEventRow.position))
        return [row["n"] for row in rows]


async def drained(journal: Journal) -> None:
    async with asyncio.timeout(WITHIN):
        await journal.drained()


async def until_away(journal: Journal) -> None:
    async with asyncio.timeout(WITHIN):
        while not journal.away:
            await asyncio.sleep(0.01)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


async def test_an_event_is_in_the_database_at_most_200_ms_later(store: Store, spool: Path) -> None:
    journal = Journal(store, spool)
    await journal.start()
    await drained(journal)
    journal.append(happened(-1))  # warm: connections, statements
    await drained(journal)
    took = []
    for number in range(10):
        began = time.perf_counter()
        journal.append(happened(number))
        await drained(journal)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.2, took  # the best of ten: what else the machine does is not the journal's
    assert min(took) >= 0.05, "they are gathered into batches"
    await journal.stop()
    assert await numbers(store) == list(range(-1, 10))


async def test_events_are_gathered_and_keep_their_order(store: Store, spool: Path) -> None:
    journal = Journal(store, spool)
    await journal.start()
    for number in range(3000):
        journal.append(happened(number))
    assert journal.waiting >= 2500
    assert journal.behind >= 0
    await journal.stop()
    assert await numbers(store) == list(range(3000))
    assert (journal.waiting, journal.behind) == (0, 0.0)
    assert (journal.counts.appended, journal.counts.stored, journal.counts.repeated) == (3000, 3000, 0)
    assert journal.counts.batches <= 10
    assert [path.name for path in spool.iterdir()] == ["lock"], "nothing is left behind"


async def test_a_calls_row_follows_its_events(store: Store, spool: Path) -> None:
    journal = Journal(store, spool)
    await journal.start()
    journal.append(Event("1.1", CALL_STARTED, {"caller": "02155501234", "line": "95500"}))
    await drained(journal)
    call = await Calls(store).get("1.1")
    assert call
    assert (call.caller, call.ended_at) == ("02155501234", None)
    journal.append(Event("1.1", CALL_ENDED, {"how": "goodbye"}))
    await journal.stop()
    call = await Calls(store).get("1.1")
    assert call
    assert call.ended_how == "goodbye"


async def test_a_crash_between_storing_and_letting_go_doubles_nothing(store: Store, spool: Path) -> None:
    first = Journal(store, spool)
    await first.start()
    first.append(happened(0))
    await drained(first)
    saved = {path: path.read_bytes() for path in spool.glob("events-*")}
    assert saved
    await first.stop()
    for path, content in saved.items():
        path.write_bytes(content)  # as if the process had died right after the commit
    second = Journal(store, spool)
    await second.start()
    second.append(happened(1))
    await second.stop()
    assert await numbers(store) == [0, 1]
    assert second.counts.repeated == 1


async def test_a_database_without_tables_yet_is_waited_for(
    database_url: str, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal_module, "MOST_BACKOFF", 0.2)
    store = await Store.open(database_url)
    journal = Journal(store, spool)
    await journal.start()
    journal.append(happened(0))
    await until_away(journal)
    assert journal.waiting == 1
    assert "wait on disk" in caplog.text
    await store.migrate()
    await drained(journal)
    assert not journal.away
    await journal.stop()
    assert await numbers(store) == [0]
    await store.close()


async def test_what_could_not_be_stored_waits_for_the_next_start(
    database_url: str, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await Store.open(database_url)
    first = Journal(store, spool)
    await first.start()
    for number in range(5):
        first.append(happened(number))
    await until_away(first)
    await first.stop()
    assert "5 events stay" in caplog.text
    await store.migrate()
    second = Journal(store, spool)
    await second.start()
    second.append(happened(5))
    await drained(second)
    await second.stop()
    assert await numbers(store) == [0, 1, 2, 3, 4, 5]
    await store.close()


async def test_an_event_that_the_database_refuses_holds_up_no_other(
    store: Store, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with store.writing() as session:  # a rule that our code knows nothing of
        if store.is_sqlite:
            await session.execute(
                sa.text(
                    "CREATE TRIGGER picky BEFORE INSERT ON call_events WHEN NEW.call_id = 'bad' "
                    "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
                )
            )
        else:
            await session.execute(sa.text("ALTER TABLE call_events ADD CHECK (call_id <> 'bad')"))
    journal = Journal(store, spool)
    await journal.start()
    for number in range(5):
        journal.append(happened(number, call="bad" if number == 2 else "1.1"))
    await drained(journal)
    await journal.stop()
    assert await numbers(store) == [0, 1, 3, 4]
    assert journal.counts.refused == 1
    assert '"bad"' in (spool / "refused.jsonl").read_text()
    assert "is set aside" in caplog.text


async def test_append_never_raises(store: Store, spool: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(store, spool)
    journal.append(happened(0))  # not started
    await journal.start()
    journal.append(Event("1.1", "test.happened", None))  # type: ignore[arg-type]
    journal.append(Event("1.1", "test.happened", {"n": object(), "deep": [[[[[[[[[[[[]]]]]]]]]]]]}))
    journal.append(Event("1.1", 7, {"n": 1}))  # type: ignore[arg-type]
    await journal.stop()
    await journal.stop()
    journal.append(happened(9))
    assert journal.counts.lost >= 2
    assert "is lost" in caplog.text


async def test_two_journals_do_not_share_a_spool(store: Store, spool: Path) -> None:
    first, second = Journal(store, spool), Journal(store, spool)
    await first.start()
    with pytest.raises(SpoolHeld, match="process"):
        await second.start()
    await first.stop()
    await second.start()
    await second.stop()


async def test_followers_hear_what_they_want_as_it_happens(store: Store, spool: Path) -> None:
    journal = Journal(store, spool)
    await journal.start()
    with journal.subscribe(lambda event: event.call_id == "1.2") as follower:
        for number, call in enumerate(["1.1", "1.2", "1.1", "1.2"]):
            journal.append(happened(number, call))
        assert (await anext(follower)).data == {"n": 1}
        assert (await anext(follower)).data == {"n": 3}
        waiting = asyncio.create_task(anext(follower))
        await journal.stop()
        with pytest.raises(StopAsyncIteration):
            await waiting
        assert [event async for event in follower] == []


async def test_a_slow_follower_is_dropped_and_told(store: Store, spool: Path) -> None:
    journal = Journal(store, spool)
    await journal.start()
    with journal.subscribe() as slow, journal.subscribe() as quick:
        heard = []
        for number in range(MOST_BEHIND + 10):
            journal.append(happened(number))
            heard.append((await anext(quick)).data["n"])
        assert heard == list(range(MOST_BEHIND + 10))
        for _ in range(MOST_BEHIND):
            await anext(slow)
        with pytest.raises(FollowerTooSlow):
            await anext(slow)
    await journal.stop()


async def test_sqlite_locked_by_another_process_for_long(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("db.store.BUSY_MS", 50)
    monkeypatch.setattr(journal_module, "MOST_BACKOFF", 0.2)
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    await store.migrate()
    journal = Journal(store, spool)
    await journal.start()
    await drained(journal)
    holder = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for number in range(3):
        journal.append(happened(number))
    await until_away(journal)
    assert journal.behind > 0
    assert "locked" in caplog.text
    holder.execute("COMMIT")
    holder.close()
    await drained(journal)
    await journal.stop()
    assert await numbers(store) == [0, 1, 2]
    await store.close()


async def test_sqlite_file_that_goes_away_and_comes_back(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "MOST_BACKOFF", 0.2)
    place = tmp_path / "disk"
    store = await Store.open(f"sqlite:///{place}/x.db")
    await store.migrate()
    journal = Journal(store, spool)
    await journal.start()
    journal.append(happened(0))
    await drained(journal)
    place.rename(tmp_path / "unplugged")
    journal.append(happened(1))
    await until_away(journal)
    journal.append(happened(2))
    (tmp_path / "unplugged").rename(place)
    await drained(journal)
    await journal.stop()
    assert await numbers(store) == [0, 1, 2]
    await store.close()


async def test_a_fault_in_our_own_code_does_not_end_the_writer(
    store: Store, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record = Calls.record
    faults = iter([ZeroDivisionError("a fault"), RuntimeError("another")])

    async def faulty(self: Calls, events: tuple[Event, ...]) -> int:
        for fault in faults:
            raise fault
        return await record(self, events)

    monkeypatch.setattr(Calls, "record", faulty)
    journal = Journal(store, spool)
    await journal.start()
    with caplog.at_level(logging.ERROR):
        journal.append(happened(0))
        await drained(journal)
    await journal.stop()
    assert await numbers(store) == [0]
    assert journal.counts.failures == 2
