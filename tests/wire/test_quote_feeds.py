"""Quotes from a real server that speaks the formats, and all the ways in which such a server fails."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from bench.quotes_parts.market import ZONE, Market
from bench.quotes_parts.server import QuoteServer
from db.instruments import Instrument
from db.trading_calendar import TradingCalendar
from ivr.services.quotes import json_feed, sessions
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.http_feed import FeedFailed, HttpFeed
from ivr.services.quotes.model import Quote
from ivr.services.quotes.sessions import Exchange
from ivr.services.quotes.sina import Sina
from ivr.services.quotes.tencent import Tencent
from ivr.services.quotes.wire import WireFormat

MOUTAI = Instrument("600519", "SSE", "share", "贵州茅台", "Kweichow Moutai")
BANK = Instrument("000001", "SZSE", "share", "平安银行", "Ping An Bank")
COMPOSITE = Instrument("000001", "SSE", "index", "上证指数", "SSE Composite Index")
UNKNOWN = Instrument("688999", "SSE", "share", "无此股票", "None Such")
ALL = (MOUTAI, BANK, COMPOSITE)
SYMBOLS = {"sh600519": MOUTAI, "sz000001": BANK, "sh000001": COMPOSITE}
MAPPING = Path(__file__).with_name("licensed_feed.yaml")
FORMATS = ("tencent", "sina", "json")


def form(name: str) -> WireFormat:
    made: dict[str, WireFormat] = {
        "tencent": Tencent(),
        "sina": Sina(),
        "json": json_feed.read(MAPPING, {"T": "s3cret"}),
    }
    return made[name]


class House:
    """A server, a feed that asks it, and a board over the feed at 10:30 on a trading day."""

    def __init__(self, server: QuoteServer, feed: HttpFeed) -> None:
        self.server = server
        self.market = server.market
        self.feed = feed
        self.now = self.market.now
        self.seconds = 0.0
        self.listed = ALL
        exchange = Exchange(sessions.read(), TradingCalendar, lambda: self.now)
        self.board = QuoteBoard(feed, self.instruments, clock=lambda: self.seconds, exchange=exchange)

    async def instruments(self) -> tuple[Instrument, ...]:
        return self.listed

    async def three_seconds_later(self, *, traded: bool = True) -> None:
        if traded:
            self.market.trade(seed=int(self.seconds))
        self.seconds += 3
        self.now += datetime.timedelta(seconds=3)
        await self.board.refresh()

    def last(self, instrument: Instrument) -> Decimal | None:
        quote = self.board.quote(instrument)
        return quote.last if quote else None

    def written(self, symbol: str) -> Decimal:
        return Decimal(self.market.shares[symbol].last) / 100


@asynccontextmanager
async def house(name: str, **words: object) -> AsyncIterator[House]:
    async with QuoteServer(Market.of(SYMBOLS)) as server:
        feed = HttpFeed(form(name), server.url, **words)  # type: ignore[arg-type]
        try:
            yield House(server, feed)
        finally:
            await feed.close()


@pytest.mark.parametrize("name", FORMATS)
async def test_every_figure_of_every_format_arrives(name: str) -> None:
    async with house(name) as one:
        for _ in range(3):
            await one.three_seconds_later()
        for symbol, instrument in SYMBOLS.items():
            share, quote = one.market.shares[symbol], one.board.quote(instrument)
            assert quote is not None
            assert quote.last == Decimal(share.last) / 100
            assert quote.previous_close == Decimal(share.before) / 100
            assert quote.open == Decimal(share.opened) / 100
            assert (quote.high, quote.low) == (Decimal(share.high) / 100, Decimal(share.low) / 100)
            assert quote.volume == share.lots * 100
            assert abs(quote.turnover - share.turnover) <= (5000 if name == "tencent" else 0)
            assert quote.at == share.at
            assert quote.status == "trading"
            assert one.board.freshness(instrument) == "live"


@pytest.mark.parametrize("name", FORMATS)
async def test_batches_headers_and_codes_nobody_knows(name: str) -> None:
    async with house(name, batch=2) as one:
        one.listed = (*ALL, UNKNOWN)
        await one.board.refresh()
        assert len(one.server.asked) == 2
        assert one.board.quote(UNKNOWN) is None
        assert one.board.freshness(UNKNOWN) == "old"
        assert one.last(MOUTAI) == one.written("sh600519")
        (headers, *_) = one.server.headers
        if name == "sina":
            assert headers["Referer"].startswith("http://finance")
        if name == "json":
            assert headers["Authorization"] == "Bearer s3cret"
        one.listed = (UNKNOWN,)
        one.seconds += 100
        await one.board.refresh()
        assert one.board.quote(UNKNOWN) is None


@pytest.mark.parametrize("name", FORMATS)
async def test_an_unchanged_line_is_not_read_again_and_still_confirmed(name: str) -> None:
    async with house(name) as one:
        await one.board.refresh()
        before = one.board.quote(MOUTAI)
        one.market.shares["sz000001"].last += 1
        one.market.shares["sz000001"].high += 5
        one.seconds += 100
        assert one.board.freshness(MOUTAI) == "old"
        await one.board.refresh()
        assert one.board.quote(MOUTAI) is before
        assert one.last(BANK) == one.written("sz000001")
        assert one.board.freshness(MOUTAI) == "live"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("status", [500, 302, 403])
async def test_an_error_keeps_what_is_known_until_it_is_old(name: str, status: int) -> None:
    async with house(name) as one:
        await one.board.refresh()
        price = one.last(MOUTAI)
        one.server.fault = lambda request, body: web.Response(
            status=status, headers={"Location": "http://127.0.0.1:9/"}
        )
        one.market.trade(1)
        with pytest.raises(FeedFailed, match=str(status)):
            await one.board.refresh()
        assert one.last(MOUTAI) == price
        assert one.board.freshness(MOUTAI) == "live"
        one.seconds += 61
        assert one.board.freshness(MOUTAI) == "old"


@pytest.mark.parametrize("name", FORMATS)
async def test_one_batch_of_two_fails_and_the_other_goes_on(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async with house(name, batch=1) as one:
        await one.board.refresh()
        one.server.fault = lambda request, body: web.Response(status=500) if "600519" in request.path_qs else body
        old = one.last(MOUTAI)
        for _ in range(3):
            await one.three_seconds_later()
        assert one.last(MOUTAI) == old != one.written("sh600519")
        assert one.last(BANK) == one.written("sz000001")
        assert caplog.text.count("1 of 3 batches fail") == 1, "said once"
        one.server.fault = None
        await one.three_seconds_later()
        assert one.last(MOUTAI) == one.written("sh600519")
        assert "complete again" in caplog.text


@pytest.mark.parametrize("name", FORMATS)
async def test_a_slow_server_is_given_up_and_holds_nothing_up(name: str) -> None:
    async with house(name, seconds=0.05) as one:
        one.server.gate.clear()
        async with asyncio.timeout(20):
            with pytest.raises(FeedFailed, match="no answer within"):
                await one.board.refresh()
        one.server.gate.set()
        feed = HttpFeed(form(name), one.server.url)
        try:
            assert len(await feed.quotes(ALL)) == 3
        finally:
            await feed.close()


@pytest.mark.parametrize("name", ["tencent", "sina"])
async def test_half_a_line_costs_that_line_only(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async with house(name) as one:
        body = one.market.answer(name, SYMBOLS)
        third = body.index(b"sh000001")
        for cut in range(body.index(b"\n"), len(body) - 3, 7):
            one.server.cut_after = cut
            one.market.shares["sh600519"].high += 1
            quotes = {quote.instrument: quote for quote in await one.feed.quotes(ALL)}
            assert MOUTAI in quotes
            assert COMPOSITE not in quotes
            if cut < third - 16:
                assert BANK not in quotes, "a cut line must never be taken for a whole one"


@pytest.mark.parametrize("name", ["tencent", "sina"])
async def test_half_a_line_in_the_middle_takes_nothing_from_the_next(name: str) -> None:
    async with house(name) as one:
        await one.board.refresh()
        one.market.trade(5)
        one.server.fault = lambda request, body: body.replace(b'";\n', b"\n", 1)
        old = one.last(MOUTAI)
        await one.board.refresh()
        assert one.last(MOUTAI) == old
        assert one.last(BANK) == one.written("sz000001")
        assert one.last(COMPOSITE) == one.written("sh000001")


async def test_an_empty_answer_is_none() -> None:
    async with house("sina") as one:
        one.server.fault = lambda request, body: b"\n"
        with pytest.raises(FeedFailed, match="empty"):
            await one.board.refresh()


@pytest.mark.parametrize("name", ["tencent", "sina"])
async def test_any_cut_of_a_line_gives_no_quote(name: str) -> None:
    market = Market.of(["sh600519"])
    body = market.answer(name, ["sh600519"])
    made = form(name)
    for cut in range(11, len(body) - 3):
        assert list(made.lines(body[:cut])) == []
    assert len(list(made.lines(body))) == 1


@pytest.mark.parametrize("name", ["tencent", "sina"])
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
async def test_another_charset_than_promised_changes_no_figure(name: str, charset: str) -> None:
    async with house(name) as one:
        one.server.charset = charset
        for share, text in zip(one.market.shares.values(), ("贵州茅台", "平安银行", "N新股"), strict=True):
            share.name = text
        await one.board.refresh()
        for symbol, instrument in SYMBOLS.items():
            assert one.last(instrument) == one.written(symbol)


async def test_a_character_whose_second_byte_is_the_separator() -> None:
    """丂 is 81 40, 亊 is 81 7E in GBK: the second byte of the latter is Tencent's separator."""
    assert "亊".encode("gbk")[1:] == b"~"
    async with house("tencent") as one:
        one.market.shares["sh600519"].name = "亊亊亊"
        await one.board.refresh()
        assert one.last(MOUTAI) == one.written("sh600519")


