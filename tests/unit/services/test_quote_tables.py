"""Quotes from a CSV file, from a database, and the mapping of a JSON feed."""

from __future__ import annotations

import datetime
import os
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from db.instruments import Instrument
from db.store import Store
from ivr import config
from ivr.services.quotes import json_feed
from ivr.services.quotes.choice import Source, open_in_any_case, open_provider
from ivr.services.quotes.demo import DemoQuoteProvider
from ivr.services.quotes.json_feed import JsonFormat, MappingInvalid
from ivr.services.quotes.model import EXCHANGE_TIME
from ivr.services.quotes.row import moment_of, quote_of_row
from ivr.services.quotes.table_feed import CsvFeed, SqlFeed, TableUnreadable
from ivr.services.quotes.wire import BadAnswer, BadLine

MOUTAI = Instrument("600519", "SSE", "share", "贵州茅台", "Kweichow Moutai")
BANK = Instrument("000001", "SZSE", "share", "平安银行", "Ping An Bank")
COMPOSITE = Instrument("000001", "SSE", "index", "上证指数", "SSE Composite Index")
ALL = (MOUTAI, BANK, COMPOSITE)
HEADER = "code,market,last,previous_close,open,high,low,volume,turnover,at,status\n"
ROW = "600519,SSE,1788.50,1770.00,1771,1790,1765.5,2345600,4180000000,2026-11-20 10:30:00,\n"


async def test_a_csv_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("\ufeff" + HEADER + ROW, "utf-8")
    feed = CsvFeed(path)
    (quote,) = await feed.quotes(ALL)
    assert (quote.last, quote.volume, quote.status) == (Decimal("1788.50"), 2_345_600, "trading")
    assert quote.at == datetime.datetime(2026, 11, 20, 10, 30, tzinfo=EXCHANGE_TIME)
    more = "000001,,11.5,11.6,,,,,,2026-11-20T02:30:00+00:00,\n"  # two instruments have this code
    more += "000001,SZSE,11.5,11.6,,,,,,2026-11-20T02:30:00+00:00,suspended\n600036,SSE,1,1,1,1,1,1,1,20261120103000,\n"
    path.write_text(HEADER + ROW.replace("1788.50", "1789.00") + more, "utf-8")
    os.utime(path, ns=(1, 1))
    first, second = await feed.quotes(ALL)
    assert (first.last, second.instrument, second.status) == (Decimal("1789.00"), BANK, "suspended")
    await feed.close()


async def test_a_csv_file_that_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text(HEADER + ROW + "000001,SZSE,11.5,11.", "utf-8")
    assert [quote.instrument for quote in await CsvFeed(path).quotes(ALL)] == [MOUTAI]
    path.write_text(HEADER + ROW.replace("1788.50", "abc") + ROW.replace("600519", "000001").replace("SSE", "SZSE"))
    assert [quote.instrument for quote in await CsvFeed(path).quotes(ALL)] == [BANK]


@pytest.mark.parametrize("text", [None, "code,last\n", b"code,last,previous_close,at\n\xff\xfe,1,1,1\n"])
async def test_a_csv_file_that_cannot_be_read(tmp_path: Path, text: str | bytes | None) -> None:
    path = tmp_path / "quotes.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TableUnreadable, match="cannot be read"):
        await CsvFeed(path).quotes(ALL)


async def test_a_table_in_a_database(database_url: str) -> None:
    store = await Store.open(database_url)
    create = "CREATE TABLE board (sec VARCHAR(9), mk VARCHAR(9), px NUMERIC(12,3), pre NUMERIC(12,3), ts VARCHAR(30))"
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql(create)
        await connection.exec_driver_sql(
            "INSERT INTO board VALUES ('600519', 'SSE', 1788.5, 1770, '2026-11-20 10:30:00'), ('1', 'x', 1, 1, '')"
        )
    await store.close()
    query = "SELECT sec AS code, mk AS market, px AS last, pre AS previous_close, ts AS at FROM board"
    feed = SqlFeed(database_url.replace("+aiosqlite", "").replace("+psycopg", ""), query)
    (quote,) = await feed.quotes(ALL)
    assert (quote.instrument, quote.last, quote.status) == (MOUTAI, Decimal("1788.5"), "trading")
    await feed.close()
    broken = SqlFeed(database_url, "SELECT code FROM nowhere")
    with pytest.raises(TableUnreadable) as caught:
        await broken.quotes(ALL)
    assert "nowhere" in caught.value.message
    assert "quotes.query" in caught.value.remedy
    await broken.close()


def test_a_database_we_have_no_driver_for() -> None:
    for url in ("mysql://x/y", "no url"):
        with pytest.raises(TableUnreadable):
            SqlFeed(url, "SELECT 1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-20T10:30:00", "2026-11-20T10:30:00+08:00"),
        ("2026-11-20 02:30:00+00:00", "2026-11-20T10:30:00+08:00"),
        ("20261120103000", "2026-11-20T10:30:00+08:00"),
        (1795141800, "2026-11-20T10:30:00+08:00"),
        (1795141800000, "2026-11-20T10:30:00+08:00"),
        (Decimal("1795141800.5"), "2026-11-20T10:30:00.500000+08:00"),
        (datetime.datetime(2026, 11, 20, 10, 30), "2026-11-20T10:30:00+08:00"),
    ],
)
def test_moments_in_every_shape(value: Any, expected: str) -> None:
    assert moment_of(value) == datetime.datetime.fromisoformat(expected)


@pytest.mark.parametrize("value", [None, "", "soon", "99999999999999", "1e400", "2026-13-01", "9" * 400])
def test_what_is_no_moment(value: Any) -> None:
    with pytest.raises(BadLine):
        moment_of(value)


