"""``changes.phone``, ``changes.open_dictated``: what the customer asks a clerk to change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from db.change_requests import ChangeRequests, Dictated
from db.phone_numbers import BadNumber, canonical
from ivr.flow.service import Caller, Result, Service
from ivr.selfservice.inputs import digits
from ivr.selfservice.settled import LOCKED, proven, settled
from ivr.speech.values import Code, Value

WHAT: Final[Mapping[str, Dictated]] = {"1": "email", "2": "address"}
_KEYED: Final = re.compile(r"[0-9]{5,20}")


def change_services(requests: ChangeRequests) -> tuple[Service, ...]:
    """The services over the store."""

    async def phone(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        keyed = digits(inputs, "number")
        if not _KEYED.fullmatch(keyed):
            return Result("wrong")
        try:
            number = canonical(keyed)
        except BadNumber:
            return Result("wrong")
        if not number.startswith("+"):  # a service number (95500, 110) is nobody's telephone
            return Result("wrong")
        request = await requests.request_phone(proven(caller), number, call_id=caller.call_id)
        return Result("put", {"ticket": Code(request.number)})

    async def open_dictated(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        what = WHAT.get(digits(inputs, "what"))
        if what is None:
            return Result("wrong")
        request = await requests.request_dictated(proven(caller), what, call_id=caller.call_id)
        return Result("opened", {"ticket": Code(request.number), "recording": Code(request.recording)})

    more: Mapping[str, Mapping[str, str]] = {"wrong": {}, "too_many": {}, **LOCKED}
    return (
        Service("changes.phone", {"put": {"ticket": "code"}, **more}, settled(phone), {"number": "code"}, proven=True),
        Service(
            "changes.open_dictated",
            {"opened": {"ticket": "code", "recording": "code"}, **more},
            settled(open_dictated),
            {"what": "code"},
            proven=True,
        ),
    )
