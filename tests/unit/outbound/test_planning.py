"""Planning: broken off at any point it is gone on with; two planners do not meet; big lists are read in a stream."""

from __future__ import annotations

import datetime
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from db.audience import Audiences
from db.campaigns import Campaigns
from db.customer import Customer, Phone
from db.customers import Customers
from db.errors import StoreAway
from db.exclusive import AlreadyAtWork, exclusively
from db.store import Store
from db.targets import NewTarget, Targets
from outbound.campaign import Campaign
from outbound.planning import ListNeeded, Plan, Planner
from outbound.retry import first_rank
from outbound.target_list import BadTargetList, RowFault, TargetList
from tests.unit.outbound.campaign_texts import CLOCK, TEXT, campaign, local, rules

NOW = local(20, 8)
LISTED = TEXT.replace("status: [new, active], opened_within_days: 30, within_days: 30", "list: yes, columns: [share]")


def planner(store: Store, one: Campaign | None = None) -> Planner:
    return Planner(store, one or campaign(), rules(), CLOCK, NOW)


async def customers(store: Store, count: int) -> None:
    for index in range(count):
        phone = Phone(f"+8613800{index:06}")
        tier = "gold" if index % 2 else "normal"
        one = Customer(f"9{index:05}", phones=(phone,), tier=tier, opened_on=NOW.date())  # type: ignore[arg-type]
        await Customers(store).put(one)


def listed(
    tmp_path: Path, rows: Sequence[str], header: str = "phones,share", one: Campaign | None = None
) -> TargetList:
    file = tmp_path / "list.csv"
    file.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return TargetList(file, "utf-8", one or campaign(LISTED), None)


