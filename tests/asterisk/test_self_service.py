"""Everything that a known customer can do, by real calls: proofs, and each flow of the account menu.

Each story has a customer of its own, and looks at what the caller heard (the journal's prompts and the sound at the
ear), at what the store has, and at what an auditor reads. All but the last are told at the same time.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import Hotline, Journal, Together, Voice, journal, voice
from known_customers import (
    Conversation,
    KnownCustomers,
    Texts,
    acts,
    audited,
    own_hotline,
    running_with,
    speech,
    spoken_seconds,
    strong_pin,
    until_spoken,
    until_there,
)

from db.account_locks import AccountLocks
from db.appointments import Appointments
from db.change_requests import ChangeRequests
from db.customers import Customers
from db.events import utcnow
from db.tickets import Tickets
from db.watch_list import WatchLists
from ivr.config import Sms
from ivr.contract import VAR_CHECKPOINT
from ivr.flow.trace import HIDDEN

pytestmark = pytest.mark.asterisk
__all__ = ["journal"]

known = KnownCustomers()
texts = Texts()
together = Together()
told = together.fixture()

AT_LEISURE, AHEAD, SLIPS, BY_TEXT, NEW_PIN, WATCHES, MOVES, DICTATES, VISITS, WISHES, LOCKS, COMPLAINS, STAYS = (
    known.one(tier="gold") for _ in range(13)
)
CLERK = "li.si"


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    """A controller with these customers, and a gateway for its texts."""
    sms = Sms(url=texts.url, token="a-token", brokerage="测试证券")
    with texts.taken(), running_with(own_hotline(asterisk, "self-service", sms=sms), known) as one:
        yield one


# --- who is calling -------------------------------------------------------------------------------------------------


@together
async def test_a_pin_at_leisure_proves_and_the_tier_is_told(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.hears_and_presses(("main_menu", "3"))
        await talk.gives_account_and_pin(AT_LEISURE.account, AT_LEISURE.pin)
        await talk.hears("identity_proven")
        await talk.hears_and_presses(("account_menu", "6"))
        assert "黄金客户" in (await talk.hears("your_tier"))["data"]["text"]
        await talk.hears_and_presses(("account_menu", "#"))
        await talk.hears("goodbye")
        assert await phone.over() == 0
    await talk.call.until_ended("hotline")
    (entry,) = await audited(journal, AT_LEISURE)
    assert (entry.actor, entry.what, entry.data) == (talk.call.id, "identity.proven", {"how": "pin"})
    assert await talk.call.keyed() == ["3", HIDDEN, "1", HIDDEN, "6", "#"]
    customer = await Customers(journal.store).id_of(AT_LEISURE.account)
    (proven,) = [one for one in await journal.stored(talk.call.id) if one["kind"] == "proven"]
    assert (proven["data"]["customer"], proven["data"]["how"]) == (customer, "pin")


@together
async def test_account_and_pin_typed_ahead_in_one_go_prove(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        await phone.hears_more(0.1)  # the greeting has begun
        phone.press(f"3{AHEAD.account}#1{AHEAD.pin}#")
        talk = await Conversation.of(phone, journal, expected)
        await talk.hears("account_menu")
        await talk.hangs_up()
    assert await acts(journal, AHEAD) == [(talk.call.id, "identity.proven")]


@together
async def test_a_wrong_pin_and_then_the_right_one(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.hears_and_presses(("main_menu", "3"))
        await talk.gives_account_and_pin(SLIPS.account, another(SLIPS.pin))
        await talk.hears("identity_wrong")
        await talk.gives_account_and_pin(SLIPS.account, SLIPS.pin)
        await talk.hears("account_menu")
        await talk.hangs_up()
    refused, proven = await audited(journal, SLIPS)
    assert (refused.what, refused.data) == ("identity.refused", {"how": "pin", "why": "wrong"})
    assert (proven.what, proven.data) == ("identity.proven", {"how": "pin"})


@together
async def test_a_code_by_text_message_proves(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.hears_and_presses(("main_menu", "3"), ("enter_account", f"{BY_TEXT.account}#"), ("prove_how", "2"))
        await talk.hears("enter_sms_code")
        phone.press(f"{texts.code_for(BY_TEXT)}#")
        await talk.hears("account_menu")
        await talk.hangs_up()
    (text,) = [one for one in texts.sent if one["to"] == BY_TEXT.mobile]
    assert text["authorization"] == "Bearer a-token"
    assert "测试证券" in text["text"]
    assert BY_TEXT.account not in text["text"]
    sent, proven = await audited(journal, BY_TEXT)
    assert (sent.what, proven.what, proven.data) == ("identity.code_sent", "identity.proven", {"how": "sms"})


@together
async def test_after_a_change_only_the_new_pin_proves(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    new = strong_pin()
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(NEW_PIN)
        phone.press("2")
        await talk.hears_and_presses(("enter_new_pin", f"{new}#"), ("enter_new_pin_again", f"{new}#"))
        await talk.hears("pin_changed")
        await talk.hangs_up()
    async with hotline.dialled() as phone:
        again = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press("3")
        await again.gives_account_and_pin(NEW_PIN.account, NEW_PIN.pin)
        await again.hears("identity_wrong")
        await again.gives_account_and_pin(NEW_PIN.account, new)
        await again.hears("account_menu")
        await again.hangs_up()
    assert await acts(journal, NEW_PIN) == [
        (talk.call.id, "identity.proven"),
        (talk.call.id, "pin.set"),
        (again.call.id, "identity.refused"),
        (again.call.id, "identity.proven"),
    ]


# --- what a known customer can do -----------------------------------------------------------------------------------


@together
async def test_a_watch_list_is_filled_heard_and_emptied(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(WATCHES)
        phone.press("1")
        await talk.hears_and_presses(("watch_list_menu", "1"))
        await talk.hears("watch_list_empty")
        await talk.hears_and_presses(("watch_list_menu", "2"), ("enter_code", "600519#"))
        assert "贵州茅台" in (await talk.hears("watch_list_added"))["data"]["text"]
        customer = await Customers(journal.store).id_of(WATCHES.account)
        assert customer is not None
        watched = await WatchLists(journal.store).next(customer, after=0)
        assert watched is not None
        assert watched.code == "600519"
        await talk.hears_and_presses(("watch_list_menu", "1"))
        assert "贵州茅台" in (await talk.hears("quote_share"))["data"]["text"]
        await talk.hears_and_presses(("after_watched", "*"), ("watch_list_menu", "3"), ("enter_code", "600519#"))
        await talk.hears("watch_list_removed")
        await talk.hangs_up()
    assert await WatchLists(journal.store).next(customer, after=0) is None
    assert [what for _, what in await acts(journal, WATCHES)] == [
        "identity.proven",
        "watch_list.added",
        "watch_list.removed",
    ]


@together
async def test_a_new_telephone_is_in_force_once_a_clerk_accepts_it(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    requests = ChangeRequests(journal.store)
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(MOVES)
        phone.press("3")
        await talk.hears_and_presses(("changes_menu", "1"), ("enter_new_number", "13712340987#"), ("number_sure", "1"))
        await talk.hears("change_put")
        (request,) = [one for one in await requests.listed(("waiting",), 100) if one.account == MOVES.account]
        before = await Customers(journal.store).by_account(MOVES.account)
        assert before is not None
        assert [one.number for one in before.phones] == [MOVES.mobile]
        await requests.accept(request.number, actor=CLERK)
        await talk.hears_and_presses(("changes_menu", "4"), ("enter_ticket", f"{request.number}#"))
        assert "审核通过" in (await talk.hears("ticket_state"))["data"]["text"]
        await talk.hangs_up()
    after = await Customers(journal.store).by_account(MOVES.account)
    assert after is not None
    assert [one.number for one in after.phones] == ["+8613712340987", MOVES.mobile]
    assert await acts(journal, MOVES) == [
        (talk.call.id, "identity.proven"),
        (talk.call.id, "change.requested"),
        (CLERK, "change.accepted"),
    ]


@together
async def test_a_dictated_email_waits_for_a_clerk_with_the_callers_words(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    requests = ChangeRequests(journal.store)
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(DICTATES)
        phone.press("3")
        await talk.hears_and_presses(("changes_menu", "2"))
        said = await talk.hears("say_new_email")
        assert said["data"]["wants"] == "words"
        (request,) = [one for one in await requests.listed(("waiting",), 100) if one.account == DICTATES.account]
        file = hotline.asterisk.layout.recordings_dir / f"{request.recording}.wav"
        await until_there(file)
        phone.speak(speech())
        await until_spoken(file)
        phone.press("#")
        await talk.hears("change_put")
        await talk.hangs_up()
    assert spoken_seconds(file) > 0.5
    await requests.accept(request.number, actor=CLERK, value="new@example.com")
    customer = await Customers(journal.store).by_account(DICTATES.account)
    assert customer is not None
    assert customer.email == "new@example.com"


@together
async def test_an_appointment_is_booked_and_cancelled(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    appointments = Appointments(journal.store)
    customer = await Customers(journal.store).id_of(VISITS.account)
    assert customer is not None
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(VISITS)
        phone.press("4")
        await talk.hears_and_presses(("appointments_menu", "1"))
        assert "演示营业部" in (await talk.hears("slot_offered"))["data"]["text"]
        phone.press("1")
        await talk.hears("slot_booked")
        assert await appointments.mine(customer, after=0, now=utcnow()) is not None
        await talk.hears_and_presses(("appointments_menu", "3"), ("appointment_told", "2"))
        await talk.hears("appointment_cancelled")
        await talk.hangs_up()
    assert await appointments.mine(customer, after=0, now=utcnow()) is None
    assert [what for _, what in await acts(journal, VISITS)] == [
        "identity.proven",
        "appointment.booked",
        "appointment.cancelled",
    ]


@together
async def test_language_and_quiet_hours_are_wished_for(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(WISHES)
        phone.press("5")
        await talk.hears_and_presses(
            ("wishes_menu", "2"), ("quiet_from", "2130#"), ("quiet_until", "0800#"), ("quiet_saved", "1")
        )
        await talk.hears_and_presses(("which_language", "2"))
        assert (await talk.hears("language_saved"))["data"]["language"] == "en"
        assert (await talk.hears("wishes_menu"))["data"]["language"] == "en"
        await talk.hangs_up()
    customer = await Customers(journal.store).by_account(WISHES.account)
    assert customer is not None
    assert customer.language == "en"
    assert (customer.quiet_from, customer.quiet_until) == (datetime.time(21, 30), datetime.time(8))
    assert [what for _, what in await acts(journal, WISHES)] == [
        "identity.proven",
        "wish.quiet_hours",
        "wish.language",
    ]


@together
async def test_a_locked_account_takes_no_change(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    new = strong_pin()
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(LOCKS)
        phone.press("7")
        await talk.hears_and_presses(("lock_sure", "1"))
        await talk.hears("account_locked_now")
        await talk.hears_and_presses(
            ("account_menu", "2"), ("enter_new_pin", f"{new}#"), ("enter_new_pin_again", f"{new}#")
        )
        await talk.hears("account_is_locked")
        await talk.hears_and_presses(("account_menu", "1"), ("watch_list_menu", "2"), ("enter_code", "600519#"))
        await talk.hears("account_is_locked")
        await talk.hangs_up()
    customer = await Customers(journal.store).id_of(LOCKS.account)
    assert customer is not None
    assert await AccountLocks(journal.store).is_locked(customer)
    assert await WatchLists(journal.store).next(customer, after=0) is None
    assert await acts(journal, LOCKS) == [(talk.call.id, "identity.proven"), (talk.call.id, "account.locked")]
    (locked,) = [one for one in await AccountLocks(journal.store).in_force() if one.account == LOCKS.account]
    assert locked.how == "call"


@together
async def test_a_complaint_is_heard_though_its_caller_hangs_up_while_speaking(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    tickets = Tickets(journal.store)
    async with hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(COMPLAINS)
        phone.press("*")
        await talk.hears_and_presses(("main_menu", "4"), ("tickets_menu", "1"))
        await talk.hears("leave_message")
        (ticket,) = [one for one in await tickets.listed(("open",), 100) if one.call_id == talk.call.id]
        file = hotline.asterisk.layout.recordings_dir / f"{ticket.recording}.wav"
        await until_there(file)
        phone.speak(speech())
        await until_spoken(file)
        await talk.hangs_up()
    assert (ticket.kind, ticket.account, ticket.caller) == ("complaint", COMPLAINS.account, phone.caller)
    assert spoken_seconds(file) > 0.5
    async with hotline.dialled() as phone:  # anybody who knows the number hears where it stands
        asks = await Conversation.of(phone, journal, expected)
        await phone.hears_more(0.1)
        phone.press(f"43{ticket.number}#")
        assert "已受理" in (await asks.hears("ticket_state"))["data"]["text"]
        await asks.hangs_up()
    assert await acts(journal, COMPLAINS) == [(talk.call.id, "identity.proven"), (talk.call.id, "ticket.opened")]


# --- a controller killed ----------------------------------------------------------------------------------------------


async def test_who_has_proven_is_still_proven_after_the_controller_was_killed(
    hotline: Hotline, journal: Journal, told: object
) -> None:
    """``told``: the other stories are over, and nobody else's call dies with this controller."""
    async with voice(hotline) as expected, hotline.dialled() as phone:
        talk = await Conversation.of(phone, journal, expected)
        await talk.proves(STAYS)
        hotline.kill()
        shown = hotline.asterisk.cli(f"core show channel {await channel_of(journal, talk)}")
        (checkpoint,) = [line for line in shown.splitlines() if line.strip().startswith(VAR_CHECKPOINT)]
        assert "account.menu" in checkpoint
        assert STAYS.account not in shown
        assert STAYS.pin not in shown
        await hotline.start()
        assert (await talk.call.until("call.resumed"))["data"]["node"] == "menu"
        await talk.hears_and_presses(("account_menu", "6"))
        assert "黄金客户" in (await talk.hears("your_tier"))["data"]["text"]
        await talk.hangs_up()
    assert await acts(journal, STAYS) == [(talk.call.id, "identity.proven")]  # proven once, before
    assert (await talk.call.said()).count("enter_account") <= 1


async def channel_of(journal: Journal, talk: Conversation) -> str:
    """The channel's name in Asterisk."""
    (started,) = [one for one in journal.fed if one["call"] == talk.call.id and one["kind"] == "call.started"]
    return str(started["data"]["channel"])


def another(pin: str) -> str:
    """A PIN that is not this one."""
    while (other := strong_pin()) == pin:
        pass
    return other
