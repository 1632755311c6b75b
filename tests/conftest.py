"""Fixtures for the store, how property tests run, and a log that no test leaves changed.

Every test that takes ``store`` or ``database_url`` runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from db.store import Store
from tests.private_postgres import NoPostgres, PrivatePostgres

# A loaded machine is slow, and that is no failure.
settings.register_profile("goldline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("goldline")

# A shell that starts us in the background has us ignore Ctrl-C, and so all whom we start, whose way of ending it is.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A running server of our own."""
    if "postgres" in os.environ.get("GOLDLINE_TEST_WITHOUT", "").split(","):
        pytest.skip("GOLDLINE_TEST_WITHOUT says: without PostgreSQL")
    try:
        server = PrivatePostgres()
    except NoPostgres as error:
        pytest.fail(str(error), pytrace=False)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/goldline.db"
    server: PrivatePostgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with all tables, once on each database."""
    opened = await Store.open(database_url)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command run in this process sets up its own log: the next test must not inherit it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
