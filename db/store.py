"""The SQL store: one engine, its sessions, and what the two databases need to behave alike.

SQLite by default (write-ahead log, foreign keys on), PostgreSQL by URL. Knows no aggregate: those stand in the
repositories, which take a ``Store``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, QueuePool

from db import schema
from db.errors import AlreadyThere, BadStoreUrl, SchemaMismatch, StoreAway, StoreError
from db.storable import storable_json

if TYPE_CHECKING:
    from collections.abc import Iterator

SWITCH_SECONDS: Final = 0.02  # SQLite: between two tries to switch a file to its write-ahead log
BUSY_MS: Final = 5_000  # SQLite: wait this long for another writer, such as a backup
CONNECT_SECONDS: Final = 5  # PostgreSQL: a host that does not answer is away
STATEMENT_MS: Final = 10_000  # PostgreSQL: no statement of ours takes long; one that does holds a caller up
POOL_SIZE: Final = 5  # connections kept; every use is a few milliseconds
POOL_MORE: Final = 10  # and at a peak
POOL_SECONDS: Final = 2.0  # wait for a free one: a caller waits behind it

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_FORMS: Final = "Use sqlite+aiosqlite:////absolute/file.db or postgresql+psycopg://user:password@host/name."
# What a constraint says when a row is there already: PostgreSQL's SQLSTATE, SQLite's extended codes.
_UNIQUE_SQLSTATE: Final = "23505"
_UNIQUE_SQLITE: Final = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


# Statements carry customers: neither the driver's own log (aiosqlite's, at DEBUG) nor an error's text shows them.
_SHOW_NO_VALUES: Final[dict[str, Any]] = {"hide_parameters": True}
logging.getLogger("aiosqlite").setLevel(logging.INFO)

T = TypeVar("T")


class Store:
    """The database, open for use.

    ``reading()`` and ``writing()`` give a session in a transaction and turn what the database says into StoreError.
    ``write()`` is for what many wait behind.
    """

    def __init__(self, engine: AsyncEngine, place: str, writer: Writer | None = None) -> None:
        self.engine = engine
        self._writer = writer
        self.place = place  # where the store is, without its password
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)
        # SQLite: a transaction that began by reading may be refused to write (SQLITE_BUSY_SNAPSHOT): writers say so.
        self._line: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None  # of SQLite's writers
        self._writers = async_sessionmaker(engine.execution_options(sqlite_begin="IMMEDIATE"), expire_on_commit=False)

    @classmethod
    async def open(cls, url: str) -> Store:
        """Prepare the store at ``url``. Does not connect, so that a database that is away stops nobody here.

        Raises BadStoreUrl.
        """
        parsed = _parse(url)
        place = parsed.render_as_string(hide_password=True)
        if parsed.get_backend_name() == "sqlite":
            file = _file(parsed)
            return cls(_sqlite(parsed, file), place, Writer(_sqlite_in_a_thread(parsed, file)))
        return cls(_postgresql(parsed), place)

    @property
    def is_sqlite(self) -> bool:
        """The database is SQLite."""
        return self.engine.dialect.name == "sqlite"

    async def migrate(self) -> None:
        """Bring the tables to this version. Two processes may do it at once: one waits.

        Raises StoreAway, and SchemaMismatch when the tables are newer than this code.
        """
        with self._explained():
            async with self.engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                await connection.run_sync(schema.upgrade)

    async def check_schema(self) -> None:
        """Raise SchemaMismatch unless the tables are those of this version."""
        with self._explained():
            async with self.engine.connect() as connection:
                found = await connection.run_sync(schema.current)
        if found != schema.head():
            raise SchemaMismatch(
                f"The tables in {self.place} have schema {found or 'none'}, this Goldline has {schema.head()}.",
                remedy="Start the controller once, which brings the tables up to date.",
            )

    async def ping(self) -> None:
        """One round trip. Raises StoreAway."""
        async with self.reading() as session:
            await session.execute(sa.text("SELECT 1"))

    async def settle(self) -> bool:
        """Make all that is committed outlive a power cut; False when that has to be asked again later.

        PostgreSQL does it at each commit. SQLite with ``synchronous=NORMAL`` does it at a checkpoint
        (https://www.sqlite.org/pragma.html#pragma_synchronous). Raises StoreAway.
        """
        if not self.is_sqlite:
            return True
        with self._explained():
            async with self.engine.connect() as connection:
                row = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")).one()
        busy, pages, moved = (int(value) for value in row)
        return not busy and pages == moved

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session to read with. Raises StoreError."""
        with self._explained():
            async with self.sessions() as session:
                yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, undone by any exception. Raises StoreError."""
        with self._explained():
            async with self._turn(), self._writers.begin() as session:
                yield session

    async def write(self, work: Callable[[Session], T]) -> T:
        """``work`` in one transaction: committed at its end, undone by any exception. Raises StoreError.

        For what others wait behind. ``work`` may run in a thread of its own: it looks at nothing that others change.
        In a session of ``writing()`` each statement is a trip to the driver's thread and back, and SQLite lets nobody
        else write meanwhile; here all of it is one trip.
        """
        if self._writer is None:
            async with self.writing() as session:
                return await session.run_sync(work)
        with self._explained():
            async with self._turn():
                return await self._writer.write(work)

    def _turn(self) -> AbstractAsyncContextManager[None]:
        """SQLite has one writer at a time. Who waits for another process sleeps, longer each time, and looks again
        (sqlite3.c, sqliteDefaultBusyCallback: up to 100 ms); those of this process wait in line instead."""
        if not self.is_sqlite:
            return nullcontext()
        loop = asyncio.get_running_loop()
        if self._line is None or self._line[0] is not loop:
            self._line = (loop, asyncio.Lock())
        return self._line[1]

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()
        if self._writer is not None:
            await self._writer.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except (exc.SQLAlchemyError, OSError) as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> StoreError:
        said = _first_line(error)
        if isinstance(error, exc.IntegrityError):
            if _is_unique(error):
                return AlreadyThere(f"Such a row is there already: {said}.", remedy="Change the other row instead.")
            return StoreError(f"The database refused a row: {said}.", remedy="Correct the value.")
        if isinstance(error, exc.DataError):
            return StoreError(f"The database refused a value: {said}.", remedy="Correct the value.")
        if "no such table" in said or "UndefinedTable" in type(getattr(error, "orig", None)).__name__:
            return SchemaMismatch(
                f"The tables are missing in {self.place}: {said}.",
                remedy="Start the controller once, which creates them, or bring the right database back.",
            )
        if isinstance(error, exc.DBAPIError | exc.TimeoutError | OSError):
            return StoreAway(
                f"The database {self.place} does not answer: {said}.",
                remedy="Check that it runs, that its disk has room and that the address and password are right.",
            )
        return StoreError(f"The database refused: {said}.", remedy="This is a fault in Goldline: please report it.")


class Writer:
    """A thread that writes whole transactions, one after the other."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(sqlite_begin="IMMEDIATE")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def write(self, work: Callable[[Session], T]) -> T:
        """What ``work`` gives, once it is committed; whoever is cancelled meanwhile waits for that, too."""
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._write, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise

    async def close(self) -> None:
        """Give the connection back; nothing may be under way."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()

    def _write(self, work: Callable[[Session], T]) -> T:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            return work(session)


def _first_line(error: Exception) -> str:
    """What the driver said, without SQL and without values (they may be a customer's)."""
    said = getattr(error, "orig", None) or error
    lines = str(said).strip().splitlines()
    return (lines[0] if lines else type(said).__name__).rstrip(".")


def _is_unique(error: exc.IntegrityError) -> bool:
    origin = error.orig
    if getattr(origin, "sqlite_errorcode", None) in _UNIQUE_SQLITE:
        return True
    return getattr(origin, "sqlstate", None) == _UNIQUE_SQLSTATE


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise BadStoreUrl("The database URL cannot be read.", remedy=_FORMS) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise BadStoreUrl(f"Goldline has no driver for {parsed.drivername} databases.", remedy=_FORMS)
    parsed = parsed.set(drivername=driver)
    if parsed.get_backend_name() == "sqlite":
        if parsed.host or not parsed.database or parsed.database == ":memory:":
            raise BadStoreUrl(
                "The SQLite URL names no file.", remedy="Give a file: sqlite+aiosqlite:////absolute/file.db"
            )
    elif not parsed.database:
        raise BadStoreUrl("The PostgreSQL URL names no database.", remedy=_FORMS)
    return parsed


def _file(url: sa.URL) -> Path:
    file = Path(url.database or "").absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)  # it holds customers: nobody else reads it, nor the log beside it, which takes after it
    except OSError as error:
        raise BadStoreUrl(
            f"The database {file} cannot be made: {error.strerror}.", remedy="Choose a directory you may write to."
        ) from error
    return file


def _sqlite(url: sa.URL, file: Path) -> AsyncEngine:
    engine = create_async_engine(
        url.set(database=str(file)),
        poolclass=AsyncAdaptedQueuePool,  # what SQLAlchemy 2.0 does not choose by itself for a file
        pool_size=POOL_SIZE,
        max_overflow=POOL_MORE,
        pool_timeout=POOL_SECONDS,
        json_serializer=storable_json,
        **_SHOW_NO_VALUES,
    )
    _as_we_use_it(engine.sync_engine, file, lambda connection: connection.run_async(lambda _: _pause()))
    return engine


def _sqlite_in_a_thread(url: sa.URL, file: Path) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite", database=str(file)),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        json_serializer=storable_json,
        **_SHOW_NO_VALUES,
    )
    _as_we_use_it(engine, file, lambda _connection: time.sleep(SWITCH_SECONDS))
    return engine


