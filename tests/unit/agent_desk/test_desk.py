"""The agent's desk: what is shown of whoever is on the line, and what the agent may do about it."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import replace

import pytest
from desk_house import ME, OTHER, TIMES, House

from db.attempt import End
from db.attempts import Attempts
from db.audit import Audit
from db.campaigns import Campaigns
from db.customers import Customers
from db.do_not_call import DoNotCall, DoNotCallEntry
from db.in_memory import store_in_memory
from db.store import Store
from db.target import TargetMove
from db.tickets import Tickets
from ivr.agent_desk.card import masked
from ivr.agent_desk.desk import NoScript, NoSuchDisposition, NotYourCall
from ivr.agent_desk.ports import NoPreview, OnTheLine
from ivr.agent_desk.unsettled import Unsettled
from ivr.agent_desk.wrap_up import WrapUps
from outbound.answer import BadAnswer
from outbound.appointment import BadAppointment
from outbound.script_file import load
from outbound.settling import CannotSettle
from tests.unit.outreach.campaigning import KNOWN, NOW, NUMBERS, SCRIPTS


@pytest.fixture
async def house() -> House:
    """In memory: what the store does with it is tried on both databases elsewhere, and in one talk here."""
    return House(await store_in_memory())


async def test_the_card_says_who_it_is_and_why_and_what_to_say(house: House) -> None:
    attempt = await house.talking()
    card = await house.card()
    assert (card["kind"], card["call"], card["state"]) == ("campaign", attempt.call, "talking")
    assert card["customer"]["name"]["zh"] == "王伟"
    assert card["customer"]["branch"]["zh"] == "浦东营业部"
    assert card["number"] == "+86138****0001"
    assert NUMBERS[0] not in str(card), "the agent dials nothing"
    (opening,) = card["script"]["say"]
    assert "我是803号客服李敏" in opening["text"]
    assert card["script"]["question"]["kind"] == "yes_no"
    offered = [one["id"] for one in card["dispositions"]]
    assert "wrong_person" in offered
    assert "heard_only" not in offered


async def test_personal_values_come_once_the_customer_has_said_who_it_is(house: House) -> None:
    attempt = await house.talking()
    assert "贵州茅台" not in str((await house.card())["script"])
    await house.answers(attempt, "y")
    assert "贵州茅台中签500股，应缴款8650元" in (await house.card())["script"]["say"][0]["text"]


async def test_answers_are_kept_as_they_are_given_and_can_be_corrected(house: House) -> None:
    attempt = await house.talking()
    await house.answers(attempt, "y", "n", "1")
    card = await house.card()
    assert card["script"]["end"] == "completed"
    assert [one["proposed"] for one in card["dispositions"] if one["id"] == "completed"] == [True]
    assert [one["shown"] for one in card["script"]["answered"]] == ["yes", "no", "会缴款"]
    await house.desk.answer(ME, attempt.call, "opening", "n")
    assert (await house.card())["script"]["question"]["step"] == "who_is_it"
    anew = House(house.store)  # another controller, after a crash
    anew.seated.put("talking", attempt.call)
    assert (await anew.card())["script"]["question"]["step"] == "who_is_it"


async def test_what_is_no_answer_changes_nothing(house: House) -> None:
    attempt = await house.talking()
    with pytest.raises(BadAnswer):
        await house.answers(attempt, "perhaps")
    with pytest.raises(NoScript):
        await house.desk.answer(ME, attempt.call, "will_pay", "1")  # not asked yet
    assert (await house.card())["script"]["answered"] == []


async def test_no_agent_touches_the_call_of_another(house: House) -> None:
    attempt = await house.talking()
    house.seated.put("talking", "attempt-4711", OTHER)
    for call in (attempt.call, "attempt-4711", "1700000000.5", ""):
        with pytest.raises(NotYourCall):
            await house.desk.answer(OTHER, call, "opening", "y")
        with pytest.raises(NotYourCall):
            await house.desk.settle(OTHER, call, "refused")


async def test_a_disposition_ends_the_wrap_up_and_moves_everything(store: Store) -> None:
    house = House(store)
    attempt = await house.talking()
    await house.answers(attempt, "y", "y", "1")
    house.seated.put("wrap_up", attempt.call)
    await house.desk.settle(ME, attempt.call, "completed", note="同意缴款")
    assert house.seated.sessions[ME].state == "idle"
    assert (await house.campaign.target()).state == "reached"
    assert (await house.campaign.customer()).phones[0].confirmed_on == datetime.date(2026, 11, 20)
    kinds = house.campaign.journal.kinds()
    assert kinds == ["outbound.answered"] * 3 + ["outbound.result"]
    assert "缴款" not in str([event.data for event in house.campaign.journal.events])
    assert (await house.card())["kind"] == "none"


async def test_completed_needs_a_script_that_is_through(house: House) -> None:
    attempt = await house.talking()
    await house.answers(attempt, "y")
    with pytest.raises(CannotSettle, match="still open"):
        await house.desk.settle(ME, attempt.call, "completed")
    await house.desk.settle(ME, attempt.call, "partly")


async def test_a_disposition_that_no_agent_may_give(house: House) -> None:
    attempt = await house.talking()
    for word in ("heard_only", "nothing", ""):
        with pytest.raises(NoSuchDisposition):
            await house.desk.settle(ME, attempt.call, word)


async def test_an_appointment_is_checked_when_it_is_made(house: House) -> None:
    attempt = await house.talking()
    with pytest.raises(CannotSettle, match="needs a time"):
        await house.desk.settle(ME, attempt.call, "call_back")
    with pytest.raises(BadAppointment, match="hours"):
        await house.desk.settle(ME, attempt.call, "call_back", at="23:30")
    with pytest.raises(BadAppointment):
        await house.desk.settle(ME, attempt.call, "call_back", at="soon")
    told = await house.desk.settle(ME, attempt.call, "call_back", at="15:30", with_me=True)
    assert told["at"] == "2026-11-20T07:30:00+00:00"
    target = await house.campaign.target()
    assert (target.state, target.guaranteed, target.agent) == ("waiting", True, ME)


async def test_quiet_hours_and_do_not_call_hold_for_appointments(house: House) -> None:
    attempt = await house.talking()
    customer = await house.campaign.customer()
    quiet = replace(customer, quiet_from=datetime.time(15), quiet_until=datetime.time(17))
    await Customers(house.store).put(quiet)
    with pytest.raises(BadAppointment, match="quiet_hours") as raised:
        await house.desk.settle(ME, attempt.call, "call_back", at="15:30")
    assert "17:00" in raised.value.remedy
    await DoNotCall(house.store).add([DoNotCallEntry(NUMBERS[0], "court")], actor="test")
    with pytest.raises(BadAppointment, match="must not be called"):
        await house.desk.settle(ME, attempt.call, "call_back", at="18:00")


async def test_a_note_is_bounded_and_clean(house: House) -> None:
    attempt = await house.talking()
    for note in ("x" * 501, "a\x1b[31m"):
        with pytest.raises(BadAnswer):
            await house.desk.settle(ME, attempt.call, "refused", note=note)
    assert (await house.campaign.target()).state == "held"


async def test_what_was_said_last_time_is_shown(store: Store) -> None:
    house = House(store)
    attempt = await house.talking()
    await house.answers(attempt, "y", "y", "3")
    await house.desk.settle(ME, attempt.call, "no_time", note="在开会")
    attempts = Attempts(house.store)
    row = await attempts.get(attempt.id)
    assert row
    await attempts.ended(row, End("reached", live=True), TargetMove("waiting", due_at=NOW), now=NOW)
    target = await house.campaign.target()
    later = NOW + datetime.timedelta(hours=5)
    await Campaigns(house.store).renew(
        house.campaign.campaign, holder="run", now=NOW, lease=datetime.timedelta(hours=12)
    )
    second = await attempts.lease(
        target, NUMBERS[0], mode="predictive", holder="a", now=later, lease=datetime.timedelta(hours=1)
    )
    assert second
    second = await attempts.dial(second, channel=second.call, now=later, lease=datetime.timedelta(hours=1))
    assert second
    house.seated.put("talking", second.call)
    card = await house.card()
    assert [(one["words"]["zh"], one["note"]) for one in card["history"]] == [("暂不方便", "在开会")]
    assert ("请问您届时会足额缴款吗？", "需要协助转账") in [
        (one["text"], one["shown"]) for one in card["said_last_time"]
    ]


async def test_a_caller_is_shown_too_without_a_script(house: House) -> None:
    await house.talking()
    row = await Customers(house.store).id_of("900000000042")
    assert row
    await Tickets(house.store).open("complaint", call_id="1.1", caller=NUMBERS[0], language="zh", customer=row)
    house.on_the_line["1700000000.5"] = OnTheLine(row, "gold", "zh", "95500", "reason_orders")
    house.seated.put("ringing", "1700000000.5")
    card = await house.card()
    assert (card["kind"], card["customer"]["account"], card["line"]) == ("inbound", "900000000042", "95500")
    assert [one["kind"] for one in card["tickets"]] == ["complaint"]
    assert "script" not in card
    with pytest.raises(NotYourCall):
        await house.desk.settle(ME, "1700000000.5", "completed")


async def test_an_unknown_caller(house: House) -> None:
    await house.talking()
    house.on_the_line["1700000000.6"] = OnTheLine(None, "normal")
    house.seated.put("talking", "1700000000.6")
    assert (await house.card())["customer"] is None


async def test_whose_data_was_shown_to_whom_stands_in_the_audit_trail_once(house: House) -> None:
    await house.talking()
    for _ in range(3):
        await house.card()
    shown = [one for one in await Audit(house.store).of_account("900000000042") if one.what == "customer.shown"]
    assert [one.actor for one in shown] == [f"agent {ME}"]


async def test_the_script_stays_as_it_was_when_the_talk_began(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = await house.talking()
    await house.answers(attempt, "y")
    text = SCRIPTS["allotment_result"].body.replace("恭喜您，您申购的", "您申购的")
    changed, problems = load(text, "allotment_result.yaml", "allotment_result", KNOWN)
    assert changed is not None
    assert not problems
    monkeypatch.setitem(SCRIPTS, "allotment_result", changed)
    anew = House(house.store)
    anew.seated.put("talking", attempt.call)
    assert (await anew.card())["script"]["say"][0]["text"].startswith("恭喜您")


async def test_who_waits_for_news_is_told_at_once(house: House) -> None:
    attempt = await house.talking()
    stamp = (await house.card())["stamp"]
    waiting = asyncio.create_task(house.desk.wait(ME, stamp, 20))
    await asyncio.sleep(0)
    assert not waiting.done()
    house.desk.changed(OTHER)
    await asyncio.sleep(0.01)
    assert not waiting.done(), "that was another agent's"
    await house.desk.answer(ME, attempt.call, "opening", "y")
    await asyncio.wait_for(waiting, 5)
    assert (await house.card())["stamp"] != stamp
    await asyncio.wait_for(house.desk.wait(ME, "of another controller", 20), 5)


async def test_there_is_nobody_to_accept(house: House) -> None:
    attempt = await house.talking()
    with pytest.raises(NoPreview):
        await house.desk.accept(ME, attempt.call)
    with pytest.raises(NoPreview):
        await house.desk.skip(ME, attempt.call)


# --- the wrap-up ------------------------------------------------------------------------------------------------------


async def test_a_wrap_up_lasts_until_it_is_said_what_came_of_the_talk(house: House) -> None:
    attempt = await house.talking()
    wrap_ups = WrapUps(house.desk, house.seated, lambda: house.seated.now)
    house.seated.put("wrap_up", attempt.call)
    for _ in range(5):
        house.seated.now += datetime.timedelta(seconds=25)
        await wrap_ups.look()
        until = house.seated.sessions[ME].until
        assert until is not None
        assert until > house.seated.now
    await house.desk.settle(ME, attempt.call, "refused")
    assert house.seated.sessions[ME].state == "idle"


async def test_not_for_ever(house: House) -> None:
    attempt = await house.talking()
    wrap_ups = WrapUps(house.desk, house.seated, lambda: house.seated.now)
    house.seated.put("wrap_up", attempt.call)
    until = house.seated.sessions[ME].until
    assert until is not None
    while (until := house.seated.sessions[ME].until) and until > house.seated.now:
        house.seated.now += datetime.timedelta(seconds=5)
        await wrap_ups.look()
        assert house.seated.now < NOW + TIMES.wrap_up_most + TIMES.more_time
    assert until == NOW + TIMES.wrap_up_most


async def test_who_said_it_in_the_talk_is_ready_right_after_it(house: House) -> None:
    attempt = await house.talking()
    await house.desk.settle(ME, attempt.call, "refused")
    assert house.seated.sessions[ME].state == "talking"
    house.seated.put("wrap_up", attempt.call)
    await WrapUps(house.desk, house.seated, lambda: NOW).look()
    assert house.seated.sessions[ME].state == "idle"


async def test_a_talk_that_nobody_settles_is_not_counted_as_reached(store: Store) -> None:
    house = House(store)
    attempt = await house.talking()
    attempts = Attempts(store)
    row = await attempts.connected(attempt, agent=ME, now=NOW, lease=datetime.timedelta(hours=1))
    assert row
    await attempts.ended(row, End("reached", live=True), TargetMove("reached", "reached"), now=NOW)
    later = NOW
    unsettled = Unsettled(store, house.campaign.results, lambda: KNOWN, lambda: later)
    assert await unsettled.look() == 0, "the agent may still say it"
    later = NOW + datetime.timedelta(minutes=31)
    assert await unsettled.look() == 1
    target = await house.campaign.target()
    assert (target.state, target.why) == ("by_hand", "unsettled")
    assert await unsettled.look() == 0
    await house.desk.settle(ME, attempt.call, "refused")  # late, and still worth knowing
    assert (await house.campaign.target()).state == "refused"


async def test_what_an_automatic_call_noted_is_no_end_of_a_talk(house: House) -> None:
    """Who hears a notice and presses 0 talks to an agent, who has a wrap-up like any other."""
    attempt = await house.talking()
    await house.campaign.outreach.settle(attempt.call, "heard_only")
    house.seated.put("wrap_up", attempt.call)
    await WrapUps(house.desk, house.seated, lambda: NOW).look()
    assert house.seated.sessions[ME].state == "wrap_up"
    await house.desk.settle(ME, attempt.call, "acknowledged")
    assert house.seated.sessions[ME].state == "idle"
    assert (await house.campaign.target()).state == "reached"


async def test_the_wrap_up_of_a_caller_is_left_alone(house: House) -> None:
    await house.talking()
    house.seated.put("wrap_up", "1700000000.5")
    house.seated.now += datetime.timedelta(seconds=28)
    before = house.seated.sessions[ME]
    await WrapUps(house.desk, house.seated, lambda: house.seated.now).look()
    assert house.seated.sessions[ME] == before


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+8613800000001", "+86138****0001"), ("95500", "95500"), ("", ""), ("02155501234", "021****1234")],
)
def test_numbers_are_shown_without_their_middle(number: str, shown: str) -> None:
    assert masked(number) == shown
