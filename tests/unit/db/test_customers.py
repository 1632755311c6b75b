"""Customers in the store: what is said is kept, what is not said is left alone, on both databases."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from db import schema
from db.audit import Audit, AuditEntry
from db.branches import Branches
from db.customer import Branch, Customer, Phone
from db.customer_changes import CustomerChange, CustomerChanges, SaidPhone
from db.customers import Customers
from db.errors import StoreError
from db.exclusive import AlreadyAtWork, exclusively
from db.store import Store
from db.tier_changes import NoSuchCustomer, TierBook, TierMove, TierStanding

TODAY = datetime.date(2026, 11, 20)
NOW = datetime.datetime(2026, 11, 20, 4, 0, tzinfo=datetime.UTC)
FAR = datetime.date(2999, 1, 1)
FULL = Customer(
    account="900000000009",
    name_zh="王小明",
    name_en="Wang Xiaoming",
    tier="gold",
    phones=(Phone("+8613800138000", "good", TODAY), Phone("+862155501234", "switched_off"), Phone("1001")),
    status="dormant",
    stage="declining",
    branch="SH01",
    languages=("en", "zh"),
    dialect="yue",
    manager="li.si",
    backups=("zhao", "qian"),
    do_not_call=True,
    quiet_from=datetime.time(21, 0),
    quiet_until=datetime.time(8, 30),
    recording_refused=True,
    email="wang@example.com",
    address="上海市演示路1号",
    assets=Decimal("12345678901234.56"),
    commission=Decimal("0.01"),
    points=123_456_789_012,
    opened_on=datetime.date(2015, 4, 1),
)


@pytest.fixture
async def customers(store: Store) -> Customers:
    await Branches(store).put([Branch("SH01", "上海", "Shanghai"), Branch("SZ01", "深圳", "Shenzhen")])
    return Customers(store)


async def test_everything_about_a_customer_comes_back(customers: Customers) -> None:
    await customers.put(FULL)
    assert await customers.by_account(FULL.account) == FULL
    bare = Customer("900000000010")
    await customers.put(bare)
    assert await customers.by_account(bare.account) == bare
    assert [page async for page in customers.pages(1)] == [(FULL,), (bare,)]
    assert await customers.count() == 2


async def test_a_caller_id_finds_the_customer_however_the_trunk_wrote_it(customers: Customers) -> None:
    await customers.put(FULL)
    for written in ("13800138000", "013800138000", "+8613800138000", "008613800138000", "8613800138000", "02155501234"):
        assert [one.account for one in await customers.by_phone(written)] == [FULL.account], written
    assert [one.account for one in await customers.by_phone("1001")] == [FULL.account], "an extension"
    assert await customers.by_phone("") == ()


async def test_a_number_that_is_somebody_elses_finds_nobody(customers: Customers) -> None:
    await customers.put(FULL)
    assert await customers.mark_phone(FULL.account, "13800138000", "wrong_person")
    assert await customers.by_phone("13800138000") == ()
    assert await customers.mark_phone(FULL.account, "13800138000", "good", confirmed_on=FAR)
    assert len(await customers.by_phone("13800138000")) == 1
    assert not await customers.mark_phone(FULL.account, "13900139000", "good")


async def test_what_is_not_said_is_left_alone(store: Store, customers: Customers) -> None:
    await customers.put(FULL)
    changes = CustomerChanges(store)
    said = [CustomerChange(FULL.account, {"email": "new@example.com"}), CustomerChange("900000000011", {"email": ""})]
    found = await changes.write(said, actor="test", why="test")
    assert (found.new, found.changed) == ({"900000000011"}, {FULL.account})
    assert await customers.by_account(FULL.account) == replace(FULL, email="new@example.com")
    assert await customers.by_account("900000000011") == Customer("900000000011")


async def test_what_a_file_does_not_know_of_a_telephone_stays(store: Store, customers: Customers) -> None:
    await customers.put(FULL)
    phones = (SaidPhone("+862155501234"), SaidPhone("+8613900139000"), SaidPhone("+8613800138000", "stopped"))
    await CustomerChanges(store).write([CustomerChange(FULL.account, {}, phones)], actor="test", why="test")
    found = await customers.by_account(FULL.account)
    assert found
    assert found.phones == (
        Phone("+862155501234", "switched_off"),
        Phone("+8613900139000"),
        Phone("+8613800138000", "stopped", TODAY),
    )


async def test_the_same_again_writes_nothing_and_comparing_never_does(store: Store, customers: Customers) -> None:
    changes, whole = CustomerChanges(store), [CustomerChange.whole(FULL)]
    assert (await changes.compare(whole, actor="test", why="test")).new == {FULL.account}
    assert await customers.by_account(FULL.account) is None
    await changes.write(whole, actor="test", why="test")
    again = await changes.write(whole, actor="test", why="test")
    assert (again.new, again.changed, again.rows, again.phones, again.tiers) == (set(), set(), [], [], [])


async def test_two_may_write_the_same_customer_at_once(store: Store, customers: Customers) -> None:
    await asyncio.gather(*(customers.put(replace(FULL, points=number)) for number in range(8)))
    assert await customers.count() == 1


async def test_a_branch_that_does_not_exist_is_refused(customers: Customers) -> None:
    with pytest.raises(StoreError):
        await customers.put(replace(FULL, branch="XX"))
    assert await customers.by_account(FULL.account) is None


async def test_branches_can_change(store: Store, customers: Customers) -> None:
    await Branches(store).put([Branch("SH01", "浦东", "Pudong", "+862155501234", "x")])
    assert [branch.name_zh for branch in await Branches(store).all()] == ["浦东", "深圳"]


@pytest.mark.parametrize(
    ("hours", "minute", "quiet"),
    [
        ((21, 9), "20:59", False),
        ((21, 9), "21:00", True),
        ((21, 9), "03:00", True),
        ((21, 9), "08:59", True),
        ((21, 9), "09:00", False),
        ((12, 14), "11:59", False),
        ((12, 14), "12:00", True),
        ((12, 14), "14:00", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: tuple[int, int], minute: str, quiet: bool) -> None:
    customer = replace(FULL, quiet_from=datetime.time(hours[0]), quiet_until=datetime.time(hours[1]))
    moment = datetime.datetime.fromisoformat(f"2026-11-20T{minute}:00+08:00")
    assert customer.quiet_at(moment) is quiet
    assert customer.quiet_at(moment.astimezone(datetime.UTC)) is quiet
    assert not replace(customer, quiet_from=None, quiet_until=None).quiet_at(moment)


def test_a_customer_is_called_by_the_name_there_is() -> None:
    assert FULL.name("zh") == "王小明"
    assert FULL.name("en") == "Wang Xiaoming"
    assert replace(FULL, name_en="").name("en") == "王小明"
    assert FULL.language == "en"


async def test_a_new_tier_is_journalled_with_who_and_why(store: Store, customers: Customers) -> None:
    await customers.put(FULL)
    await customers.put(replace(FULL, tier="platinum"), actor="clerk", why="promised")
    (change,) = await TierBook(store).changes(FULL.account)
    assert (change.from_tier, change.to_tier, change.actor, change.why) == ("gold", "platinum", "clerk", "promised")
    (entry,) = await Audit(store).of_account(FULL.account)
    assert (entry.what, entry.actor) == ("tier.changed", "clerk")
    assert entry.data == {"from": "gold", "to": "platinum", "why": "promised"}


async def test_an_override_outlives_an_import_and_its_end_brings_back_what_the_import_said(
    store: Store, customers: Customers
) -> None:
    await customers.put(FULL)
    book = TierBook(store)
    change = await book.override(FULL.account, "platinum", until=FAR, why="promised", actor="boss")
    assert change
    assert (change.from_tier, change.to_tier) == ("gold", "platinum")
    assert await book.override(FULL.account, "platinum", until=FAR, why="again", actor="boss") is None
    await customers.put(replace(FULL, tier="silver"))
    holder = await book.holder(FULL.account)
    assert (holder.tier, holder.standing) == ("platinum", TierStanding("silver"))
    assert holder.override
    assert (holder.override.why, holder.override.until, holder.override.actor) == ("again", FAR, "boss")
    lifted = await book.lift(FULL.account, why="left", actor="boss")
    assert lifted
    assert lifted.to_tier == "silver"
    with pytest.raises(StoreError, match="No override"):
        await book.lift(FULL.account, why="left", actor="boss")
    what = [entry.what for entry in await Audit(store).of_account(FULL.account)]
    assert sorted(what) == sorted(["tier.changed"] * 2 + ["tier.overridden"] * 2 + ["tier.override_lifted"])


async def test_an_override_for_nobody_is_refused(store: Store, customers: Customers) -> None:
    for attempt in (
        TierBook(store).holder("1"),
        TierBook(store).override("1", "gold", until=FAR, why="x", actor="x"),
        TierBook(store).lift("1", why="x", actor="x"),
    ):
        with pytest.raises(NoSuchCustomer, match="1"):
            await attempt


async def test_a_move_decided_before_somebody_changed_the_tier_is_left_out(store: Store, customers: Customers) -> None:
    await customers.put(FULL)
    book = TierBook(store)
    stale = TierMove(await book.holder(FULL.account), "normal", TierStanding("normal"), "stale")
    await book.override(FULL.account, "platinum", until=FAR, why="promised", actor="boss")
    assert await book.move([stale], actor="recompute", at=NOW) == ()
    assert (await book.holder(FULL.account)).tier == "platinum"


async def test_the_audit_trail_is_appended_only(store: Store) -> None:
    await Audit(store).append(AuditEntry("clerk", "phone.changed", "9", {"from": "a", "to": "b"}, NOW))
    for statement in ("UPDATE audit SET actor = 'somebody'", "DELETE FROM audit"):
        with pytest.raises(StoreError, match="never changed nor deleted"):
            async with store.writing() as session:
                await session.execute(sa.text(statement))
    assert await Audit(store).latest() == (AuditEntry("clerk", "phone.changed", "9", {"from": "a", "to": "b"}, NOW),)


async def test_work_that_must_be_alone_is_alone(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)
    async with exclusively(store, "tiers"):
        with pytest.raises(AlreadyAtWork, match="tiers"):
            async with exclusively(other, "tiers"):
                pass
        async with exclusively(other, "customers"):
            pass
    async with exclusively(other, "tiers"):
        pass
    await other.close()


async def test_what_was_known_before_is_kept_by_the_migration_and_by_its_way_back(store: Store) -> None:
    async with store.engine.begin() as connection:
        await connection.run_sync(schema.downgrade, "0001")
        for number, (name, status, language) in enumerate(
            [("王小明", "frozen", "zh"), ("Bob", "active", "en"), ("李四", "closed", "zh")]
        ):
            await connection.execute(
                sa.text(
                    "INSERT INTO customers (id, account, name, tier, status, language, created_at) "
                    "VALUES (:id, :account, :name, 'gold', :status, :language, '2026-01-01 00:00:00')"
                ),
                {
                    "id": 7 * number + 7,
                    "account": f"90000{number}",
                    "name": name,
                    "status": status,
                    "language": language,
                },
            )
        for owner, phone in ((7, "13800138000"), (7, "02155501234"), (14, "1001"), (14, "00000000002")):
            await connection.execute(
                sa.text("INSERT INTO customer_phones (id, customer_id, number) VALUES (:id, :owner, :number)"),
                {"id": int(phone[-4:]) + owner * 10_000, "owner": owner, "number": phone},
            )
    await store.migrate()
    customers = Customers(store)
    wang = await customers.by_account("900000")
    bob = await customers.by_account("900001")
    assert wang
    assert bob
    assert (wang.name_zh, wang.name_en, wang.status, wang.tier, wang.languages) == (
        "王小明",
        "",
        "dormant",
        "gold",
        ("zh",),
    )
    assert (bob.name_zh, bob.name_en, bob.status, bob.languages) == ("", "Bob", "active", ("en",))
    assert {phone.number for phone in wang.phones} == {"+8613800138000", "+862155501234"}
    assert {phone.number for phone in bob.phones} == {"1001", "00000000002"}
    await customers.put(Customer("900009", phones=(Phone("1"),)))  # new rows get ids of their own
    async with store.engine.begin() as connection:
        await connection.run_sync(schema.downgrade, "0001")
        rows = await connection.execute(sa.text("SELECT name, status, language FROM customers ORDER BY account"))
        assert [tuple(row) for row in rows][:3] == [
            ("王小明", "frozen", "zh"),
            ("Bob", "active", "en"),
            ("李四", "closed", "zh"),
        ]
        numbers = set(await connection.scalars(sa.text("SELECT number FROM customer_phones")))
        assert numbers == {"13800138000", "02155501234", "1001", "00000000002", "1"}
    await store.migrate()
