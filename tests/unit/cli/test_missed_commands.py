"""``ivr missed`` and ``ivr donotcall`` as an agent uses them, on both databases."""

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
from db.calls import Calls
from db.events import CALL_ENDED, CALL_STARTED, WAIT_JOINED, WAIT_LEFT, Event
from db.missed import MissedCall, MissedCallers
from db.store import Store
from ivr.cli import cli
from ivr.errors import GoldlineError

NOW = datetime.datetime.now(datetime.UTC)
T = TypeVar("T")


@pytest.fixture(autouse=True)
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A hotline that missed two callers."""
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)

    async def prepare(store: Store) -> None:
        await store.migrate()
        missed = MissedCallers(store)
        await missed.note(MissedCall("c1", "+8613800138001", ago(20), "abandoned", "silver", "95500"))
        await missed.note(MissedCall("c2", "+862155501234", ago(10), "turned_away", "platinum", "95500"))
        await missed.note(MissedCall("c3", "+8613800138001", ago(5), "cut_talk", "silver", "95500"))

    ask(database_url, prepare)


def ago(minutes: float) -> datetime.datetime:
    return NOW - datetime.timedelta(minutes=minutes)


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
    result = ivr(*words, "--json")
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(*words: str) -> str:
    result = ivr(*words)
    assert isinstance(result.exception, GoldlineError), result.output
    return str(result.exception)


def test_from_the_list_to_the_outcome() -> None:
    first, second = ivr("missed", "list").stdout.splitlines()
    assert "platinum" in first
    assert "02155501234" in first
    assert "13800138001" in second
    assert "2 ×" in second
    assert "cut talk" in second
    taken = ivr("missed", "take", "--agent", "801").stdout
    assert "Yours for 10 minutes" in taken
    assert "02155501234" in taken
    (entry,) = [one["id"] for one in rows("missed", "list") if one["state"] == "taken"]
    assert "in the hands of 801" in refused("missed", "take", str(entry), "--agent", "802")
    assert "closed" in ivr("missed", "done", str(entry), "--agent", "801", "--outcome", "reached").stdout
    assert "There is no open entry" in refused("missed", "take", str(entry), "--agent", "802")
    assert len(rows("missed", "list")) == 1


def test_whom_nobody_reaches_comes_again_and_then_no_more() -> None:
    (entry,) = [one["id"] for one in rows("missed", "list") if one["tier"] == "silver"]
    for attempt in (1, 2, 3):
        assert ivr("missed", "take", str(entry), "--agent", "801").exit_code == 0
        (one,) = rows("missed", "done", str(entry), "--agent", "801", "--outcome", "no_answer")
        assert (one["attempts"], one["state"]) == (attempt, "open" if attempt < 3 else "closed")
    assert one["outcome"] == "no_answer"


def test_giving_back(database_url: str) -> None:
    (one,) = rows("missed", "take", "--agent", "801")
    assert (one["tier"], one["agent"]) == ("platinum", "801")
    (one,) = rows("missed", "release", str(one["id"]), "--agent", "801")
    assert one["state"] == "open"
    (again,) = rows("missed", "take", "--agent", "802")
    assert again["id"] == one["id"]
    (other,) = rows("missed", "take", "--agent", "803")
    assert other["id"] != one["id"]
    assert rows("missed", "take", "--agent", "804") == [None]
    assert "Nobody is to be called now" in ivr("missed", "take", "--agent", "804").stdout
    assert ask(database_url, lambda store: Audit(store).latest()) == ()


def test_figures() -> None:
    (told,) = rows("missed", "report")
    assert told["by_reason"] == {"cut_talk": 1, "turned_away": 1}
    assert (told["callers"], told["calls"], told["open"], told["minutes"]) == (2, 3, 2, None)
    ivr("missed", "take", "--agent", "801")
    entry = next(one["id"] for one in rows("missed", "list") if one["state"] == "taken")
    ivr("missed", "done", str(entry), "--agent", "801", "--outcome", "reached")
    (told,) = rows("missed", "report")
    assert (told["open"], told["by_outcome"]) == (1, {"reached": 1})
    assert 10 <= told["minutes"] < 60  # by the wall clock, which goes on while a slow machine works
    assert "2 callers missed in 7 days, in 3 calls; 1 open" in ivr("missed", "report").stdout


def test_what_the_journal_knows_and_the_list_does_not(database_url: str) -> None:
    told = (
        (CALL_STARTED, {"caller": "13900139000"}),
        (WAIT_JOINED, {"tier": "gold"}),
        (WAIT_LEFT, {"how": "abandoned"}),
        (CALL_ENDED, {"how": "caller"}),
    )
    events = [Event("c9", kind, data, ago(60 - n)) for n, (kind, data) in enumerate(told)]
    ask(database_url, lambda store: Calls(store).record(events))
    assert rows("missed", "rebuild") == [{"missed": 1, "new": 1, "closed": 0}]
    assert rows("missed", "rebuild") == [{"missed": 1, "new": 0, "closed": 0}]
    assert len(rows("missed", "list")) == 3


def test_numbers_that_are_never_called() -> None:
    assert ivr("donotcall", "add", "138 0013 8001").exit_code == 2, "a reason is wanted"
    add = ("donotcall", "add", "138 0013 8001", "--why", "said so", "--actor", "li.si")
    assert ivr(*add).stdout == "+8613800138001 is on the list.\n"
    assert ivr(*add).stdout == "+8613800138001 was on the list already.\n"
    assert "said so  (by li.si)" in ivr("donotcall", "list").stdout
    entry = next(one["id"] for one in rows("missed", "list") if one["tier"] == "silver")
    assert "must not be called" in refused("missed", "take", str(entry), "--agent", "801")
    assert "may be called again" in ivr("donotcall", "remove", "13800138001", "--why", "in writing").stdout
    assert "not on the do-not-call list" in refused("donotcall", "remove", "13800138001", "--why", "in writing")
    assert ivr("missed", "take", str(entry), "--agent", "801").exit_code == 0
    assert "is no telephone number" in refused("donotcall", "add", "hello", "--why", "x")


def test_a_file_of_numbers(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text("number,why,since\n13800138001,said so,2026-01-02\n021-5550 1234,,\n13800138001,twice,\n", "utf-8")
    result = ivr("donotcall", "import", str(file))
    assert result.exit_code == 2
    assert f"{file}:3: why is missing" in result.stdout
    assert rows("donotcall", "list") == []
    assert ivr("donotcall", "import", str(file), "--why", "list", "--dry-run").exit_code == 0
    assert rows("donotcall", "import", str(file), "--why", "list", "--actor", "li.si") == [
        {"rows": 2, "bad": 0, "new": 2, "written": True}
    ]
    listed = {one["number"]: (one["why"], one["since"][:10]) for one in rows("donotcall", "list")}
    assert listed["+8613800138001"] == ("said so", "2026-01-01"), "midnight in Shanghai, told in UTC"
    assert listed["+862155501234"][0] == "list"
    assert len(ask(database_url, lambda store: Audit(store).latest())) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("number\nhello\n", "is no telephone number"),
        ("number,why,since\n13800138001,x,soon\n", "'soon' is no date"),
        ("phone\n13800138001\n", "the columns are number, why and since"),
        ("number,pin\n13800138001,1\n", "the columns are number, why and since"),
    ],
)
def test_faults_in_a_file_are_told_by_their_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, "utf-8")
    result = ivr("donotcall", "import", str(file), "--why", "list")
    assert result.exit_code
    assert says in result.output
