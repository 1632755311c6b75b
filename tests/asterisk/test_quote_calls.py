"""Quotes by telephone, from a feed whose prices of one exchange are old: real calls, heard and read in the journal.

The feed is a CSV file. Shanghai's prices stand still since a day in March; Shenzhen's are as new as the exchange can
make them at this moment, whatever moment it is.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import CallOf, Hotline, Journal, Together, Voice

from db.trading_calendar import TradingCalendar
from ivr.services.quotes import sessions

pytestmark = pytest.mark.asterisk

together = Together()
told = together.fixture()

OLD = "2026-03-02 14:30:00"
HEADER = "code,market,last,previous_close,open,high,low,volume,turnover,at,status"


def rows() -> list[str]:
    now = datetime.datetime.now(datetime.UTC)
    fresh = sessions.read().as_of(now, TradingCalendar()).isoformat()
    return [
        HEADER,
        f"600519,SSE,1788.50,1770.00,1771.00,1790.00,1765.50,2345600,4180000000,{OLD},trading",
        f"600009,SSE,35.10,35.10,0,0,0,0,0,{OLD},suspended",
        f"000002,SZSE,11.00,10.00,10.20,11.00,10.10,250000000,2700000000,{fresh},trading",
        f"000001,SZSE,11.50,11.62,11.60,11.66,11.41,66000000,760000000,{fresh},trading",
    ]


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    """A controller whose quotes come from a file."""
    one = Hotline(asterisk, asterisk.settings)
    file = asterisk.settings.run_dir / "quotes.csv"
    file.write_text("\n".join(rows()) + "\n", "utf-8")
    asyncio.run(one.prepare())
    try:
        asyncio.run(one.start(quotes={"provider": "csv", "file": str(file)}))
        yield one
    finally:
        one.stop()


async def said(call: CallOf, prompt: str) -> str:
    return str((await call.until_said(prompt))["data"]["text"])


@together
async def test_an_old_price_is_told_as_old_again_and_again_then_more_then_the_next_code(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press("1")
        await call.until_said("enter_code")
        phone.press("600519#")
        first = await said(call, "quote_old")
        assert "不是最新行情" in first
        assert "三月二日" in first
        assert "一千七百八十八元五角，上涨十八元五角，涨幅百分之一点零五" in first
        phone.press("2")  # a key cuts an answer short
        assert await said(call, "quote_old") == first, "whoever asks again is warned again"
        phone.press("3")
        more = await said(call, "quote_more_share")
        assert "开盘一千七百七十一元，最高一千七百九十元" in more
        assert "成交量二百三十四点六万股，成交额四十一点八亿元" in more
        phone.press("2")
        assert "不是最新行情" in await said(call, "quote_old")
        phone.press("1")
        await call.until_said("enter_code")
        phone.press("600009#")
        assert "上海机场停牌，停牌前价格三十五元一角" in await said(call, "quote_suspended")
        await call.until_said("enter_code")
        phone.press("*")
        await call.until_said("main_menu")
        phone.press("#")
        await call.until_said("goodbye")
        assert await phone.over() == 0
    await call.until_ended("hotline")
    assert "demonstration_data" not in await call.said()


@together
async def test_a_spelled_name_chosen_from_two_and_limit_up(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press("5")
        await call.until_said("spell_name")
        phone.press("952#")  # wka
        assert "万科A，代码零零零零零二，涨停" in await said(call, "quote_share")
        phone.press("4")
        await call.until_said("spell_name")
        phone.press("25#")
        assert "保利发展请按一，长江电力请按二" in await said(call, "spelled_two")
        phone.press("9")
        await call.until_said("spell_name")
        phone.press("7294#")  # payh
        told_ = await said(call, "quote_share")
        assert "平安银行" in told_
        assert "下跌一角两分，跌幅百分之一点零三" in told_
        assert ("不是交易时间" in told_) == (no_trading(await hotline.health()))
        await phone.hears(await voice.opening("after_quote"))
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")


@together
async def test_a_name_spelled_in_english(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with hotline.dialled() as phone:
        call = await journal.call_of(phone)
        await call.until_said("main_menu")
        phone.press("8")
        await phone.hears(await voice.opening("main_menu", "en"))
        phone.press("5")
        await call.until_said("spell_name")
        phone.press("668824#")
        text = await said(call, "quote_old")
        assert "this price is not the latest" in text
        assert "Kweichow Moutai" in text
        phone.press("3")
        assert "turnover four point one eight billion yuan" in await said(call, "quote_more_share")
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")


def no_trading(health: dict[str, object]) -> bool:
    """No trading at this moment, as the hotline itself says."""
    quotes, days = health["quotes"], health["trading_days"]
    assert isinstance(quotes, dict)
    assert isinstance(days, dict)
    assert quotes["provider"] == "csv"
    assert bool(days["warning"]) or days["known_until"] > "2026"
    return quotes["phase"] not in sessions.OF_TRADING
