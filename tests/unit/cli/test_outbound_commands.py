"""``ivr outbound`` as a clerk and cron use it, on both databases."""

from __future__ import annotations

import asyncio
import csv
import datetime
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from db.agent import Agent
from db.agents import Agents
from db.attempts import Attempts, End
from db.audit import Audit
from db.branches import Branches
from db.campaigns import Campaigns
from db.customer import BROKERAGE_TIME, Branch, Customer, Phone, brokerage_day
from db.customers import Customers
from db.do_not_call import DoNotCall, DoNotCallEntry
from db.store import Store
from db.targets import TargetMove, Targets
from ivr.cli import cli
from ivr.errors import GoldlineError
from outbound.campaign_file import CAMPAIGNS

T = TypeVar("T")
NOW = datetime.datetime.now(datetime.UTC)
TODAY = brokerage_day(NOW)
LEASE = datetime.timedelta(minutes=5)


def account(index: int) -> str:
    return f"9{index:011}"


def number(index: int) -> str:
    return f"+861380000{index:04}"


CUSTOMERS = [
    *(
        Customer(
            account(index),
            name_zh=f"客户{index}",
            phones=(Phone(number(index)),),
            status="new",
            branch="SH01" if index % 2 else "SZ01",
            opened_on=TODAY - datetime.timedelta(days=index),
        )
        for index in range(1, 6)
    ),
    Customer(account(6), phones=(), status="new", branch="SH01", opened_on=TODAY),
    Customer(account(7), phones=(Phone(number(7), "unallocated"),), status="new", opened_on=TODAY),
    Customer(account(8), phones=(Phone(number(8)),), status="new", opened_on=TODAY, do_not_call=True),
    Customer(account(9), phones=(Phone(number(9)),), status="new", opened_on=TODAY),
    Customer(account(10), phones=(Phone(number(10)),), status="active", opened_on=TODAY - datetime.timedelta(days=400)),
]


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A brokerage with ten customers, an agent and a trunk."""
    room = tmp_path / "outbound"
    shutil.copytree(CAMPAIGNS.parent, room, ignore=shutil.ignore_patterns("*.py", "announcements", "__pycache__"))
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)
    monkeypatch.setenv("GOLDLINE_OUTBOUND", str(room))
    config = tmp_path / "goldline.toml"
    config.write_text('[[sip.trunks]]\nname = "city"\nhost = "192.0.2.1"\n', "utf-8")
    monkeypatch.setenv("GOLDLINE_CONFIG", str(config))

    async def prepare(store: Store) -> None:
        await store.migrate()
        await Branches(store).put([Branch("SH01", "上海", "Shanghai"), Branch("SZ01", "深圳", "Shenzhen")])
        for customer in CUSTOMERS:
            await Customers(store).put(customer)
        await DoNotCall(store).add([DoNotCallEntry(number(9), "said so")], actor="test")
        await Agents(store).put([Agent("801", skills={"revisit": 2, "complaints": 1})], actor="test")

    ask(database_url, prepare)


def ask(url: str, work: Callable[[Store], Awaitable[T]]) -> T:
    async def go() -> T:
        store = await Store.open(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


def ivr(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["outbound", *words])
    assert result.exception is None or isinstance(result.exception, GoldlineError | SystemExit), result.exception
    return result


def json_of(*words: str) -> Any:
    result = ivr(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


# --- plan -------------------------------------------------------------------------------------------------------------


def test_who_is_planned_and_who_is_left_out(database_url: str) -> None:
    dry = json_of("plan", "new_account_revisit", "--dry-run")
    assert (dry["found"], dry["new"], dry["waiting"], dry["written"]) == (9, 9, 5, False)
    assert json_of("status") == []
    done = json_of("plan", "new_account_revisit")
    assert done | {"written": False} == dry | {"ends_at": done["ends_at"]}
    assert done["left_out"] == {"do_not_call": 2, "no_number": 1, "number_state": 1}
    again = json_of("plan", "new_account_revisit")
    assert (again["new"], again["known"], again["waiting"]) == (0, 9, 0)

    async def look(store: Store) -> list[str]:
        # Whose month ends first is called first.
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
        found = await Targets(store).next("new_account_revisit", later, 9)
        assert found[0].data["opened_on"] == (TODAY - datetime.timedelta(days=5)).isoformat()
        assert found[0].data["last_day"] == (TODAY + datetime.timedelta(days=24)).isoformat()
        assert found[0].name == "客户5"
        return [one.account for one in found]

    assert ask(database_url, look) == [account(index) for index in (5, 4, 3, 2, 1)]


def test_new_customers_come_in_with_the_next_plan(database_url: str) -> None:
    json_of("plan", "new_account_revisit")

    async def change(store: Store) -> None:
        await Customers(store).put(
            Customer(account(20), phones=(Phone(number(20)),), status="new", opened_on=TODAY, branch="SH01")
        )
        await Customers(store).put(Customer(account(6), phones=(Phone(number(6)),), status="new", opened_on=TODAY))

    ask(database_url, change)
    found = json_of("plan", "new_account_revisit")
    assert (found["new"], found["revived"], found["known"]) == (1, 1, 8)
    said = ivr("plan", "new_account_revisit").output
    assert "10 found: 0 new ones are planned, 10 were there already." in said


LIST = """account,share,quantity,price,deadline
{good},贵州茅台,100,8.5,{day}
{other},贵州茅台,200,8.5,{day}
"""


def holders(tmp_path: Path, text: str = LIST, **values: Any) -> str:
    file = tmp_path / "holders.csv"
    day = TODAY + datetime.timedelta(days=6)
    filled = text.format(**({"good": account(1), "other": account(2), "day": day} | values))
    file.write_text(filled, "utf-8")
    return str(file)


def test_a_list(tmp_path: Path, database_url: str) -> None:
    found = json_of("plan", "rights_issue", "--list", holders(tmp_path))
    assert (found["found"], found["waiting"]) == (2, 2)

    async def look(store: Store) -> Any:
        return await Targets(store).latest("rights_issue", account(1))

    one = ask(database_url, look)
    day = (TODAY + datetime.timedelta(days=6)).isoformat()
    assert one.data == {"share": "贵州茅台", "quantity": "100", "price": "8.5", "deadline": day, "last_day": day}
    assert (one.name, one.branch, one.customer is not None) == ("客户1", "SH01", True)


BAD = """account,phones,name,share,quantity,price,deadline
{good},,,贵州茅台,100,8.5,{day}
{good},,,贵州茅台,100,8.5,{day}
,138 0000 0050,王芳,贵州茅台,100,8.5,{day}
,13800000050;021-5550,王芳,贵州茅台,100,8.5,{day}
,12345,,贵州茅台,100,8.5,{day}
,,,贵州茅台,100,8.5,{day}
{nobody},,,贵州茅台,100,8.5,{day}
{other},,,贵州茅台,many,8.5,{day}
{other},,,贵州茅台,100,8.5,tomorrow
{other},,贵州茅台,100,8.5,{day}
{other},,,"贵州茅台",100,8.5,{day}
"""


def test_every_bad_row_is_told_and_nothing_is_half_planned(tmp_path: Path) -> None:
    file = holders(tmp_path, BAD, nobody=account(99))
    result = ivr("plan", "rights_issue", "--list", file)
    assert result.exit_code == 65
    told = result.stderr.splitlines()
    for line, what in (
        (3, f"account: {account(1)} stands in line 2 too. Keep one."),
        (5, "phones: '021-5550' is no telephone number."),
        (6, "phones: 12345 is a service number."),
        (7, "account: neither account nor phones is given."),
        (8, f"account: nobody has the account {account(99)}. Import the customer first."),
        (9, "'quantity' is no number."),
        (10, "'deadline' is no date."),
        (11, "the row has 6 cells, the header 7."),
    ):
        assert any(f"holders.csv:{line}: " in one and what in one for one in told), (line, told)
    assert not any(f"holders.csv:{line}: " in one for line in (2, 4, 12) for one in told)
    assert "8 bad rows: nothing is planned. Mend them, or leave them out with --skip-bad." in result.output
    assert json_of("status") == [], "nothing is half planned"
    skipped = ivr("plan", "rights_issue", "--list", file, "--skip-bad", "--json")
    assert skipped.exit_code == 0
    rows = [json.loads(line) for line in skipped.stdout.splitlines()]
    assert [row["line"] for row in rows[:-1]][:2] == [3, 5]
    assert (rows[-1]["found"], rows[-1]["waiting"], rows[-1]["bad_rows"]) == (3, 3, 8)
    dry = ivr("plan", "rights_issue", "--list", file, "--dry-run")
    assert dry.exit_code == 65
    assert "would be planned" in dry.output


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("account,share,quantity,price", "the column 'deadline' is missing"),
        ("account,share,quantity,price,deadlin", "Did you mean 'deadline'?"),
        ("share,quantity,price,deadline", "neither account nor phones is there"),
        ("account,account,share,quantity,price,deadline", "stands twice"),
        ("account;share;quantity;price;deadline", "not separated by commas"),
        ("", "there is no header"),
    ],
)
def test_wrong_columns(tmp_path: Path, header: str, message: str) -> None:
    result = ivr("plan", "rights_issue", "--list", holders(tmp_path, header + "\n"))
    assert result.exit_code == 65
    assert message in result.output
    assert "account,share,quantity,price,deadline" in result.output or "CSV UTF-8" in result.output


def test_a_list_in_gbk(tmp_path: Path) -> None:
    file = Path(holders(tmp_path))
    file.write_bytes(file.read_text("utf-8").encode("gb18030"))
    assert json_of("plan", "rights_issue", "--list", str(file))["waiting"] == 2


def test_a_list_where_none_belongs_and_none_where_one_does(tmp_path: Path) -> None:
    needed = ivr("plan", "rights_issue")
    assert (needed.exit_code, "--list FILE" in needed.output) == (64, True)
    not_taken = ivr("plan", "dormant", "--list", holders(tmp_path))
    assert not_taken.exit_code in (64, 65)
    away = ivr("plan", "rights_issue", "--list", str(tmp_path / "away.csv"))
    assert (away.exit_code, "cannot be read" in away.output) == (65, True)


def test_who_is_listed_but_not_of_the_campaigns_customers(tmp_path: Path) -> None:
    text = "account,closed_on\n{good},2026-11-02\n"
    found = json_of("plan", "closed_transferred", "--list", holders(tmp_path, text))
    assert found["left_out"] == {"not_in_audience": 1}, "the account is open"


def test_marketing_leaves_out_who_has_not_agreed(tmp_path: Path) -> None:
    text = (
        "account,event,day,at,where,consent\n"
        "{good},策略会,{day},14:00,浦东营业部,form 17\n"
        "{other},策略会,{day},14:00,浦东营业部,\n"
    )
    found = json_of("plan", "event_invitation", "--list", holders(tmp_path, text))
    assert (found["waiting"], found["left_out"]) == (1, {"no_consent": 1})


def test_too_late(tmp_path: Path) -> None:
    file = holders(tmp_path, day=TODAY - datetime.timedelta(days=1))
    assert json_of("plan", "rights_issue", "--list", file)["left_out"] == {"too_late": 2}


# --- list, check, show ------------------------------------------------------------------------------------------------


def test_the_campaigns_there_are() -> None:
    rows = json_of("list")
    assert len(rows) == 12
    assert {row["state"] for row in rows} == {"not planned"}
    json_of("plan", "new_account_revisit")
    assert "planned" in ivr("list").output
    assert {row["campaign"]: row["state"] for row in json_of("list")}["new_account_revisit"] == "planned"


def test_all_are_right_in_this_house() -> None:
    assert json_of("check") == {"campaigns": 12, "problems": []}


def test_what_check_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "outbound" / "campaigns" / "dormant.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("weekdays: [09:30-12:00", "weekdays: [06:30-12:00"), "utf-8")
    result = ivr("check", "dormant")
    assert result.exit_code == 65
    assert "dormant.yaml:15: when: weekdays: 06:30-12:00 is outside the hours" in result.output
    refused = ivr("plan", "dormant")
    assert (refused.exit_code, "06:30-12:00" in refused.output) == (65, True)
    file.write_text(text.replace("skills: {revisit: 1}", "skills: {sales: 1}"), "utf-8")
    (tmp_path / "goldline.toml").write_text("", "utf-8")
    problems = json.loads(ivr("check", "dormant", "--json").stdout)["problems"]
    assert [problem["message"] for problem in problems] == [
        "no agent has the skill sales at level 1 or above.",
        "there is no trunk to call out by.",
    ]


def test_in_words() -> None:
    said = ivr("show", "rights_issue").output
    for words in ("a list (a file that is given when it is planned)", "notice, script rights_issue", "60 lines"):
        assert words in said
    assert json_of("show", "dormant")["attempts"] == "1 a day, 2 a week, 4 in all; then by_hand"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("show", "dormat"), 64, "Did you mean 'dormant'?"),
        (("plan", "../dormant"), 64, "There is no campaign"),
        (("pause", "dormant"), 64, "ivr outbound plan"),
        (("status", "dormant"), 64, "No campaign 'dormant' is planned"),
        (("report", "dormant"), 64, "No campaign 'dormant' is planned"),
        (("plan",), 64, "Missing argument"),
        (("plan", "dormant", "--fast"), 64, "No such option"),
    ],
)
def test_exit_codes_of_wrong_use(words: tuple[str, ...], code: int, message: str) -> None:
    result = ivr(*words)
    assert (result.exit_code, message in result.output) == (code, True), result.output


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert ivr("status").exit_code == 69


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", "oracle://somewhere/else")
    assert ivr("status").exit_code == 78
    monkeypatch.setenv("GOLDLINE_COLOUR", "blue")
    assert ivr("status").exit_code == 78


# --- pause, resume, stop ----------------------------------------------------------------------------------------------


def test_orders(database_url: str) -> None:
    json_of("plan", "new_account_revisit")
    assert "is paused: nothing more is dialled" in ivr("pause", "new_account_revisit", "--by", "wang.wu").output
    assert "there is nothing to do" in ivr("pause", "new_account_revisit").output
    assert json_of("resume", "new_account_revisit") == {
        "campaign": "new_account_revisit",
        "state": "planned",
        "changed": True,
    }
    assert "is stopped" in ivr("stop", "new_account_revisit").output
    assert json_of("stop", "new_account_revisit")["changed"] is False

    async def trail(store: Store) -> list[tuple[str, str]]:
        return [(entry.what, entry.actor) for entry in await Audit(store).of_account("")][:4]

    acts = ask(database_url, trail)
    assert [what for what, _ in acts[:3]] == ["campaign.stopped", "campaign.resumed", "campaign.paused"]
    assert acts[2][1] == "wang.wu"


# --- status, report, settle -------------------------------------------------------------------------------------------


def a_day_of_calls(url: str) -> None:
    """One reached, one refused, one dropped, one with a dead number; one is being called."""

    async def call(store: Store) -> None:
        name = "new_account_revisit"
        campaigns, targets, attempts = Campaigns(store), Targets(store), Attempts(store)
        now = datetime.datetime.now(datetime.UTC)
        assert await campaigns.take_run(name, holder="host:17", now=now, lease=LEASE)
        ends = [
            (End("reached", live=True), TargetMove("reached", "reached")),
            (End("hung_up", live=True), TargetMove("refused", "key_9")),
            (End("abandoned", live=True, abandoned=True), TargetMove("waiting", "abandoned", now, guaranteed=True)),
            (End("unallocated", phone="unallocated"), TargetMove("by_hand", "number_state")),
            (None, None),
        ]
        for target, (end, move) in zip(await targets.next(name, now, 5), ends, strict=True):
            phone = number(int(target.account[1:]))
            one = await attempts.lease(target, phone, mode="power", holder="c", now=now, lease=LEASE)
            assert one
            dialling = await attempts.dial(one, channel=one.call, now=now, lease=LEASE)
            assert dialling
            if end is None:
                continue
            assert move
            if end.live:
                answered = await attempts.answered(dialling, now=now, lease=LEASE)
                assert answered
                dialling = answered
            assert await attempts.ended(dialling, end, move, now=now)

    ask(url, call)


def test_status(database_url: str) -> None:
    json_of("plan", "new_account_revisit")
    (before,) = json_of("status")
    assert (before["done"], before["drop_rate"], before["hours_left"]) == (4, None, None)
    a_day_of_calls(database_url)
    (one,) = json_of("status", "new_account_revisit")
    assert (one["state"], one["holder"], one["calling"]) == ("running", "host:17", 1)
    assert (one["targets"], one["done"], one["waiting"]) == (9, 7, 2)
    assert (one["reached"], one["refused"], one["by_hand"], one["left_out"]) == (1, 1, 1, 4)
    assert (one["attempts"], one["wrong_numbers"], one["calls_per_hour"]) == (4, 1, 4)
    assert (one["answer_share"], one["drop_rate"]) == (0.75, 0.3333)
    said = " ".join(ivr("status", "--once").output.split())
    for words in ("running since", "done 7 of 9", "wrong numbers 1", "drop rate 33.3%, hour 33.3%"):
        assert words in said


def test_coverage(database_url: str, tmp_path: Path) -> None:
    json_of("plan", "new_account_revisit")
    a_day_of_calls(database_url)
    table, chart = tmp_path / "coverage.csv", tmp_path / "coverage.svg"
    said = ivr("report", "new_account_revisit", "--csv", str(table), "--plot", str(chart)).output
    assert "1 by_hand: number_state: unallocated" in said
    assert "2 excluded: do_not_call" in said
    with table.open(encoding="utf-8-sig", newline="") as handle:
        rows = {row["branch"]: row for row in csv.DictReader(handle)}
    assert list(rows) == ["-", "SH01", "SZ01", "all"]
    assert (rows["SH01"]["targets"], rows["SH01"]["reached"], rows["SH01"]["coverage"]) == ("4", "1", "0.25")
    assert (rows["all"]["targets"], rows["all"]["coverage"]) == ("9", "0.1111")
    drawn = chart.read_text("utf-8")
    assert drawn.startswith("<?xml") or "<svg" in drawn
    assert "SH01 (4)" in drawn
    found = json_of("report", "new_account_revisit", "--branch", "SZ01")
    assert [row["branch"] for row in found] == ["SZ01", "all"]
    assert found[0]["why"]["refused/key_9"] == 1


def test_what_people_must_see_to(database_url: str, tmp_path: Path) -> None:
    json_of("plan", "new_account_revisit")
    a_day_of_calls(database_url)
    person = json_of("report", "new_account_revisit", "--by-hand")
    assert (person["account"], person["why"], person["last_outcome"]) == (account(2), "number_state", "unallocated")
    assert person["numbers"] == f"{number(2)}(unallocated)"
    table = tmp_path / "hand.csv"
    ivr("report", "--by-hand", "--csv", str(table))
    text = table.read_text("utf-8-sig")
    assert f"'{number(2)}(unallocated)" in text, "no spreadsheet takes it for a formula"
    assert ivr("settle", "new_account_revisit", account(2)).exit_code == 64
    settled = ivr("settle", "new_account_revisit", account(2), "--reached", "--why", "letter")
    assert (settled.exit_code, settled.output) == (0, f"{account(2)} is reached.\n")
    again = ivr("settle", "new_account_revisit", account(2), "--again")
    assert again.exit_code == 1
    assert "1 reached" not in ivr("report", "new_account_revisit").output
    (row,) = [row for row in json_of("report", "new_account_revisit") if row["branch"] == "all"]
    assert (row["reached"], row["by_hand"]) == (2, 0)


def test_help_names_the_exit_codes() -> None:
    for words in ((), ("plan",), ("status",), ("report",)):
        said = ivr(*words, "--help").output
        assert "75 another process does it just now" in " ".join(said.split())


def test_planned_in_the_brokerages_time() -> None:
    ends = datetime.datetime.fromisoformat(json_of("plan", "new_account_revisit")["ends_at"])
    assert ends.astimezone(BROKERAGE_TIME).time() == datetime.time()
    assert (ends.astimezone(BROKERAGE_TIME).date() - TODAY).days == 31
