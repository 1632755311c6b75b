"""``ivr desk`` as a clerk uses it, on both databases."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from db import demo
from db.audit import Audit, AuditEntry
from db.change_requests import ChangeRequest, ChangeRequests
from db.customers import Customer, Customers
from db.store import Store
from db.tickets import Ticket, Tickets
from ivr.cli import cli
from ivr.errors import GoldlineError

ACCOUNT = "900000000001"
HEADER = "branch,adviser,adviser_zh,adviser_en,day,time,minutes,capacity\n"
T = TypeVar("T")

pytestmark = pytest.mark.usefixtures("hotline")


@pytest.fixture
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A hotline of our own, with the demonstration's customers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)

    async def prepare(store: Store) -> None:
        await store.migrate()
        await demo.load(store)

    ask(database_url, prepare)


def ivr(*words: str) -> Result:
    result = CliRunner().invoke(cli, words)
    assert result.exception is None or isinstance(result.exception, GoldlineError | SystemExit), result.exception
    return result


def rows(*words: str) -> list[dict[str, Any]]:
    result = ivr(*words, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(*words: str) -> str:
    result = ivr(*words)
    assert result.exit_code
    return str(result.exception) if isinstance(result.exception, GoldlineError) else result.output


def ask(database_url: str, question: Callable[[Store], Awaitable[T]]) -> T:
    async def go() -> T:
        store = await Store.open(database_url)
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(go())


def customer(database_url: str) -> Customer:
    found = ask(database_url, lambda store: Customers(store).by_account(ACCOUNT))
    assert found
    return found


def trail(database_url: str) -> list[AuditEntry]:
    return list(ask(database_url, lambda store: Audit(store).of_account(ACCOUNT)))


def a_ticket(database_url: str) -> Ticket:
    return ask(
        database_url, lambda store: Tickets(store).open("complaint", call_id="1.1", caller="1001", language="zh")
    )


def a_request(database_url: str, what: str) -> ChangeRequest:
    async def request(store: Store) -> ChangeRequest:
        requests = ChangeRequests(store)
        owner = await Customers(store).id_of(ACCOUNT)
        assert owner
        if what == "phone":
            return await requests.request_phone(owner, "+8613900139000", call_id="1.1")
        return await requests.request_dictated(owner, what, call_id="1.1")  # type: ignore[arg-type]

    return ask(database_url, request)


def speak(name: str, seconds: float) -> None:
    Path("recordings").mkdir(exist_ok=True)
    with wave.open(f"recordings/{name}.wav", "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(int(seconds * 16_000)))


def test_a_ticket_from_the_list_to_its_end(database_url: str) -> None:
    assert "No tickets." in ivr("desk", "tickets", "list").output
    number = a_ticket(database_url).number
    assert number in ivr("desk", "tickets", "list").stdout
    assert "clerk7" in ivr("desk", "tickets", "take", number, "--actor", "clerk7").stdout
    assert ivr("desk", "tickets", "answer", number, "已回电。", "--by", "clerk7").exit_code == 0
    assert rows("desk", "tickets", "list") == []
    (row,) = rows("desk", "tickets", "show", number)
    assert (row["state"], row["clerk"], row["answer"]) == ("answered", "clerk7", "已回电。")
    assert ivr("desk", "tickets", "close", number).exit_code == 0
    assert "stays closed" in refused("desk", "tickets", "take", number)
    assert "ivr desk tickets list" in refused("desk", "tickets", "show", "12345678")
    assert "say something" in refused("desk", "tickets", "answer", number, " ")


def test_the_recording_is_shown_with_its_length_or_said_to_be_missing(database_url: str) -> None:
    ticket = a_ticket(database_url)
    assert "no message was left" in ivr("desk", "tickets", "show", ticket.number).stdout
    speak(ticket.recording, 0)
    assert "no message was left" in ivr("desk", "tickets", "show", ticket.number).stdout
    speak(ticket.recording, 2.5)
    (row,) = rows("desk", "tickets", "show", ticket.number)
    assert (Path(row["recording"]).name, row["seconds"]) == (f"{ticket.recording}.wav", 2.5)
    Path(row["recording"]).write_bytes(bytes(44 + 16_000))  # what a killed Asterisk leaves
    assert rows("desk", "tickets", "show", ticket.number)[0]["seconds"] == 1.0


def test_an_accepted_telephone_is_the_customers(database_url: str) -> None:
    number = a_request(database_url, "phone").number
    assert ACCOUNT in ivr("desk", "changes", "list").stdout
    assert "no message" not in ivr("desk", "changes", "show", number).stdout, "nothing was to be spoken"
    assert "without a value" in refused("desk", "changes", "accept", number, "13800138000")
    assert ivr("desk", "changes", "accept", number, "--actor", "clerk7").exit_code == 0
    assert [phone.number for phone in customer(database_url).phones] == ["+8613900139000", "1001"]
    newest = trail(database_url)[0]
    assert (newest.actor, newest.what) == ("clerk7", "change.accepted")
    assert newest.data == {"ticket": number, "what": "phone", "from": ["1001"], "to": "+8613900139000"}
    assert "was accepted by clerk7" in refused("desk", "changes", "refuse", number, "--why", "no")


def test_what_was_dictated_is_typed_and_checked(database_url: str) -> None:
    number = a_request(database_url, "email").number
    assert "type it behind the number" in refused("desk", "changes", "accept", number)
    assert "name@example.com" in refused("desk", "changes", "accept", number, "wang at example")
    assert ivr("desk", "changes", "accept", number, "wang@example.com").exit_code == 0
    assert customer(database_url).email == "wang@example.com"
    address = a_request(database_url, "address").number
    assert "Shorten it" in refused("desk", "changes", "accept", address, "路" * 201)
    assert ivr("desk", "changes", "accept", address, "上海市演示路2号").exit_code == 0
    assert customer(database_url).address == "上海市演示路2号"
    third = a_request(database_url, "address").number
    assert ivr("desk", "changes", "refuse", third, "--why", "not understood").exit_code == 0
    assert [row["why"] for row in rows("desk", "changes", "list", "--state", "refused")] == ["not understood"]


def test_a_lock_is_set_and_lifted_with_a_reason(database_url: str) -> None:
    assert "No account is locked." in ivr("desk", "locks", "list").output
    assert "is locked" in ivr("desk", "locks", "set", ACCOUNT).stdout
    assert "already" in ivr("desk", "locks", "set", ACCOUNT).stdout
    assert [row["account"] for row in rows("desk", "locks", "list")] == [ACCOUNT]
    assert "--why" in refused("desk", "locks", "lift", ACCOUNT)
    assert ivr("desk", "locks", "lift", ACCOUNT, "--why", "identity card", "--actor", "clerk7").exit_code == 0
    assert "ivr desk locks list" in refused("desk", "locks", "lift", ACCOUNT, "--why", "again")
    assert "There is no customer" in refused("desk", "locks", "set", "1")
    newest = trail(database_url)[0]
    assert (newest.actor, newest.what, newest.data) == ("clerk7", "account.unlocked", {"why": "identity card"})


def test_slots_are_added_imported_and_listed() -> None:
    there = len(rows("desk", "slots", "list"))
    words = ("desk", "slots", "add", "SH01", "2099-12-01", "9:30", "--capacity", "2")
    assert ivr(*words).stdout == "1 new, 0 changed, 0 unchanged.\n"
    assert ivr(*words).stdout == "0 new, 0 changed, 1 unchanged.\n"
    Path("slots.csv").write_text(
        HEADER + "SH01,,,,2099-12-01,09:30,45,3\nSZ01,agent2,陈顾问,Ms Chen,2099-12-02,14:00,30,1\n", "utf-8"
    )
    assert rows("desk", "slots", "import", "slots.csv") == [{"new": 1, "changed": 1, "unchanged": 0}]
    assert len(rows("desk", "slots", "list")) == there + 2
    assert (
        "2099-12-02 14:00   30 min  SZ01  0/1 booked  agent2" in ivr("desk", "slots", "list", "--branch", "SZ01").stdout
    )
    assert "No appointments" in ivr("desk", "appointments", "list").output
    assert "There is no branch 'XX'" in refused("desk", "slots", "add", "XX", "2099-12-01", "09:30")
    assert "no moment" in refused("desk", "slots", "add", "SH01", "1 December", "09:30")


def test_a_bad_slot_file_names_every_line_and_adds_nothing() -> None:
    there = rows("desk", "slots", "list")
    bad = [
        "SH01,,,,2099-12-01,09:30,30,1",
        "SH01,,,,2099-12-01,09:30,30,1",
        "SH01,agent1,,,2099-12-01,09:30,30,1",
        "SH01,,,,2099-13-01,09:30,30,1",
        "SH01,,,,2099-12-01,09:30,0,1",
        "SH01,,,,2099-12-01,09:30,30,x",
        "SH01,,,,2099-12-01,09:30,30",
        ",,,,2099-12-01,09:30,30,1",
        "=1+1,,,,2099-12-01,09:30,30,1",
    ]
    Path("bad.csv").write_text(HEADER + "\n".join(bad) + "\n", "utf-8")
    said = refused("desk", "slots", "import", "bad.csv")
    assert [line.split(":")[1] for line in said.splitlines()] == ["3", "4", "5", "6", "7", "8", "9", "10"]
    assert rows("desk", "slots", "list") == there
    Path("none.csv").write_text("branch,day\n", "utf-8")
    assert "Begin with: branch,adviser" in refused("desk", "slots", "import", "none.csv")
