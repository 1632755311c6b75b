"""``ivr calendar`` as staff use it, on both databases."""

from __future__ import annotations

import asyncio
import datetime
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db.store import Store
from ivr import doctor
from ivr.cli import cli
from ivr.config import load
from ivr.doctor import Finding, Status
from ivr.errors import GoldlineError

pytestmark = pytest.mark.usefixtures("hotline")

CLOSED = ["2027-01-01,2027-01-03,New Year", "2027-02-05,2027-02-14,春节", "2027-04-05,,Qingming"]
CLOSED += ["2027-05-03,2027-05-05,Labour Day", "2027-10-01,2027-10-07,National Day"]


@pytest.fixture
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", database_url)

    async def prepare() -> None:
        store = await Store.open(database_url)
        await store.migrate()
        await store.close()

    asyncio.run(prepare())


def ivr(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["calendar", *words])
    assert result.exception is None or isinstance(result.exception, GoldlineError | SystemExit), result.exception
    return result


def written(path: Path, *lines: str, encoding: str = "utf-8") -> str:
    path.write_text("\n".join(("first,last,name", *lines)) + "\n", encoding)
    return str(path)


def examined() -> Finding:
    (check,) = [one for one in doctor.CHECKS if one.name == "trading days"]
    (finding,) = asyncio.run(doctor.examine(load(), [check]))
    return finding


def a_day_in(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    moment = datetime.datetime.fromisoformat(f"{day}T10:00+08:00")
    monkeypatch.setattr("db.events.utcnow", lambda: moment)
    monkeypatch.setattr("ivr.doctor.utcnow", lambda: moment)


def test_a_year_is_taken_in_and_the_alarm_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_day_in(monkeypatch, "2026-12-15")
    assert ivr("check").exit_code == 1
    assert "16 days from now" in ivr("check").output
    assert examined().status is Status.WARN
    assert "ivr calendar import" in examined().remedy
    file = written(tmp_path / "2027.csv", *CLOSED, encoding="gbk")
    assert "Nothing is written" in ivr("import", file, "--year", "2027", "--dry-run").output
    assert ivr("check").exit_code == 1
    taken = ivr("import", file, "--year", "2027")
    assert taken.exit_code == 0
    assert "trading days" in taken.output
    assert examined().status is Status.OK
    listed = ivr("list", "--year", "2027")
    assert "2027-02-08 Mon  closed  春节" in listed.output
    days = [json.loads(line) for line in ivr("list", "--year", "2027", "--all", "--json").stdout.splitlines()]
    assert len(days) == 365
    assert sum(day["trading"] for day in days) == 261 - 16


def test_the_lines_calendar_must_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_day_in(monkeypatch, "2026-09-01")
    assert ivr("check").exit_code == 0
    assert ivr("set", "2026-09-18", "closed", "--why", "typhoon").exit_code == 0
    checked = json.loads(ivr("check", "--json").stdout)
    assert checked["at_odds"] == ["2026-09-18 is no holiday there, and the exchanges are closed."]
    assert ivr("check").exit_code == 1


def test_bad_files_write_nothing(tmp_path: Path) -> None:
    half = written(tmp_path / "half.csv", CLOSED[0])
    result = ivr("import", half, "--year", "2027")
    assert result.exit_code == 2
    assert "a whole year has more" in result.output
    wrong = written(tmp_path / "wrong.csv", *CLOSED, "2027-13-01,,x")
    result = ivr("import", wrong, "--year", "2027")
    assert result.exit_code == 2
    assert f"{wrong}:7: '2027-13-01' is no date" in result.output
    assert ivr("import", written(tmp_path / "year.csv", *CLOSED), "--year", "2028").exit_code == 2
    assert ivr("list", "--year", "2027", "--json").stdout == ""


def test_one_day_is_set_with_its_reason() -> None:
    assert ivr("set", "2026-09-18", "closed", "--why", " ").exit_code == 2
    assert "2026-09-18 is closed." in ivr("set", "2026-09-18", "closed", "--why", "typhoon", "--actor", "li.si").output
    assert "was closed already" in ivr("set", "2026-09-18", "closed", "--why", "typhoon").output
    assert "closed  typhoon  (by li.si)" in ivr("list").output
    unknown = ivr("set", "2031-09-18", "closed", "--why", "x")
    assert isinstance(unknown.exception, GoldlineError)
    assert "--year 2031" in unknown.exception.remedy
