"""Customers, instruments, notices and the demonstration data, on both databases."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import replace

from db import demo
from db.customers import Customer, Customers, Phone
from db.instruments import Instrument, Instruments
from db.notices import Notice, Notices, NoticeText
from db.store import Store

NOON = datetime.datetime(2026, 3, 2, 4, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


async def test_a_customer_is_found_by_account_and_by_each_phone(store: Store) -> None:
    customers = Customers(store)
    wang = Customer(
        "900000000009",
        "王小明",
        "Wang Xiaoming",
        "gold",
        (Phone("0001"), Phone("0002", "stopped")),
        languages=("en", "zh"),
    )
    await customers.put(wang)
    await customers.put(Customer("900000000010", "李四", phones=(Phone("0002"),)))
    assert await customers.by_account("900000000009") == wang
    assert [found.name_zh for found in await customers.by_phone("0002")] == ["王小明", "李四"]
    assert await customers.by_phone("0003") == ()
    assert await customers.by_account("9") is None


async def test_a_customer_can_change(store: Store) -> None:
    customers = Customers(store)
    before = Customer("900000000009", "王小明", tier="gold", phones=(Phone("0001"), Phone("0002")))
    await customers.put(before)
    after = replace(before, tier="platinum", status="dormant", phones=(Phone("0002"), Phone("0003")))
    await customers.put(after)
    assert await customers.by_account("900000000009") == after
    assert await customers.by_phone("0001") == ()


async def test_one_code_may_name_two_instruments(store: Store) -> None:
    instruments = Instruments(store)
    await instruments.put(demo.instruments())
    assert {(found.market, found.kind) for found in await instruments.by_code("000001")} == {
        ("SSE", "index"),
        ("SZSE", "share"),
    }
    (moutai,) = await instruments.by_code("600519")
    assert moutai == Instrument("600519", "SSE", "share", "贵州茅台", "Kweichow Moutai")
    await instruments.put([replace(moutai, name_en="Moutai")])
    assert [found.name_en for found in await instruments.by_code("600519")] == ["Moutai"]


async def test_published_notices_newest_first_and_only_those_that_may_be_heard(store: Store) -> None:
    notices = Notices(store)
    texts = {"zh": NoticeText("标题", "正文"), "en": NoticeText("Title", "Body")}
    await notices.put(Notice("old", "market", "published", NOON - 2 * HOUR, None, texts))
    await notices.put(Notice("new", "market", "published", NOON - HOUR, NOON + HOUR, texts))
    await notices.put(Notice("later", "market", "published", NOON + HOUR, None, texts))
    await notices.put(Notice("over", "market", "published", NOON - 2 * HOUR, NOON, texts))
    await notices.put(Notice("draft", "market", "draft", NOON - HOUR, None, texts))
    found = await notices.published(NOON)
    assert [notice.reference for notice in found] == ["later", "new", "old"]
    assert [notice.reference for notice in found if notice.heard_at(NOON)] == ["new", "old"]
    assert found[0].texts == texts


async def test_a_notice_can_change_and_be_withdrawn(store: Store) -> None:
    notices = Notices(store)
    notice = Notice("N", "risk", "published", NOON, None, {"zh": NoticeText("一", "二"), "en": NoticeText("a", "b")})
    await notices.put(notice)
    changed = replace(notice, status="withdrawn", texts={"zh": NoticeText("三", "四")})
    await notices.put(changed)
    assert await notices.get("N") == changed
    assert await notices.published(NOON) == ()


async def test_loading_the_demonstration_twice_is_loading_it_once(store: Store) -> None:
    await demo.load(store)
    await demo.load(store)
    assert len(await Instruments(store).all()) == len(demo.instruments())
    assert len(await Notices(store).published(NOON)) == 4
    assert [c.account for c in await Customers(store).by_phone("1001")] == ["900000000001"]


async def test_loading_the_demonstration_leaves_an_editors_work_alone(store: Store) -> None:
    await demo.load(store)
    notices = Notices(store)
    notice = await notices.get("DEMO-1")
    assert notice
    await notices.put(replace(notice, status="withdrawn"))
    await demo.load(store)
    again = await notices.get("DEMO-1")
    assert again
    assert again.status == "withdrawn"


def test_the_demonstration_is_complete_and_says_what_it_is() -> None:
    instruments = demo.instruments()
    assert Counter(instrument.kind for instrument in instruments)["index"] == 2
    assert len(instruments) >= 60
    assert len({instrument.key for instrument in instruments}) == len(instruments)
    prefixes = {"SSE": ("60", "688", "000"), "SZSE": ("00", "30", "399")}
    for instrument in instruments:
        assert instrument.code.startswith(prefixes[instrument.market]), instrument
        assert len(instrument.code) == 6
        assert instrument.name_zh
        assert instrument.name_en.isascii()
    assert set(demo.references()) == {instrument.key for instrument in instruments}
    assert all(reference.price > 0 for reference in demo.references().values())
    for notice in demo.demo_notices():
        assert "演示" in notice.texts["zh"].title
        assert "演示" in notice.texts["zh"].body
        assert "emonstration" in notice.texts["en"].title
        assert "demonstration" in notice.texts["en"].body
    assert sorted(customer.tier for customer in demo.demo_customers()) == ["gold", "normal", "platinum", "silver"]
