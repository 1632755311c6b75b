"""What a flow may ask where a caller gets no line: ``callbacks.leave`` and ``callbacks.leave_own``.

Keeps the number at which a caller wants to be called. Only numbers that a brokerage's clerk may be asked to dial: a
public number of the mainland; a number abroad only when the call itself came from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from db.callbacks import CallbackWish
from db.phone_numbers import HOME_PREFIX, BadNumber, canonical, spoken_form
from ivr.flow.service import Caller, Result, Service
from ivr.speech.values import Code, Value

Leave = Callable[[CallbackWish], Awaitable[bool]]  # db.callbacks.Callbacks.leave

EXITS: Final[Mapping[str, Mapping[str, str]]] = {
    "left": {"number": "code"},  # to be read back; also when it was left before
    "no_number": {},  # withheld, or nothing that can be called
}


def callback_services(leave: Leave) -> tuple[Service, ...]:
    """The services over a place to keep wishes."""

    async def leave_own(caller: Caller, _: Mapping[str, Value]) -> Result:
        return await keep(caller, callable_number(caller.number, abroad=True))

    async def leave_keyed(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        keyed = inputs["number"]
        if not isinstance(keyed, Code):
            raise TypeError(f"the input `number` is a {type(keyed).__name__}, not a Code")
        return await keep(caller, callable_number(keyed.digits, abroad=False))

    async def keep(caller: Caller, number: str) -> Result:
        if not number:
            return Result("no_number")
        await leave(CallbackWish(number, caller.line, caller.language, caller.call_id, caller.recognised))
        return Result("left", {"number": Code(spoken_form(number))})

    return (
        Service("callbacks.leave", EXITS, leave_keyed, {"number": "code"}),
        Service("callbacks.leave_own", EXITS, leave_own),
    )


def callable_number(text: str, *, abroad: bool) -> str:
    """The stored form of a number that may be called back, or nothing.

    Service and emergency numbers are nobody's telephone; a number abroad that is only keyed in may be one of those that
    cost whoever calls them.
    """
    try:
        number = canonical(text)
    except BadNumber:
        return ""
    return number if number.startswith(HOME_PREFIX) or (abroad and number.startswith("+")) else ""
