"""What came of an attempt: target, number, wishes and journal tell the same story, on both databases."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from db.attempts import Attempt, Attempts
from db.branches import Branches
from db.campaigns import Campaigns
from db.customers import Branch, Customer, Customers, Phone
from db.do_not_call import DoNotCall
from db.store import Store
from db.targets import NewTarget, Target, Targets
from ivr.outreach.matter import CampaignTalk
from ivr.outreach.results import RESULT, Results
from ivr.outreach.services import outreach_services
from ivr.outreach.stored import REFUSED, House, Matters, StoredOutreach
from ivr.testing import MemoryJournal
from outbound import dispositions, script_file, settling
from outbound.settling import CannotSettle

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
        matters = Matters(store, lambda name: talk if name == campaign else None, house)
        self.outreach = StoredOutreach(store, matters, self.results, lambda: KNOWN, self.journal, lambda: NOW)
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
        target = await Targets(self.store).by_key(self.campaign, "900000000042")
        assert target
        return target

    async def customer(self) -> Customer:
        found = await Customers(self.store).by_account("900000000042")
        assert found
        return found


@pytest.fixture
def campaign(store: Store) -> Campaigning:
    return Campaigning(store, "allotment_result")


DATA = {"share": "贵州茅台", "quantity": "500", "amount": "8650", "deadline": "2026-11-23"}


async def test_a_talk_that_was_done_closes_the_target_and_confirms_the_number(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.results.settle(attempt, KNOWN["completed"], agent="803", note="很满意")
    target, customer = await campaign.target(), await campaign.customer()
    assert (target.state, target.why) == ("reached", "completed")
    assert customer.phones[0].confirmed_on == datetime.date(2026, 11, 20)
    kept = await Attempts(campaign.store).get(attempt.id)
    assert kept
    assert (kept.disposition, kept.note) == ("completed", "很满意")
    (event,) = campaign.journal.events
    assert (event.call_id, event.kind) == (f"attempt-{attempt.id}", RESULT)
    assert event.data["disposition"] == "completed"
    assert "很满意" not in str(event.data)


async def test_a_wrong_number_leads_to_the_next_one(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.results.settle(attempt, KNOWN["wrong_person"], agent="803")
    target, customer = await campaign.target(), await campaign.customer()
    assert [phone.state for phone in customer.phones] == ["wrong_person", "good"]
    assert (target.state, target.due_at) == ("waiting", NOW + datetime.timedelta(minutes=1))


async def test_an_appointment_is_kept_by_an_agent(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.results.settle(attempt, KNOWN["call_back"], agent="803", at=NOW + 5 * HOUR, kept_by="803")
    target = await campaign.target()
    assert (target.state, target.why, target.due_at) == ("waiting", settling.APPOINTMENT, NOW + 5 * HOUR)
    assert (target.guaranteed, target.agent, target.rank) == (True, "803", 0)


async def test_no_more_calls_counts_for_every_number_and_campaign(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.results.settle(attempt, KNOWN["no_more_calls"], agent="803")
    assert (await campaign.customer()).do_not_call
    for number in NUMBERS:
        assert await DoNotCall(campaign.store).reason(number)
    assert (await campaign.target()).state == "refused"


async def test_it_may_be_corrected_but_a_refusal_stands(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.results.settle(attempt, KNOWN["no_time"], agent="803")
    await campaign.results.settle(attempt, KNOWN["complaint"], agent="803")
    assert (await campaign.target()).state == "by_hand"
    await campaign.results.settle(attempt, KNOWN["refused"], agent="803")
    await campaign.results.settle(attempt, KNOWN["no_time"], agent="803")
    assert (await campaign.target()).state == "refused"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(CannotSettle, match="needs a time"):
        settling.check(KNOWN["call_back"], at=None, complete=True)
    with pytest.raises(CannotSettle, match="no appointment"):
        settling.check(KNOWN["completed"], at=NOW, complete=True)
    with pytest.raises(CannotSettle, match="still open"):
        settling.check(KNOWN["completed"], at=None, complete=False)
    settling.check(KNOWN["refused"], at=None, complete=False)


# --- automatic calls --------------------------------------------------------------------------------------------------


async def test_a_notice_that_was_confirmed(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    matter = await campaign.outreach.matter(attempt.call)
    assert matter
    assert (matter.ending, matter.values["branch"]["zh"]) == ("0042", "浦东营业部")
    for disposition, state in (("not_identified", "waiting"), ("heard_only", "waiting"), ("acknowledged", "reached")):
        await campaign.outreach.settle(attempt.call, disposition)
        assert (await campaign.target()).state == state
    assert [event.data["disposition"] for event in campaign.journal.events][-1] == "acknowledged"


async def test_nine_from_whoever_answers_is_about_the_number(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.outreach.refuse(attempt.call)
    assert await DoNotCall(campaign.store).reason(NUMBERS[0])
    assert not await DoNotCall(campaign.store).reason(NUMBERS[1])
    assert (await campaign.target()).state == "refused"
    assert campaign.journal.kinds() == [REFUSED, RESULT]


async def test_nine_from_the_customer_is_about_all_numbers(campaign: Campaigning) -> None:
    attempt = await campaign.talking(**DATA)
    await campaign.outreach.settle(attempt.call, "heard_only")  # the digits were right
    await campaign.outreach.refuse(attempt.call)
    assert (await campaign.customer()).do_not_call
    assert await DoNotCall(campaign.store).reason(NUMBERS[1])


async def test_answers_outlive_whoever_asked(store: Store) -> None:
    campaign = Campaigning(store, "satisfaction_survey")
    attempt = await campaign.talking()
    await campaign.outreach.answer(attempt.call, "opening", "yes")
    again = Campaigning(store, "satisfaction_survey")  # another controller
    assert await again.outreach.answers(attempt.call) == {"opening": "yes"}


async def test_calls_of_nobody_we_know(campaign: Campaigning) -> None:
    for call in ("attempt-4711", "1700000000.12"):
        assert await campaign.outreach.matter(call) is None
        assert await campaign.outreach.answers(call) == {}
        await campaign.outreach.settle(call, "acknowledged")
    await campaign.outreach.answer("1700000000.12", "opening", "yes")


async def test_a_campaign_that_nobody_knows(store: Store) -> None:
    campaign = Campaigning(store, "allotment_result")
    attempt = await campaign.talking(**DATA)
    stranger = replace(attempt, campaign="another")
    house = House({"zh": "金线证券", "en": "Goldline Securities"}, "95500")
    assert await Matters(store, lambda _name: None, house).of(stranger) is None
