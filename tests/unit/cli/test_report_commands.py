"""``ivr report`` and ``ivr why`` as a supervisor uses them."""

from __future__ import annotations

import asyncio
import csv
import datetime
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from db.agent import Agent, StateChange
from db.agents import Agents
from db.calls import Calls
from db.events import Event, utcnow
from db.store import Store
from ivr.cli import cli
from tests.unit.db.test_report_rows import keep_changes

ONE = datetime.timedelta(seconds=1)
# Noon in Shanghai, of a day that is over.
NOON = (utcnow() - datetime.timedelta(days=2)).replace(hour=4, minute=0, second=0, microsecond=0)
DAY = f"{NOON:%Y-%m-%d}"
AGENT = {"agent": "801", "seat": "S1"}
CALLER = "13800138000"


def call(name: str, seconds: float, tier: str, *rows: tuple[float, str, dict[str, Any]]) -> list[Event]:
    began = NOON + seconds * ONE
    wait = {"joined": (began + ONE).isoformat(), "tier": tier, "line": "95500", "language": "zh", "branch": "SH01"}
    told = [
        Event(name, "call.started", {"caller": CALLER, "line": "95500"}, began),
        Event(name, "wait.joined", wait, began + ONE),
    ]
    return told + [Event(name, kind, data, began + after * ONE) for after, kind, data in rows]


