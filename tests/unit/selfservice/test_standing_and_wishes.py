"""The tier, spoken; the urgent lock; language, quiet hours, do-not-call."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from db.account_locks import AccountLocks, NotLocked
from db.audit import Audit
from db.customers import Customers
from db.store import Store
from ivr.speech.values import Count, Name, Time
from tests.unit.selfservice.conftest import ACCOUNT, OTHER, Hotline


async def test_the_tier_is_told_with_points_where_there_are_any(hotline: Hotline) -> None:
    told = await hotline.ask("customer.tell")
    assert (told.exit, told.values["points"]) == ("told_with_points", Count(30_000))
    assert told.values["tier"] == Name({"zh": "黄金客户", "en": "gold"})
    assert (await hotline.call("customer.tell", OTHER)).exit == "told"


async def test_nobody_is_served_without_a_proof(hotline: Hotline) -> None:
    exits = set()
    for service in hotline.services.values():
        if service.proven:
            inputs = {
                f"{name}_" if name in ("from", "with") else name: 0 if kind == "count" else "1"
                for name, kind in service.inputs.items()
            }
            exits.add((await hotline.call(service.name, None, "17.1", **inputs)).exit)
    assert exits == {"not_proven"}
    assert await hotline.trail() == []


async def test_only_tickets_ask_for_no_proof(hotline: Hotline) -> None:
    assert {name for name, service in hotline.services.items() if not service.proven} == {
        "tickets.open",
        "tickets.status",
    }


async def test_a_lock_stops_every_change_until_a_clerk_lifts_it(hotline: Hotline) -> None:
    assert (await hotline.ask("account.lock")).exit == "locked"
    assert (await hotline.ask("account.lock")).exit == "already"
    before = await hotline.customer()
    for name, inputs in {
        "wishes.language": {"choice": "2"},
        "wishes.quiet_hours": {"from_": "2100", "until": "0800"},
        "wishes.no_quiet_hours": {},
        "wishes.do_not_call": {"choice": "1"},
        "changes.phone": {"number": "13900139000"},
        "changes.open_dictated": {"what": "1"},
        "appointments.book": {"slot": "1"},
        "appointments.cancel": {"slot": "1"},
        "watch_list.add": {"code": "600519"},
    }.items():
        assert "account_locked" in hotline.services[name].exits
        assert (await hotline.ask(name, **inputs)).exit == "account_locked", name
    assert await hotline.customer() == before
    assert (await hotline.ask("customer.tell")).exit == "told_with_points", "a locked customer still hears"
    assert (await hotline.call("wishes.language", OTHER, choice="2")).exit == "saved", "nobody else is locked"
    locks = AccountLocks(hotline.store)
    (lock,) = await locks.in_force()
    assert (lock.account, lock.locked_by, lock.how) == (ACCOUNT, "17.1", "call")
    await locks.lift(ACCOUNT, actor="clerk7", why="the customer came with an identity card")
    assert await locks.in_force() == ()
    with pytest.raises(NotLocked):
        await locks.lift(ACCOUNT, actor="clerk7", why="again")
    assert (await hotline.ask("wishes.language", choice="2")).exit == "saved"
    assert (await hotline.ask("account.lock")).exit == "locked", "an account can be locked again"
    assert await hotline.trail() == ["account.locked", "account.unlocked", "wish.language", "account.locked"]


async def test_the_language_chosen_comes_first_and_the_others_stay(hotline: Hotline) -> None:
    saved = await hotline.ask("wishes.language", choice="2")
    assert (saved.exit, saved.values["language"]) == ("saved", Name({"zh": "英语", "en": "English"}))
    assert (await hotline.customer()).languages == ("en", "zh")
    assert (await hotline.ask("wishes.language", choice="2")).exit == "saved"
    assert await hotline.trail() == ["wish.language"], "what stands already is no change"
    assert (await hotline.ask("wishes.language", choice="3")).exit == "wrong"


async def test_quiet_hours_go_over_midnight_and_away_again(hotline: Hotline) -> None:
    saved = await hotline.ask("wishes.quiet_hours", from_="2130", until="0800")
    assert saved.values == {"from": Time(datetime.time(21, 30)), "until": Time(datetime.time(8, 0))}
    customer = await hotline.customer()
    assert (customer.quiet_from, customer.quiet_until) == (datetime.time(21, 30), datetime.time(8, 0))
    assert (await hotline.ask("wishes.quiet_hours", from_="0900", until="0900")).exit == "off"
    assert (await hotline.customer()).quiet_from is None
    assert (await hotline.ask("wishes.quiet_hours", from_="2200", until="2400")).exit == "saved"
    assert (await hotline.customer()).quiet_until == datetime.time(0, 0)
    assert (await hotline.ask("wishes.no_quiet_hours")).exit == "off"
    assert (await hotline.customer()).quiet_until is None
    entry = (await Audit(hotline.store).of_account(ACCOUNT))[0]
    assert (entry.actor, entry.data["quiet_from"]) == ("17.1", {"from": "22:00", "to": None})


@pytest.mark.parametrize(
    ("begin", "end"), [("2530", "0800"), ("2160", "0800"), ("2100", "2401"), ("900", "1000"), ("２１００", "0800")]
)
async def test_hours_that_are_none_are_wrong_and_change_nothing(hotline: Hotline, begin: str, end: str) -> None:
    assert (await hotline.ask("wishes.quiet_hours", from_=begin, until=end)).exit == "wrong"
    assert await hotline.trail() == []


async def test_do_not_call_and_call_again(hotline: Hotline) -> None:
    before = await hotline.customer()
    assert (await hotline.ask("wishes.do_not_call", choice="1")).exit == "opted_out"
    assert await hotline.customer() == dataclasses.replace(before, do_not_call=True)
    assert (await hotline.ask("wishes.do_not_call", choice="2")).exit == "opted_in"
    assert await hotline.customer() == before
    assert (await hotline.ask("wishes.do_not_call", choice="9")).exit == "wrong"


async def test_a_store_that_is_away_is_an_exit_and_tells_no_account(
    hotline: Hotline, caplog: pytest.LogCaptureFixture
) -> None:
    away = Hotline(await Store.open("postgresql://nobody@127.0.0.1:1/none"))
    away.ids = hotline.ids
    await away.board.refresh()
    for name, service in away.services.items():
        inputs = {
            f"{key}_" if key in ("from", "with") else key: 0 if kind == "count" else "1"
            for key, kind in service.inputs.items()
        }
        inputs |= {"number": "13800138000"} if "number" in inputs else {}
        inputs |= {"from_": "0100", "until": "0200"} if "until" in inputs else {}
        inputs |= {"code": "600519"} if "code" in inputs else {}
        inputs |= {"ticket": "10000004"} if "ticket" in inputs else {}
        assert "unavailable" in service.exits
        exit_ = (await away.call(name, ACCOUNT, "17.1", **inputs)).exit
        assert exit_ in ("unavailable", "unknown"), name
    assert "cannot be served" in caplog.text
    assert ACCOUNT not in caplog.text
    await away.store.close()


async def test_a_customer_who_is_gone_is_unavailable(hotline: Hotline) -> None:
    hotline.ids[ACCOUNT] = 999
    for name in ("customer.tell", "account.lock", "wishes.no_quiet_hours"):
        assert (await hotline.ask(name)).exit == "unavailable"
    assert await Customers(hotline.store).by_id(999) is None