@pytest.mark.parametrize("name", FORMATS)
async def test_a_page_that_is_no_answer(name: str) -> None:
    async with house(name) as one:
        one.server.fault = lambda request, body: b"<html><title>Log in</title></html>"
        with pytest.raises(FeedFailed, match="The answer"):
            await one.board.refresh()
        one.server.fault = lambda request, body: b"x" * (5 * 2**20)
        with pytest.raises(FeedFailed, match="larger than 4 MiB"):
            await one.board.refresh()
    assert one.feed.counts.failed_batches >= 2


async def test_nobody_listens() -> None:
    async with house("sina") as one:
        url = one.server.url
    feed = HttpFeed(Sina(), url)
    with pytest.raises(FeedFailed, match="did not answer"):
        await feed.quotes(ALL)
    await feed.close()


@pytest.mark.parametrize("name", FORMATS)
async def test_frozen_data_grows_old_though_the_server_answers(name: str) -> None:
    async with house(name) as one:
        await one.three_seconds_later()
        assert one.board.freshness(MOUTAI) == "live"
        for _ in range(40):  # two minutes of the same answer
            await one.three_seconds_later(traded=False)
        assert one.board.age == 0
        assert one.board.freshness(MOUTAI) == "old"
        assert one.board.state()["frozen"] == ["SSE", "SZSE"]
        one.market.now = one.now
        one.market.trade(9)
        await one.board.refresh()
        assert one.board.freshness(MOUTAI) == "live"


