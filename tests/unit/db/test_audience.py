"""Audiences: queries over customers that are data."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from db.audience import Audience, Audiences
from db.branches import Branches
from db.customer import Branch, Customer, Phone, brokerage_day
from db.customers import Customers
from db.do_not_call import DoNotCall, DoNotCallEntry
from db.events import utcnow
from db.store import Store
from db.tickets import TicketKind, Tickets
from db.watch_list import WatchLists

TODAY = datetime.date(2026, 11, 20)


def opened(days: int) -> datetime.date:
    return TODAY - datetime.timedelta(days=days)


CUSTOMERS = [
    Customer("9001", status="new", tier="gold", branch="SH01", opened_on=opened(0), assets=Decimal(500_000)),
    Customer("9002", status="new", tier="normal", branch="SZ01", opened_on=opened(29), languages=("en", "zh")),
    Customer("9003", status="active", stage="mature", branch="SH01", opened_on=opened(30), languages=("zh", "en")),
    Customer("9004", status="dormant", opened_on=opened(4_000), assets=Decimal(499_999)),
    Customer("9005", status="lost", tier="platinum"),
    Customer("9006", status="closed", opened_on=opened(-1)),
]


@pytest.fixture
async def audiences(store: Store) -> Audiences:
    await Branches(store).put([Branch("SH01", "上海", "Shanghai"), Branch("SZ01", "深圳", "Shenzhen")])
    for customer in CUSTOMERS:
        await Customers(store).put(customer)
    return Audiences(store)


async def accounts(audiences: Audiences, **said: Any) -> list[str]:
    audience = Audience(**said)
    found = [member.account async for page in audiences.pages(audience, TODAY, page=2) for member in page]
    assert await audiences.count(audience, TODAY) == len(found)
    assert set(await audiences.by_accounts([one.account for one in CUSTOMERS], audience, TODAY)) == set(found)
    return found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, ["9004", "9003", "9002", "9001", "9006", "9005"]),
        ({"statuses": ("new", "active")}, ["9003", "9002", "9001"]),
        ({"statuses": ("new",), "tiers": ("gold", "platinum")}, ["9001"]),
        ({"stages": ("mature",)}, ["9003"]),
        ({"branches": ("SH01",)}, ["9003", "9001"]),
        ({"languages": ("en",)}, ["9002"]),  # the preferred one counts
        ({"opened_within": 30}, ["9002", "9001"]),
        ({"opened_within": 31}, ["9003", "9002", "9001"]),
        ({"opened_before": 30}, ["9004", "9003"]),
        ({"assets_from": Decimal(500_000)}, ["9001"]),
        ({"statuses": ("lost", "dormant", "closed")}, ["9004", "9006", "9005"]),
    ],
)
async def test_conditions(audiences: Audiences, said: dict[str, Any], found: list[str]) -> None:
    assert await accounts(audiences, **said) == sorted(found)


async def test_who_watches_a_share(audiences: Audiences, store: Store) -> None:
    who = await Customers(store).id_of("9003")
    assert who
    await WatchLists(store).add(who, "600519", "share", actor="test")
    await WatchLists(store).add(who, "000001", "index", actor="test")
    assert await accounts(audiences, watching=("600519", "600000")) == ["9003"]
    assert await accounts(audiences, watching=("000001",)) == [], "an index is no share"


async def test_what_planning_needs_of_each(audiences: Audiences, store: Store) -> None:
    first, second = "+8613800138001", "+8613800138002"
    phones = (Phone(first), Phone(second, "unallocated"))
    await Customers(store).put(
        Customer("9007", name_zh="王芳", name_en="Wang Fang", phones=phones, languages=("en",), stage="onboarding")
    )
    await DoNotCall(store).add([DoNotCallEntry(first, "said so")], actor="test")
    found = await audiences.by_accounts(["9007", "9999"], Audience(), TODAY)
    one = found["9007"]
    assert (one.name("en"), one.name("zh"), one.language, one.phones) == ("Wang Fang", "王芳", "en", phones)
    assert (one.listed, one.do_not_call, one.branch, one.opened_on) == (frozenset([first]), False, "", None)
    assert await audiences.known_accounts(["9001", "9999"]) == {"9001"}
    assert await audiences.listed([first, second]) == {first}


async def test_who_complained(audiences: Audiences, store: Store) -> None:
    tickets, day = Tickets(store), brokerage_day(utcnow())
    who = [await Customers(store).id_of(account) for account in ("9001", "9002", "9003")]
    kinds: tuple[tuple[int | None, TicketKind], ...] = (
        (who[0], "complaint"),
        (who[1], "suggestion"),
        (who[2], "complaint"),
        (None, "complaint"),
    )
    numbers = []
    for index, (customer, kind) in enumerate(kinds):
        ticket = await tickets.open(
            kind, call_id=f"call-{index}", caller="+8613800138001", language="zh", customer=customer
        )
        numbers.append(ticket.number)
    for number in (numbers[0], numbers[1], numbers[3]):
        await tickets.take(number, actor="li.si")
        await tickets.answer(number, "已处理", actor="li.si")
    audience = Audience(complained_within=14)
    (one,) = [member async for page in audiences.pages(audience, day) for member in page]
    assert one.account == "9001", "what is still open is nobody's follow-up yet, and a suggestion is no complaint"
    assert one.data == {"ticket": numbers[0], "complained_on": day.isoformat()}
    assert await audiences.count(audience, day + datetime.timedelta(days=15)) == 0
