"""``ivr customers`` and ``ivr tiers`` as a clerk, an operator and cron use them."""

from __future__ import annotations

import asyncio
import csv
import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db import demo
from db.audit import Audit
from db.customer import Customer
from db.customers import Customers
from db.exclusive import exclusively
from db.pins import Pins
from db.store import Store
from ivr.asterisk import secrets_file
from ivr.asterisk.layout import Layout
from ivr.cli import cli
from ivr.errors import GoldlineError
from ivr.identity.keys import pepper

FILE = (
    "account,name_zh,phones,branch,tier,assets\n"
    "900000000001,王小明,13800138000:stopped,SH01,normal,6000000\n"
    "900000000002,李四,,SH01,gold,10\n"
)


@pytest.fixture(autouse=True)
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A hotline of our own, with one branch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)
    secrets_file.load_or_create(Layout(tmp_path).secrets_file)
    Path("branches.csv").write_text("code,name_zh,name_en,number,address\nSH01,上海,Shanghai,,\n", "utf-8")
    assert ivr("customers", "branches", "branches.csv").output.startswith("1 branches")
    Path("c.csv").write_text(FILE, "utf-8")


def ivr(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, words, input=typed)


def ask(database_url: str, question: Callable[[Store], object]) -> object:
    async def go() -> object:
        store = await Store.open(database_url)
        try:
            return await question(store)  # type: ignore[misc]
        finally:
            await store.close()

    return asyncio.run(go())


def customer(database_url: str, account: str) -> Customer | None:
    found = ask(database_url, lambda store: Customers(store).by_account(account))
    assert found is None or isinstance(found, Customer)
    return found