@pytest.fixture(autouse=True)
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls: one answered in time after a seat that did not answer, one given up after 30 s."""
    url = f"sqlite+aiosqlite:///{tmp_path}/goldline.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", url)
    made = {"waited": 0.1, "standing": "by urgency", "urgency": 1.25, "ring": "own branch", "words": ["Longest idle."]}
    answered = call(
        "goldline-1.7",
        0,
        "gold",
        (1, "offer.made", {**made, "agent": "802", "seat": "S2"}),
        (9, "offer.failed", {"agent": "802", "seat": "S2", "how": "no_answer", "seconds": 8.0}),
        (10, "offer.made", {**made, **AGENT}),
        (14, "talk.began", {**AGENT, "waited": 13.0, "tier": "gold"}),
        (74, "talk.ended", {**AGENT, "seconds": 60.0, "how": "caller"}),
        (80, "survey", {"agent": "801", "score": 5}),
        (81, "call.ended", {"how": "hotline"}),
    )
    given_up = call(
        "goldline-1.8", 100, "normal", (31, "wait.left", {"how": "abandoned", "waited": 30.0}), (31, "call.ended", {})
    )
    alone = [
        Event("goldline-1.9", "call.started", {"caller": "", "line": "4008095588"}, NOON),
        Event("goldline-1.9", "call.ended", {"how": "caller"}, NOON + 9 * ONE),
    ]
    talked = StateChange(
        "801", "S1", NOON + 14 * ONE, NOON + 74 * ONE, "talking", "wrap_up", "hang_up", "801", "goldline-1.7"
    )
    wrapped = StateChange(
        "801", "S1", NOON + 74 * ONE, NOON + 94 * ONE, "wrap_up", "idle", "ready", "801", "goldline-1.7"
    )
    idle = StateChange("801", "S1", NOON + 94 * ONE, NOON + 174 * ONE, "idle", "logged_out", "log_out", "801")

    async def happen(store: Store) -> None:
        await store.migrate()
        await Calls(store).record(answered + given_up + alone)
        await Agents(store).put([Agent("801", name_zh="李雷", name_en="Li Lei", branch="")], actor="test")
        await keep_changes(store, [talked, wrapped, idle])

    do(url, happen)


def do(url: str, work: Callable[[Store], Awaitable[None]]) -> None:
    async def go() -> None:
        store = await Store.open(url)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(go())


def ivr(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def figures(group: dict[str, Any]) -> dict[str, Any]:
    return {figure["name"]: figure for figure in group["figures"]}


def test_the_figures_of_a_day() -> None:
    shown = ivr("report", "--from", DAY, "--language", "en")
    assert shown.exit_code == 0, shown.output
    lines = {line.split("  ")[0].strip(): line.split() for line in shown.output.splitlines() if line}
    assert lines["Service level"][-3:] == ["50.0%", "1", "2"]
    assert lines["Average handling time"][-4:] == ["80.0", "s", "80.0", "1"]
    assert lines["Occupancy"][-3:] == ["50.0%", "80.0", "160.0"]
    assert lines["gold"][1:5] == ["1", "1", "100.0%", "90.0%"]
    assert "90% / 20 s" in shown.output
    assert "服务水平" in ivr("report", "--from", DAY).output, "the hotline's own language"


def test_json_has_every_figure_with_its_formula_and_numbers() -> None:
    told = json.loads(ivr("report", "--from", DAY, "--by", "line", "--json").output)
    assert (told["from"], told["to"], told["time_zone"]) == (DAY, DAY, "Asia/Shanghai")
    groups = {(group["by"], group["group"]): figures(group) for group in told["groups"]}
    assert set(groups) == {("all", "all"), ("line", "gold"), ("line", "main")}
    abandonment = groups["line", "main"]["abandonment"]
    assert (abandonment["value"], abandonment["numerator"], abandonment["denominator"]) == (0.5, 1, 2)
    assert abandonment["formula"]["en"] == "abandoned / wanted a person"
    assert abandonment["unit"] == "share"
    assert groups["line", "gold"]["self_service"]["value"] == 1
    assert groups["all", "all"]["first_contact"]["value"] is None, "two days are too early for a week"


def test_short_abandons_and_days_are_options() -> None:
    told = json.loads(ivr("report", "--from", DAY, "--json", "--short", "31", "--first-contact-days", "1").output)
    found = figures(told["groups"][0])
    assert found["short_abandoned"]["value"] == 1
    assert found["abandonment_without_short"]["value"] == 0
    assert "31 s" in found["short_abandoned"]["formula"]["en"]
    # The caller who was answered tried again, 100 s later.
    assert (found["first_contact"]["numerator"], found["first_contact"]["denominator"]) == (0, 1)


def test_a_table_for_a_spreadsheet(tmp_path: Path) -> None:
    file = tmp_path / "agents.csv"
    assert ivr("report", "--from", DAY, "--by", "agent", "--csv", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel wants its mark"
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    (aht,) = [row for row in rows if (row["by"], row["group"], row["figure"]) == ("agent", "801", "aht")]
    assert (aht["value"], aht["unit"], aht["denominator"]) == ("80.0", "s", "1")
    assert aht["formula_zh"]


def test_a_chart_of_the_hours(tmp_path: Path) -> None:
    file = tmp_path / "hours.svg"
    assert ivr("report", "--from", DAY, "--chart", str(file), "--language", "en").exit_code == 0
    text = "".join(ElementTree.fromstring(file.read_text("utf-8")).itertext())
    for word in ("service level", "target", "answered", "abandoned"):
        assert word in text
    error = ivr("report", "--from", "2001-01-01", "--chart", str(tmp_path / "empty.svg")).exception
    assert "Nobody wanted a person" in str(error)


def test_formulas_need_no_hotline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert "= abandoned / wanted a person" in ivr("report", "--formulas", "--language", "en").output
    rows = [json.loads(line) for line in ivr("report", "--formulas", "--json").output.splitlines()]
    assert {"zh", "en"} == set(rows[0]["formula"])


@pytest.mark.parametrize("by", ["line", "tier", "branch", "agent", "hour", "day"])
def test_every_way_to_break_it_down(by: str) -> None:
    shown = ivr("report", "--from", "2026-01-01", "--to", DAY, "--by", by)
    assert shown.exit_code == 0, shown.output
    assert {"line": "main", "tier": "gold", "branch": "SH01", "agent": "李雷", "hour": "12:00", "day": DAY}[
        by
    ] in shown.output


def test_days_the_wrong_way_round() -> None:
    from ivr.report.period import BadPeriod

    assert isinstance(ivr("report", "--from", DAY, "--to", "2001-01-01").exception, BadPeriod)


def test_why_tells_the_whole_story() -> None:
    shown = ivr("why", "goldline-1.7", "--language", "en")
    assert shown.exit_code == 0, shown.output
    text = [line.strip().split("  ")[-1] for line in shown.output.splitlines()]
    assert text[1:] == [
        "Was answered after 13.0 s.",
        "wanted a person, as gold, in zh, of branch SH01, customer unknown",
        "offered to agent 802 at S2 after 0.1 s",
        "standing by urgency, urgency 1.25, ring own branch",
        "Longest idle.",
        "agent 802 at S2 did not answer, after 8.0 s",
        "offered to agent 801 at S1 after 0.1 s",
        "standing by urgency, urgency 1.25, ring own branch",
        "Longest idle.",
        "agent 801 at S1 took the call",
        "the talk ended after 60.0 s: the caller hung up",
        "the caller's mark: 5",
    ]
    assert "座席 801（S1）接通" in ivr("why", "goldline-1.7").output


def test_why_by_the_end_of_a_number_tells_the_latest_call_and_names_the_others() -> None:
    shown = ivr("why", CALLER[-4:], "--language", "en")
    assert "Gave up after 30.0 s." in shown.output
    assert "Others that fit: goldline-1.7" in shown.output


def test_why_for_machines_and_for_nobody() -> None:
    told = json.loads(ivr("why", "goldline-1.7", "--json").output)
    assert (told["outcome"], told["waited"], told["talks"][0]["score"]) == ("answered", 13.0, 5)
    assert [offer["how"] for offer in told["offers"]] == ["no_answer", "answered"]
    assert ivr("why", "goldline-1.9", "--language", "en").output.splitlines()[1] == "This call never wanted a person."
    assert ivr("why", "nobody").exit_code == 1
    assert ivr("why", "7").exit_code == 2


async def test_why_a_call_still_waits_is_asked_from_whoever_knows() -> None:
    from ivr import config
    from ivr.cli.why import _told

    now = utcnow()

    class Controller:
        async def why_waiting(self, call: str) -> tuple[str, ...]:
            return (f"{call} is number 1.",)

    settings = config.load()
    store = await Store.open(settings.database_url)
    await Calls(store).record(
        [
            Event("goldline-2.1", "call.started", {"caller": "1"}, now),
            Event("goldline-2.1", "wait.joined", {"joined": now.isoformat(), "tier": "gold"}, now),
        ]
    )
    await store.close()
    found = await _told(settings, "goldline-2.1", now, Controller())
    assert found
    assert found[1] == ("goldline-2.1 is number 1.",)
    over = await _told(settings, "goldline-1.7", now, Controller())
    assert over
    assert over[1] == ()
