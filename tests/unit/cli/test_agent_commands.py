"""``ivr agents`` and ``ivr seats`` as an operator and a supervisor's assistant use them."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db import demo
from db.agent_pins import AgentPins
from db.audit import Audit
from db.exclusive import exclusively
from db.store import Store
from ivr.asterisk import secrets_file
from ivr.asterisk.layout import Layout
from ivr.cli import cli
from ivr.errors import GoldlineError
from ivr.identity.keys import pepper

AGENTS = (
    "id,name_zh,name_en,branch,languages,skills,role\n"
    "801,李雷,Li Lei,SH01,zh en,licensed:5 orders:3,agent\n"
    "900,王主管,,,zh,,supervisor\n"
)
SEATS = "id,kind,endpoint,trunk,number,branch\nS1,softphone,801,,,SH01\nM1,mobile,,carrier,13800138000,\n"


@pytest.fixture(autouse=True)
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A hotline of our own, with one branch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)
    secrets_file.load_or_create(Layout(tmp_path).secrets_file)
    Path("branches.csv").write_text("code,name_zh,name_en,number,address\nSH01,上海,Shanghai,,\n", "utf-8")
    assert ivr("customers", "branches", "branches.csv").exit_code == 0
    Path("a.csv").write_text(AGENTS, "utf-8")
    Path("s.csv").write_text(SEATS, "utf-8")


def ivr(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, words, input=typed)


def done(*words: str, typed: str | None = None) -> str:
    result = ivr(*words, typed=typed)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def imported() -> None:
    done("agents", "import", "a.csv")
    done("seats", "import", "s.csv")


def ask(database_url: str, question: Callable[[Store], object]) -> object:
    async def go() -> object:
        store = await Store.open(database_url)
        try:
            return await question(store)  # type: ignore[misc]
        finally:
            await store.close()

    return asyncio.run(go())


def test_importing_twice_is_importing_once() -> None:
    assert "2 rows, 0 bad. Imported: 2 new, 0 changed, 0 unchanged." in done("agents", "import", "a.csv")
    assert "Imported: 0 new, 0 changed, 2 unchanged." in done("agents", "import", "a.csv")
    assert "Imported: 2 new, 0 changed, 0 unchanged." in done("seats", "import", "s.csv")
    assert "Imported: 0 new, 0 changed, 2 unchanged." in done("seats", "import", "s.csv")
    Path("a.csv").write_text("id,role\n801,senior\n")
    assert "Imported: 0 new, 1 changed, 0 unchanged." in done("agents", "import", "a.csv")
    shown = json.loads(done("agents", "show", "801", "--json"))
    assert (shown["role"], shown["name_zh"], shown["skills"]) == ("senior", "李雷", {"licensed": 5, "orders": 3})


def test_a_dry_run_counts_and_writes_nothing() -> None:
    Path("a.csv").write_text(AGENTS + "7,赵,,,zh,,agent\n", "utf-8")
    result = ivr("agents", "import", "a.csv", "--dry-run", "--json")
    assert result.exit_code == 2
    fault, summary = (json.loads(line) for line in result.stdout.splitlines())
    assert (fault["line"], fault["column"]) == (4, "id")
    assert summary == {
        "encoding": "UTF-8",
        "rows": 3,
        "bad": 1,
        "written": False,
        "new": 2,
        "changed": 0,
        "unchanged": 0,
    }
    assert done("agents", "list", "--json") == ""


BAD_AGENTS = (
    ("0801,x,,,zh,,agent", "id: '0801' is no agent's id."),
    ("80a,x,,,zh,,agent", "id: '80a' is no agent's id."),
    ("801,x,,,zh,,agent", "id: 801 stands twice, first in line 2."),
    ("802,,,,zh,,agent", "the agent has no name."),
    ("803,x,,SH02,zh,,agent", "branch: there is no branch 'SH02'. Did you mean 'SH01'?"),
    ("804,x,,,fr,,agent", "languages: languages cannot hold 'fr'."),
    ("805,x,,,,,agent", "languages: languages is empty."),
    ("806,x,,,zh,orders,agent", "skills: 'orders' is no skill with its level."),
    ("807,x,,,zh,orders:6,agent", "skills: 'orders:6' is no skill with its level."),
    ("808,x,,,zh,orders:1 orders:2,agent", "skills: the skill orders stands twice."),
    ("809,x,,,zh,,boss", "role: role cannot be 'boss'."),
    ("810,=cmd(),,,zh,,agent", "name_zh: '=cmd()' is a formula."),
    ("811,x,zh", "the row has 3 cells, the header 7."),
    ('812,"x"y,,,zh,,agent', "this is no CSV"),
)
BAD_SEATS = (
    ("S2,softphone,,,,", "a softphone needs an endpoint."),
    ("S3,softphone,802,t,,", "a softphone has no trunk and no number."),
    ("S4,mobile,,carrier,,", "a mobile seat needs a trunk and a number."),
    ("S5,trunk,802,carrier,8001,", "a trunk seat has no endpoint."),
    ("S6,sofa,802,,,", "kind: kind cannot be 'sofa'."),
    ("S7,softphone,8/02,,,", "endpoint: endpoint cannot be '8/02'."),
    ("S8,mobile,,carrier,138x,", "number: '138x' is no number."),
    ("S9,softphone,801,,,", "seat S1 rings PJSIP/801 already."),
    ("M2,mobile,,carrier,+86 138 0013 8000,", "seat M1 rings PJSIP/13800138000@carrier already."),
)


@pytest.mark.parametrize(
    ("what", "file", "good", "bad"), [("agents", "a.csv", AGENTS, BAD_AGENTS), ("seats", "s.csv", SEATS, BAD_SEATS)]
)
def test_every_bad_row_is_told_by_its_line_and_one_stops_all(
    what: str, file: str, good: str, bad: tuple[tuple[str, str], ...]
) -> None:
    Path(file).write_text(good + "".join(f"{row}\n" for row, _ in bad), "utf-8")
    result = ivr(what, "import", file)
    assert result.exit_code == 2
    told = result.stdout.splitlines()
    assert len(told) == len(bad) + 1
    for line, (_, says) in enumerate(bad, start=4):
        assert told[line - 4].startswith(f"{file}:{line}: {says}")
    assert f"{len(bad)} bad: nothing is written" in told[-1]
    assert done(what, "list", "--json") == ""
    result = ivr(what, "import", file, "--good-rows-only")
    assert result.exit_code == 2
    assert "Imported: 2 new" in result.stdout


NO_FILES = (
    ("id,pin\n801,290518\n", "column 'pin' is refused"),
    ("name_zh\nx\n", "the column 'id' is missing"),
    ("id,nmae_zh\n801,x\n", "Did you mean 'name_zh'"),
    ("id,id\n801,801\n", "stands twice"),
)


def test_a_file_that_is_none() -> None:
    for header, says in NO_FILES:
        Path("a.csv").write_text(header)
        result = ivr("agents", "import", "a.csv")
        assert isinstance(result.exception, GoldlineError)
        assert says in str(result.exception)


def test_a_mobile_always_asks_for_the_key() -> None:
    imported()
    rows = {row["id"]: row for row in map(json.loads, done("seats", "list", "--json").splitlines())}
    assert (rows["M1"]["accept_key"], rows["S1"]["accept_key"]) == (True, False)
    assert rows["M1"]["dialled"] == "PJSIP/13800138000@carrier"
    result = ivr("seats", "add", "M1", "--accept-key", "no")
    assert result.exit_code != 0
    assert "voicemail" in result.output


def test_what_is_exported_imports_back_to_the_same() -> None:
    imported()
    assert "2 agents" in done("agents", "export", "ax.csv")
    assert "2 seats" in done("seats", "export", "sx.csv")
    for name in ("ax.csv", "sx.csv"):
        assert Path(name).stat().st_mode & 0o777 == 0o600
    assert "0 new, 0 changed, 2 unchanged" in done("agents", "import", "ax.csv")
    assert "0 new, 0 changed, 2 unchanged" in done("seats", "import", "sx.csv")
    rows = list(csv.DictReader(Path("ax.csv").read_text("utf-8-sig").splitlines()))
    assert rows[0]["skills"] == "licensed:5 orders:3"
    assert isinstance(ivr("agents", "export", "no/such/a.csv").exception, GoldlineError)


def test_gbk_is_read_and_said() -> None:
    Path("a.csv").write_bytes(AGENTS.encode("gbk"))
    assert json.loads(done("agents", "import", "a.csv", "--json").splitlines()[-1])["encoding"] == "GBK"
    assert json.loads(done("agents", "show", "801", "--json"))["name_zh"] == "李雷"


def test_a_day_of_an_agent_from_the_command_line(database_url: str) -> None:
    imported()
    assert "801 is idle at S1" in done("agents", "login", "801", "S1", "--actor", "boss")
    assert "801 idle" in done("seats", "list")
    assert "paused (lunch) at S1" in done("agents", "pause", "801", "--reason", "lunch", "--actor", "boss")
    (row,) = map(json.loads, done("agents", "list", "--state", "paused", "--json").splitlines())
    assert (row["id"], row["session"]["reason"], row["session"]["seat"]) == ("801", "lunch", "S1")
    shown = done("agents", "show", "801")
    assert "idle → paused  pause lunch by boss" in shown
    assert "801 is idle at S1" in done("agents", "resume", "801", "--actor", "boss")
    assert "801 is logged_out" in done("agents", "logout", "801", "--actor", "boss")
    done("agents", "leave", "801", "--actor", "boss")
    assert "801" not in done("agents", "list")
    assert "(left)" in done("agents", "list", "--all")
    done("seats", "remove", "S1", "--actor", "boss")
    trail = ask(database_url, lambda store: Audit(store).latest())
    assert isinstance(trail, tuple)
    assert [
        (entry.what, entry.data.get("agent", entry.data.get("seat"))) for entry in trail if entry.actor == "boss"
    ] == [
        ("seat.removed", "S1"),
        ("agent.left", "801"),
        ("agent.logged_out", "801"),
        ("agent.resumed", "801"),
        ("agent.paused", "801"),
        ("agent.logged_in", "801"),
    ]


REFUSED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("login", "900", "S9"), "no seat 'S9'"),
    (("login", "899", "S1"), "no agent '899'"),
    (("login", "900", "S1"), "Agent 801 sits at seat S1"),
    (("login", "801", "M1"), "Agent 801 is idle at seat S1 and cannot log in. Log out first."),
    (("pause", "801", "--reason", "lunhc"), "Did you mean 'lunch'?"),
    (("pause", "900", "--reason", "lunch"), "Agent 900 is logged_out and cannot pause. Log in at a seat first."),
    (("resume", "801"), "takes calls already"),
    (("leave", "801"), "`ivr agents logout 801` first"),
    (("show", "899"), "no agent '899'"),
    (("add", "12", "--name-zh", "x"), "is no agent's id"),
    (("add", "802"), "has no name"),
    (("pin", "899"), "no agent '899'"),
)


def test_what_cannot_be_done_is_said_with_its_remedy() -> None:
    imported()
    done("agents", "login", "801", "S1")
    for words, says in REFUSED:
        result = ivr("agents", *words, typed="290518\n290518\n")
        assert result.exit_code != 0
        assert says in result.output + str(result.exception)


def test_nobody_takes_a_seat_away_from_under_an_agent() -> None:
    imported()
    done("agents", "login", "801", "S1")
    result = ivr("seats", "remove", "S1")
    assert "Agent 801 sits at seat S1" in str(result.exception)
    assert "no seat 'S9'" in str(ivr("seats", "remove", "S9").exception)


def test_a_pin_is_typed_unseen_and_proves_the_agent(tmp_path: Path, database_url: str) -> None:
    imported()
    result = ivr("agents", "pin", "801", typed="290518\n290518\n")
    assert result.exit_code == 0
    assert "290518" not in result.output
    key = pepper(secrets_file.load(Layout(tmp_path).secrets_file).identity_key.encode())

    def proven(pin: str) -> object:
        return ask(database_url, lambda store: AgentPins(store, key).check_pin("801", pin))

    assert proven("290518") is True
    assert proven("290519") is False
    done("agents", "pin", "801", "--remove")
    assert proven("290518") is False


def test_agents_and_seats_are_added_and_changed_one_by_one() -> None:
    words = ("--name-en", "Han Meimei", "--branch", "SH01", "--dialects", "wuu yue", "--skills", "orders:4")
    assert "802 is added." in done("agents", "add", "802", *words)
    assert "802 is unchanged." in done("agents", "add", "802", *words)
    assert json.loads(done("agents", "add", "802", "--calls-per-day", "80", "--json"))["did"] == "changed"
    shown = json.loads(done("agents", "show", "802", "--json"))
    assert (shown["dialects"], shown["calls_per_day"], shown["branch"]) == (["wuu", "yue"], 80, "SH01")
    assert "B1 is added." in done(
        "seats", "add", "B1", "--kind", "trunk", "--trunk", "sh01", "--number", "8001", "--kept-open", "yes"
    )
    assert "PJSIP/8001@sh01  kept-open  free" in done("seats", "list")
    result = ivr("seats", "add", "B2", "--kind", "trunk", "--trunk", "sh01", "--number", "8001")
    assert "seat B1 rings PJSIP/8001@sh01 already" in result.output


def test_cron_is_told_that_another_is_at_work(database_url: str) -> None:
    async def go() -> Result:
        store = await Store.open(database_url)
        try:
            async with exclusively(store, "agents"):
                return await asyncio.get_running_loop().run_in_executor(None, ivr, "agents", "import", "a.csv")
        finally:
            await store.close()

    assert asyncio.run(go()).exit_code == 3


def test_the_demonstration_has_agents_and_seats(database_url: str) -> None:
    ask(database_url, demo.load)
    ask(database_url, demo.load)
    agents = [json.loads(line) for line in done("agents", "list", "--json").splitlines()]
    seats = [json.loads(line) for line in done("seats", "list", "--json").splitlines()]
    assert {agent["role"] for agent in agents} == {"agent", "senior", "supervisor"}
    assert {seat["kind"] for seat in seats} == {"softphone", "browser", "mobile", "trunk"}
    done("agents", "export", "ax.csv")
    done("seats", "export", "sx.csv")
    assert "0 new, 0 changed" in done("agents", "import", "ax.csv")
    assert "0 new, 0 changed" in done("seats", "import", "sx.csv")


AGENT_COMMANDS = ("list", "show", "import", "export", "add", "leave", "pin", "login", "logout", "pause", "resume")
SEAT_COMMANDS = ("list", "add", "remove", "import", "export")


def test_help_shows_examples() -> None:
    for words in (
        ("agents",),
        *(("agents", name) for name in AGENT_COMMANDS),
        ("seats",),
        *(("seats", name) for name in SEAT_COMMANDS),
    ):
        assert f"ivr {' '.join(words)}" in done(*words, "--help")


def test_a_telephones_password_is_shown_once() -> None:
    imported()
    assert "PJSIP/801  no-password  free" in done("seats", "list")
    made = json.loads(done("seats", "password", "S1", "--json"))
    assert made["user"] == "801"
    assert len(made["password"]) >= 20
    assert made["ports"] == {"sip": 5060, "sips": 5061, "ws": 8088, "wss": 8089}
    shown = done("seats", "list") + done("seats", "list", "--json") + done("audit", "latest", "--json")
    assert "no-password" not in shown
    assert made["password"] not in shown
    assert made["password"] not in done("seats", "password", "S1"), "the next one is another one"
    assert "has no password now" in done("seats", "password", "S1", "--remove")
    assert "no-password" in done("seats", "list")


def test_a_seat_that_is_rung_by_number_has_no_password() -> None:
    imported()
    assert "rung by its number" in str(ivr("seats", "password", "M1").exception)


def test_the_codes_are_shown_with_the_reasons() -> None:
    said = done("seats", "codes")
    assert "*11 [agent]     Log in                签入" in said
    assert "reason 2    Lunch" in said
    rows = [json.loads(line) for line in done("seats", "codes", "--json").splitlines()]
    assert {"code": "*19", "act": "log_out", "argument": "", "zh": "签出", "en": "Log out"} in rows


def test_no_seat_takes_an_account_of_goldlines_own() -> None:
    said = ivr("seats", "add", "S1", "--kind", "softphone", "--endpoint", "1001")
    assert said.exit_code == 2
    assert "Goldline's own" in said.output


def test_an_agent_is_unlocked_with_a_reason() -> None:
    imported()
    assert "801: 0 wrong tries are forgotten." in done("agents", "unlock", "801", "--why", "showed his badge")
    assert "There is no agent" in str(ivr("agents", "unlock", "999", "--why", "?").exception)
    assert "showed his badge" in done("audit", "latest", "--json")
