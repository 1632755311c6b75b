"""The desk over a real store, with an Asterisk that does as it is told: what is written, in which order, and once.

That the events are those of a real Asterisk is ``tests/asterisk/test_dial_facts.py``'s business.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from db.attempt import Attempt
from db.attempts import Attempts
from db.errors import StoreAway
from db.events import Event
from db.store import Store
from db.target import Target, TargetMove
from db.targets import Targets
from ivr.ami.errors import ActionFailed, ActionTimeout, AmiError
from ivr.ami.protocol import Event as ManagerEvent
from ivr.ami.protocol import Response
from ivr.contract import VAR_NUMBER
from ivr.dialing.desk import DialDesk
from ivr.dialing.hearing import Heard
from ivr.dialing.ledger import Ledger
from ivr.dialing.plan import Number, Plan
from ivr.dialing.trunks import TrunkLimit, Trunks
from outbound import causes
from outbound.outcomes import Outcome
from tests.unit.db.outbound_rows import CAMPAIGN, TEN, new_target, planned

PLAN = Plan(CAMPAIGN, "progressive", "revisit", {"revisit": 1})
LATER = TEN + datetime.timedelta(hours=4)


class Asterisk:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, str, Mapping[str, str]]] = []
        self.hung_up: list[str] = []
        self.error: AmiError | None = None
        self.before: Callable[[str], Any] | None = None

    async def dial(self, call: str, dial: str, ring: float, shown: str, variables: Mapping[str, str]) -> None:
        if self.before is not None:
            await self.before(call)
        self.dialled.append((call, dial, variables))
        if self.error is not None:
            raise self.error

    async def ring_seat(self, leg: str, call: str, line: str, variables: Mapping[str, str]) -> None:
        raise AssertionError("no seat is rung here")

    async def hang_up(self, channel: str) -> None:
        self.hung_up.append(channel)


class Rules:
    """A book in which everything may be dialled, unless it says otherwise."""

    def __init__(self) -> None:
        self.against: TargetMove | None = None
        self.asked: list[bool] = []

    async def plan(self, campaign: str) -> Plan | str:
        return PLAN

    async def number(self, target: Target, *, agent_is_there: bool) -> Number | TargetMove:
        return Number(target.numbers[0])

    async def verdict(self, attempt: Attempt, target: Target, *, agent_is_there: bool) -> TargetMove | None:
        self.asked.append(agent_is_there)
        return self.against

    async def after(self, attempt: Attempt, target: Target, outcome: Outcome) -> TargetMove:
        return TargetMove("reached") if outcome == "reached" else TargetMove("waiting", outcome, LATER)


class Journal:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> None:
        self.events.append(event)

    def kinds(self) -> list[str]:
        return [one.kind.removeprefix("outbound.") for one in self.events]


class House:
    """A desk and all that is around it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asterisk, self.rules, self.journal = Asterisk(), Rules(), Journal()
        self.now = TEN.timestamp() + 10
        self.nobody: dict[str, float] = {}
        ledger = Ledger(store, self.journal, self.rules, causes.read(), self.moment, lambda: self.nobody)
        trunks = Trunks([TrunkLimit("city", 100.0, 5)])

        async def listen(sound: object) -> Heard:
            return Heard()

        self.desk = DialDesk(
            ledger, self.asterisk, None, listen, trunks, self.rules, "95500", self.moment, lambda: self.now
        )
        self.desk._loaded.set()

    def moment(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.now, datetime.UTC)

    async def target(self) -> Target:
        (found,) = await Targets(self.store).next(CAMPAIGN, self.moment(), 1)
        return found

    async def dial(self) -> str:
        """Dial the one target; the call's id, or "" when Asterisk was told of none."""
        self.desk.start(PLAN, await self.target())
        await self.done()
        return self.asterisk.dialled[-1][0] if self.asterisk.dialled else ""

    async def done(self) -> None:
        """Until nothing is under way."""
        while pending := [*self.desk._tasks, *self.desk.ledger.moves._last.values()]:
            await asyncio.wait(pending)

    def saw(self, name: str, call: str, **headers: str) -> None:
        key = "DestUniqueid" if name.startswith("Dial") else "Uniqueid"
        self.desk.saw(ManagerEvent([("Event", name), (key, call), *headers.items()]))

    async def row(self) -> Attempt:
        (row,) = await Attempts(self.store).of_target(1)
        return row


@pytest.fixture
async def house(store: Store) -> House:
    await planned(store, [new_target(1)])
    return House(store)


def refused() -> ActionFailed:
    return ActionFailed("Originate", Response([("Response", "Error"), ("Message", "no")]))


async def test_the_row_says_dialling_before_asterisk_hears_of_the_number(house: House) -> None:
    seen: list[str] = []

    async def look(call: str) -> None:
        seen.append((await house.row()).state)

    house.asterisk.before = look
    call = await house.dial()
    assert seen == ["dialling"]
    ((called, road, variables),) = house.asterisk.dialled
    assert (called, road) == ("attempt-1", "PJSIP/13800000001@city")
    assert variables[VAR_NUMBER] == "13800000001"
    assert (await house.row()).channel == call
    assert house.rules.asked == [False]
    assert house.journal.kinds() == ["leased", "dialled"]


