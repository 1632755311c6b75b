"""``appointments.next``, ``.book``, ``.mine``, ``.cancel``: a time at the customer's branch or with an adviser there.

A position is where the walk stands: 0 begins it, and each answer hands back the one to go on from. ``slot`` names the
slot that was read out, so that exactly that one is booked or cancelled.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Final

from db.appointments import Appointments, Seat, SlotTaken, With
from db.customer import BROKERAGE_TIME
from ivr.flow.service import Caller, Result, Service
from ivr.selfservice.inputs import digits, number, row_number
from ivr.selfservice.settled import LOCKED, UNAVAILABLE, proven, settled
from ivr.speech.values import Code, Count, Day, Name, Time, Value

WITH: Final[Mapping[str, With]] = {"1": "branch", "2": "adviser"}
SEAT: Final = {"day": "day", "at": "time", "where": "name"}
WALK: Final = {"position": "count", "slot": "code", **SEAT}


def appointment_services(appointments: Appointments, now: Callable[[], datetime.datetime]) -> tuple[Service, ...]:
    """The services over the store; ``now`` gives an aware moment."""

    async def next_(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        with_ = WITH.get(digits(inputs, "with"))
        if with_ is None:
            return Result("wrong")
        after = number(inputs, "position")
        seat = await appointments.next_free(proven(caller), with_, after=after, now=now())
        return _step("slot", seat, after)

    async def book(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        slot = row_number(digits(inputs, "slot"))
        try:
            seat = await appointments.book(proven(caller), slot, call_id=caller.call_id, now=now())
        except SlotTaken:
            return Result("taken")
        return Result("booked", _told(seat))

    async def mine(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        after = number(inputs, "position")
        return _step("booked", await appointments.mine(proven(caller), after=after, now=now()), after)

    async def cancel(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        slot = row_number(digits(inputs, "slot"))
        left = await appointments.cancel(proven(caller), slot, call_id=caller.call_id, now=now())
        return Result("cancelled" if left else "none")

    no_more: Mapping[str, Mapping[str, str]] = {"none": {}, "end": {}}
    return (
        Service(
            "appointments.next",
            {"slot": WALK, **no_more, "wrong": {}, **UNAVAILABLE},
            settled(next_),
            {"position": "count", "with": "code"},
            proven=True,
        ),
        Service(
            "appointments.book",
            {"booked": SEAT, "taken": {}, "too_many": {}, **LOCKED},
            settled(book),
            {"slot": "code"},
            proven=True,
        ),
        Service(
            "appointments.mine",
            {"booked": WALK, **no_more, **UNAVAILABLE},
            settled(mine),
            {"position": "count"},
            proven=True,
        ),
        Service(
            "appointments.cancel",
            {"cancelled": {}, "none": {}, **LOCKED},
            settled(cancel),
            {"slot": "code"},
            proven=True,
        ),
    )


def _step(exit_: str, seat: Seat | None, after: int) -> Result:
    if seat is None:
        return Result("end" if after else "none")
    return Result(exit_, {"position": Count(seat.slot), "slot": Code(str(seat.slot)), **_told(seat)})


def _told(seat: Seat) -> dict[str, Value]:
    start = seat.starts_at.astimezone(BROKERAGE_TIME)
    at = start.time().replace(second=0, microsecond=0)
    return {"day": Day(start.date()), "at": Time(at), "where": where(seat)}


def where(seat: Seat) -> Name:
    """The branch, and the adviser if there is one, as they are said."""
    return place(seat.branch_zh, seat.branch_en, seat.adviser_zh, seat.adviser_en)


def place(branch_zh: str, branch_en: str, adviser_zh: str, adviser_en: str) -> Name:
    """The same of names, of which one language may be empty."""
    zh, en = branch_zh or branch_en, branch_en or branch_zh
    adviser_zh, adviser_en = adviser_zh or adviser_en, adviser_en or adviser_zh
    if not adviser_zh:
        return Name({"zh": zh, "en": en})
    return Name({"zh": f"{zh}，{adviser_zh}", "en": f"{en}, with {adviser_en}"})
