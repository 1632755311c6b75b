"""Quotes: every exit of every service, the board while its provider fails, and the demonstration."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from db import demo
from db.errors import StoreAway
from db.instruments import Instrument
from ivr.flow.service import Caller, Result, Service
from ivr.services.quotes import board as board_module
from ivr.services.quotes.board import OLD_SECONDS, QuoteBoard
from ivr.services.quotes.demo import DemoQuoteProvider, limits
from ivr.services.quotes.model import EXCHANGE_TIME, Quote
from ivr.services.quotes.services import quote_services
from ivr.services.quotes.spelling import SpelledNames
from ivr.speech.values import (
    KINDS,
    Change,
    Code,
    Count,
    Day,
    Move,
    Name,
    Price,
    Time,
    Turnover,
    Value,
    Volume,
)

MOUTAI = Instrument("600519", "SSE", "share", "贵州茅台", "Kweichow Moutai")
BANK = Instrument("000001", "SZSE", "share", "平安银行", "Ping An Bank")
COMPOSITE = Instrument("000001", "SSE", "index", "上证指数", "SSE Composite Index")
QUIET = Instrument("600000", "SSE", "share", "浦发银行", "SPD Bank")
HALTED = Instrument("600009", "SSE", "share", "上海机场", "Shanghai Airport")
ALL = (MOUTAI, BANK, COMPOSITE, QUIET, HALTED)
AT = datetime.datetime(2026, 3, 2, 6, 30, 15, tzinfo=datetime.UTC)  # 14:30 in Shanghai
CALLER = Caller("1.1")


def a_quote(instrument: Instrument, last: str = "1788.50", previous: str = "1770.00") -> Quote:
    price = Decimal(last)
    return Quote(instrument, price, Decimal(previous), price, price, price, 100, price * 100, AT)


class FakeProvider:
    name = "fake"

    def __init__(self) -> None:
        self.demonstration = False
        self.closed = False
        self.fault: Exception | None = None
        self.asked = 0
        self.known = [
            a_quote(MOUTAI),
            a_quote(BANK, "11.50", "11.62"),
            a_quote(COMPOSITE, "3200.12", "3200.12"),
            replace(a_quote(HALTED), status="suspended"),
        ]

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        self.asked += 1
        if self.fault:
            raise self.fault
        return [quote for quote in self.known if quote.instrument in instruments]

    async def close(self) -> None:
        self.closed = True


class Shop:
    """A board over a fake provider, a clock to turn, and the services."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.provider = FakeProvider()
        self.listed: Sequence[Instrument] | Exception = ALL
        self.board = QuoteBoard(self.provider, self.instruments, clock=lambda: self.now, every=0.01)
        self.names = SpelledNames(some_initials)
        self.services = {service.name: service for service in quote_services(self.board, self.names)}

    async def instruments(self) -> Sequence[Instrument]:
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed

    async def ask(self, name: str, code: str = "") -> Result:
        return await ask(self.services[name], {"code": Code(code)} if code else {})


async def some_initials(names: Sequence[str]) -> Sequence[str]:
    known = {"贵州茅台": "gzmt", "平安银行": "payh", "上证指数": "szzs", "浦发银行": "pfyh", "上海机场": "shjc"}
    return [known[name] for name in names]


async def ask(service: Service, inputs: dict[str, Value]) -> Result:
    """Ask as the engine does: inputs and results must be what the service declares."""
    assert {name: value.kind for name, value in inputs.items()} == dict(service.inputs)
    result = await service.run(CALLER, inputs)
    assert {name: value.kind for name, value in result.values.items()} == dict(service.exits[result.exit])
    return result


@pytest.fixture
async def shop() -> Shop:
    made = Shop()
    await made.board.refresh()
    return made


async def test_a_share(shop: Shop) -> None:
    result = await shop.ask("quotes.look_up", "600519")
    assert result == Result(
        "share",
        {
            "name": Name({"zh": "贵州茅台", "en": "Kweichow Moutai"}),
            "code": Code("600519"),
            "symbol": Code("SH600519"),
            "last": Price(Decimal("1788.50"), "yuan"),
            "change": Change(Decimal("1.05")),
            "move": Move(Decimal("18.50"), Decimal("1.05")),
            "state": Name({"zh": "", "en": ""}),
            "at": Time(datetime.time(14, 30)),
        },
    )
    assert await shop.ask("quotes.look_up_share", "600519") == result


