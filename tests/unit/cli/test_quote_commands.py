"""``ivr quotes`` as an operator uses it, and what the doctor says of the feed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from db import demo
from db.store import Store
from ivr import doctor
from ivr.cli import cli
from ivr.config import load
from ivr.doctor import Check, Finding, Status
from ivr.errors import GoldlineError

pytestmark = pytest.mark.usefixtures("hotline")


@pytest.fixture
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path))

    async def prepare() -> None:
        store = await Store.open(load().database_url)
        await store.migrate()
        await demo.load(store)
        await store.close()

    asyncio.run(prepare())


def ivr(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["quotes", *words])
    assert result.exception is None or isinstance(result.exception, GoldlineError | SystemExit), result.exception
    return result


def test_the_provider_of_the_settings_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demonstration = ivr("show", "600519")
    assert demonstration.exit_code == 0
    assert "贵州茅台" in demonstration.output
    file = tmp_path / "quotes.csv"
    file.write_text(
        "code,market,last,previous_close,at,status\n600519,SSE,1947.00,1770.00,2026-03-02 14:30:00,\n"
        "600009,SSE,35.1,35.1,2026-03-02 14:30:00,suspended\n"
    )
    monkeypatch.setenv("GOLDLINE_QUOTES__PROVIDER", "csv")
    monkeypatch.setenv("GOLDLINE_QUOTES__FILE", str(file))
    shown = ivr("show", "600519", "600009", "000001", "999999")
    assert shown.exit_code == 1
    moutai, airport, *_ = shown.output.splitlines()
    assert moutai.endswith("1947.00    10.00 %  2026-03-02 14:30:00  old, at its upper price limit")
    assert airport.endswith("old, suspended")
    assert "says nothing" in shown.output
    assert "no such instrument" in shown.output
    (row,) = (json.loads(line) for line in ivr("show", "600519", "--json").stdout.splitlines())
    assert (row["last"], row["percent"], row["market"]) == ("1947.00", "10.00", "SSE")
    file.unlink()
    failed = ivr("show", "600519").exception
    assert isinstance(failed, GoldlineError)
    assert "quotes.file" in failed.remedy


def test_a_name_is_spelled() -> None:
    assert ivr("spell", "gzmt").output == ivr("spell", "4968").output == "600519  SSE  贵州茅台  Kweichow Moutai\n"
    found = json.loads(ivr("spell", "moutai", "--language", "en", "--json").stdout)
    assert found["code"] == "600519"


def test_instruments_are_taken_in(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("code,market,kind,name_zh,name_en\n605499,SSE,,东鹏饮料,Eastroc\n600519,SSE,,贵州茅台酒,\n", "gbk")
    assert "Nothing is written" in ivr("import", str(file), "--dry-run").output
    assert ivr("spell", "dpyl").output == ""
    assert ivr("import", str(file)).exit_code == 0
    assert ivr("spell", "dpyl").output == "605499  SSE  东鹏饮料  Eastroc\n"
    assert ivr("spell", "gzmtj").output == "600519  SSE  贵州茅台酒  贵州茅台酒\n"


@pytest.mark.parametrize(
    ("rows", "line", "what"),
    [
        ("code,market\n600519,SSE\n", 1, "missing: name_zh"),
        ("code,market,name_zh,price\n", 1, "unknown: price"),
        ("code,market,name_zh\n60519,SSE,某某\n", 2, "six digits"),
        ("code,market,name_zh\n600519,NYSE,某某\n", 2, "Known: SSE, SZSE"),
        ("code,market,kind,name_zh\n600519,SSE,bond,某某\n", 2, "Known: share, index"),
        ("code,market,name_zh\n600519,SSE,\n", 2, "name is missing"),
        ("code,market,name_zh\n600519,SSE,某\x07某\n", 2, "control character"),
        ("code,market,name_zh\n600519,SSE,某某\n600519,sse,某某\n", 3, "twice"),
    ],
)
def test_a_bad_list_is_refused_with_its_line(tmp_path: Path, rows: str, line: int, what: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(rows, "utf-8")
    result = ivr("import", str(file))
    assert result.exit_code == 2
    assert f"{file}:{line}: " in result.output
    assert what in result.output
    assert "贵州茅台" in ivr("spell", "gzmt").output, "nothing was written"


@pytest.mark.parametrize(
    ("quotes", "status", "what"),
    [
        ({"provider": "licensed", "age_seconds": 2.5, "quotes": 99, "instruments": 100}, Status.OK, "licensed answers"),
        ({"provider": "licensed", "age_seconds": 95, "quotes": 99, "instruments": 100}, Status.FAIL, "for 95 s"),
        ({"provider": "licensed", "age_seconds": None, "quotes": 0, "instruments": 100}, Status.FAIL, "never"),
        ({"provider": "licensed", "age_seconds": 1, "quotes": 50, "instruments": 100}, Status.WARN, "50 of 100"),
        ({"provider": "licensed", "age_seconds": 1, "quotes": 0, "instruments": 0}, Status.WARN, "find nothing"),
        (
            {"provider": "x", "age_seconds": 1, "quotes": 9, "instruments": 9, "frozen": ["SSE"]},
            Status.FAIL,
            "repeats itself: no newer quotes of SSE",
        ),
        (None, Status.WARN, "not known"),
    ],
)
def test_the_doctor_looks_at_the_feed(
    monkeypatch: pytest.MonkeyPatch, quotes: dict[str, Any] | None, status: Status, what: str
) -> None:
    finding = asyncio.run(examined(monkeypatch, quotes))
    assert finding.status is status
    assert what in finding.what
    assert bool(finding.remedy) == (status is not Status.OK)


async def examined(monkeypatch: pytest.MonkeyPatch, quotes: dict[str, Any] | None) -> Finding:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"ok": True, "quotes": quotes}).encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        monkeypatch.setenv("GOLDLINE_PORTS__HTTP", str(server.sockets[0].getsockname()[1]))
        check: Check = next(one for one in doctor.CHECKS if one.name == "quotes")
        (finding,) = await doctor.examine(load(), [check])
    return finding
