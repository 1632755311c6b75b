"""Account numbers, PINs and codes that callers key in are nowhere afterwards: in no log, journal, name or channel.

The calls of this module key in digits that occur nowhere else, in every way a call can go: right, wrong, typed ahead,
broken off, under a controller that is killed and a database that is broken, with everything told that Asterisk and the
controller can be made to tell. Then every file of the hotline is searched, and whatever it shows on request.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from conftest import RunningAsterisk, settings_for, start_asterisk
from digits import forms, traces, traces_below
from hotline import LOOPBACK, Hotline, Journal, Together, Voice, journal, voice
from known_customers import Conversation, KnownCustomers, Texts, own_hotline, running_with

from ivr.config import Log, Sms
from ivr.flow.trace import HIDDEN

pytestmark = pytest.mark.asterisk
__all__ = ["journal"]

MAY_NAME_ACCOUNTS = {"customers", "audit", "tier_changes"}

known = KnownCustomers()
texts = Texts()
together = Together()
told = together.fixture()


def planted_pin() -> str:
    """A PIN of digits that callers' numbers and accounts do not have here: it is not a part of one by chance."""
    return "".join(secrets.SystemRandom().sample("56789", 3) + secrets.SystemRandom().sample("56789", 3))


def planted_account() -> str:
    """An account number of small digits."""
    return "4" + "".join(secrets.choice("01234") for _ in range(15))


def planted_caller() -> str:
    """A caller's number of small digits."""
    return "0" + "".join(secrets.choice("01234") for _ in range(10))


def a_pin() -> str:
    """One that the hotline takes: no half of it twice, not in a row."""
    while (pin := planted_pin())[:3] == pin[3:] or pin in "567896" or len(set(pin)) < 4:
        pass
    return pin


RIGHT, WRONG, AHEAD, BREAKS_OFF, BY_TEXT, KILLED, BROKEN, ASTRAY = (
    known.one(account=planted_account(), pin=a_pin()) for _ in range(8)
)
NEW_PIN, WRONG_PIN, NOBODYS_PIN, LONG_PIN = a_pin(), a_pin(), a_pin(), a_pin() + "56789567"
NOBODY = planted_account()

DIGITS = {
    **{f"account {number}": one.account for number, one in enumerate(known._known)},
    **{f"PIN {number}": one.pin for number, one in enumerate(known._known)},
    "new PIN": NEW_PIN,
    "wrong PIN": WRONG_PIN,
    "nobody's account": NOBODY,
    "nobody's PIN": NOBODYS_PIN,
    "too long a PIN": LONG_PIN,
}
shown: dict[str, bytes] = {}  # what the hotline showed on request, by what was asked


@pytest.fixture(scope="module")
def talkative() -> Iterator[RunningAsterisk]:
    """An Asterisk of this module's own, with everything turned on that makes it tell more."""
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))
    running = start_asterisk(settings_for(run_dir))
    try:
        for command in ("core set verbose 9", "core set debug 9", "agi set debug on", "pjsip set logger on"):
            running.cli(command)
        yield running
    finally:
        running.process.stop()
        shutil.rmtree(run_dir)


@pytest.fixture(scope="module")
def hotline(talkative: RunningAsterisk) -> Iterator[Hotline]:
    """A controller that logs whatever it can."""
    one = own_hotline(talkative, "store", sms=Sms(url=texts.url, token="a-token"), log=Log(level="debug"))
    with texts.taken(), running_with(one, known) as running:
        yield running


async def show(hotline: Hotline, journal: Journal, when: str) -> None:
    """Keep what the hotline shows now."""
    for command in ("core show channels verbose", "core show channels concise", "core show globals"):
        shown[f"{when}: {command}"] = hotline.asterisk.cli(command).encode()
    for line in hotline.asterisk.cli("core show channels concise").splitlines():
        channel = line.partition("!")[0]
        shown[f"{when}: channel {channel}"] = hotline.asterisk.cli(f"core show channel {channel}").encode()
    async with aiohttp.ClientSession() as http:
        for page in ("health", "metrics"):
            with contextlib.suppress(aiohttp.ClientError):  # there is none while the controller is dead
                async with http.get(f"http://{LOOPBACK}:{hotline.asterisk.port('http')}/{page}") as answer:
                    shown[f"{when}: /{page}"] = await answer.read()
    shown[f"{when}: /events"] = json.dumps(journal.fed, default=str, ensure_ascii=False).encode()