def test_a_row_without_volume_is_of_a_trading_share_and_one_without_a_price_is_not() -> None:
    row = {"last": "1788.5", "previous_close": 1770, "at": "20261120103000"}
    assert quote_of_row(MOUTAI, row).status == "trading"
    assert quote_of_row(MOUTAI, {**row, "volume": 0}).status == "not_traded"
    assert quote_of_row(MOUTAI, {**row, "last": 0}).last == Decimal(1770)
    assert quote_of_row(MOUTAI, {**row, "last": 0, "status": "suspended"}).last == Decimal(1770)
    with pytest.raises(BadLine):
        quote_of_row(MOUTAI, {**row, "last": [1]})


# --- the mapping of a JSON feed -------------------------------------------------------------------------------------

GOOD = """feed: licensed
query: "?s={symbols}"
symbols: {SSE: "{code}.SH", SZSE: "{code}.SZ"}
quotes: data
fields: {symbol: sec, last: p.0, previous_close: p.1, at: t, volume: {from: v, times: 100}}
"""


def mapped(text: str) -> JsonFormat:
    found, problems = json_feed.read_text(text, "feed.yaml", {}.get)
    assert found is not None, problems
    return found


def test_a_list_and_an_object_by_symbol_and_arrays_inside() -> None:
    form = mapped(GOOD)
    listed = b'{"data": [{"sec": "600519.SH", "p": [1788.50, 1770], "t": 1795141800, "v": 12}, 5, {"x": 1}]}'
    ((symbol, item),) = form.lines(listed)
    quote = form.quote(MOUTAI, item)
    assert symbol == form.symbol(MOUTAI) == "600519.SH"
    assert quote is not None
    assert (quote.last, quote.volume) == (Decimal("1788.50"), 1200)
    by_symbol = b'{"data": {"600519.SH": {"p": [1788.50, 1770], "t": 1795141800, "v": 12}, "x": 3}}'
    assert [symbol for symbol, _ in form.lines(by_symbol)] == ["600519.SH"]
    assert form.address("http://f", ["600519.SH", "a b"]) == "http://f?s=600519.SH,a%20b"
    for body in (b"{}", b"[", b'{"data": 5}', b"\xff", b"[" * 100_000):
        with pytest.raises(BadAnswer):
            list(form.lines(body))
    with pytest.raises(BadLine):
        form.quote(MOUTAI, {"p": [1, 1], "t": 1, "v": "many"})


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("feed: licensed", "feed: Licensed!", "is no name"),
        ('query: "?s={symbols}"', 'query: "?s="', "{symbols} is missing"),
        ('SZSE: "{code}.SZ"', 'SZSE: "SZ"', "must each have {code}"),
        ("last: p.0, ", "", "last is missing"),
        ("times: 100", "times: hundred", "whole number"),
        ("from: v", "form: v", "from is missing"),
        ("quotes: data", "quotes: data\nheaders: {A: 'Bearer ${NO_SUCH}'}", "NO_SUCH is not set"),
        ("quotes: data", "quotes: data\nretries: 3", "unknown field 'retries'"),
        ("quotes: data", "quotes: data\nwords: {status: {halted: [H]}}", "unknown field 'halted'"),
        (", at: t", ", at: t, bid: b", "unknown field 'bid'"),
    ],
)
def test_a_bad_mapping_is_refused_with_its_line(old: str, new: str, complaint: str) -> None:
    found, problems = json_feed.read_text(GOOD.replace(old, new), "feed.yaml", {}.get)
    assert found is None
    assert any(complaint in str(problem) for problem in problems), problems
    assert all(str(problem).startswith("feed.yaml:") for problem in problems)


def test_settings_say_what_a_provider_needs(tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    with pytest.raises(config.ConfigError, match="also needs url and file"):
        config.load(absent, {"GOLDLINE_QUOTES__PROVIDER": "json"})
    with pytest.raises(config.ConfigError, match="http://"):
        config.load(absent, {"GOLDLINE_QUOTES__PROVIDER": "sina", "GOLDLINE_QUOTES__URL": "hq.example.com"})
    with pytest.raises(config.ConfigError, match="provider"):
        config.load(absent, {"GOLDLINE_QUOTES__PROVIDER": "bloomberg"})
    assert config.load(absent, {}).quotes.provider == "demo"


async def test_each_kind_of_provider_is_made(tmp_path: Path) -> None:
    mapping = tmp_path / "feed.yaml"
    mapping.write_text(GOOD, "utf-8")
    database = tmp_path / "x.db"
    sqlite3.connect(database).close()

    def demonstration() -> DemoQuoteProvider:
        return DemoQuoteProvider({}, clock=lambda: datetime.datetime.now(datetime.UTC))

    sources = {
        "demonstration": Source("demo"),
        "tencent": Source("tencent", "http://127.0.0.1:9"),
        "sina": Source("sina", "http://127.0.0.1:9"),
        "licensed": Source("json", "http://127.0.0.1:9", mapping),
        "csv": Source("csv", file=tmp_path / "q.csv"),
        "sql": Source("sql", f"sqlite:///{database}", query="SELECT 1"),
    }
    for name, source in sources.items():
        provider = open_provider(source, demonstration)
        assert provider.name == name
        assert provider.demonstration == (name == "demonstration")
        await provider.close()
    mapping.write_text("feed: x", "utf-8")
    with pytest.raises(MappingInvalid):
        open_provider(sources["licensed"], demonstration)
    broken = open_in_any_case(sources["licensed"], demonstration)
    assert not broken.demonstration, "what fails must never be taken for made-up prices that are announced as such"
    with pytest.raises(MappingInvalid, match="symbols is missing"):
        await broken.quotes(ALL)
    await broken.close()