async def test_one_code_and_two_instruments_asks_which(shop: Shop) -> None:
    which = await shop.ask("quotes.look_up", "000001")
    assert which == Result("which", {"share": Name(BANK.names), "index": Name(COMPOSITE.names)})
    share = await shop.ask("quotes.look_up_share", "000001")
    assert (share.exit, share.values["change"]) == ("share", Change(Decimal("-1.03")))
    index = await shop.ask("quotes.look_up_index", "000001")
    assert (index.exit, index.values["last"]) == ("index", Price(Decimal("3200.12"), "points"))
    assert index.values["change"] == Change(Decimal("0.00"))


async def test_suspended(shop: Shop) -> None:
    expected = Result(
        "suspended", {"name": Name(HALTED.names), "code": Code("600009"), "last": Price(Decimal("1788.50"))}
    )
    assert await shop.ask("quotes.look_up", "600009") == expected
    shop.now += OLD_SECONDS * 2
    assert await shop.ask("quotes.look_up", "600009") == expected


@pytest.mark.parametrize("code", ["999999", "6005", "60*519", "٦٠٠٥١٩", "6" * 5000, "#"])
async def test_unknown(shop: Shop, code: str) -> None:
    assert await shop.ask("quotes.look_up", code) == Result("unknown", {"code": Code(code)})


async def test_a_share_is_no_index(shop: Shop) -> None:
    assert (await shop.ask("quotes.look_up_index", "600519")).exit == "unknown"


async def test_an_old_quote_is_told_with_its_day(shop: Shop) -> None:
    shop.now += OLD_SECONDS
    assert (await shop.ask("quotes.look_up", "600519")).exit == "share"
    shop.now += 0.1
    old = await shop.ask("quotes.look_up", "600519")
    assert old.exit == "old"
    assert old.values["day"] == Day(datetime.date(2026, 3, 2))
    assert (await shop.ask("quotes.look_up_index", "000001")).values["last"] == Price(Decimal("3200.12"), "points")
    await shop.board.refresh()
    assert (await shop.ask("quotes.look_up", "600519")).exit == "share"


async def test_unavailable_when_there_never_was_a_quote(shop: Shop) -> None:
    assert (await shop.ask("quotes.look_up", "600000")).exit == "unavailable"
    empty = Shop()
    assert (await empty.ask("quotes.look_up", "600519")).exit == "unavailable"


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
async def test_a_price_that_is_none_is_not_read_out(shop: Shop, price: str) -> None:
    shop.provider.known = [replace(a_quote(QUIET), last=Decimal(price)), replace(a_quote(MOUTAI), last=Decimal(price))]
    await shop.board.refresh()
    assert (await shop.ask("quotes.look_up", "600000")).exit == "unavailable"
    assert (await shop.ask("quotes.look_up", "600519")).values["last"] == Price(Decimal("1788.50"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"last": Decimal("1947.00")}, "涨停"),
        ({"last": Decimal("1593.00")}, "跌停"),
        ({"last": Decimal("1946.99")}, ""),
        ({"last": Decimal("1900.00"), "limit_up": Decimal("1900.00"), "limit_down": Decimal("1600.00")}, "涨停"),
        ({"last": Decimal("2900.00"), "listing": "first_day"}, "新股上市首日"),
        ({"last": Decimal("1947.00"), "listing": "first_days"}, "新股，上市五日内"),
        ({"last": Decimal("1770.00"), "volume": 0, "status": "not_traded"}, "尚无成交"),
    ],
)
async def test_a_share_in_a_state_of_its_own_is_read_as_such(shop: Shop, changes: dict[str, Any], said: str) -> None:
    quote = replace(a_quote(MOUTAI), **changes)
    shop.provider.known = [replace(quote, high=quote.last, low=quote.last)]
    await shop.board.refresh()
    state = (await shop.ask("quotes.look_up", "600519")).values["state"]
    assert isinstance(state, Name)
    assert state.by_language["zh"] == said
    assert bool(state.by_language["en"]) == bool(said)