@pytest.mark.parametrize("name", FORMATS)
async def test_one_share_that_stands_still_is_not_frozen(name: str) -> None:
    async with house(name) as one:
        await one.board.refresh()
        for _step in range(60):
            one.market.now = one.now
            one.market.shares["sh000001"].at = one.market.shares["sz000001"].at = one.now
            await one.three_seconds_later(traded=False)
        assert one.board.freshness(MOUTAI) == "live"


@pytest.mark.parametrize("name", FORMATS)
async def test_lunch_close_and_weekend_are_no_fault(name: str) -> None:
    async with house(name) as one:
        end = datetime.datetime(2026, 11, 20, 11, 29, 58, tzinfo=ZONE)
        for share in one.market.shares.values():
            share.at = end
        for clock, expected in (
            (datetime.datetime(2026, 11, 20, 12, 30, tzinfo=ZONE), "closed"),
            (datetime.datetime(2026, 11, 20, 13, 0, 30, tzinfo=ZONE), "live"),
            (datetime.datetime(2026, 11, 20, 13, 5, tzinfo=ZONE), "old"),
            (datetime.datetime(2026, 11, 20, 20, 0, tzinfo=ZONE), "old"),
        ):
            one.now = clock
            await one.board.refresh()
            assert one.board.freshness(MOUTAI) == expected, clock
        for share in one.market.shares.values():
            share.at = datetime.datetime(2026, 11, 20, 15, 0, 3, tzinfo=ZONE)
        for clock in ("2026-11-20T20:00", "2026-11-22T09:30", "2026-11-23T09:10"):
            one.now = datetime.datetime.fromisoformat(clock).replace(tzinfo=ZONE)
            await one.board.refresh()
            assert one.board.freshness(MOUTAI) == "closed", clock
        one.now = datetime.datetime(2026, 11, 23, 9, 35, tzinfo=ZONE)
        await one.board.refresh()
        assert one.board.freshness(MOUTAI) == "old", "Friday's prices on Monday morning"


