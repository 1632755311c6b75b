"""``ivr lines`` as an operator uses it."""

from __future__ import annotations

import asyncio
import datetime
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db.callbacks import Callbacks, CallbackWish
from db.calls import Calls
from db.events import Event, utcnow
from db.store import Store
from ivr import config
from ivr.cli import cli
from ivr.config import CHECKOUT
from ivr.errors import GoldlineError


@pytest.fixture
def dialplans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of our dialplans, which ``ivr`` takes for its own, and an empty run directory."""
    copy = tmp_path / "dialplans"
    shutil.copytree(CHECKOUT / "dialplans", copy)
    monkeypatch.setenv("GOLDLINE_DIALPLANS", str(copy))
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("COLUMNS", "160")
    return copy


def ivr(*words: str) -> Result:
    return CliRunner().invoke(cli, ["lines", *words])


def test_the_lines_we_ship_are_right(dialplans: Path) -> None:
    result = ivr("check")
    assert result.exit_code == 0, result.output
    assert "6 lines read, 0 problems." in result.output


def test_a_fault_is_printed_with_file_line_and_remedy_and_fails(dialplans: Path) -> None:
    file = dialplans / "lines.yaml"
    file.write_text(file.read_text("utf-8").replace("    trunks: city\n", "    trunks: cty\n", 1), "utf-8")
    line = file.read_text("utf-8").splitlines().index("    trunks: cty") + 1
    result = ivr("check")
    assert result.exit_code == 1
    assert f"dialplans/lines.yaml:{line}: main: trunks: there is no trunk group 'cty'. Did you mean 'city'?" in (
        result.output
    )
    assert ivr("check", "--json").exit_code == 1
    shown = ivr("show")
    assert isinstance(shown.exception, GoldlineError)


def test_a_line_that_leads_to_no_flow_fails(dialplans: Path) -> None:
    file = dialplans / "lines.yaml"
    file.write_text(file.read_text("utf-8").replace("flow: main\n", "flow: mian\n", 1), "utf-8")
    result = ivr("check")
    assert result.exit_code == 1
    assert "there is no flow 'mian'. Did you mean 'main'?" in result.output


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [("2026-10-01 10:00", False), ("2026-09-30 10:00", True), ("2026-10-10 10:00", True), ("2026-09-30 20:00", False)],
)
def test_show_says_who_is_open(dialplans: Path, moment: str, is_open: bool) -> None:
    result = ivr("show", "--at", moment, "--json")
    rows = {row["line"]: row for row in map(json.loads, result.output.splitlines())}
    assert rows["main"]["open"]
    assert rows["pudong_branch"]["open"] is is_open
    assert rows["gold"]["numbers"] == ["4008095588"]


def test_show_as_a_table(dialplans: Path) -> None:
    result = ivr("show", "--at", "2026-10-01T10:00")
    assert "金卡专线" in result.output
    assert "holiday 2026-10-01 10:00 Asia/Shanghai" in result.output
    assert ivr("show", "--at", "tomorrow").exit_code == 2


def test_the_lines_for_a_traffic(dialplans: Path, tmp_path: Path) -> None:
    picture = tmp_path / "lines.svg"
    result = ivr("plan", "--traffic", "33.33", "--plot", str(picture))
    assert result.exit_code == 0, result.output
    assert "at most 1.000% refused: 45 lines" in result.output
    assert "Erlang B" in result.output
    assert "<svg" in picture.read_text("utf-8")
    (plan,) = json.loads(ivr("plan", "--traffic", "5.5", "--blocking", "0.03", "--json").output)["plans"]
    assert plan["lines"] == 10


@pytest.mark.parametrize(
    "words", [(), ("--traffic", "5", "--from-journal"), ("--traffic", "-1"), ("--traffic", "5", "--blocking", "0")]
)
def test_what_plan_cannot_be_asked(dialplans: Path, words: tuple[str, ...]) -> None:
    assert ivr("plan", *words).exit_code == 2


def record(directory: Path, events: list[Event]) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{directory}/run/goldline.db")
        await store.migrate()
        await Calls(store).record(events)
        await store.close()

    asyncio.run(run())


def test_the_lines_for_what_the_journal_knows(dialplans: Path, tmp_path: Path) -> None:
    long_ago = utcnow() - datetime.timedelta(days=2)
    quarter = long_ago.replace(minute=0, second=0, microsecond=0)
    events = []
    for number in range(60):
        began = quarter + datetime.timedelta(minutes=number)
        line = "4008095588" if number % 2 else "95500"
        events.append(Event(f"c{number}", "call.started", {"line": line}, began))
        events.append(Event(f"c{number}", "call.ended", {"how": "caller"}, began + datetime.timedelta(minutes=6)))
    record(tmp_path, events)
    result = ivr("plan", "--from-journal", "--days", "7")
    assert result.exit_code == 0, result.output
    assert "city: busiest hour" in result.output
    assert "8 lines (there are 420)" in result.output
    assert "offered = carried erlangs + refused calls x mean holding time" in result.output
    plans = {plan["group"]: plan for plan in json.loads(ivr("plan", "--from-journal", "--json").output)["plans"]}
    assert set(plans) == {"city", "priority"}
    assert plans["city"]["busy_hour"]["served"] == 30
    assert plans["city"]["erlangs"] == pytest.approx(30 * 360 / 3600, rel=0.1)
    assert plans["city"]["lines"] == 8


def test_an_empty_journal_says_what_to_do(dialplans: Path, tmp_path: Path) -> None:
    record(tmp_path, [])
    result = ivr("plan", "--from-journal")
    assert isinstance(result.exception, GoldlineError)
    assert "--traffic" in str(result.exception)


def test_check_of_flows_tells_of_the_lines_as_well(dialplans: Path) -> None:
    file = dialplans / "lines.yaml"
    file.write_text(file.read_text("utf-8").replace("flow: callback}", "flow: calback}", 1), "utf-8")
    result = CliRunner().invoke(cli, ["check"])
    assert result.exit_code == 1
    assert "when_closed: flow: there is no flow 'calback'." in result.output or (
        "when_scarce: flow: there is no flow 'calback'." in result.output
    )


def test_callbacks_are_listed_and_done(dialplans: Path) -> None:
    config.load().run_dir.mkdir()

    async def leave() -> None:
        store = await Store.open(config.load().database_url)
        await store.migrate()
        await Callbacks(store).leave(CallbackWish("+8613800138001", "95500", "zh", "call-1"))
        await store.close()

    asyncio.run(leave())
    (told,) = [json.loads(line) for line in ivr("callbacks", "list", "--json").output.splitlines()]
    assert (told["number"], told["line"], told["state"]) == ("13800138001", "95500", "open")
    assert "13800138001" in ivr("callbacks", "list").output
    assert ivr("callbacks", "done", str(told["id"])).exit_code == 2, "somebody must have done it"
    assert ivr("callbacks", "done", str(told["id"]), "--actor", "wang.fang").exit_code == 0
    assert ivr("callbacks", "list").output == "Nobody waits to be called back.\n"
    (told,) = [json.loads(line) for line in ivr("callbacks", "list", "--all", "--json").output.splitlines()]
    assert told["done_by"] == "wang.fang"
    again = ivr("callbacks", "done", str(told["id"]), "--actor", "wang.fang")
    assert "no open callback" in str(again.exception)