async def test_more_of_a_share_and_of_an_index(shop: Shop) -> None:
    quote = replace(
        a_quote(MOUTAI),
        open=Decimal("1771.00"),
        high=Decimal("1790.00"),
        low=Decimal("1765.50"),
        volume=2_345_600,
        turnover=Decimal("4180000000"),
    )
    shop.provider.known[0] = quote
    await shop.board.refresh()
    symbol: dict[str, Value] = {"symbol": Code("SH600519")}
    assert await ask(shop.services["quotes.more"], symbol) == Result(
        "share",
        {
            "name": Name(MOUTAI.names),
            "open": Price(Decimal("1771.00")),
            "high": Price(Decimal("1790.00")),
            "low": Price(Decimal("1765.50")),
            "previous": Price(Decimal("1770.00")),
            "volume": Volume(2_345_600),
            "turnover": Turnover(Decimal("4180000000")),
        },
    )
    index = await ask(shop.services["quotes.more"], {"symbol": Code("SH000001")})
    assert index.exit == "index"
    assert index.values["high"] == Price(Decimal("3200.12"), "points")
    assert (await ask(shop.services["quotes.tell"], {"symbol": Code("SZ000001")})).values["name"] == Name(BANK.names)
    zero = Decimal(0)
    shop.provider.known[0] = replace(quote, open=zero, high=zero, low=zero, volume=0, status="not_traded")
    await shop.board.refresh()
    assert (await ask(shop.services["quotes.more"], symbol)).exit == "not_traded"
    for service in ("quotes.more", "quotes.tell"):
        for nothing in ("SH999999", "600519", "S", "SH600000"):
            assert (await ask(shop.services[service], {"symbol": Code(nothing)})).exit == "unavailable"


async def test_an_index_is_read_to_two_decimals(shop: Shop) -> None:
    shop.provider.known[2] = a_quote(COMPOSITE, "3200.1267", "3180.0001")
    await shop.board.refresh()
    told = await shop.ask("quotes.look_up_index", "000001")
    assert told.values["last"] == Price(Decimal("3200.13"), "points")
    assert told.values["move"] == Move(Decimal("20.13"), Decimal("0.63"), "points")


async def test_names_by_their_keys(shop: Shop) -> None:
    spelled = shop.services["quotes.spelled"]

    async def ask_for(keys: str, after: int = 0) -> Result:
        return await ask(spelled, {"keys": Code(keys), "after": Count(after)})

    assert (await ask_for("4968")).exit == "unavailable", "not learned yet"
    await shop.names.learn(shop.board.instruments)
    assert (await ask_for("4968")).values["name"] == Name(MOUTAI.names)
    two = await ask_for("7")
    assert two.exit == "more"
    assert two.values["after"] == Count(3)
    assert (await ask_for("7", after=3)).exit == "suspended"
    assert (await ask_for("7997")).values["symbol"] == Code("SH000001")
    assert (await ask_for("2222")).exit == "none"
    assert (await ask_for("7", after=9)).exit == "none"
    assert (await ask_for("7*")).exit == "none"


async def test_source(shop: Shop) -> None:
    assert await shop.ask("quotes.source") == Result("live")
    shop.provider.demonstration = True
    assert await shop.ask("quotes.source") == Result("demonstration")


async def test_a_wrong_kind_of_input_is_a_fault(shop: Shop) -> None:
    with pytest.raises(TypeError, match="Count"):
        await shop.services["quotes.look_up"].run(CALLER, {"code": Count(5)})


def test_every_declared_value_has_a_kind_that_can_be_said() -> None:
    for service in Shop().services.values():
        for values in service.exits.values():
            assert set(values.values()) <= set(KINDS)


def test_change_rounds_as_the_market_does_and_a_first_day_has_none() -> None:
    assert a_quote(MOUTAI, "10.005", "10").change_percent == Decimal("0.05")
    assert a_quote(MOUTAI, "9.9985", "10").change_percent == Decimal("-0.02")
    assert a_quote(MOUTAI, "10", "0").change_percent == Decimal("0.00")