@pytest.mark.parametrize("name", ["tencent", "sina"])
@pytest.mark.parametrize("last", [0, 1, 99_999_999_999, -178_850])
async def test_an_absurd_price_is_not_taken(name: str, last: int, caplog: pytest.LogCaptureFixture) -> None:
    async with house(name) as one:
        await one.board.refresh()
        good = one.last(MOUTAI)
        one.market.shares["sh600519"].last = last
        await one.board.refresh()
        await one.board.refresh()
        assert one.last(MOUTAI) == good
        assert one.last(BANK) == one.written("sz000001")
        if last > 0:
            assert one.board.refused >= 1
            assert caplog.text.count("cannot be true") == 1


@pytest.mark.parametrize("name", ["tencent", "sina"])
async def test_garbage_in_a_field_costs_that_line_only(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async with house(name) as one:
        at = one.written("sh600519")
        one.server.fault = lambda request, body: body.replace(f"{at:.2f}".encode(), b"NaN")
        await one.board.refresh()
        assert one.board.quote(MOUTAI) is None
        assert one.last(BANK) == one.written("sz000001")
        assert one.feed.counts.bad_lines == 1
        assert "1 bad lines (sh600519" in caplog.text


def shape(form_name: str, symbol: str, /, **fields: object) -> Quote:
    market = Market.of([symbol])
    share = market.shares[symbol]
    for field, value in fields.items():
        setattr(share, field, value)
    made = form(form_name)
    ((_, line),) = made.lines(market.answer(form_name, [symbol]))
    quote = made.quote(MOUTAI, line)
    assert quote is not None
    return quote


IDLE = {"opened": 0, "high": 0, "low": 0, "lots": 0, "turnover": 0, "bids": False}


@pytest.mark.parametrize("name", ["tencent", "sina"])
class TestStates:
    def test_nobody_bids_after_the_opening_suspended(self, name: str) -> None:
        quote = shape(name, "sh600519", **IDLE, last=0)
        assert quote.status == "suspended"
        assert quote.last == quote.previous_close > 0

    def test_the_provider_says_suspended(self, name: str) -> None:
        assert shape(name, "sh600519", state="S", sina_state="03").status == "suspended"

    def test_before_the_opening_nothing_is_suspended(self, name: str) -> None:
        early = datetime.datetime(2026, 11, 20, 9, 2, tzinfo=ZONE)
        assert shape(name, "sh600519", **IDLE, last=0, at=early).status == "not_traded"

    def test_bids_without_a_trade(self, name: str) -> None:
        quote = shape(name, "sh600519", **{**IDLE, "bids": True}, last=0)
        assert quote.status == "not_traded"
        assert quote.last == quote.previous_close

    def test_a_new_share(self, name: str) -> None:
        assert shape(name, "sh600519", name="N新股").listing == "first_day"
        assert shape(name, "sh600519", name="C新股").listing == "first_days"
        assert shape(name, "sh600519", name="NEC电气").listing == ""

    def test_limits_are_taken_where_they_are_given(self, name: str) -> None:
        quote = shape(name, "sh600519", limits=("110.00", "90.00"))
        assert (quote.limit_up, quote.limit_down) == (
            (Decimal("110.00"), Decimal("90.00")) if name == "tencent" else (None, None)
        )
        assert shape(name, "sh600519", limits=("-1", "-1")).limit_up is None


async def test_the_pause_grows_while_it_fails_and_is_short_again_after(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    async with house("tencent") as one:
        one.server.fault = lambda request, body: web.Response(status=500)
        pauses = []
        for _ in range(6):
            await one.board._refresh_once()
            pauses.append(one.board._pause())
        assert pauses == [6, 12, 24, 40, 40, 40]
        assert caplog.text.count("the last ones serve") == 1
        one.server.fault = None
        await one.board._refresh_once()
        assert one.board._pause() == 3
        one.now = datetime.datetime(2026, 11, 21, 10, 0, tzinfo=ZONE)
        assert one.board._pause() == 20, "a Saturday"
