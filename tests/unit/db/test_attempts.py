"""Attempts: nobody is dialled twice, nobody is forgotten, whoever crashes at whatever step."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from db.attempts import Attempt, Attempts, End, Hour, attempt_of_call, is_attempt
from db.campaigns import Campaigns
from db.customer import Customer, Phone
from db.customers import Customers
from db.do_not_call import DoNotCall, DoNotCallEntry
from db.errors import StoreError
from db.in_memory import store_in_memory
from db.missed import MissedCall, MissedCallers
from db.outbound_states import CLOSED_TARGETS
from db.store import Store
from db.targets import NewTarget, Target, TargetMove, Targets
from db.waiting_callbacks import Place, WaitingCallbacks
from tests.unit.db.outbound_rows import CAMPAIGN, LEASE, RUN, TEN, at, dialled, leased, new_target, number, planned

AGAIN = TargetMove("waiting", "no_answer", at(3600), rank=4)
REACHED = TargetMove("reached", "talked")
PHONE = "+8613800138001"


async def one_target(store: Store, index: int = 1) -> Target:
    await planned(store, [new_target(index)])
    (target,) = await Targets(store).next(CAMPAIGN, TEN, 1)
    return target


async def now_of(store: Store, target: Target) -> Target:
    found = await Targets(store).get(target.id)
    assert found
    return found


async def customer(store: Store, *numbers: str, account: str = "900000000001", do_not_call: bool = False) -> int:
    phones = tuple(Phone(one) for one in numbers)
    await Customers(store).put(Customer(account, name_zh="王芳", phones=phones, do_not_call=do_not_call))
    found = await Customers(store).id_of(account)
    assert found
    return found


async def test_from_the_lease_to_the_talk(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    one = await attempts.lease(
        target,
        number(1),
        mode="predictive",
        holder="a",
        now=at(1),
        lease=LEASE,
        rank=1,
        chance=0.4,
        trunk="city",
    )
    assert one
    assert (one.state, one.number, one.rank, one.chance, one.trunk) == ("leased", number(1), 1, 0.4, "city")
    assert (await now_of(store, target)).state == "held"
    dialling = await attempts.dial(one, channel=one.call, now=at(2), lease=LEASE)
    assert dialling
    assert (dialling.state, dialling.channel, dialling.dialled_at) == ("dialling", f"attempt-{one.id}", at(2))
    held = await now_of(store, target)
    assert (held.attempts, held.last_at) == (1, at(2))
    answered = await attempts.answered(dialling, now=at(9), lease=LEASE)
    assert answered
    talking = await attempts.connected(answered, agent="801", now=at(10), lease=LEASE)
    assert talking
    assert (talking.state, talking.agent, talking.answered_at, talking.connected_at) == (
        "talking",
        "801",
        at(9),
        at(10),
    )
    assert await attempts.open() == (talking,)
    ended = await attempts.ended(
        talking, End("reached", cause=16, sip=200, ring_seconds=7.0, live=True), REACHED, now=at(100)
    )
    assert ended
    assert (ended.state, ended.outcome, ended.cause, ended.sip, ended.lease_until) == (
        "ended",
        "reached",
        16,
        200,
        None,
    )
    assert (ended.live, ended.abandoned, ended.ring_seconds, ended.ended_at) == (True, False, 7.0, at(100))
    reached = await now_of(store, target)
    assert (reached.state, reached.why, reached.last_outcome, reached.closed_at) == (
        "reached",
        "talked",
        "reached",
        at(100),
    )
    assert await attempts.open() == ()
    assert await attempts.of_target(target.id) == (ended,)


async def test_the_end_is_said_twice(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    dialling = await dialled(store, target)
    first = await attempts.ended(dialling, End("no_answer"), AGAIN, now=at(30))
    moved = await now_of(store, target)
    again = await attempts.ended(dialling, End("busy"), TargetMove("exhausted"), now=at(40))
    assert again == first, "the database was away when it answered: nothing is done twice"
    assert await now_of(store, target) == moved
    assert (moved.state, moved.due_at, moved.rank, moved.attempts) == ("waiting", at(3600), 4, 1)


async def test_moves_that_the_holder_makes_again_change_nothing(store: Store) -> None:
    attempts = Attempts(store)
    dialling = await dialled(store, await one_target(store))
    answered = await attempts.answered(dialling, now=at(9), lease=LEASE)
    assert await attempts.answered(dialling, now=at(11), lease=LEASE) == answered
    assert answered
    talking = await attempts.connected(answered, agent="801", now=at(12), lease=LEASE)
    assert await attempts.connected(answered, agent="802", now=at(13), lease=LEASE) == talking
    assert await attempts.answered(dialling, now=at(14), lease=LEASE) is None
    ended = await attempts.ended(dialling, End("reached", live=True), REACHED, now=at(50))
    assert ended, "the end is not lost because an answer was"


async def test_dialling_is_said_once(store: Store) -> None:
    attempts = Attempts(store)
    one = await leased(store, await one_target(store))
    assert await attempts.dial(one, channel=one.call, now=at(2), lease=LEASE)
    assert await attempts.dial(one, channel=one.call, now=at(2), lease=LEASE) is None, "dialling twice is no repeat"


async def test_two_controllers_and_one_dials(store: Store, database_url: str) -> None:
    target = await one_target(store)
    other = await Store.open(database_url)
    try:
        desks = [Attempts(store), Attempts(other)] * 10
        won = await asyncio.gather(
            *(
                desk.lease(target, number(1), mode="predictive", holder=f"h{n}", now=at(1), lease=LEASE)
                for n, desk in enumerate(desks)
            )
        )
        (one,) = [row for row in won if row]
        dialling = await asyncio.gather(
            *(desk.dial(one, channel=one.call, now=at(2), lease=LEASE) for n, desk in enumerate(desks))
        )
        assert len([row for row in dialling if row]) == 1
        assert (await now_of(store, target)).attempts == 1
    finally:
        await other.close()


async def test_many_controllers_and_campaigns_dial_each_number_once(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)
    try:
        names = ("dormant", "lost", "survey")
        for name in names:
            await planned(store, map(new_target, range(8)), name)
        due = [one for name in names for one in await Targets(store).next(name, TEN, 8)]
        desks = [Attempts(store), Attempts(other)]
        won = await asyncio.gather(
            *(
                desk.lease(target, target.numbers[0], mode="power", holder=f"h{n}", now=at(1), lease=LEASE)
                for n, desk in enumerate(desks)
                for target in due
            )
        )
        numbers = [row.number for row in won if row]
        assert sorted(numbers) == [number(index) for index in range(8)]
        held = [one for target in due for one in [await Targets(store).get(target.id)] if one and one.state == "held"]
        assert sorted(one.id for one in held) == sorted(row.target for row in won if row), "who lost waits on"
    finally:
        await other.close()


async def test_one_customer_has_one_call_whatever_the_number(store: Store) -> None:
    who = await customer(store, PHONE, "+8613800138002")
    for name in ("dormant", "survey"):
        await planned(store, [NewTarget("900000000001", customer=who)], name)
    (first,) = await Targets(store).next("dormant", TEN, 1)
    (second,) = await Targets(store).next("survey", TEN, 1)
    attempts = Attempts(store)
    one = await attempts.lease(first, "+8613800138001", mode="power", holder="a", now=TEN, lease=LEASE)
    assert one
    assert await attempts.lease(second, "+8613800138002", mode="power", holder="b", now=TEN, lease=LEASE) is None
    assert (await now_of(store, second)).version == second.version
    await attempts.give_back(one, now=at(1))
    assert await attempts.lease(second, "+8613800138002", mode="power", holder="b", now=at(2), lease=LEASE)


async def test_who_was_slow_dials_no_more(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    slow = await leased(store, target, seconds=1)
    assert await attempts.settle(slow, End("unknown"), AGAIN, now=at(5)) is None, "the lease is running"
    assert await attempts.dial(slow, channel=slow.call, now=at(16), lease=LEASE) is None, "its lease is over"
    (lapsed,) = await attempts.lapsed(at(16))
    taken = await attempts.take(lapsed, holder="b", now=at(16), lease=LEASE)
    assert taken
    assert await attempts.dial(slow, channel=slow.call, now=at(2), lease=LEASE) is None, "somebody took it"
    assert await attempts.take(lapsed, holder="c", now=at(16), lease=LEASE) is None, "of two, one is given it"
    assert await attempts.dial(taken, channel=taken.call, now=at(17), lease=LEASE)
    assert (await now_of(store, target)).attempts == 1


async def test_a_lease_that_lapsed_is_given_back(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    slow = await leased(store, target)
    back = await attempts.settle(slow, End("unknown"), AGAIN, now=at(60))
    assert back
    assert (back.state, back.outcome, back.dialled_at) == ("ended", "not_dialled", None)
    waiting = await now_of(store, target)
    assert (waiting.state, waiting.attempts, waiting.due_at, waiting.last_outcome) == ("waiting", 0, TEN, "")
    assert await attempts.dial(slow, channel=slow.call, now=at(2), lease=LEASE) is None
    assert (await dialled(store, waiting, holder="b", seconds=61)).id != slow.id, "the next try has an id of its own"


async def test_an_attempt_that_nobody_saw_end_counts_as_dialled(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    dialling = await dialled(store, target)
    ended = await attempts.settle(dialling, End("unknown"), AGAIN, now=at(60))
    assert ended
    assert (ended.state, ended.outcome) == ("ended", "unknown")
    waiting = await now_of(store, target)
    assert (waiting.state, waiting.attempts, waiting.due_at) == ("waiting", 1, at(3600))
    assert await Targets(store).next(CAMPAIGN, at(3599), 1) == ()
    late = await attempts.ended(dialling, End("reached", live=True), REACHED, now=at(61))
    assert late == ended, "what is settled stays settled"


async def test_a_call_that_goes_on_is_taken_over(store: Store) -> None:
    attempts = Attempts(store)
    dialling = await dialled(store, await one_target(store))
    taken = await attempts.take(dialling, holder="b", now=at(3), lease=LEASE)
    assert taken, "its channel came to another controller: that one need not wait for the lease"
    assert (taken.state, taken.holder, taken.lease_until) == ("dialling", "b", at(18))
    assert await attempts.answered(dialling, now=at(4), lease=LEASE) is None
    assert await attempts.ended(dialling, End("busy"), AGAIN, now=at(4)) is None, "another holds it now"
    assert await attempts.answered(taken, now=at(5), lease=LEASE)


async def test_leases_of_one_holder_are_renewed_together(store: Store) -> None:
    await planned(store, map(new_target, range(3)))
    first, second, third = await Targets(store).next(CAMPAIGN, TEN, 3)
    await dialled(store, first)
    await dialled(store, second)
    await dialled(store, third, holder="b")
    attempts = Attempts(store)
    assert await attempts.renew("a", now=at(10), lease=LEASE) == 2
    assert [one.target for one in await attempts.lapsed(at(16))] == [third.id]
    assert len(await attempts.lapsed(at(25))) == 3


async def test_given_back_put_off_or_closed(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    one = await leased(store, target)
    await attempts.give_back(one, now=at(2), move=TargetMove("waiting", "caps", at(7200)))
    later = await now_of(store, target)
    assert (later.state, later.why, later.due_at, later.attempts) == ("waiting", "caps", at(7200), 0)
    two = await leased(store, later, seconds=7200)
    await attempts.give_back(two, now=at(7201), move=TargetMove("refused", "do_not_call"))
    assert (await now_of(store, target)).state == "refused"
    assert await attempts.outcomes(CAMPAIGN) == {}


async def test_a_paused_campaign_leases_and_dials_nothing(store: Store) -> None:
    attempts = Attempts(store)
    await planned(store, map(new_target, range(2)))
    first, second = await Targets(store).next(CAMPAIGN, TEN, 2)
    one = await leased(store, first)
    await Campaigns(store).order(CAMPAIGN, "pause", actor="wang.wu")
    assert await attempts.dial(one, channel=one.call, now=at(2), lease=LEASE) is None
    assert await attempts.lease(second, number(2), mode="power", holder="a", now=at(2), lease=LEASE) is None
    assert await attempts.give_back(one, now=at(3))
    await Campaigns(store).order(CAMPAIGN, "resume", actor="wang.wu")
    await Campaigns(store).take_run(CAMPAIGN, holder="run", now=at(4) + RUN, lease=LEASE)
    again = await leased(store, await now_of(store, first), seconds=RUN.total_seconds() + 5)
    assert await attempts.dial(again, channel=again.call, now=at(30) + RUN, lease=LEASE) is None, "its run was killed"


@pytest.mark.parametrize("how", ["list", "wish", "account's wish", "called back", "refused"])
async def test_what_came_up_after_the_lease_is_seen_when_it_is_dialled(store: Store, how: str) -> None:
    attempts = Attempts(store)
    who = await customer(store, PHONE)
    await planned(store, [NewTarget("900000000001", customer=who)])
    (target,) = await Targets(store).next(CAMPAIGN, TEN, 1)
    dialled_number = "+8613800138009" if how == "account's wish" else "+8613800138001"
    one = await attempts.lease(target, dialled_number, mode="power", holder="a", now=TEN, lease=LEASE)
    assert one
    if how == "list":
        await DoNotCall(store).add([DoNotCallEntry("+8613800138001", "said so")], actor="test")
    elif how == "called back":
        callbacks = WaitingCallbacks(store)
        wish = await callbacks.ask(Place("call-1", PHONE, TEN, "gold"), now=TEN, expires=at(900))
        assert await callbacks.reserve(wish, holder="x", agent="801", now=at(1), lease=LEASE)
    elif how == "refused":
        assert await Targets(store).refuse_customer(who, "key_9", now=at(1)) == 1
    else:
        await customer(store, PHONE, do_not_call=True)
    assert await attempts.dial(one, channel=one.call, now=at(2), lease=LEASE) is None
    assert await attempts.give_back(one, now=at(3))
    assert (await now_of(store, target)).state == ("refused" if how == "refused" else "waiting")


async def test_who_is_being_called_by_a_campaign_is_not_called_back_as_well(store: Store) -> None:
    who = await customer(store, PHONE, "+8613800138002")
    await planned(store, [NewTarget("900000000001", customer=who)])
    (target,) = await Targets(store).next(CAMPAIGN, TEN, 1)
    callbacks, missed, attempts = WaitingCallbacks(store), MissedCallers(store), Attempts(store)
    wish = await callbacks.ask(Place("call-1", PHONE, TEN, "gold"), now=TEN, expires=at(900))
    reserved = await callbacks.reserve(wish, holder="x", agent="801", now=at(1), lease=LEASE)
    assert reserved
    assert not await attempts.is_under_way(PHONE, who)
    one = await attempts.lease(target, PHONE, mode="power", holder="a", now=at(2), lease=LEASE)
    assert one
    assert await callbacks.dial(reserved, channel="leg", now=at(2), lease=LEASE) is None
    assert await attempts.is_under_way(PHONE)
    assert await attempts.is_under_way("+8613800138002", who), "at any of their numbers"
    assert not await attempts.is_under_way("+8613800138002")
    await callbacks.give_back(reserved)
    await missed.note(MissedCall("call-2", number(7), TEN, "abandoned"))
    await planned(store, [new_target(7)], "another")
    (stranger,) = await Targets(store).next("another", TEN, 1)
    other = await leased(store, stranger, seconds=3)
    assert await missed.take_next("802", now=at(4), lease=LEASE) is None
    await attempts.give_back(other, now=at(5))
    assert await missed.take_next("802", now=at(6), lease=LEASE)
    assert await attempts.dial(one, channel=one.call, now=at(7), lease=LEASE), "and it may itself be dialled"


async def test_a_customer_who_refuses_in_the_call_stays_refused(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    dialling = await dialled(store, target)
    assert await Targets(store).refuse(target.id, "key_9", now=at(5)) == 1
    await attempts.ended(dialling, End("reached", live=True), REACHED, now=at(9))
    refused = await now_of(store, target)
    assert (refused.state, refused.why, refused.last_outcome) == ("refused", "key_9", "reached")


async def test_the_state_of_the_number_is_for_everybody_who_has_it(store: Store) -> None:
    who = await customer(store, PHONE, "+8613800138002")
    await customer(store, PHONE, account="900000000002")
    await Customers(store).mark_phone("900000000002", PHONE, "wrong_person")
    await customer(store, PHONE, account="900000000003")
    await planned(store, [NewTarget("900000000001", customer=who)])
    (target,) = await Targets(store).next(CAMPAIGN, TEN, 1)
    one = await Attempts(store).lease(target, "+8613800138001", mode="power", holder="a", now=TEN, lease=LEASE)
    assert one
    dialling = await Attempts(store).dial(one, channel=one.call, now=at(1), lease=LEASE)
    assert dialling
    end = End("unallocated", cause=1, sip=404, announcement="cmcc-1", phone="unallocated")
    assert await Attempts(store).ended(dialling, end, TargetMove("waiting", "next_number", at(5)), now=at(4))
    states = [
        [phone.state for phone in found.phones]
        for account in ("900000000001", "900000000002", "900000000003")
        if (found := await Customers(store).by_account(account))
    ]
    assert states == [["unallocated", "good"], ["wrong_person"], ["unallocated"]]


async def test_the_disposition_moves_the_target_once_more(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    dialling = await dialled(store, target)
    await attempts.ended(dialling, End("reached", live=True), REACHED, now=at(60))
    appointment = TargetMove("waiting", "appointment", at(7200), guaranteed=True, agent="801")
    said = await attempts.set_disposition(dialling.id, "call_later", now=at(70), note="下午再打", move=appointment)
    assert said
    assert (said.disposition, said.note, said.state) == ("call_later", "下午再打", "ended")
    waiting = await now_of(store, target)
    assert (waiting.state, waiting.guaranteed, waiting.agent, waiting.closed_at) == ("waiting", True, "801", None)
    next_ = await leased(store, waiting, seconds=7200)
    await attempts.set_disposition(dialling.id, "wrong_person", now=at(7201), move=TargetMove("by_hand"))
    assert (await now_of(store, target)).state == "held", "another attempt has it in hand"
    await attempts.give_back(next_, now=at(7202))
    await Targets(store).refuse(target.id, "key_9", now=at(7203))
    await attempts.set_disposition(dialling.id, "done", now=at(7204), move=REACHED)
    assert (await now_of(store, target)).state == "refused"
    assert await attempts.set_disposition(999, "done", now=at(7204)) is None


async def test_a_disposition_set_in_the_talk_outlives_its_end(store: Store) -> None:
    attempts = Attempts(store)
    target = await one_target(store)
    dialling = await dialled(store, target)
    appointment = TargetMove("waiting", "appointment", at(7200), guaranteed=True, agent="801")
    await attempts.set_disposition(dialling.id, "call_later", now=at(20), move=appointment)
    assert await attempts.ended(dialling, End("reached", live=True), REACHED, now=at(60))
    waiting = await now_of(store, target)
    assert (waiting.state, waiting.why, waiting.agent, waiting.last_outcome) == (
        "waiting",
        "appointment",
        "801",
        "reached",
    )


async def test_somebody_elses_telephone_by_the_agents_word(store: Store) -> None:
    who = await customer(store, PHONE)
    await customer(store, PHONE, account="900000000002")
    await planned(store, [NewTarget("900000000001", customer=who)])
    (target,) = await Targets(store).next(CAMPAIGN, TEN, 1)
    one = await Attempts(store).lease(target, "+8613800138001", mode="power", holder="a", now=TEN, lease=LEASE)
    assert one
    dialling = await Attempts(store).dial(one, channel=one.call, now=at(1), lease=LEASE)
    assert dialling
    today = datetime.date(2026, 11, 20)
    for state, confirmed in (("wrong_person", None), ("good", today)):
        await Attempts(store).set_disposition(
            dialling.id,
            "said",
            now=at(9),
            phone=state,
            confirmed_on=confirmed,  # type: ignore[arg-type]
        )
        mine, others = (
            await Customers(store).by_account("900000000001"),
            await Customers(store).by_account("900000000002"),
        )
        assert mine
        assert others
        assert mine.phones == (Phone("+8613800138001", state, confirmed),)  # type: ignore[arg-type]
        assert others.phones == (Phone("+8613800138001"),)


async def test_the_history_of_numbers_and_customers(store: Store) -> None:
    who = await customer(store, PHONE, "+8613800138002")
    await planned(store, [NewTarget("900000000001", customer=who), new_target(5), new_target(6)])
    mine, five, six = await Targets(store).next(CAMPAIGN, TEN, 3)
    attempts = Attempts(store)
    one = await attempts.lease(mine, "+8613800138002", mode="power", holder="a", now=at(0), lease=LEASE)
    assert one
    dialling = await attempts.dial(one, channel=one.call, now=at(1), lease=LEASE)
    assert dialling
    other = await dialled(store, five, seconds=2)
    await attempts.ended(other, End("abandoned", live=True, abandoned=True), AGAIN, now=at(20))
    await leased(store, six, seconds=3)
    found = await attempts.history(["+8613800138001", number(5), number(6)], [who], TEN)
    assert [(past.number, past.customer, past.outcome, past.abandoned) for past in found] == [
        ("+8613800138002", who, "", False),
        (number(5), None, "abandoned", True),
    ], "one is by customer, one by number; who is not dialled has no past"
    assert await attempts.history([number(5)], [], at(3)) == ()


async def test_hours_for_the_pacer(store: Store) -> None:
    attempts = Attempts(store)
    await planned(store, map(new_target, range(6)))
    targets = await Targets(store).next(CAMPAIGN, TEN, 6)
    ends = [
        (10, End("reached", live=True)),
        (20, End("abandoned", live=True, abandoned=True)),
        (30, End("machine")),
        (3700, End("reached", live=True)),
        (3800, End("hung_up", live=True)),
    ]
    for target, (seconds, end) in zip(targets, ends, strict=False):
        one = await dialled(store, target, seconds=seconds)
        answered = await attempts.answered(one, now=at(seconds), lease=LEASE)
        assert answered
        await attempts.ended(answered, end, REACHED, now=at(seconds + 5))
    await attempts.ended(await dialled(store, targets[5]), End("busy"), AGAIN, now=at(9))
    assert await attempts.hours(CAMPAIGN, TEN) == (Hour(TEN, 2, 1), Hour(at(3600), 2, 0))
    assert await attempts.hours(CAMPAIGN, at(3600)) == (Hour(at(3600), 2, 0),)
    assert await attempts.outcomes(CAMPAIGN) == {"reached": 2, "abandoned": 1, "machine": 1, "hung_up": 1, "busy": 1}
    assert await attempts.outcomes(CAMPAIGN, at(3600)) == {"reached": 1, "hung_up": 1}


async def test_the_database_itself_refuses_a_second_open_attempt(store: Store) -> None:
    await planned(store, map(new_target, range(2)))
    first, second = await Targets(store).next(CAMPAIGN, TEN, 2)
    await dialled(store, first)
    other = await dialled(store, second)
    for change in (f"number = '{number(0)}'", f"target_id = {first.id}"):
        with pytest.raises(StoreError):
            async with store.writing() as session:
                await session.execute(sa.text(f"UPDATE attempts SET {change} WHERE id = {other.id}"))


def test_the_calls_of_attempts() -> None:
    assert is_attempt("attempt-17")
    assert attempt_of_call("attempt-17") == 17
    for call in ("callback-17", "attempt-", "attempt-17-2", "17"):
        assert not is_attempt(call)
        assert attempt_of_call(call) is None


STEPS = (
    "look",
    "lease",
    "dial",
    "ring",
    "answer",
    "connect",
    "end",
    "again",
    "refuse",
    "settle",
    "crash",
    "back",
    "wait",
    "off",
)


class Controller:
    """One controller, driven a step at a time; a crash takes what it knew, not what the network does."""

    def __init__(self, name: str, store: Store, network: list[int]) -> None:
        self.life = 0
        self.name = name
        self.attempts = Attempts(store)
        self.targets = Targets(store)
        self.network = network
        self.mine: set[int] = set()
        self.seen: Target | None = None
        self.held: Attempt | None = None

    @property
    def holder(self) -> str:
        return f"{self.name}{self.life}"

    async def step(self, what: str, now: datetime.datetime) -> None:
        if what == "crash":
            self.life, self.seen, self.held, self.mine = self.life + 1, None, None, set()
        elif what == "settle":
            for one in await self.attempts.lapsed(now):
                await self.attempts.settle(one, End("unknown"), TargetMove("waiting", "unknown", now), now=now)
        elif what == "look":
            found = await self.targets.next(CAMPAIGN, now, 1)
            self.seen = found[0] if found else None
        elif what == "off" and self.seen is not None:
            await self.targets.put_off(self.seen, now + datetime.timedelta(seconds=5), "hours", now=now)
        elif what == "lease" and self.held is None and self.seen is not None:
            self.held = await self.attempts.lease(
                self.seen, self.seen.numbers[0], mode="power", holder=self.holder, now=now, lease=LEASE
            )
        elif self.held is not None:
            self.held = await self._on(self.held, what, now)

    async def _on(self, one: Attempt, what: str, now: datetime.datetime) -> Attempt | None:
        if what == "dial" and one.state == "leased":
            return await self.attempts.dial(one, channel=one.call, now=now, lease=LEASE) or one
        if what == "back" and one.state == "leased":
            await self.attempts.give_back(one, now=now)
            return None
        if what == "ring" and one.state == "dialling" and one.id not in self.mine:
            self.mine.add(one.id)
            self.network.append(one.id)  # between this and the move before it, a crash may come
            return one
        if one.id not in self.mine:
            return one
        if what == "answer" and one.state == "dialling":
            return await self.attempts.answered(one, now=now, lease=LEASE) or one
        if what == "connect" and one.state == "answered":
            return await self.attempts.connected(one, agent="801", now=now, lease=LEASE) or one
        if what == "refuse":
            await self.targets.refuse(one.target, "key_9", now=now)
        if what == "end":
            await self.attempts.ended(one, End("reached", live=True), REACHED, now=now)
            return None
        if what == "again" and one.state == "dialling":
            later = TargetMove("waiting", "busy", now + datetime.timedelta(seconds=5))
            await self.attempts.ended(one, End("busy"), later, now=now)
            return None
        return one


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(STEPS), st.integers(0, 12)), max_size=60))
def test_whatever_crashes_no_target_is_dialled_twice_and_none_is_forgotten(
    steps: Sequence[tuple[int, str, int]],
) -> None:
    asyncio.run(_story(steps))


async def _story(steps: Sequence[tuple[int, str, int]]) -> None:
    store, network, now = await store_in_memory(), list[int](), TEN
    await planned(store, map(new_target, range(2)))
    ids = [one.id for one in await Targets(store).next(CAMPAIGN, TEN, 2)]
    controllers = [Controller(name, store, network) for name in "ab"]
    for who, what, seconds in steps:
        now += datetime.timedelta(seconds=seconds)
        await controllers[who].step(what, now)
        assert len(network) == len(set(network)), "an attempt is dialled once"
        await _holds_together(store, ids, network)
    # Everybody is gone; whoever comes next finds each target due or closed, and nothing open.
    now += 10 * LEASE
    for one in await Attempts(store).lapsed(now):
        await Attempts(store).settle(one, End("unknown"), TargetMove("waiting", "unknown", now), now=now)
    assert await Attempts(store).open() == ()
    due = {one.id for one in await Targets(store).next(CAMPAIGN, now, 10)}
    for id_ in ids:
        target = await Targets(store).get(id_)
        assert target
        assert target.state in CLOSED_TARGETS or id_ in due
    await store.close()


async def _holds_together(store: Store, ids: Sequence[int], network: Sequence[int]) -> None:
    open_ = {one.target: one for one in await Attempts(store).open()}
    for id_ in ids:
        target = await Targets(store).get(id_)
        assert target
        assert target.state != "held" or id_ in open_, "who is held is in an attempt's hands"
        assert target.state != "waiting" or id_ not in open_, "who is in somebody's hands does not wait"
        tried = await Attempts(store).of_target(id_)
        assert target.attempts == sum(one.dialled_at is not None for one in tried)
        known = {one.id for one in tried if one.dialled_at is not None}
        assert known.issuperset(one.id for one in tried if one.id in network), "nothing is dialled unknown to the store"
