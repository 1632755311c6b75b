"""Campaigns and the lease of their run: one run at a time, and what was paused is not dialled for."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from db.audit import Audit
from db.campaigns import Campaign, Campaigns, NoSuchCampaign
from db.store import Store

TEN = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
LEASE = datetime.timedelta(seconds=15)
END = TEN + datetime.timedelta(days=30)


def at(seconds: float) -> datetime.datetime:
    return TEN + datetime.timedelta(seconds=seconds)


async def entered(campaigns: Campaigns, name: str = "dormant", digest: str = "d1") -> Campaign:
    return await campaigns.put_planned(name, title="休眠", digest=digest, now=TEN, ends_at=END, actor="li.si")


async def test_planned_run_and_given_back(store: Store) -> None:
    campaigns = Campaigns(store)
    planned = await entered(campaigns)
    assert (planned.state, planned.run_holder, planned.ends_at, planned.actor) == ("planned", "", END, "li.si")
    assert await campaigns.live(at(0)) == ()
    run = await campaigns.take_run("dormant", holder="run-1", now=TEN, lease=LEASE)
    assert run
    assert (run.state, run.run_holder, run.run_since, run.run_until) == ("running", "run-1", TEN, at(15))
    assert await campaigns.live(at(14)) == (run,)
    assert run.is_live(at(14))
    assert not run.is_live(at(15)), "a run that was killed stops the dialling when its lease ends"
    assert await campaigns.live(at(15)) == ()
    renewed = await campaigns.renew("dormant", holder="run-1", now=at(5), lease=LEASE)
    assert renewed
    assert (renewed.run_until, renewed.version) == (at(20), run.version)
    assert await campaigns.release("dormant", holder="run-2") is None
    over = await campaigns.release("dormant", holder="run-1")
    assert over
    assert (over.state, over.run_holder, over.run_until) == ("planned", "", None)


async def test_twenty_runs_at_once_and_one_follows(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)
    try:
        await entered(Campaigns(store))
        desks = [Campaigns(store), Campaigns(other)] * 10
        won = await asyncio.gather(
            *(desk.take_run("dormant", holder=f"run-{n}", now=TEN, lease=LEASE) for n, desk in enumerate(desks))
        )
        (run,) = [one for one in won if one]
        assert await desks[1].take_run("dormant", holder="late", now=at(14), lease=LEASE) is None
        taken = await desks[1].take_run("dormant", holder="next", now=at(15), lease=LEASE)
        assert taken
        assert await desks[0].renew("dormant", holder=run.run_holder, now=at(16), lease=LEASE) is None
        assert await desks[0].release("dormant", holder=run.run_holder) is None
    finally:
        await other.close()


async def test_paused_resumed_stopped(store: Store) -> None:
    campaigns = Campaigns(store)
    await entered(campaigns)
    await campaigns.take_run("dormant", holder="run", now=TEN, lease=LEASE)
    paused = await campaigns.order("dormant", "pause", actor="wang.wu")
    assert paused
    assert (paused.state, paused.actor, paused.is_live(at(1))) == ("paused", "wang.wu", False)
    assert await campaigns.order("dormant", "pause", actor="wang.wu") is None
    seen = await campaigns.renew("dormant", holder="run", now=at(5), lease=LEASE)
    assert seen
    assert seen.state == "paused", "the run sees it when it renews"
    over = await campaigns.release("dormant", holder="run")
    assert over
    assert over.state == "paused"
    assert await campaigns.take_run("dormant", holder="run-2", now=at(60), lease=LEASE) is None
    resumed = await campaigns.order("dormant", "resume", actor="wang.wu")
    assert resumed
    assert resumed.state == "planned"
    assert await campaigns.take_run("dormant", holder="run-2", now=at(60), lease=LEASE)
    assert await campaigns.order("dormant", "stop", actor="wang.wu")
    assert await campaigns.order("dormant", "done", actor="goldline") is None
    acts = [entry.what for entry in await Audit(store).of_account("")]
    assert acts == ["campaign.stopped", "campaign.resumed", "campaign.paused", "campaign.planned"]


async def test_planned_again(store: Store) -> None:
    campaigns = Campaigns(store)
    await entered(campaigns)
    await campaigns.order("dormant", "stop", actor="wang.wu")
    again = await entered(campaigns, digest="d2")
    assert (again.state, again.digest) == ("stopped", "d2"), "planning does not start what a person stopped"
    await campaigns.order("dormant", "resume", actor="wang.wu")
    await campaigns.order("dormant", "done", actor="goldline")
    assert (await entered(campaigns)).state == "planned"
    assert [one.name for one in await campaigns.all()] == ["dormant"]


async def test_a_campaign_that_is_not_there(store: Store) -> None:
    campaigns = Campaigns(store)
    assert await campaigns.get("lost") is None
    assert await campaigns.take_run("lost", holder="run", now=TEN, lease=LEASE) is None
    with pytest.raises(NoSuchCampaign, match="ivr outbound list"):
        await campaigns.order("lost", "pause", actor="wang.wu")
