"""What a flow may ask for a caller who will not wait on the line: ``waiting.own_number``, ``waiting.call_back_own`` and
``waiting.call_back``. Words and numbers only; the place is kept by whoever is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from db.phone_numbers import spoken_form
from ivr.flow.service import AT_ONCE, Caller, Result, Service
from ivr.queueing.callbacks import Kept
from ivr.services.callbacks import callable_number
from ivr.speech.values import Code, Value

Keep = Callable[[Caller, str], Awaitable[Kept]]  # ivr.queueing.callbacks.CallbackDesk.keep

EXITS: Final[Mapping[str, Mapping[str, str]]] = {
    "kept": {"number": "code"},  # the place is kept, this number will be called
    "too_late": {},  # nobody may be called any more today
    "unusable": {},  # it cannot be called, or must not be
    "no_place": {},  # the call has not waited in the queue
}


def waiting_services(keep: Keep) -> tuple[Service, ...]:
    """The services over a way to keep the place of a call."""

    async def own_number(caller: Caller, _: Mapping[str, Value]) -> Result:
        number = callable_number(caller.number, abroad=True)
        return Result("known", {"number": Code(spoken_form(number))}) if number else Result("none")

    async def call_back_own(caller: Caller, _: Mapping[str, Value]) -> Result:
        return await kept(caller, callable_number(caller.number, abroad=True))

    async def call_back(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        keyed = inputs["number"]
        if not isinstance(keyed, Code):
            raise TypeError(f"the input `number` is a {type(keyed).__name__}, not a Code")
        return await kept(caller, callable_number(keyed.digits, abroad=False))

    async def kept(caller: Caller, number: str) -> Result:
        if not number:
            return Result("unusable")
        how = await keep(caller, number)
        return Result(how, {"number": Code(spoken_form(number))}) if how == "kept" else Result(how)

    return (
        Service("waiting.own_number", {"known": {"number": "code"}, "none": {}}, own_number, seconds=AT_ONCE),
        Service("waiting.call_back_own", EXITS, call_back_own),
        Service("waiting.call_back", EXITS, call_back, {"number": "code"}),
    )
