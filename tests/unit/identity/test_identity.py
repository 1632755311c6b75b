"""Proving who one is, on both databases: limits that hold against many at once, a restart, and prying eyes."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
import sqlalchemy as sa

from db.audit import Audit
from db.errors import StoreAway
from db.tier_changes import NoSuchCustomer
from ivr.identity.identity import Verdict
from ivr.identity.limits import ACCOUNT as ACCOUNT_RULE
from tests.unit.identity.house import ACCOUNT, CLOSED, HOME, MOBILE, NO_MOBILE, OTHER, PIN, UNKNOWN, House

WRONG = "730265"
HOURS = 3_600


async def guess(house: House, account: str = ACCOUNT, pin: str = WRONG, caller: str = HOME) -> Verdict:
    return await house.identity.prove_pin("call-1", caller, account, pin)


async def lock(house: House, account: str = ACCOUNT) -> list[str]:
    """Guess until the account is locked, from a new telephone each time."""
    said = []
    for number in range(ACCOUNT_RULE.locks_at):
        said.append((await guess(house, account, caller=f"1380013900{number}")).how)
        house.clock.go(HOURS)
    return said


async def test_the_right_pin_proves_the_customer(house: House) -> None:
    verdict = await guess(house, pin=PIN)
    assert verdict.how == "proven"
    assert verdict.customer is not None
    found = await house.identity._customers.by_id(verdict.customer)
    assert found is not None
    assert found.account == ACCOUNT
    (entry,) = (await Audit(house.store).of_account(ACCOUNT))[:1]
    assert (entry.actor, entry.what, dict(entry.data)) == ("call-1", "identity.proven", {"how": "pin"})


async def test_wrong_tries_wait_and_lock_and_only_an_agent_opens(house: House) -> None:
    assert [(await guess(house)).how for _ in range(4)] == ["wrong", "wrong", "wrong", "wait"]
    assert await guess(house, pin=PIN) == Verdict("wait", 300), "not even the right one is looked at"
    house.clock.go(300)
    assert (await guess(house, pin=PIN)).how == "proven"
    assert await lock(house) == [*["wrong"] * 5, "locked"]
    house.clock.go(1_000 * HOURS)
    assert (await guess(house, pin=PIN)).how == "locked"
    assert (await house.identity.standing_of_account(ACCOUNT)).locked
    assert await house.identity.unlock(ACCOUNT, actor="li.si", why="ID card seen") == 6
    assert (await guess(house, pin=PIN)).how == "proven"
    trail = [(entry.actor, entry.what) for entry in await Audit(house.store).of_account(ACCOUNT)]
    assert trail[:3] == [("call-1", "identity.proven"), ("li.si", "identity.unlocked"), ("call-1", "identity.refused")]
    assert ("call-1", "identity.locked") in trail


async def test_only_an_account_that_exists_is_unlocked(house: House) -> None:
    with pytest.raises(NoSuchCustomer):
        await house.identity.unlock(UNKNOWN, actor="li.si", why="asked")


@pytest.mark.parametrize("account", [ACCOUNT, UNKNOWN])
async def test_fifty_calls_at_once_make_no_more_tries_than_one_after_the_other(house: House, account: str) -> None:
    others = [house.identity, house.restarted(), house.restarted()]
    verdicts = await asyncio.gather(
        *(
            others[number % 3].prove_pin(f"call-{number}", f"138001380{number:02}", account, f"73{number:04}")
            for number in range(50)
        )
    )
    assert house.pins.checks == 3
    assert sorted(verdict.how for verdict in verdicts) == ["wait"] * 47 + ["wrong"] * 3


async def test_fifty_accounts_at_once_from_one_telephone(house: House) -> None:
    verdicts = await asyncio.gather(*(guess(house, f"98{number:010}") for number in range(50)))
    assert house.pins.checks == 5
    assert sorted(verdict.how for verdict in verdicts) == ["wait"] * 45 + ["wrong"] * 5


async def test_however_the_trunk_writes_a_caller_id_it_is_one(house: House) -> None:
    forms = ["13800138000", "+8613800138000", "008613800138000", "013800138000", "86 138 0013 8000"]
    for number, form in enumerate(forms):
        assert (await guess(house, f"98000000010{number}", caller=form)).how == "wrong"
    assert (await guess(house, "980000000109")).how == "wait"


async def test_withheld_numbers_share_a_wide_tally(house: House) -> None:
    for number in range(12):
        caller = ("", "anonymous", "Anonymous", "unknown")[number % 4]
        assert (await guess(house, f"9800000002{number:02}", caller=caller)).how == "wrong"
    assert (await house.identity.standing_of_caller("")).tries == 12


async def test_one_right_pin_does_not_wash_a_guessers_telephone_clean(house: House) -> None:
    for number in range(5):
        assert (await guess(house, f"98000000030{number}")).how == "wrong"
        if number < 4:
            assert (await guess(house, OTHER, PIN)).how == "proven"
    assert (await house.identity.standing_of_caller(HOME)).tries == 5
    assert (await guess(house, "980000000309")).how == "wait"


async def test_what_is_held_survives_a_restart(house: House) -> None:
    for _ in range(3):
        await guess(house)
    again = house.restarted()
    assert (await again.prove_pin("call-2", "", ACCOUNT, PIN)).how == "wait"


async def test_an_unknown_account_is_answered_like_any_other(house: House) -> None:
    known, unknown = await lock(house, ACCOUNT), await lock(house, UNKNOWN)
    assert known == unknown
    assert house.pins.checks == 2 * len(known), "the PIN of an account that is not there is checked as well"
    entries = [entry for entry in await Audit(house.store).latest() if entry.what.startswith("identity.")]
    assert {entry.account for entry in entries} == {ACCOUNT, ""}
    kinds = [[entry.what for entry in entries if entry.account == account] for account in (ACCOUNT, "")]
    assert kinds[0] == kinds[1]


async def test_customers_no_more_are_not_proven(house: House) -> None:
    assert (await guess(house, CLOSED, PIN)).how == "wrong"
    await house.identity.send_code("call-1", HOME, CLOSED)
    assert house.sms.sent == []


async def test_nobody_is_proven_whose_proof_cannot_be_written(house: House) -> None:
    async with house.store.writing() as session:
        await session.execute(sa.text("ALTER TABLE audit RENAME TO audit_away"))
    assert await guess(house, pin=PIN) == Verdict("unavailable")


async def test_a_store_that_is_away_is_unavailable(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreAway("The database is away.", remedy="Start it.")

    monkeypatch.setattr(house.identity._tries, "change", away)
    assert await guess(house, pin=PIN) == Verdict("unavailable")
    monkeypatch.setattr(house.identity._customers, "by_account", away)
    assert (await house.identity.send_code("call-1", HOME, ACCOUNT)).how == "unavailable"


async def test_old_tallies_are_forgotten_and_locks_are_not(house: House) -> None:
    await guess(house, OTHER)
    await lock(house)
    house.clock.go(91 * 24 * HOURS)
    await house.restarted().prove_pin("call-2", "", "980000000777", WRONG)
    async with house.store.reading() as session:
        buckets = sorted(await session.scalars(sa.text("SELECT bucket FROM identity_tries")))
    assert buckets == ["account", "account", "withheld"], "the locked one, and what was just typed"
    assert (await house.identity.standing_of_account(ACCOUNT)).locked


async def test_a_new_pin_is_taken_unless_it_is_weak(house: House) -> None:
    customer = (await guess(house, pin=PIN)).customer
    assert customer is not None
    assert await house.identity.change_pin("call-1", customer, "123456") == "weak"
    assert await house.identity.change_pin("call-1", customer, MOBILE[-6:]) == "weak"
    assert await house.identity.change_pin("call-1", customer, "841902") == "changed"
    assert (await guess(house, pin=PIN)).how == "wrong"
    assert (await guess(house, pin="841902")).how == "proven"
    assert await house.identity.change_pin("call-1", 10**9, "841902") == "unavailable"


async def test_nothing_secret_stands_in_log_trail_or_tables(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.sms.broken = True
    for account in (ACCOUNT, NO_MOBILE, UNKNOWN):
        await guess(house, account)
        await guess(house, account, PIN)
        await house.identity.send_code("call-1", HOME, account)
        await house.identity.prove_code("call-1", HOME, account, WRONG)
    trail = await Audit(house.store).latest()
    said = json.dumps([[entry.actor, entry.what, dict(entry.data)] for entry in trail])
    async with house.store.reading() as session:
        for table in ("identity_tries", "identity_codes", "customer_pins"):
            said += str((await session.execute(sa.text(f"SELECT * FROM {table}"))).all())
    for secret in (PIN, WRONG, ACCOUNT, NO_MOBILE, UNKNOWN, HOME, MOBILE):
        assert secret not in said
        assert secret not in caplog.text
    assert UNKNOWN not in str([entry.account for entry in trail])
