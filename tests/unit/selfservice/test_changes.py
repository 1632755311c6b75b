"""Changes that a customer asks for and a clerk decides."""

from __future__ import annotations

import asyncio
import re

import pytest

from db.change_requests import (
    MOST_WAITING,
    ChangeRequests,
    NoSuchRequest,
    RequestDecided,
    RequestNotAcceptable,
)
from db.customer import Phone, brokerage_day
from db.customers import Customers
from db.events import utcnow
from ivr.speech.values import Code, Name
from tests.unit.selfservice.conftest import ACCOUNT, OTHER, Hotline


def code(value: object) -> str:
    assert isinstance(value, Code)
    return value.digits


async def test_a_new_telephone_waits_for_the_clerk_and_then_is_the_first(hotline: Hotline) -> None:
    requests = ChangeRequests(hotline.store)
    put = await hotline.ask("changes.phone", number="02155501234")
    ticket = code(put.values["ticket"])
    assert put.exit == "put"
    assert [phone.number for phone in (await hotline.customer()).phones] == ["+8613800138000"], "nothing is changed yet"
    assert (await hotline.call("tickets.status", None, ticket=ticket)).values == {
        "state": Name({"zh": "等待审核", "en": "waiting to be checked"})
    }
    accepted = await requests.accept(ticket, actor="clerk7")
    assert (accepted.state, accepted.clerk) == ("accepted", "clerk7")
    new, old = (await hotline.customer()).phones
    assert new == Phone("+862155501234", "good", brokerage_day(utcnow()))
    assert old == Phone("+8613800138000")
    found = await Customers(hotline.store).by_phone("02155501234")
    assert [customer.account for customer in found] == [ACCOUNT]
    with pytest.raises(RequestDecided):
        await requests.accept(ticket, actor="clerk8")
    with pytest.raises(RequestDecided):
        await requests.refuse(ticket, actor="clerk8", why="too late")
    assert await hotline.trail() == ["change.requested", "change.accepted"]


async def test_a_telephone_that_is_known_is_confirmed_and_comes_first(hotline: Hotline) -> None:
    requests = ChangeRequests(hotline.store)
    customers = Customers(hotline.store)
    for number in ("13900139000", "13800138000"):
        ticket = code((await hotline.ask("changes.phone", number=number)).values["ticket"])
        await requests.accept(ticket, actor="clerk7")
        await customers.mark_phone(ACCOUNT, "13800138000", "stopped")
    await requests.accept(
        code((await hotline.ask("changes.phone", number="013800138000")).values["ticket"]), actor="clerk7"
    )
    assert [(phone.number, phone.state) for phone in (await hotline.customer()).phones] == [
        ("+8613800138000", "good"),
        ("+8613900139000", "good"),
    ]


async def test_asked_twice_is_asked_once(hotline: Hotline) -> None:
    first = await hotline.ask("changes.phone", number="13900139000")
    assert (await hotline.ask("changes.phone", number="013900139000")).values == first.values
    assert len(await ChangeRequests(hotline.store).listed(["waiting"], 10)) == 1
    assert await hotline.trail() == ["change.requested"]


@pytest.mark.parametrize("number", ["1380013800", "95500", "110", "12", "", "1" * 21, "１３８００１３８０００"])
async def test_what_is_nobodys_telephone_is_wrong(hotline: Hotline, number: str) -> None:
    assert (await hotline.ask("changes.phone", number=number)).exit == "wrong"


@pytest.mark.parametrize(("key", "what", "value"), [("1", "email", "wang@example.com"), ("2", "address", "上海市1号")])
async def test_what_is_dictated_is_typed_by_the_clerk(hotline: Hotline, key: str, what: str, value: str) -> None:
    requests = ChangeRequests(hotline.store)
    opened = await hotline.ask("changes.open_dictated", what=key)
    ticket, recording = code(opened.values["ticket"]), code(opened.values["recording"])
    assert re.fullmatch("[0-9]{20}", recording)
    waiting = await requests.get(ticket)
    assert (waiting.account, waiting.what, waiting.recording, waiting.value) == (ACCOUNT, what, recording, "")
    with pytest.raises(RequestNotAcceptable, match="What is the new"):
        await requests.accept(ticket, actor="clerk7")
    await requests.accept(ticket, actor="clerk7", value=value)
    assert getattr(await hotline.customer(), what) == value
    assert (await hotline.ask("changes.open_dictated", what="3")).exit == "wrong"


async def test_a_refused_request_changes_nothing_and_says_why(hotline: Hotline) -> None:
    requests = ChangeRequests(hotline.store)
    before = await hotline.customer()
    ticket = code((await hotline.ask("changes.phone", number="13900139000")).values["ticket"])
    refused = await requests.refuse(ticket, actor="clerk7", why="the number is another customer's")
    assert (refused.state, refused.why) == ("refused", "the number is another customer's")
    assert await hotline.customer() == before
    with pytest.raises(NoSuchRequest):
        await requests.get("12345678")
    again = code((await hotline.ask("changes.phone", number="13900139000")).values["ticket"])
    with pytest.raises(RequestNotAcceptable, match="keyed in"):
        await requests.accept(again, actor="clerk7", value="x")


async def test_so_many_wait_and_no_more(hotline: Hotline) -> None:
    exits = await asyncio.gather(
        *(hotline.ask("changes.open_dictated", what="1") for _ in range(MOST_WAITING + 2)),
    )
    assert sorted(result.exit for result in exits) == ["opened"] * MOST_WAITING + ["too_many"] * 2
    assert (await hotline.call("changes.open_dictated", OTHER, what="1")).exit == "opened", "each has their own"