def summary(result: Result) -> dict[str, object]:
    found = json.loads(result.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_importing_twice_is_importing_once(database_url: str) -> None:
    first = ivr("customers", "import", "c.csv")
    assert first.exit_code == 0, first.output
    assert "2 rows, 0 bad. Imported: 2 new, 0 changed, 0 unchanged" in first.stdout
    assert "c.csv is UTF-8" in first.stderr
    wang = customer(database_url, "900000000001")
    assert wang
    assert (wang.name_zh, wang.phones[0].state, wang.branch) == ("王小明", "stopped", "SH01")
    assert "0 new, 0 changed, 2 unchanged" in ivr("customers", "import", "c.csv").stdout


def test_columns_that_are_absent_are_left_alone(database_url: str) -> None:
    ivr("customers", "import", "c.csv")
    before = customer(database_url, "900000000001")
    Path("d.csv").write_text("account,email\n900000000001,wang@example.com\n")
    assert "0 new, 1 changed" in ivr("customers", "import", "d.csv").stdout
    after = customer(database_url, "900000000001")
    assert before
    assert after
    assert after.email == "wang@example.com"
    assert (after.phones, after.assets, after.name_zh) == (before.phones, before.assets, before.name_zh)


def test_one_bad_row_stops_all_unless_only_the_good_are_wanted(database_url: str) -> None:
    Path("c.csv").write_text(FILE + "900000000003,赵六,138,SH02,golden,x\n", "utf-8")
    result = ivr("customers", "import", "c.csv")
    assert result.exit_code == 2
    assert "c.csv:4: phones: '138' is no telephone number." in result.stdout
    assert "c.csv:4: branch: there is no branch 'SH02'. Did you mean 'SH01'?" in result.stdout
    assert "nothing is written" in result.stdout
    assert customer(database_url, "900000000001") is None
    result = ivr("customers", "import", "c.csv", "--good-rows-only")
    assert result.exit_code == 2
    assert "3 rows, 1 bad. Imported: 2 new" in result.stdout
    assert customer(database_url, "900000000001")
    assert customer(database_url, "900000000003") is None


def test_a_dry_run_lists_and_counts_and_writes_nothing(database_url: str) -> None:
    Path("c.csv").write_text(FILE + "9,赵六,,,,\n", "utf-8")
    result = ivr("customers", "import", "c.csv", "--dry-run", "--json")
    assert result.exit_code == 2
    fault = json.loads(result.stdout.splitlines()[0])
    assert (fault["line"], fault["column"]) == (4, "account")
    assert fault["what"]
    assert fault["remedy"]
    counts = {"new": 2, "changed": 0, "unchanged": 0, "tiers": 0}
    assert summary(result) == {"encoding": "UTF-8", "rows": 3, "bad": 1, "written": False, **counts}
    assert customer(database_url, "900000000001") is None


def test_gbk_is_read_and_said(database_url: str) -> None:
    Path("c.csv").write_bytes(FILE.encode("gbk"))
    assert summary(ivr("customers", "import", "c.csv", "--json"))["encoding"] == "GBK"
    wang = customer(database_url, "900000000001")
    assert wang
    assert wang.name_zh == "王小明"


def test_what_is_exported_imports_back_to_the_same_and_holds_no_pin(database_url: str) -> None:
    Path("c.csv").write_text(FILE + "900000000003,'=cmd(),,,silver,\n", "utf-8")
    assert ivr("customers", "import", "c.csv").exit_code == 0
    assert ivr("customers", "pin", "900000000001", typed="290518\n290518\n").exit_code == 0
    result = ivr("customers", "export", "out.csv")
    assert "3 customers" in result.stdout
    out = Path("out.csv")
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    text = out.read_text("utf-8-sig")
    assert "290518" not in text
    assert "argon" not in text
    rows = list(csv.DictReader(text.splitlines()))
    assert not [name for name in rows[0] if "pin" in name or "hash" in name]
    assert rows[2]["name_zh"] == "'=cmd()"
    assert rows[0]["phones"] == "13800138000:stopped"
    assert "0 new, 0 changed, 3 unchanged" in ivr("customers", "import", "out.csv").stdout
    assert not list(Path().glob(".out.csv*")), "nothing unfinished is left"


def test_an_export_that_cannot_be_written_says_so() -> None:
    result = ivr("customers", "export", "no/such/place.csv")
    assert isinstance(result.exception, GoldlineError)
    assert "cannot be written" in str(result.exception)


def test_a_pin_needs_the_secrets_of_an_installation(tmp_path: Path) -> None:
    ivr("customers", "import", "c.csv")
    Layout(tmp_path).secrets_file.unlink()
    result = ivr("customers", "pin", "900000000001", typed="290518\n290518\n")
    assert isinstance(result.exception, GoldlineError)
    assert "ivr run" in str(result.exception)


def test_a_pin_is_typed_unseen_and_a_weak_one_refused(tmp_path: Path, database_url: str) -> None:
    ivr("customers", "import", "c.csv")

    def proven(pin: str) -> object:
        key = secrets_file.load(Layout(tmp_path).secrets_file).identity_key.encode()
        return ask(database_url, lambda store: Pins(store, pepper(key)).check_pin("900000000001", pin))

    result = ivr("customers", "pin", "900000000001", typed="290518\n290518\n")
    assert result.exit_code == 0
    assert "290518" not in result.output
    assert proven("290518") is True
    result = ivr("customers", "pin", "900000000001", typed="123456\n123456\n")
    assert isinstance(result.exception, GoldlineError)
    assert "123456" not in str(result.exception) + result.output
    assert ivr("customers", "pin", "900000000001", "--remove").exit_code == 0
    assert proven("290518") is False


def test_a_recompute_explains_and_journals_every_change(database_url: str) -> None:
    ivr("customers", "import", "c.csv")
    dry = ivr("tiers", "recompute", "--dry-run")
    assert "900000000001: normal → platinum: 6,000,000 yuan of assets reach platinum (5,000,000)" in dry.stdout
    assert "2 customers: 1 risen, 0 fallen, 1 newly" in dry.stdout
    wang = customer(database_url, "900000000001")
    assert wang
    assert wang.tier == "normal"
    result = ivr("tiers", "recompute")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:-1] == dry.stdout.splitlines()[:-1]
    wang = customer(database_url, "900000000001")
    assert wang
    assert wang.tier == "platinum"
    shown = ivr("tiers", "show", "900000000001").stdout
    assert "6,000,000 yuan of assets reach platinum" in shown
    assert "(by recompute)" in shown
    assert "kept until" in ivr("tiers", "show", "900000000002").stdout
    again = ivr("tiers", "recompute", "--json")
    assert summary(again) == {"customers": 2, "risen": 0, "fallen": 0, "waiting": 0, "written": True}


