"""``ivr identity`` as an agent uses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db.audit import Audit
from db.customer import Customer
from db.customers import Customers
from db.pins import Pins
from db.store import Store
from ivr.asterisk import secrets_file
from ivr.asterisk.layout import Layout
from ivr.cli import cli
from ivr.errors import GoldlineError
from ivr.identity.identity import Identity

ACCOUNT, HOME = "980000000001", "13800138000"
UNLOCK = ("identity", "unlock", ACCOUNT, "--actor", "li.si", "--why", "ID card seen")


@pytest.fixture(autouse=True)
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A hotline with one customer, on whom three wrong PINs were tried."""
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)
    key = secrets_file.load_or_create(Layout(tmp_path).secrets_file).identity_key.encode()

    async def go(store: Store) -> None:
        await store.migrate()
        await Customers(store).put(Customer(ACCOUNT))
        pins = Pins(store)
        identity = Identity(store, pins, key)
        for _ in range(3):
            await identity.prove_pin("call-1", HOME, ACCOUNT, "730265")
        pins.close()

    with_store(database_url, go)


def with_store(database_url: str, act: Callable[[Store], object]) -> object:
    async def go() -> object:
        store = await Store.open(database_url)
        try:
            return await act(store)  # type: ignore[misc]
        finally:
            await store.close()

    return asyncio.run(go())


def ivr(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_it_shows_what_is_held_against_account_and_caller() -> None:
    shown = json.loads(ivr("identity", "show", ACCOUNT, "--json").stdout)
    assert (shown["tries"], shown["locked"]) == (3, False)
    assert 0 < shown["wait_seconds"] <= 300
    assert "3 wrong tries; the next one may be made in" in ivr("identity", "show", ACCOUNT).stdout
    assert (
        "3 wrong tries; the next one may be made now" in ivr("identity", "show", "--caller", "+86 138 0013 8000").stdout
    )
    assert "0 wrong tries" in ivr("identity", "show", "--caller", "").stdout


def test_unlocking_wants_a_name_and_a_reason_and_is_audited(database_url: str) -> None:
    assert ivr("identity", "unlock", ACCOUNT, "--actor", "li.si").exit_code == 2
    assert ivr("identity", "unlock", ACCOUNT, "--actor", " ", "--why", "asked").exit_code == 2
    result = ivr(*UNLOCK)
    assert result.exit_code == 0, result.output
    assert "3 wrong tries are forgotten" in result.stdout
    assert json.loads(ivr(*UNLOCK, "--json").stdout) == {"tries": 0}
    trail = with_store(database_url, lambda store: Audit(store).of_account(ACCOUNT))
    assert "identity.unlocked" in str(trail)
    assert "ID card seen" in str(trail)


def test_what_cannot_be_done_says_why() -> None:
    assert ivr("identity", "show").exit_code == 2
    assert ivr("identity", "show", ACCOUNT, "--caller", HOME).exit_code == 2
    result = ivr("identity", "unlock", "989999999999", "--actor", "li.si", "--why", "asked")
    assert isinstance(result.exception, GoldlineError)
