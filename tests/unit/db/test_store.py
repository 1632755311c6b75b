"""The store: opening, migrating, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import datetime
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from db import schema
from db.errors import AlreadyThere, BadStoreUrl, SchemaMismatch, StoreAway, StoreError
from db.models import InstrumentRow
from db.store import Store
from ivr.errors import GoldlineError


async def test_migrations_bring_an_empty_database_to_what_the_models_say(database_url: str) -> None:
    store = await Store.open(database_url)
    await store.migrate()
    async with store.engine.connect() as connection:
        assert await connection.run_sync(schema.differences) == []
        assert await connection.run_sync(schema.current) == schema.head()
    await store.migrate()
    await store.check_schema()
    await store.close()


async def test_every_step_can_be_taken_back_and_again(store: Store) -> None:
    async with store.engine.begin() as connection:
        await connection.run_sync(schema.downgrade, "base")
    async with store.engine.connect() as connection:
        tables = set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))
    assert tables <= {"alembic_version"}
    await store.migrate()
    async with store.engine.connect() as connection:
        assert await connection.run_sync(schema.differences) == []


async def test_two_processes_may_migrate_at_once(database_url: str) -> None:
    stores = [await Store.open(database_url) for _ in range(3)]
    await asyncio.gather(*(store.migrate() for store in stores))
    await stores[0].check_schema()
    for store in stores:
        await store.close()


async def test_tables_newer_than_the_code_are_left_alone(store: Store) -> None:
    async with store.writing() as session:
        await session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (store.migrate, store.check_schema):
        with pytest.raises(SchemaMismatch, match="9999"):
            await attempt()


async def test_a_database_without_tables_says_so(database_url: str) -> None:
    store = await Store.open(database_url)
    with pytest.raises(SchemaMismatch, match="schema none"):
        await store.check_schema()
    with pytest.raises(SchemaMismatch, match="tables are missing"):
        async with store.reading() as session:
            await session.execute(sa.select(InstrumentRow))
    await store.close()


@pytest.mark.parametrize(
    "url", ["", "no url", "mysql://host/name", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "postgresql://h"]
)
async def test_a_wrong_url_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(BadStoreUrl) as caught:
        await Store.open(url)
    assert isinstance(caught.value, GoldlineError)
    assert caught.value.remedy


@pytest.mark.parametrize("url", ["sqlite:///{0}/x.db", "sqlite+aiosqlite:///{0}/new/directories/x.db"])
async def test_sqlite_urls_are_taken_with_and_without_the_driver(url: str, tmp_path: Path) -> None:
    store = await Store.open(url.format(tmp_path))
    await store.migrate()
    await store.close()


async def test_a_server_that_is_not_there_is_away_and_no_password_is_told() -> None:
    with socket.socket() as held:  # bound, not listening: nobody else answers there
        held.bind(("127.0.0.1", 0))
        store = await Store.open(f"postgres://goldline:sesame@127.0.0.1:{held.getsockname()[1]}/name")
        with pytest.raises(StoreAway) as caught:
            await store.ping()
        await store.close()
    assert "sesame" not in str(caught.value) + store.place
    assert caught.value.remedy


async def test_ping(store: Store) -> None:
    await store.ping()


async def test_moments_come_back_aware_in_utc_and_in_order(store: Store) -> None:
    from db.notices import Notice, Notices

    shanghai = datetime.timezone(datetime.timedelta(hours=8))
    moment = datetime.datetime(2026, 3, 2, 7, 59, 59, 123456, shanghai)
    await Notices(store).put(Notice("N1", "market", "published", moment))
    found = await Notices(store).get("N1")
    assert found
    assert found.published_from == moment
    assert found.published_from.utcoffset() == datetime.timedelta(0)
    with pytest.raises(StoreError, match="time zone"):
        await Notices(store).put(Notice("N2", "market", "published", moment.replace(tzinfo=None)))


async def test_a_second_row_with_the_same_key_is_refused_and_nothing_of_the_rest_stays(store: Store) -> None:
    def row(code: str) -> InstrumentRow:
        return InstrumentRow(code=code, market="SSE", kind="share", name_zh="", name_en="")

    async def add() -> None:
        async with store.writing() as session:
            session.add_all([row("600000"), row("600001")])
            await session.flush()
            session.add(row("600001"))

    with pytest.raises(AlreadyThere):
        await add()
    async with store.reading() as session:
        assert (await session.scalars(sa.select(InstrumentRow))).all() == []


async def test_words_are_checked_by_the_database_too(store: Store) -> None:
    with pytest.raises(StoreError, match="refused a row"):
        async with store.writing() as session:
            session.add(InstrumentRow(code="1", market="SSE", kind="bond", name_zh="", name_en=""))


async def test_many_writers_wait_for_each_other(store: Store) -> None:
    async def write(number: int) -> None:
        async with store.writing() as session:
            await session.execute(sa.select(sa.func.count()).select_from(InstrumentRow))
            session.add(InstrumentRow(code=str(number), market="SSE", kind="share", name_zh="", name_en=""))

    await asyncio.gather(*(write(number) for number in range(12)))
    async with store.reading() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(InstrumentRow)) == 12


def share(code: str) -> InstrumentRow:
    return InstrumentRow(code=code, market="SSE", kind="share", name_zh="", name_en="")


async def codes(store: Store) -> set[str]:
    async with store.reading() as session:
        return set(await session.scalars(sa.select(InstrumentRow.code)))


async def test_what_is_written_in_one_piece_is_all_there_or_not_at_all(store: Store) -> None:
    def two(session: Session) -> int:
        session.add_all([share("1"), share("2")])
        return 2

    def again(session: Session) -> None:
        session.add(share("3"))
        session.flush()
        session.add(share("2"))

    def undecided(session: Session) -> None:
        session.add(share("4"))
        session.flush()
        raise LookupError

    assert await store.write(two) == 2
    with pytest.raises(AlreadyThere):
        await store.write(again)
    with pytest.raises(LookupError):
        await store.write(undecided)
    assert await codes(store) == {"1", "2"}


async def test_both_ways_of_writing_wait_for_each_other(store: Store) -> None:
    async def write(number: int) -> None:
        async with store.writing() as session:
            session.add(share(f"a{number}"))

    def in_one_piece(number: int) -> Callable[[Session], None]:
        return lambda session: session.add(share(f"b{number}"))

    await asyncio.gather(*(write(number) for number in range(6)), *(store.write(in_one_piece(n)) for n in range(6)))
    assert len(await codes(store)) == 12


async def test_whoever_is_cancelled_while_it_is_written_ends_when_it_is(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    await store.migrate()
    begun, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        begun.set()
        assert go_on.wait(10)
        session.add(share("1"))

    writing = asyncio.ensure_future(store.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    writing.cancel()
    after = asyncio.ensure_future(store.write(lambda session: session.add(share("2"))))
    await asyncio.sleep(0)
    assert not writing.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await after
    assert await codes(store) == {"1", "2"}
    await store.close()


async def test_a_sqlite_file_that_went_away_takes_nothing_in_one_piece(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    await store.migrate()
    await store.write(lambda session: session.add(share("1")))
    (tmp_path / "x.db").rename(tmp_path / "y.db")
    with pytest.raises(StoreAway, match="unable to open"):
        await store.write(lambda session: session.add(share("2")))
    (tmp_path / "y.db").rename(tmp_path / "x.db")
    await store.write(lambda session: session.add(share("3")))
    assert await codes(store) == {"1", "3"}
    await store.close()


async def test_sqlite_is_set_up_for_a_hotline(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    async with store.reading() as session:
        found = {
            name: (await session.execute(sa.text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 5000}
    await store.close()


async def test_a_sqlite_file_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    store = await Store.open(f"sqlite:///{file}")
    await store.migrate()
    await store.ping()
    for path in tmp_path.glob("x.db*"):
        path.unlink()
    with pytest.raises(StoreAway, match="unable to open"):
        await store.ping()
    assert not file.exists(), "no empty database in its place"
    file.touch()
    with pytest.raises(SchemaMismatch, match="tables are missing"):
        async with store.reading() as session:
            await session.execute(sa.select(InstrumentRow))
    await store.close()


async def test_a_sqlite_file_is_its_owners_alone_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "a b#c%41é" / "x.db"
    url = sa.URL.create("sqlite", database=str(file)).render_as_string()
    store = await Store.open(url)
    assert store.engine.url.database == str(file)
    await store.migrate()
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    assert "x.db" in store.place
    await store.close()


async def test_settled_means_in_the_file_itself(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    store = await Store.open(f"sqlite:///{file}")
    await store.migrate()
    assert await store.settle()
    copy = tmp_path / "copy.db"
    copy.write_bytes(file.read_bytes())  # without the write-ahead log
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (schema.head(),)
    connection.close()
    await store.close()


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadStoreUrl, match="cannot be made"):
        await Store.open(f"sqlite:///{tmp_path}/file/x.db")