async def test_what_a_rule_is_against_is_given_back_and_put_off(house: House) -> None:
    house.rules.against = TargetMove("waiting", "quiet_hours", LATER)
    assert await house.dial() == ""
    row = await house.row()
    assert (row.state, row.outcome) == ("ended", "not_dialled")
    target = await Targets(house.store).get(1)
    assert target is not None
    assert (target.state, target.due_at, target.attempts) == ("waiting", LATER, 0)
    assert house.desk.trunks.free() == 5
    assert house.journal.kinds() == ["leased", "kept_back"]


async def test_an_originate_that_is_refused_at_once_ends_the_attempt_once(house: House) -> None:
    house.asterisk.error = refused()
    call = await house.dial()
    house.saw("OriginateResponse", call, Response="Failure", Reason="0")
    await house.done()
    row = await house.row()
    assert (row.state, row.outcome) == ("ended", "network")
    assert house.journal.kinds() == ["leased", "dialled", "ended"]
    assert not house.desk.dials


async def test_a_failure_without_a_channel_ends_it(house: House) -> None:
    call = await house.dial()
    house.saw("OriginateResponse", call, Response="Failure", Reason="0")
    await house.done()
    assert (await house.row()).outcome == "network"


async def test_a_failure_that_is_told_before_its_channel_ends_as_the_channel_says(house: House) -> None:
    """A trunk that answers at once: OriginateResponse comes from a thread of its own, ahead of Newchannel."""
    call = await house.dial()
    house.saw("OriginateResponse", call, Response="Failure", Reason="0")
    house.saw("Newchannel", call)
    house.saw("Hangup", call, Cause="19", TechCause="480")
    await house.done()
    row = await house.row()
    assert (row.outcome, row.sip) == ("out_of_reach", 480)


async def test_the_answer_counts_from_when_asterisk_saw_it_however_late_we_hear_of_it(house: House) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    house.now += 10
    answered = house.now - 2.5
    house.saw("Newstate", call, ChannelStateDesc="Up", Timestamp=f"{answered:.6f}")
    place = house.desk.place_of(call)
    assert place is not None
    assert abs(place.joined - answered) < 0.001
    house.desk.left(call, place, "abandoned", 2.5)
    house.saw("Hangup", call, Cause="16", Timestamp=f"{house.now:.6f}")
    await house.done()
    assert (await house.row()).outcome == "abandoned"


@pytest.mark.parametrize("failure_first", [True, False])
async def test_a_busy_line_is_told_twice_in_either_order_and_ends_it_once(house: House, failure_first: bool) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    if failure_first:
        house.saw("OriginateResponse", call, Response="Failure", Reason="0")
    house.saw("Hangup", call, Cause="17", TechCause="486")
    if not failure_first:
        house.saw("OriginateResponse", call, Response="Failure", Reason="0")
    await house.done()
    row = await house.row()
    assert (row.outcome, row.cause, row.sip) == ("busy", 17, 486)
    assert house.journal.kinds().count("ended") == 1


async def test_ringing_out_is_no_answer_whatever_code_our_own_cancel_leaves(house: House) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    house.saw("DialState", call, DialStatus="RINGING")
    house.now += PLAN.ring
    house.saw("Hangup", call, Cause="19", TechCause="480")
    house.saw("OriginateResponse", call, Response="Failure", Reason="3")
    await house.done()
    assert (await house.row()).outcome == "no_answer"


async def test_asterisk_that_has_not_said_whether_it_dials_may_dial_all_the_same(house: House) -> None:
    house.asterisk.error = ActionTimeout("Originate", 3.0)
    call = await house.dial()
    assert (await house.row()).state == "dialling"
    house.saw("Newchannel", call)
    house.saw("Hangup", call, Cause="1", TechCause="404")
    house.saw("OriginateResponse", call, Response="Failure", Reason="0")
    await house.done()
    assert (await house.row()).outcome == "unallocated"


async def test_a_dial_of_which_nobody_tells_anything_ends_as_unknown(house: House) -> None:
    house.asterisk.error = ActionTimeout("Originate", 3.0)
    await house.dial()
    house.now += PLAN.ring + 9
    house.desk.give_up_unseen()
    await house.done()
    assert (await house.row()).state == "dialling"
    house.now += 2
    house.desk.give_up_unseen()
    house.desk.give_up_unseen()
    await house.done()
    row = await house.row()
    assert (row.state, row.outcome) == ("ended", "unknown")
    target = await Targets(house.store).get(1)
    assert target is not None
    assert (target.state, target.attempts) == ("waiting", 1)