async def _pause() -> None:
    await asyncio.sleep(SWITCH_SECONDS)


def _as_we_use_it(engine: sa.Engine, file: Path, pause: Callable[[Any], object]) -> None:
    @event.listens_for(engine, "do_connect")
    def _only_what_is_there(_dialect: Any, _entry: Any, words: list[Any], options: dict[str, Any]) -> None:
        # A file that went away is away: SQLite by itself makes an empty database in its place.
        words[0] = f"file:{quote(str(file))}?mode=rw"
        options["uri"] = True

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, or the driver says it late and only for writes
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        _write_ahead(connection, cursor, pause)
        cursor.close()
        entry.info["file"] = _identity(file)

    @event.listens_for(engine, "checkout")
    def _same_file(_connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        # SQLite goes on writing into a file that was moved away or deleted: what it takes then is lost.
        if entry.info.get("file") != _identity(file):
            raise exc.DisconnectionError(f"{file} is no longer the file that was opened")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {how}")


def _write_ahead(connection: Any, cursor: Any, pause: Callable[[Any], object]) -> None:
    """Have the file use a write-ahead log, once whoever else is at it has done.

    ``busy_timeout`` does not cover that switch: two processes that open a new file together, and one is told "locked".
    """
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
        pause(connection)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - on every checkout: Path.stat costs twice as much
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _postgresql(url: sa.URL) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_MORE,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        json_serializer=storable_json,
        **_SHOW_NO_VALUES,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "goldline",
            "options": f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC",
            # A host that vanished without a word: give up after ten seconds, not after two hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )
