"""``tickets.open``, ``tickets.status``: a complaint or a suggestion in the caller's own words, and what became of it.

Neither asks for a proof. Who knows a number hears where it stands, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from db.change_requests import ChangeRequests
from db.ticket_numbers import is_ticket_number
from db.tickets import TicketKind, Tickets
from ivr.flow.service import Caller, Result, Service
from ivr.selfservice.inputs import digits
from ivr.selfservice.settled import UNAVAILABLE, settled
from ivr.selfservice.tries import Tries
from ivr.selfservice.words import STATES
from ivr.speech.values import Code, Value

KINDS: Final[Mapping[str, TicketKind]] = {"1": "complaint", "2": "suggestion"}
MOST_ASKED: Final = 5  # of one call: nine million numbers are not found by trying


def ticket_services(tickets: Tickets, requests: ChangeRequests) -> tuple[Service, ...]:
    """The services over the store."""
    tries = Tries(MOST_ASKED)

    async def open_(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        kind = KINDS.get(digits(inputs, "kind"))
        if kind is None:
            return Result("wrong")
        ticket = await tickets.open(
            kind, call_id=caller.call_id, caller=caller.number, language=caller.language, customer=caller.customer
        )
        return Result("opened", {"ticket": Code(ticket.number), "recording": Code(ticket.recording)})

    async def status(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        asked = digits(inputs, "ticket")
        if not tries.may_try(caller.call_id):
            return Result("too_many")
        if not is_ticket_number(asked):
            return Result("unknown")
        state = await tickets.state(asked) or await requests.state(asked)
        return Result("state", {"state": STATES[state]}) if state else Result("unknown")

    return (
        Service(
            "tickets.open",
            {"opened": {"ticket": "code", "recording": "code"}, "wrong": {}, "too_many": {}, **UNAVAILABLE},
            settled(open_),
            {"kind": "code"},
        ),
        Service(
            "tickets.status",
            {"state": {"state": "name"}, "unknown": {}, "too_many": {}, **UNAVAILABLE},
            settled(status),
            {"ticket": "code"},
        ),
    )