async def test_who_waited_too_long_for_an_agent_is_abandoned(house: House) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    assert house.desk.place_of(call) is None
    house.now += 5
    house.saw("Newstate", call, ChannelStateDesc="Up")
    place = house.desk.place_of(call)
    assert place is not None
    assert (place.joined, place.at_once, place.required) == (house.now, True, {"revisit": 1})
    house.now += 1.8
    house.desk.left(call, place, "limit", 1.8)
    house.now += 6
    house.saw("Hangup", call, Cause="16")
    await house.done()
    row = await house.row()
    assert (row.outcome, row.live, row.abandoned) == ("abandoned", True, True)
    assert house.journal.kinds() == ["leased", "dialled", "answered", "abandoned", "ended"]


@pytest.mark.parametrize(("waited", "outcome"), [(1.0, "hung_up"), (2.5, "abandoned")])
async def test_who_hangs_up_before_anybody_came(house: House, waited: float, outcome: str) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    house.saw("Newstate", call, ChannelStateDesc="Up")
    place = house.desk.place_of(call)
    assert place is not None
    house.now += waited
    house.desk.left(call, place, "abandoned", waited)
    house.saw("Hangup", call, Cause="16")
    await house.done()
    assert (await house.row()).outcome == outcome


async def test_ends_are_written_when_the_store_is_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    attempts = house.desk.ledger.attempts
    answered, away = attempts.answered, [True, True]

    async def sometimes(*args: Any, **how: Any) -> Attempt | None:
        if away:
            away.pop()
            raise StoreAway("gone", remedy="")
        return await answered(*args, **how)

    monkeypatch.setattr(attempts, "answered", sometimes)
    house.saw("Newstate", call, ChannelStateDesc="Up")
    house.desk.notice_begins(call)
    house.saw("Hangup", call, Cause="16")
    await house.done()
    row = await house.row()
    assert (row.state, row.outcome) == ("ended", "reached")
    assert row.answered_at is not None  # in their order, whatever came between
    assert row.connected_at is not None


async def test_a_store_that_goes_away_over_the_write_itself_dials_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row may have been written: it is undone, and the customer was not disturbed."""
    attempts = house.desk.ledger.attempts
    dial = attempts.dial

    async def written_and_gone(*args: Any, **how: Any) -> Attempt | None:
        await dial(*args, **how)
        raise StoreAway("gone", remedy="")

    monkeypatch.setattr(attempts, "dial", written_and_gone)
    assert await house.dial() == ""
    row = await house.row()
    assert (row.state, row.outcome) == ("ended", "network")
    assert house.desk.trunks.free() == 5


async def test_after_a_restart_what_goes_on_is_taken_over_and_what_does_not_waits_for_its_lease(
    house: House, store: Store
) -> None:
    call = await house.dial()
    other = House(store)
    other.now = house.now + 5
    assert await other.desk.load({}) == ()
    await other.desk.settle_lapsed(frozenset())
    await other.done()
    assert (await house.row()).state == "dialling"  # nobody knows yet that the other one is dead
    (taken,) = await other.desk.load({call: False})
    assert taken.call == call
    other.saw("Newstate", call, ChannelStateDesc="Up")
    await other.done()
    row = await house.row()
    assert (row.state, row.holder) == ("answered", other.desk.ledger.holder)
    house.saw("Hangup", call, Cause="16")  # the dead one wakes, and believes that it is its own
    await house.done()
    assert (await house.row()).state == "answered"


@pytest.mark.parametrize(("record", "outcome"), [({}, "unknown"), ({"attempt-1": TEN.timestamp() + 12}, "abandoned")])
async def test_what_nobody_has_in_hand_any_more_is_settled(
    house: House, store: Store, record: dict[str, float], outcome: str
) -> None:
    await house.dial()
    other = House(store)
    other.nobody = record
    other.now = house.now + 60
    await other.desk.load({})
    await other.desk.settle_lapsed(frozenset())
    row = await house.row()
    assert (row.state, row.outcome, row.abandoned) == ("ended", outcome, outcome == "abandoned")


@pytest.mark.parametrize("seconds", [0.5, 10])
async def test_when_asterisk_was_killed_what_was_under_way_is_over(house: House, seconds: float) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    house.now += seconds
    house.desk.unready()
    await house.desk.load({})
    await house.done()
    row = await house.row()
    assert (row.state, row.outcome) == ("ended", "unknown")
    assert house.desk.ready


async def test_an_order_that_was_given_just_now_may_not_be_carried_out_yet(house: House) -> None:
    await house.dial()
    house.now += 0.5
    await house.desk.load({})
    await house.done()
    assert (await house.row()).state == "dialling"


async def test_what_the_pacer_gives_up_is_hung_up_and_not_dialled_again_at_once(house: House) -> None:
    call = await house.dial()
    house.saw("Newchannel", call)
    house.saw("DialState", call, DialStatus="RINGING")
    house.now += 16
    house.desk.cancel(CAMPAIGN, "1")
    await asyncio.sleep(0)
    assert house.asterisk.hung_up == [call]
    house.saw("Hangup", call, Cause="0")
    await house.done()
    row = await house.row()
    assert (row.outcome, row.ring_seconds) == ("cancelled", 16.0)


async def test_nothing_is_dialled_while_asterisk_is_away(house: House) -> None:
    house.desk.unready()
    assert await house.dial() == ""
    assert (await house.row()).outcome == "not_dialled"
