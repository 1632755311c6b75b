"""Targets: planned once each, the right one next, put off and closed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from db.in_memory import store_in_memory
from db.store import Store
from db.targets import Added, NewTarget, Share, TargetMove, Targets
from tests.unit.db.outbound_rows import CAMPAIGN, TEN, at, dialled, new_target, number, planned

HOUR = datetime.timedelta(hours=1)


async def test_planned_as_it_was_given(store: Store) -> None:
    new = replace(
        new_target(7), name="王芳", tier="gold", language="en", data={"share": "600519", "shares": 500}, rank=2
    )
    await planned(store, [new])
    (one,) = await Targets(store).next(CAMPAIGN, TEN, 5)
    assert (one.key, one.name, one.tier, one.language, one.numbers) == (new.key, "王芳", "gold", "en", (number(7),))
    assert (one.data, one.rank, one.state, one.attempts) == ({"share": "600519", "shares": 500}, 2, "waiting", 0)
    assert await Targets(store).get(one.id) == one
    assert await Targets(store).latest(CAMPAIGN, new.key) == one
    assert await Targets(store).latest("another", new.key) is None


async def test_planning_twice_adds_only_the_new_ones(store: Store) -> None:
    targets = Targets(store)
    await planned(store, map(new_target, range(3)))
    assert await targets.add_many(CAMPAIGN, map(new_target, range(5)), now=at(60)) == Added(2, 0)
    assert await targets.add_many(CAMPAIGN, map(new_target, range(5)), now=at(60)) == Added(0, 0)
    assert await targets.counts(CAMPAIGN) == {"waiting": 5}


async def test_who_was_left_out_waits_once_the_reason_is_gone(store: Store) -> None:
    targets = Targets(store)
    await planned(store, [replace(new_target(1), state="excluded", why="no_number"), new_target(2)])
    (one,) = [one async for page in targets.pages(CAMPAIGN, "excluded") for one in page]
    assert (one.why, one.closed_at) == ("no_number", TEN)
    left_out = replace(new_target(2), state="excluded", why="do_not_call")
    assert await targets.add_many(CAMPAIGN, [new_target(1), left_out], now=at(60)) == Added(0, 1)
    assert await targets.counts(CAMPAIGN) == {"waiting": 2}, "who waits is judged when the number is dialled"


async def test_thousands_are_planned_from_a_stream(store: Store) -> None:
    taken = 0

    def stream() -> Iterator[NewTarget]:
        nonlocal taken
        for index in range(2_500):
            taken += 1
            yield new_target(index)

    await planned(store, [])
    assert await Targets(store).add_many(CAMPAIGN, stream(), now=TEN) == Added(2_500, 0)
    pages = [len(page) async for page in Targets(store).pages(CAMPAIGN)]
    assert (sum(pages), len(pages)) == (2_500, 3)


async def test_the_next_ones_by_rank_and_by_the_time_they_are_due(store: Store) -> None:
    targets = Targets(store)
    await planned(
        store,
        [
            replace(new_target(1), rank=5, due_at=at(-50)),
            replace(new_target(2), rank=1, due_at=at(20)),  # not yet
            replace(new_target(3), rank=3, due_at=at(-10)),
            replace(new_target(4), rank=3, due_at=at(-20)),
            replace(new_target(5), rank=9, due_at=at(-90)),
            replace(new_target(6), rank=1, state="excluded", why="no_number"),
        ],
    )
    assert [one.numbers[0] for one in await targets.next(CAMPAIGN, TEN, 3)] == [number(4), number(3), number(1)]
    assert [one.numbers[0] for one in await targets.next(CAMPAIGN, at(20), 1)] == [number(2)]
    assert await targets.next("another", TEN, 3) == ()
    assert await targets.next_due(CAMPAIGN) == at(-90)
    assert await targets.next_due("another") is None


async def test_who_was_promised_an_agent_is_none_of_the_others(store: Store) -> None:
    targets = Targets(store)
    await planned(store, map(new_target, range(2)))
    one, other = await targets.next(CAMPAIGN, TEN, 2)
    promised = await targets.move(
        one, TargetMove("waiting", "appointment", at(600), guaranteed=True, agent="801"), now=TEN
    )
    assert promised
    assert (promised.guaranteed, promised.agent, promised.due_at, promised.version) == (True, "801", at(600), 1)
    assert await targets.next(CAMPAIGN, at(600), 5) == (other,)
    assert await targets.next_promised(CAMPAIGN, at(599), 5) == ()
    assert await targets.next_promised(CAMPAIGN, at(600), 5) == (promised,)
    assert await targets.next_due(CAMPAIGN) == TEN


async def test_put_off_and_closed_by_whoever_knows_the_latest_row(store: Store) -> None:
    targets = Targets(store)
    await planned(store, [new_target(1)])
    (one,) = await targets.next(CAMPAIGN, TEN, 1)
    later = await targets.put_off(one, at(3600), "quiet_hours", now=TEN)
    assert later
    assert (later.state, later.due_at, later.why) == ("waiting", at(3600), "quiet_hours")
    assert await targets.close(one, "by_hand", "no_number", now=at(1)) is None, "an older row moves nothing"
    closed = await targets.close(later, "by_hand", "no_number", now=at(1))
    assert closed
    assert (closed.state, closed.why, closed.closed_at) == ("by_hand", "no_number", at(1))
    assert await targets.next(CAMPAIGN, at(9999), 1) == ()
    found = await targets.settle_by_hand(closed, TargetMove("reached", "by_letter"), now=at(2))
    assert found
    assert found.state == "reached"
    assert await targets.settle_by_hand(found, TargetMove("waiting"), now=at(3)) is None


async def test_the_campaign_is_over(store: Store) -> None:
    targets = Targets(store)
    await planned(store, map(new_target, range(1_100)))
    first, second = await targets.next(CAMPAIGN, TEN, 2)
    await dialled(store, first)
    await targets.close(second, "refused", "key_9", now=at(1))
    assert await targets.expire(CAMPAIGN, now=at(2)) == 1_098
    assert await targets.counts(CAMPAIGN) == {"held": 1, "refused": 1, "expired": 1_098}


async def test_coverage_by_branch(store: Store) -> None:
    targets = Targets(store)
    await planned(store, [*map(new_target, range(3)), replace(new_target(9), branch="SZ01")])
    (one,) = await targets.next(CAMPAIGN, TEN, 1)
    await targets.close(one, "by_hand", "numbers_wrong", now=at(1))
    assert await targets.shares(CAMPAIGN) == (
        Share("SH01", "by_hand", "numbers_wrong", "", 1),
        Share("SH01", "waiting", "", "", 2),
        Share("SZ01", "waiting", "", "", 1),
    )


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-5, 5), st.booleans()), max_size=30),
    st.integers(1, 40),
)
async def test_the_next_ones_are_those_that_sorting_all_would_give(
    rows: list[tuple[int, int, bool]], most: int
) -> None:
    store = await store_in_memory()
    given_ = [
        replace(new_target(index), rank=rank, due_at=at(due), state="excluded" if out else "waiting", why="")
        for index, (rank, due, out) in enumerate(rows)
    ]
    await planned(store, given_)
    due = [one for one in given_ if one.state == "waiting" and one.due_at and one.due_at <= TEN]
    due.sort(key=lambda one: (one.rank, one.due_at, one.key))
    assert [one.key for one in await Targets(store).next(CAMPAIGN, TEN, most)] == [one.key for one in due[:most]]
    await store.close()
