"""``ivr recordings`` as whoever answers for the recordings uses it, on both databases."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from db.audit import Audit
from db.store import Store
from ivr.cli import cli
from ivr.errors import GoldlineError
from ivr.recordings.folder import Folder
from ivr.recordings.keeper import Keeper
from ivr.recordings.retention import Retention
from tests.unit.recordings.talk_files import closed

LATEST, OLD = "a" * 32, "b" * 32
NOW = datetime.datetime.now(datetime.UTC)
T = TypeVar("T")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Folder:
    """Two recordings: a new one, and one of thirty years ago."""
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)
    folder = Folder.below(tmp_path / "recordings")
    folder.create()

    async def prepare(store: Store) -> None:
        await store.migrate()
        keeper = Keeper(store, folder, Retention(20))
        for name, began, call in ((LATEST, NOW, "call-1"), (OLD, NOW - datetime.timedelta(days=30 * 366), "call-2")):
            closed(folder.file(name))
            await keeper.adopt(name, call=call, agent="801", seat="S1", began=began)

    ask(database_url, prepare)
    return folder


def ask(url: str, work: Callable[[Store], Awaitable[T]]) -> T:
    async def go() -> T:
        store = await Store.open(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


def ivr(*words: str) -> Result:
    result = CliRunner().invoke(cli, words)
    assert result.exception is None or isinstance(result.exception, GoldlineError | SystemExit), result.exception
    return result


def rows(*words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ivr(*words, "--json").stdout.splitlines()]


def test_which_there_are() -> None:
    assert [one["name"] for one in rows("recordings", "list")] == [LATEST, OLD]
    assert [one["name"] for one in rows("recordings", "list", "--call", "call-2")] == [OLD]
    assert "2.0 s  801" in ivr("recordings", "list").stdout
    assert "No such recordings" in ivr("recordings", "list", "--agent", "899").stderr
    shown = ivr("recordings", "show", LATEST).stdout
    assert "call        call-1" in shown
    assert "sha256" in shown
    assert isinstance(ivr("recordings", "show", "c" * 32).exception, GoldlineError)


def test_whether_they_are_whole(folder: Folder) -> None:
    whole = ivr("recordings", "verify")
    assert (whole.exit_code, whole.stdout) == (0, "2 recordings, 2 files of 0.1 MiB, 0 faults.\n")
    closed(folder.file(LATEST), sound=9)
    broken = ivr("recordings", "verify")
    assert broken.exit_code == 2
    assert f"{LATEST}: changed. The file is not the one that was written" in broken.stdout
    fault, counts = rows("recordings", "verify")
    assert (fault["what"], fault["call"], counts["faults"]) == ("changed", "call-1", 1)


def test_taking_one_out_wants_a_name_and_a_reason(tmp_path: Path, folder: Folder, database_url: str) -> None:
    to = tmp_path / "talk.wav"
    export = ("recordings", "export", LATEST, str(to))
    assert ivr(*export).exit_code == 2
    assert ivr(*export, "--actor", " ", "--why", "order").exit_code == 2
    assert not to.exists()
    assert "SHA-256" in ivr(*export, "--actor", "li.si", "--why", "complaint 12345678").stdout
    assert to.read_bytes() == folder.file(LATEST).read_bytes()
    (entry,) = ask(database_url, lambda store: Audit(store).latest())
    assert (entry.actor, entry.data["why"]) == ("li.si", "complaint 12345678")
    assert isinstance(ivr(*export, "--actor", "li.si", "--why", "again").exception, GoldlineError)


def test_deleting_what_need_be_kept_no_more(folder: Folder) -> None:
    assert ivr("recordings", "purge").exit_code == 2
    dry = ivr("recordings", "purge", "--actor", "cron", "--dry-run")
    assert OLD in dry.stdout
    assert "1 would be deleted." in dry.stdout
    assert folder.file(OLD).exists()
    assert ivr("recordings", "purge", "--actor", "cron").stdout == "1 deleted, 0 could not be.\n"
    assert not folder.file(OLD).exists()
    assert folder.file(LATEST).exists()
    assert rows("recordings", "purge", "--actor", "cron") == [{"deleted": 0, "due": 0, "failed": 0}]
    assert [one["state"] for one in rows("recordings", "list")] == ["kept", "purged"]
