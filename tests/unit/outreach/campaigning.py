"""A campaign in a store with one customer, and an attempt that talks, for whoever settles it."""

from __future__ import annotations

import datetime

from db.attempts import Attempt, Attempts
from db.branches import Branches
from db.campaigns import Campaigns
from db.customers import Branch, Customer, Customers, Phone
from db.store import Store
from db.targets import NewTarget, Target, Targets
from ivr.outreach.matter import CampaignTalk
from ivr.outreach.results import Results
from ivr.outreach.services import outreach_services
from ivr.outreach.stored import House, Matters, StoredOutreach
from ivr.testing import MemoryJournal
from outbound import dispositions, script_file

KNOWN = dispositions.read()
SCRIPTS = script_file.read_all()
NOW = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
NUMBERS = ("+8613800000001", "+8613800000002")


class Campaigning:
    """A campaign with one customer who has two telephones, and an attempt that talks."""

    def __init__(self, store: Store, campaign: str) -> None:
        self.store, self.campaign = store, campaign
        self.journal = MemoryJournal()
        self.results = Results(store, self.journal, lambda: NOW)
        house = House({"zh": "金线证券", "en": "Goldline Securities"}, "95500")
        talk = CampaignTalk(SCRIPTS[campaign].title, SCRIPTS[campaign])
        self.talks = lambda name: talk if name == campaign else None
        self.matters = Matters(store, self.talks, house)
        self.outreach = StoredOutreach(store, self.matters, self.results, lambda: KNOWN, self.journal, lambda: NOW)
        self.services = {one.name: one for one in outreach_services(self.outreach)}

    async def talking(self, **data: str) -> Attempt:
        store = self.store
        await Branches(store).put([Branch("SH01", "浦东营业部", "Pudong branch")])
        customer = Customer("900000000042", "王伟", "Wang Wei", branch="SH01", phones=tuple(map(Phone, NUMBERS)))
        await Customers(store).put(customer)
        row = await Customers(store).id_of("900000000042")
        await Campaigns(store).put_planned(
            self.campaign, title="t", digest="d", now=NOW, ends_at=NOW + 100 * HOUR, actor="test"
        )
        await Targets(store).add_many(
            self.campaign, [NewTarget(customer.account, row, customer.account, data=data, due_at=NOW)], now=NOW
        )
        await Campaigns(store).take_run(self.campaign, holder="run", now=NOW, lease=HOUR)
        target = await self.target()
        attempts = Attempts(store)
        one = await attempts.lease(target, NUMBERS[0], mode="predictive", holder="a", now=NOW, lease=HOUR)
        assert one
        one = await attempts.dial(one, channel=one.call, now=NOW, lease=HOUR)
        assert one
        one = await attempts.answered(one, now=NOW, lease=HOUR)
        assert one
        return one

    async def target(self) -> Target:
        target = await Targets(self.store).latest(self.campaign, "900000000042")
        assert target
        return target

    async def customer(self) -> Customer:
        found = await Customers(self.store).by_account("900000000042")
        assert found
        return found


DATA = {"share": "贵州茅台", "quantity": "500", "amount": "8650", "deadline": "2026-11-23"}
