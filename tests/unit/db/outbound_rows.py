"""A campaign with targets in a store, for the tests of those who move them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace

from db.attempts import Attempt, Attempts
from db.campaigns import Campaigns
from db.store import Store
from db.targets import NewTarget, Target, Targets

TEN = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)  # a Friday, 10:00 in Shanghai
LEASE = datetime.timedelta(seconds=15)
RUN = datetime.timedelta(hours=12)
CAMPAIGN = "new_account_revisit"


def at(seconds: float) -> datetime.datetime:
    return TEN + datetime.timedelta(seconds=seconds)


def number(index: int) -> str:
    return f"+861380000{index:04}"


def new_target(index: int) -> NewTarget:
    return NewTarget(f"9{index:011}", account=f"9{index:011}", branch="SH01", numbers=(number(index),))


async def planned(store: Store, targets: Iterable[NewTarget], campaign: str = CAMPAIGN) -> None:
    """The campaign with these targets, and a run that follows it."""
    campaigns = Campaigns(store)
    await campaigns.put_planned(
        campaign, title=campaign, digest="d1", now=TEN, ends_at=TEN + datetime.timedelta(days=30), actor="test"
    )
    await Targets(store).add_many(campaign, (replace(one, due_at=one.due_at or TEN) for one in targets), now=TEN)
    assert await campaigns.take_run(campaign, holder="run", now=TEN, lease=RUN)


async def leased(store: Store, target: Target, *, holder: str = "a", seconds: float = 1) -> Attempt:
    one = await Attempts(store).lease(
        target, target.numbers[0], mode="predictive", holder=holder, now=at(seconds), lease=LEASE
    )
    assert one
    return one


async def dialled(store: Store, target: Target, *, holder: str = "a", seconds: float = 1) -> Attempt:
    one = await leased(store, target, holder=holder, seconds=seconds)
    dialling = await Attempts(store).dial(one, channel=one.call, now=at(seconds), lease=LEASE)
    assert dialling
    return dialling