async def test_the_board_survives_its_provider(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.provider.fault = RuntimeError("the feed is gone")
    await shop.board.start()
    before = shop.provider.asked
    async with asyncio.timeout(20):
        while shop.provider.asked < before + 3:
            await asyncio.sleep(0.005)
    assert shop.board.failures >= 3
    assert caplog.text.count("the feed is gone") == 1, "said once, not every three seconds"
    assert (await shop.ask("quotes.look_up", "600519")).exit == "share"
    shop.provider.fault = None
    shop.now += 5000
    async with asyncio.timeout(20):
        while shop.board.freshness(MOUTAI) == "old":
            await asyncio.sleep(0.005)
    assert "are back" in caplog.text
    await shop.board.stop()
    await shop.board.stop()


async def test_the_board_survives_the_database(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    shop.listed = StoreAway("The database is away.")
    with pytest.raises(StoreAway):
        await shop.board.refresh()
    shop.listed = ALL
    await shop.board.refresh()
    shop.listed = StoreAway("The database is away.")
    shop.now += 5000
    await shop.board.refresh()
    assert (await shop.ask("quotes.look_up", "600519")).exit == "share"
    assert "the last one serves" in caplog.text


async def test_a_provider_that_hangs_does_not_hold_up_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "START_SECONDS", 0.05)
    shop = Shop()

    async def hang(instruments: Sequence[Instrument]) -> Sequence[Quote]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(shop.provider, "quotes", hang)
    async with asyncio.timeout(20):
        await shop.board.start()
    assert (await shop.ask("quotes.look_up", "600519")).exit == "unavailable"
    await shop.board.stop()


async def test_new_instruments_are_found_within_a_minute(shop: Shop) -> None:
    fresh = Instrument("688981", "SSE", "share", "中芯国际", "SMIC")
    shop.listed = (*ALL, fresh)
    shop.provider.known.append(a_quote(fresh))
    await shop.board.refresh()
    assert (await shop.ask("quotes.look_up", "688981")).exit == "unknown"
    shop.now += 60
    await shop.board.refresh()
    assert (await shop.ask("quotes.look_up", "688981")).exit == "share"


async def test_a_look_up_takes_microseconds(shop: Shop) -> None:
    service = shop.services["quotes.look_up"]
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(100):
            await service.run(CALLER, {"code": Code("600519")})
        best = min(best, (time.perf_counter() - began) / 100)
    assert best < 0.0005


class TestDemonstration:
    NOON = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=EXCHANGE_TIME)

    def provider(self, seed: int = 1) -> DemoQuoteProvider:
        return DemoQuoteProvider(demo.references(), clock=lambda: self.NOON, seed=seed)

    async def test_the_same_seed_and_moment_give_the_same_quotes(self) -> None:
        instruments = demo.instruments()
        first = await self.provider().quotes(instruments)
        assert await self.provider().quotes(instruments) == first
        assert await self.provider(seed=2).quotes(instruments) != first
        assert self.provider().demonstration

    async def test_prices_move_within_the_rules_of_the_market(self) -> None:
        provider = self.provider()
        for instrument in demo.instruments():
            prices, highs = [], []
            for minutes in range(0, 3 * 24 * 60, 37):
                quote = provider.quote(instrument, self.NOON + datetime.timedelta(minutes=minutes))
                assert quote.usable
                assert quote.low <= min(quote.open, quote.last) <= max(quote.open, quote.last) <= quote.high
                assert quote.last == quote.last.quantize(Decimal("0.01"))
                lowest, highest = limits(instrument, int(quote.previous_close * 100))
                assert lowest <= quote.low * 100 <= quote.high * 100 <= highest
                assert abs(quote.change_percent) <= (20 if instrument.code.startswith(("688", "300")) else 10)
                prices.append(quote.last)
                highs.append((quote.exchange_time.date(), quote.high))
            if quote.status == "trading":
                assert len(set(prices)) > 3, instrument
            for (day, high), (next_day, next_high) in pairwise(highs):
                assert day != next_day or next_high >= high, "the high of a day never falls"

    async def test_a_day_begins_where_the_last_one_ended(self) -> None:
        provider = self.provider()
        midnight = datetime.datetime(2026, 3, 3, 0, 0, tzinfo=EXCHANGE_TIME)
        before = provider.quote(MOUTAI, midnight - datetime.timedelta(microseconds=1))
        after = provider.quote(MOUTAI, midnight)
        assert before.last == after.previous_close == after.open

    async def test_the_wide_limit_is_for_star_and_chinext_shares_only(self) -> None:
        star = Instrument("688981", "SSE", "share", "", "")
        chinext = Instrument("300750", "SZSE", "share", "", "")
        main = Instrument("600519", "SSE", "share", "", "")
        assert [limits(i, 1005) for i in (star, chinext, main)] == [(804, 1206), (804, 1206), (905, 1105)]

    async def test_an_instrument_that_somebody_added_has_a_quote_too(self) -> None:
        quote = self.provider().quote(Instrument("605499", "SSE", "share", "东鹏饮料", "Eastroc"), self.NOON)
        assert quote.usable

    async def test_one_is_suspended_so_that_it_can_be_heard(self) -> None:
        quotes = await self.provider().quotes(demo.instruments())
        assert [quote.instrument.code for quote in quotes if quote.status == "suspended"] == ["600703"]
