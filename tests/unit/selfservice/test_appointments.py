"""Appointments: walked through, booked as read out, never twice, cancelled."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from db.appointments import MOST_AHEAD, Appointments
from db.audit import Audit
from db.slots import Slot, SlotRefused, Slots
from ivr.speech.values import Code, Count, Day, Name, Time
from tests.unit.selfservice.conftest import ACCOUNT, NOW, OTHER, Hotline

HOUR = datetime.timedelta(hours=1)


def slot(hours: float, **more: object) -> Slot:
    said = {"branch": "SH01", "starts_at": NOW + hours * HOUR, "minutes": 30} | more
    return Slot(**said)  # type: ignore[arg-type]


async def add(hotline: Hotline, *slots: Slot) -> None:
    await Slots(hotline.store).add(slots, actor="clerk7")


async def walk(hotline: Hotline, service: str, **more: str) -> tuple[list[str], str]:
    """What is read out, by its own number, from the beginning to the end."""
    read, position = [], 0
    while True:
        result = await hotline.ask(service, position=position, **more)
        if not result.values:
            return read, result.exit
        found, at = result.values["slot"], result.values["position"]
        assert isinstance(found, Code)
        assert isinstance(at, Count)
        read.append(found.digits)
        position = at.number


async def test_free_slots_of_the_own_branch_in_their_order(hotline: Hotline) -> None:
    assert (await hotline.ask("appointments.next", position=0, with_="1")).exit == "none"
    adviser = {"adviser": "agent1", "adviser_zh": "陈顾问", "adviser_en": "Ms Chen"}
    await add(hotline, slot(26.5), slot(3), slot(-1), slot(4, branch="SZ01"), slot(3), slot(3, **adviser))
    first = await hotline.ask("appointments.next", position=0, with_="1")
    assert first.exit == "slot"
    assert (first.values["day"], first.values["at"]) == (
        Day(datetime.date(2026, 11, 20)),
        Time(datetime.time(13, 30)),
    )
    assert first.values["where"] == Name({"zh": "上海营业部", "en": "Shanghai Branch"})
    read, how = await walk(hotline, "appointments.next", with_="1")
    assert (len(read), how) == (2, "end")
    with_adviser = await hotline.ask("appointments.next", position=0, with_="2")
    assert with_adviser.values["where"] == Name({"zh": "上海营业部，陈顾问", "en": "Shanghai Branch, with Ms Chen"})
    assert (await hotline.ask("appointments.next", position=0, with_="3")).exit == "wrong"


async def test_what_was_read_out_is_booked_and_heard_again(hotline: Hotline) -> None:
    await add(hotline, slot(3), slot(5))
    (_, second), _ = await walk(hotline, "appointments.next", with_="1")
    booked = await hotline.ask("appointments.book", slot=second)
    assert (booked.exit, booked.values["at"]) == ("booked", Time(datetime.time(15, 30)))
    assert await hotline.ask("appointments.book", slot=second) == booked, "booked twice is booked once"
    assert await walk(hotline, "appointments.mine") == ([second], "end")
    read, _ = await walk(hotline, "appointments.next", with_="1")
    assert second not in read, "whoever has a seat is offered another time"
    (visit,) = await Appointments(hotline.store).ahead(NOW, branch="SH01")
    assert (visit.account, visit.seat.slot) == (ACCOUNT, int(second))
    assert await hotline.trail() == ["appointment.booked"]


async def test_the_last_seat_goes_to_one_of_two_callers(hotline: Hotline) -> None:
    await add(hotline, *(slot(hours) for hours in range(1, 11)))
    for number in (await walk(hotline, "appointments.next", with_="1"))[0][:MOST_AHEAD]:
        results = await asyncio.gather(
            hotline.call("appointments.book", ACCOUNT, "17.1", slot=number),
            hotline.call("appointments.book", OTHER, "17.2", slot=number),
        )
        assert sorted(result.exit for result in results) == ["booked", "taken"]
    booked = [found.booked for found in await Slots(hotline.store).ahead(NOW)]
    assert booked == [1, 1, 1] + [0] * 7


async def test_a_seat_that_others_take_makes_nobody_skip_one(hotline: Hotline) -> None:
    await add(hotline, slot(1), slot(2), slot(3))
    numbers, _ = await walk(hotline, "appointments.next", with_="1")
    at_first = (await hotline.ask("appointments.next", position=0, with_="1")).values["position"]
    assert (await hotline.call("appointments.book", OTHER, slot=numbers[0])).exit == "booked"
    following = await hotline.ask("appointments.next", position=at_first, with_="1")
    assert following.values["slot"] == Code(numbers[1])


async def test_a_cancelled_seat_is_anybodys(hotline: Hotline) -> None:
    await add(hotline, slot(1))
    ((number,), _) = await walk(hotline, "appointments.next", with_="1")
    await hotline.ask("appointments.book", slot=number)
    assert (await hotline.call("appointments.cancel", OTHER, slot=number)).exit == "none"
    assert (await hotline.call("appointments.book", OTHER, slot=number)).exit == "taken"
    assert (await hotline.ask("appointments.cancel", slot=number)).exit == "cancelled"
    assert (await hotline.ask("appointments.cancel", slot=number)).exit == "none"
    assert (await hotline.ask("appointments.mine", position=0)).exit == "none"
    assert (await hotline.call("appointments.book", OTHER, slot=number)).exit == "booked"
    assert (await hotline.ask("appointments.book", slot=number)).exit == "taken"


async def test_a_slot_that_has_begun_or_is_of_another_branch_or_none_is_taken(hotline: Hotline) -> None:
    await add(hotline, slot(1), slot(2, branch="SZ01"))
    ((number,), _) = await walk(hotline, "appointments.next", with_="1")
    for other in (str(int(number) + 1), "0", "999999", "9" * 40, "x", ""):
        assert (await hotline.ask("appointments.book", slot=other)).exit == "taken"
    hotline.now = NOW + HOUR
    assert (await hotline.ask("appointments.book", slot=number)).exit == "taken"


async def test_one_customer_has_three_ahead_at_most_and_past_ones_do_not_count(hotline: Hotline) -> None:
    await add(hotline, *(slot(hours) for hours in (1, 2, 3, 4)))
    numbers, _ = await walk(hotline, "appointments.next", with_="1")
    exits = [(await hotline.ask("appointments.book", slot=number)).exit for number in numbers]
    assert exits == ["booked"] * 3 + ["too_many"]
    hotline.now = NOW + 1.5 * HOUR
    assert (await hotline.ask("appointments.cancel", slot=numbers[0])).exit == "none", "it is over"
    assert (await hotline.ask("appointments.book", slot=numbers[3])).exit == "booked"


async def test_slots_added_twice_are_added_once_and_never_fewer_than_booked(hotline: Hotline) -> None:
    slots = Slots(hotline.store)
    assert await slots.add([slot(1, capacity=2), slot(2)], actor="clerk7") == (2, 0)
    assert await slots.add([slot(1, capacity=2), slot(2, minutes=45)], actor="clerk7") == (0, 1)
    ((number, _), _) = await walk(hotline, "appointments.next", with_="1")
    await hotline.ask("appointments.book", slot=number)
    with pytest.raises(SlotRefused, match="1 are booked"):
        await slots.add([slot(3), slot(1, capacity=0)], actor="clerk7")
    with pytest.raises(SlotRefused, match="no branch 'X'"):
        await slots.add([slot(3), slot(1, branch="X")], actor="clerk7")
    assert len(await slots.ahead(NOW)) == 2, "all or none"
    assert [entry.what for entry in await Audit(hotline.store).of_account("")] == ["slots.added"] * 2
