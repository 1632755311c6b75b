"""Tallies: changed one transaction at a time, by however many processes, on both databases."""

from __future__ import annotations

import asyncio
import datetime

import pytest
import sqlalchemy as sa

from db.audit import Audit, AuditEntry
from db.identity_tries import Decision, IdentityTries, Tally, TryKey
from db.store import Store

NOW = datetime.datetime(2026, 11, 20, 4, 0, tzinfo=datetime.UTC)
CALLER, OTHER_CALLER = TryKey("caller", "c" * 64), TryKey("caller", "d" * 64)
ACCOUNT, OTHER_ACCOUNT = TryKey("account", "a" * 64), TryKey("account", "b" * 64)


def one_more(held: tuple[Tally, ...]) -> Decision[tuple[float, ...]]:
    return Decision(tuple(Tally(tally.level + 1, NOW) for tally in held), tuple(tally.level for tally in held))


async def test_each_sees_what_the_one_before_left_though_they_name_keys_in_any_order(database_url: str) -> None:
    """Two stores stand for two processes; keys in opposite orders would make careless transactions wait in a ring."""
    stores = [await Store.open(database_url) for _ in range(2)]
    await stores[0].migrate()
    tries = [IdentityTries(store) for store in stores]
    pairs = [(CALLER, ACCOUNT), (ACCOUNT, CALLER), (OTHER_CALLER, ACCOUNT), (OTHER_ACCOUNT, CALLER)]
    seen = await asyncio.gather(*(tries[n % 2].change(pairs[n // 2 % 4], NOW, one_more) for n in range(24)))
    by_key: dict[TryKey, list[float]] = {}
    for n, levels in enumerate(seen):
        for key, level in zip(pairs[n // 2 % 4], levels, strict=True):
            by_key.setdefault(key, []).append(level)
    for levels in by_key.values():
        assert sorted(levels) == [float(level) for level in range(len(levels))]
    for store in stores:
        await store.close()


async def test_a_tally_of_nothing_is_no_row(store: Store) -> None:
    tries = IdentityTries(store)
    await tries.change([CALLER], NOW, one_more)
    assert await tries.read(CALLER) == Tally(1.0, NOW)
    await tries.change([CALLER], NOW, lambda _: Decision((Tally(0.0, NOW),), None))
    assert await tries.read(CALLER) is None
    await tries.change([ACCOUNT], NOW, lambda held: Decision(held, None))
    async with store.reading() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM identity_tries")) == 0


async def test_a_change_and_its_entry_are_both_written_or_none(store: Store) -> None:
    tries = IdentityTries(store)

    def fails(_: tuple[Tally, ...]) -> Decision[None]:
        raise RuntimeError("no decision")

    with pytest.raises(RuntimeError):
        await tries.change([CALLER], NOW, fails)
    assert await tries.read(CALLER) is None
    entry = AuditEntry("call-1", "identity.refused", "", {}, NOW)
    await tries.change([CALLER], NOW, lambda held: Decision((Tally(1.0, NOW),), None, (entry,)))
    assert [one.what for one in await Audit(store).latest()] == ["identity.refused"]


async def test_only_old_tallies_are_pruned_and_no_locked_account(store: Store) -> None:
    tries = IdentityTries(store)
    old = NOW - datetime.timedelta(days=100)
    for key, tally in (
        (CALLER, Tally(9.0, old)),
        (OTHER_CALLER, Tally(9.0, NOW)),
        (ACCOUNT, Tally(6.0, old)),
        (OTHER_ACCOUNT, Tally(5.0, old)),
    ):
        await tries.change([key], NOW, lambda _, tally=tally: Decision((tally,), None))  # type: ignore[misc]
    assert await tries.prune(NOW - datetime.timedelta(days=90), 6) == 2
    assert await tries.read(CALLER) is None
    assert await tries.read(OTHER_ACCOUNT) is None
    assert await tries.read(ACCOUNT) is not None
    assert await tries.read(OTHER_CALLER) is not None
