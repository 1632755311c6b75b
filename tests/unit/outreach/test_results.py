"""What came of an attempt: target, number, wishes and journal tell the same story, on both databases."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from campaigning import DATA, HOUR, KNOWN, NOW, NUMBERS, Campaigning

from db.attempts import Attempts
from db.do_not_call import DoNotCall
from db.store import Store
from db.targets import NewTarget, Targets
from ivr.outreach.results import RESULT
from ivr.outreach.stored import REFUSED, House, Matters
from outbound import settling
from outbound.settling import CannotSettle


@pytest.fixture
def campaign(store: Store) -> Campaigning:
    return Campaigning(store, "allotment_result")


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


async def test_somebody_of_whom_only_the_number_is_known(store: Store) -> None:
    campaign = Campaigning(store, "event_invitation")
    attempt = await campaign.talking()
    target = await campaign.target()
    nobody = NewTarget(NUMBERS[1], numbers=(NUMBERS[1],), due_at=NOW)
    await Targets(store).add_many("event_invitation", [nobody], now=NOW)
    other = await Targets(store).latest("event_invitation", NUMBERS[1])
    assert other is not None
    matter = await campaign.matters.of(replace(attempt, target=other.id, customer=None))
    assert matter is not None
    assert matter.values["name"]["zh"] == "客户"
    assert matter.ending == ""
    assert target.id != other.id


async def test_a_wrong_number_of_a_list_is_not_dialled_again(store: Store) -> None:
    """Nobody would remember that it is somebody else's: there is no customer whose telephone it could be."""
    campaign = Campaigning(store, "event_invitation")
    attempt = await campaign.talking()
    await campaign.results.settle(replace(attempt, customer=None), KNOWN["wrong_person"], agent="803")
    target = await campaign.target()
    assert (target.state, target.why) == ("by_hand", "wrong_person")