async def test_a_plan_that_was_broken_off_is_gone_on_with(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await customers(store, 7)
    entered = 0
    add_many = Targets.add_many

    async def fails_at_the_third_page(self: Targets, name: str, page: Sequence[NewTarget], **said: object) -> object:
        nonlocal entered
        entered += 1
        if entered == 3:
            raise StoreAway("The database went away.", remedy="")
        return await add_many(self, name, page, **said)  # type: ignore[arg-type]

    monkeypatch.setattr(Audiences.pages, "__defaults__", (2,))
    with monkeypatch.context() as broken:
        broken.setattr(Targets, "add_many", fails_at_the_third_page)
        with pytest.raises(StoreAway):
            await planner(store).plan(None, actor="test")
    assert await Targets(store).counts("revisit") == {"waiting": 4}
    plan = await planner(store).plan(None, actor="test")
    assert (plan.found, plan.new, plan.known) == (7, 3, 4)
    assert await Targets(store).counts("revisit") == {"waiting": 7}


async def test_two_that_plan_at_once(store: Store) -> None:
    await customers(store, 3)
    async with exclusively(store, "plan-revisit"):
        with pytest.raises(AlreadyAtWork):
            await planner(store).plan(None, actor="test")
    plan = await planner(store).plan(None, actor="test")
    assert plan.new == 3, "the lock went with whoever held it"


async def test_ranks_and_the_first_day(store: Store) -> None:
    await customers(store, 4)
    one = campaign(TEXT.replace("within_days: 30}", "within_days: 30, order: tier}"))
    begins = replace(one, begins_on=local(23, 0).date())
    await planner(store, begins).plan(None, actor="test")
    targets = Targets(store)
    assert await targets.next("revisit", local(22, 23), 9) == ()
    found = await targets.next("revisit", local(23, 0), 9)
    assert [(target.tier, target.rank) for target in found] == [
        ("gold", first_rank(1)),
        ("gold", first_rank(1)),
        ("normal", first_rank(3)),
        ("normal", first_rank(3)),
    ]


async def test_a_dry_run_writes_nothing(store: Store) -> None:
    await customers(store, 3)
    told: list[tuple[int, int]] = []
    plan = await planner(store).plan(None, actor="test", dry_run=True, progress=lambda *done: told.append(done))
    assert (plan.new, plan.waiting, plan.written) == (3, 3, False)
    assert told == [(3, 3)]
    assert await Campaigns(store).get("revisit") is None


async def test_lists_and_queries_are_not_mixed_up(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ListNeeded, match="takes no list"):
        await planner(store).plan(listed(tmp_path, []), actor="test")
    with pytest.raises(ListNeeded, match="--list FILE"):
        await planner(store, campaign(LISTED)).plan(None, actor="test")


async def test_strangers_of_a_list(store: Store, tmp_path: Path) -> None:
    one = campaign(LISTED)
    rows = ["13800138001;021 5550 1234,茅台", "'13800138002,茅台", '="13800138003",茅台']
    targets = listed(tmp_path, rows)
    assert await planner(store, one).check_list(targets, lambda _: pytest.fail("nothing is wrong")) == 0
    plan = await planner(store, one).plan(targets, actor="test")
    assert plan.waiting == 3
    found = await Targets(store).latest("revisit", "+8613800138001")
    assert found
    assert (found.numbers, found.customer, found.data) == (
        ("+8613800138001", "+862155501234"),
        None,
        {"share": "茅台"},
    )


async def test_a_number_that_stands_in_two_rows_of_strangers(store: Store, tmp_path: Path) -> None:
    told: list[RowFault] = []
    targets = listed(tmp_path, ["13800138001;13800138002,a", "13800138002,b", "13800138003,c"])
    assert await planner(store, campaign(LISTED)).check_list(targets, told.append) == 1
    assert [str(fault) for fault in told] == ["3: phones: +8613800138002 stands in line 2 too. Keep one."]


async def test_a_list_that_changes_while_it_is_read(store: Store, tmp_path: Path) -> None:
    targets = listed(tmp_path, ["13800138001,a"])
    (tmp_path / "list.csv").write_text("phones,share\n13800138001,a\n13800138002,b\n", "utf-8")
    with pytest.raises(BadTargetList, match="changed while it was read"):
        await planner(store, campaign(LISTED)).plan(targets, actor="test")


async def test_once_on_each_occasion(store: Store, tmp_path: Path) -> None:
    await customers(store, 1)
    one = campaign(LISTED.replace("columns: [share]", "columns: [share, price], once_per: [share]"))
    header, rows = "account,share,price", ["900000,茅台,10", "900000,平安,20"]
    plan = await planner(store, one).plan(listed(tmp_path, rows, header, one), actor="test")
    assert (plan.new, plan.waiting) == (2, 2), "two shares are two calls"
    corrected = ["900000,茅台,11", "900000,万科,5", "900000,万科,6"]
    told: list[RowFault] = []
    again = listed(tmp_path, corrected, header, one)
    assert await planner(store, one).check_list(again, told.append) == 1
    assert [str(fault) for fault in told] == ["4: account: 900000 stands in line 3 too. Keep one."]
    plan = await planner(store, one).plan(again, actor="test")
    assert (plan.new, plan.known) == (1, 1)
    latest = await Targets(store).latest("revisit", "900000")
    assert latest
    assert latest.data["share"] == "万科"


async def test_again_when_it_is_time(store: Store) -> None:
    await customers(store, 3)
    one = campaign(TEXT.replace(", within_days: 30}", ", again_after_days: 10}"))
    targets = Targets(store)
    await planner(store, one).plan(None, actor="test")
    first, second, third = await targets.next("revisit", NOW, 3)
    await targets.close(first, "reached", "reached", now=NOW)
    await targets.close(second, "by_hand", "no_number", now=NOW + datetime.timedelta(days=5))
    for days, new in ((9, 0), (10, 1), (11, 0), (15, 1)):
        later = replace(planner(store, one), now=NOW + datetime.timedelta(days=days))
        assert (await later.plan(None, actor="test")).new == new, f"after {days} days"
    latest = await targets.latest("revisit", first.account)
    assert latest
    assert (latest.state, latest.key, latest.id != first.id) == ("waiting", f"{first.account}#20261130", True)
    still = await targets.latest("revisit", third.account)
    assert still
    assert still.id == third.id, "who waits is not planned anew"


def test_odd_files(tmp_path: Path) -> None:
    quote = listed(tmp_path, ['13800138001,"a', "13800138002,b"])
    (batch,) = quote.batches()
    assert batch.faults
    assert "no CSV" in batch.faults[0].what or batch.faults[0].what.startswith("the row has")
    long = listed(tmp_path, [f"13800138001,{'长' * 300}", "", " , ", "13800138002,b"])
    (batch,) = long.batches()
    assert [fault.what for fault in batch.faults] == ["it has 300 characters."]
    assert [target.line for target in batch.targets] == [5]


def test_a_big_list_is_never_held_whole(tmp_path: Path) -> None:
    one = campaign(LISTED)
    small = listed(tmp_path, [f"138{index:08},a" for index in range(2_000)])
    peaks = []
    for rows in (2_000, 20_000):
        big = small if rows == 2_000 else listed(tmp_path, [f"138{index:08},a" for index in range(rows)], one=one)
        tracemalloc.start()
        seen = sum(len(batch.targets) for batch in big.batches())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == rows
    assert peaks[1] < 1.3 * peaks[0] + 100_000, peaks


def test_what_machines_are_told() -> None:
    plan = Plan(found=5, new=3, revived=1, bad_rows=2)
    plan.left_out["do_not_call"] = 1
    assert plan.as_data() == {
        "found": 5,
        "new": 3,
        "revived": 1,
        "known": 1,
        "waiting": 2,
        "left_out": {"do_not_call": 1},
        "bad_rows": 2,
        "written": False,
        "ends_at": None,
    }