def test_an_override_takes_effect_at_once_and_a_recompute_respects_it(database_url: str) -> None:
    ivr("customers", "import", "c.csv")
    words = (
        "tiers",
        "override",
        "900000000002",
        "platinum",
        "--until",
        "2999-01-01",
        "--why",
        "promised",
        "--by",
        "boss",
    )
    assert "900000000002: gold → platinum: override until 2999-01-01: promised" in ivr(*words).stdout
    assert "already" in ivr(*words).stdout
    ivr("tiers", "recompute")
    li = customer(database_url, "900000000002")
    assert li
    assert li.tier == "platinum"
    shown = json.loads(ivr("tiers", "show", "900000000002", "--json").stdout)
    assert "by boss: promised" in shown["override"]
    assert shown["history"][0]["actor"] == "boss"
    assert "platinum → gold" in ivr("tiers", "lift", "900000000002", "--why", "over").stdout
    trail = ask(database_url, lambda store: Audit(store).of_account("900000000002"))
    assert "promised" in str(trail)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("override", "900000000001", "gold", "--until", "2020-01-01", "--why", "x"), "that day is over"),
        (("override", "900000000001", "gold", "--until", "soon", "--why", "x"), "soon"),
        (("override", "900000000001", "golden", "--until", "2999-01-01", "--why", "x"), "golden"),
        (("override", "900000000001", "gold", "--until", "2999-01-01", "--why", " "), "say the reason"),
        (("override", "900000000001", "gold", "--until", "2999-01-01"), "--why"),
        (("override", "7", "gold", "--until", "2999-01-01", "--why", "x"), "no customer with account number 7"),
        (("show", "7"), "no customer with account number 7"),
        (("lift", "900000000001", "--why", "x"), "No override"),
        (("recompute", "--rules", "none.yaml"), "none.yaml:1: the file cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], says: str) -> None:
    ivr("customers", "import", "c.csv")
    result = ivr("tiers", *words)
    assert result.exit_code != 0
    assert says in result.output + str(result.exception)


def test_cron_is_told_that_another_is_at_work(database_url: str) -> None:
    async def go() -> tuple[Result, Result]:
        store = await Store.open(database_url)
        try:
            async with exclusively(store, "tiers"), exclusively(store, "customers"):
                loop = asyncio.get_running_loop()
                return (
                    await loop.run_in_executor(None, ivr, "tiers", "recompute"),
                    await loop.run_in_executor(None, ivr, "customers", "import", "c.csv"),
                )
        finally:
            await store.close()

    recompute, imported = asyncio.run(go())
    assert (recompute.exit_code, imported.exit_code) == (3, 3)
    assert "Another process" in recompute.stderr
    assert ivr("tiers", "recompute").exit_code == 0


def test_an_opened_account_from_the_future_is_a_bad_row() -> None:
    tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=2)
    Path("c.csv").write_text(f"account,opened_on\n900000000001,{tomorrow}\n")
    assert "future" in ivr("customers", "import", "c.csv").stdout


def test_help_shows_examples() -> None:
    for words in (("customers",), ("customers", "import"), ("tiers",), ("tiers", "recompute"), ("tiers", "override")):
        assert f"ivr {' '.join(words)}" in ivr(*words, "--help").stdout


def test_the_demonstration_goes_out_and_comes_back(database_url: str) -> None:
    ask(database_url, demo.load)
    assert "4 customers" in ivr("customers", "export", "out.csv").stdout
    assert "4 rows, 0 bad. Imported: 0 new, 0 changed, 4 unchanged" in ivr("customers", "import", "out.csv").stdout
    assert "4 customers: 0 risen, 0 fallen, 0 newly" in ivr("tiers", "recompute").stdout, "its figures fit its tiers"