@together
async def test_proven_and_another_pin(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press("3")
        await talk.hears_and_presses(("enter_account", f"{RIGHT.account}#"), ("prove_how", "1"))
        await talk.hears("enter_pin")
        await show(hotline, journal, "asked for the PIN")
        phone.press(f"{RIGHT.pin[:4]}")
        await phone.pressed()
        await show(hotline, journal, "in the middle of the PIN")
        phone.press(f"{RIGHT.pin[4:]}#")
        await talk.hears("account_menu")
        await show(hotline, journal, "proven")
        phone.press("2")
        await talk.hears_and_presses(("enter_new_pin", f"{NEW_PIN}#"), ("enter_new_pin_again", f"{NEW_PIN}#"))
        await talk.hears("pin_changed")
        await talk.hangs_up()
    await show(hotline, journal, "proven, gone")


@together
async def test_a_wrong_pin_too_long_a_pin_and_an_account_that_nobody_has(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    async with hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press("3")
        await talk.gives_account_and_pin(WRONG.account, LONG_PIN)
        await talk.hears("pin_wrong_length")
        phone.press(f"{WRONG_PIN}#")
        await talk.hears("identity_wrong")
        await talk.gives_account_and_pin(NOBODY, NOBODYS_PIN)
        await talk.hears("identity_wrong")
        await show(hotline, journal, "wrong")
        await talk.hangs_up()
    await show(hotline, journal, "wrong, gone")


@together
async def test_all_typed_ahead(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled(caller=planted_caller()) as phone:
        await phone.hears_more(0.1)
        phone.press(f"3{AHEAD.account}#1{AHEAD.pin}#")
        talk = await Conversation.of(phone, journal, expected)
        await talk.hears("account_menu")
        await talk.hangs_up()
    await show(hotline, journal, "typed ahead")


@together
async def test_hung_up_in_the_middle_of_the_pin(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press(f"3{BREAKS_OFF.account}#1")
        await talk.hears("enter_pin")
        phone.press(BREAKS_OFF.pin[:5])
        await phone.pressed()
        await talk.hangs_up()
    await show(hotline, journal, "broken off")


@together
async def test_a_pin_typed_where_the_menu_asks(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press(f"3{ASTRAY.account}#{ASTRAY.pin}#")  # without the 1 between them
        await talk.call.until_said("give_up")  # cut short by the rest of the PIN
        assert await phone.over() == 0
    assert await talk.call.keyed() == ["3", HIDDEN, HIDDEN, HIDDEN, HIDDEN]
    await show(hotline, journal, "astray")


@together
async def test_a_code_by_text_message(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press(f"3{BY_TEXT.account}#2")
        await talk.hears("enter_sms_code")
        phone.press(f"{texts.code_for(BY_TEXT)}#")
        await talk.hears("account_menu")
        await show(hotline, journal, "by text")
        await talk.hangs_up()


async def test_the_controller_is_killed_in_the_middle_of_the_pin(
    hotline: Hotline, journal: Journal, told: object
) -> None:
    async with voice(hotline) as expected, hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press(f"3{KILLED.account}#1")
        await talk.hears("enter_pin")
        phone.press(KILLED.pin[:5])
        await phone.pressed()
        hotline.kill()
        await show(hotline, journal, "killed")
        await hotline.start()
        await talk.call.until("call.resumed")
        # The account is not remembered: it is asked for again.
        await talk.gives_account_and_pin(KILLED.account, KILLED.pin)
        await talk.hears("account_menu")
        await show(hotline, journal, "resumed")
        await talk.hangs_up()


async def test_the_database_breaks_under_the_proof(hotline: Hotline, journal: Journal, told: object) -> None:
    async with voice(hotline) as expected, hotline.dialled(caller=planted_caller()) as phone:
        talk = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press(f"3{BROKEN.account}#1")
        await talk.hears("enter_pin")
        with without_table(hotline, "customers"):
            phone.press(f"{BROKEN.pin}#")
            await talk.hears("service_unavailable")
        await show(hotline, journal, "broken")
        await talk.hangs_up()


async def test_no_digit_is_left_anywhere(hotline: Hotline, journal: Journal, told: object) -> None:
    await show(hotline, journal, "at last")
    codes = {f"code {n}": "".join(c for c in one["text"] if c.isdigit())[:6] for n, one in enumerate(texts.sent)}
    assert codes
    digits = {**DIGITS, **codes}
    run_dir = hotline.asterisk.settings.run_dir
    found = [f"{what}, {dress}: {where}" for where, text in shown.items() for what, dress in _all(digits, text)]
    found += [f"{what}, {dress}: table {table}" for table, what, dress in in_tables(hotline, digits)]
    in_files = list(traces_below(run_dir, digits))
    # The tables were searched one by one: as a file the database has the accounts that three of them may name.
    found += [one for one in in_files if not (one.startswith("account") and ", plain: in store/goldline.db" in one)]
    assert found == []
    logs = [path for path in (run_dir / "log").rglob("*") if path.is_file()]
    assert b"level=debug" in hotline.output.read_bytes()
    assert hotline.asterisk.layout.messages_log in logs
    for log in logs:
        assert b"DTMF" not in log.read_bytes().upper(), f"{log} tells keys"
    keyed: dict[str, str] = {}
    for event in [json.loads(row[0]) | {"call": row[1]} for row in rows(hotline, "keyed")]:
        keyed[event["call"]] = keyed.get(event["call"], "") + event["keys"]
    assert keyed
    # Nor key by key, over several questions.
    assert [call for call, keys in keyed.items() for sought in digits.values() if sought[:3] in keys] == []


@pytest.mark.parametrize("dress", list(forms("0")))
async def test_the_search_finds_what_is_planted_on_purpose(hotline: Hotline, dress: str) -> None:
    run_dir = hotline.asterisk.settings.run_dir
    for what in ("account 0", "PIN 0"):
        planted = run_dir / "log" / "planted.log"
        planted.write_bytes(b'{"at": "12:00:00.000001", "said": "' + forms(DIGITS[what])[dress] + b'"}\n')
        try:
            found = list(traces_below(run_dir / "log", {what: DIGITS[what]}))
        finally:
            planted.unlink()
        assert f"{what}, {dress}: in planted.log" in found


async def test_the_search_finds_names_tables_and_what_is_shown(hotline: Hotline) -> None:
    run_dir, pin = hotline.asterisk.settings.run_dir, DIGITS["PIN 0"]
    planted = run_dir / "recordings" / f"{pin}.wav"
    planted.touch()
    try:
        assert list(traces_below(run_dir / "recordings", {"PIN": pin})) == [f"PIN, plain: in the name {pin}.wav"]
    finally:
        planted.unlink()
    account = DIGITS["account 0"]
    assert {table for table, _, _ in in_tables(hotline, {"it": account}, allowed=set())} >= {"customers", "audit"}
    assert traces(account, b"GOLDLINE_CHECKPOINT=account." + forms(account)["base64 +1"]) == ["base64 +1"]


def _all(digits: dict[str, str], text: bytes) -> Iterator[tuple[str, str]]:
    for what, sought in digits.items():
        for dress in traces(sought, text):
            yield what, dress


def in_tables(
    hotline: Hotline, digits: dict[str, str], allowed: set[str] = MAY_NAME_ACCOUNTS
) -> Iterator[tuple[str, str, str]]:
    """Each trace in a table of the store; accounts may stand in some of them."""
    with contextlib.closing(sqlite3.connect(database(hotline))) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            text = repr(store.execute(f'SELECT * FROM "{table}"').fetchall()).encode()
            for what, dress in _all(digits, text):
                if not ("account" in what and table in allowed):
                    yield table, what, dress


def rows(hotline: Hotline, kind: str) -> list[Any]:
    """The journal's events of that kind in their order: (data, call)."""
    with contextlib.closing(sqlite3.connect(database(hotline))) as store:
        query = "SELECT data, call_id FROM call_events WHERE kind = ? ORDER BY at, position"
        return store.execute(query, (kind,)).fetchall()


def database(hotline: Hotline) -> Path:
    """The file of the store."""
    return hotline.asterisk.settings.run_dir / "store" / "goldline.db"


@contextlib.contextmanager
def without_table(hotline: Hotline, table: str) -> Iterator[None]:
    """The store lacks it meanwhile: every statement that asks for it fails, with its values in hand."""
    with contextlib.closing(sqlite3.connect(database(hotline), timeout=10)) as store:
        store.execute("PRAGMA legacy_alter_table = ON")
        store.execute(f'ALTER TABLE "{table}" RENAME TO "away"')
        store.commit()
        try:
            yield
        finally:
            store.execute(f'ALTER TABLE "away" RENAME TO "{table}"')
            store.commit()
