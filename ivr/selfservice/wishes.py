"""``wishes.language``, ``.quiet_hours``, ``.no_quiet_hours``, ``.do_not_call``: what the customer wishes of us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from db.customer import LANGUAGES, Language
from db.wishes import Wishes
from ivr.flow.service import Caller, Result, Service
from ivr.selfservice import words
from ivr.selfservice.inputs import digits, time_of_day
from ivr.selfservice.settled import LOCKED, proven, settled
from ivr.speech.values import Time, Value

LANGUAGE_KEYS: Final[Mapping[str, Language]] = {str(key): word for key, word in enumerate(LANGUAGES, start=1)}
STOP_CALLS, TAKE_CALLS = "1", "2"


def wish_services(wishes: Wishes) -> tuple[Service, ...]:
    """The services over the store."""

    async def language(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        chosen = LANGUAGE_KEYS.get(digits(inputs, "choice"))
        if chosen is None:
            return Result("wrong")
        await wishes.prefer_language(proven(caller), chosen, actor=caller.call_id)
        return Result("saved", {"language": words.LANGUAGES[chosen]})

    async def quiet_hours(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        begin, end = time_of_day(digits(inputs, "from")), time_of_day(digits(inputs, "until"))
        if begin is None or end is None:
            return Result("wrong")
        if begin == end:  # no time at all, as Customer.quiet_at reads it
            await wishes.call_at_any_hour(proven(caller), actor=caller.call_id)
            return Result("off")
        await wishes.keep_quiet(proven(caller), begin, end, actor=caller.call_id)
        return Result("saved", {"from": Time(begin), "until": Time(end)})

    async def no_quiet_hours(caller: Caller, _: Mapping[str, Value]) -> Result:
        await wishes.call_at_any_hour(proven(caller), actor=caller.call_id)
        return Result("off")

    async def do_not_call(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        choice = digits(inputs, "choice")
        if choice == STOP_CALLS:
            await wishes.opt_out(proven(caller), actor=caller.call_id)
            return Result("opted_out")
        if choice == TAKE_CALLS:
            await wishes.opt_in(proven(caller), actor=caller.call_id)
            return Result("opted_in")
        return Result("wrong")

    hours = {"from": "code", "until": "code"}
    return (
        Service(
            "wishes.language",
            {"saved": {"language": "name"}, "wrong": {}, **LOCKED},
            settled(language),
            {"choice": "code"},
            proven=True,
        ),
        Service(
            "wishes.quiet_hours",
            {"saved": {"from": "time", "until": "time"}, "wrong": {}, "off": {}, **LOCKED},
            settled(quiet_hours),
            hours,
            proven=True,
        ),
        Service("wishes.no_quiet_hours", {"off": {}, **LOCKED}, settled(no_quiet_hours), proven=True),
        Service(
            "wishes.do_not_call",
            {"opted_out": {}, "opted_in": {}, "wrong": {}, **LOCKED},
            settled(do_not_call),
            {"choice": "code"},
            proven=True,
        ),
    )
